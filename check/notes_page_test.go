package check

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The page of notes is made of their tables.
func TestNotesPage(t *testing.T) {
	var b strings.Builder
	b.WriteString("# What freshet check finds\n\n<!-- Made from the tables in check by go generate; edit them there. -->\n\n" +
		"Each finding names its note. *info* is worth knowing, and nothing is wrong; *warn* works, but costs speed, or depends on luck; " +
		"*bad* breaks a rule that recipients rely on.\n")
	for _, g := range groups {
		page(&b, g.about, g.notes)
	}
	page(&b, "What only further requests show", activeNotes)
	path := filepath.Join("..", "docs", "reference", "notes.md")
	if *update {
		if err := os.WriteFile(path, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	old, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if string(old) != b.String() {
		t.Error("docs/reference/notes.md differs from the tables: run go generate ./check")
	}
}

// page appends a table of notes.
func page(b *strings.Builder, about string, notes []Note) {
	fmt.Fprintf(b, "\n## %s\n\n| note | | what is found | what mends it |\n| --- | --- | --- | --- |\n", about)
	cell := strings.NewReplacer("|", "\\|", "<", "&lt;", "*", "\\*").Replace
	for i := range notes {
		n := &notes[i]
		found := cell(n.Sentence)
		if n.Clause != "" {
			found += " (" + n.Clause + ")"
		}
		fmt.Fprintf(b, "| `%s` | %s | %s | %s |\n", n.ID, n.Severity, found, cell(n.Remedy))
	}
}
