package app

import (
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// monitored starts the program with a monitor; its state is in a folder of the
// test's.
func monitored(t *testing.T, args ...string) (p *program, home string) {
	t.Helper()
	home = t.TempDir()
	return startWith(t, func(e *Env) { e.Environ = []string{"HOME=" + home} }, args...), home
}

// monitor returns the address of the monitor.
func (p *program) monitor() string {
	p.t.Helper()
	return p.stderr.wait(p.t, `(?m)^monitor on (http://\S+/)(?:;.*)?$`)
}

func TestMonitor(t *testing.T) {
	p, _ := monitored(t, "serve", "--listen", "127.0.0.1:0", "--monitor", "127.0.0.1:0", folder(t, "index.html", "hello"))
	site, at := p.url(), p.monitor()
	get(t, site+"x?<>")
	resp, _ := get(t, site+"none")
	id := resp.Header.Get("Freshet-Id")
	if resp.StatusCode != 404 || len(id) != 13 {
		t.Fatalf("%v", resp)
	}
	p.stdout.wait(t, "/none") // the log gets a record last
	for page, want := range map[string]string{
		"": "Overview", "requests": "/none", "why/" + id: "404", "config": "--monitor", "origins": "static ", "metrics": "freshet_requests_total",
		"requests.json": `"target":"/none"`, "overview.json": `"name":"memory"`, "config.json": `"from":"default"`, "routes.csv": "all hosts",
		"why.json?url=/": `"verdict": "file"`, "why/" + id + ".json": `"status": 404`, "why?url=" + url.QueryEscape(site): "index.html",
	} {
		resp, body := get(t, at+page)
		if resp.StatusCode != 200 || !strings.Contains(body, want) {
			t.Errorf("%s: %s, without %q:\n%s", page, resp.Status, want, body)
		}
		if len(body) >= 512 && !resp.Uncompressed { // the client asks for gzip, and decodes it
			t.Errorf("%s: %d bytes without a coding", page, len(body))
		}
	}
	p.stop()
	if strings.Contains(p.stdout.String(), "overview") {
		t.Errorf("requests for the monitor are logged: %s", p.stdout)
	}
}

// The usual port may be taken; one that was asked for must be free.
func TestMonitorPort(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:8001")
	if err != nil { // and whoever has it may give it up meanwhile
		t.Skip("the usual port is not ours to take: ", err)
	}
	defer taken.Close()
	dir := folder(t, "index.html", "hello")
	p, _ := monitored(t, "serve", "--listen", "127.0.0.1:0", dir)
	p.stderr.wait(t, `(?m)^monitor on http://127\.0\.0\.1:\d+/; 127\.0\.0\.1:8001 is taken$`)
	if resp, _ := get(t, p.monitor()); resp.StatusCode != 200 || p.monitor() == "http://127.0.0.1:8001/" {
		t.Errorf("%v", resp)
	}
	p.stop()
	said := fails(t, exitFault, "serve", "--listen", "127.0.0.1:0", "--monitor", "127.0.0.1:8001", dir)
	contains(t, said, "listen on 127.0.0.1:8001: ", "address already in use", "--monitor")
}

func TestMonitorOff(t *testing.T) {
	p, _ := monitored(t, "serve", "--listen", "127.0.0.1:0", "--monitor", "off", folder(t, "index.html", "hello"))
	p.url()
	p.stop()
	if strings.Contains(p.stderr.String(), "monitor") {
		t.Errorf("it said %s", p.stderr)
	}
}

// For other machines there must be a token, and then nothing is shown without.
func TestMonitorForOthers(t *testing.T) {
	dir := folder(t, "index.html", "hello", "token", "a long secret\nmore\n", "short", "abc\n", "empty", "")
	contains(t, fails(t, exitUsage, "serve", "--monitor", ":0", dir), "--monitor :0 can be reached from other machines; give --monitor-token FILE")
	for name, want := range map[string]string{"none": "no such file", "short": "shorter than 8 characters", "empty": "its first line is empty"} {
		contains(t, fails(t, exitFault, "serve", "--listen", "127.0.0.1:0", "--monitor", ":0", "--monitor-token", filepath.Join(dir, name), dir), "--monitor-token", want)
	}
	p, _ := monitored(t, "serve", "--listen", "127.0.0.1:0", "--monitor", ":0", "--monitor-token", filepath.Join(dir, "token"), dir)
	at := p.monitor()
	p.stderr.wait(t, `(?m)^monitor on http://192\.0\.2\.7:\d+/ for other machines$`)
	for auth, want := range map[string]int{"": 401, "Bearer wrong": 401, "Bearer a long secret": 200} {
		if resp, body := get(t, at+"requests.json", "Authorization", auth); resp.StatusCode != want || want != 200 && strings.Contains(body, "table") {
			t.Errorf("%q: %v", auth, resp)
		}
	}
	p.stop()
	environ := startWith(t, func(e *Env) { e.Environ = []string{"HOME=" + t.TempDir(), "FRESHET_MONITOR_TOKEN=of the environment"} },
		"serve", "--listen", "127.0.0.1:0", "--monitor", ":0", dir)
	if resp, _ := get(t, environ.monitor(), "Authorization", "Bearer of the environment"); resp.StatusCode != 200 {
		t.Errorf("%v", resp)
	}
	environ.stop()
}

// What is purged in the monitor needs the server's token, which is in a file
// of its user.
func TestMonitorPurge(t *testing.T) {
	origin := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "max-age=600")
		io.WriteString(w, "kept")
	}))
	defer origin.Close()
	p, home := monitored(t, "proxy", "--to", origin.URL, "--listen", "127.0.0.1:0", "--monitor", "127.0.0.1:0")
	site, at := p.url(), p.monitor()
	get(t, site+"a")
	p.stdout.wait(t, "GET /a ")
	var list struct{ Rows []struct{ URL, Key string } }
	if _, body := get(t, at+"cache.json"); json.Unmarshal([]byte(body), &list) != nil || len(list.Rows) != 1 || list.Rows[0].URL != site+"a" {
		t.Fatalf("%s", body)
	}
	if resp, body := get(t, at+"cache/object?key="+url.QueryEscape(list.Rows[0].Key)); resp.StatusCode != 200 || !strings.Contains(body, "600 s - ") {
		t.Errorf("%v %s", resp, body)
	}
	files, err := filepath.Glob(filepath.Join(home, ".local/state/freshet/*.token"))
	if err != nil || len(files) == 0 {
		t.Fatalf("%v, %v", files, err)
	}
	token, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	purge := func(auth string) int {
		r, err := http.NewRequest("POST", at+"cache/purge", strings.NewReader(url.Values{"key": {list.Rows[0].Key}}.Encode()))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Authorization", auth)
		resp, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(r)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		return resp.StatusCode
	}
	if got := purge("Bearer x"); got != 401 {
		t.Errorf("with a wrong token: %d", got)
	}
	if got := purge("Bearer " + strings.TrimSpace(string(token))); got != 200 {
		t.Errorf("with the token: %d", got)
	}
	if resp, body := get(t, at+"cache/object?key="+url.QueryEscape(list.Rows[0].Key)); resp.StatusCode != 404 {
		t.Errorf("after the purge: %v %s", resp, body)
	}
	p.stop()
}

// The past is kept in the folder that --data names.
func TestFiguresAreKept(t *testing.T) {
	dir, data := folder(t, "index.html", "hello"), t.TempDir()
	if err := os.Chmod(data, 0o700); err != nil {
		t.Fatal(err)
	}
	run := func() (series string) {
		p, _ := monitored(t, "serve", "--listen", "127.0.0.1:0", "--monitor", "127.0.0.1:0", "--data", data, dir)
		get(t, p.url())
		_, series = get(t, p.monitor()+"series.csv?over=hours")
		p.stop()
		return series
	}
	run()
	files, err := os.ReadDir(data)
	if err != nil || len(files) == 0 {
		t.Errorf("%v, %v", files, err)
	}
	if lines := regexp.MustCompile(`(?m)^20`).FindAllString(run(), -1); len(lines) > 1 {
		t.Errorf("%d hours", len(lines))
	}
}

// The configuration of a file is shown with the lines that it has.
func TestMonitorOfFile(t *testing.T) {
	home, dir := t.TempDir(), folder(t, "index.html", "hello")
	c := &configured{path: filepath.Join(t.TempDir(), "f.toml")}
	c.write(t, "[server]\nlisten = '127.0.0.1:0'\nmonitor = '127.0.0.1:0'\n[[site]]\nnames = ['a.example']\n[[site.route]]\nstatic = '"+dir+"'\nlisting = 'off'\n[[site.route]]\npath = '/p'\nproxy = ['http://127.0.0.1:1']\n")
	c.program = startWith(t, func(e *Env) { e.Environ = []string{"HOME=" + home} }, "run", "-c", c.path)
	at, site := c.monitor(), c.url()
	getAs(t, site, "a.example")
	getAs(t, site+"p", "a.example")
	c.stdout.wait(t, "GET / ")
	c.stdout.wait(t, "GET /p ")
	var all struct {
		Rows []struct{ Group, Key, Value, From string }
	}
	if _, body := get(t, at+"config.json?q=listing"); json.Unmarshal([]byte(body), &all) != nil || len(all.Rows) != 1 ||
		all.Rows[0].Value != "off" || all.Rows[0].From != c.path+":8" || all.Rows[0].Group != "site a.example, route /" {
		t.Errorf("%s", body)
	}
	if _, body := get(t, at+"routes.csv"); !strings.Contains(body, "a.example,/p,") || !regexp.MustCompile(`(?m)^a\.example,/,static [^,]*,1,5,`).MatchString(body) {
		t.Errorf("%s", body)
	}
	if _, body := get(t, at+"origins.csv"); !regexp.MustCompile(`(?m)^http://127\.0\.0\.1:1,a\.example/p,\S*,`).MatchString(body) {
		t.Errorf("%s", body)
	}
	c.stop()
}
