package rule

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// declared returns every identifier that there should be a row for.
func declared() (ids []ID) {
	for group, rows := range tables {
		for i := 1; i < len(rows); i++ {
			ids = append(ids, ID(group<<8|i))
		}
	}
	return ids
}

// Every rule has a row with a name of its own and words that fit an error page.
func TestTable(t *testing.T) {
	name := regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`)
	clause := regexp.MustCompile(`^RFC \d+ §\d+(\.\d+)*$`)
	seen := map[string]ID{}
	for _, id := range declared() {
		r := Of(id)
		switch {
		case !name.MatchString(r.Name):
			t.Errorf("rule %d has the name %q", id, r.Name)
		case seen[r.Name] != 0:
			t.Errorf("rules %d and %d are both %s", seen[r.Name], id, r.Name)
		case r.Sentence == "" || r.Sentence[len(r.Sentence)-1] == '.':
			t.Errorf("%s: sentence %q", r.Name, r.Sentence)
		case r.Clause != "" && !clause.MatchString(r.Clause):
			t.Errorf("%s: clause %q", r.Name, r.Clause)
		case r.Status >= 400 && r.Status < 500 && r.Remedy == "":
			t.Errorf("%s: a client is refused and not told what to do", r.Name)
		}
		seen[r.Name] = id
	}
	n := 0
	for id, r := range All {
		if n++; id.String() != r.Name {
			t.Errorf("All: %v, %s", id, r.Name)
		}
	}
	if n != len(declared()) {
		t.Errorf("All gave %d of %d rules", n, len(declared()))
	}
	if Of(0) != (Row{}) || Of(9999) != (Row{}) {
		t.Error("an unknown rule has a row")
	}
}

func TestExplain(t *testing.T) {
	for id, want := range map[ID]string{
		BareLF:     "a line ends in a line feed without a carriage return (RFC 9112 §2.2): end lines with CR LF, or start the server with --lenient lf",
		StaticFile: "a file of the served folder",
		ClientGone: "the client closed the connection before the answer was complete (RFC 9112 §9.6)",
	} {
		if got := Of(id).Explain(); got != want {
			t.Errorf("%v: %q", id, got)
		}
	}
}

// constants returns the names of all identifiers, in the order of their files.
func constants(t *testing.T) (names []string) {
	t.Helper()
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range files {
		f, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range f.Decls {
			g, ok := d.(*ast.GenDecl)
			if !ok || g.Tok != token.CONST {
				continue
			}
			if first, ok := g.Specs[0].(*ast.ValueSpec).Type.(*ast.Ident); !ok || first.Name != "ID" {
				continue
			}
			for _, spec := range g.Specs[1:] {
				names = append(names, spec.(*ast.ValueSpec).Names[0].Name)
			}
		}
	}
	return names
}

// Every identifier has a row, and there are no rows for what is no identifier.
func TestEveryIdentifierHasARow(t *testing.T) {
	if got, want := len(constants(t)), len(declared()); got != want {
		t.Errorf("there are %d identifiers and %d rows", got, want)
	}
}

// Every rule is given by some code that is no test.
func TestEveryRuleIsGiven(t *testing.T) {
	use := regexp.MustCompile(`\brule\.([A-Z]\w*)`)
	used := map[string]bool{}
	err := filepath.WalkDir(filepath.Join("..", ".."), func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (d.Name() == "node_modules" || d.Name() == ".git"):
			return fs.SkipDir
		case d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go"):
			return nil
		}
		text, err := os.ReadFile(path)
		for _, m := range use.FindAllStringSubmatch(string(text), -1) {
			used[m[1]] = true
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range constants(t) {
		if !used[name] {
			t.Errorf("nothing gives the rule %s", name)
		}
	}
}
