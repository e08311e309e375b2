package cache

import (
	"maps"
	"net/http"
	"strconv"
	"time"

	"freshet/digest"
	"freshet/freshness"
	"freshet/internal/rule"
)

// decide says what becomes of the answer, now that its head is there.
func (x *fill) decide() {
	q := x.q
	q.answer = x.header
	if q.why == fwdBypass || q.why == fwdMethod && q.r.Method != http.MethodPost {
		x.pass(0)
		return
	}
	if x.decideStored() {
		return
	}
	if id := x.judgedBefore(); id != 0 {
		q.storing = id
		x.pass(id)
		return
	}
	st := x.judge(&q.ask)
	if q.r.Method == http.MethodHead {
		x.passHead()
		return
	}
	q.storing = st.Rule
	switch {
	case !st.Store && q.object != nil && st.Rule == rule.NotStoredRequest:
		x.pass(0) // what is stored was of no use before that was
	case !st.Store:
		x.pass(st.Rule)
	case st.Partial || q.why == fwdMethod:
		x.passAndKeep(&st)
	default:
		x.keep(&st)
	}
}

// passHead sends an answer to HEAD on. A head alone is not kept, but nothing
// else may be, either.
func (x *fill) passHead() {
	q := x.q
	ask := q.ask
	ask.Method = http.MethodGet
	st := x.judge(&ask)
	switch q.storing = rule.NotStoredMethod; {
	case q.object != nil:
		x.pass(0)
	case st.Store:
		x.pass(rule.NotStoredMethod)
	default:
		q.storing = st.Rule
		x.pass(st.Rule)
	}
}

// judge decides whether the answer may be stored, as one to ask.
func (x *fill) judge(ask *freshness.Request) freshness.Storing {
	resp := freshness.Response{Status: x.code, Fields: x.header, Requested: x.requested, Received: x.received}
	return x.h.judge(ask, x.q.to.path, &resp, x.declared())
}

// judge decides whether an answer may be stored: by RFC 9111, by the profile,
// and by its size, which is -1 when it is not known.
func (h *Handler) judge(ask *freshness.Request, path string, resp *freshness.Response, size int64) freshness.Storing {
	st := h.policy.Store(ask, resp)
	if !st.Store {
		return st
	}
	c := candidate{ask: ask, path: path, status: resp.Status, fields: resp.Fields, st: &st}
	if id := h.opt.Profile.refuses(&c); id != 0 {
		st.Store, st.Rule = false, id
	} else if size > h.opt.MaxObject {
		st.Store, st.Rule = false, rule.CacheTooLarge
	}
	return st
}

// decideStored deals with answers that are about what is stored already.
func (x *fill) decideStored() bool {
	q := x.q
	if q.r.Method == http.MethodHead && q.object != nil {
		x.updateFromHead()
		return false
	}
	if x.stale != nil && x.code == http.StatusNotModified {
		x.setMode(modeAgain)
		if freshness.Confirms(x.stale.fields, x.header, len(q.res.objects) == 1) && x.h.there(x.stale, q) == nil {
			x.setMode(modeConfirmed)
		}
		return true
	}
	if x.variants != nil && x.code == http.StatusNotModified {
		x.setMode(modeAgain)
		for _, o := range x.variants {
			if freshness.Confirms(o.fields, x.header, false) && x.h.there(o, q) == nil {
				x.stale = o
				x.setMode(modeConfirmed)
				break
			}
		}
		return true
	}
	if q.why == fwdPartial && !x.plain && x.code == http.StatusPartialContent && x.part.Length > 0 {
		x.beginPart()
		return true
	}
	if x.unanswered {
		return false // that has been decided
	}
	switch x.code {
	case 500, 502, 503, 504:
		if why, ok := x.h.onFailure(q, freshness.ServerError); ok {
			x.setMode(modeStale)
			x.rule, x.failure = why, x.code
			return true
		}
	}
	return false
}

// declared returns the answer's Content-Length, -1 without one.
func (x *fill) declared() int64 {
	s := first(x.header["Content-Length"])
	if s == "" {
		return -1
	}
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n < 0 {
		return -1
	}
	return n
}

// pass sends the answer straight to the client; why is why it is not stored.
func (x *fill) pass(why rule.ID) {
	x.setMode(modePass)
	unsaid := x.unanswered || x.code >= 500 && x.q.object != nil // which says nothing of the resource
	if why != 0 && !unsaid && x.q.why != fwdMethod && !x.refusedBehind() {
		x.q.reason = why
	}
	x.supersede()
	x.remember(why)
	if x.unanswered {
		x.f.land(failed, nil, nil, x.code)
	} else {
		x.f.land(passed, nil, nil, 0)
	}
	x.sendHead(false)
}

// remember keeps why the answer is not stored, and has requests for the same
// not queue for what cannot be shared.
func (x *fill) remember(why rule.ID) {
	h, q := x.h, x.q
	if q.r.Method != http.MethodGet || q.why == fwdBypass || q.dir.NoStore || x.unanswered || x.code == http.StatusNotModified || x.refusedBehind() {
		return
	}
	if q.repeated != nil || x.repeats(why) {
		return
	}
	size := x.declared()
	if why == rule.CacheTooLarge {
		size = max(size, x.bytes)
	}
	u := &unstored{
		rule: why, evidence: h.evidenceOf(why, q.ask.Fields, x.header), at: x.received,
		status: x.code, fields: h.decisiveFields(x.header), size: size,
	}
	var hints []string
	if h.opt.EarlyHints && x.passes() {
		hints = hintsOf(x.header["Link"])
	}
	h.store.remember(q.key, u, x.passUntil(x.received), hints)
}

// passes reports whether requests for the same are not to queue for a while.
func (x *fill) passes() bool {
	return x.code < 500 && x.code != http.StatusPartialContent && x.h.opt.HitForMiss > 0 &&
		(x.mode <= modePass || x.q.storing == rule.CacheDigestWrong)
}

// passUntil is until when, after an answer that came at a time; 0 when they may
// queue.
func (x *fill) passUntil(at int64) int64 {
	if !x.passes() {
		return 0
	}
	return at + int64(x.h.opt.HitForMiss)
}

// supersede removes what is stored when the origin has sent something newer in
// its place that nobody may store: the old answer would come back.
func (x *fill) supersede() {
	q := x.q
	if q.object == nil || q.r.Method != http.MethodGet || q.why == fwdBypass || x.code >= 500 ||
		x.code == http.StatusNotModified || x.code == http.StatusPartialContent {
		return
	}
	anybody := freshness.Request{Method: http.MethodGet, URL: q.ask.URL}
	if st := x.judge(&anybody); !st.Store {
		x.h.store.drop(q.key, q.object)
	}
}

// storedObject returns the head of what is stored of the answer.
func (x *fill) storedObject(st *freshness.Storing, status int, b body) *object {
	fields := freshness.StoredFields(x.header)
	delete(fields, "Age")
	delete(fields, "Trailer") // trailers are not kept
	if st.Partial {
		delete(fields, "Content-Range") // the body says what there is of it
		delete(fields, "Content-Digest")
	}
	x.strip(fields, st)
	setDate(fields, x.received)
	x.age = x.header["Age"]
	o := newObject(status, fields, st.Terms, x.requested, b)
	o.keepApart(&x.h.policy)
	o.selecting = string(x.q.src.appendSelecting(x.q.src.buf[:0], &o.vary))
	o.born, o.age = x.born, x.age
	return o
}

// strip takes out of fields what may not be stored; the request's own client
// gets it all the same.
func (x *fill) strip(fields freshness.Fields, st *freshness.Storing) {
	for _, name := range st.Strip {
		if v, ok := fields[name]; ok {
			if x.stripped == nil {
				x.stripped = make(freshness.Fields)
			}
			x.stripped[name] = v
			delete(fields, name)
		}
	}
}

// keep stores the answer.
func (x *fill) keep(st *freshness.Storing) {
	if x.misfiled() {
		x.q.storing = rule.CacheMisfiled
		x.pass(rule.CacheMisfiled)
		return
	}
	size := x.declared()
	x.object = x.storedObject(st, x.code, body{size: size})
	x.body = &growing{size: size, bound: x.reserve(size), spill: x.spill}
	if x.check = checkerOf(x.q.r.Method, x.code, x.header); announced(x.header, "Content-Digest") || announced(x.header, "Repr-Digest") {
		if x.check == nil {
			x.check = new(digest.Checker)
		}
		x.check.Expect(digest.SHA256, digest.SHA512)
	}
	x.body.checked = x.check != nil
	x.setMode(modeStore)
	x.f.land(stored, x.object, x.body, 0)
}

// reserve returns how much of a body may be gathered in memory. All that is
// being gathered has half of the memory tier's size again; when that is used
// up, bodies go to disk, or past the store, a little earlier.
func (x *fill) reserve(size int64) int64 {
	n := x.h.opt.MaxInMemory
	if size >= 0 {
		n = min(n, size)
	}
	s := x.h.store
	if s.gathering.Add(n) > s.opt.Memory/2 && n > gather {
		s.gathering.Add(gather - n)
		n = gather
	}
	x.reserved = n
	if size >= 0 && n == size {
		return x.h.opt.MaxInMemory
	}
	return n
}

// passAndKeep sends the answer straight to the client and gathers a copy.
func (x *fill) passAndKeep(st *freshness.Storing) {
	status := x.code
	if st.Partial {
		status = http.StatusOK // of which it is a part
	}
	x.object = x.storedObject(st, status, body{size: x.declared()})
	if x.declared() <= x.h.opt.MaxInMemory {
		x.copy = &growing{size: x.declared(), bound: x.h.opt.MaxInMemory}
	} else if st.Partial {
		x.keepSparse()
	}
	x.setMode(modePass)
	x.f.land(passed, nil, nil, 0)
	x.sendHead(true)
}

// setDate gives an answer without a valid Date the time at which it was
// received (RFC 9110 §6.6.1).
func setDate(fields freshness.Fields, received int64) {
	if len(fields["Date"]) == 0 {
		fields["Date"] = []string{time.Unix(0, received).UTC().Format(http.TimeFormat)}
	}
}

// withAge returns fields with the Age of the answer that brought them, which is
// not stored with them.
func withAge(fields, answer freshness.Fields) freshness.Fields {
	if len(answer["Age"]) == 0 {
		return fields
	}
	out := maps.Clone(fields)
	out["Age"] = answer["Age"]
	return out
}
