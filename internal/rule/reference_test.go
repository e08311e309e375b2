package rule

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the reference page anew")

// titles are the groups, for people.
var titles = [...]string{
	Engine:    "The engine, and files",
	Freshness: "Freshness: may it be stored, how long is it fresh, may it be used again",
	Cache:     "The cache",
	Proxy:     "Origins",
	Site:      "Sites and routes",
	Script:    "Programs: CGI and FastCGI",
	Filter:    "The filtering forward proxy",
	Guard:     "Guards: who may have what a route has",
}

// reference is the page of all rules.
func reference() string {
	var b strings.Builder
	b.WriteString("# Rules\n\n<!-- Made from the tables in internal/rule by go generate; edit them there. -->\n\n" +
		"Every answer has a rule: the reason for which it is what it is. Its name stands in the access log (JSON), in `freshet why`\n" +
		"and in the monitor. Names do not change between versions.\n")
	last := -1
	for id, r := range All {
		if g := int(id.Group()); g != last {
			last = g
			fmt.Fprintf(&b, "\n## %s\n\n| rule | | what it says | where it is written | what to do |\n| --- | --- | --- | --- | --- |\n", titles[g])
		}
		status := ""
		if r.Status != 0 {
			status = fmt.Sprint(r.Status)
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s | %s |\n", r.Name, status, cell(r.Sentence), r.Clause, cell(r.Remedy))
	}
	return b.String()
}

func cell(text string) string { return strings.ReplaceAll(text, "|", `\|`) }

// The page in docs is the one that the tables make.
func TestReference(t *testing.T) {
	path := filepath.Join("..", "..", "docs", "reference", "rules.md")
	if *update {
		if err := os.WriteFile(path, []byte(reference()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if strings.ReplaceAll(string(got), "\r\n", "\n") != reference() {
		t.Error("docs/reference/rules.md differs from the tables: run go generate ./internal/rule")
	}
}
