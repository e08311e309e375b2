package app

import (
	"crypto/tls"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"freshet/internal/record"
	"freshet/internal/rule"
)

// asked is what a running server says about a request.
func asked(t *testing.T, home string, args ...string) (status int, stdout, stderr string) {
	t.Helper()
	return command(t, home, append([]string{"why"}, args...)...)
}

func TestWhyCommand(t *testing.T) {
	home := t.TempDir()
	dir := folder(t, "index.html", "<p>", "docs/a.txt", "a")
	file := filepath.Join(home, "freshet.toml")
	text := "[server]\nlisten = '127.0.0.1:0'\nrequest-id = 'always'\n[[site]]\nnames = ['a.example', '127.0.0.1']\n" +
		"[[site.route]]\nstatic = '" + dir + "'\nhidden = true\n[[site.route]]\npath = '/old'\nredirect = '/new/'\n" +
		"[[site.route]]\npath = '/files'\nstatic = '" + dir + "/docs'\n"
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	told := &records{more: make(chan struct{})}
	p := startWith(t, func(e *Env) { e.Environ, e.Sink = []string{"HOME=" + home}, told }, "run", "-c", file, "--monitor", "off")
	base := p.url()
	expect := func(status int, parts []string, args ...string) {
		t.Helper()
		got, stdout, stderr := asked(t, home, args...)
		if got != status {
			t.Errorf("%v: exit status %d: %s", args, got, stderr)
		}
		for _, part := range parts {
			if !strings.Contains(stdout+stderr, part) {
				t.Errorf("%v: no %q in\n%s%s", args, part, stdout, stderr)
			}
		}
	}
	expect(exitOK, []string{"The file index.html is sent.", "GET " + base, "rule  static-index", "site   a.example, 127.0.0.1 (" + file + ":4)", "route  /: static " + dir}, "/")
	expect(exitOK, []string{"static-not-found", "add the file nothing"}, base+"nothing")
	expect(exitOK, []string{"site-unknown", "add b.example to names"}, "http://b.example/")
	expect(exitOK, []string{"site-unknown"}, "/", "-H", "Host: b.example")
	expect(exitOK, []string{"The route sends the client to another address.", "ask for " + base + "new/x"}, base+"old/x")
	expect(exitOK, []string{"file", "a.txt, 1 byte", "route  /files: static"}, base+"files/a.txt")
	expect(exitOK, []string{"add the file b.txt", "path  /b.txt"}, base+"files/b.txt", "--monitor", strings.TrimSuffix(strings.TrimPrefix(base, "http://"), "/"))
	expect(exitOK, []string{"method", "ask with the method GET"}, "/", "--method", "POST")
	expect(exitFault, []string{"says 400", "is no host"}, "/", "-H", "Host: a b")
	expect(exitFault, []string{"no request 0000000000000 is known: the last 16384 are kept, once they are answered"}, "0000000000000")
	expect(exitUsage, []string{"say what to explain"})

	_, stdout, _ := asked(t, home, "--json", "/nothing")
	var said struct {
		Verdict string
		Rule    struct{ Name string }
		Fixes   []struct{ Who, Do, Name, Text string }
	}
	if err := json.Unmarshal([]byte(stdout), &said); err != nil || said.Verdict != "file" || said.Rule.Name != "static-not-found" || len(said.Fixes) != 1 || said.Fixes[0].Text != "add the file nothing" {
		t.Errorf("%v, %+v, %s", err, said, stdout)
	}

	for target, parts := range map[string][]string{
		"/":            {"static-index", "index.html", "was      200, file", "route  /: static"},
		"/nothing":     {"static-not-found", "was      404", "add the file nothing"},
		"/old/x?y":     {"route-redirected", "was      308"},
		"/files/a.txt": {"static-file", "a.txt, 1 byte", "/files: static"},
		"/files":       {"route-redirected", "./files/"},
		"/a%2fb":       {"static-bad-path", "was      400, file"},
	} {
		n := told.len()
		resp := getOnce(t, base+strings.TrimPrefix(target, "/"))
		if _, err := told.wait(n); err != nil { // the answer comes before its record
			t.Fatal(err)
		}
		id := resp.Header.Get("Freshet-Id")
		expect(exitOK, append(parts, "GET "+strings.TrimSuffix(base, "/")+target, "id       "+id), id)
	}
	p.stop()
	expect(exitFault, []string{"no server has its socket in "}, "/")
}

// getOnce asks on a connection of its own, and follows no redirect.
func getOnce(t *testing.T, address string) *http.Response {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	tr := &http.Transport{DisableKeepAlives: true}
	resp, err := tr.RoundTrip(&http.Request{Method: "GET", URL: u, Host: u.Host, Header: http.Header{}})
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	return resp
}

// Routes keep their numbers whatever becomes of the file.
func TestPlaces(t *testing.T) {
	l := liveOf(t, "[[site]]\n[[site.route]]\nredirect = '/a'\n[[site.route]]\npath = '/b'\nredirect = '/c'\n")
	had := l.places.list()
	if len(had) != 2 || had[0].Number != 1 || had[0].Path != "/" || had[1].Path != "/b" || had[1].Kind != "redirect 308 /c" {
		t.Fatalf("%+v", had)
	}
	if err := l.apply(fileOf(t, "[[site]]\n[[site.route]]\npath = '/d'\nredirect = '/e'\n[[site.route]]\npath = '/b'\nredirect = '/f'\n")); err != nil {
		t.Fatal(err)
	}
	now := l.places.list()
	if len(now) != 3 || !now[0].Gone || now[1].Gone || now[1].Kind != "redirect 308 /f" || now[2].Path != "/d" || now[2].Number != 3 {
		t.Errorf("%+v", now)
	}
	for _, r := range l.sites().all[0].routes {
		if now[r.place-1].Path != r.conf.Path {
			t.Errorf("%s has the number %d", r.conf.Path, r.place)
		}
	}
	for range 3 {
		if e := l.Why(requestTo(t, "http://x/b/c")); e.Verdict != record.Handled || e.Status != 308 {
			t.Errorf("%+v", e)
		}
	}
}

// Records say which route answered, whichever way the answer went.
func TestPlacesInRecords(t *testing.T) {
	dir := folder(t, "a.txt", "a")
	told := &records{more: make(chan struct{})}
	file := filepath.Join(t.TempDir(), "freshet.toml")
	text := "[server]\nlisten = '127.0.0.1:0'\n[[site]]\n[[site.route]]\npath = '/x'\nstatic = '" + dir + "'\n[[site.route]]\npath = '/y'\nstatic = '" + dir + "'\nhidden = true\n"
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	p := startWith(t, func(e *Env) { e.Sink = told }, "run", "-c", file, "--monitor", "off")
	base := p.url()
	hot := 0
	for i := 0; hot < 2; i++ { // a file that was just written is not kept at once
		for place, path := range []string{"none", "x/a.txt", "y/a.txt"} {
			n := told.len()
			get(t, base+path)
			rec, err := told.wait(n)
			if err != nil {
				t.Fatal(err)
			}
			if int(rec.Place) != place {
				t.Errorf("%s: place %d, want %d", path, rec.Place, place)
			}
			want := record.File
			if place == 0 {
				want = record.Refused
			}
			if rec.Verdict != want {
				t.Errorf("%s: %v, want %v", path, rec.Verdict, want)
			}
			if rec.Hot {
				hot++
			}
		}
		if i > 10000 {
			t.Fatal("no answer is hot")
		}
	}
	p.stop()
}

func requestTo(t *testing.T, address string) *http.Request {
	t.Helper()
	r, err := http.NewRequest("GET", address, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Host = r.URL.Host
	return r
}

// A connection that was made for another host is explained as it is refused.
func TestWhyMisdirected(t *testing.T) {
	certA, keyA, _ := certificate(t, "a.example")
	certB, keyB, _ := certificate(t, "b.example")
	route := "[[site.route]]\nredirect = '/'\n"
	l := liveOf(t, "[server]\ntls-listen = ':0'\n[[site]]\nnames = ['a.example']\ncertificate = '"+certA+"'\nkey = '"+keyA+"'\n"+route+
		"[[site]]\nnames = ['b.example']\ncertificate = '"+certB+"'\nkey = '"+keyB+"'\n"+route)
	r := requestTo(t, "https://b.example/")
	r.TLS = &tls.ConnectionState{ServerName: "a.example"}
	e := l.Why(r)
	if e.Rule != rule.SiteMisdirected || e.Status != 421 || e.Verdict != record.Refused || len(e.Fixes) > 0 {
		t.Errorf("%+v", e)
	}
	contains(t, string(e.AppendText(nil, 0)), "the connection was made for a.example")
	w := httptest.NewRecorder()
	if l.ServeHTTP(w, r); w.Code != 421 {
		t.Errorf("status %d", w.Code)
	}
	r.TLS.ServerName = "b.example"
	if e := l.Why(r); e.Rule != rule.RouteRedirected {
		t.Errorf("%+v", e)
	}
}

// Without a door the monitor is asked over the network, with its token.
func TestWhyOverNetwork(t *testing.T) {
	dir := folder(t, "index.html", "<p>")
	token := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(token, []byte("a long secret\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	p := start(t, "serve", "--listen", "127.0.0.1:0", "--monitor", "127.0.0.1:0", "--monitor-token", token, dir)
	p.url()
	addr := p.stderr.wait(t, `(?m)^monitor on http://(\S+?)/?$`)
	home := t.TempDir() // where no door is
	for _, tt := range []struct {
		status int
		says   string
		args   []string
	}{
		{exitOK, "The file index.html is sent.", []string{"--monitor", addr, "--token", "a long secret", "/"}},
		{exitOK, "The file index.html is sent.", []string{"--monitor", addr, "--monitor-token", token, "/"}},
		{exitFault, "says 401 Unauthorized", []string{"--monitor", addr, "/"}},
		{exitFault, "says 401 Unauthorized", []string{"--monitor", addr, "--token", "wrong", "/"}},
		{exitFault, "no server has its socket in ", []string{"/"}},
		{exitFault, "speak to the server 127.0.0.1:1: dial tcp", []string{"--monitor", "127.0.0.1:1", "/"}},
		{exitFault, "speak to the server " + home + "/none: dial unix", []string{"--monitor", "unix:" + home + "/none", "/"}},
		{exitFault, "--monitor-token " + home + "/none: ", []string{"--monitor", addr, "--monitor-token", home + "/none", "/"}},
	} {
		status, stdout, stderr := asked(t, home, tt.args...)
		if status != tt.status || !strings.Contains(stdout+stderr, tt.says) {
			t.Errorf("%v: %d, %s%s", tt.args, status, stdout, stderr)
		}
	}
	p.stop()
}

// The door is found by the monitor's address, and by the first one that is
// listened on.
func TestDoorOfMonitor(t *testing.T) {
	home, err := os.MkdirTemp("", "why")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(home) })
	for range 2 { // two servers, of which one is asked
		p := startWith(t, func(e *Env) { e.Environ = []string{"HOME=" + home} }, "serve", "--listen", "127.0.0.1:0", "--monitor", "127.0.0.1:0", folder(t, "a.txt", "a"))
		listens := strings.TrimSuffix(strings.TrimPrefix(p.url(), "http://"), "/")
		addr := p.stderr.wait(t, `(?m)^monitor on http://(\S+?)/?$`)
		for _, at := range []string{listens, addr, "unix:" + filepath.Join(home, ".local/state/freshet", strings.Replace(listens, ":", "-", 1)+".sock")} {
			if status, stdout, stderr := asked(t, home, "--monitor", at, "/a.txt"); status != exitOK || !strings.Contains(stdout, "GET http://"+listens+"/a.txt") {
				t.Errorf("%s: %d, %s%s", at, status, stdout, stderr)
			}
		}
		if status, stdout, stderr := asked(t, home, "http://"+listens+"/a.txt"); status != exitOK || !strings.Contains(stdout, "The file a.txt is sent.") {
			t.Errorf("%s: %d, %s%s", listens, status, stdout, stderr)
		}
	}
	if _, _, stderr := asked(t, home, "/a.txt"); !strings.Contains(stderr, "several servers run (127.0.0.1-") || !strings.Contains(stderr, "name it with --monitor ADDR") {
		t.Error(stderr)
	}
}

// When several servers run and none was named, it is said which one answers.
func TestWhySaysWhichServer(t *testing.T) {
	home := t.TempDir()
	var listen, monitors []string
	for range 3 {
		p := startWith(t, func(e *Env) { e.Environ = []string{"HOME=" + home} }, "serve", "--listen", "127.0.0.1:0", "--monitor", "127.0.0.1:0", folder(t, "a.txt", "a"))
		listen = append(listen, strings.TrimSuffix(strings.TrimPrefix(p.url(), "http://"), "/"))
		monitors = append(monitors, p.stderr.wait(t, `(?m)^monitor on http://(\S+?)/?$`))
		addr := listen[len(listen)-1]
		_, stdout, stderr := asked(t, home, "http://"+addr+"/a.txt")
		says := strings.Contains(stderr, "the server "+strings.Replace(addr, ":", "-", 1)+" says this; ")
		if says != (len(listen) > 1) || says && !strings.Contains(stderr, strings.Replace(listen[0], ":", "-", 1)) || !strings.Contains(stdout, "The file a.txt is sent.") {
			t.Errorf("%d servers: %s%s", len(listen), stdout, stderr)
		}
	}
	// An address of a monitor is another name of the same server.
	_, _, stderr := asked(t, home, "http://"+monitors[1]+"/a.txt")
	if !strings.Contains(stderr, "the server "+strings.Replace(listen[1], ":", "-", 1)+" says this; ") || strings.Count(stderr, strings.Replace(listen[1], ":", "-", 1)) != 1 || !strings.Contains(stderr, " run, too") {
		t.Error(stderr)
	}
	if _, _, stderr := asked(t, home, "--monitor", listen[0], "/a.txt"); stderr != "" {
		t.Errorf("one was named, and %q", stderr)
	}
	if _, stdout, stderr := asked(t, home, "--json", "http://"+listen[0]+"/a.txt"); !strings.Contains(stderr, " says this; ") || !strings.HasPrefix(stdout, "{") {
		t.Errorf("%s%s", stdout, stderr)
	}
}

// A record whose address had no room is explained as far as it is known, and
// one whose user agent had none as if it were whole.
func TestWhyShortened(t *testing.T) {
	home := t.TempDir()
	told := &records{more: make(chan struct{})}
	p := startWith(t, func(e *Env) { e.Environ, e.Sink = []string{"HOME=" + home, "COLUMNS=100"}, told }, "serve", "--listen", "127.0.0.1:0", "--monitor", "off", "--request-id", "always", t.TempDir())
	base := p.url()
	for _, tt := range []struct{ path, agent, says string }{
		{strings.Repeat("a", 40), strings.Repeat("agent ", 40), "add the file aaa"},
		{strings.Repeat("a/", 200), "agent", "shortened (its address was longer than what is kept)"},
	} {
		n := told.len()
		resp, _ := get(t, base+tt.path, "User-Agent", tt.agent)
		if _, err := told.wait(n); err != nil {
			t.Fatal(err)
		}
		status, stdout, stderr := asked(t, home, resp.Header.Get("Freshet-Id"))
		if status != exitOK || !strings.Contains(stdout, tt.says) {
			t.Errorf("%d, %s%s", status, stdout, stderr)
		}
	}
	p.stop()
}

func TestColumns(t *testing.T) {
	for text, want := range map[string]int{"COLUMNS=100": 100, "COLUMNS=1000": 120, "COLUMNS=9": 60, "COLUMNS=x": 0, "COLS=1": 0} {
		if got := columnsOf([]string{text}); got != want {
			t.Errorf("%s: %d", text, got)
		}
	}
}

// The name of a request says nothing about its server, so each that runs is
// asked.
func TestWhyAsksEachServerForAName(t *testing.T) {
	home := t.TempDir()
	told := &records{more: make(chan struct{})}
	for i := range 2 {
		p := startWith(t, func(e *Env) { e.Environ, e.Sink = []string{"HOME=" + home}, told }, "serve", "--listen", "127.0.0.1:0", "--monitor", "off", "--request-id", "always", folder(t, "a.txt", "a"))
		name := getOnce(t, p.url()+"a.txt").Header.Get("Freshet-Id")
		if _, err := told.wait(i); err != nil {
			t.Fatal(err)
		}
		if status, stdout, stderr := asked(t, home, name); status != exitOK || !strings.Contains(stdout, p.url()+"a.txt") {
			t.Errorf("%s: exit status %d: %s%s", name, status, stdout, stderr)
		}
	}
	if status, _, stderr := asked(t, home, "0000000000000"); status != exitFault || !strings.Contains(stderr, "no request 0000000000000 is known") {
		t.Errorf("exit status %d: %s", status, stderr)
	}
}

// A host that is a name leads to the server that listens at its port.
func TestWhyFindsTheServerByItsPort(t *testing.T) {
	home := t.TempDir()
	for _, name := range []string{"a.txt", "b.txt"} {
		p := startWith(t, func(e *Env) { e.Environ = []string{"HOME=" + home} }, "serve", "--listen", "127.0.0.1:0", "--monitor", "off", folder(t, name, "x"))
		_, port := hostPort(p.url())
		if status, stdout, stderr := asked(t, home, "http://a.example:"+port+"/"+name); status != exitOK || !strings.Contains(stdout, "The file "+name+" is sent.") {
			t.Errorf("exit status %d: %s%s", status, stdout, stderr)
		}
	}
}
