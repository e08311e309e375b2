//go:build unix

package cgi_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"freshet/cgi"
	"freshet/internal/rule"
)

// where prints which program ran and with what.
var where = sh(`printf 'Content-Type: text/plain\n\n'`, `echo "$SCRIPT_NAME|$PATH_INFO"`)

// TestPaths: which program a path is for, and what is never run or sent.
func TestPaths(t *testing.T) {
	outside := folder(t, "prog", where, "dir/prog", where)
	dir := folder(t,
		"prog", where,
		"sub/prog", where,
		"sub/index.sh", where,
		"plain.txt", "source",
		"a b", where,
		".hidden", where,
		".dir/prog", where,
		"index.txt", "not a program",
		"only/readme.txt", "x",
	)
	link := func(to, name string) { t.Helper(); must(t, os.Symlink(to, filepath.Join(dir, name))) }
	link("prog", "link")
	link("sub", "linkdir")
	link(filepath.Join(dir, "sub/prog"), "absolute")
	link(outside+"/prog", "out")
	link(outside+"/dir", "outdir")
	link("../"+filepath.Base(outside)+"/prog", "out2")
	link("nowhere", "dangling")
	link("circle", "circle")
	link("plain.txt", "linktext")
	must(t, syscall.Mkfifo(filepath.Join(dir, "fifo"), 0o755))
	s, h := run(t, dir, func(o *cgi.Options) {
		o.Prefix, o.Index = "/cgi-bin", []string{"nothing.sh", "index.sh"}
	})
	for _, tt := range []struct {
		path   string
		status int
		body   string // when 200
		rule   string
	}{
		{"/cgi-bin/prog", 200, "/cgi-bin/prog|", ""},
		{"/cgi-bin/prog/", 200, "/cgi-bin/prog|/", ""},
		{"/cgi-bin/prog/a/b", 200, "/cgi-bin/prog|/a/b", ""},
		{"/cgi-bin/prog//a/./b/../c/", 200, "/cgi-bin/prog|/a/c/", ""},
		{"/cgi-bin/prog/.hidden/..", 200, "/cgi-bin/prog|/", ""},
		{"/cgi-bin/sub/../prog", 200, "/cgi-bin/prog|", ""},
		{"/cgi-bin/a%20b/%41", 200, "/cgi-bin/a b|/A", ""},
		{"/cgi-bin/sub/prog", 200, "/cgi-bin/sub/prog|", ""},
		{"/cgi-bin/sub/", 200, "/cgi-bin/sub/index.sh|", ""},
		{"/cgi-bin/sub", 301, "", "static-redirect"},
		{"/cgi-bin/link/x", 200, "/cgi-bin/link|/x", ""},
		{"/cgi-bin/linkdir/prog/x", 200, "/cgi-bin/linkdir/prog|/x", ""},
		{"/cgi-bin/absolute", 200, "/cgi-bin/absolute|", ""},
		{"/cgi-bin/", 404, "", "script-missing"},
		{"/cgi-bin", 404, "", "script-missing"},
		{"/cgi-bin/only/", 404, "", "script-missing"},
		{"/cgi-bin/none", 404, "", "script-missing"},
		{"/cgi-bin/none/prog", 404, "", "script-missing"},
		{"/cgi-bin/.hidden", 404, "", "script-missing"},
		{"/cgi-bin/.dir/prog", 404, "", "script-missing"},
		{"/cgi-bin/dangling", 404, "", "script-missing"},
		{"/cgi-bin/circle", 404, "", "script-missing"},
		{"/cgi-bin/plain.txt", 403, "", "script-not-executable"},
		{"/cgi-bin/plain.txt/x", 403, "", "script-not-executable"},
		{"/cgi-bin/linktext", 403, "", "script-not-executable"},
		{"/cgi-bin/out", 404, "", "script-outside"},
		{"/cgi-bin/out2", 404, "", "script-outside"},
		{"/cgi-bin/outdir/prog", 404, "", "script-outside"},
		{"/cgi-bin/fifo", 404, "", "script-outside"},
		{"/cgi-bin/sub%2Fprog", 400, "", "script-path"},
		{"/cgi-bin/sub%5Cprog", 400, "", "script-path"},
		{"/cgi-bin/prog%00", 400, "", "script-path"},
		{"/cgi-bin/prog/%2e%2e%2f", 400, "", "script-path"},
		{"/cgi-bin/%zz", 400, "", "*"},
		{"/cgi-bin/../../prog", 400, "", "*"},
		{"/cgi-bin/../cgi-bin/prog", 200, "/cgi-bin/prog|", ""},
		{"/cgi-bin/%2e%2e/x", 404, "", "script-missing"},
		{"/prog", 404, "", "script-missing"},
		{"/cgi-binary", 404, "", "script-missing"},
		{"/cgi-bin/" + strings.Repeat("a", 300), 404, "", "script-missing"},
	} {
		got := s.talk("GET " + tt.path + " HTTP/1.0\r\n\r\n")
		r := s.next(t)
		status, rest, _ := strings.Cut(strings.TrimPrefix(got, "HTTP/1.1 "), " ")
		_, body, _ := strings.Cut(rest, "\r\n\r\n")
		want := tt.rule
		if want == "" {
			want = "script-answered"
		}
		if status != strconv.Itoa(tt.status) || want != "*" && r.Rule.String() != want {
			t.Errorf("%s: %s %v, want %d %s", tt.path, status, r.Rule, tt.status, want)
		}
		if tt.status == 200 && body != tt.body+"\n" {
			t.Errorf("%s: %q, want %q", tt.path, body, tt.body)
		}
		if strings.Contains(body, "printf") || strings.Contains(body, "source") {
			t.Errorf("%s: a source was sent: %q", tt.path, body)
		}
		if in := strings.HasPrefix(tt.path, "/cgi-bin/") && !strings.Contains(tt.path, "..") && tt.path != "/cgi-bin/%2e%2e/x"; in && !h.Is(tt.path) {
			t.Errorf("Is(%q) is false", tt.path)
		}
	}
}

// TestIs: with extensions, and folders that are only some.
func TestIs(t *testing.T) {
	dir := folder(t,
		"cgi-bin/prog", where,
		"app.py", where,
		"deep/er/app.PY", where,
		"notes.txt", "notes",
		"dir.py/notes.txt", "notes",
		"site/index.py", where,
		"page/index.txt", "x",
	)
	must(t, os.Symlink("/etc/passwd", filepath.Join(dir, "out.py")))
	next := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { w.Write([]byte("next")) })
	s, h := run(t, dir, func(o *cgi.Options) {
		o.Folders, o.Extensions, o.Index, o.Next = []string{"/cgi-bin/"}, []string{".py"}, []string{"index.py", "index.txt"}, next
	})
	for _, tt := range []struct {
		path string
		is   bool
		rule rule.ID
	}{
		{"/cgi-bin/prog", true, rule.ScriptAnswered},
		{"/CGI-BIN/prog", true, rule.ScriptMissing}, // this file system has cases
		{"/cgi-bin/none", true, rule.ScriptMissing},
		{"/cgi-bin", true, rule.ScriptMissing},
		{"/cgi-bin/%2f", true, rule.ScriptPath},
		{"/cgi-binary", false, 0},
		{"/app.py", true, rule.ScriptAnswered},
		{"/app.py/info", true, rule.ScriptAnswered},
		{"/deep/er/app.PY", true, rule.ScriptAnswered},
		{"/app%2Epy", true, rule.ScriptAnswered},
		{"/x/../app.py", true, rule.ScriptAnswered},
		{"/APP.PY", false, 0},
		{"/none.py", false, 0},
		{"/dir.py/notes.txt", false, 0},
		{"/dir.py", false, 0},
		{"/notes.txt", false, 0},
		{"/notes.txt/x.py", false, 0},
		{"/.app.py", false, 0},
		{"/out.py", true, rule.ScriptOutside},
		{"/site/", true, rule.ScriptAnswered},
		{"/site", false, 0},
		{"/page/", false, 0},
		{"/", false, 0},
		{"/%2f", false, 0},
		{"/..", false, 0},
	} {
		if got := h.Is(tt.path); got != tt.is {
			t.Errorf("Is(%q) = %v", tt.path, got)
		}
		if u, err := url.ParseRequestURI(tt.path); err == nil {
			if _, got := h.Find(&http.Request{URL: u}); got != tt.is {
				t.Errorf("Find(%q) says %v", tt.path, got)
			}
		}
		got := s.talk("GET " + tt.path + " HTTP/1.0\r\n\r\n")
		if r := s.next(t); tt.is && r.Rule != tt.rule {
			t.Errorf("%s: %v, want %v", tt.path, r.Rule, tt.rule)
		}
		if !tt.is && !strings.HasSuffix(got, "next") && !strings.HasPrefix(got, "HTTP/1.1 400") { // the engine may refuse the target itself
			t.Errorf("%s: %q", tt.path, got)
		}
	}
}

// TestFindOnce: what Find found is not looked for again.
func TestFindOnce(t *testing.T) {
	dir := folder(t, "a.py", where)
	_, h := run(t, dir, func(o *cgi.Options) { o.Extensions = []string{".py"} })
	r, is := h.Find(httptest.NewRequest("GET", "/a.py/info", nil))
	if !is || !h.Named("/a.py/info") || h.Named("/a.txt") {
		t.Fatal("a.py is a program")
	}
	must(t, os.Remove(filepath.Join(dir, "a.py")))
	for _, tt := range []struct {
		r    *http.Request
		want int
	}{{r, rule.Of(rule.ScriptNotStarted).Status}, {httptest.NewRequest("GET", "/a.py/info", nil), http.StatusNotFound}} {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, tt.r)
		if w.Code != tt.want {
			t.Errorf("%d, want %d", w.Code, tt.want)
		}
	}
}

// TestWritable: what others may change is not run.
func TestWritable(t *testing.T) {
	dir := folder(t, "prog", where, "group", where, "world", where, "open/prog", where, "sub/prog", where)
	must(t, os.Chmod(dir+"/group", 0o775))
	must(t, os.Chmod(dir+"/world", 0o757))
	must(t, os.Chmod(dir+"/open", 0o1777))
	must(t, os.Symlink("open/prog", dir+"/sub/link"))
	must(t, os.Symlink("../open", dir+"/sub/opened"))
	paths := []string{"/group", "/world", "/open/prog", "/sub/opened/prog"}
	if os.Geteuid() == 0 {
		write(t, dir+"/foreign", where)
		must(t, os.Chown(dir+"/foreign", 12345, 12345))
		paths = append(paths, "/foreign")
	}
	s, h := run(t, dir, nil)
	for _, path := range paths {
		a := s.get(path)
		if r := s.next(t); a.StatusCode != 403 || r.Rule != rule.ScriptWritable || r.Detail.Error == "" {
			t.Errorf("%s: %v %v %+v", path, a.Status, r.Rule, r.Detail)
		}
		r, _ := http.NewRequest("GET", path, nil)
		if e := h.Why(r); e.Rule != rule.ScriptWritable || len(e.Fixes) == 0 {
			t.Errorf("%s: %+v", path, e)
		}
	}
	if a := s.get("/prog"); a.StatusCode != 200 {
		t.Errorf("%v", a.Status)
	}
	s, _ = run(t, dir, func(o *cgi.Options) { o.AllowWritable = true })
	for _, path := range paths {
		if a := s.get(path); a.StatusCode != 200 {
			t.Errorf("%s allowed: %v %s", path, a.Status, a.body)
		}
	}
	must(t, os.Chmod(dir, 0o775))
	if _, err := cgi.New(cgi.Options{Dir: dir, ErrorLog: quiet}); err == nil || !strings.Contains(err.Error(), "chmod go-w") {
		t.Errorf("New: %v", err)
	}
}

// TestNotStarted: programs that cannot be executed.
func TestNotStarted(t *testing.T) {
	dir := folder(t, "hello", hello, "no-interpreter", "#!/no/such/interpreter\n", "no-program", "\x00\x01\x02", "not-for-nobody", where)
	must(t, os.Chmod(dir+"/not-for-nobody", 0o700))
	s, h := run(t, dir, nil)
	for path, want := range map[string]rule.ID{
		"/no-interpreter": rule.ScriptNotStarted, "/no-program": rule.ScriptNotStarted, "/not-for-nobody": rule.ScriptNotExecutable,
	} {
		a := s.get(path)
		r := s.next(t)
		if path == "/not-for-nobody" && os.Geteuid() != 0 {
			continue // it is ours, and we run it
		}
		if a.StatusCode != rule.Of(want).Status || r.Rule != want || r.Detail.Error == "" {
			t.Errorf("%s: %v %v %+v", path, a.Status, r.Rule, r.Detail)
		}
	}
	if running, waiting := h.Load(); running != 0 || waiting != 0 {
		t.Errorf("load %d %d", running, waiting)
	}
	// More than the system passes on is the client's doing.
	r := httptest.NewRequest("GET", "/hello", nil)
	r.Header.Set("X-Long", strings.Repeat("x", 200<<10))
	w := httptest.NewRecorder()
	if h.ServeHTTP(w, r); w.Code != 431 {
		t.Errorf("%d", w.Code)
	}
}
