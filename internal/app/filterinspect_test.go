package app

import (
	"bufio"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"testing"

	"freshet/internal/authority"
)

// The command looks into https with the authority of freshet tls, says which one
// that is, and does not vouch for a server that nobody vouches for.
func TestFilterInspect(t *testing.T) {
	dir := t.TempDir()
	a, err := authority.Create(filepath.Join(dir, "freshet", "authority"), authority.Options{})
	if err != nil {
		t.Fatal(err)
	}
	origin := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { t.Errorf("the server got %s", r.URL) }))
	defer origin.Close()
	u, _ := url.Parse(origin.URL)
	p := startWith(t, func(e *Env) { e.Environ = append([]string{"XDG_DATA_HOME=" + dir}, noMonitor...) },
		"filter", "--listen", "127.0.0.1:0", "--allow-private", "--port", u.Port(), "--inspect", "127.0.0.1", "--inspect", "*")
	address := p.url()
	if resp, body := get(t, address+"authority.crt"); resp.StatusCode != 200 || body != string(a.PEM()) {
		t.Errorf("%s %q", resp.Status, body)
	}
	by, _ := url.Parse(address)
	c, err := net.Dial("tcp", by.Host)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	io.WriteString(c, "CONNECT "+u.Host+" HTTP/1.1\r\nHost: "+u.Host+"\r\n\r\n")
	resp, err := http.ReadResponse(bufio.NewReader(c), &http.Request{Method: "CONNECT"})
	if err != nil {
		t.Fatal(err)
	}
	body, _ := io.ReadAll(resp.Body)
	if resp.StatusCode != 502 || !strings.Contains(resp.Header.Get("Proxy-Status"), "error=tls_certificate_error") || !strings.Contains(string(body), "certificate is not valid") {
		t.Errorf("%s %v %s", resp.Status, resp.Header, body)
	}
	p.stop()
	contains(t, p.stdout.String(), `"CONNECT `+u.Host+` HTTP/1.1" 502 `)
}

// Without --inspect, https passes as it is, and there is no authority to trust.
func TestFilterInspectsNothing(t *testing.T) {
	origin := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "its own") }))
	defer origin.Close()
	u, _ := url.Parse(origin.URL)
	p := start(t, "filter", "--listen", "127.0.0.1:0", "--allow-private", "--port", u.Port())
	by, _ := url.Parse(p.url())
	if resp, _ := get(t, p.url()+"authority.crt"); resp.StatusCode != 404 {
		t.Errorf("%s", resp.Status)
	}
	tr := origin.Client().Transport.(*http.Transport).Clone()
	tr.Proxy = http.ProxyURL(&url.URL{Scheme: "http", Host: by.Host})
	tr.TLSClientConfig.MinVersion = tls.VersionTLS13
	defer tr.CloseIdleConnections()
	resp, err := (&http.Client{Transport: tr}).Get(origin.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if body, _ := io.ReadAll(resp.Body); string(body) != "its own" {
		t.Errorf("got %q", body)
	}
}

// What inspection needs and is not there is told with what to do.
func TestFilterInspectFaults(t *testing.T) {
	dir := t.TempDir()
	for _, tt := range []struct {
		args string
		says []string
	}{
		{"--inspect * --authority " + dir, []string{"there is none in " + dir, `"freshet tls ca"`, `"freshet tls trust"`, "--authority"}},
		{"--inspect *", []string{"set HOME or XDG_DATA_HOME, or give --authority"}},
		{"--pass-through a/b", []string{`"a/b" is no host: give example.com`}},
	} {
		p := start(t, strings.Fields("filter --listen 127.0.0.1:0 "+tt.args)...)
		if p.wait() == 0 {
			t.Errorf("%s: it runs", tt.args)
		}
		for _, says := range tt.says {
			contains(t, p.stderr.String(), says)
		}
	}
}
