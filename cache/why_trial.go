package cache

import (
	"maps"
	"net/http"
	"slices"
	"time"

	"freshet/freshness"
	"freshet/internal/field"
	"freshet/internal/rule"
	"freshet/internal/why"
)

// A trial is a request and the origin's last answer to it, on which fixes are
// tried: what stands in the way is changed, one thing after the other, until the
// answer would be stored and then be used.
type trial struct {
	h      Handler // with the options that fixes change
	r      *http.Request
	ask    freshness.Request
	path   string
	status int
	fields freshness.Fields // nil: no answer is known
	size   int64
	now    int64
	age    int64 // that a stored answer must be fresh at
	there  bool  // something is stored, which answers HEAD too
	fixes  []why.Fix
}

// maxFixes bounds how many things may have to be changed.
const maxFixes = 8

// trial returns a trial of the request, answered now as the last time.
func (x *explanation) trial() *trial {
	q := x.q
	r := *q.r
	r.Header = maps.Clone(q.r.Header)
	t := &trial{h: *x.h, r: &r, path: q.to.path, now: q.now, ask: q.ask, size: -1, there: q.object != nil}
	t.ask.Method, t.ask.Fields = http.MethodGet, r.Header
	if x.last == nil {
		return t
	}
	t.status, t.size = x.last.status, x.last.size
	t.fields = maps.Clone(x.last.fields)
	later := q.now - x.last.received
	for _, name := range [...]string{"Date", "Expires"} { // an answer of now has these of now
		if at, ok := field.ParseDateAt(first(t.fields[name]), x.last.received/1e9); ok {
			t.fields[name] = []string{time.Unix(at+later/1e9, 0).UTC().Format(http.TimeFormat)}
		}
	}
	return t
}

func (t *trial) response() *freshness.Response {
	return &freshness.Response{Status: t.status, Fields: t.fields, Received: t.now}
}

// obstacle returns why the request would be no hit if it were sent twice; 0 when
// it would.
func (t *trial) obstacle() rule.ID {
	if t.r.Method != http.MethodGet && t.r.Method != http.MethodHead {
		return rule.CacheMethod
	}
	if id := t.h.bypass(t.r); id != 0 {
		return id
	}
	terms := freshness.Terms{Lifetime: 1 << 60, Received: t.now, WhileRevalidate: -1, IfError: -1}
	if t.fields != nil {
		st := t.h.judge(&t.ask, t.path, t.response(), t.size)
		if !st.Store {
			return st.Rule
		}
		terms = st.Terms
	}
	if t.r.Method == http.MethodHead && !t.there {
		return rule.NotStoredMethod
	}
	dir := freshness.ParseDirectives(t.r.Header["Cache-Control"], t.r.Header["Pragma"])
	if dir.NoStore && t.fields == nil {
		return rule.NotStoredRequest
	}
	if reuse := t.h.policy.Reuse(&terms, &dir, t.now+t.age); reuse.Verdict == freshness.Validate {
		return reuse.Rule
	}
	return 0
}

// solve finds what has to be changed, beginning with the first cause; nothing
// when there is no such thing.
func (t *trial) solve(first rule.ID) []why.Fix {
	if !t.fix(first) {
		return nil
	}
	for range maxFixes {
		id := t.obstacle()
		if id == 0 {
			return t.fixes
		}
		if !t.fix(id) {
			return nil
		}
	}
	return nil
}

// fix changes what a rule is about. It reports false when that cannot be.
func (t *trial) fix(id rule.ID) bool {
	switch id {
	case rule.CacheMethod, rule.NotStoredMethod, rule.NotStoredPOST:
		t.r.Method = http.MethodGet
		t.add(why.Request, "set", why.Method, http.MethodGet)
	case rule.CacheRequestBody:
		t.r.ContentLength = 0
		t.add(why.Request, "remove", why.Body, "")
	case rule.CacheUpgrade:
		t.without("Upgrade")
	case rule.CacheOriginJudges:
		t.without("If-Match", "If-Unmodified-Since")
	case rule.CacheMethodOverride:
		t.without(overridingNames(t.r.Header)...)
	case rule.NotStoredPartial:
		t.without("Range")
		t.status = http.StatusOK
	case rule.NotStoredStatus:
		t.status = http.StatusOK
		t.add(why.Origin, "set", why.Status, "200")
	case rule.CacheTypeMismatch:
		t.set("Content-Type", typeFor(t.path))
	case rule.CacheErrorStatus:
		t.h.opt.Profile = Standard
		t.add(why.Configuration, "set", "profile", "standard")
	case rule.CacheTooLarge:
		t.raiseMaxObject()
	default:
		return t.fixRequestControl(id) || t.fixAnswerControl(id) || isMoment(id)
	}
	return true
}

// fixRequestControl changes what the request's own directives ask for.
func (t *trial) fixRequestControl(id rule.ID) bool {
	directive := ""
	switch id {
	case rule.NotStoredRequest:
		directive = "no-store"
	case rule.CacheOnlyIfCached:
		directive = "only-if-cached"
	case rule.ReuseRequestMaxAge:
		directive = "max-age"
	case rule.ReuseRequestMinFresh:
		directive = "min-fresh"
	case rule.ReuseRequestNoCache:
		if len(t.r.Header["Cache-Control"]) == 0 {
			t.without("Pragma")
			return true
		}
		directive = "no-cache"
	default:
		return false
	}
	t.r.Header["Cache-Control"] = withoutDirective(t.r.Header["Cache-Control"], directive)
	t.add(why.Request, "remove", "Cache-Control", directive)
	return true
}

// fixAnswerControl changes what the answer says about caches.
func (t *trial) fixAnswerControl(id rule.ID) bool {
	switch id {
	case rule.NotStoredNoStore:
		t.dropDirective("no-store")
	case rule.NotStoredNotUnderstood:
		t.dropDirective("must-understand")
	case rule.NotStoredPrivate:
		t.dropDirective("private")
	case rule.ReuseNoCache:
		t.dropDirective("no-cache")
	case rule.NotStoredAuthorized, rule.CacheAuthorized, rule.CacheCookied:
		name := t.h.controlOf(t.fields)
		t.change(name, append(slices.Clone(t.fields[name]), "public"))
		t.add(why.Origin, "add", name, "public")
	case rule.NotStoredSetCookie, rule.CacheSetCookie:
		for _, name := range [...]string{"Set-Cookie", "Set-Cookie2"} {
			if t.fields == nil && name == "Set-Cookie" || len(t.fields[name]) > 0 {
				delete(t.fields, name)
				t.add(why.Origin, "remove", name, "")
			}
		}
	case rule.NotStoredVaryAny:
		delete(t.fields, "Vary")
		t.add(why.Origin, "remove", "Vary", "")
	case rule.NotStoredNoFreshness:
		if t.status >= 500 { // a failure is to be mended, not kept
			t.status = http.StatusOK
			t.add(why.Origin, "set", why.Status, "200")
			return true
		}
		return t.prolong()
	case rule.NotStoredUseless, rule.ReuseStale, rule.ReuseMustRevalidate:
		return t.prolong()
	default:
		return false
	}
	return true
}

// prolong gives the answer a lifetime that is long enough.
func (t *trial) prolong() bool {
	if t.fields == nil {
		return true // nothing is known that could be too short
	}
	terms := t.h.policy.Terms(t.response())
	if terms.NoCache {
		t.dropDirective("no-cache")
		return true
	}
	enough := int64(0)
	for _, seconds := range [...]int64{60, 300, 3600, 86400, 7 * 86400, 30 * 86400, 365 * 86400} {
		if seconds*1e9 > terms.InitialAge+t.age {
			enough = seconds
			break
		}
	}
	if enough == 0 || terms.Lifetime >= enough*1e9 {
		return false
	}
	name := t.h.controlOf(t.fields)
	t.set(name, withMaxAge(t.fields[name], enough))
	return true
}

// raiseMaxObject has bodies of this size stored, which needs a disk when they do
// not fit into memory.
func (t *trial) raiseMaxObject() {
	size := max(t.size, t.h.opt.MaxObject+1)
	s := t.h.store
	if s.disk == nil && size > s.opt.inMemory() {
		t.add(why.Configuration, "set", "data", "freshet-data")
	}
	if bound := t.h.maxObject; bound != 0 && bound < size || bound == 0 && size > defaultMaxObject {
		t.add(why.Configuration, "set", "max-object", roundSize(size))
	}
	t.h.opt.MaxObject = size
}

func (t *trial) add(who why.Party, do, name, value string) {
	t.fixes = append(t.fixes, why.Fix{Who: who, Do: do, Name: name, Value: value})
}

// without has the request sent without fields.
func (t *trial) without(names ...string) {
	for _, name := range names {
		if len(t.r.Header[name]) > 0 {
			delete(t.r.Header, name)
			t.add(why.Request, "remove", name, "")
		}
	}
}

// set has the origin send a field, with what it was to add to it before.
func (t *trial) set(name, value string) {
	t.change(name, []string{value})
	t.fixes = slices.DeleteFunc(t.fixes, func(f why.Fix) bool { return f.Who == why.Origin && f.Do == "add" && f.Name == name })
	t.add(why.Origin, "set", name, value)
}

func (t *trial) change(name string, lines []string) {
	if t.fields != nil {
		t.fields[name] = lines
	}
}

// dropDirective has the origin leave out a directive.
func (t *trial) dropDirective(directive string) {
	name := t.h.controlOf(t.fields)
	t.change(name, withoutDirective(t.fields[name], directive))
	t.add(why.Origin, "remove", name, directive)
}
