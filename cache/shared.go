package cache

import (
	"errors"

	"freshet/internal/diskstore"
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
	k := t.files.KeyOf(key)
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
