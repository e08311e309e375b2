package layers

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

// maxLines is where a file has stopped being one thing.
const maxLines = 800

func TestPackageDoc(t *testing.T) {
	documented := map[string]bool{}
	for _, f := range sources(t) {
		if f.test {
			continue
		}
		documented[f.dir] = documented[f.dir] || f.syntax.Doc != nil
		if f.syntax.Doc == nil {
			continue
		}
		text := f.syntax.Doc.Text()
		prefix := "Package " + f.syntax.Name.Name + " "
		if f.syntax.Name.Name == "main" {
			prefix = "Command "
			if strings.HasPrefix(f.dir, "examples/") {
				prefix = "Program "
			}
		}
		if !strings.HasPrefix(text, prefix) {
			t.Errorf("%s: the package comment begins %q, not %q", f.path, firstLine(text), prefix)
		}
	}
	for dir, ok := range documented {
		if !ok {
			t.Errorf("%s: no package comment; say what it is for and what it is not", dir)
		}
	}
}

func TestPackageNames(t *testing.T) {
	heaps := []string{"base", "common", "helper", "helpers", "lib", "misc", "shared", "tools", "util", "utils"}
	for _, f := range sources(t) {
		if name := strings.TrimSuffix(f.syntax.Name.Name, "_test"); slices.Contains(heaps, name) {
			t.Errorf("%s: package %s is named after nothing; things go where their subject is", f.path, name)
		}
	}
}

func TestFiles(t *testing.T) {
	// Written in halves, so that this file does not name them either.
	never := []string{"/wo" + "rk/", "../sha" + "red", ".lib" + "rary", "/tmp/ta" + "sks"}
	walk(t, func(path string, _ bool) {
		content, err := os.ReadFile(filepath.Join(root, path))
		if err != nil {
			if !os.IsNotExist(err) {
				t.Error(err)
			}
			return
		}
		if len(content) > 1<<20 {
			t.Errorf("%s: %d bytes; the repository is for sources, not for data", path, len(content))
		}
		if !utf8.Valid(content) {
			return
		}
		for _, name := range never {
			if i := bytes.Index(content, []byte(name)); i >= 0 {
				t.Errorf("%s:%d: names %s, which exists on one machine only", path, 1+bytes.Count(content[:i], []byte("\n")), name)
			}
		}
		source := slices.Contains([]string{".go", ".js", ".css", ".html"}, filepath.Ext(path))
		if lines := bytes.Count(content, []byte("\n")); source && lines > maxLines {
			t.Errorf("%s: %d lines; split it before %d, by what a reader looks for", path, lines, maxLines)
		}
	})
}

func firstLine(s string) string {
	line, _, _ := strings.Cut(s, "\n")
	return line
}
