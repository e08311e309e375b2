package app

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// configured is a run of the program with a file that can be changed.
type configured struct {
	*program
	path  string
	looks chan time.Time
}

func startFile(t *testing.T, text string) *configured {
	t.Helper()
	c := &configured{path: filepath.Join(t.TempDir(), "f.toml"), looks: make(chan time.Time)}
	c.write(t, text)
	c.program = startWith(t, func(e *Env) { e.Looks = c.looks }, "run", "-c", c.path)
	return c
}

func (c *configured) write(t *testing.T, text string) {
	t.Helper()
	if err := os.WriteFile(c.path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// change changes the file and has it looked at. What is said then must match.
func (c *configured) change(t *testing.T, text, says string) {
	t.Helper()
	before := len(c.stderr.String())
	c.write(t, text)
	c.looks <- time.Time{}
	c.stderr.waitFrom(t, before, `(?s)`+says)
}

const changed = `msg="the configuration was read anew"`

// getAs is get with a Host.
func getAs(t *testing.T, url, host string) (*http.Response, string) {
	t.Helper()
	req, err := http.NewRequest("GET", url, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Host = host
	client := &http.Client{
		Transport:     &http.Transport{DisableKeepAlives: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	resp, err := client.Do(req)
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

func TestRun(t *testing.T) {
	origin := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Powered-By", "test")
		io.WriteString(w, r.URL.Path)
	}))
	defer origin.Close()
	dir := folder(t, "index.html", "first", "sub/x.txt", "x")
	c := startFile(t, `
[server]
listen = "127.0.0.1:0"
headers.remove = ["X-Powered-By"]
[[site]]
[[site.route]]
static = "`+dir+`"
[[site.route]]
path = "/api"
proxy = ["`+origin.URL+`"]
[[site]]
names = ["*.b.example"]
headers.set.X-Site = "b"
[[site.route]]
path = "/old"
redirect = "/new/"
`)
	url := c.url()
	contains(t, c.stderr.String(), "f.toml (2 sites) on http://127.0.0.1:")
	for _, tt := range []struct{ path, host, want string }{
		{"", "a.example", "200 first"},
		{"sub/x.txt", "a.example", "200 x"},
		{"api/y", "a.example", "200 /api/y"},
		{"old/z", "www.b.example", "308 /new/z"},
		{"", "www.b.example", "404 "},
	} {
		resp, body := getAs(t, url+tt.path, tt.host)
		got := resp.Status[:4] + resp.Header.Get("Location")
		if resp.StatusCode == 200 {
			got += body
		}
		if got != tt.want || resp.Header.Get("X-Powered-By") != "" {
			t.Errorf("%s of %s: %s, want %s; %v", tt.path, tt.host, got, tt.want, resp.Header)
		}
		if b := resp.StatusCode == 308; b != (resp.Header.Get("X-Site") == "b") {
			t.Errorf("%s of %s: %v", tt.path, tt.host, resp.Header)
		}
	}
	c.stop()
}

// A change leaves alone what it is not about: a download goes on, what a cache
// has it keeps.
func TestReload(t *testing.T) {
	var asked atomic.Int64
	origin := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		w.Header().Set("Cache-Control", "max-age=600")
		io.WriteString(w, "kept")
	}))
	defer origin.Close()
	one, two := folder(t, "index.html", "one"), folder(t, "index.html", "two")
	sparse(t, filepath.Join(one, "large"))
	const head = "[server]\nlisten = '127.0.0.1:0'\n[[site]]\n"
	proxy := "[[site.route]]\npath = '/p'\nproxy = '" + origin.URL + "'\n"
	c := startFile(t, head+"[[site.route]]\nstatic = '"+one+"'\n"+proxy)
	url := c.url()
	getAs(t, url+"p", "a.example")
	download := unread(t, url, "/large")

	c.change(t, head+"[[site.route]]\nstatic = '"+two+"'\n[site.route.headers]\nset.X-New = '1'\n"+proxy, changed)
	if resp, body := getAs(t, url, "a.example"); body != "two" || resp.Header.Get("X-New") != "1" {
		t.Errorf("%q, %v", body, resp.Header)
	}
	if _, body := getAs(t, url+"p", "a.example"); body != "kept" || asked.Load() != 1 {
		t.Errorf("%q after %d requests to the origin", body, asked.Load())
	}
	resp, err := http.ReadResponse(bufio.NewReader(io.MultiReader(strings.NewReader("H"), download)), nil)
	if err != nil {
		t.Fatal(err)
	}
	if n, err := io.Copy(io.Discard, resp.Body); n != 32<<20 || err != nil {
		t.Errorf("the download has %d bytes, %v", n, err)
	}

	// The rules of a cache may change; what it keeps stays.
	c.change(t, head+proxy+"profile = 'standard'\n", changed)
	if _, body := getAs(t, url+"p", "a.example"); body != "kept" || asked.Load() != 1 {
		t.Errorf("%q after %d requests to the origin", body, asked.Load())
	}
	if resp, _ := getAs(t, url, "a.example"); resp.StatusCode != 404 {
		t.Errorf("status %d without a route", resp.StatusCode)
	}
	c.stop()
}

// A file with a fault changes nothing.
func TestReloadOfFaults(t *testing.T) {
	dir := folder(t, "index.html", "one")
	good := "[server]\nlisten = '127.0.0.1:0'\n[[site]]\n[[site.route]]\nstatic = '" + dir + "'\n"
	c := startFile(t, good)
	url := c.url()
	for _, tt := range []struct{ text, says string }{
		{good + "indx = 'x'\n", `level=ERROR msg="the configuration stays as it was" err="[^\n]*f.toml:6:1: unknown key`},
		{strings.Replace(good, dir, dir+"/none", 1), `stays as it was" err="[^\n]*f.toml:4: no folder `},
		{strings.Replace(good, "'127.0.0.1:0'", "['127.0.0.1:0', '192.0.2.1:0']", 1), `stays as it was" err="listen on 192.0.2.1:0: `},
		{good + "[[site]]\nnames = 'x'\n[[site.route]]\nproxy = 'http://a'\nhost = 'origin'\nstatic = 'y'\n", `has one of static, proxy, cgi, fastcgi and redirect`},
	} {
		c.change(t, tt.text, tt.says)
		if resp, body := get(t, url); body != "one" {
			t.Errorf("%v %q", resp, body)
		}
	}
	if err := os.Remove(c.path); err != nil {
		t.Fatal(err)
	}
	c.looks <- time.Time{}
	c.stderr.wait(t, `stays as it was" err=.*f.toml: no such file or directory`)
	c.change(t, good+"hidden = true\n", changed)
	if strings.Count(c.stderr.String(), changed) != 1 {
		t.Errorf("%s", c.stderr)
	}
	// What did not change is not read again.
	c.looks <- time.Time{}
	c.looks <- time.Time{}
	c.stop()
}

// Listeners come and go with the file; connections of one that goes stay.
func TestReloadListeners(t *testing.T) {
	dir, run := folder(t, "index.html", "one"), t.TempDir()
	text := func(listen string) string {
		return "[server]\nmax-fields = 100\nlisten = [" + listen + "]\n[[site]]\n[[site.route]]\nstatic = '" + dir + "'\n"
	}
	a, b := "'unix:"+filepath.Join(run, "a")+"'", "'unix:"+filepath.Join(run, "b")+"'"
	c := startFile(t, text(a))
	c.stderr.wait(t, `serving .* on unix:\S+`)
	old := dialUnix(t, filepath.Join(run, "a"))
	askOn(t, old)
	c.change(t, strings.Replace(text(a+","+b), "100", "101", 1), `obeyed at the next start only" keys=max-fields`)
	askOn(t, dialUnix(t, filepath.Join(run, "b")))
	askOn(t, old)
	c.change(t, text(b), changed)
	askOn(t, old)
	if conn, err := net.Dial("unix", filepath.Join(run, "a")); err == nil {
		conn.Close()
		t.Error("the address is still listened on")
	}
	askOn(t, dialUnix(t, filepath.Join(run, "b")))
	c.signals <- syscall.SIGHUP
	c.change(t, text(a+","+b), `serving [^\n]* on unix:[^\n]*a\n.*`+changed)
	askOn(t, dialUnix(t, filepath.Join(run, "a")))
	c.stop()
}

func dialUnix(t *testing.T, path string) net.Conn {
	t.Helper()
	conn, err := net.Dial("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

// askOn makes a request on a connection.
func askOn(t *testing.T, c net.Conn) {
	t.Helper()
	if _, err := io.WriteString(c, "GET / HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	resp, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		t.Fatal(err)
	}
	if body, _ := io.ReadAll(resp.Body); string(body) != "one" {
		t.Errorf("%v %q", resp, body)
	}
}

// Each site has its certificate; a connection may ask for the hosts that its
// certificate is for, and for no others.
func TestCertificates(t *testing.T) {
	certA, keyA, rootsA := certificate(t, "a.example", "shared.example")
	certB, keyB, rootsB := certificate(t, "*.b.example")
	dir := folder(t, "index.html", "page")
	site := func(names, cert, key string) string {
		s := "[[site]]\nnames = [" + names + "]\n[[site.route]]\nstatic = '" + dir + "'\n"
		if cert != "" {
			s = strings.Replace(s, "[[site.route]]", "certificate = '"+cert+"'\nkey = '"+key+"'\n[[site.route]]", 1)
		}
		return s
	}
	text := "[server]\ntls-listen = '127.0.0.1:0'\ntls-cert = '" + certA + "'\ntls-key = '" + keyA + "'\n" +
		site("'a.example'", "", "") + site("'*.b.example', 'shared.example'", certB, keyB)
	c := startFile(t, text)
	addr := strings.TrimSuffix(strings.TrimPrefix(c.stderr.wait(t, `on (https://\S+)/`), "https://"), "/")
	for _, tt := range []struct {
		sni, host string
		roots     *x509.CertPool
		want      int
	}{
		{"a.example", "a.example", rootsA, 200},
		{"www.b.example", "www.b.example:8443", rootsB, 200},
		{"www.b.example", "x.b.example", rootsB, 200},
		{"a.example", "shared.example", rootsA, 200}, // the certificate is for it, too
		{"a.example", "www.b.example", rootsA, 421},
		{"www.b.example", "a.example", rootsB, 421},
		{"a.example", "none.example", rootsA, 421},
	} {
		for _, proto := range []string{"http/1.1", "h2"} {
			tr := &http.Transport{ForceAttemptHTTP2: proto == "h2", DisableKeepAlives: true, TLSClientConfig: &tls.Config{ServerName: tt.sni, RootCAs: tt.roots, NextProtos: []string{proto}}}
			for range 2 { // the second time it is hot
				req, err := http.NewRequest("GET", "https://"+addr, nil)
				if err != nil {
					t.Fatal(err)
				}
				req.Host = tt.host
				resp, err := tr.RoundTrip(req)
				if err != nil {
					t.Fatalf("%s, %s: %v", tt.sni, tt.host, err)
				}
				resp.Body.Close()
				if resp.StatusCode != tt.want || (resp.ProtoMajor == 2) != (proto == "h2") {
					t.Errorf("%s over %s for %s: %d", tt.host, proto, tt.sni, resp.StatusCode)
				}
			}
			tr.CloseIdleConnections()
		}
	}
	c.stop()
}

func TestConfigCommand(t *testing.T) {
	dir := folder(t, "site/index.html", "x", "good.toml", `
[server]
listen = ":0"
[[site]]
names = ["a.example"]
headers.set.X-A = "1"
[[site.route]]
static = "site"
[[site.route]]
path = "/api"
proxy = ["http://127.0.0.1:1"]
profile = "standard"
`, "bad.toml", "[server]\nlistn = 1\nmax-fields = 0\n", "missing.toml", "[[site]]\n[[site.route]]\nstatic = 'none'\n")
	in := func(name string) string { return filepath.Join(dir, name) }
	tests := []struct {
		args   []string
		status int
		stdout []string
		stderr []string
	}{
		{[]string{"check", in("good.toml")}, exitOK, []string{"good.toml: no fault; sites: 1, routes: 2\n"}, nil},
		{[]string{"check", in("bad.toml")}, exitFault, nil, []string{
			"bad.toml:2:1: unknown key \"listn\" in [server]; did you mean listen?\n    2 | listn = 1\n      | ^^^^^\n",
			"bad.toml:3:14: bad value \"0\" for max-fields: "}},
		{[]string{"check", in("missing.toml")}, exitFault, nil, []string{"missing.toml:2: no folder "}},
		{[]string{"check", in("none.toml")}, exitFault, nil, []string{"none.toml: no such file or directory; name the file with --config FILE"}},
		{[]string{"explain", "-c", in("good.toml")}, exitOK, []string{"  listen = :0 (line 3)\n", "site a.example (line 4)", "  /api: proxy http://127.0.0.1:1 (line 9)", "    profile = standard (line 12)"}, nil},
		{[]string{"explain", "-c", in("good.toml"), "a.example/api/x?y"}, exitOK, []string{"route /api: proxy", "good.toml:9)", "sets X-A: 1", "profile standard; the profiles differ in:", "cache-set-cookie"}, nil},
		{[]string{"explain", "-c", in("good.toml"), "http://a.example"}, exitOK, []string{"route /: static"}, nil},
		{[]string{"explain", "-c", in("good.toml"), "http://b.example"}, exitFault, []string{`no site has the host "b.example": 421 (site-unknown)`}, nil},
		{[]string{"example"}, exitOK, []string{"[[site.route]]\n"}, nil},
		{[]string{}, exitUsage, nil, []string{"say what to do: freshet config check, explain or example"}},
		{[]string{"chek"}, exitUsage, nil, []string{"did you mean freshet config check?"}},
		{[]string{"--help"}, exitOK, []string{"Usage: freshet config"}, nil},
		{[]string{"explain", "/x"}, exitUsage, nil, []string{`"/x" is no address`}},
	}
	for _, tt := range tests {
		p := start(t, append([]string{"config"}, tt.args...)...)
		if status := p.wait(); status != tt.status {
			t.Errorf("%v: exit status %d, want %d; %s", tt.args, status, tt.status, p.stderr)
		}
		contains(t, p.stdout.String(), tt.stdout...)
		contains(t, p.stderr.String(), tt.stderr...)
	}
}

// The example in the repository is a good one.
func TestExampleFile(t *testing.T) {
	p := start(t, "config", "check", filepath.Join("..", "..", "examples", "freshet.toml"))
	if status := p.wait(); status != exitOK || !regexp.MustCompile(`no fault; sites: 2, routes: 5`).MatchString(p.stdout.String()) {
		t.Errorf("%s%s", p.stdout, p.stderr)
	}
}
