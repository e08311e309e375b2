package check

import (
	"regexp"
	"strings"
	"testing"
)

var (
	kebab  = regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`)
	clause = regexp.MustCompile(`^$|^(RFC \d{4,5}(bis)?|draft-[a-z0-9-]+|[A-Z][A-Za-z0-9]*( [A-Z0-9][A-Za-z0-9]*)*)( §[0-9A-Z]+(\.[0-9]+)*)?$`)
)

// mustExchange reads an example.
func mustExchange(t testing.TB, e Example) *Exchange {
	t.Helper()
	x, err := e.exchange()
	if err != nil {
		t.Fatal(err)
	}
	return x
}

// found reports whether a note is found in an exchange, and names all others
// that are.
func found(x *Exchange, id string) (yes bool, others []string) {
	for _, f := range Passive(x) {
		if f.Note.ID == id {
			yes = true
		} else {
			others = append(others, f.Note.Severity.String()+" "+f.Note.ID)
		}
	}
	return yes, others
}

// Every note is found in the example on which it fires, and not in the other.
func TestNotes(t *testing.T) {
	seen := map[string]bool{}
	for n := range Notes {
		t.Run(n.ID, func(t *testing.T) {
			switch {
			case seen[n.ID]:
				t.Error("there is another note of this name")
			case !kebab.MatchString(n.ID):
				t.Error("the name is not in kebab case")
			case n.find == nil:
				t.Fatal("it is never found")
			case n.Severity > Bad:
				t.Error("severity", n.Severity)
			}
			seen[n.ID] = true
			if n.Sentence == "" || strings.HasSuffix(n.Sentence, ".") || strings.TrimSpace(n.Sentence) != n.Sentence {
				t.Errorf("sentence %q", n.Sentence)
			}
			if strings.HasSuffix(n.Remedy, ".") || n.Remedy == "" && n.Severity != Info {
				t.Errorf("remedy %q", n.Remedy)
			}
			if !clause.MatchString(n.Clause) {
				t.Errorf("clause %q", n.Clause)
			}
			if yes, others := found(mustExchange(t, n.Fires), n.ID); !yes {
				t.Errorf("does not fire on %+v; these do: %q", n.Fires, others)
			}
			if yes, _ := found(mustExchange(t, n.Silent), n.ID); yes {
				t.Errorf("fires on %+v", n.Silent)
			}
			for _, e := range []Example{n.Fires, n.Silent} {
				for _, f := range Passive(mustExchange(t, e)) {
					if f.Note.Severity > n.Severity {
						t.Errorf("shows what is worse than itself: %s (%s) on %+v", f.Note.ID, f.Detail, e)
					}
				}
			}
			if n.Fires == n.Silent {
				t.Error("the examples are the same")
			}
		})
	}
}
