package app

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The command makes a forward proxy with a cache; its answers can be explained
// like those of others.
func TestFilter(t *testing.T) {
	asked := 0
	origin := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked++
		w.Header().Set("Cache-Control", "max-age=60")
		io.WriteString(w, "from "+r.URL.Path)
	}))
	defer origin.Close()
	users := filepath.Join(t.TempDir(), "users")
	if err := os.WriteFile(users, []byte("ann:secret\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	p := start(t, "filter", "--listen", "127.0.0.1:0", "--allow-private", "--users", users, "--request-id", "always")
	address := p.url()
	contains(t, p.stderr.String(), "serving as a forward proxy on http://127.0.0.1:")
	by, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	by.Path, by.User = "", url.UserPassword("ann", "secret")
	tr := &http.Transport{Proxy: http.ProxyURL(by)}
	defer tr.CloseIdleConnections()
	client := &http.Client{Transport: tr}
	var id string
	for i := range 2 {
		resp, err := client.Get(origin.URL + "/a")
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		if hit := strings.Contains(resp.Header.Get("Cache-Status"), "; hit"); string(body) != "from /a" || hit != (i > 0) {
			t.Errorf("request %d: %q, %s", i, body, resp.Header.Get("Cache-Status"))
		}
		if !strings.HasPrefix(resp.Header.Get("Via"), "1.1 freshet-") {
			t.Errorf("Via %q", resp.Header.Get("Via"))
		}
		id = resp.Header.Get("Freshet-Id")
	}
	if asked != 1 {
		t.Errorf("the origin was asked %d times", asked)
	}
	if resp, body := get(t, address+"proxy.pac"); resp.StatusCode != 200 || !strings.Contains(body, "FindProxyForURL") {
		t.Errorf("%s %q", resp.Status, body)
	}
	p.stop()
	contains(t, p.stdout.String(), `"GET `+origin.URL+`/a HTTP/1.1" 200 7 `)
	contains(t, p.stdout.String(), " "+id+" hit")
}

// In a chain of two an answer has the name that the nearer one gave the request,
// also from its cache, and that one knows what the other calls it.
func TestFilterChainNames(t *testing.T) {
	home := t.TempDir()
	origin := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "max-age=60")
		io.WriteString(w, "x")
	}))
	defer origin.Close()
	at := func(told *records, args ...string) *program {
		return startWith(t, func(e *Env) { e.Environ, e.Sink = []string{"HOME=" + home}, told }, append(args, "--listen", "127.0.0.1:0", "--monitor", "off", "--request-id", "always")...)
	}
	behindTold, nearTold := &records{more: make(chan struct{})}, &records{more: make(chan struct{})}
	behind := at(behindTold, "proxy", "--to", origin.URL, "--cache", "off")
	near := at(nearTold, "filter", "--allow-private")
	by, err := url.Parse(near.url())
	if err != nil {
		t.Fatal(err)
	}
	tr := &http.Transport{Proxy: http.ProxyURL(&url.URL{Scheme: "http", Host: by.Host})}
	defer tr.CloseIdleConnections()
	seen := map[string]bool{}
	for i := range 2 {
		resp, err := (&http.Client{Transport: tr}).Get(behind.url())
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		ids := resp.Header.Values("Freshet-Id")
		if len(ids) != 1 || seen[ids[0]] {
			t.Fatalf("request %d has the names %q, before %v", i, ids, seen)
		}
		seen[ids[0]] = true
		if _, err := nearTold.wait(i); err != nil {
			t.Fatal(err)
		}
		status, stdout, stderr := asked(t, home, ids[0])
		if status != exitOK || strings.Contains(stdout, "ID at the origin") != (i == 0) {
			t.Errorf("request %d: %d, %s%s", i, status, stdout, stderr)
		}
		if i > 0 {
			continue
		}
		_, rest, _ := strings.Cut(stdout, "ID at the origin")
		other := strings.Fields(rest + " none")[0]
		if _, err := behindTold.wait(0); err != nil {
			t.Fatal(err)
		}
		if status, stdout, stderr := asked(t, home, other); status != exitOK || !strings.Contains(stdout, behind.url()) {
			t.Errorf("of %s: %d, %s%s", other, status, stdout, stderr)
		}
	}
}

// What is wrong with a command line is told with what to do.
func TestFilterFaults(t *testing.T) {
	for _, tt := range []struct {
		args   string
		status int
		says   string
	}{
		{"filter extra", exitUsage, `"extra": the filter takes no operand`},
		{"filter --port x", exitUsage, "--port x: give a number from 1 to 65535"},
		{"filter --parent ftp://h", exitUsage, "parent ftp://h: its scheme is none of http, https, socks5 and socks5h"},
		{"filter --parent foo", exitUsage, "parent foo: it has no scheme; write http://host:port"},
		{"filter --parent foo:3128", exitUsage, "parent foo:3128: it has no scheme"},
		{"filter --parent a.example=foo", exitUsage, "parent a.example=foo: it has no scheme"},
		{"filter --parent ann:secret@foo:3128", exitUsage, "parent …@foo:3128: it has no scheme"},
		{"filter --parent =http://h:1", exitUsage, "parent =http://h:1: it has no host before ="},
		{"filter --parent http://h:1/x", exitUsage, "parent http://h:1/x: it is not of the form"},
		{"filter --cookie x", exitUsage, `cookie rule "x": give HOST=POLICY`},
		{"filter --list ftp://h/x", exitUsage, "list ftp://h/x: it is no http or https address"},
		{"filter --hide x", exitUsage, `bad value "x" for --hide`},
		{"filter --port x --parent foo --cookie y", exitUsage, "--port x: "},
		{"filter --users /nowhere", exitFault, "give a file with a line name:password"},
		{"filter --list /nowhere", exitFault, "--list /nowhere: no such file or directory; name one that exists"},
	} {
		p := start(t, strings.Fields(tt.args+" --listen 127.0.0.1:0 --monitor off")...)
		if status := p.wait(); status != tt.status {
			t.Errorf("%s: exit status %d, want %d", tt.args, status, tt.status)
		}
		said := p.stderr.String()
		contains(t, said, tt.says)
		if strings.Contains(said, "secret") {
			t.Errorf("%s: the password is shown: %s", tt.args, said)
		}
		if want := max(strings.Count(tt.args, " --"), 1); strings.Count(said, "\n") != want {
			t.Errorf("%s: %d lines are wanted:\n%s", tt.args, want, said)
		}
	}
}
