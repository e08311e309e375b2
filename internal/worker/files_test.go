//go:build unix

package worker_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"freshet/internal/worker"
	"freshet/jobs"
)

// with adds files and outputs to a job.
func with(s jobs.Spec, files []jobs.File, outputs ...string) jobs.Spec {
	s.Files, s.Outputs = files, outputs
	return s
}

func TestInputs(t *testing.T) {
	q, st := newQueue(), &store{}
	begin(t, q, worker.Options{Capacity: 1, Files: st, MaxInputSize: 1000})
	wrong := st.file("a", "content")
	wrong.SHA256 = strings.Repeat("0", 64)
	st.inputs[wrong.SHA256] = []byte("c0ntent")
	short, long := st.file("a", "content"), st.file("a", "content")
	short.Size, long.Size = 3, 300
	named := func(name string) []jobs.File { return []jobs.File{st.file(name, "x")} }
	for _, x := range []struct {
		name   string
		files  []jobs.File
		exit   int
		lost   bool
		reason string
	}{
		{"there", []jobs.File{st.file("a.txt", "one"), st.file("d/e/b.txt", "two"), st.file("d/c.txt", "")}, 0, false, ""},
		{"changed", []jobs.File{wrong}, 126, false, "SHA-256"},
		{"short", []jobs.File{long}, 126, false, "7 bytes came"},
		{"long", []jobs.File{short}, 126, false, "longer than the 3 bytes"},
		{"up", named("../a"), 126, false, "no relative path"},
		{"up further in", named("d/../../a"), 126, false, "no relative path"},
		{"absolute", named("/etc/a"), 126, false, "no relative path"},
		{"the folder", named("."), 126, false, "no relative path"},
		{"nothing", named(""), 126, false, "no relative path"},
		{"not plain", named("a//b"), 126, false, "no relative path"},
		{"zero", named("a\x00b"), 126, false, "no relative path"},
		{"twice", append(named("a"), named("a")...), 126, false, "exists"},
		{"below a file", append(named("a"), named("a/b")...), 126, false, "not a directory"},
		{"over a folder", append(named("a/b"), named("a")...), 126, false, "exists"},
		{"too much", []jobs.File{st.file("a", strings.Repeat("x", 1001))}, 126, false, "more than 1000 bytes"},
	} {
		t.Run(x.name, func(t *testing.T) {
			q.put(with(sh(`test "$(cat a.txt d/e/b.txt d/c.txt)" = onetwo && echo more >> a.txt && mkdir d/e/f && rm d/c.txt`), x.files))
			r := q.result(t)
			if r.Exit != x.exit || r.Lost != x.lost || !strings.Contains(r.Reason, x.reason) || (r.Reason == "") != (x.reason == "") {
				t.Errorf("%+v", r)
			}
		})
	}
}

// Without a store, and with one that has not what is asked for, the task is
// somebody else's.
func TestNoStore(t *testing.T) {
	q := newQueue()
	begin(t, q, worker.Options{})
	q.put(with(sh(`true`), []jobs.File{{Name: "a", SHA256: "00", Size: 1}}))
	if r := q.result(t); !r.Lost || !strings.Contains(r.Reason, "no store") {
		t.Errorf("%+v", r)
	}
	q.put(with(sh(`true`), nil, "a"))
	if r := q.result(t); !r.Lost || !strings.Contains(r.Reason, "no store") {
		t.Errorf("%+v", r)
	}
}

// A store that has no room is not asked again: the task has failed, and says why.
func TestStoreIsFull(t *testing.T) {
	q, st := newQueue(), &store{fail: fmt.Errorf("%w: no room for files", jobs.ErrFull)}
	begin(t, q, worker.Options{Files: st})
	q.put(with(sh(`echo x > a`), nil, "a"))
	if r := q.result(t); r.Lost || r.Exit != 125 || !strings.Contains(r.Reason, "no room for files") {
		t.Errorf("%+v", r)
	}
}

func TestOutputs(t *testing.T) {
	q, st := newQueue(), &store{}
	c := begin(t, q, worker.Options{Capacity: 1, Files: st, MaxOutputs: 3, MaxOutputSize: 1000})
	secret := filepath.Join(folder(t), "secret")
	if err := os.WriteFile(secret, []byte("secret"), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, x := range []struct {
		name    string
		script  string
		outputs []string
		stored  string // their names
		reason  string
		exit    int
	}{
		{"one", `echo a > a.png`, []string{"a.png"}, "a.png", "", 0},
		{"by number", `echo a > f.0012.png`, []string{"f.{frame:04}.png"}, "f.0012.png", "", 0},
		{"patterns", `mkdir -p o/p; echo a > o/a.png; echo b > o/p/b.png; echo c > o/c.txt`, []string{"o/*.png", "*/p/*"}, "o/a.png o/p/b.png", "", 0},
		{"twice", `echo a > a.png`, []string{"*.png", "a.png"}, "a.png", "", 0},
		{"a pattern that nothing matches", ``, []string{"*.png"}, "", "", 0},
		{"missing", ``, []string{"a.png"}, "", `output "a.png" was not made`, 125},
		{"of a failure", `echo a > a.png; exit 4`, []string{"a.png"}, "", "", 4},
		{"too many", `touch a b c d`, []string{"?"}, "", "more than 3 files", 125},
		{"too large", `head -c 1001 /dev/zero > a`, []string{"a"}, "", "more than 1000 bytes", 125},
		{"a link out", `ln -s ` + secret + ` a; ln -s / root; ln -s .. up`, []string{"*", "root/etc/passwd", "up/*/*"}, "", `"root/etc/passwd" was not made`, 125},
		{"a link among others", `ln -s ` + secret + ` a; echo b > b`, []string{"*"}, "b", "", 0},
		{"a pipe, a folder, a socket", `mkfifo a; mkdir b`, []string{"*"}, "", "", 0},
		{"up", `true`, []string{"../*"}, "", "no relative path", 126},
		{"called as what is still being written", `echo a > result.txt; mkdir d; echo b > d/.freshet-result.json`, []string{"*", "d/*"}, "", "d/.freshet-result.json: names that begin with .freshet-", 125},
		{"asked for by such a name", `true`, []string{"d/.freshet-*"}, "", "names that begin with .freshet-", 126},
		{"a folder of such a name", `mkdir .freshet-d; echo a > .freshet-d/a; echo b > .freshet`, []string{".freshet-d/a", ".freshet"}, ".freshet-d/a .freshet", "", 0},
		{"absolute", `true`, []string{"/etc/passwd"}, "", "no relative path", 126},
		{"a pattern that is none", `true`, []string{"[a"}, "", "syntax error", 126},
		{"the folder is gone", `rm -rf "$HOME" 2>/dev/null; rmdir "$HOME"; true`, []string{"*"}, "", "", 0},
		{"a folder that cannot be entered", `mkdir a; touch a/b; chmod 0 a`, nil, "", "", 0},
	} {
		t.Run(x.name, func(t *testing.T) {
			st.outputs = nil
			l := q.frame(with(sh(x.script), nil, x.outputs...), 12)
			r := q.result(t)
			if r.Exit != x.exit || r.Lost || !strings.Contains(r.Reason, x.reason) || (r.Reason == "") != (x.reason == "") {
				t.Errorf("%+v\n%s", r, c.logs.text(l))
			}
			for _, name := range strings.Fields(x.stored) {
				if _, ok := st.output(name); !ok {
					t.Errorf("%s was not stored", name)
				}
			}
			if len(st.outputs) != len(strings.Fields(x.stored)) {
				t.Errorf("stored %q, want %q", st.outputs, x.stored)
			}
		})
	}
}

// A hard link to somebody else's file is not taken, as we may be root.
func TestOutputOfSomebodyElse(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can make a file of somebody else")
	}
	q, st := newQueue(), &store{}
	shared := folder(t)
	if err := os.Chmod(shared, 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(shared, "ours"), []byte("secret"), 0o600); err != nil {
		t.Fatal(err)
	}
	c := begin(t, q, worker.Options{Files: st, Dirs: []string{shared}})
	s := with(sh(`echo theirs > theirs`), nil, "*")
	s.Dir = shared
	l := q.put(s)
	if r := q.result(t); !r.OK() {
		t.Errorf("%+v", r)
	}
	if _, ok := st.output("ours"); ok {
		t.Error("a file of root was stored")
	}
	if _, ok := st.output("theirs"); !ok {
		t.Error("the program's was not")
	}
	if text := c.logs.text(l); !strings.Contains(text, `"ours" is left out`) {
		t.Errorf("the log says nothing of it: %s", text)
	}
}

// A store that fails is not the task's fault.
func TestStoreFails(t *testing.T) {
	q, st := newQueue(), &store{fail: errors.New("full")}
	begin(t, q, worker.Options{Files: st})
	q.put(with(sh(`touch a`), nil, "a"))
	if r := q.result(t); !r.Lost || !strings.Contains(r.Reason, `store output "a": full`) {
		t.Errorf("%+v", r)
	}
}

func TestDir(t *testing.T) {
	q := newQueue()
	allowed, other := folder(t), folder(t)
	for _, dir := range []string{"in", "in/deeper"} {
		if err := os.Mkdir(filepath.Join(allowed, dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink(other, filepath.Join(allowed, "out")); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(allowed, "file"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	c := begin(t, q, worker.Options{Capacity: 1, Dirs: []string{allowed}})
	for dir, reason := range map[string]string{
		allowed:                           "",
		allowed + "/in/deeper":            "",
		allowed + "/out":                  "does not allow",
		allowed + "/in/../../no-such":     "no such file",
		allowed + "x":                     "no such file",
		other:                             "does not allow",
		"/":                               "does not allow",
		allowed + "/file":                 "not a directory",
		filepath.Dir(allowed) + "/../etc": "does not allow",
	} {
		s := sh(`pwd`)
		s.Dir = dir
		l := q.put(s)
		r := q.result(t)
		if r.OK() != (reason == "") || !strings.Contains(r.Reason, reason) || r.Lost {
			t.Errorf("%s: %+v", dir, r)
		}
		if reason == "" && c.logs.text(l) != "stdout: "+dir+"\n" {
			t.Errorf("%s: it ran in %s", dir, c.logs.text(l))
		}
	}
}
