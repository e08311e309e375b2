package filterlist

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// modelHide is a hiding rule of the model.
type modelHide struct {
	domains  []modelDomain
	not      bool
	selector string
}

func (r *modelHide) text() string {
	separator := "##"
	if r.not {
		separator = "#@#"
	}
	return strings.ReplaceAll(domainsText(r.domains), "|", ",") + separator + r.selector
}

func (r *modelHide) isFor(host string) bool { return r.domains == nil || modelIn(host, r.domains) }

// generic says whether a rule is for all pages, or all but some.
func (r *modelHide) generic() bool {
	return !slices.ContainsFunc(r.domains, func(d modelDomain) bool { return !d.not })
}

// TestHideAgainstModel compares what is hidden with rules that are asked one
// after the other.
func TestHideAgainstModel(t *testing.T) {
	selectors := []string{".a", ".b", "#c", "div > p", "a:hover", ".d"}
	for seed := range 400 {
		random := rand.New(rand.NewPCG(uint64(seed), 11))
		data := make([]byte, 600)
		for i := range data {
			data[i] = byte(random.Uint32())
		}
		c := &choices{data}
		var rules []modelHide
		var text strings.Builder
		excluded := map[string]bool{} // selectors of rules for all pages but some: one rule each
		for range 1 + c.below(20) {
			r := modelHide{selector: pick(c, selectors), not: c.rarely(3)}
			if !c.rarely(3) {
				r.domains = c.domains(true, true)
			}
			if r.generic() && r.domains != nil {
				if r.not || excluded[r.selector] {
					continue
				}
				excluded[r.selector] = true
			}
			rules = append(rules, r)
			text.WriteString(r.text() + "\n")
		}
		set := Compile([]Source{{"test", text.String()}})
		if u := set.Lists()[0].Unsupported; len(u) > 0 {
			t.Fatalf("%s\nnot supported: %+v", text.String(), u)
		}
		for _, host := range someHosts {
			for _, generic := range []bool{true, false} {
				want := map[string]bool{}
				for _, r := range rules {
					if !r.not && r.generic() == generic && r.isFor(host) {
						want[r.selector] = true
					}
				}
				for _, r := range rules {
					if r.not && r.isFor(host) {
						delete(want, r.selector)
					}
				}
				h := set.Hide("https://" + host + "/x")
				style := h.Specific
				if generic {
					style = h.Generic
				}
				got := map[string]bool{}
				for rule := range strings.SplitSeq(strings.TrimSuffix(style, "\n"), "\n") {
					for s := range strings.SplitSeq(strings.TrimSuffix(rule, "{display:none!important}"), ",") {
						if s != "" {
							got[s] = true
						}
					}
				}
				for _, s := range selectors {
					if got[s] != want[s] {
						t.Fatalf("seed %d on %s, generic %v: %s is hidden: %v, want %v\n%s\n%s", seed, host, generic, s, got[s], want[s], text.String(), style)
					}
				}
			}
		}
	}
}
