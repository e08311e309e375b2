package app

import (
	"bytes"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/fcgi"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"freshet/httpd"
	"freshet/internal/alloctest"
	"freshet/internal/rule"
	"freshet/internal/wire"
	"freshet/signedurl"
)

var linkKey = signedurl.Key{ID: "k1", Secret: []byte("0123456789abcdef")}

// keyFile writes a file of keys.
func keyFile(t *testing.T, keys ...signedurl.Key) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "links.keys")
	putKeys(t, path, keys...)
	return path
}

// putKeys puts a file of keys in the place of another, whole.
func putKeys(t *testing.T, path string, keys ...signedurl.Key) {
	t.Helper()
	var text strings.Builder
	for _, k := range keys {
		fmt.Fprintln(&text, k)
	}
	if err := os.WriteFile(path+".new", []byte(text.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		t.Fatal(err)
	}
}

// linkTo signs a URL for an hour.
func linkTo(t *testing.T, url string, o signedurl.Options) string {
	t.Helper()
	o.Expires = time.Now().Add(time.Hour)
	link, err := signedurl.Sign(url, linkKey, o)
	if err != nil {
		t.Fatal(err)
	}
	return link
}

// What a signed link has more is nobody's but the guard's: not the log's, not
// the journal's, not the cache's, not the origin's.
func TestSignedURLIsKeptNowhere(t *testing.T) {
	var mu sync.Mutex
	var uris []string
	origin := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		uris = append(uris, r.RequestURI)
		w.Header().Set("Cache-Control", "max-age=3600")
		io.WriteString(w, "kept")
	}))
	defer origin.Close()
	seen := func() []string {
		mu.Lock()
		defer mu.Unlock()
		return slices.Clone(uris)
	}
	home := t.TempDir()
	log := filepath.Join(home, "access.log")
	told := &records{more: make(chan struct{})}
	p := startWith(t, func(e *Env) { e.Environ, e.Sink = []string{"HOME=" + home}, told },
		"proxy", "--to", origin.URL, "--listen", "127.0.0.1:0", "--monitor", "off", "--access-log", log, "--request-id", "always", "--signed-urls", keyFile(t, linkKey))
	base := p.url()
	link := linkTo(t, base+"a?x=1", signedurl.Options{})
	secret := link[len(link)-20:]
	var ids []string
	for _, tt := range []struct {
		url    string
		status int
	}{{link, 200}, {link, 200}, {link + "&y", 403}, {base + "a?x=1", 403}, {strings.Replace(link, "x=1", "x=2", 1), 403}, {link + "&bad=%zz", 400}} {
		n := told.len()
		resp, _ := get(t, tt.url, "Referer", link)
		if resp.StatusCode != tt.status {
			t.Errorf("%s: %d", tt.url, resp.StatusCode)
		}
		rec, err := told.wait(n)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(rec.Target, "Signature") || rec.Referer != "" && rec.Referer != base+"a?x=1" {
			t.Errorf("%s is recorded as %s, from %s", tt.url, rec.Target, rec.Referer)
		}
		ids = append(ids, resp.Header.Get("Freshet-Id"))
	}
	if all := seen(); len(all) != 1 || all[0] != "/a?x=1" {
		t.Errorf("the origin saw %q", all)
	}
	for i, part := range []string{"GET " + base + "a?x=1\n", "reuse-", "signed-url-malformed", "signed-url-missing", "signed-url-bad"} {
		status, stdout, stderr := asked(t, home, ids[i])
		if status != exitOK || !strings.Contains(stdout, part) || strings.Contains(stdout, secret) {
			t.Errorf("%d: no %q in, or a signature: %s%s", i, part, stdout, stderr)
		}
	}
	if status, stdout, stderr := asked(t, home, link); status != exitOK || !strings.Contains(stdout, "signed link") || strings.Contains(stdout, secret) {
		t.Errorf("%s%s", stdout, stderr)
	}
	// A purge is by the plain address.
	if status, _, stderr := command(t, home, "purge", base+"a?x=1"); status != exitOK {
		t.Error(stderr)
	}
	if get(t, link); len(seen()) != 2 {
		t.Errorf("purged, and the origin saw %q", seen())
	}
	p.stop()
	text, err := os.ReadFile(log)
	if err != nil || strings.Contains(string(text), "Signature") || strings.Count(string(text), "/a?x=1 HTTP") < 4 {
		t.Errorf("%v, %s", err, text)
	}
}

// Links pass over TLS and HTTP/2 as over clear HTTP/1.1: neither the scheme nor
// the port is signed.
func TestSignedURLProtocols(t *testing.T) {
	cert, key, roots := certificate(t)
	p := start(t, "serve", "--listen", "127.0.0.1:0", "--tls-listen", "127.0.0.1:0", "--tls-cert", cert, "--tls-key", key, "--signed-urls", keyFile(t, linkKey), folder(t, "a.txt", "hello"))
	secure := p.stderr.wait(t, `(https://\S+/)`)
	link := linkTo(t, "http://127.0.0.1/a.txt", signedurl.Options{})
	_, query, _ := strings.Cut(link, "?")
	for _, tt := range []struct {
		proto, base string
	}{{"http/1.1", p.stderr.wait(t, `(http://\S+/)`)}, {"http/1.1", secure}, {"h2", secure}} {
		tr := &http.Transport{ForceAttemptHTTP2: tt.proto == "h2", TLSClientConfig: &tls.Config{RootCAs: roots, NextProtos: []string{tt.proto}}}
		defer tr.CloseIdleConnections()
		for _, c := range []struct {
			method, target string
			status         int
			body           string
		}{
			{"GET", "a.txt?" + query, 200, "hello"}, {"HEAD", "a.txt?" + query, 200, ""}, {"GET", "a.txt?" + query, 200, "hello"},
			{"GET", "a.txt", 403, ""}, {"GET", "A.txt?" + query, 403, ""}, {"POST", "a.txt?" + query, 405, ""},
		} {
			r, err := http.NewRequest(c.method, tt.base+c.target, nil)
			if err != nil {
				t.Fatal(err)
			}
			resp, err := tr.RoundTrip(r)
			if err != nil {
				t.Fatal(err)
			}
			body, _ := io.ReadAll(resp.Body)
			resp.Body.Close()
			if resp.StatusCode != c.status || c.status == 200 && string(body) != c.body || c.status != 200 && resp.Header.Get("Cache-Control") != "no-store" {
				t.Errorf("%s: %s %s: %d, %q, %v", tt.proto, c.method, tt.base+c.target, resp.StatusCode, body, resp.Header)
			}
		}
	}
	p.stop()
}

// In a file a site has keys, a route others or none; what the file and the keys
// say is obeyed while it is served.
func TestSignedURLFile(t *testing.T) {
	dir := folder(t, "index.html", "top", "open/index.html", "open", "films/a/index.html", "film")
	second := signedurl.Key{ID: "k2", Secret: []byte("fedcba9876543210")}
	keys := keyFile(t, linkKey)
	text := "[server]\nlisten = '127.0.0.1:0'\nmonitor = 'off'\n[[site]]\nsigned-urls = '" + keys + "'\n" +
		"[[site.route]]\nstatic = '" + dir + "'\nheaders.set = { Cache-Control = 'max-age=60', X-Frame-Options = 'DENY' }\n" +
		"[[site.route]]\npath = '/open'\nstatic = '" + dir + "/open'\nsigned-urls = 'off'\n"
	c := startFile(t, text)
	base := c.url()
	link := func(target string, o signedurl.Options) string { return linkTo(t, base+target, o) }
	expect := func(url string, status int, says string) {
		t.Helper()
		resp, body := get(t, url)
		if resp.StatusCode != status || !strings.Contains(body, says) {
			t.Errorf("%s: %d, %s", url, resp.StatusCode, body)
		}
		if status == 403 && (resp.Header.Get("Cache-Control") != "no-store" || resp.Header.Get("X-Frame-Options") != "DENY") {
			t.Errorf("%s: %v", url, resp.Header)
		}
	}
	expect(base, 403, "has no signature")
	expect(link("", signedurl.Options{}), 200, "top")
	expect(base+"open/", 200, "open")
	expect(base+"films/", 403, "has no signature")

	// A folder's page and its listing are what the link opens; what they lead to has
	// to be signed itself. The slash that a folder's address lacks is added without
	// what the link has more.
	all := link("films/", signedurl.Options{Prefix: "/films/"})
	expect(all, 200, "a/")
	_, more, _ := strings.Cut(all, "?")
	expect(base+"films/a/?"+more, 200, "film")
	resp := getOnce(t, base+"films/a?"+more)
	if to := resp.Header.Get("Location"); resp.StatusCode/100 != 3 || strings.Contains(to, "Signature") || !strings.HasSuffix(to, "a/") {
		t.Errorf("%d, %q", resp.StatusCode, to)
	}
	expect(base+"films/a?"+more, 403, "has no signature") // get follows

	// Another key signs, and the old one goes.
	keysPass := func(first, other bool) {
		t.Helper()
		until(t, "the keys are read", func() bool {
			a, _ := get(t, link("", signedurl.Options{}))
			signed, err := signedurl.Sign(base, second, signedurl.Options{Expires: time.Now().Add(time.Hour)})
			if err != nil {
				t.Fatal(err)
			}
			b, _ := get(t, signed)
			return (a.StatusCode == 200) == first && (b.StatusCode == 200) == other
		})
	}
	putKeys(t, keys, second, linkKey)
	keysPass(true, true)
	putKeys(t, keys, second)
	keysPass(false, true)
	before := len(c.stderr.String())
	if err := os.Chmod(keys, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(keys, []byte("k1 short\n# and longer\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	until(t, "the fault is told", func() bool {
		get(t, base)
		return strings.Contains(c.stderr.String()[before:], "keys of signed URLs cannot be read anew")
	})
	keysPass(false, true)

	// The file changes.
	without := strings.Replace(text, "signed-urls = '"+keys+"'\n", "", 1)
	c.change(t, without, changed)
	expect(base, 200, "top")
	c.change(t, strings.Replace(text, keys, keys+".none", 1), `f.toml:6.*signed-urls: read the keys of signed URLs: .*links.keys.none`)
	expect(base, 200, "top")
	putKeys(t, keys, linkKey)
	c.change(t, text, changed)
	expect(base, 403, "has no signature")
	expect(link("", signedurl.Options{}), 200, "top")
	c.stop()
}

// A guard costs prebuilt answers no allocation, and leaves them prebuilt.
func TestSignedURLHot(t *testing.T) {
	origin, _ := counting(t)
	keys := keyFile(t, linkKey)
	l := liveOf(t, "[[site]]\nsigned-urls = '"+keys+"'\n[[site.route]]\nproxy = '"+origin.URL+"'\n[[site.route]]\npath = '/f'\nstatic = '"+folder(t, "a.txt", "a")+"'\n")
	for _, target := range []string{"/kept?x=1", "/f/a.txt"} {
		_, link, _ := strings.Cut(linkTo(t, "http://a.example"+target, signedurl.Options{}), "a.example")
		var limits wire.Limits
		q := new(httpd.Head)
		if n, broken := limits.ParseRequest([]byte("GET "+link+" HTTP/1.1\r\nHost: a.example\r\n\r\n"), q); n == 0 || broken != 0 {
			t.Fatal(broken)
		}
		a := &httpd.Answer{Scratch: make([]byte, 0, 4096)}
		hot := func() bool {
			q.Now = time.Now().UnixNano()
			q.Read = httpd.Monotonic()
			*a = httpd.Answer{Scratch: a.Scratch[:0]}
			return l.ServeHot(q, a)
		}
		until(t, "it is hot", func() bool {
			if hot() {
				return true
			}
			if w := ask(l, "GET", "http://a.example"+link, ""); w.Code != 200 {
				t.Fatalf("%s: %d %s", target, w.Code, w.Body)
			}
			return false
		})
		if a.Status != 200 || a.Place == 0 {
			t.Errorf("%s: %+v", target, a)
		}
		if n := alloctest.PerRun(100, func() { hot() }); n != 0 {
			t.Errorf("%s: %v allocations", target, n)
		}
		q.Query = q.Query[:len(q.Query)-1] + "!"
		if hot() {
			t.Errorf("%s: a changed link is answered", target)
		}
		q.Query, q.HasQuery = "", false
		if hot() {
			t.Errorf("%s: the plain address is answered", target)
		}
	}
}

// Once a configuration has had a guard, no record keeps a signature: a link may
// come by a redirect without keys, and a download may outlive its route.
func TestMaskedRoutes(t *testing.T) {
	const open = "[[site]]\n[[site.route]]\nredirect = '/a'\n"
	l := liveOf(t, open)
	told := &records{more: make(chan struct{})}
	sink := masked{told, l.masks}
	const target = "/x?a=1&Expires=1&Signature=b"
	expect := func(when, want string) {
		t.Helper()
		for place := range uint16(4) {
			n := told.len()
			sink.Record(&httpd.Record{Target: target, Place: place, Referer: target})
			if rec, err := told.wait(n); err != nil || rec.Target != want || rec.Referer != want {
				t.Errorf("%s: %d: %+v, %v", when, place, rec, err)
			}
		}
	}
	expect("before there is a guard", target)
	if err := l.apply(fileOf(t, open+"[[site.route]]\npath = '/b'\nredirect = '/c'\nsigned-urls = '"+keyFile(t, linkKey)+"'\n")); err != nil {
		t.Fatal(err)
	}
	expect("with a guard", "/x?a=1")
	if err := l.apply(fileOf(t, open)); err != nil {
		t.Fatal(err)
	}
	expect("after the guard went", "/x?a=1")
}

func TestSignCommand(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	run := func(args ...string) (int, string, string) {
		t.Helper()
		p := startWith(t, func(e *Env) { e.Now = now.UnixNano }, append([]string{"sign"}, args...)...)
		status := p.wait()
		return status, p.stdout.String(), p.stderr.String()
	}
	status, line, stderr := run("--new-key", "k1")
	keys := filepath.Join(t.TempDir(), "links.keys")
	if err := os.WriteFile(keys, []byte(line), 0o600); err != nil || status != exitOK || stderr != "" {
		t.Fatal(err, status, stderr)
	}
	all, err := signedurl.ParseKeys([]byte(line))
	if err != nil || len(all.First().Secret) != 32 {
		t.Fatalf("%q: %v", line, err)
	}
	if _, again, _ := run("--new-key", "k1"); again == line {
		t.Error("the same key twice")
	}
	for _, tt := range []struct {
		args  []string
		links []string // without the signature
	}{
		{[]string{"https://a.example/x", "https://a.example/y?z"}, []string{"https://a.example/x?Expires=1800003600&KeyName=k1", "https://a.example/y?z&Expires=1800003600&KeyName=k1"}},
		{[]string{"--expires", "1d", "https://a.example/x"}, []string{"https://a.example/x?Expires=1800086400&KeyName=k1"}},
		{[]string{"--until", "2027-02-01", "https://a.example/x"}, []string{"https://a.example/x?Expires=1801440000&KeyName=k1"}},
		{[]string{"--until", "2027-02-01T01:00:00+01:00", "https://a.example/x"}, []string{"https://a.example/x?Expires=1801440000&KeyName=k1"}},
		{[]string{"--prefix", "/x/", "--ip", "203.0.113.9", "https://a.example/x/y"}, []string{"https://a.example/x/y?URLPrefix=L3gv&Expires=1800003600&KeyName=k1&IPRange=203.0.113.9/32"}},
		{[]string{"--prefix", "https://a.example/x/"}, []string{"https://a.example/x/?URLPrefix=L3gv&Expires=1800003600&KeyName=k1"}},
		{[]string{"--prefix", "https://a.example:8443/x/", "http://A.example:8443/x/y?z"}, []string{"http://A.example:8443/x/y?z&URLPrefix=L3gv&Expires=1800003600&KeyName=k1"}},
		{[]string{"--prefix", "https://a.example"}, []string{"https://a.example/?URLPrefix=Lw&Expires=1800003600&KeyName=k1"}},
	} {
		status, stdout, stderr := run(append([]string{"--key", keys}, tt.args...)...)
		links := strings.Split(strings.TrimSpace(stdout), "\n")
		if status != exitOK || len(links) != len(tt.links) {
			t.Errorf("%v: %d, %s%s", tt.args, status, stdout, stderr)
			continue
		}
		for i, link := range links {
			if unsigned, _, _ := strings.Cut(link, "&Signature="); unsigned != tt.links[i] {
				t.Errorf("%v: %s, want %s", tt.args, unsigned, tt.links[i])
			}
		}
	}
	for _, tt := range []struct {
		status int
		says   string
		args   []string
	}{
		{exitUsage, "there is nothing to sign", []string{"--key", keys}},
		{exitUsage, "--prefix /x/ names no host; give a URL after it, or all of one as the prefix", []string{"--key", keys, "--prefix", "/x/"}},
		{exitUsage, "for --prefix: it has to end in a slash", []string{"--key", keys, "--prefix", "https://a.example/x/y"}},
		{exitUsage, "for --prefix: it has to end in a slash", []string{"--key", keys, "--prefix", "https://a.example/x/?y=/"}},
		{exitUsage, "\"https://b.example/x/y\" is of another host than --prefix https://a.example/x/; give the path alone, /x/", []string{"--key", keys, "--prefix", "https://a.example/x/", "https://b.example/x/y"}},
		{exitFault, "is no plain path", []string{"--key", keys, "--prefix", "https://a.example/x//"}},
		{exitUsage, "there is no key; name the file of keys with --key FILE", []string{"--prefix", "https://a.example/x/"}},
		{exitUsage, "there is no key; name the file of keys with --key FILE", []string{"https://a.example/"}},
		{exitUsage, "--new-key signs nothing", []string{"--new-key", "k", "https://a.example/"}},
		{exitUsage, "--expires and --until both say", []string{"--key", keys, "--expires", "1h", "--until", "2027-02-01", "https://a.example/"}},
		{exitUsage, "bad value \"soon\" for --until: give 2026-", []string{"--key", keys, "--until", "soon", "https://a.example/"}},
		{exitUsage, "bad value \"367d\" for --expires", []string{"--key", keys, "--expires", "367d", "https://a.example/"}},
		{exitUsage, "bad value \"all\" for --ip", []string{"--key", keys, "--ip", "all", "https://a.example/"}},
		{exitFault, "--until is over", []string{"--key", keys, "--until", "2020-01-01", "https://a.example/"}},
		{exitFault, "more than 366 days ahead", []string{"--key", keys, "--until", "2029-01-01", "https://a.example/"}},
		{exitFault, "\"/a\" is no URL", []string{"--key", keys, "https://a.example/", "/a"}},
		{exitFault, "no such file", []string{"--key", keys + ".none", "https://a.example/"}},
		{exitFault, "is no name of a key", []string{"--new-key", "a&b"}},
	} {
		if status, stdout, stderr := run(tt.args...); status != tt.status || stdout != "" || !strings.Contains(stderr, tt.says) {
			t.Errorf("%v: %d, %s%s", tt.args, status, stdout, stderr)
		}
	}
	contains(t, fails(t, exitFault, "serve", "--signed-urls", keys+".none", t.TempDir()), "--signed-urls: read the keys", "no such file")
}

// Links that a shell makes with openssl, as the documentation says, open what
// curl asks for.
func TestSignedURLByOpenSSL(t *testing.T) {
	for _, name := range []string{"openssl", "curl", "sh"} {
		if _, err := exec.LookPath(name); err != nil {
			t.Fatal(err) // scripts/setup installs what is missing
		}
	}
	key := signedurl.Key{ID: "k1", Secret: []byte("\x00\x01secret with odd bytes\xff")}
	p := start(t, "serve", "--listen", "127.0.0.1:0", "--signed-urls", keyFile(t, key), folder(t, "a b.txt", "exact", "films/b.txt", "below"))
	base := strings.TrimSuffix(p.url(), "/")
	const script = `
sign() { printf %s "$1" | openssl dgst -sha256 -mac HMAC -macopt "hexkey:$SECRET" -binary | openssl base64 -A | tr '+/' '-_' | tr -d =; }
query="Expires=$EXPIRES&KeyName=k1"
curl -sS --fail-with-body "$BASE/a%20b.txt?v=1&$query&Signature=$(sign "127.0.0.1/a%20b.txt?v=1&$query")"
query="URLPrefix=$(printf %s /films/ | openssl base64 -A | tr '+/' '-_' | tr -d =)&$query"
curl -sS --fail-with-body "$BASE/films/b.txt?$query&Signature=$(sign "127.0.0.1?$query")"
curl -sS -o /dev/null -w '%{http_code}' --path-as-is "$BASE/films/../a%20b.txt?$query&Signature=$(sign "127.0.0.1?$query")"
`
	cmd := exec.Command("sh", "-c", script)
	cmd.Env = append(os.Environ(), "BASE="+base, fmt.Sprintf("SECRET=%x", key.Secret), fmt.Sprintf("EXPIRES=%d", time.Now().Add(time.Hour).Unix()))
	var out, faults bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &faults
	if err := cmd.Run(); err != nil || out.String() != "exactbelow403" {
		t.Errorf("%v: %s%s", err, out.String(), faults.String())
	}
	p.stop()
}

// What is explained is the guard first, and then what is behind it.
func TestWhySignedURL(t *testing.T) {
	l := liveOf(t, "[[site]]\n[[site.route]]\nredirect = '/a'\n[[site.route]]\npath = '/b'\nredirect = '/c'\nsigned-urls = '"+keyFile(t, linkKey)+"'\n")
	e := l.Why(requestTo(t, "http://x/b/c"))
	if e.Rule != rule.SignedURLMissing || e.Settings[len(e.Settings)-1].Key != "signed-urls" {
		t.Errorf("%+v", e)
	}
	r := requestTo(t, linkTo(t, "http://x/b/c", signedurl.Options{}))
	if e := l.Why(r); e.Rule != rule.RouteRedirected || e.Compared[0].What != "signed link" {
		t.Errorf("%+v", e)
	}
}

// A backend that is asked on the hot path sees the plain address, too.
func TestSignedURLFastCGI(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		fcgi.Serve(l, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			env := fcgi.ProcessEnv(r)
			w.Header().Set("Content-Type", "text/plain")
			w.Header().Set("Cache-Control", "no-store")
			fmt.Fprintf(w, "%s %s %v", r.URL.RequestURI(), r.URL.RawQuery, strings.Contains(fmt.Sprint(env), "Signature"))
		}))
	}()
	defer func() { l.Close(); <-ended }()
	c := startFile(t, "[server]\nlisten = '127.0.0.1:0'\nmonitor = 'off'\n[[site]]\nsigned-urls = '"+keyFile(t, linkKey)+"'\n[[site.route]]\nfastcgi = '"+l.Addr().String()+"'\n")
	base := c.url()
	link := linkTo(t, base+"a?x=1", signedurl.Options{})
	client := &http.Client{}
	defer client.CloseIdleConnections()
	for i := range 10 {
		resp, err := client.Get(link)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err != nil || resp.StatusCode != 200 || string(body) != "/a?x=1 x=1 false" {
			t.Fatalf("request %d: %d, %q, %v", i, resp.StatusCode, body, err)
		}
	}
	if resp, _ := get(t, base+"a?x=1"); resp.StatusCode != 403 {
		t.Errorf("%d", resp.StatusCode)
	}
	c.stop()
}
