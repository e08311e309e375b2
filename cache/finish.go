package cache

import (
	"net/http"

	"freshet/freshness"
	"freshet/httpd"
	"freshet/internal/record"
	"freshet/internal/rule"
)

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
		x.cause = errTruncated
		x.f.failedBy(x.cause)
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
		x.h.answer(x.w, x.q, &o, x.q.reason, x.status(x.q.storing != rule.CacheDigestWrong))
	}
}

// publish makes a complete object what is found for its key, and tells those who
// wait. What cannot be kept is remembered, but for what was overtaken.
func (x *fill) publish(o *object) {
	q := x.q
	b, whole := x.complete()
	x.checkTrailers()
	bad := wrong(x.check)
	if x.check != nil {
		x.body.compared(bad)
	}
	if o.body = b; bad {
		x.f.land(passed, nil, nil, 0) // who waits asks for itself
		x.h.store.leave(x.f)
		x.discard()
		x.unkept(rule.CacheDigestWrong)
		return
	}
	if !whole {
		why := rule.CacheNotKept
		if x.body.n > x.h.opt.MaxObject {
			why = rule.CacheTooLarge
		}
		x.unkept(why)
		return
	}
	kept, err := x.store(o)
	switch {
	case err != nil:
		x.discard()
		x.unkept(rule.CacheNotKept)
		return
	case !kept:
		x.discard()
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
	if isPlain(q.reason) || q.reason == rule.CacheHitForMiss {
		q.reason = why
	}
	x.remember(why)
}

// store stores a complete object; kept is false when it was overtaken.
func (x *fill) store(o *object) (kept bool, err error) {
	s, max := x.h.store, x.h.opt.MaxVariants
	if o.body.disk == nil {
		return s.tryPut(x.q.key, o, x.asked, max)
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
	x.detach()
	x.f.land(failed, nil, nil, http.StatusBadGateway)
	if x.w == nil || x.staleInstead(freshness.Unreachable) {
		return
	}
	if wantsError(x.w, x.cause) {
		x.h.tell(x.w, x.q, rule.CacheOriginFailed)
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
	if wantsError(x.w, x.cause) {
		return
	}
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
