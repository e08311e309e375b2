package cache

import (
	"net/http"

	"freshet/freshness"
	"freshet/httpd"
	"freshet/internal/record"
	"freshet/internal/rule"
)

// An account is what is told about a request once it is answered. It belongs to
// the goroutine of the request's handler; one that streams reads it.
type account struct {
	verdict   record.Verdict
	forwarded bool
	asked     rule.ID // then: why the origin was asked; q.reason can be why that was no use
	collapsed bool
	unfit     *object          // what was stored, but needed validation
	used      *object          // what it was answered with, or what was stored of that
	answer    freshness.Fields // of the origin; nil when none came
	repeated  *unstored        // what is remembered of the answer before, which says the same
	storing   rule.ID          // why the answer was stored, or was not
	unhelpful rule.ID          // why what is stored was not used when the origin failed
	stored    bool
	bytes     int64 // of bodies that the origin sent
	wait      int64 // for its answers to begin, nanoseconds
}

// forward notes that the origin is asked.
func (q *inquiry) forward() {
	if !q.forwarded {
		q.forwarded, q.asked = true, q.reason
	}
}

// tell tells the engine what a request came to, and by which rule. An answer
// that came with another's request is a miss, which says that it was collapsed.
func (h *Handler) tell(w http.ResponseWriter, q *inquiry, why rule.ID) {
	httpd.SetRule(w, why)
	httpd.SetVerdict(w, q.verdict)
}

// report tells the rest when the request has been answered.
func (h *Handler) report(w http.ResponseWriter, q *inquiry) { h.account(httpd.DetailOf(w), q) }

// account is report to d, which may be nil.
func (h *Handler) account(d *record.Detail, q *inquiry) {
	key := h.shownKey(q.key)
	if q.forwarded && (q.verdict == record.Miss || q.verdict == record.Revalidated) {
		h.store.misses.note(q, key, h.avoidable(q), h.store)
	}
	if d == nil {
		return
	}
	d.Key = key
	switch {
	case q.forwarded:
		d.Forward, d.Reason = string(q.why), q.asked
	case q.collapsed:
		d.Forward, d.Reason = string(q.why), q.reason
	}
	d.Storing, d.Stored, d.Collapsed = q.storing, q.stored, q.collapsed
	if q.unhelpful != 0 && !q.stored {
		d.Storing = q.unhelpful
	}
	d.Evidence = h.evidence(q)
	o := q.used
	if q.unfit != nil {
		o = q.unfit // its age is why there was no hit
	}
	if o != nil {
		d.Age, d.Lifetime = o.terms.Age(q.now), o.terms.Lifetime
	}
}

// evidence says what of the request, or of an answer, decided.
func (h *Handler) evidence(q *inquiry) string {
	if q.verdict == record.Hit || q.verdict == record.Stale {
		if q.used != nil {
			return ageEvidence(&q.used.terms, q.now)
		}
		return ""
	}
	if u := q.repeated; u != nil && u.rule == q.reason && q.unfit == nil {
		return u.evidence
	}
	answer := q.answer
	if q.unfit != nil {
		answer = q.unfit.fields
	} else if answer == nil && q.res != nil && len(q.res.objects) > 0 {
		answer = q.res.objects[0].fields
	}
	if q.unfit != nil && q.reason == rule.ReuseStale {
		return ageEvidence(&q.unfit.terms, q.now)
	}
	if line := h.evidenceOf(q.reason, q.ask.Fields, answer); line != "" || q.answer == nil {
		return line
	}
	return h.evidenceOf(q.reason, q.ask.Fields, q.answer)
}
