package proxy_test

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"path/filepath"
	"strings"
	"testing"

	"freshet/proxy"
)

// lineOf returns the values of a field of a head, joined.
func lineOf(head, name string) string {
	var values []string
	for line := range strings.SplitSeq(head, "\r\n") {
		if n, v, ok := strings.Cut(line, ": "); ok && strings.EqualFold(n, name) {
			values = append(values, v)
		}
	}
	return strings.Join(values, " | ")
}

// forwarded is what a request looks like at the origin.
func forwarded(t *testing.T, o proxy.Options, raw string) (head string) {
	t.Helper()
	url, heads := seen(t)
	o.Origins = []string{url + strings.Join(o.Origins, "")} // a prefix
	addr, _ := serve(t, newProxy(t, o))
	got := talk(t, addr, raw)
	if !strings.HasPrefix(got, "HTTP/1.1 200 ") {
		t.Fatalf("%q", got)
	}
	return receive(t, heads)
}

func TestFieldsAtTheOrigin(t *testing.T) {
	loopback := []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
	for _, c := range []struct {
		name string
		o    proxy.Options
		send string            // fields of the request
		want map[string]string // "" means absent
	}{
		{"hop by hop", proxy.Options{}, "Connection: close, X-Mine, keep-alive\r\nX-Mine: 1\r\nX-Other: 2\r\nKeep-Alive: timeout=5\r\nProxy-Connection: x\r\n" +
			"Proxy-Authorization: Basic eA==\r\nTE: gzip\r\nUpgrade: h2c\r\nHTTP2-Settings: AAA\r\n",
			map[string]string{"X-Mine": "", "X-Other": "2", "Keep-Alive": "", "Proxy-Connection": "", "Proxy-Authorization": "", "TE": "", "Upgrade": "", "HTTP2-Settings": ""}},
		{"trailers", proxy.Options{}, "TE: gzip;q=1, trailers\r\nConnection: TE, close\r\n", map[string]string{"TE": "trailers"}},
		{"upgrade to h2c", proxy.Options{}, "Connection: Upgrade, HTTP2-Settings, close\r\nUpgrade: h2c, HTTP/2.0, TLS/1.0\r\nHTTP2-Settings: AAA\r\n",
			map[string]string{"Upgrade": "", "HTTP2-Settings": ""}},
		{"via", proxy.Options{}, "Via: 1.0 fred, 1.1 p.example.net (x)\r\n", map[string]string{"Via": "1.0 fred, 1.1 p.example.net (x), 1.1 freshet", "CDN-Loop": "freshet"}},
		{"name", proxy.Options{Name: "edge"}, "Via: 1.1 freshet\r\nCDN-Loop: other; a=b\r\n", map[string]string{"Via": "1.1 freshet, 1.1 edge", "CDN-Loop": "other; a=b, edge"}},
		{"agent", proxy.Options{}, "", map[string]string{"User-Agent": "", "Accept-Encoding": ""}},
		{"own fields cannot be taken out", proxy.Options{}, "Connection: Via, X-Forwarded-For, CDN-Loop, Forwarded, Host, close\r\n",
			map[string]string{"X-Forwarded-For": "127.0.0.1", "Via": "1.1 freshet", "CDN-Loop": "freshet"}},
		{"untrusted", proxy.Options{}, "Forwarded: for=6.6.6.6\r\nX-Forwarded-For: 6.6.6.6\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: evil\r\nX-Forwarded-Prefix: /x\r\n" +
			"X_Forwarded_For: 6.6.6.6\r\nX-Real-IP: 6.6.6.6\r\n",
			map[string]string{"Forwarded": "for=127.0.0.1;host=x.example;proto=http", "X-Forwarded-For": "127.0.0.1", "X-Forwarded-Proto": "http",
				"X-Forwarded-Host": "x.example", "X-Forwarded-Prefix": "", "X_Forwarded_For": "", "X-Real-IP": ""}},
		{"trusted", proxy.Options{Trusted: loopback}, "Forwarded: for=192.0.2.1;proto=https\r\nX-Forwarded-For: 192.0.2.1\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: www\r\n",
			map[string]string{"Forwarded": "for=192.0.2.1;proto=https, for=127.0.0.1;host=x.example;proto=http", "X-Forwarded-For": "192.0.2.1, 127.0.0.1",
				"X-Forwarded-Proto": "https", "X-Forwarded-Host": "www"}},
		{"trusted, old fields only", proxy.Options{Trusted: loopback}, "X-Forwarded-For: 192.0.2.1, 2001:db8::1, junk\r\n",
			map[string]string{"Forwarded": `for=192.0.2.1, for="[2001:db8::1]", for=unknown, for=127.0.0.1;host=x.example;proto=http`,
				"X-Forwarded-For": "192.0.2.1, 2001:db8::1, junk, 127.0.0.1"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			send := c.send
			if !strings.Contains(send, "close\r\n") && !strings.Contains(send, "Connection:") {
				send += "Connection: close\r\n"
			}
			head := forwarded(t, c.o, "GET /p?q HTTP/1.1\r\nHost: x.example\r\n"+send+"\r\n")
			for name, want := range c.want {
				if got := lineOf(head, name); got != want {
					t.Errorf("%s: %q, want %q", name, got, want)
				}
			}
			if c := lineOf(head, "Connection"); c != "" && c != "TE" && c != "keep-alive" {
				t.Errorf("Connection: %s", c)
			}
		})
	}
}

// The target reaches the origin byte for byte.
func TestTargets(t *testing.T) {
	for _, c := range []struct{ prefix, target, want string }{
		{"", "/", "/"},
		{"", "/a%2Fb%20c?x=%5B1%5D&y=[2]|^", "/a%2Fb%20c?x=%5B1%5D&y=[2]|^"},
		{"", "/a/../b/./c//d", "/a/../b/./c//d"},
		{"", "//host/path", "//host/path"},
		{"", "/[x]", "/[x]"},
		{"", "/?", "/?"},
		{"", "/%7Euser/%e4", "/%7Euser/%e4"},
		{"", "http://x.example/abs?q", "/abs?q"},
		{"/app", "/", "/app/"},
		{"/app/", "/x%2Fy?z", "/app/x%2Fy?z"},
		{"/a%20b", "/x", "/a%20b/x"},
		{"/app", "//x", "/app//x"},
	} {
		head := forwarded(t, proxy.Options{Origins: []string{c.prefix}}, "GET "+c.target+" HTTP/1.1\r\nHost: x.example\r\nConnection: close\r\n\r\n")
		line, _, _ := strings.Cut(head, "\r\n")
		if want := "GET " + c.want + " HTTP/1.1"; line != want {
			t.Errorf("%s behind %q: %q, want %q", c.target, c.prefix, line, want)
		}
	}
}

func TestHostPolicies(t *testing.T) {
	for _, c := range []struct {
		o    proxy.Options
		want string
	}{
		{proxy.Options{}, "127.0.0.1:"},
		{proxy.Options{Host: proxy.HostClient}, "x.example"},
		{proxy.Options{Host: proxy.HostFixed, HostName: "fixed.example:81"}, "fixed.example:81"},
	} {
		head := forwarded(t, c.o, "GET / HTTP/1.1\r\nHost: x.example\r\nConnection: close\r\n\r\n")
		if got := lineOf(head, "Host"); !strings.HasPrefix(got, c.want) {
			t.Errorf("policy %d: %q", c.o.Host, got)
		}
	}
}

func TestUnixOrigin(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, r.Host+r.URL.Path) }))
	srv.Listener.Close()
	srv.Listener = l
	srv.Start()
	defer srv.Close()
	addr, _ := serve(t, newProxy(t, proxy.Options{Origins: []string{"unix:" + path}}))
	if got := talk(t, addr, "GET /u HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"); !strings.HasSuffix(got, "\r\n\r\nlocalhost/u") {
		t.Errorf("%q", got)
	}
}

// What is not passed on, and why.
func TestRefused(t *testing.T) {
	url, heads := seen(t)
	for _, c := range []struct{ raw, status, rule string }{
		{"GET / HTTP/1.1\r\nHost: x\r\nVia: 1.1 a, 1.1 FRESHET (c)\r\n", "508", "proxy-loop"},
		{"GET / HTTP/1.1\r\nHost: x\r\nCDN-Loop: a, freshet; x=\"1,2\"\r\n", "508", "proxy-loop"},
		{"CONNECT x:80 HTTP/1.1\r\nHost: x:80\r\n", "501", "proxy-connect"},
		{"OPTIONS / HTTP/1.1\r\nHost: x\r\nMax-Forwards: 0\r\n", "200", "proxy-final-recipient"},
		{"TRACE /t HTTP/1.1\r\nHost: x\r\nCookie: secret\r\nX-A: 1\r\nMax-Forwards: 0\r\n", "200", "proxy-final-recipient"},
		{"GET /a/%2e%2e/%2E%2E/b HTTP/1.1\r\nHost: x\r\n", "400", "proxy-leaves-prefix"},
		{"GET /a/..%2fb HTTP/1.1\r\nHost: x\r\n", "400", "proxy-leaves-prefix"},
		{"GET /a/..;x/b HTTP/1.1\r\nHost: x\r\n", "400", "proxy-leaves-prefix"},
	} {
		addr, recs := serve(t, newProxy(t, proxy.Options{Origins: []string{url + "/app"}}))
		got := talk(t, addr, c.raw+"Connection: close\r\n\r\n")
		if !strings.HasPrefix(got, "HTTP/1.1 "+c.status+" ") {
			t.Errorf("%q: %q", c.raw, got)
		}
		if strings.Contains(got, "secret") || strings.HasPrefix(c.raw, "TRACE") && !strings.Contains(got, "TRACE /t HTTP/1.1\r\nHost: x\r\n") {
			t.Errorf("%q: %q", c.raw, got)
		}
		if r := recs.rule(t); r != c.rule {
			t.Errorf("%q: rule %s, want %s", c.raw, r, c.rule)
		}
	}
	if len(heads) > 0 {
		t.Errorf("the origin got %q", <-heads)
	}
}

func TestMaxForwards(t *testing.T) {
	for _, c := range []struct{ method, sent, want string }{
		{"OPTIONS", "3", "2"}, {"TRACE", "1", "0"}, {"GET", "0", "0"}, {"OPTIONS", "x", "x"},
	} {
		head := forwarded(t, proxy.Options{}, c.method+" / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nMax-Forwards: "+c.sent+"\r\n\r\n")
		if got := lineOf(head, "Max-Forwards"); got != c.want {
			t.Errorf("%s %s: %q", c.method, c.sent, got)
		}
	}
}

// Whoever parsed the request: nothing in it becomes a line of its own.
func TestNothingMakesTwoRequests(t *testing.T) {
	url, heads := seen(t)
	h := newProxy(t, proxy.Options{Origins: []string{url}, Host: proxy.HostClient})
	for name, change := range map[string]func(r *http.Request){
		"method":        func(r *http.Request) { r.Method = "GET / HTTP/1.1\r\nX:" },
		"field name":    func(r *http.Request) { r.Header["A\r\nB"] = []string{"1"} },
		"field value":   func(r *http.Request) { r.Header["A"] = []string{"1\r\nB: 2"} },
		"bare LF":       func(r *http.Request) { r.Header["A"] = []string{"1\nB: 2"} },
		"NUL":           func(r *http.Request) { r.Header["A"] = []string{"1\x00"} },
		"host":          func(r *http.Request) { r.Host = "x\r\nB: 2" },
		"query":         func(r *http.Request) { r.URL.RawQuery = "a HTTP/1.1\r\nB: 2" },
		"opaque target": func(r *http.Request) { r.URL.Opaque = "x y" },
	} {
		r := httptest.NewRequest("GET", "/", nil)
		change(r)
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code != 400 {
			t.Errorf("%s: %d", name, w.Code)
		}
	}
	// A map that was not filled by a server: other spellings are the same field.
	r := httptest.NewRequest("GET", "/", nil)
	r.Header["transfer-encoding"], r.Header["connection"], r.Header["x-a"] = []string{"chunked"}, []string{"X-A"}, []string{"1"}
	h.ServeHTTP(httptest.NewRecorder(), r)
	if head := receive(t, heads); strings.Contains(strings.ToLower(head), "chunked") || lineOf(head, "X-A") != "" {
		t.Errorf("%q", head)
	}
	// A path may decode to anything: it is encoded again.
	r = httptest.NewRequest("GET", "/", nil)
	r.URL.Path, r.URL.RawPath = "/a b\r\nc", ""
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	if head := receive(t, heads); !strings.HasPrefix(head, "GET /a%20b%0D%0Ac HTTP/1.1\r\n") || len(heads) > 0 {
		t.Errorf("%q", head)
	}
}

// A GET may have a body, and it passes; so do both framings of others.
func TestRequestBodies(t *testing.T) {
	got := make(chan string, 1)
	origin := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		got <- r.Method + " " + strings.Join(r.TransferEncoding, "") + " " + string(b)
	}))
	defer origin.Close()
	addr, _ := serve(t, newProxy(t, proxy.Options{Origins: []string{origin.URL}}))
	for raw, want := range map[string]string{
		"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nfat":                            "GET  fat",
		"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc":                           "POST  abc",
		"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n":                              "POST  ",
		"PUT / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n": "PUT chunked abc",
	} {
		c, br := dial(t, addr)
		io.WriteString(c, raw)
		if s := receive(t, got); s != want {
			t.Errorf("%q: %q, want %q", raw, s, want)
		}
		if resp, err := http.ReadResponse(br, nil); err != nil || resp.StatusCode != 200 {
			t.Errorf("%q: %v", raw, err)
		}
	}
}

// A client's body that breaks a rule is the client's fault, whatever the
// origin makes of it.
func TestBrokenRequestBody(t *testing.T) {
	url := script(t, func(c net.Conn, br *bufio.Reader) { io.Copy(io.Discard, br) })
	h := newProxy(t, proxy.Options{Origins: []string{url}})
	addr, recs := serve(t, h)
	for raw, want := range map[string]string{
		"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabcXX": "body-incomplete",
		"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nabc":                 "body-incomplete",
	} {
		c, br := dial(t, addr)
		io.WriteString(c, raw)
		c.(*net.TCPConn).CloseWrite()
		resp, err := http.ReadResponse(br, nil)
		if err != nil || resp.StatusCode != 400 {
			t.Errorf("%q: %v, %v", raw, resp, err)
		}
		if r := recs.rule(t); r != want {
			t.Errorf("%q: %s", raw, r)
		}
	}
	if s := h.States()[0]; s.Fails != 0 {
		t.Errorf("counted against the origin: %+v", s)
	}
}
