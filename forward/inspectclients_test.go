package forward_test

import (
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"freshet/forward"
	"freshet/httpd"
)

// curl, with the authority for its only one, takes what is inside by both
// protocols, and without it nothing.
func TestInspectCurl(t *testing.T) {
	curl, err := exec.LookPath("curl")
	if err != nil {
		t.Skip("no curl")
	}
	w := newWorld(t, nil)
	w.site("www.test", http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		io.WriteString(rw, r.Method+" "+string(body))
	}))
	ca := filepath.Join(t.TempDir(), "ca.crt")
	if err := os.WriteFile(ca, w.ours.PEM(), 0o600); err != nil {
		t.Fatal(err)
	}
	run := func(args ...string) (string, int) {
		args = append([]string{"-q", "--silent", "--max-time", "20", "--noproxy", "", "--proxy", "http://" + w.addr}, args...)
		out, err := exec.Command(curl, args...).CombinedOutput()
		if exit, ok := err.(*exec.ExitError); ok {
			return string(out), exit.ExitCode()
		}
		if err != nil {
			t.Fatal(err)
		}
		return string(out), 0
	}
	for _, version := range []string{"1.1", "2"} {
		out, status := run("--http"+version, "--cacert", ca, "--data", "a=b", "--write-out", " %{http_version} %{ssl_verify_result}", "https://www.test/x")
		if want := "POST a=b " + version + " 0"; out != want || status != 0 {
			t.Errorf("curl says %q with status %d, want %q", out, status, want)
		}
	}
	if out, status := run("https://www.test/x"); status != 60 {
		t.Errorf("without the authority curl says %q with status %d", out, status)
	}
	w.siteWith("bad.test", http.NotFoundHandler(), func(c *tls.Config) { c.Certificates[0] = w.cert("other.test", nil) })
	if out, status := run("--cacert", ca, "--insecure", "https://bad.test/"); status != 56 {
		t.Errorf("for a server that is not valid curl says %q with status %d", out, status)
	}
}

// The way to the proxy may be TLS, too: then there is TLS in TLS, and the client's
// address and protocols are those of inside.
func TestInspectOverTLS(t *testing.T) {
	w := newWorld(t, nil)
	w.site("www.test", http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) { io.WriteString(rw, "inside") }))
	leaf, err := w.ours.Leaf("proxy.test")
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	srv := &httpd.Server{Handler: w.proxy, TLSConfig: &tls.Config{Certificates: []tls.Certificate{*leaf}}}
	done := make(chan struct{})
	go func() { defer close(done); srv.ServeTLS(l, "", "") }()
	defer func() { srv.Close(); <-done }()
	for _, h2 := range []bool{false, true} {
		client := w.client(h2)
		tr := client.Transport.(*http.Transport)
		tr.DialContext = func(context.Context, string, string) (net.Conn, error) {
			return tls.Dial("tcp", l.Addr().String(), &tls.Config{ServerName: "proxy.test", RootCAs: w.ours.Pool()})
		}
		resp, body := get(t, client, "https://www.test/")
		if body != "inside" || resp.ProtoMajor != map[bool]int{false: 1, true: 2}[h2] {
			t.Errorf("got %q over %s", body, resp.Proto)
		}
	}
}

// The way to servers is that of all requests: by parents, which see a tunnel, and
// to the addresses and ports that may be used.
func TestInspectByParent(t *testing.T) {
	w := newWorld(t, nil)
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) { io.WriteString(rw, r.Header.Get("Via")) }))
	leaf, err := w.ours.Leaf("127.0.0.1")
	if err != nil {
		t.Fatal(err)
	}
	server.TLS = &tls.Config{Certificates: []tls.Certificate{*leaf}}
	server.StartTLS()
	defer server.Close()
	port := server.Listener.Addr().(*net.TCPAddr).Port
	seen := make(rules, 100)
	parent := startTold(t, forward.Options{AllowPrivate: true, Ports: []int{port}, Name: "parent"}, seen)
	inspect := forward.Inspection{Hosts: []string{"127.0.0.1"}, Leaf: w.ours.Leaf}
	first := forward.Options{AllowPrivate: true, Ports: []int{port}, Parents: []string{"http://" + parent}, Roots: w.ours.Pool(), Inspect: inspect}
	client := w.client(true)
	client.Transport.(*http.Transport).Proxy = http.ProxyURL(&url.URL{Scheme: "http", Host: start(t, first)})
	if _, body := get(t, client, server.URL); !strings.HasSuffix(body, " freshet") || strings.Contains(body, ",") {
		t.Errorf("the server got Via %q", body)
	}
	for range 2 { // the look, and the request
		if got := <-seen; got != "filter-tunnel" {
			t.Errorf("the parent has %s", got)
		}
	}
	alone := forward.Options{Ports: []int{port}, Roots: w.ours.Pool(), Inspect: inspect}
	told := make(rules, 1)
	client.Transport.(*http.Transport).Proxy = http.ProxyURL(&url.URL{Scheme: "http", Host: startTold(t, alone, told)})
	client.CloseIdleConnections()
	if resp, err := client.Get(server.URL); err == nil {
		t.Errorf("a private address is reached: %s", resp.Status)
	}
	if got := <-told; got != "filter-destination" {
		t.Errorf("by %s", got)
	}
}

// Close ends what is inside and what is about to be, and waits for it.
func TestInspectClose(t *testing.T) {
	w := newWorld(t, nil)
	begun := make(chan struct{}, 4)
	w.site("www.test", http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		http.NewResponseController(rw).Flush()
		begun <- struct{}{}
		<-r.Context().Done()
	}))
	idle, silent := w.inside("www.test"), func() net.Conn { c, _ := w.tunnel("www.test:443"); return c }()
	for _, proto := range []string{"http/1.1", "h2"} {
		client := w.client(proto == "h2")
		go func() {
			if resp, err := client.Get("https://www.test/"); err == nil {
				io.Copy(io.Discard, resp.Body)
				resp.Body.Close()
			}
		}()
		<-begun
	}
	w.proxy.Close()
	for _, c := range []net.Conn{idle, silent} {
		if n, err := c.Read(make([]byte, 1)); n > 0 || err == nil {
			t.Errorf("%d bytes, %v", n, err)
		}
	}
	if c, head := w.tunnel("www.test:443"); strings.HasPrefix(head, "HTTP/1.1 200 ") {
		if _, err := io.ReadAll(c); err != nil && !strings.Contains(err.Error(), "reset") {
			t.Errorf("a tunnel after Close: %v", err)
		}
	}
}
