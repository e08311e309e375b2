package freshness

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"freshet/internal/rule"
)

// clauses says which tests prove what each normative section of RFC 9111, and of
// the documents beside it, asks.
var clauses = map[string][]string{
	"RFC 9111 §1.2.2":          {"TestLifetime", "TestAge", "TestParseDirectives"},
	"RFC 9111 §3":              {"TestStore", "TestStatuses"},
	"RFC 9111 §3.1":            {"TestStoredFields", "TestStrip"},
	"RFC 9111 §3.2":            {"TestUpdate"},
	"RFC 9111 §3.3":            {"TestStore", "TestParseContentRange"},
	"RFC 9111 §3.4":            {"TestSameRepresentation", "TestUpdate"},
	"RFC 9111 §3.5":            {"TestStore"},
	"RFC 9111 §4":              {"TestReuse", "TestStore"},
	"RFC 9111 §4.1":            {"TestParseVary", "TestAppendSelecting", "TestSelectingTellsItsEnd", "TestStore"},
	"RFC 9111 §4.2":            {"TestReuse"},
	"RFC 9111 §4.2.1":          {"TestLifetime"},
	"RFC 9111 §4.2.2":          {"TestLifetime", "TestHeuristicOptions", "TestStatuses"},
	"RFC 9111 §4.2.3":          {"TestAge", "TestExtremes"},
	"RFC 9111 §4.2.4":          {"TestReuse", "TestOnFailure"},
	"RFC 9111 §4.3":            {"TestStore", "TestSetValidators"},
	"RFC 9111 §4.3.1":          {"TestSetValidators"},
	"RFC 9111 §4.3.3":          {"TestOnFailure", "TestConfirms"},
	"RFC 9111 §4.3.4":          {"TestConfirms", "TestUpdate"},
	"RFC 9111 §4.3.5":          {"TestUpdateFromHead"},
	"RFC 9111 §4.4":            {"TestInvalidates"},
	"RFC 9111 §5.1":            {"TestAge"},
	"RFC 9111 §5.2":            {"TestLifetime"},
	"RFC 9111 §5.2.1":          {"TestParseDirectives"},
	"RFC 9111 §5.2.1.1":        {"TestReuse"}, // max-age
	"RFC 9111 §5.2.1.2":        {"TestReuse"}, // max-stale
	"RFC 9111 §5.2.1.3":        {"TestReuse"}, // min-fresh
	"RFC 9111 §5.2.1.4":        {"TestReuse"}, // no-cache
	"RFC 9111 §5.2.1.5":        {"TestStore"}, // no-store
	"RFC 9111 §5.2.1.7":        {"TestParseDirectives"},
	"RFC 9111 §5.2.2.1":        {"TestLifetime"},                         // max-age
	"RFC 9111 §5.2.2.2":        {"TestReuse", "TestOnFailure"},           // must-revalidate
	"RFC 9111 §5.2.2.3":        {"TestStore", "TestStatuses"},            // must-understand
	"RFC 9111 §5.2.2.4":        {"TestReuse", "TestStrip"},               // no-cache
	"RFC 9111 §5.2.2.5":        {"TestStore"},                            // no-store
	"RFC 9111 §5.2.2.7":        {"TestStore", "TestStrip"},               // private
	"RFC 9111 §5.2.2.8":        {"TestReuse", "TestPolicy"},              // proxy-revalidate
	"RFC 9111 §5.2.2.9":        {"TestStore"},                            // public
	"RFC 9111 §5.2.2.10":       {"TestLifetime", "TestReuse"},            // s-maxage
	"RFC 9111 §5.3":            {"TestLifetime"},                         // Expires
	"RFC 9111 §5.4":            {"TestParseDirectives", "TestPolicy"},    // Pragma
	"RFC 9111 §7.3":            {"TestStore", "TestStoreFacts"},          // cookies
	"RFC 9110 §9.2.3":          {"TestStore"},                            // cacheable methods
	"RFC 9110 §9.3.3":          {"TestStore"},                            // POST
	"RFC 9110 §8.8.2.2":        {"TestSameRepresentation"},               // strong dates
	"RFC 9110 §14.4":           {"TestParseContentRange"},                // Content-Range
	"RFC 9110 §15.1":           {"TestStatuses"},                         // heuristically cacheable
	"RFC 6585 §3":              {"TestStatuses"},                         // 428, 429, 431, 511
	"RFC 5861 §3":              {"TestReuse"},                            // stale-while-revalidate
	"RFC 5861 §4":              {"TestOnFailure"},                        // stale-if-error
	"RFC 8246 §2":              {"TestReuse"},                            // immutable
	"RFC 9213 §2.1":            {"TestLifetime", "TestPolicy"},           // targeted fields
	"RFC 9213 §2.2":            {"TestLifetime", "TestHeuristicOptions"}, // target lists
	"RFC 9875 §2":              {"TestGroups"},
	"RFC 9875 §3":              {"TestGroups"},
	"No-Vary-Search (fields)":  {"TestParseNoVarySearch"},
	"No-Vary-Search (queries)": {"TestNoVarySearchKey"},
}

// declared returns the tests and the other exported names of the package.
func declared(t *testing.T) (tests, exported map[string]bool) {
	t.Helper()
	names, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	tests, exported = map[string]bool{}, map[string]bool{}
	for _, name := range names {
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range file.Decls {
			f, ok := d.(*ast.FuncDecl)
			switch {
			case !ok:
			case strings.HasSuffix(name, "_test.go"):
				tests[f.Name.Name] = true
			case f.Recv == nil:
				exported[f.Name.Name] = true
			default:
				star, ok := f.Recv.List[0].Type.(*ast.StarExpr)
				if !ok {
					t.Fatalf("%s: the receiver of %s is no pointer", name, f.Name.Name)
				}
				exported[star.X.(*ast.Ident).Name+"."+f.Name.Name] = true
			}
		}
	}
	return tests, exported
}

// TestClauses: each section that the package doc lists, or a rule cites, has
// tests, and each function that the doc names for it exists.
func TestClauses(t *testing.T) {
	tests, exported := declared(t)
	for clause, names := range clauses {
		for _, name := range names {
			if !tests[name] {
				t.Errorf("%s: there is no %s", clause, name)
			}
		}
	}
	for id, row := range rule.All {
		if id>>8 == 1 && clauses[row.Clause] == nil {
			t.Errorf("%s cites %s, which has no tests", row.Name, row.Clause)
		}
	}
	doc, err := os.ReadFile("doc.go")
	if err != nil {
		t.Fatal(err)
	}
	listed := regexp.MustCompile(`(?m)^//\t(§[0-9.]+) +(.+)$`).FindAllStringSubmatch(string(doc), -1)
	if len(listed) < 20 {
		t.Fatalf("the package doc lists %d sections", len(listed))
	}
	for _, row := range listed {
		for _, name := range regexp.MustCompile(`[A-Z][A-Za-z]+(\.[A-Z][A-Za-z]+)?`).FindAllString(row[2], -1) {
			if !exported[name] && name != "Partial" && name != "Warning" {
				t.Errorf("doc.go, %s: there is no %s", row[1], name)
			}
		}
		elsewhere := strings.Contains(row[2], "package conditional") || strings.Contains(row[2], "nothing is done")
		if clauses["RFC 9111 "+row[1]] == nil && !elsewhere && row[1] != "§5.2.2" {
			t.Errorf("doc.go lists %s, which has no tests", row[1])
		}
	}
}

// TestEveryRule: each rule of the group is the reason for a decision in one of
// the tables, which TestStore, TestLifetime, TestReuse and TestOnFailure prove.
func TestEveryRule(t *testing.T) {
	var given []rule.ID
	for _, tt := range storeCases {
		given = append(given, tt.rule)
	}
	for _, tt := range lifetimeCases {
		given = append(given, tt.from)
	}
	for _, tt := range reuseCases {
		given = append(given, tt.rule)
	}
	for _, tt := range failureCases {
		given = append(given, tt.rule)
	}
	for id, row := range rule.All {
		if id>>8 == 1 && !slices.Contains(given, id) {
			t.Errorf("nothing is decided by %s", row.Name)
		}
	}
}
