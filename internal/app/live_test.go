package app

import (
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"freshet/httpd"
	"freshet/internal/config"
)

func fileOf(t *testing.T, text string) *config.File {
	t.Helper()
	f, err := config.ParseFile("f.toml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// While configurations come and go, each request gets the whole answer of one
// of them, and what no configuration has any more is closed.
func TestApplyUnderLoad(t *testing.T) {
	texts := [2]string{"[[site]]\n[[site.route]]\nstatic = '" + folder(t, "a.txt", "one") + "'\n",
		"[[site]]\n[[site.route]]\nstatic = '" + folder(t, "a.txt", "two") + "'\n"}
	l := liveOf(t, texts[0])
	files := [2]*config.File{fileOf(t, texts[0]), fileOf(t, texts[1])}
	var ended atomic.Bool
	var all sync.WaitGroup
	for range 2 {
		all.Go(func() {
			for !ended.Load() {
				if w := ask(l, "GET", "http://x/a.txt", ""); w.Code != 200 || w.Body.String() != "one" && w.Body.String() != "two" {
					t.Errorf("%d %q", w.Code, w.Body)
				}
				q := httpd.Head{Method: "GET", Target: "/a.txt", Path: "/a.txt", Host: "x", Major: 1, Minor: 1, Now: time.Now().UnixNano(), Read: httpd.Monotonic()}
				a := httpd.Answer{Scratch: make([]byte, 0, 1024)}
				if l.ServeHot(&q, &a) && string(a.Body) != "one" && string(a.Body) != "two" {
					t.Errorf("hot: %q", a.Body)
				}
			}
		})
	}
	var retired []*backend
	for i := range 100 {
		retired = append(retired, l.sites().backends()...)
		if err := l.apply(files[(i+1)%2]); err != nil {
			t.Fatal(err)
		}
	}
	ended.Store(true)
	all.Wait()
	for i, b := range retired {
		if n := b.users.Load(); n != 0 {
			t.Errorf("backend %d has %d users", i, n)
		}
	}
}

// A backend goes on when what a route serves stays, wherever the route is then.
func TestBackendsStay(t *testing.T) {
	dir := folder(t, "a.txt", "a")
	route := func(path, more string) string {
		return "[[site.route]]\npath = '" + path + "'\nstatic = '" + dir + "'\n" + more
	}
	l := liveOf(t, "[[site]]\n"+route("/", "")+route("/b", "hidden = true\n"))
	was := l.sites().backends()
	for _, tt := range []struct {
		name string
		text string
		kept [2]bool // of plain and hidden
	}{
		{"same", "[[site]]\n" + route("/", "") + route("/b", "hidden = true\n"), [2]bool{true, true}},
		{"moved", "[[site]]\n" + route("/c", "hidden = true\nmax-body-bytes = 5\n") + "[[site]]\nnames = 'x'\n" + route("/d", "headers.set.A = '1'\n"), [2]bool{true, true}},
		{"one changed", "[[site]]\n" + route("/", "") + route("/b", "hidden = true\nlisting = false\n"), [2]bool{true, false}},
		{"one gone", "[[site]]\n" + route("/", "hidden = true\nlisting = false\n"), [2]bool{false, false}},
	} {
		if err := l.apply(fileOf(t, tt.text)); err != nil {
			t.Fatal(err)
		}
		for i, b := range was {
			index := 0
			if b.conf.Files.Hidden {
				index = 1
			}
			if alive := b.users.Load() == 1; alive != tt.kept[index] {
				t.Errorf("%s: backend %d: %v", tt.name, i, alive)
			}
		}
	}
}

// After a fault nothing has changed, and what was opened is closed.
func TestApplyOfFault(t *testing.T) {
	dir := folder(t, "a.txt", "a")
	good := "[[site]]\n[[site.route]]\nstatic = '" + dir + "'\n"
	l := liveOf(t, good)
	before := l.sites()
	err := l.apply(fileOf(t, good+"hidden = true\n[[site.route]]\npath = '/x'\nstatic = '"+dir+"/none'\n"))
	if err == nil || l.sites() != before || before.backends()[0].users.Load() != 1 {
		t.Errorf("%v, %+v", err, l.sites())
	}
	if w := ask(l, "GET", "http://x/a.txt", ""); w.Code != 200 {
		t.Error(w.Code)
	}
}
