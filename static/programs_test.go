package static

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// isProgram is what a server has that runs all of cgi-bin, and files that end
// in .py.
func isProgram(name string) bool {
	name = strings.ToLower(name)
	return name == "cgi-bin" || strings.HasPrefix(name, "cgi-bin/") || strings.HasSuffix(name, ".py")
}

// TestPrograms: whatever trick a path, a link or an option plays, no octet of
// a program is sent.
func TestPrograms(t *testing.T) {
	const secret = "print('the source of a program')"
	files := map[string]string{
		"index.html": "home", "about.html": "about", "cgi-bin/run": secret, "cgi-bin/run.txt": secret, "d/tool.py": secret,
		"tool.py": secret, "tool.py.gz": secret, "tool.py.br": secret, "tool.py~": secret, "tool.py.bak": secret, ".tool.py.swp": secret, "#tool.py#": secret,
		"page.js": script, "TOOL2.PY": secret, "Cgi-Bin/run": secret,
	}
	out := t.TempDir()
	must(t, os.WriteFile(filepath.Join(out, "far.py"), []byte(secret), 0o644))
	must(t, os.WriteFile(filepath.Join(out, "far.txt"), []byte("far"), 0o644))
	for _, o := range []Options{
		{},
		{FollowSymlinks: true},
		{Hidden: true},
		{CleanURLs: true},
		{NoCompress: true, Hidden: true},
		{SPA: "tool.py"},
		{SPA: "shell.html"},
		{Index: []string{"tool.py", "index.html"}},
		{MaxInMemory: 4},
		{Memory: 1 << 20, Coherence: 1e9, FollowSymlinks: true},
	} {
		for name, make := range trees {
			o.Programs = isProgram
			s := newSite(t, o, files)
			s.tree = make(s.dir, o.FollowSymlinks)
			link := func(to, name string) { must(t, os.Symlink(to, s.path(name))) }
			link("tool.py", "notes.txt")
			link("notes.txt", "again.txt")
			link(s.path("tool.py"), "absolute.txt")
			link("cgi-bin", "pub")
			link("cgi-bin/run.txt", "run.txt")
			link("tool.py", "shell.html")
			link("tool.py", "clean.html")
			link("tool.py", "page.js.gz")
			link("tool.py", "d/index.html")
			link(filepath.Join(out, "far.py"), "far.txt")
			for _, path := range []string{
				"/tool.py", "/tool.py.gz", "/tool.py.br", "/tool.py~", "/tool.py.bak", "/.tool.py.swp", "/%23tool.py%23", "/d/tool.py", "/TOOL2.PY", "/TOOL.PY",
				"/cgi-bin/run", "/cgi-bin/run.txt", "/cgi-bin/", "/cgi-bin", "/Cgi-Bin/run", "/CGI-BIN/run", "/./cgi-bin/run", "/x/../cgi-bin/run", "/%63gi-bin/run", "//cgi-bin//run",
				"/notes.txt", "/again.txt", "/absolute.txt", "/pub/run", "/pub/", "/pub", "/run.txt", "/shell.html", "/clean", "/clean.html", "/tool", "/d/", "/d", "/far.txt",
				"/tool.py/", "/tool.py?x", "/page.js", "/page.js.gz", "/", "/nowhere",
			} {
				for _, fields := range [][]string{{"Accept: text/html"}, {"Accept-Encoding: gzip, br"}, {"Range: bytes=0-9"}} {
					for range 2 {
						w := s.get(path, fields...)
						got, _ := s.hot(raw("GET "+path, fields...))
						if strings.Contains(w.Body.String(), secret[:10]) || strings.Contains(got, secret[:10]) {
							t.Errorf("%s, %+v: %s: the source is sent", name, o, path)
						}
					}
				}
			}
			s.settle()
			if code, body := s.seen("/about.html"); code != 200 && !o.CleanURLs || code == 200 && body != "about" {
				t.Errorf("%s, %+v: the page: %d %q", name, o, code, body)
			}
		}
	}
}

// TestProgramsAreListed: a folder's listing links programs, which somebody else
// answers for, and what leads to them by another name is left out.
func TestProgramsAreListed(t *testing.T) {
	s := newSite(t, Options{Programs: isProgram}, map[string]string{"tool.py": "x", "a.txt": "a"})
	must(t, os.Symlink("tool.py", s.path("notes.txt")))
	w := s.get("/", "Accept: application/json")
	if body := w.Body.String(); !strings.Contains(body, `"tool.py"`) || !strings.Contains(body, `"a.txt"`) || strings.Contains(body, "notes.txt") {
		t.Errorf("%d\n%s", w.Code, body)
	}
}

// TestProgramsLeftBehind: older and newer versions of programs are not sent
// either, unless their names say that they are something to read.
func TestProgramsLeftBehind(t *testing.T) {
	files := map[string]string{"tool.py.txt": "to read", "data.old": "data", "report.1": "report"}
	left := []string{"tool.py.old", "tool.py.save", "tool.py.1", "tool.py.tmp", "tool.py.NEW", "tool.py.dist", "tool.py.copy", "tool.py,v", "d/tool.py.backup", "tool.py.old.gz"}
	for _, name := range left {
		files[name] = "the source"
	}
	s := newSite(t, Options{Programs: isProgram, Hidden: true}, files)
	for _, name := range left {
		if w := s.get("/" + name); strings.Contains(w.Body.String(), "the source") {
			t.Errorf("%s is sent", name)
		}
	}
	for _, name := range []string{"tool.py.txt", "data.old", "report.1"} {
		if w := s.get("/" + name); w.Code != 200 {
			t.Errorf("%s: %d", name, w.Code)
		}
	}
}

// FuzzPrograms: whatever path is asked for, no program's source is sent.
func FuzzPrograms(f *testing.F) {
	dir := f.TempDir()
	const secret = "the source of a program"
	must(f, os.MkdirAll(filepath.Join(dir, "cgi-bin", "d"), 0o755))
	must(f, os.MkdirAll(filepath.Join(dir, "d"), 0o755))
	for _, name := range []string{"a.py", "a.py.gz", "a.py~", "d/b.py", "d/b.py.bak", "cgi-bin/c", "cgi-bin/d/e.txt"} {
		must(f, os.WriteFile(filepath.Join(dir, name), []byte(secret), 0o644))
	}
	must(f, os.WriteFile(filepath.Join(dir, "index.html"), []byte("home"), 0o644))
	for name, to := range map[string]string{"link": "a.py", "up": "cgi-bin", "d/index.html": "b.py", "d/l.html": "../cgi-bin/c"} {
		must(f, os.Symlink(to, filepath.Join(dir, name)))
	}
	h, err := New(Options{Root: dir, Programs: isProgram, Hidden: true, CleanURLs: true, FollowSymlinks: true, SPA: "link", Index: []string{"a.py", "index.html"}})
	must(f, err)
	f.Cleanup(func() { h.Close() })
	for _, seed := range []string{"/", "/a.py", "/a.py.gz", "/d/", "/d/l", "/up/d/e.txt", "/CGI-BIN/c", "/cgi-bin/", "/%61.py", "/d/../a.py", "/link", "/d/b.py.bak", "/up//c/"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, path string) {
		if !asksForPath(path) {
			return
		}
		s := &site{Handler: h, t: t, dir: dir, now: time.Second}
		if _, body := s.seen(path); strings.Contains(body, secret) {
			t.Fatalf("%q sends the source", path)
		}
	})
}
