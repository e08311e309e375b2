package app

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"freshet/internal/wiretest"
)

func discard() *slog.Logger { return slog.New(slog.DiscardHandler) }

func TestServe(t *testing.T) {
	dir := folder(t, "index.html", "<p>hello", "a.txt", "text", "sub/b.txt", "b")
	p := start(t, "serve", "--listen", "127.0.0.1:0", dir)
	url := p.url()
	contains(t, p.stderr.String(), "serving "+dir+" on http://127.0.0.1:")
	resp, body := get(t, url, "Accept-Encoding", "identity")
	if resp.StatusCode != 200 || body != "<p>hello" || resp.Header.Get("Cache-Control") != "no-cache" || resp.Header.Get("Server") != "freshet" {
		t.Errorf("%v %q", resp, body)
	}
	if resp, _ := get(t, url, "If-None-Match", resp.Header.Get("Etag")); resp.StatusCode != 304 {
		t.Errorf("status %d for its own entity-tag", resp.StatusCode)
	}
	if resp, body := get(t, url+"sub/"); resp.StatusCode != 200 || !strings.Contains(body, "b.txt") {
		t.Errorf("listing: %v %q", resp, body)
	}
	if resp, _ := get(t, url+"none", "User-Agent", `a"b`); resp.StatusCode != 404 {
		t.Errorf("status %d for a missing file", resp.StatusCode)
	}
	p.stop()
	line := regexp.MustCompile(`^127\.0\.0\.1 - - \[[^]]+\] "GET /\S* HTTP/1\.1" \d{3} (\d+|-) "-" "[^"]+" [0-9a-z]{13} file$`)
	lines := strings.Split(strings.TrimSuffix(p.stdout.String(), "\n"), "\n")
	if len(lines) != 4 {
		t.Errorf("%d access lines: %q", len(lines), lines)
	}
	for _, l := range lines {
		if !line.MatchString(l) {
			t.Errorf("access line %q", l)
		}
	}
	contains(t, p.stdout.String(), `"GET / HTTP/1.1" 200 8 `, `"GET / HTTP/1.1" 304 - `, `"GET /none HTTP/1.1" 404 `, `"a\x22b"`)
}

// Flags reach what they are about.
func TestServeFlags(t *testing.T) {
	dir := folder(t, "sub/b.txt", "b", ".secret", "s", "app.html", "<p>app", "x.gmi", "= gemini",
		"pages/page.html", "page")
	template := filepath.Join(t.TempDir(), "error.html")
	if err := os.WriteFile(template, []byte("<h1>{{.Code}} of ours"), 0o644); err != nil {
		t.Fatal(err)
	}
	p := startWith(t, func(e *Env) { e.Environ = []string{"FRESHET_LISTEN=127.0.0.1:0", "FRESHET_HIDDEN=on"} },
		"serve", dir, "--listing", "off", "--server-header", "ours/1", "--cache", "10m", "--mime", ".gmi=text/gemini",
		"--log-format", "json", "--error-template", template, "--clean-urls")
	url := p.url()
	tests := []struct {
		path   string
		status int
		part   string
		field  string
		value  string
	}{
		{"sub/", 403, "403 of ours", "Server", "ours/1"},
		{"none", 404, "404 of ours", "Content-Type", "text/html; charset=utf-8"},
		{".secret", 200, "s", "Cache-Control", "max-age=600"},
		{"x.gmi", 200, "= gemini", "Content-Type", "text/gemini"},
		{"pages/page", 200, "page", "Server", "ours/1"},
	}
	for _, tt := range tests {
		resp, body := get(t, url+tt.path, "Accept", "text/html")
		if resp.StatusCode != tt.status || !strings.Contains(body, tt.part) || resp.Header.Get(tt.field) != tt.value {
			t.Errorf("%s: %v %q", tt.path, resp, body)
		}
	}
	p.stop()
	lines := strings.Split(strings.TrimSuffix(p.stdout.String(), "\n"), "\n")
	if len(lines) != len(tests) {
		t.Fatalf("%d access lines: %q", len(lines), lines)
	}
	logged := map[string]int{} // a record follows its answer, and may be overtaken
	for _, l := range lines {
		var r struct {
			Target, Remote, Rule string
			Status               int
		}
		if err := json.Unmarshal([]byte(l), &r); err != nil || r.Remote != "127.0.0.1" || r.Rule == "" {
			t.Errorf("access line %s: %v", l, err)
		}
		logged[r.Target] = r.Status
	}
	for _, tt := range tests {
		if logged["/"+tt.path] != tt.status {
			t.Errorf("%s: status %d is logged", tt.path, logged["/"+tt.path])
		}
	}
}

func TestServeSPA(t *testing.T) {
	p := start(t, "serve", "--listen", "127.0.0.1:0", "--access-log", "off", "--spa", "app.html", folder(t, "app.html", "<p>app"))
	if resp, body := get(t, p.url()+"some/page", "Accept", "text/html"); resp.StatusCode != 200 || body != "<p>app" {
		t.Errorf("%v %q", resp, body)
	}
	p.stop()
	if p.stdout.String() != "" {
		t.Errorf("standard output: %q", p.stdout)
	}
}

func TestMissingSPAPageIsTold(t *testing.T) {
	p := start(t, "serve", "--listen", "127.0.0.1:0", "--spa", "app.html", folder(t))
	p.stderr.wait(t, `level=WARN msg="the page of --spa cannot be read yet" page=app.html`)
	p.url()
	p.stop()
}

func TestServeUnixSocket(t *testing.T) {
	dir := folder(t, "index.html", "hello")
	socket := filepath.Join(dir, "s")
	p := start(t, "serve", "--listen", "unix:"+socket, "--listen", "127.0.0.1:0", dir)
	p.stderr.wait(t, `(?m)^serving .* on unix:`+regexp.QuoteMeta(socket)+"$")
	c, err := net.Dial("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	io.WriteString(c, "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
	resp, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil || resp.StatusCode != 200 {
		t.Errorf("%v, %v", resp, err)
	}
	p.stop()
	contains(t, p.stdout.String(), `- - - [`)
}

func TestServeTLS(t *testing.T) {
	dir := folder(t, "index.html", "hello")
	cert, key, roots := certificate(t)
	p := start(t, "serve", "--tls-listen", "127.0.0.1:0", "--tls-cert", cert, "--tls-key", key, dir)
	url := p.url()
	if !strings.HasPrefix(url, "https://127.0.0.1:") || strings.Contains(p.stderr.String(), "http://") {
		t.Errorf("it said %q", p.stderr)
	}
	for _, proto := range []string{"HTTP/1.1", "HTTP/2.0"} {
		tr := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}, ForceAttemptHTTP2: proto == "HTTP/2.0"}
		resp, err := (&http.Client{Transport: tr}).Get(url)
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		tr.CloseIdleConnections()
		if resp.StatusCode != 200 || resp.Proto != proto || string(body) != "hello" {
			t.Errorf("%s: %v %q", proto, resp, body)
		}
	}
	p.stop()
	contains(t, p.stdout.String(), `"GET / HTTP/1.1" 200 5`, `"GET / HTTP/2.0" 200 5`)
}

func TestAnnounce(t *testing.T) {
	tests := []struct {
		scheme string
		addr   net.TCPAddr
		want   string
	}{
		{"http", net.TCPAddr{IP: net.IPv6unspecified, Port: 8000}, "serving site on http://127.0.0.1:8000/\nserving site on http://192.0.2.7:8000/ for other machines\n"},
		{"http", net.TCPAddr{IP: net.IPv4zero, Port: 80}, "serving site on http://127.0.0.1/\nserving site on http://192.0.2.7/ for other machines\n"},
		{"https", net.TCPAddr{IP: net.IPv6loopback, Port: 443}, "serving site on https://[::1]/\n"},
		{"https", net.TCPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 8443}, "serving site on https://192.0.2.1:8443/\n"},
	}
	for _, tt := range tests {
		said := newOutput()
		e := &Env{Stderr: said, LAN: func() (netip.Addr, bool) { return netip.MustParseAddr("192.0.2.7"), true }}
		e.announce("site", []*opened{{Listener: fixed{addr: &tt.addr}, scheme: tt.scheme}})
		if said.String() != tt.want {
			t.Errorf("%v: got %q, want %q", tt.addr, said, tt.want)
		}
	}
	if ip, ok := lanAddr(); ok && (ip.IsLoopback() || ip.IsUnspecified()) {
		t.Errorf("the address for other machines is %v", ip)
	}
}

// fixed is a listener that has an address only.
type fixed struct {
	net.Listener
	addr net.Addr
}

func (f fixed) Addr() net.Addr { return f.addr }

// certificate makes a certificate for 127.0.0.1 and names, and returns its
// files.
func certificate(t *testing.T, names ...string) (cert, key string, roots *x509.CertPool) {
	t.Helper()
	pair, err := wiretest.NewKeyPair("app", names...)
	if err != nil {
		t.Fatal(err)
	}
	cert, key = pair.Write(t, t.TempDir())
	return cert, key, pair.Roots()
}
