package layers

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// root is the top of the repository, seen from this package.
const root = "../.."

const module = "freshet"

// fileSet has the positions of all files that sources parses.
var fileSet = token.NewFileSet()

// goFile is a parsed source file of the main module.
type goFile struct {
	path    string // from the root, with slashes
	dir     string // the package's path within the module; "." for the root
	test    bool
	syntax  *ast.File
	imports []string
}

// walk calls visit for the files of the repository, those of nested modules
// too, and skips what is not ours: version control and what a build leaves.
func walk(t *testing.T, visit func(path string, inMain bool)) {
	t.Helper()
	nested := map[string]bool{}
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		name = filepath.ToSlash(name)
		if d.IsDir() {
			if name == ".git" || name == "bin" || d.Name() == "node_modules" {
				return fs.SkipDir
			}
			if _, err := os.Stat(filepath.Join(path, "go.mod")); err == nil && name != "." {
				nested[name] = true
			}
			return nil
		}
		inMain := true
		for dir := range nested {
			inMain = inMain && !strings.HasPrefix(name, dir+"/")
		}
		if d.Type().IsRegular() {
			visit(name, inMain)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// parsed is what sources returns, read once for all tests.
var parsed struct {
	once  sync.Once
	files []goFile
}

// sources returns the Go files of the main module, comments included.
func sources(t *testing.T) []goFile {
	t.Helper()
	parsed.once.Do(func() { parsed.files = parse(t) })
	if len(parsed.files) == 0 {
		t.Fatal("no Go files found; is the test run from its own folder?")
	}
	return parsed.files
}

func parse(t *testing.T) (files []goFile) {
	t.Helper()
	walk(t, func(path string, inMain bool) {
		if !inMain || !strings.HasSuffix(path, ".go") || strings.Contains(path, "/testdata/") {
			return
		}
		syntax, err := parser.ParseFile(fileSet, filepath.Join(root, path), nil, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			t.Errorf("%v", err)
			return
		}
		f := goFile{path: path, dir: filepath.ToSlash(filepath.Dir(path)), test: strings.HasSuffix(path, "_test.go"), syntax: syntax}
		for _, spec := range syntax.Imports {
			imported, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				t.Errorf("%s: import %s: %v", path, spec.Path.Value, err)
				continue
			}
			f.imports = append(f.imports, imported)
		}
		files = append(files, f)
	})
	return files
}
