package app

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// A job is submitted with files and folders, runs where they are copies, here
// and on a worker, which keeps what it fetched.
func TestJobInputs(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("the programs of this test are not there")
	}
	p, home := monitored(t, "serve", "--listen", "127.0.0.1:0", "--monitor", "127.0.0.1:0", "--fleet", "127.0.0.1:0", folder(t, "index.html", "hello"))
	token := p.stderr.wait(t, `(?m)^fleet on 127\.0\.0\.1:\d+; on another machine: freshet worker --join (\S+)$`)
	cached := t.TempDir()
	w := startWith(t, func(e *Env) {
		e.Environ = []string{"HOME=" + home, "XDG_CACHE_HOME=" + cached, "FRESHET_JOIN=" + token}
	}, "worker", "--tasks", "1", "--label", "far")
	w.stderr.wait(t, `(?m)^(worker worker-1: 1 at a time)`)

	from := t.TempDir()
	write := func(name, text string, mode os.FileMode) string {
		t.Helper()
		path := filepath.Join(from, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), mode); err != nil {
			t.Fatal(err)
		}
		return path
	}
	data, run := write("data.txt", "data", 0o644), write("run.sh", "#!/bin/sh\ncat data.txt other tree/a tree/sub/b\n", 0o755)
	write("tree/a", "A", 0o644)
	write("tree/sub/b", "B", 0o600)
	for _, where := range [][]string{nil, {"--need", "far"}} {
		args := append([]string{"job", "submit", "--wait", "--input", data, "--input", data + ":other", "--input", run, "--input", filepath.Join(from, "tree")}, where...)
		status, stdout, stderr := command(t, home, append(args, "--", "./run.sh")...)
		if status != exitOK {
			t.Fatalf("%v: exit status %d\n%s", args, status, stderr)
		}
		if _, text, _ := command(t, home, "job", "logs", strings.TrimSpace(stdout)); text != "datadataAB\n" {
			t.Errorf("%v: %q", where, text)
		}
	}
	if list, err := filepath.Glob(filepath.Join(cached, "freshet", "inputs", "1", strings.Repeat("?", 64))); len(list) != 4 || err != nil {
		t.Errorf("the worker keeps %q, %v", list, err)
	}
	for _, x := range []struct {
		args []string
		want string
	}{
		{[]string{"--input", filepath.Join(from, "none")}, "--input " + filepath.Join(from, "none") + ": "},
		{[]string{"--input", data + ":../up"}, "relative path"},
		{[]string{"--input", data, "--input", data}, "named twice"},
		{[]string{"--input", data, "--input", filepath.Join(from, "tree") + ":data.txt"}, "is a file, and a folder"},
		{[]string{"--input", "/"}, "give it a name"},
		{[]string{"--input", os.DevNull}, "neither a file nor a folder"},
	} {
		status, _, stderr := command(t, home, append(append([]string{"job", "submit"}, x.args...), "--", "true")...)
		if status != exitFault || !strings.Contains(stderr, x.want) {
			t.Errorf("%v: %d, %q", x.args, status, stderr)
		}
	}
	w.stop()
}

// A folder is its files, by the names that they have below it.
func TestReadInputs(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	for _, name := range []string{"one", "tree/a", "tree/sub/b", "with:colon"} {
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(name), 0o644); err != nil {
			if runtime.GOOS == "windows" {
				t.Skip("a name has no colon there")
			}
			t.Fatal(err)
		}
	}
	for args, want := range map[string]string{
		"one":            "one",
		"./one":          "one",
		"one:two":        "two",
		"one:d/two":      "d/two",
		"one:":           "one",
		"with:colon":     "with:colon",
		"with:colon:x":   "x",
		"tree":           "tree/a tree/sub/b",
		"tree/":          "tree/a tree/sub/b",
		"tree:.":         "a sub/b",
		"tree:t":         "t/a t/sub/b",
		".:all":          "all/one all/tree/a all/tree/sub/b all/with:colon",
		".":              "one tree/a tree/sub/b with:colon",
		"tree/sub one:x": "sub/b x",
	} {
		all, err := readInputs(t.Context(), strings.Fields(args))
		if err != nil {
			t.Errorf("%s: %v", args, err)
			continue
		}
		var names []string
		for i := range all.files {
			names = append(names, all.files[i].Name)
		}
		if got := strings.Join(names, " "); got != want {
			t.Errorf("%s: %s, want %s", args, got, want)
		}
	}
}

// A link in a folder is followed within it, and not out of it: the folder may be
// somebody else's. What is named may be a link itself.
func TestInputLinks(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	write := func(name string) {
		t.Helper()
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(name), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	link := func(to, name string) {
		t.Helper()
		if err := os.Symlink(to, name); err != nil {
			t.Skip("this system has no links: ", err)
		}
	}
	for _, name := range []string{"secret", "in/a", "in/sub/b", "out/x", "far/x", "up/x", "late/x"} {
		write(name)
	}
	link("a", "in/near")
	link("../a", "in/sub/up")
	link(filepath.Join(dir, "in", "sub", "b"), "in/whole")
	link("in", "tree")
	link("secret", "file")
	link("../secret", "out/link")
	link(filepath.Join(dir, "secret"), "far/link")
	link("../tree/a", "up/link")
	for args, want := range map[string]string{
		"in":      "in/a in/near in/sub/b in/sub/up in/whole",
		"tree":    "tree/a tree/near tree/sub/b tree/sub/up tree/whole",
		"tree/:t": "t/a t/near t/sub/b t/sub/up t/whole",
		"file":    "file",
	} {
		all, err := readInputs(t.Context(), strings.Fields(args))
		if err != nil {
			t.Errorf("%s: %v", args, err)
			continue
		}
		var names []string
		digests := map[string]string{}
		for i := range all.files {
			names = append(names, all.files[i].Name)
			digests[filepath.Base(all.files[i].Name)] = all.files[i].SHA256
		}
		if got := strings.Join(names, " "); got != want {
			t.Errorf("%s: %s, want %s", args, got, want)
		}
		if digests["near"] != digests["a"] || digests["up"] != digests["a"] || digests["whole"] != digests["b"] {
			t.Errorf("%s: %v", args, digests)
		}
	}
	for _, name := range []string{"out", "far", "up"} {
		if _, err := readInputs(t.Context(), []string{name}); err == nil || !strings.Contains(err.Error(), filepath.Join(name, "link")+" is a link that leads out of "+name) {
			t.Errorf("%s: %v", name, err)
		}
	}
	// What becomes a link after it was looked at is not followed out of it either.
	all, err := readInputs(t.Context(), []string{"late"})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Remove("late/x"); err != nil {
		t.Fatal(err)
	}
	link("../secret", "late/x")
	if f, err := all.from[0].open(); err == nil {
		f.Close()
		t.Error("a link out of the folder was opened")
	}
}
