package cache

import (
	"errors"
	"net/http"

	"freshet/internal/diskstore"
	"freshet/internal/field"
)

// A folder that processes share is looked at for each request: what is found in
// it is of that moment, and so are the objects made of it, which no two
// look-ups share. Memory keeps only why answers were not stored. Changes are
// written before they are done, one of a key after the other in this process;
// between processes the last wins.

// find returns what is stored for a key in a shared folder.
func (t *diskTier) find(key string, get func(diskstore.Key) (*diskstore.Object, error)) *resource {
	t.purges.refresh()
	if r, _ := t.read(key, get); r != nil {
		for _, o := range r.objects {
			t.fetchParts(&o.body)
		}
		return r
	}
	r, _ := glance(t.store, key)
	return r
}

// change is Store.change of a shared folder.
func (t *diskTier) change(key string, f func(*resource) *resource) error {
	l := t.changesOf(key)
	l.Lock()
	defer l.Unlock()
	old := t.find(key, t.files.Peek)
	now := f(old)
	if now == old {
		return nil
	}
	t.store.left(key, old, now)
	k := diskKey(key)
	if now == nil || len(now.objects) == 0 {
		t.store.memory.Invalidate(key)
		return t.files.Delete(k)
	}
	err := t.put(key, k, now)
	if errors.Is(err, diskstore.ErrNotFound) {
		// The folder was cleared, or a body removed, by another process.
		now.forgetWritten()
		err = t.put(key, k, now)
	}
	if err != nil {
		_ = t.files.Delete(k) // it is of an earlier state, and must not come back
		return err
	}
	t.store.memory.Invalidate(key)
	return nil
}

// writesParts reports whether an object of which there are parts in memory is
// written.
func (t *diskTier) writesParts(o *object) bool { return t.store.shared && o.body.size > 0 }

// fetchParts brings the parts of a body into memory, where they are joined with
// others, unless they are more than memory has of one body.
func (t *diskTier) fetchParts(b *body) {
	if b.extents == nil || b.have() > t.store.opt.inMemory() {
		return
	}
	f, err := b.disk.file()
	if err != nil {
		return
	}
	defer f.Release()
	parts := make([]part, len(b.extents))
	for i, e := range b.extents {
		parts[i] = part{e.Start, make([]byte, e.End-e.Start)}
		if f.Verify(e.Start, e.End-e.Start) != nil {
			return
		}
		if n, _ := f.ReadAt(parts[i].data, e.Start); n < len(parts[i].data) {
			return
		}
	}
	b.parts, b.extents, b.disk = parts, nil, nil
}

// same returns the object of r that o is: of a shared folder, another look-up
// has made another value of it.
func (s *Store) same(r *resource, o *object) *object {
	if !s.shared {
		return o
	}
	for _, p := range r.objects {
		if p.requested == o.requested && p.terms.Received == o.terms.Received && p.status == o.status && p.selectedAs(o) {
			return p
		}
	}
	return o
}

// there reports whether an object can be answered with, later on: its body in a
// shared folder stays open until the request has been answered, for while the
// origin is asked another process may remove it.
func (h *Handler) there(o *object, q *inquiry) bool {
	if !h.store.shared || o.body.disk == nil || q.r.Method != http.MethodGet {
		return true
	}
	return q.hold(o.body.disk, field.Range{})
}

// hold opens a body until the request has been answered, so that it can be read
// whoever removes it, and reports whether the first stretch of a range is there
// and what was written.
func (q *inquiry) hold(b *diskBody, r field.Range) bool {
	f, err := b.file()
	if err != nil {
		return false
	}
	defer f.Release()
	if f.Verify(r.Start, min(r.Length, verifyStep)) != nil {
		return false
	}
	q.release()
	if b.tier.open.keep(b, f) {
		q.held = b
	}
	return true
}

// release lets go of the body that is held.
func (q *inquiry) release() {
	if q.held != nil {
		q.held.tier.open.drop(q.held)
		q.held = nil
	}
}

// keep keeps f for b until drop; false when another does that.
func (o *openFiles) keep(b *diskBody, f *diskstore.BodyFile) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	if b.held.Load() != nil {
		return false
	}
	f.Retain()
	b.held.Store(f)
	return true
}

func (o *openFiles) drop(b *diskBody) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if f := b.held.Swap(nil); f != nil {
		f.Release()
	}
}
