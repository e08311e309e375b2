package static

import (
	"bufio"
	"errors"
	"io/fs"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"freshet/internal/record"
	"freshet/internal/rule"
	"freshet/internal/why"
)

// noted is a writer that keeps what handlers tell.
type noted struct {
	*httptest.ResponseRecorder
	rule    rule.ID
	verdict record.Verdict
}

func (n *noted) SetRule(id rule.ID)          { n.rule = id }
func (n *noted) SetVerdict(v record.Verdict) { n.verdict = v }

// What is explained is what is then done, and explaining does nothing.
func TestWhy(t *testing.T) {
	s := newSite(t, Options{Hidden: false}, map[string]string{
		"index.html": "<p>hello</p>", "a.css": strings.Repeat("p{}\n", 600), "a.css.gz": "\x1f\x8bx", "News.txt": "news", "empty/x.txt": "x", ".git/config": "secret", "big.bin": strings.Repeat("x", 3000),
	})
	outside := t.TempDir()
	must(t, os.WriteFile(outside+"/o.txt", []byte("o"), 0o644))
	must(t, os.Symlink(outside+"/o.txt", s.path("out.txt")))
	tag := s.get("/index.html").Header().Get("Etag")
	s.table.clear()
	for _, tt := range []struct {
		request, rule, fix string
		status             int
	}{
		{raw("GET /"), "static-index", "", 200},
		{raw("GET /index.html"), "static-file", "", 200},
		{raw("HEAD /a.css", "Accept-Encoding: gzip"), "static-file", "", 200},
		{raw("GET /index.html", "If-None-Match: "+tag), "not-modified-etag", "", 304},
		{raw("GET /index.html", "If-Match: \"x\""), "match-failed", "ask without If-Match", 412},
		{raw("GET /index.html", "Range: bytes=2-4"), "range-single", "", 206},
		{raw("GET /index.html", "Range: bytes=2-4,6-7"), "range-multiple", "", 206},
		{raw("GET /index.html", "Range: bytes=99-"), "range-unsatisfiable", "ask without Range", 416},
		{raw("GET /index.html", "Range: lines=1-2"), "range-whole", "", 200},
		{raw("GET /big.bin", "Accept-Encoding: identity;q=0"), "not-acceptable", "ask without Accept-Encoding", 406},
		{raw("GET /index.html", "Accept-Encoding: br, identity;q=0"), "static-file", "", 200},
		{raw("GET /nothing"), "static-not-found", "add the file nothing", 404},
		{raw("GET /news.txt"), "static-not-found", "ask for ./News.txt", 404},
		{raw("GET /nothing/"), "static-not-found", "add the file nothing/index.html", 404},
		{raw("GET /empty"), "static-redirect", "ask for ./empty/", 301},
		{raw("GET /News.txt/"), "static-redirect", "ask for ../News.txt", 301},
		{raw("GET /empty/"), "static-listing", "", 200},
		{raw("GET /empty/", "If-None-Match: *"), "not-modified-etag", "", 304},
		{raw("GET /empty/", "If-Match: \"x\""), "match-failed", "ask without If-Match", 412},
		{raw("GET /empty/", "Range: bytes=0-1"), "range-single", "", 206},
		{raw("GET /empty/", "Accept-Encoding: br"), "static-listing", "", 200},
		{raw("GET /empty/", "Accept-Encoding: identity;q=0, gzip", "Accept: application/json"), "static-listing", "", 200},
		{raw("GET /empty/", "Accept-Encoding: *;q=0"), "not-acceptable", "ask without Accept-Encoding", 406},
		{raw("GET /empty/?download"), "static-listing", "", 200},
		{raw("GET /.git/config"), "static-hidden", "set hidden to on", 404},
		{raw("GET /a.css.gz"), "static-hidden", "ask for ./a.css", 404},
		{raw("GET /out.txt"), "static-outside", "set follow-symlinks to on", 403},
		{raw("GET /../x"), "static-outside", "", 403},
		{raw("GET /a%2fb"), "static-bad-path", "", 400},
		{raw("GET /" + strings.Repeat("x", 300)), "static-path-too-long", "", 414},
		{raw("POST /"), "static-method-not-allowed", "ask with the method GET", 405},
		{raw("BREW /"), "static-method-unknown", "ask with the method GET", 501},
	} {
		line, _, _ := strings.Cut(tt.request, "\r\n")
		bytes, entries := s.table.size()
		for _, kept := range []string{"cold", "warm"} {
			e := s.Why(parsed(t, tt.request))
			if e.Rule.String() != tt.rule || e.Status != tt.status || e.Sentence == "" || e.Verdict != record.File {
				t.Errorf("%s, %s: %v, %d, %s", line, kept, e.Rule, e.Status, e.Sentence)
			}
			if fixes := texts(e.Fixes); fixes != tt.fix {
				t.Errorf("%s, %s: fixes %q, want %q", line, kept, fixes, tt.fix)
			}
			if b, n := s.table.size(); kept == "cold" && (b != bytes || n != entries) {
				t.Errorf("%s: after explaining %d bytes of %d files are kept, before %d of %d", line, b, n, bytes, entries)
			}
			w := &noted{ResponseRecorder: httptest.NewRecorder()}
			s.ServeHTTP(w, parsed(t, tt.request))
			if w.rule != e.Rule || w.Code != e.Status || w.verdict != e.Verdict {
				t.Errorf("%s, %s: explained %v %d %v, done %v %d %v", line, kept, e.Rule, e.Status, e.Verdict, w.rule, w.Code, w.verdict)
			}
			s.settle()
		}
	}
	if e := s.Why(parsed(t, raw("OPTIONS /"))); e.Status != 204 || e.Sentence == "" {
		t.Errorf("OPTIONS: %+v", e)
	}
}

func parsed(t *testing.T, request string) *http.Request {
	t.Helper()
	r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(request)))
	must(t, err)
	return r
}

func texts(fixes []why.Fix) string {
	var all []string
	for _, f := range fixes {
		all = append(all, f.String())
	}
	return strings.Join(all, "; ")
}

// It says where the file would come from.
func TestWhyMemory(t *testing.T) {
	s := newSite(t, Options{SPA: "app.html", CleanURLs: true, MaxInMemory: 1000}, map[string]string{
		"app.html": "<p>", "about.html": "about", "large.txt": strings.Repeat("x", 2000),
	})
	said := func(request string) string {
		t.Helper()
		e := s.Why(parsed(t, request))
		return string(e.AppendText(nil, 200))
	}
	expect := func(text string, parts ...string) {
		t.Helper()
		for _, p := range parts {
			if !strings.Contains(text, p) {
				t.Errorf("no %q in\n%s", p, text)
			}
		}
	}
	expect(said(raw("GET /about")), "about.html, 5 bytes (it would be read, and kept in memory)", "clean-urls", "looked up for each request")
	s.get("/about")
	expect(said(raw("GET /about")), "it is in memory, and has not changed")
	s.replace("about.html", "changed")
	expect(said(raw("GET /about")), "it has changed since it was read")
	expect(said(raw("GET /large.txt")), "larger than what is kept in memory")
	page := raw("GET /some/page", "Accept: text/html")
	expect(said(page), "No file has that path, so the application's page app.html is sent.", "static-fallback")
	expect(said(raw("GET /some/page.js")), "answers for pages only", "add the file some/page.js")
	if s.files.next != 0 {
		t.Error("a file is kept open")
	}
}

// failingFS is a file system that fails in one way.
type failingFS struct{ err error }

func (f failingFS) Open(name string) (fs.File, error) {
	return nil, &fs.PathError{Op: "open", Path: name, Err: f.err}
}

// What the file system says has its rule.
func TestRuleOfFileSystem(t *testing.T) {
	for _, tt := range []struct {
		err  error
		want rule.ID
		fix  string
	}{
		{fs.ErrPermission, rule.StaticUnreadable, "make a.txt readable"},
		{fs.ErrNotExist, rule.StaticNotFound, "add the file a.txt"},
		{errors.New("the disk is gone"), rule.StaticIOError, ""},
	} {
		h, err := New(Options{FS: failingFS{tt.err}, ErrorLog: slog.New(slog.DiscardHandler)})
		must(t, err)
		w := &noted{ResponseRecorder: httptest.NewRecorder()}
		h.ServeHTTP(w, parsed(t, raw("GET /a.txt")))
		e := h.Why(parsed(t, raw("GET /a.txt")))
		if w.rule != tt.want || e.Rule != tt.want || texts(e.Fixes) != tt.fix {
			t.Errorf("%v: %v, explained as %v, fixed by %v", tt.err, w.rule, e.Rule, e.Fixes)
		}
		must(t, h.Close())
	}
}
