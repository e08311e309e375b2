package app

import (
	"bufio"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"freshet/internal/record"
	"freshet/internal/rule"
)

// sightings are the rules that records of scenarios had.
type sightings struct {
	mu      sync.Mutex
	seen    map[rule.ID]bool
	without []string // requests whose record has none
}

func (s *sightings) add(all []record.Record) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.seen == nil {
		s.seen = map[rule.ID]bool{}
	}
	for i := range all {
		s.seen[all[i].Rule] = true
		if all[i].Rule == 0 {
			s.without = append(s.without, all[i].Method+" "+all[i].Target)
		}
		if d := all[i].Detail; d != nil {
			s.seen[d.Reason] = true
			s.seen[d.Storing] = true
		}
	}
}

// check wants each row of the table of rules to be reached, and each rule that
// was seen to have a row.
func (s *sightings) check(t *testing.T) {
	delete(s.seen, 0) // of details, which need not name any
	for _, request := range s.without {
		t.Errorf("%s was recorded without a rule", request)
	}
	for id := range s.seen {
		if rule.Of(id).Name == "" {
			t.Errorf("rule %d was recorded, and has no row", id)
		}
	}
	inScripts := wireRules(t)
	elsewhere := provedElsewhere(t)
	rows, scenarios, scripts, tests := 0, 0, 0, 0
	for id, row := range rule.All {
		rows++
		switch _, proved := elsewhere[row.Name]; {
		case s.seen[id]:
			scenarios++
			if proved {
				t.Errorf("%s is reached by a scenario; take it out of testdata/why/elsewhere.txt", row.Name)
			}
		case inScripts[row.Name]:
			scripts++
			if proved {
				t.Errorf("%s is reached by a wire script; take it out of testdata/why/elsewhere.txt", row.Name)
			}
		case proved:
			tests++
		default:
			t.Errorf("%s: no scenario reaches it", row.Name)
		}
		delete(elsewhere, row.Name)
	}
	for name := range elsewhere {
		t.Errorf("testdata/why/elsewhere.txt: there is no rule %s", name)
	}
	t.Logf("%d rules: %d in scenarios, %d more in wire scripts, %d elsewhere", rows, scenarios, scripts, tests)
}

// wireRules are the rules that scripts of package wiretest expect.
func wireRules(t *testing.T) map[string]bool {
	t.Helper()
	expected := regexp.MustCompile(`(?m)^(?:refuse [0-9]+|expect rule) ([a-z0-9-]+)`)
	found := map[string]bool{}
	paths, err := filepath.Glob("../wiretest/testdata/*.txtar")
	more, err2 := filepath.Glob("../wiretest/testdata/*/*.txtar")
	if err != nil || err2 != nil || len(paths)+len(more) == 0 {
		t.Fatal("no wire scripts")
	}
	for _, path := range slices.Concat(paths, more) {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range expected.FindAllStringSubmatch(string(text), -1) {
			found[m[1]] = true
		}
	}
	return found
}

// provedElsewhere reads the list of rules that other tests reach, and why no
// scenario does: "rule, the file of the test, its function: reason". The
// function must be there, and its file must name the rule.
func provedElsewhere(t *testing.T) map[string]string {
	t.Helper()
	f, err := os.Open("testdata/why/elsewhere.txt")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	found := map[string]string{}
	line := regexp.MustCompile(`^([a-z0-9-]+) +(\S+_test\.go) +(\w+): (.+)$`)
	for in := bufio.NewScanner(f); in.Scan(); {
		text := strings.TrimSpace(in.Text())
		if text == "" || text[0] == '#' {
			continue
		}
		m := line.FindStringSubmatch(text)
		if m == nil {
			t.Errorf("elsewhere.txt: %q", text)
			continue
		}
		source, err := os.ReadFile(filepath.Join("..", "..", filepath.FromSlash(m[2])))
		switch {
		case err != nil:
			t.Errorf("%s: %v", m[1], err)
		case !strings.Contains(string(source), "func "+m[3]+"("):
			t.Errorf("%s: %s has no %s", m[1], m[2], m[3])
		case !strings.Contains(string(source), m[1]) && !strings.Contains(string(source), "rule."+goName(m[1])):
			t.Errorf("%s: %s does not name it", m[1], m[2])
		}
		found[m[1]] = m[4]
	}
	return found
}

// goName is what a rule is called in the code.
func goName(name string) string {
	source, _ := filepath.Glob("../rule/*.go")
	row := regexp.MustCompile(`(?m)^\t(\w+)(?: & 0xff)?: +\{"` + regexp.QuoteMeta(name) + `"`)
	for _, path := range source {
		if text, err := os.ReadFile(path); err == nil {
			if m := row.FindSubmatch(text); m != nil {
				return string(m[1])
			}
		}
	}
	return "?"
}
