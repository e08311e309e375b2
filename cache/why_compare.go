package cache

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"freshet/freshness"
	"freshet/internal/field"
	"freshet/internal/record"
	"freshet/internal/rule"
	"freshet/internal/why"
)

// compare notes what was looked at: the key, what is stored, the fields of Vary,
// ages, validators, and what the request asks for.
func (x *explanation) compare() {
	q := x.q
	if q.verdict == record.Bypass {
		x.note("method", q.r.Method, "", 0)
		x.noteRequest()
		return
	}
	x.noteKey()
	x.noteStored()
	if q.object != nil {
		x.noteFreshness(q.object)
		x.noteValidators(q.object)
	} else if x.last != nil {
		x.noteLast()
	}
	x.noteRequest()
}

// note adds a comparison; by is the rule that it decided by, 0 for none.
func (x *explanation) note(what, value, meaning string, by rule.ID) {
	x.compared = append(x.compared, why.Comparison{What: what, Value: value, Note: meaning, Rule: by.String(), Fails: by != 0 && by == x.rule && !x.hit()})
}

// noteKey says which key the request has, and how it came about.
func (x *explanation) noteKey() {
	q, k := x.q, &x.h.opt.Key
	var parts []string
	if isIgnoring(q.key) {
		parts = append(parts, "as No-Vary-Search of an earlier answer says")
	}
	if dropped := k.dropped(q.to.query); len(dropped) > 0 {
		parts = append(parts, "without "+strings.Join(dropped, ", "))
	}
	if k.Sort && strings.Contains(q.to.query, "&") {
		parts = append(parts, "parameters sorted")
	}
	value := q.key
	if i := strings.IndexByte(value, '\n'); i >= 0 {
		value = value[:i]
	}
	x.note("key", value, strings.Join(parts, "; "), 0)
	for _, name := range k.Headers {
		x.note("key: "+name, x.requestField(name), "", 0)
	}
	if x.near != nil {
		x.compared = append(x.compared, why.Comparison{What: "stored nearby", Value: addressOf(x.near.key), Note: "the same, " + x.near.what, Fails: true})
	}
}

// dropped returns the names of the parameters that are no part of a key.
func (k *KeyRules) dropped(query string) (names []string) {
	for p := range strings.SplitSeq(query, "&") {
		if p != "" && !k.matters(p) {
			names = append(names, parameterName(p))
		}
	}
	return names
}

// noteStored says what there is under the key, and which variant was chosen.
func (x *explanation) noteStored() {
	q := x.q
	if q.res == nil || len(q.res.objects) == 0 {
		gone, by := "", rule.ID(0)
		f := &x.h.store.fates
		if id, at := f.of(f.hash(q.key)); id != 0 {
			gone = rule.Of(id).Sentence + ", " + seconds(q.now-at) + " ago"
			if id == rule.CachePurged {
				gone += x.h.store.epochs.numbered(f.epochOf(f.hash(q.key))).told()
			}
			by = id
		} else if x.rule == rule.CacheURIMiss {
			by = x.rule
		}
		x.note("stored", "nothing", gone, by)
		return
	}
	if q.object == nil && (x.rule == rule.CachePurged || x.rule == rule.CacheGroupInvalidated) {
		by := ""
		if o := q.res.match(&q.src); o != nil {
			by = x.h.store.goneTo(o, q.key).told()
		}
		x.note("stored", "an answer that is not used any more", rule.Of(x.rule).Sentence+by, x.rule)
		return
	}
	if n := len(q.res.objects); n > 1 || len(q.res.objects[0].vary.Names) > 0 {
		seen := ""
		if q.res.tally != nil {
			seen = why.Count(int64(q.res.tally.variants.Load()), "variant") + " stored since the key is known"
		}
		x.note("stored", strconv.Itoa(n)+" of at most "+strconv.Itoa(x.h.opt.MaxVariants)+" variants", seen, 0)
	}
	o := q.object
	if o == nil {
		o = q.res.objects[0]
	}
	x.noteVary(o)
}

// noteVary compares the fields that Vary names with those of the request for
// which an object was stored.
func (x *explanation) noteVary(o *object) {
	q := x.q
	own := string(q.src.appendSelecting(q.src.buf[:0], &o.vary))
	theirs := o.selecting
	for _, name := range o.vary.Names {
		value, sent, more := freshness.CutSelecting(own)
		stored, had, rest := freshness.CutSelecting(theirs)
		own, theirs = more, rest
		c := why.Comparison{What: "Vary: " + name, Value: shown(name, value, sent)}
		if value != stored || sent != had {
			c.Note = "stored for " + shown(name, stored, had)
			c.Fails = q.object == nil && !x.hit()
			c.Rule = rule.CacheVaryMiss.String()
		}
		x.compared = append(x.compared, c)
	}
}

// shown is a field's value for people.
func shown(name, value string, sent bool) string {
	if !sent {
		return "not sent"
	}
	return withoutSecret(name, value)
}

// requestField returns a field of the request, for people.
func (x *explanation) requestField(name string) string {
	lines := x.q.ask.Fields[name]
	if len(lines) == 0 {
		return "not sent"
	}
	cut := make([]string, len(lines))
	for i, line := range lines {
		cut[i] = withoutSecret(name, line)
	}
	return strings.Join(cut, ", ")
}

// noteFreshness shows the arithmetic of RFC 9111 §4.2.
func (x *explanation) noteFreshness(o *object) {
	q, t := x.q, &o.terms
	resp := freshness.Response{Status: o.status, Fields: withAge(o.fields, freshness.Fields{"Age": o.age}), Requested: o.requested, Received: t.Received}
	apparent, value, delay := freshness.AgeTerms(&resp)
	age, left := t.Age(q.now), timeLeft(t, q.now)
	resident := (age/1e9 - t.InitialAge/1e9) * 1e9
	x.note("age", fmt.Sprintf("max(apparent %s, Age %s + delay %s) + resident %s = %s", seconds(apparent), seconds(value), seconds(delay), seconds(resident), seconds(age)),
		"RFC 9111 §4.2.3", 0)
	line := ""
	switch t.From {
	case rule.FreshByExpires, rule.FreshHeuristic:
		names := []string{"Expires", "Date"}
		if t.From == rule.FreshHeuristic {
			names[0] = "Last-Modified"
		}
		line = fieldLine(names[0], o.fields[names[0]]) + "; " + fieldLine(names[1], o.fields[names[1]])
	case rule.FreshNone:
		line = rule.Of(t.From).Sentence
	default:
		name := x.h.controlOf(o.fields)
		line = fieldLine(name, o.fields[name])
	}
	x.compared = append(x.compared, why.Comparison{What: "lifetime", Value: seconds(t.Lifetime), Note: line, Rule: t.From.String()})
	meaning := "fresh for so long"
	if t.TTL(q.now) <= 0 {
		meaning = "stale for so long"
	}
	by := rule.ID(0)
	switch x.rule {
	case rule.ReuseStale, rule.ReuseMustRevalidate, rule.ReuseRequestMaxAge, rule.ReuseRequestMinFresh, rule.ReuseFresh, rule.ReuseWhileRevalidate, rule.ReuseRequestMaxStale:
		by = x.rule
	}
	x.note("freshness", seconds(t.Lifetime)+" - "+seconds(age)+" = "+seconds(left), meaning, by)
	if t.WhileRevalidate >= 0 {
		x.note("stale-while-revalidate", seconds(t.WhileRevalidate), "", 0)
	}
	switch x.rule {
	case rule.ReuseNoCache:
		name := x.h.controlOf(o.fields)
		x.note(name, strings.Join(o.fields[name], ", "), "", x.rule)
	case rule.CacheSoftPurged, rule.CacheHeadDiffers:
		_, soft := x.h.store.epochs.of(q.key, o, 0)
		x.note("purge", rule.Of(x.rule).Sentence+soft.told(), "", x.rule)
	case rule.CacheHeld:
		x.note("hold", rule.Of(x.rule).Sentence, "", x.rule)
	}
}

// noteValidators says what the origin, or the request's preconditions, are asked
// about.
func (x *explanation) noteValidators(o *object) {
	q := x.q
	if tag := first(o.fields["Etag"]); tag != "" {
		meaning := ""
		if lines := q.ask.Fields["If-None-Match"]; len(lines) > 0 {
			meaning = "the request has If-None-Match: " + strings.Join(lines, ", ")
		}
		x.note("ETag", tag, meaning, 0)
	}
	if modified := first(o.fields["Last-Modified"]); modified != "" {
		meaning := ""
		if lines := q.ask.Fields["If-Modified-Since"]; len(lines) > 0 {
			meaning = "the request has If-Modified-Since: " + strings.Join(lines, ", ")
		}
		x.note("Last-Modified", modified, meaning, 0)
	}
	if !o.body.whole() {
		x.note("body", strconv.FormatInt(o.body.have(), 10)+" of "+why.Count(o.body.size, "byte")+" stored", "", rule.CachePartialMiss)
	}
}

// noteLast says what the origin answered the last time, and why that was not
// stored.
func (x *explanation) noteLast() {
	u := x.last.unstored
	if u == nil {
		return
	}
	value := strconv.Itoa(u.status) + " " + http.StatusText(u.status) + ", " + seconds(x.q.now-u.at) + " ago"
	x.note("last answer", value, "not stored: "+rule.Of(u.rule).Sentence, u.rule)
	if u.evidence != "" {
		x.note("evidence", u.evidence, "", 0)
	}
	if x.q.res != nil && x.q.now < x.q.res.passUntil {
		x.note("hit-for-miss", seconds(x.q.res.passUntil-x.q.now), "requests do not wait for one another for so long", rule.CacheHitForMiss)
	}
}

// noteRequest shows the fields of the request that caches obey.
func (x *explanation) noteRequest() {
	q := x.q
	decisive := evidences[x.rule]
	for _, name := range [...]string{"Cache-Control", "Pragma", "Authorization", "Cookie", "Range", "If-Match", "If-Unmodified-Since", "Upgrade"} {
		lines := q.ask.Fields[name]
		if len(lines) == 0 || name == "Pragma" && len(q.ask.Fields["Cache-Control"]) > 0 {
			continue
		}
		by := rule.ID(0)
		if decisive.side == ofRequest && (name == decisive.fields[0] || field.EqualFold(name, decisive.fields[len(decisive.fields)-1])) {
			by = x.rule
		}
		x.note("request: "+name, x.requestField(name), "", by)
	}
	if x.rule == rule.CacheMethodOverride {
		for _, name := range overridingNames(q.r.Header) {
			x.note("request: "+name, x.requestField(name), "", x.rule)
		}
	}
}
