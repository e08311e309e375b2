package layers

import (
	"go/ast"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// layer is a row of the table of ARCHITECTURE.md.
type layer struct {
	level string
	what  string // the row's last cell, printed as the reason
}

// within orders the packages of one level where the text below the table does:
// a package may import those before it, and nothing else of its level.
var within = map[string]int{
	"internal/rule":       -2,
	"internal/field":      -1,
	"internal/wire":       -1,
	"internal/record":     -1,
	"internal/site":       -1,
	"internal/keyfile":    -1,
	"internal/strength":   -1,
	"internal/filelock":   -3,
	"internal/wholefile":  -3,
	"internal/atrest":     -2,
	"internal/authority":  -1,
	"internal/who":        -1,
	"check":               -2,
	"fleet":               -1,
	"forward":             -1,
	"internal/monitor/ui": -1,
	"internal/config":     -2,
	"internal/app":        -1,
}

// support packages serve tests alone, and may import everything.
var support = []string{"internal/acmetest", "internal/alloctest", "internal/bustest", "internal/faults", "internal/layers", "internal/mailtest", "internal/wiretest", "conformance/privateproxy"}

// notInLevel0 are the packages that bring goroutines, clocks or I/O.
var notInLevel0 = []string{"bufio", "context", "io/fs", "log", "log/slog", "net", "net/http", "os", "path/filepath", "runtime", "sync", "syscall"}

// clocks are the parts of package time that tell it, or wait for it; the
// calendar is arithmetic.
var clocks = []string{"After", "AfterFunc", "NewTicker", "NewTimer", "Now", "Since", "Sleep", "Tick", "Until"}

func readTable(t *testing.T) map[string]layer {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, "ARCHITECTURE.md"))
	if err != nil {
		t.Fatal(err)
	}
	row := regexp.MustCompile("(?m)^\\| ([0-9]) \\| (`[^|]*`) \\| ([^|]*) \\|$")
	name := regexp.MustCompile("`([^`]+)`")
	table := map[string]layer{}
	for _, cells := range row.FindAllStringSubmatch(string(text), -1) {
		for _, pkg := range name.FindAllStringSubmatch(cells[2], -1) {
			if other, twice := table[pkg[1]]; twice {
				t.Errorf("ARCHITECTURE.md: %s stands in level %s and in level %s", pkg[1], other.level, cells[1])
			}
			table[pkg[1]] = layer{cells[1], cells[3]}
		}
	}
	if len(table) < 5 {
		t.Fatalf("ARCHITECTURE.md: found %d packages in the table of layers; did its format change?", len(table))
	}
	return table
}

// mayImport says whether a package may import another, both of this module.
func mayImport(table map[string]layer, from, to string) (ok bool, reason string) {
	lower, known := table[to]
	switch {
	case slices.Contains(support, from):
		return true, ""
	case slices.Contains(support, to):
		return false, "it exists for tests; only _test.go files may import it"
	case !known:
		return false, "it is not in the table of layers"
	case strings.HasPrefix(from, "examples/"):
		return !strings.Contains(to, "internal/"), "examples are what a user can write, so they import public packages only"
	}
	upper := table[from]
	switch {
	case lower.level > upper.level:
		return false, "imports point down only"
	case lower.level == upper.level && within[to] >= within[from]:
		return false, "packages of one level do not know each other"
	}
	return true, ""
}

func TestImportsPointDown(t *testing.T) {
	table := readTable(t)
	for _, f := range sources(t) {
		if f.test {
			continue // a test may look down on its package from anywhere
		}
		_, known := table[f.dir]
		if !known && !slices.Contains(support, f.dir) && !strings.HasPrefix(f.dir, "examples/") {
			t.Errorf("%s: package %s is not in the table of layers of ARCHITECTURE.md; a newcomer must be able to find it there", f.path, f.dir)
			continue
		}
		for _, imported := range f.imports {
			to, ours := strings.CutPrefix(imported, module+"/")
			if !ours {
				continue
			}
			if ok, reason := mayImport(table, f.dir, to); !ok {
				t.Errorf("%s: must not import %s: %s\n\t%s is level %s (%s)\n\t%s is level %s (%s)", f.path, to, reason,
					f.dir, table[f.dir].level, table[f.dir].what, to, table[to].level, table[to].what)
			}
		}
	}
}

func TestLevel0IsPure(t *testing.T) {
	table := readTable(t)
	for _, f := range sources(t) {
		if f.test || table[f.dir].level != "0" {
			continue
		}
		for _, imported := range f.imports {
			if slices.Contains(notInLevel0, imported) {
				t.Errorf("%s: must not import %s: level 0 has no goroutine, no clock, no I/O, so that every decision can be tested as a value", f.path, imported)
			}
		}
		ast.Inspect(f.syntax, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.GoStmt:
				t.Errorf("%s: starts a goroutine: level 0 has none", f.path)
			case *ast.SelectorExpr:
				if pkg, ok := n.X.(*ast.Ident); ok && pkg.Name == "time" && slices.Contains(clocks, n.Sel.Name) {
					t.Errorf("%s: uses time.%s: level 0 has no clock; the time is an argument", f.path, n.Sel.Name)
				}
			}
			return true
		})
	}
}

// The rule itself must be able to say no.
func TestMayImport(t *testing.T) {
	table := map[string]layer{
		"internal/rule": {"0", ""}, "internal/wire": {"0", ""}, "internal/field": {"0", ""}, "conditional": {"0", ""},
		"httpd": {"2", ""}, "middleware": {"2", ""}, "static": {"3", ""},
		"internal/config": {"5", ""}, "internal/app": {"5", ""}, "cmd/freshet": {"5", ""},
	}
	for _, c := range []struct {
		from, to string
		want     bool
	}{
		{"static", "httpd", true},
		{"httpd", "static", false},
		{"middleware", "httpd", false},
		{"internal/wire", "internal/rule", true},
		{"internal/rule", "internal/wire", false},
		{"internal/wire", "internal/field", false},
		{"conditional", "internal/field", true},
		{"internal/app", "internal/config", true},
		{"internal/config", "internal/app", false},
		{"cmd/freshet", "internal/app", true},
		{"static", "internal/wiretest", false},
		{"internal/wiretest", "static", true},
		{"static", "internal/unlisted", false},
		{"examples/embed", "httpd", true},
		{"examples/embed", "internal/wire", false},
	} {
		if got, reason := mayImport(table, c.from, c.to); got != c.want {
			t.Errorf("%s imports %s: %v (%s), want %v", c.from, c.to, got, reason, c.want)
		}
	}
}
