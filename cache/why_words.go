package cache

import (
	"net/http"
	"strconv"
	"strings"

	"freshet/freshness"
	"freshet/internal/record"
	"freshet/internal/rule"
	"freshet/internal/why"
)

// sentence says verdict and cause.
func (x *explanation) sentence() string {
	q := x.q
	cause := rule.Of(x.rule).Sentence
	if n := x.many(); n != "" {
		cause += " (" + n + ")"
	}
	if x.near != nil {
		cause += ", but the same is stored " + x.near.what
	}
	if x.hit() && !x.past {
		t := &q.object.terms
		if cause += " (" + state(t, q.now); t.TTL(q.now) > 0 {
			cause += " more"
		}
		cause += ")"
	}
	return x.opening() + ": " + cause + "."
}

// opening says what the request comes to.
func (x *explanation) opening() string {
	would := "would be"
	if x.past {
		would = "was"
	}
	switch x.q.verdict {
	case record.Hit:
		if x.status != http.StatusOK {
			return "It " + would + " a hit, answered with " + strconv.Itoa(x.status)
		}
		return "It " + would + " a hit"
	case record.Stale:
		return "It " + would + " answered from the cache with something stale"
	case record.Revalidated:
		if x.past {
			return "The origin was asked whether what is stored is still valid, and it was"
		}
		return "The origin would be asked whether what is stored is still valid"
	case record.Bypass:
		return "It " + would + " sent past the cache"
	case record.Refused:
		return "It " + would + " refused"
	}
	return "The origin " + would + " asked for it"
}

// many says how many variants there have been, when they are why there is no
// hit.
func (x *explanation) many() string {
	if x.rule != rule.CacheVaryMiss && x.rule != rule.CacheVariantsFull || x.q.res == nil || x.q.res.tally == nil {
		return ""
	}
	return fieldLine("Vary", x.q.res.objects[0].fields["Vary"]) + " made " + why.Count(int64(x.q.res.tally.variants.Load()), "variant")
}

// remedies returns what to change so that the request is a hit, and what else
// would help.
func (x *explanation) remedies() (fixes []why.Fix, advice string) {
	if x.near != nil {
		return x.near.fixes, ""
	}
	if x.failed >= 500 && x.q.object != nil {
		return []why.Fix{{Who: why.Origin, Do: "set", Name: why.Status, Value: "200"}}, "Or let its answers have stale-if-error, for such times."
	}
	t := x.trial()
	fixes, advice = x.storeRemedies(t)
	if fixes != nil || advice != "" && isMoment(x.rule) {
		return fixes, advice
	}
	if x.rule == rule.ReuseStale || x.rule == rule.ReuseMustRevalidate {
		t.age = x.age
	}
	if fixes = t.solve(x.rule); len(fixes) > 0 {
		return fixes, x.otherwise()
	}
	if isMoment(x.rule) && x.rule != rule.CacheCut {
		return nil, "There is nothing to change: the next request finds what this one brings."
	}
	return nil, ""
}

// storeRemedies are those that are about the store, and not about one exchange.
func (x *explanation) storeRemedies(t *trial) ([]why.Fix, string) {
	h, q := x.h, x.q
	set := func(name, value string) []why.Fix {
		return []why.Fix{{Who: why.Configuration, Do: "set", Name: name, Value: value}}
	}
	switch x.rule {
	case rule.CacheEvicted:
		return set("memory", roundSize(2*h.store.opt.Memory)), ""
	case rule.CacheVariantsFull:
		n := h.opt.MaxVariants * 2
		if q.res != nil && q.res.tally != nil {
			n = max(n, int(q.res.tally.variants.Load())+1)
		}
		if n > maxMaxVariants {
			return nil, "Let the origin name fewer fields in Vary: there are more variants than any cache could keep."
		}
		return set("max-variants", strconv.Itoa(n)), "Better, let the origin name fewer fields in Vary."
	case rule.CacheVaryMiss:
		return x.fewerVariants(), ""
	case rule.CacheMisfiled:
		if said := x.saidIgnored(); said != "" {
			return []why.Fix{{Who: why.Origin, Do: "set", Name: "No-Vary-Search", Value: said}}, ""
		}
	case rule.CacheURIMiss:
		if names := h.trackers(q.to.query); len(names) > 0 {
			return nil, "If " + strings.Join(names, " and ") + " makes no difference to the answer, add it to key-drop."
		}
	case rule.CacheNotKept:
		return nil, "Give the cache more memory, or look for faults of the disk in the server's log."
	case rule.CacheDigestWrong:
		return nil, "Find out what changes the body on its way here, or have the origin state the digest of what it sends."
	case rule.CacheCut:
		return nil, "The origin's log should say why its last answer broke off."
	}
	return nil, ""
}

// maxMaxVariants is the largest number of variants that can be configured.
const maxMaxVariants = 10_000

// fewerVariants has the origin leave out of Vary what nearly every client sends
// differently.
func (x *explanation) fewerVariants() (fixes []why.Fix) {
	for _, name := range x.q.res.objects[0].vary.Names {
		if isWide(name) && x.differs(name) {
			fixes = append(fixes, why.Fix{Who: why.Origin, Do: "remove", Name: "Vary", Value: name})
		}
	}
	return fixes
}

// differs reports whether no stored variant has the request's value of a field.
func (x *explanation) differs(name string) bool {
	var one freshness.Vary
	one.Names = []string{name}
	own := string(x.q.src.appendSelecting(nil, &one))
	for _, o := range x.q.res.objects {
		rest := o.selecting
		for _, n := range o.vary.Names {
			_, _, more := freshness.CutSelecting(rest)
			if n == name && rest[:len(rest)-len(more)] == own {
				return false
			}
			rest = more
		}
	}
	return true
}

// saidIgnored returns the No-Vary-Search by which the request got its key.
func (x *explanation) saidIgnored() string {
	base := string(append(appendBase(nil, &x.q.to), ignoreMark...))
	if r, ok := glance(x.h.store, base); ok {
		return r.said
	}
	if x.last != nil {
		return strings.Join(x.last.fields["No-Vary-Search"], ", ")
	}
	return ""
}

// otherwise names another way for what has one.
func (x *explanation) otherwise() string {
	switch x.rule {
	case rule.CacheTooLarge:
		if x.h.store.disk == nil {
			return "In memory alone, answers are kept up to " + sizeText(x.h.store.opt.inMemory()) + ", or less by max-object."
		}
	case rule.CacheSetCookie, rule.CacheMethodOverride:
		return "Or set profile to standard, if that is safe for what the origin does."
	case rule.CacheAuthorized, rule.CacheCookied:
		return "Only if everybody may have the answer. Or set profile to standard, or ask without the field."
	case rule.ReuseRequestNoCache:
		if x.past && len(x.q.ask.Fields["Pragma"]) > 0 {
			return "If it has Cache-Control: no-cache, too, as when a browser reloads, ask without both."
		}
	case rule.NotStoredPrivate, rule.NotStoredNoStore, rule.NotStoredAuthorized:
		return "Only if everybody may have the answer."
	}
	return ""
}

// also says what else the stored answer would answer.
func (x *explanation) also() (lines []string) {
	q := x.q
	o := q.object
	if o == nil || q.verdict == record.Bypass {
		return x.otherVariants(nil)
	}
	if o.status == http.StatusOK && x.hit() {
		switch {
		case q.r.Method == http.MethodGet && o.body.whole():
			lines = append(lines, "HEAD, and any range of its "+why.Count(o.body.size, "byte"))
		case o.body.whole():
			lines = append(lines, "GET, and any range of its "+why.Count(o.body.size, "byte"))
		}
	}
	if k := &x.h.opt.Key; len(k.Drop) > 0 {
		lines = append(lines, "any value of the parameters "+strings.Join(k.Drop, ", "))
	}
	if lines = x.otherVariants(lines); len(o.vary.Names) == 0 && len(x.h.opt.Key.Headers) == 0 && x.hit() {
		lines = append(lines, "requests with whatever fields")
	}
	return lines
}

// otherVariants lists for which requests other variants are stored.
func (x *explanation) otherVariants(lines []string) []string {
	if x.q.res == nil {
		return lines
	}
	for i, o := range x.q.res.objects {
		if o == x.q.object || len(o.vary.Names) == 0 {
			continue
		}
		if i >= maxListed {
			return append(lines, "and others")
		}
		var fields []string
		for _, f := range selectedFields(o) {
			fields = append(fields, f.Name+": "+shown(f.Name, f.Value, f.Present))
		}
		lines = append(lines, "another variant answers "+strings.Join(fields, ", ")+" ("+state(&o.terms, x.q.now)+")")
	}
	return lines
}

// maxListed is how many variants are listed.
const maxListed = 10
