package cookierule

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"freshet/internal/site"
)

// Policy says what is done with the cookies of a site.
type Policy uint8

// The policies. Unset, the zero value, leaves it to a rule that is about more
// sites; where there is none, it means NoThirdParty.
const (
	Unset        Policy = iota
	Allow               // all pass
	Session             // all pass, and live until the browser ends
	Refuse              // none passes
	NoThirdParty        // those pass that are the page's own site's
	Learn               // all pass, and what NoThirdParty would have done is noted
)

var policyNames = [...]string{"", "allow", "session", "refuse", "no-third-party", "learn"}

// String returns the policy's name, as flags have it; "" for Unset.
func (p Policy) String() string { return policyNames[p] }

// ParsePolicy returns the policy of a name.
func ParsePolicy(name string) (Policy, error) {
	if i := slices.Index(policyNames[:], name); i > 0 {
		return Policy(i), nil
	}
	return Unset, fmt.Errorf("%q is no policy for cookies: give %s or %s", name, strings.Join(policyNames[1:len(policyNames)-1], ", "), policyNames[len(policyNames)-1])
}

// Rules are what a [Table] is made of.
type Rules struct {
	// Policy is for all that no rule names. Unset means NoThirdParty.
	Policy Policy

	// Life bounds how long cookies live that pass, in whole seconds. 0 means no
	// bound.
	Life time.Duration

	// Texts are rules of the form [NAME@]HOST=POLICY. A host stands for itself
	// and all below it, "*" for all; a "*" may end a name. One with a name goes
	// before one without, then the longest host decides, then the longest name.
	Texts []string
}

// Table is rules in the form in which they are asked. It does not change, and
// may be asked by any number of goroutines.
type Table struct {
	policy Policy
	life   time.Duration
	hosts  map[string]*given   // by host; "*" for all
	named  map[string][]*given // the same, of rules with a name; the longest name first
	exact  map[nameAt]*given   // and of those, by the whole name
}

type nameAt struct{ name, host string }

// given is a rule.
type given struct {
	text   string
	prefix string // of names, of rules with a name
	policy Policy
}

// maxRuleText bounds a rule, in bytes.
const maxRuleText = 1024

// Compile returns a table of rules, or all their faults at once.
func Compile(r Rules) (*Table, error) {
	t := &Table{policy: r.Policy, life: r.Life, hosts: map[string]*given{}, named: map[string][]*given{}, exact: map[nameAt]*given{}}
	if t.policy == Unset {
		t.policy = NoThirdParty
	}
	var faults []error
	if r.Life < 0 || r.Life > 0 && r.Life < time.Second { // in Max-Age, that would be a deletion
		faults = append(faults, fmt.Errorf("the longest life of a cookie cannot be %v: give a second or more, or 0 for no bound", r.Life))
	}
	for _, text := range r.Texts {
		if err := t.add(text); err != nil {
			faults = append(faults, fmt.Errorf("cookie rule %.80q: %w", text, err))
		}
	}
	for _, rules := range t.named {
		slices.SortStableFunc(rules, func(a, b *given) int { return len(b.prefix) - len(a.prefix) })
	}
	return t, errors.Join(faults...)
}

// add takes a rule. Of two that are about the same, the later one holds.
func (t *Table) add(text string) error {
	i := strings.LastIndexByte(text, '=')
	if i < 0 || len(text) > maxRuleText {
		return errors.New("give HOST=POLICY or NAME@HOST=POLICY")
	}
	p, err := ParsePolicy(text[i+1:])
	if err != nil {
		return err
	}
	g := &given{text: text, policy: p}
	name, host, named := "", text[:i], false
	if at := strings.LastIndexByte(host, '@'); at >= 0 {
		name, host, named = host[:at], host[at+1:], true
	}
	if host = strings.TrimPrefix(Host(host), "."); host == "" || strings.ContainsAny(host, "/ \t") || named && name == "" {
		return errors.New("give HOST=POLICY or NAME@HOST=POLICY")
	}
	prefix, isPrefix := strings.CutSuffix(name, "*")
	switch {
	case !named:
		t.hosts[host] = g
	case isPrefix:
		g.prefix = prefix
		t.named[host] = append(slices.DeleteFunc(t.named[host], func(o *given) bool { return o.prefix == prefix }), g)
	default:
		t.exact[nameAt{name, host}] = g
	}
	return nil
}

// find returns the rules that are about a cookie, the one that decides first.
// There are two at most.
func (t *Table) find(host, name string) (first, second *given) {
	var byName, byHost *given
	for at := host; ; {
		if byHost == nil {
			byHost = t.hosts[at]
		}
		if byName == nil {
			byName = t.naming(name, at)
		}
		if at == "*" || byHost != nil && byName != nil {
			break
		}
		at = above(at)
	}
	if byName == nil {
		return byHost, nil
	}
	return byName, byHost
}

// naming returns the rule for a name at just that host.
func (t *Table) naming(name, host string) *given {
	if g := t.exact[nameAt{name, host}]; g != nil {
		return g
	}
	for _, g := range t.named[host] {
		if strings.HasPrefix(name, g.prefix) {
			return g
		}
	}
	return nil
}

// above returns the host that is one label shorter, "*" after the last.
func above(host string) string {
	if i := strings.IndexByte(host, '.'); i >= 0 && !site.IsAddress(host) {
		return host[i+1:]
	}
	return "*"
}
