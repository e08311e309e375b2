package cache

import (
	"net/http"
	"slices"

	"freshet/freshness"
)

// A renewal is an answer that is about something stored: a 304, one to HEAD, or
// a part that is joined to others (RFC 9111 §3.2, §3.4). What it says may forbid
// to keep what was stored before.
type renewal struct {
	h                   *Handler
	q                   *inquiry
	old                 *object
	header              http.Header // of the answer
	requested, received int64
	born                uint64
}

func (x *fill) renewal(old *object) *renewal {
	return &renewal{x.h, x.q, old, x.header, x.requested, x.received, x.born}
}

// object returns what takes the place of the old object: fields, which are
// those of both answers, and a body. keep is false when it is for this client
// only. Whether the request has a cookie or authorization does not count: the
// representation is the one that was stored for others.
func (n *renewal) object(fields freshness.Fields, b body) (o *object, keep bool) {
	h, q := n.h, n.q
	setDate(fields, n.received)
	resp := freshness.Response{Status: n.old.status, Fields: withAge(fields, n.header), Requested: n.requested, Received: n.received}
	ask := freshness.Request{Method: http.MethodGet, URL: q.ask.URL}
	st := h.policy.Store(&ask, &resp)
	c := candidate{ask: &ask, path: q.to.path, status: n.old.status, fields: fields, st: &st}
	for _, name := range st.Strip {
		if v, ok := n.header[name]; ok {
			if q.stripped == nil {
				q.stripped = make(freshness.Fields)
			}
			q.stripped[name] = v
		}
		delete(fields, name)
	}
	o = newObject(n.old.status, fields, h.policy.Terms(&resp), n.requested, b)
	o.keepApart(&h.policy)
	if o.born = n.born; h.store.gone(n.old, q.key) {
		o.born = n.old.born // its body is gone, whatever is said of it now
	}
	o.age, o.selecting = n.header["Age"], n.old.selecting
	if !slices.Equal(o.vary.Names, n.old.vary.Names) {
		o.selecting = string(q.src.appendSelecting(q.src.buf[:0], &o.vary))
	}
	return o, st.Store && h.opt.Profile.refuses(&c) == 0 && !q.dir.NoStore
}

// replace puts o in the place of the old object, or removes that.
func (n *renewal) replace(o *object, keep bool) {
	switch {
	case keep:
		n.h.store.replace(n.q.key, n.old, o, n.h.opt.MaxVariants)
	case !n.q.dir.NoStore: // RFC 9111 §5.2.1.5: such a request leaves no trace
		n.h.store.drop(n.q.key, n.old)
	}
}

// joined returns an object of all parts, with the fields of the later answer.
func (n *renewal) joined(parts []part) (o *object, keep bool) {
	answer := freshness.StoredFields(n.header)
	delete(answer, "Content-Range")
	delete(answer, "Content-Length")
	old := &n.old.body
	have := old.parts
	if old.whole() {
		have = []part{{0, old.data}}
	}
	return n.object(freshness.Update(n.old.fields, answer), withParts(old.size, join(have, parts)))
}
