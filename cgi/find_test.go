//go:build unix

package cgi

import (
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// FuzzFind: whatever the path, what is run is a file inside the folder whose
// name was given, and its parts are those of the path.
func FuzzFind(f *testing.F) {
	dir, err := os.MkdirTemp("", "cgi-fuzz-")
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { os.RemoveAll(dir) })
	os.Chmod(dir, 0o755)
	if dir, err = filepath.EvalSymlinks(dir); err != nil {
		f.Fatal(err)
	}
	programs := map[string]bool{}
	for _, name := range []string{"a", "b/c", "b/index.py", "x.py", ".git/y.py", "n.txt"} {
		path := filepath.Join(dir, name)
		os.Mkdir(filepath.Dir(path), 0o755)
		if err := os.WriteFile(path, []byte("#!/bin/sh\n"), 0o755); err != nil {
			f.Fatal(err)
		}
		programs[path] = name[0] != '.' && name != "n.txt"
	}
	os.Symlink("/bin", filepath.Join(dir, "b", "out"))
	os.Symlink("../x.py", filepath.Join(dir, "b", "in"))
	h, err := New(Options{Dir: dir, Prefix: "/p", Folders: []string{"/b"}, Extensions: []string{".py"}, Index: []string{"index.py"}, ErrorLog: slog.New(slog.DiscardHandler), AllowWritable: true})
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { h.Close() })
	for _, seed := range []string{"/p/b/c/info", "/p/x.py/", "/p/b/out/sh", "/p/b/in", "/p/.git/y.py", "/p/%2e%2e/p/x%2Epy", "/p/b/", "/p/n.txt/x.py", "/p/b/%2f", "//p//b//c"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, path string) {
		found := h.find(path)
		if found.mine != h.Is(path) {
			t.Errorf("%q: two answers", path)
		}
		if found.rule != 0 || found.redirect != "" {
			return
		}
		if !found.mine || !programs[found.file] {
			t.Errorf("%q: would run %q", path, found.file)
		}
		if !strings.HasPrefix(found.name, "/p/") || found.info != "" && found.info[0] != '/' || strings.Contains(found.info, "//") {
			t.Errorf("%q: name %q, info %q", path, found.name, found.info)
		}
	})
}
