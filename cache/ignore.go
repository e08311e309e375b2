package cache

import "freshet/freshness"

// ignoring appends the key of an address part of whose query does not matter,
// because an earlier answer said so (No-Vary-Search); nil when none did.
func (h *Handler) ignoring(dst []byte, t *target) []byte {
	if !h.store.ignoring.Load() || len(h.opt.Key.Headers) > 0 || h.opt.Key.touchesQuery() {
		return nil
	}
	dst = append(appendBase(dst, t), ignoreMark...)
	r, ok := h.store.memory.GetIfPresent(view(dst))
	if !ok || r.ignores == nil {
		return nil
	}
	return r.ignores.AppendKey(dst, t.query)
}

// ignoreMark sets the keys of such addresses apart from those of others: no
// key has a line feed behind its path.
const ignoreMark = "\n?"

// noteIgnored keeps what an answer says about its address's query, and stores
// it under the key that follows.
func (x *fill) noteIgnored(o *object) {
	lines := o.fields["No-Vary-Search"]
	if len(lines) == 0 || len(x.h.opt.Key.Headers) > 0 || x.h.opt.Key.touchesQuery() {
		return
	}
	n := freshness.ParseNoVarySearch(lines)
	if n.IsDefault() {
		return
	}
	h := x.h
	base := append(appendBase(nil, &x.q.to), ignoreMark...)
	h.store.memory.Set(string(base), &resource{ignores: &n})
	h.store.ignoring.Store(true)
	h.store.put(string(n.AppendKey(base, x.q.to.query)), o, x.asked, h.opt.MaxVariants)
}
