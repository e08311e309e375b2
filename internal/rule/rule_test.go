package rule

import (
	"regexp"
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
