package cache

import (
	"crypto/tls"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"freshet/internal/record"
	"freshet/internal/rule"
	"freshet/internal/why"
)

// Explain says why a request was answered as it was, by its record. What is
// stored at the moment is marked as of now. It is nil for a request that never
// came to the cache.
func (h *Handler) Explain(rec *record.Record) *why.Explanation {
	switch rec.Verdict {
	case record.Hit, record.Stale, record.Revalidated, record.Miss, record.Bypass:
	default:
		if rec.Rule != rule.CacheOnlyIfCached {
			return nil
		}
	}
	r := h.requestOf(rec)
	if r == nil {
		return nil
	}
	x := &explanation{h: h, q: h.inquire(r, glance), past: true, rule: rec.Rule, status: rec.Status}
	x.recall(rec)
	e := &why.Explanation{
		ID: rec.ID.String(), Time: time.Unix(0, rec.Start), Method: rec.Method, URL: x.q.ask.URL, Status: rec.Status,
		Verdict: rec.Verdict, Rule: rec.Rule,
	}
	x.comparePast(rec)
	x.compareNow()
	e.Compared, e.Also, e.Settings = x.compared, x.also(), x.settings()
	e.Sentence = x.sentence()
	if !x.hit() {
		e.Fixes, e.Advice = x.remedies()
	}
	return e
}

// requestOf makes of a record the request, as far as it is known: of its fields
// the one that decided. It is nil when there is no target that can be read.
func (h *Handler) requestOf(rec *record.Record) *http.Request {
	u, err := url.ParseRequestURI(rec.Target)
	if err != nil || u.Host == "" && u.Path == "" {
		return nil
	}
	u.Scheme, u.Host = "", ""
	r := &http.Request{Method: rec.Method, URL: u, Host: rec.Host, Header: http.Header{}}
	d := rec.Detail
	if d != nil && strings.HasPrefix(d.Key, "https:") || d == nil && h.onlyTLS(r) {
		r.TLS = new(tls.ConnectionState)
	}
	if d == nil {
		return r
	}
	decided := rec.Rule
	if name, value, ok := strings.Cut(d.Evidence, ": "); ok && (evidences[decided].side == ofRequest || isOverriding(name)) {
		r.Header[name] = []string{value}
		switch name {
		case "Content-Length", "Transfer-Encoding":
			r.ContentLength = -1
		}
	}
	if decided == rule.NotStoredPartial {
		r.Header["Range"] = []string{"bytes=…"}
	}
	return r
}

// onlyTLS reports whether something is stored for the https address of a
// request, and nothing for the other.
func (h *Handler) onlyTLS(r *http.Request) bool {
	to := targetOf(false, r.Host, r.URL)
	s := source{header: r.Header}
	if h.store.peek(h.keyOf(&to, &s, glance)) != nil {
		return false
	}
	to.tls = true
	return h.store.peek(h.keyOf(&to, &s, glance)) != nil
}

// recall puts into the inquiry what the record says of the past, and what is
// stored now.
func (x *explanation) recall(rec *record.Record) {
	h, q := x.h, x.q
	q.verdict = rec.Verdict
	x.blind = len(h.opt.Key.Headers) > 0
	if d := rec.Detail; d != nil {
		if key, ok := rawKey(d.Key); ok && key != "" {
			q.key = key
			x.blind = x.blind && key == addressOf(key)
		}
		q.why, q.reason, x.age, x.failed = forward(d.Forward), d.Reason, d.Age, d.OriginStatus
	}
	if q.verdict == record.Bypass {
		x.last = x.lastAnswer()
		return
	}
	q.res = h.store.peek(q.key)
	q.object = q.res.match(&q.src)
	x.last = x.lastAnswer()
	if x.rule == rule.CacheURIMiss {
		o := q.object
		q.object = nil
		x.near = x.findNear()
		q.object = o
	}
}

// comparePast shows what the record says.
func (x *explanation) comparePast(rec *record.Record) {
	x.noteKey()
	d := rec.Detail
	if d == nil {
		return
	}
	if d.Forward != "" {
		x.note("forwarded", d.Forward, rule.Of(d.Reason).Sentence, d.Reason)
	}
	if d.Evidence != "" {
		by := rule.ID(0)
		if d.Forward == "" {
			by = x.rule
		}
		x.note("evidence", d.Evidence, "", by)
	}
	if d.Lifetime != 0 || d.Age != 0 {
		x.note("freshness", seconds(d.Lifetime)+" - "+seconds(d.Age)+" = "+seconds((d.Lifetime/1e9-d.Age/1e9)*1e9), "lifetime less age, then", 0)
	}
	if d.Collapsed {
		x.note("collapsed", "it waited for the answer to another request", "", rule.CacheCollapsed)
	}
	x.noteStoring(d)
}

// noteStoring says whether the answer was stored. When the origin failed the
// rule is why what is stored was not used instead.
func (x *explanation) noteStoring(d *record.Detail) {
	what, value := "the answer", "not stored"
	switch {
	case d.Storing == 0:
		return
	case rule.ReuseFresh <= d.Storing && d.Storing <= rule.FailureNoPermission:
		what, value = "what is stored", "not used in place of a failure"
	case d.Stored:
		value = "stored"
	}
	x.note(what, value, rule.Of(d.Storing).Sentence, d.Storing)
}

// compareNow shows what is stored at the moment.
func (x *explanation) compareNow() {
	q := x.q
	now := x.h.opt.Now()
	if q.res == nil && x.blind {
		return
	}
	value, meaning := "nothing is stored", ""
	if q.res != nil && len(q.res.objects) > 0 {
		o := q.object
		if value = strconv.Itoa(len(q.res.objects)) + " variants are stored"; len(q.res.objects) == 1 {
			value = "an answer is stored"
		}
		if o == nil {
			o = q.res.objects[0]
		}
		meaning = state(&o.terms, now)
	} else if q.res != nil && q.res.unstored != nil {
		meaning = "the last answer was not stored: " + rule.Of(q.res.unstored.rule).Sentence
	}
	x.compared = append(x.compared, why.Comparison{What: "now", Value: value, Note: meaning})
}
