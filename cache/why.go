package cache

import (
	"net/http"
	"time"

	"freshet/freshness"
	"freshet/internal/record"
	"freshet/internal/rule"
	"freshet/internal/why"
)

// Why says how ServeHTTP would answer the request now. It makes the same
// decisions and disturbs nothing: no use is counted, nothing is fetched, and
// nothing moves between memory and disk. Whether a file can still be read is not
// tried, and what the origin would answer is not known; what it said last is.
func (h *Handler) Why(r *http.Request) *why.Explanation { return h.why(r, false) }

// WhyUnreachable is Why while no origin can be asked.
func (h *Handler) WhyUnreachable(r *http.Request) *why.Explanation { return h.why(r, true) }

func (h *Handler) why(r *http.Request, unreachable bool) *why.Explanation {
	x := &explanation{h: h, q: h.inquire(withLength(r), glance)}
	x.decide()
	if unreachable {
		x.fail()
	}
	x.predict()
	e := &why.Explanation{
		Time: time.Unix(0, x.q.now), Method: r.Method, URL: x.q.ask.URL, Status: x.status,
		Verdict: x.q.verdict, Rule: x.rule,
	}
	x.compare()
	e.Compared, e.Also, e.Settings = x.compared, x.also(), x.settings()
	e.Sentence = x.sentence()
	if !x.hit() {
		e.Fixes, e.Advice = x.remedies()
	}
	return e
}

// withLength returns a request that has a body if its fields say so: who asks
// about one has no body to give.
func withLength(r *http.Request) *http.Request {
	n := first(r.Header["Content-Length"])
	if r.ContentLength != 0 || (n == "" || n == "0") && len(r.Header["Transfer-Encoding"]) == 0 {
		return r
	}
	own := *r
	own.ContentLength = -1
	return &own
}

// An explanation is one that is being made.
type explanation struct {
	h        *Handler
	q        *inquiry
	rule     rule.ID // the first cause
	status   int     // 0: not known
	compared []why.Comparison
	last     *lastAnswer // of the origin; nil when none is known
	near     *near       // what is stored under a key that is much the same
	past     bool        // it is about a request that was answered
	blind    bool        // then: its key has fields that are not known
	age      int64       // of what is stored, nanoseconds: it was too old
	failed   int         // what the origin answered, where that is known
}

// lastAnswer is what is known of what the origin answers.
type lastAnswer struct {
	status   int
	fields   freshness.Fields
	size     int64
	received int64
	unstored *unstored // why it was not stored; nil when it was
}

func (x *explanation) hit() bool {
	return x.q.verdict == record.Hit || x.q.verdict == record.Stale
}

// decide does what ServeHTTP does, as far as the origin.
func (x *explanation) decide() {
	h, q := x.h, x.q
	r := q.r
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		q.why, q.verdict, x.rule = fwdMethod, record.Bypass, rule.CacheMethod
		return
	}
	if id := h.bypass(r); id != 0 {
		q.why, q.verdict, x.rule = fwdBypass, record.Bypass, id
		return
	}
	h.look(q, h.store.peek(q.key))
	x.rule = q.reason
	if q.object != nil {
		reuse := h.consider(q)
		x.age = q.object.terms.Age(q.now)
		if x.rule = reuse.Rule; reuse.Verdict != freshness.Validate {
			q.verdict = verdictOf(reuse.Verdict)
			d := q.object.decide(&q.cond, q.now, nil)
			if x.status = d.Status; d.Status != q.object.status {
				x.rule = d.Rule
			}
			return
		}
	}
	if q.dir.OnlyIfCached {
		q.verdict, x.rule, x.status = record.Refused, rule.CacheOnlyIfCached, http.StatusGatewayTimeout
	}
}

// fail does what ServeHTTP does when the origin is asked and cannot be reached.
func (x *explanation) fail() {
	q := x.q
	if q.object == nil || q.verdict != record.Miss {
		return
	}
	if id, ok := x.h.onFailure(q, freshness.Unreachable); ok {
		q.verdict, x.rule = record.Stale, id
		x.status = q.object.decide(&q.cond, q.now, nil).Status
	}
}

// predict finds out what the origin's answer would make of a request that is
// sent on, as far as that is known from its last answer.
func (x *explanation) predict() {
	q := x.q
	x.last = x.lastAnswer()
	if x.hit() || q.verdict != record.Miss {
		return
	}
	x.near = x.findNear()
	switch {
	case q.object != nil && q.why == fwdPartial:
	case q.object != nil:
		if hasValidator(q.object) && q.r.Method == http.MethodGet {
			q.verdict = record.Revalidated // if the origin says so
		}
	case x.last == nil && q.r.Method == http.MethodHead:
		x.rule = rule.NotStoredMethod
	case x.last == nil && q.dir.NoStore:
		x.rule = rule.NotStoredRequest
	case x.last == nil:
	default:
		x.rule = x.predicted()
	}
	if q.verdict == record.Miss && isMoment(x.rule) && x.underWay() {
		x.rule = rule.CacheCollapsed
	}
}

// underWay reports whether another request has asked the origin for the same,
// so that this one would wait for the answer.
func (x *explanation) underWay() bool {
	own := *x.q
	return x.h.shares(&own) && x.h.store.flying(x.h.flightKey(&own), own.key)
}

// predicted returns by which rule a request without a stored object would be no
// hit, judging by the origin's last answer.
func (x *explanation) predicted() rule.ID {
	h, q := x.h, x.q
	t := x.trial()
	st := h.judge(&t.ask, q.to.path, t.response(), t.size)
	u := x.last.unstored
	switch {
	case !st.Store:
		return st.Rule
	case q.r.Method == http.MethodHead:
		return rule.NotStoredMethod
	case u != nil && (u.rule == rule.CacheTooLarge || u.rule == rule.CacheNotKept || u.rule == rule.CacheMisfiled || u.rule == rule.CacheDigestWrong):
		return u.rule // which is not about the head of the answer
	case q.res != nil && q.now < q.res.passUntil:
		return rule.CacheHitForMiss
	}
	return x.rule
}

// lastAnswer returns what is known of the origin's answers: the stored one that
// the request selects, or why the last was not stored, or another variant.
func (x *explanation) lastAnswer() *lastAnswer {
	q := x.q
	if q.res == nil && q.verdict == record.Bypass {
		q.res = x.h.store.peek(q.key)
	}
	if q.res == nil {
		return nil
	}
	o := q.object
	if o == nil && q.res.unstored != nil {
		u := q.res.unstored
		if u.status == http.StatusPartialContent && len(q.r.Header["Range"]) == 0 {
			return nil // it says nothing about the whole
		}
		return &lastAnswer{status: u.status, fields: u.fields, size: u.size, received: u.at, unstored: u}
	}
	if o == nil && len(q.res.objects) > 0 {
		o = q.res.objects[0]
	}
	if o == nil {
		return nil
	}
	return &lastAnswer{status: o.status, fields: withAge(o.fields, freshness.Fields{"Age": o.age}), size: o.body.size, received: o.terms.Received}
}

// hasValidator reports whether the origin can say that an object is valid.
func hasValidator(o *object) bool { return o.tag != "" || o.modified != 0 }
