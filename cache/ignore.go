package cache

import (
	"strconv"
	"strings"

	"freshet/freshness"
)

// ignoring appends the key of an address part of whose query does not matter,
// because an earlier answer said so (No-Vary-Search); nil when none did.
func (h *Handler) ignoring(dst []byte, t *target, look looks) []byte {
	if !h.store.ignoring.Load() || len(h.opt.Key.Headers) > 0 || h.opt.Key.touchesQuery() {
		return nil
	}
	dst = append(appendBase(dst, t), ignoreMark...)
	r, ok := look(h.store, view(dst))
	if !ok || r.ignores == nil {
		return nil
	}
	return r.ignores.AppendKey(append(append(dst, r.id...), '?'), t.query)
}

// ignoreMark sets the keys of such addresses apart from those of others: no
// key has a line feed behind its path.
const ignoreMark = "\n?"

// noteIgnored keeps what an answer says about its address's query, and stores
// it under the key that follows.
func (x *fill) noteIgnored(o *object) {
	lines := o.fields["No-Vary-Search"]
	if len(lines) == 0 || x.h.store.shared || len(x.h.opt.Key.Headers) > 0 || x.h.opt.Key.touchesQuery() {
		return
	}
	n := freshness.ParseNoVarySearch(lines)
	if n.IsDefault() || isIgnoring(x.q.key) {
		return // by the rule that the answer repeats it is where it belongs
	}
	h := x.h
	base := append(appendBase(nil, &x.q.to), ignoreMark...)
	// A rule that is learned anew has keys of its own: what was invalidated
	// while it was not known must not be found again.
	r := &resource{ignores: &n, said: strings.Join(lines, ","), id: strconv.FormatInt(x.requested, 36)}
	h.store.memory.Set(string(base), r)
	h.store.ignoring.Store(true)
	filed := *o
	filed.prepared = new(prepared) // which purges are about it hangs on the key
	h.store.put(string(n.AppendKey(append(append(base, r.id...), '?'), x.q.to.query)), &filed, x.asked, h.opt.MaxVariants)
}

// isIgnoring reports whether a key is one by a rule of No-Vary-Search.
func isIgnoring(key string) bool { return strings.Contains(key, ignoreMark) }

// misfiled reports whether an answer does not repeat the No-Vary-Search by which
// its request got its key. Then it is not the answer to all requests with that
// key, and the rule is forgotten.
func (x *fill) misfiled() bool {
	if !isIgnoring(x.q.key) {
		return false
	}
	base := string(append(appendBase(nil, &x.q.to), ignoreMark...))
	if r, ok := x.h.store.memory.GetIfPresent(base); ok && r.said == strings.Join(x.header["No-Vary-Search"], ",") {
		return false
	}
	x.h.store.memory.Invalidate(base)
	return true
}

// keysOf returns the keys under which answers for an address may be kept: by
// what No-Vary-Search has said, and by its whole query.
func (h *Handler) keysOf(t *target, s *source) []string {
	key := h.keyOf(t, s, use)
	if !isIgnoring(key) {
		return []string{key}
	}
	return []string{key, string(h.opt.Key.appendKey(nil, t, s))}
}
