package cache

import (
	"errors"
	"maps"
	"net/http"
	"runtime/debug"

	"freshet/conditional"
	"freshet/freshness"
	"freshet/httpd"
	"freshet/internal/record"
	"freshet/internal/rule"
)

// fetch asks the origin and answers with what it says. f is the flight that
// others wait in, nil for none; w is nil in the background.
func (h *Handler) fetch(w http.ResponseWriter, q *inquiry, f *flight) {
	if q.why == fwdPartial && q.object.body.disk != nil && w != nil {
		if f != nil { // what is missing is another matter for each who waits
			f.land(passed, nil, nil, 0)
			h.store.leave(f)
			f = nil
		}
		if h.serveSparse(w, q) {
			return
		}
	}
	h.sendHints(w, q)
	q.forward()
	for round := 0; ; round++ {
		x := h.newFill(w, q)
		x.f, x.plain = f, round > 0
		x.prepare()
		cut := x.run()
		q.bytes += x.bytes
		if x.received > x.requested {
			q.wait += x.received - x.requested
		}
		if x.mode == modeAgain && (cut == nil || x.unwanted > gather) && round == 0 {
			x.ctx.cancel()
			continue
		}
		x.finish(cut)
		return
	}
}

func (h *Handler) newFill(w http.ResponseWriter, q *inquiry) *fill {
	return &fill{
		h: h, w: w, q: q, header: make(http.Header),
		requested: h.opt.Now(), asked: h.store.invalidated.moment(), born: h.store.generation.Load(),
	}
}

// prepare makes the request that is sent: the client's own, or that of the
// cache in its place.
func (x *fill) prepare() {
	q := x.q
	r := q.r
	var gone func()
	if x.w != nil {
		gone = x.clientGone
	}
	x.ctx.start(r.Context(), gone)
	x.out = r.WithContext(&x.ctx)
	if q.why == fwdBypass || q.why == fwdMethod {
		return
	}
	validating := q.object != nil && !x.plain
	own := x.f != nil || validating
	if !own {
		return // the client's conditions are for the origin, too
	}
	if q.object == nil && q.cond == (conditional.Request{Method: r.Method}) && q.why != fwdVaryMiss {
		x.out.Header = maps.Clone(r.Header) // what the handler does to it must not change the key
		return
	}
	header := unconditional(r.Header, validating && q.object.body.whole())
	x.out.Header = header
	if r.Method != http.MethodGet {
		return
	}
	if !validating {
		x.askVariants(header)
		return
	}
	if q.why == fwdPartial {
		x.askMissing(header)
		return
	}
	x.stale = q.object
	freshness.SetValidators(header, []freshness.Fields{q.object.fields})
}

// unconditional returns a copy of a request's fields without its preconditions,
// which are applied to the answer here, and with whole without its Range.
func unconditional(fields http.Header, whole bool) http.Header {
	out := make(http.Header, len(fields)+2)
	for name, v := range fields {
		switch name {
		case "If-Match", "If-None-Match", "If-Modified-Since", "If-Unmodified-Since", "If-Range":
		case "Range":
			if !whole {
				out[name] = v
			}
		default:
			out[name] = v
		}
	}
	return out
}

// askVariants lets the origin say that the answer is one that is stored for
// other requests (RFC 9111 §4.3.1).
func (x *fill) askVariants(header http.Header) {
	if x.plain || x.q.why != fwdVaryMiss || len(header["Range"]) > 0 {
		return
	}
	var stored []freshness.Fields
	for _, o := range x.q.res.objects {
		if o.tag != "" && o.body.whole() && !x.h.store.gone(o, x.q.key) {
			x.variants = append(x.variants, o)
			stored = append(stored, o.fields)
		}
	}
	if len(stored) > 0 {
		freshness.SetValidators(header, stored)
		delete(header, "If-Modified-Since") // it would be about one of them
	}
}

// run calls the next handler. A panic is returned: it means that the answer
// broke off.
func (x *fill) run() (cut any) {
	defer func() {
		cut = recover()
		if err, ok := cut.(error); cut != nil && (!ok || !errors.Is(err, http.ErrAbortHandler)) {
			x.h.opt.ErrorLog.Error("cache: the handler behind the cache panicked", "panic", cut, "stack", string(debug.Stack()))
		}
	}()
	x.h.opt.Next.ServeHTTP(x, x.out)
	if x.mode == modeHead {
		x.WriteHeader(http.StatusOK)
	}
	return nil
}

// clientGone is called when the client of the request went away: what nobody
// else waits for, and what is not being stored, is not fetched any further.
func (x *fill) clientGone() {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.mode == modeStore || !x.f.abandon() {
		return
	}
	x.ctx.cancel()
}

// finish ends the exchange: it publishes what was stored, tells those who
// wait, and answers the client where that was not done while the answer came.
func (x *fill) finish(cut any) {
	defer x.ctx.cancel()
	if x.f != nil {
		defer x.h.store.leave(x.f)
	}
	defer x.h.store.gathering.Add(-x.reserved)
	switch x.mode {
	case modeStore:
		x.finishStore(cut)
	case modePass:
		x.finishPass(cut)
	case modeConfirmed:
		x.finishConfirmed()
	case modeStale:
		x.answerStale()
	case modePart:
		x.finishPart(cut)
	default: // no head came
		x.fail(cut)
	}
}

// finishStore publishes a complete answer, or throws a broken one away.
func (x *fill) finishStore(cut any) {
	g := x.body
	if cut != nil || x.writeErr != nil || g.size >= 0 && g.n != g.size {
		x.discard()
		g.end(errTruncated)
		x.f.land(failed, nil, nil, http.StatusBadGateway)
		x.q.storing = rule.CacheCut
		x.remember(rule.CacheCut)
		if x.streaming != nil {
			<-x.streaming
			x.h.tell(x.w, x.q, rule.CacheCut)
			panic(http.ErrAbortHandler)
		}
		if !x.staleInstead(freshness.Unreachable) {
			x.refuse(rule.CacheCut)
		}
		return
	}
	o := *x.object
	x.publish(&o)
	g.end(nil)
	if x.streaming != nil {
		x.awaitStream()
		if !x.q.stored {
			x.h.tell(x.w, x.q, x.q.reason) // which is known only now
		}
		return
	}
	if x.w != nil {
		x.own()
		x.h.answer(x.w, x.q, &o, x.q.reason, x.status(true))
	}
}

// publish makes a complete object what is found for its key, and tells those who
// wait. What cannot be kept is remembered, but for what was overtaken.
func (x *fill) publish(o *object) {
	q := x.q
	b, whole := x.complete()
	if !whole {
		why := rule.CacheNotKept
		if x.body.n > x.h.opt.MaxObject {
			why = rule.CacheTooLarge
		}
		x.unkept(why)
		return
	}
	o.body = b
	kept, err := x.store(o)
	switch {
	case err != nil:
		x.discard()
		x.unkept(rule.CacheNotKept)
		return
	case !kept:
		q.storing = rule.CacheOvertaken
	default:
		x.noteIgnored(o)
	}
	q.stored = kept
	x.f.land(stored, o, nil, 0)
}

// unkept notes why an answer that might have been stored was not. When nothing
// more is known of why the request was no hit, that is why.
func (x *fill) unkept(why rule.ID) {
	q := x.q
	q.storing = why
	if isPlain(q.reason) {
		q.reason = why
	}
	x.remember(why)
}

// store stores a complete object; kept is false when it was overtaken.
func (x *fill) store(o *object) (kept bool, err error) {
	s, max := x.h.store, x.h.opt.MaxVariants
	if o.body.disk == nil {
		return s.put(x.q.key, o, x.asked, max), nil
	}
	return s.putFile(x.q.key, o, x.asked, max)
}

// finishPass ends an answer that went straight to the client.
func (x *fill) finishPass(cut any) {
	if cut == nil && x.copy != nil {
		x.publishCopy()
	}
	if x.sparse != nil {
		x.publishSparse()
	}
	if x.w == nil {
		return
	}
	if cut != nil {
		panic(http.ErrAbortHandler)
	}
	x.passTrailers()
}

// finishConfirmed freshens what is stored by the fields of a 304.
func (x *fill) finishConfirmed() {
	h, q := x.h, x.q
	n := x.renewal(x.stale)
	o, keep := n.object(freshness.Update(x.stale.fields, x.header), x.stale.body)
	switch {
	case x.variants == nil:
		n.replace(o, keep)
	case keep:
		o.selecting = string(q.src.appendSelecting(nil, &o.vary))
		h.store.put(q.key, o, x.asked, h.opt.MaxVariants)
	}
	q.now = max(q.now, x.received)
	q.storing, q.stored = o.terms.From, keep
	x.landRenewed(o, keep)
	if x.w == nil {
		return
	}
	if h.covers(o, q) {
		q.object, q.verdict = o, record.Revalidated
		h.answer(x.w, q, o, q.reason, x.status(keep))
		return
	}
	// A partial object is fresh again; what is missing of it is fetched.
	h.store.leave(x.f)
	q.object, q.why, q.reason = o, fwdPartial, rule.CachePartialMiss
	h.fetch(x.w, q, nil)
}

// landRenewed tells those who wait what became of the stored object: they have
// it, too, when it is kept.
func (x *fill) landRenewed(o *object, keep bool) {
	if keep {
		x.f.land(stored, o, nil, 0)
	} else {
		x.f.land(passed, nil, nil, 0)
	}
}

// answerStale answers with the stale object, as the failure allows.
func (x *fill) answerStale() {
	x.f.land(failed, nil, nil, x.failure)
	if x.w != nil {
		x.q.verdict = record.Stale
		x.h.answer(x.w, x.q, x.q.object, x.rule, x.status(false))
	}
}

// staleInstead answers with what is stored when the origin failed, if that is
// allowed.
func (x *fill) staleInstead(how freshness.Failure) bool {
	if x.w == nil {
		return false
	}
	why, ok := x.h.onFailure(x.q, how)
	if ok {
		x.q.verdict = record.Stale
		x.h.answer(x.w, x.q, x.q.object, why, x.status(false))
	}
	return ok
}

// fail ends an exchange in which the handler gave no answer.
func (x *fill) fail(cut any) {
	x.f.land(failed, nil, nil, http.StatusBadGateway)
	if x.w == nil || x.staleInstead(freshness.Unreachable) {
		return
	}
	if cut != nil {
		panic(http.ErrAbortHandler)
	}
	x.refuse(rule.CacheOriginFailed)
}

// refuse answers with an error of ours.
func (x *fill) refuse(id rule.ID) {
	if x.w == nil {
		return
	}
	row := rule.Of(id)
	x.h.tell(x.w, x.q, id)
	x.h.setStatus(x.w.Header(), nil, x.status(false))
	httpd.Error(x.w, x.q.r, row.Status, row.Explain())
}

// status is the member of Cache-Status for this exchange.
func (x *fill) status(stored bool) string {
	code := x.code
	if x.unanswered {
		code = 0
	}
	return x.h.statusForward(x.q, code, stored, false)
}
