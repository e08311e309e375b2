package cache

import (
	"errors"
	"net/http"

	"freshet/conditional"
	"freshet/freshness"
	"freshet/httpd"
	"freshet/internal/diskstore"
	"freshet/internal/record"
	"freshet/internal/rule"
)

// An inquiry is a GET or HEAD request and what the cache knows about it.
type inquiry struct {
	r    *http.Request
	src  source
	to   target
	key  string
	ask  freshness.Request
	dir  freshness.Directives
	now  int64
	cond conditional.Request

	res      *resource        // what is stored for the key
	object   *object          // what of that the request selects; nil: nothing
	vary     *freshness.Vary  // of an answer that came for another request; nil: none was seen
	why      forward          // why the origin is asked
	reason   rule.ID          // and by which rule: why it is no hit
	gaps     int              // how many were fetched for it
	first    bool             // the answer is that to this very request
	age      []string         // then: the Age that it came with
	stripped freshness.Fields // and what of it is not stored

	held *diskBody // it stays open until the request has been answered

	account
}

// ServeHTTP implements http.Handler.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		h.serveOther(w, r)
		return
	}
	q := h.inquire(r, use)
	defer q.release()
	defer h.report(w, q)
	if id := h.bypass(r); id != 0 {
		q.why, q.reason, q.verdict = fwdBypass, id, record.Bypass
		h.fetch(w, q, nil)
		return
	}
	for attempt := 0; ; attempt++ {
		if h.lookUp(q) && h.serveStored(w, q) {
			return
		}
		if q.dir.OnlyIfCached {
			h.onlyIfCached(w, q)
			return
		}
		if !h.shares(q) || attempt == maxAttempts {
			h.fetch(w, q, nil)
			return
		}
		f, lead := h.store.join(h.flightKey(q), q.key)
		if lead {
			if !h.serveLanded(w, q, f) {
				h.fetch(w, q, f)
			}
			return
		}
		if h.serveFlight(w, q, f) {
			return
		}
	}
}

// serveLanded answers with what was stored a moment ago, between the look-up
// and the flight, which then ends: also when the answer breaks off.
func (h *Handler) serveLanded(w http.ResponseWriter, q *inquiry, f *flight) (served bool) {
	served = true
	defer func() {
		if served {
			h.store.leave(f)
		}
	}()
	served = h.lookUp(q) && h.serveStored(w, q)
	return served
}

// maxAttempts is how often a request joins a flight that turns out not to be
// for it, or to take too long.
const maxAttempts = 4

// serveStored answers with what is stored, if it may be used.
func (h *Handler) serveStored(w http.ResponseWriter, q *inquiry) bool {
	o := q.object
	reuse := h.consider(q)
	if reuse.Verdict == freshness.Validate {
		if err := h.there(o, q); err != nil {
			h.unreadable(q, err)
		}
		return false
	}
	if err := h.readable(o, q); err != nil {
		h.unreadable(q, err)
		return false
	}
	if reuse.Verdict == freshness.UseAndRevalidate {
		h.revalidate(q)
	}
	q.verdict = verdictOf(reuse.Verdict)
	q.res.tally.hits.Add(1)
	h.answer(w, q, o, reuse.Rule, h.statusHit(o, q.now))
	return true
}

// unreadable does without an object whose body cannot be read, and drops it when it
// is not there, or not what was written.
func (h *Handler) unreadable(q *inquiry, why error) {
	if errors.Is(why, diskstore.ErrNotFound) || errors.Is(why, diskstore.ErrCorrupt) {
		h.store.drop(q.key, q.object)
	}
	h.store.fates.note(h.store.fates.hash(q.key), fateUnreadable, q.now)
	q.object, q.why, q.reason = nil, fwdURIMiss, rule.CacheUnreadable
}

// shares reports whether the request may wait for another's answer and others
// for its own.
func (h *Handler) shares(q *inquiry) bool {
	if q.r.Method != http.MethodGet || q.dir.NoStore || q.cond.Range != "" && (q.object == nil || !q.object.body.whole()) {
		return false
	}
	if q.res != nil && q.now < q.res.passUntil {
		q.reason = rule.CacheHitForMiss
		return false
	}
	return true
}

// flightKey tells the variants of a key apart, as far as they are known.
func (h *Handler) flightKey(q *inquiry) string {
	vary := q.vary
	if vary == nil && q.res != nil && len(q.res.objects) > 0 {
		vary = &q.res.objects[0].vary
	}
	if vary == nil || len(vary.Names) == 0 {
		return q.key
	}
	return q.key + "\n" + string(q.src.appendSelecting(q.src.buf[:0], vary))
}

// serveFlight waits for another's answer and answers with it, if it is for
// this request too.
func (h *Handler) serveFlight(w http.ResponseWriter, q *inquiry, f *flight) bool {
	ctx := q.r.Context()
	l := f.wait(ctx, h.opt.Lease)
	if ctx.Err() != nil {
		panic(http.ErrAbortHandler)
	}
	switch {
	case l.stage == asked:
		q.now = h.opt.Now()
		if f, lead := h.store.renew(f); lead {
			if !h.serveLanded(w, q, f) {
				q.reason = rule.CacheLease
				h.fetch(w, q, f)
			}
			return true
		}
		return false
	case l.stage == passed:
		q.reason = rule.CacheHitForMiss
		h.fetch(w, q, nil)
		return true
	case l.stage == failed:
		q.collapsed = true
		if why, ok := h.onFailure(q, freshness.Unreachable); ok {
			q.verdict = record.Stale
			h.answer(w, q, q.object, why, h.statusForward(q, 0, false, true))
			return true
		}
		h.tell(w, q, rule.CacheOriginFailed)
		if wantsError(w, l.cause) {
			return true
		}
		h.setStatus(w.Header(), nil, h.statusForward(q, l.failure, false, true))
		httpd.Error(w, q.r, l.failure, rule.Of(rule.CacheOriginFailed).Explain())
		return true
	case l.stage == abandoned:
		return false
	case !h.store.untouched(l.object, q.key):
		return false // it was purged before this request came, or since
	case !l.object.matches(&q.src):
		q.vary = &l.object.vary
		return false
	}
	q.now = max(q.now, l.object.terms.Received)
	status := h.statusForward(q, l.object.status, true, true)
	if l.body == nil {
		if !h.covers(l.object, q) || h.readable(l.object, q) != nil {
			return false
		}
		q.collapsed = true
		h.answer(w, q, l.object, rule.CacheCollapsed, status)
		return true
	}
	src := l.body.reader(0)
	if src == nil { // it has all come, and is found in the store in a moment
		l.body.await(ctx)
		return false
	}
	q.collapsed = h.answerGrowing(w, q, l.object, rule.CacheCollapsed, src, status)
	return q.collapsed
}

// onlyIfCached answers 504: nothing that is stored may be used.
func (h *Handler) onlyIfCached(w http.ResponseWriter, q *inquiry) {
	q.verdict = record.Refused
	h.tell(w, q, rule.CacheOnlyIfCached)
	h.setStatus(w.Header(), nil, h.statusForward(q, 0, false, false))
	httpd.Error(w, q.r, http.StatusGatewayTimeout, rule.Of(rule.CacheOnlyIfCached).Explain())
}

// revalidate validates an object in the background, unless that is done
// already or too many others are.
func (h *Handler) revalidate(q *inquiry) {
	select {
	case h.background <- struct{}{}:
	default:
		return
	}
	f, lead := h.store.join(h.flightKey(q), q.key)
	if !lead {
		<-h.background
		return
	}
	own := *q
	own.r = q.r.Clone(inBackground(q.r.Context()))
	for _, name := range [...]string{"Cache-Control", "Pragma"} {
		delete(own.r.Header, name) // what the client wants, it has got
	}
	own.src = source{header: own.r.Header}
	own.ask.Fields = own.r.Header
	own.dir = freshness.NoDirectives()
	own.cond = conditional.Request{Method: q.r.Method}
	own.why, own.held = fwdStale, nil // what the client's answer needs is let go with it
	h.store.background.begin()
	go func() {
		defer func() {
			own.release()
			h.store.background.end()
			<-h.background // last: who has all tokens knows that none is under way
		}()
		h.fetch(nil, &own, f)
	}()
}
