package cookierule

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"freshet/internal/site"
)

// Rules are found as a search through all of them finds them.
func TestFindModel(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	hosts := []string{"*", "example", "a.example", "b.a.example", "c.b.a.example", "other", "a.other", "1.2.3.4"}
	names := []string{"", "a", "ab", "a*", "ab*", "*", "b*"}
	for range 2000 {
		var texts []string
		last := map[string]string{} // the policy of a rule by what it is about
		for range random.IntN(8) {
			name, host := names[random.IntN(len(names))], hosts[random.IntN(len(hosts))]
			p := Policy(1 + random.IntN(len(policyNames)-1))
			about := host
			if name != "" {
				about = name + "@" + host
			}
			text := about + "=" + p.String()
			texts = append(texts, text)
			last[about] = text
		}
		table := compile(t, Rules{Texts: texts})
		for _, host := range append(hosts[1:], "x.other", "unrelated") {
			for _, name := range []string{"", "a", "abc", "b"} {
				first, second := table.find(host, name)
				wantName, wantHost := search(last, host, name)
				got := []string{textOf(first), textOf(second)}
				want := []string{wantName, wantHost}
				if wantName == "" {
					want = []string{wantHost, ""}
				}
				if fmt.Sprint(got) != fmt.Sprint(want) {
					t.Fatalf("%q: %q at %s: %q, want %q", texts, name, host, got, want)
				}
			}
		}
	}
}

func textOf(g *given) string {
	if g == nil {
		return ""
	}
	return g.text
}

// search returns the rule that names the cookie and the one that does not.
func search(rules map[string]string, host, name string) (byName, byHost string) {
	best := func(named bool) (found string) {
		score := -1
		for about, text := range rules {
			of, at, has := strings.Cut(about, "@")
			if !has {
				of, at = "", about
			}
			prefix, open := strings.CutSuffix(of, "*")
			if has != named || at != "*" && at != host && !strings.HasSuffix(host, "."+at) || at != "*" && at != host && site.IsAddress(host) ||
				has && of != name && !(open && strings.HasPrefix(name, prefix)) {
				continue
			}
			n := 1000 * len(at)
			if at == "*" {
				n = 0
			}
			if n += 2 * len(prefix); !open {
				n += 500 // the whole name
			}
			if n > score {
				score, found = n, text
			}
		}
		return found
	}
	return best(true), best(false)
}
