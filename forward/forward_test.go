package forward_test

import (
	"bufio"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"time"

	"freshet/cache"
	"freshet/forward"
	"freshet/httpd"
	"freshet/internal/rule"
	"freshet/internal/wiretest"
)

func TestMain(m *testing.M) { wiretest.Main(m) }

// rules collects the rules of requests that were answered.
type rules chan string

func (c rules) Record(r *httpd.Record) { c <- r.Rule.String() }

// start serves a handler on loopback and returns its address.
func start(t *testing.T, o forward.Options) string {
	t.Helper()
	return startTold(t, o, nil)
}

// startTold is start, with the records told.
func startTold(t *testing.T, o forward.Options, told rules) string {
	t.Helper()
	h, err := forward.New(o)
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	srv := &httpd.Server{Handler: h}
	if told != nil {
		srv.Sink = told
	}
	done := make(chan struct{})
	go func() { defer close(done); srv.Serve(l) }()
	t.Cleanup(func() { srv.Close(); <-done; h.Close() })
	return l.Addr().String()
}

// through returns a client that uses the proxy.
func through(t *testing.T, addr string) *http.Client {
	t.Helper()
	tr := &http.Transport{Proxy: http.ProxyURL(&url.URL{Scheme: "http", Host: addr})}
	t.Cleanup(tr.CloseIdleConnections)
	return &http.Client{Transport: tr}
}

func get(t *testing.T, c *http.Client, url string) (*http.Response, string) {
	t.Helper()
	resp, err := c.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, string(body)
}

// A request in absolute form is answered by the server that it names, the
// second time from the cache; the credentials for the proxy reach nobody.
func TestForward(t *testing.T) {
	store, err := cache.NewStore(cache.StoreOptions{Memory: 8 << 20})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	var got []http.Header
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got = append(got, r.Header.Clone())
		w.Header().Set("Cache-Control", "max-age=60")
		io.WriteString(w, "from "+r.Host+r.URL.RequestURI())
	}))
	defer server.Close()
	addr := start(t, forward.Options{AllowPrivate: true, Store: store, Login: func(n, p string) bool { return n == "ann" && p == "secret" }})
	tr := &http.Transport{Proxy: http.ProxyURL(&url.URL{Scheme: "http", Host: addr, User: url.UserPassword("ann", "secret")})}
	defer tr.CloseIdleConnections()
	client := &http.Client{Transport: tr}
	for i, want := range []string{"freshet; fwd=uri-miss; fwd-status=200; stored", "freshet; hit; ttl="} {
		resp, body := get(t, client, server.URL+"/x?y=%2F")
		if body != "from "+strings.TrimPrefix(server.URL, "http://")+"/x?y=%2F" {
			t.Errorf("request %d: body %q", i, body)
		}
		if status := resp.Header.Get("Cache-Status"); !strings.HasPrefix(status, want) {
			t.Errorf("request %d: Cache-Status %q, want %q", i, status, want)
		}
	}
	if len(got) != 1 {
		t.Fatalf("the server was asked %d times", len(got))
	}
	for _, name := range []string{"Proxy-Authorization", "Proxy-Connection", "X-Forwarded-For", "Forwarded"} {
		if got[0].Get(name) != "" {
			t.Errorf("the server got %s", name)
		}
	}
	if got[0].Get("Via") != "1.1 freshet" {
		t.Errorf("Via %q", got[0].Get("Via"))
	}
}

// CONNECT makes a tunnel, through which TLS is the client's and the server's.
func TestConnect(t *testing.T) {
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "secret") }))
	defer server.Close()
	u, _ := url.Parse(server.URL)
	port := int(netip.MustParseAddrPort(u.Host).Port())
	addr := start(t, forward.Options{AllowPrivate: true, Ports: []int{port}})
	tr := server.Client().Transport.(*http.Transport).Clone()
	tr.Proxy = http.ProxyURL(&url.URL{Scheme: "http", Host: addr})
	defer tr.CloseIdleConnections()
	resp, body := get(t, &http.Client{Transport: tr}, server.URL)
	if resp.StatusCode != 200 || body != "secret" {
		t.Errorf("got %s %q", resp.Status, body)
	}
}

// Each refusal has its status, and reaches nobody.
func TestRefused(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { t.Errorf("the server got %s %s", r.Method, r.URL) }))
	defer server.Close()
	login := func(n, p string) bool { return n == "ann" && p == "secret" }
	for _, tt := range []struct {
		name    string
		options forward.Options
		request string
		status  int
		rule    string
	}{
		{"private destination", forward.Options{}, "GET " + server.URL + "/ HTTP/1.1\r\nHost: x\r\n\r\n", 403, "filter-destination"},
		{"tunnel to a private destination", forward.Options{}, "CONNECT 127.0.0.1:443 HTTP/1.1\r\nHost: 127.0.0.1:443\r\n\r\n", 403, "filter-destination"},
		{"another form of loopback", forward.Options{}, "GET http://[::ffff:127.0.0.1]/ HTTP/1.1\r\nHost: x\r\n\r\n", 403, "filter-destination"},
		{"port of mail, tunnel", forward.Options{AllowPrivate: true}, "CONNECT 127.0.0.1:25 HTTP/1.1\r\nHost: 127.0.0.1:25\r\n\r\n", 403, "filter-port"},
		{"port of mail", forward.Options{AllowPrivate: true}, "GET http://127.0.0.1:25/ HTTP/1.1\r\nHost: x\r\n\r\n", 403, "filter-port"},
		{"tunnel to a high port", forward.Options{AllowPrivate: true}, "CONNECT 127.0.0.1:8080 HTTP/1.1\r\nHost: 127.0.0.1:8080\r\n\r\n", 403, "filter-port"},
		{"client of elsewhere", forward.Options{AllowPrivate: true, Clients: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}}, "GET " + server.URL + "/ HTTP/1.1\r\nHost: x\r\n\r\n", 403, "filter-client"},
		{"no password", forward.Options{AllowPrivate: true, Login: login}, "GET " + server.URL + "/ HTTP/1.1\r\nHost: x\r\n\r\n", 407, "filter-login"},
		{"wrong password", forward.Options{AllowPrivate: true, Login: login}, "GET " + server.URL + "/ HTTP/1.1\r\nHost: x\r\nProxy-Authorization: Basic YW5uOndyb25n\r\n\r\n", 407, "filter-login"},
		{"a loop", forward.Options{AllowPrivate: true}, "GET " + server.URL + "/ HTTP/1.1\r\nHost: x\r\nVia: 1.1 freshet\r\n\r\n", 508, "proxy-loop"},
		{"no server named", forward.Options{}, "GET /x HTTP/1.1\r\nHost: x\r\n\r\n", 404, "filter-no-page"},
		{"nobody there", forward.Options{AllowPrivate: true, Ports: []int{1}}, "CONNECT 127.0.0.1:1 HTTP/1.1\r\nHost: 127.0.0.1:1\r\n\r\n", 502, "filter-tunnel-failed"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			told := make(rules, 1)
			c, err := net.Dial("tcp", startTold(t, tt.options, told))
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			io.WriteString(c, tt.request)
			resp, err := http.ReadResponse(bufio.NewReader(c), nil)
			if err != nil {
				t.Fatal(err)
			}
			resp.Body.Close()
			if given := <-told; resp.StatusCode != tt.status || given != tt.rule {
				t.Errorf("got %s by %s, want %d by %s", resp.Status, given, tt.status, tt.rule)
			}
			if asks := resp.Header.Get("Proxy-Authenticate") != ""; asks != (tt.status == 407) {
				t.Errorf("Proxy-Authenticate: %v", asks)
			}
		})
	}
}

// A password that others can read is not taken, right or wrong (RFC 7617 §4);
// one that came over TLS is.
func TestLoginPlain(t *testing.T) {
	asked := 0
	h, err := forward.New(forward.Options{Clients: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")},
		Login: func(n, p string) bool { asked++; return true }})
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	for _, over := range []*tls.ConnectionState{nil, {}} {
		r := httptest.NewRequest("GET", "http://127.0.0.1/", nil)
		r.RemoteAddr, r.TLS = "192.0.2.7:1234", over
		r.Header.Set("Proxy-Authorization", "Basic YW5uOnNlY3JldA==")
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		want := "--allow-destination" // the destination comes after the login
		if over == nil {
			want = rule.Of(rule.FilterLoginPlain).Sentence // filter-login-plain
		}
		if w.Code != 403 || !strings.Contains(w.Body.String(), want) {
			t.Errorf("TLS %v: got %d, want %s\n%s", over != nil, w.Code, want, w.Body)
		}
	}
	if asked != 1 {
		t.Errorf("%d passwords were looked at", asked)
	}
}

// There are as many tunnels as there may be; one that ends makes room.
func TestMaxTunnels(t *testing.T) {
	server, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	told := make(rules, 16)
	port := server.Addr().(*net.TCPAddr).Port
	addr := startTold(t, forward.Options{AllowPrivate: true, Ports: []int{port}, MaxTunnels: 1}, told)
	connect := func() (net.Conn, int) {
		c, err := net.Dial("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(c, "CONNECT %s HTTP/1.1\r\nHost: %[1]s\r\n\r\n", server.Addr())
		resp, err := http.ReadResponse(bufio.NewReader(c), &http.Request{Method: "CONNECT"})
		if err != nil {
			t.Fatal(err)
		}
		return c, resp.StatusCode
	}
	first, status := connect()
	if given := <-told; status != 200 || given != "filter-tunnel" {
		t.Fatalf("the first tunnel: %d by %s", status, given)
	}
	second, status := connect()
	second.Close()
	if given := <-told; status != 503 || given != "filter-tunnels" {
		t.Fatalf("the second tunnel: %d by %s", status, given)
	}
	first.Close()
	behind, err := server.Accept()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(io.Discard, behind); err != nil { // the proxy has closed it
		t.Fatal(err)
	}
	behind.Close()
	for deadline := time.Now().Add(time.Minute); ; {
		c, status := connect()
		c.Close()
		<-told
		if status == 200 {
			return
		}
		if time.Now().After(deadline) {
			t.Fatal("the tunnel that ended makes no room")
		}
	}
}

// The proxy tells how it is used, and has a configuration for browsers.
func TestOwnPages(t *testing.T) {
	told := make(rules, 2)
	addr := startTold(t, forward.Options{}, told)
	for path, want := range map[string]string{"/": "chromium --proxy-server=" + addr, "/proxy.pac": `"PROXY ` + addr + `"`} {
		resp, body := get(t, http.DefaultClient, "http://"+addr+path)
		if resp.StatusCode != 200 || !strings.Contains(body, want) {
			t.Errorf("%s: %s, no %q in\n%s", path, resp.Status, want, body)
		}
	}
	if given := <-told; given != "filter-own-page" {
		t.Errorf("the rule is %s", given)
	}
	http.DefaultClient.CloseIdleConnections()
}
