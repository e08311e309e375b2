package layers

import (
	"go/parser"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
)

// unnamed are comparisons in constant time whose operands have no name of a
// secret, so that in their places a "==" would not be found: file and function.
var unnamed = []string{
	"internal/control/control.go Same",          // whatever its callers give it
	"internal/smime/signer.go signerInfo.check", // of a text, which is no secret
	"internal/smime/wrap.go unwrapKey",          // a constant of RFC 3394, in what was decrypted
}

// exception is a row of testdata/secrets/exceptions.txt, whose last cell is for
// people.
type exception struct {
	path, function, text string
}

func readExceptions(t *testing.T) map[exception]bool {
	t.Helper()
	content, err := os.ReadFile("testdata/secrets/exceptions.txt")
	if err != nil {
		t.Fatal(err)
	}
	rows := map[exception]bool{}
	for i, line := range strings.Split(strings.TrimSpace(string(content)), "\n") {
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		cells := strings.Split(line, " | ")
		if len(cells) != 4 || len(cells[3]) < 10 {
			t.Fatalf("exceptions.txt:%d: a row is: file | function | expression | why", i+1)
		}
		row := exception{path: cells[0], function: cells[1], text: cells[2]}
		if rows[row] {
			t.Errorf("exceptions.txt:%d: this is there twice", i+1)
		}
		rows[row] = true
	}
	return rows
}

var tree struct {
	once  sync.Once
	found []comparison
}

// ofTree is what compares secrets in this module.
func ofTree(t *testing.T) []comparison {
	tree.once.Do(func() { tree.found = secretComparisons(fileSet, sources(t)) })
	return tree.found
}

// TestNoSecretIsCompared: "==" and its kin end at the first difference, so that
// their time tells how much of a guess was right. Secrets are told by their names
// and by what is made of them; see secretname_test.go.
func TestNoSecretIsCompared(t *testing.T) {
	exceptions, used := readExceptions(t), map[exception]bool{}
	for _, c := range ofTree(t) {
		row := exception{path: c.path, function: c.function, text: c.text}
		used[row] = true
		if !c.careful && !exceptions[row] {
			t.Errorf("%s:%d: %s compares a secret: %s\n\tuse crypto/subtle or hmac.Equal; what is no secret has a name of its own, or a row in internal/layers/testdata/secrets/exceptions.txt",
				c.path, c.line, c.function, c.text)
		}
	}
	for row := range exceptions {
		if !used[row] {
			t.Errorf("exceptions.txt: there is no %q any more in %s of %s; take the row out", row.text, row.function, row.path)
		}
	}
}

// TestCarefulComparisonsAreSeen: what is compared in constant time today would be
// found if it were compared by "==" tomorrow.
func TestCarefulComparisonsAreSeen(t *testing.T) {
	seen := map[string]int{}
	for _, c := range ofTree(t) {
		if c.careful {
			seen[c.path]++
		}
	}
	used := map[string]bool{}
	for _, f := range sources(t) {
		if f.test {
			continue
		}
		want := 0
		for _, fn := range carefulFunctions(f.syntax) {
			where := f.path + " " + fn
			if used[where] = true; !slices.Contains(unnamed, where) {
				want++
			}
		}
		if seen[f.path] != want {
			t.Errorf("%s: %d comparisons in constant time, of which %d are known by their names", f.path, want, seen[f.path])
		}
	}
	for _, where := range unnamed {
		if !used[where] {
			t.Errorf("%s compares nothing in constant time any more", where)
		}
	}
}

// TestPlantedSecrets: each form is found, and nothing else.
func TestPlantedSecrets(t *testing.T) {
	const path = "testdata/secrets/planted.go"
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	syntax, err := parser.ParseFile(fileSet, path, content, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	found := map[int]string{}
	for _, c := range secretComparisons(fileSet, []goFile{{path: path, dir: "planted", syntax: syntax}}) {
		if !c.careful {
			found[c.line] = c.text
		}
	}
	planted := 0
	for i, line := range strings.Split(string(content), "\n") {
		_, want := strings.CutSuffix(line, "// found")
		if want {
			planted++
		}
		switch text, got := found[i+1]; {
		case want && !got:
			t.Errorf("%s:%d: not found: %s", path, i+1, strings.TrimSpace(line))
		case got && !want:
			t.Errorf("%s:%d: found, and is none: %s", path, i+1, text)
		}
	}
	if planted < 30 {
		t.Errorf("%d planted comparisons; did the form of the file change?", planted)
	}
}
