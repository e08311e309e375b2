package alert

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// The grammar of a rule:
//
//	NAME: FIGURE > BOUND [for TIME] [of N] [warning|critical]
//	NAME: off
//
// With < it is beyond the bound below it. A rule of [Rules] keeps what is not
// said, its figure always: "latency: > 500ms", "disk: for 1h", "hit-ratio: off".

// Bounds of what a configuration may say.
const (
	maxRuleText = 500
	maxName     = 40
	maxRules    = 200
	maxFor      = 30 * 24 * time.Hour
)

// Apply returns rules with those that texts say: changed, switched off or added.
func Apply(to []Rule, texts []string) ([]Rule, error) {
	all := slices.Clone(to)
	said := map[string]bool{}
	for _, text := range texts {
		r, err := apply(all, text)
		if err != nil {
			return nil, err
		}
		if said[r.Name] {
			return nil, fmt.Errorf("there are two rules %s; leave one out, or give it another name", r.Name)
		}
		said[r.Name] = true
		if i := indexOf(all, r.Name); i >= 0 {
			all[i] = r
			continue
		}
		if len(all) >= maxRules {
			return nil, fmt.Errorf("there are more than %d rules; leave some out", maxRules)
		}
		all = append(all, r)
	}
	return all, nil
}

func indexOf(all []Rule, name string) int {
	return slices.IndexFunc(all, func(r Rule) bool { return r.Name == name })
}

const form = "write NAME: FIGURE > BOUND, perhaps with for TIME, of N and warning or critical, or NAME: off"

// apply reads one rule.
func apply(known []Rule, text string) (Rule, error) {
	if len(text) > maxRuleText {
		return Rule{}, fmt.Errorf("a rule has more than %d characters; make it shorter", maxRuleText)
	}
	name, rest, ok := strings.Cut(text, ":")
	name = strings.TrimSpace(name)
	if !ok || !isName(name) {
		return Rule{}, fmt.Errorf("%q is no rule; %s; a name has letters a to z, digits and hyphens, %d at most", clean(text, 80), form, maxName)
	}
	bad := func(format string, args ...any) (Rule, error) {
		return Rule{}, fmt.Errorf("rule %s: %s", name, fmt.Sprintf(format, args...))
	}
	words := strings.Fields(rest)
	if len(words) == 0 {
		return bad("it says nothing; %s", form)
	}
	r := Rule{Name: name, Severity: Warning, Own: true}
	i := indexOf(known, name)
	if i >= 0 {
		r = known[i]
	}
	if len(words) == 1 && words[0] == "off" {
		if i < 0 {
			return bad("there is none to switch off; there are %s", names(known))
		}
		r.Off = true
		return r, nil
	}
	words, err := r.condition(words, i >= 0)
	if err == nil {
		err = r.rest(words)
	}
	if err != nil {
		return bad("%v", err)
	}
	return r, nil
}

// condition reads what is looked at and the bound.
func (r *Rule) condition(words []string, known bool) ([]string, error) {
	if words[0] == "for" || words[0] == "of" || known && (words[0] == string(Warning) || words[0] == string(Critical)) {
		if !known {
			return nil, fmt.Errorf("it names no figure; %s", form)
		}
		return words, nil
	}
	if words[0] != ">" && words[0] != "<" {
		switch {
		case !isFigure(words[0]):
			return nil, fmt.Errorf("%q is no figure; %s", clean(words[0], 40), form)
		case known && words[0] != r.Figure:
			return nil, fmt.Errorf("it looks at %s; give a rule about %s a name of its own", r.Figure, words[0])
		}
		r.Figure, words = words[0], words[1:]
	} else if !known {
		return nil, fmt.Errorf("it names no figure; %s", form)
	}
	if len(words) < 2 || words[0] != ">" && words[0] != "<" {
		return nil, fmt.Errorf("there is no bound; write %s > BOUND or %s < BOUND", r.Figure, r.Figure)
	}
	if below := words[0] == "<"; known && below != r.Below {
		return nil, fmt.Errorf("it is about the other side of its bound; give a rule with %s a name of its own", words[0])
	}
	r.Below = words[0] == "<"
	v, unit, err := parseValue(words[1])
	if err != nil {
		return nil, err
	}
	want := unit
	if known {
		want = r.Unit
	} else if u, ok := unitOf(r.Figure); ok {
		want = u
	}
	if unit != want && unit != Plain {
		return nil, fmt.Errorf("%s is not a bound of %s, which is in %s", words[1], r.Figure, orPlain(want))
	}
	r.Bound, r.Unit = v, want
	return words[2:], nil
}

// rest reads what follows the bound.
func (r *Rule) rest(words []string) error {
	for len(words) > 0 {
		switch word := words[0]; {
		case word == string(Warning), word == string(Critical):
			r.Severity, words = Severity(word), words[1:]
		case len(words) < 2:
			return fmt.Errorf("%q is not known here; %s", clean(word, 40), form)
		case word == "for":
			d, err := parseSpan(words[1])
			if err != nil {
				return err
			}
			if d > maxFor {
				return fmt.Errorf("for %s is too long; 30d is the most", words[1])
			}
			r.For, words = d, words[2:]
		case word == "of":
			n, err := strconv.ParseUint(words[1], 10, 32)
			if err != nil {
				return fmt.Errorf("of %s: give a number of requests", clean(words[1], 40))
			}
			r.Least, words = float64(n), words[2:]
		default:
			return fmt.Errorf("%q is not known here; %s", clean(word, 40), form)
		}
	}
	return nil
}

func orPlain(u Unit) string {
	if u == Plain {
		return "plain numbers"
	}
	return string(u)
}

func names(rules []Rule) string {
	all := make([]string, len(rules))
	for i := range rules {
		all[i] = rules[i].Name
	}
	return strings.Join(all, ", ")
}

func isName(s string) bool {
	return s != "" && len(s) <= maxName && strings.Trim(s, "abcdefghijklmnopqrstuvwxyz0123456789-") == ""
}

func isFigure(s string) bool {
	return s != "" && len(s) <= 80 && strings.Trim(s, "abcdefghijklmnopqrstuvwxyz0123456789_") == ""
}

// String writes a rule as it is read; see Apply.
func (r *Rule) String() string {
	if r.Off {
		return r.Name + ": off"
	}
	s := r.Name + ": " + r.Figure + " " + r.side() + " " + r.literal()
	if r.For > 0 || !r.Own { // a rule of Rules has others, unless they are said
		s += " for " + shortSpan(r.For)
	}
	if r.Least > 0 || !r.Own {
		s += " of " + trimmed(r.Least, 0)
	}
	return s + " " + string(r.Severity)
}

// Condition says it without the name, and in the words of people.
func (r *Rule) Condition() string {
	s := r.Figure + " " + r.side() + " " + r.Unit.Format(r.Bound)
	if r.For > 0 {
		s += " for " + shortSpan(r.For)
	}
	return s
}

func (r *Rule) side() string {
	if r.Below {
		return "<"
	}
	return ">"
}

// literal writes the bound so that it is read as the same number.
func (r *Rule) literal() string {
	exact := func(v float64) string { return strconv.FormatFloat(v, 'f', -1, 64) }
	switch r.Unit {
	case Percent:
		return exact(r.Bound) + "%"
	case Seconds:
		return exact(r.Bound) + "s"
	case Bytes:
		return exact(r.Bound/1024) + "KiB"
	}
	return exact(r.Bound)
}

// shortSpan is a Duration without zeros at its end.
func shortSpan(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = s[:len(s)-2]
	}
	if strings.HasSuffix(s, "h0m") {
		s = s[:len(s)-2]
	}
	return s
}
