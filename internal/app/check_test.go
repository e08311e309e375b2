package app

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"freshet/internal/wiretest"
)

// checked is a site to check: a page that links to another, which has a fault.
func checked(t *testing.T) *httptest.Server {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Cache-Control", "max-age=600")
		h.Set("Content-Type", "text/html; charset=utf-8")
		switch r.URL.Path {
		case "/":
			fmt.Fprintf(w, "<!DOCTYPE html><html lang=en><title>x</title><a href=/bad>y</a> %s", r.Header.Get("X-Say"))
		case "/bad": // whoever asks with any entity-tag has the page
			h.Set("Etag", `"a"`)
			if r.Header.Get("If-None-Match") != "" {
				w.WriteHeader(http.StatusNotModified)
				return
			}
			io.WriteString(w, "<!DOCTYPE html><html lang=en><title>y</title>")
		case "/sitemap.xml":
			h.Set("Content-Type", "application/xml")
			fmt.Fprintf(w, "<urlset><url><loc>http://%[1]s/</loc></url><url><loc>http://%[1]s/bad</loc></url></urlset>", r.Host)
		default:
			http.NotFound(w, r)
		}
	}))
	t.Cleanup(s.Close)
	return s
}

func TestCheckCommand(t *testing.T) {
	s := checked(t)
	dir := t.TempDir()
	file := filepath.Join(dir, "pages.txt")
	if err := os.WriteFile(file, []byte(s.URL+"/\n"+s.URL+"/bad\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	closed := "http://" + wiretest.Reserve(t)
	for _, tt := range []struct {
		args   string
		status int
		stdout string
		stderr string
	}{
		{s.URL, exitOK, s.URL + "/\n  HTTP/1.1 200, text/html; charset=utf-8, ", ""},
		{strings.TrimPrefix(s.URL, "http://"), exitOK, "browser and shared caches: fresh for ", ""},
		{s.URL + "/bad", exitFault, "etag-matches-any, RFC 9110 §13.1.2", ""},
		{"--no-active " + s.URL + "/bad", exitOK, "browser and shared caches: fresh for ", ""},
		{"--fail-on never " + s.URL + "/bad", exitOK, "etag-matches-any", ""},
		{"--fail-on info " + s.URL, exitFault, "method-unknown-succeeds", ""},
		{"--fail-on warn --no-active " + s.URL, exitOK, "0 warnings", ""},
		{"--crawl " + s.URL, exitFault, s.URL + "/: 2 addresses\n", ""},
		{"--crawl --max-pages 1 " + s.URL, exitOK, "HTTP/1.1 200", "freshet: there may be more than 1 addresses; raise --max-pages to check them\n"},
		{s.URL + "/sitemap.xml", exitFault, "/sitemap.xml: 2 addresses\n", ""},
		{"--max-pages 1 " + s.URL + "/sitemap.xml", exitOK, "1 address", "freshet: 1 pages of the sitemap are left out; raise --max-pages to check them\n"},
		{file, exitFault, "pages.txt: 2 addresses\n", ""},
		{s.URL + " " + s.URL + "/bad", exitFault, "2 addresses\n", ""},
		{"--insecure --no-active " + s.URL, exitOK, "HTTP/1.1 200", "freshet: --insecure: certificates are not verified, and the answers may be anybody's\n"},
		{closed, exitFault, "nobody listens there (connection refused)\n", ""},
		{"--fail-on never " + closed, exitOK, "1 without an answer\n", ""},
		{"./none", exitFault, "", "freshet: no folder or sitemap \"./none\"; name one that exists, or an address with http://\n"},
		{"ftp://example.com/", exitFault, "", "freshet: \"ftp://example.com/\" is no address; give one of http:// or https://\n"},
		{"", exitUsage, "", "freshet: say what to check: freshet check URL, or a folder, or a sitemap\n"},
		{"--format yaml x", exitUsage, "", `freshet: bad value "yaml" for --format: give text, json, sarif or junit`},
		{"--fail-on worse x", exitUsage, "", `freshet: bad value "worse" for --fail-on: give info, warn, bad or never`},
		{"-H nothing x", exitUsage, "", `freshet: bad value "nothing" for --header: give a name, a colon and a value`},
		{"-H Host:x x", exitUsage, "", `freshet: bad value "Host:x" for --header: Host is not sent as it is given; leave it out`},
	} {
		status, stdout, stderr := command(t, dir, append([]string{"check"}, strings.Fields(tt.args)...)...)
		if status != tt.status || !strings.Contains(stdout, tt.stdout) || tt.stdout == "" && stdout != "" || !strings.HasPrefix(stderr, tt.stderr) || tt.stderr == "" && stderr != "" {
			t.Errorf("freshet check %s: %d (want %d)\n%s%s", tt.args, status, tt.status, stdout, stderr)
		}
	}
}

func TestCheckOutput(t *testing.T) {
	s := checked(t)
	dir := t.TempDir()
	out := filepath.Join(dir, "report.json")
	status, stdout, stderr := command(t, dir, "check", "--format", "json", "--output", out, "--header", "X-Say: hello", "-H", "x-say: again", s.URL)
	if status != exitOK || stdout+stderr != "" {
		t.Fatalf("%d, %q, %q", status, stdout, stderr)
	}
	text, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	var report struct{ Results []struct{ Status int } }
	if err := json.Unmarshal(text, &report); err != nil || len(report.Results) != 1 || report.Results[0].Status != 200 {
		t.Errorf("%s, %v", text, err)
	}
	for format, want := range map[string]string{"sarif": `"version": "2.1.0"`, "junit": `<testsuite name="freshet check `, "text": "HTTP/1.1 200"} {
		if status, stdout, _ := command(t, dir, "check", "--format="+format, "--no-active", s.URL); status != exitOK || !strings.Contains(stdout, want) {
			t.Errorf("%s: %d, %s", format, status, stdout)
		}
	}
	status, _, stderr = command(t, dir, "check", "--no-active", "--output", filepath.Join(dir, "none", "x"), s.URL)
	if status != exitFault || !strings.Contains(stderr, "make its folder first") {
		t.Errorf("%d, %q", status, stderr)
	}
}

// A folder is checked as it would be served, with the same flags.
func TestCheckFolder(t *testing.T) {
	dir := folder(t, "index.html", "<!DOCTYPE html><html lang=en><title>x</title>", "app.0a1b2c3d4e.js", strings.Repeat("let a = 1;\n", 200), "a.txt", "a")
	status, stdout, stderr := command(t, dir, "check", "--cache", "auto", "--format", "json", dir)
	if status != exitOK || stderr != "" {
		t.Fatalf("%d, %s, %q", status, stdout, stderr)
	}
	if _, _, stderr := command(t, dir, "check", "--max-pages", "2", dir); !strings.Contains(stderr, "more than 2 addresses") {
		t.Errorf("the bound is not told: %q", stderr)
	}
	var report struct {
		Title   string
		Results []struct {
			Name     string
			Verdict  []string
			Findings []struct{ Note, Severity string }
		}
	}
	if err := json.Unmarshal([]byte(stdout), &report); err != nil {
		t.Fatal(err)
	}
	if report.Title != dir || len(report.Results) != 3 {
		t.Fatalf("%s", stdout)
	}
	for i, name := range []string{"/", "a.txt", "app.0a1b2c3d4e.js"} {
		r := report.Results[i]
		if r.Name != name || len(r.Verdict) != 2 {
			t.Errorf("%+v, want %s", r, name)
		}
		for _, f := range r.Findings {
			if f.Severity != "info" {
				t.Errorf("%s: %s %s", name, f.Severity, f.Note)
			}
		}
	}
	if v := report.Results[2].Verdict[0]; !strings.Contains(v, "fresh for 36") {
		t.Errorf("a name with a hash is kept: %s", v)
	}
}

// A signal ends a check, and what is known by then is told.
func TestCheckStopped(t *testing.T) {
	asked := make(chan struct{}, 16)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked <- struct{}{}
		<-r.Context().Done()
	}))
	defer s.Close()
	p := startWith(t, func(*Env) {}, "check", s.URL)
	<-asked
	p.signals <- os.Interrupt
	if status := p.wait(); status != exitFault {
		t.Errorf("exit status %d", status)
	}
	if !strings.Contains(p.stderr.String(), "freshet: stopped by a signal") {
		t.Errorf("%q", p.stderr.String())
	}
}

// The bar is for terminals.
func TestCheckProgress(t *testing.T) {
	s := checked(t)
	for _, terminal := range []bool{false, true} {
		p := startWith(t, func(e *Env) { e.Terminal = terminal }, "check", "--crawl", "--no-active", s.URL)
		p.wait()
		if got := strings.Contains(p.stderr.String(), "\x1b[K"); got != terminal {
			t.Errorf("terminal %v: %q", terminal, p.stderr.String())
		}
	}
}
