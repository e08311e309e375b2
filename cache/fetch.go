package cache

import (
	"errors"
	"maps"
	"net/http"
	"runtime/debug"

	"freshet/conditional"
	"freshet/freshness"
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
	x := &fill{
		h: h, w: w, q: q,
		requested: h.opt.Now(), asked: h.store.invalidated.moment(), born: h.store.generation.Load(),
	}
	if x.direct = x.passesLikely(); x.direct {
		x.header = w.Header()
	} else {
		x.header = make(http.Header)
	}
	return x
}

// prepare makes the request that is sent: the client's own, or that of the
// cache in its place.
func (x *fill) prepare() {
	q := x.q
	r := spelled(q.r)
	if x.direct && x.f == nil && q.object == nil {
		x.ctx.start(r.Context(), nil)
		x.out = r // nobody else waits for an answer that most likely is not kept
		return
	}
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
	if x.mode == modeStore {
		if x.h.policy.Private && x.giveUp() {
			x.ctx.cancel()
		}
		return
	}
	if x.f.abandon() {
		x.ctx.cancel()
	}
}

// giveUp ends a body that is being stored, if nobody reads it but the client
// that is gone: a user who stops a download does not want it. Who comes later
// finds no flight, and asks for itself. x.mu is held.
func (x *fill) giveUp() bool {
	if !x.body.sealUnread(x.reader) {
		return false
	}
	x.h.store.leave(x.f)
	return true
}
