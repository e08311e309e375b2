package cache

import (
	"net/http"
	"sync"

	"freshet/internal/diskstore"
	"freshet/internal/field"
)

// openFiles are descriptors kept open for the next hit, a number of them at
// most; a new one takes the place of the oldest. Those that answers need stay
// open beyond that.
type openFiles struct {
	max  int
	mu   sync.Mutex
	ring []*diskBody
	next int
}

// maxOpen is how many bodies are kept open.
const maxOpen = 512

// hold keeps f for b.
func (o *openFiles) hold(b *diskBody, f *diskstore.BodyFile) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if b.ring {
		return
	}
	b.open(f)
	b.ring = true
	if len(o.ring) < o.max {
		o.ring = append(o.ring, b)
		return
	}
	old := o.ring[o.next]
	o.ring[o.next] = b
	o.next = (o.next + 1) % o.max
	old.ring = false
	old.letGo()
}

// open keeps f, if none is; openFiles.mu is held.
func (b *diskBody) open(f *diskstore.BodyFile) {
	if b.held.Load() == nil {
		f.Retain()
		b.held.Store(f)
	}
}

// letGo closes what nobody needs; openFiles.mu is held.
func (b *diskBody) letGo() {
	if b.ring || b.uses > 0 {
		return
	}
	if f := b.held.Swap(nil); f != nil {
		f.Release()
	}
}

// keep keeps f for b until drop.
func (o *openFiles) keep(b *diskBody, f *diskstore.BodyFile) {
	o.mu.Lock()
	defer o.mu.Unlock()
	b.open(f)
	b.uses++
}

func (o *openFiles) drop(b *diskBody) {
	o.mu.Lock()
	defer o.mu.Unlock()
	b.uses--
	b.letGo()
}

// retain takes f for a user, if it is still kept.
func (o *openFiles) retain(b *diskBody, f *diskstore.BodyFile) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	if b.held.Load() != f {
		return false
	}
	f.Retain()
	return true
}

func (o *openFiles) closeAll() {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, b := range o.ring {
		b.ring = false
		b.letGo()
	}
	o.ring = nil
}

// there is nil when an object can be answered with, later on: its body stays
// open until the request has been answered, for while the origin is asked it may
// be purged, or another process remove it.
func (h *Handler) there(o *object, q *inquiry) error {
	if o.body.disk == nil || q.r.Method != http.MethodGet {
		return nil
	}
	return q.hold(o.body.disk, field.Range{})
}

// hold opens a body until the request has been answered, so that it can be read
// whoever removes it. An error says that the first stretch of a range is not
// there, or not what was written.
func (q *inquiry) hold(b *diskBody, r field.Range) error {
	f, err := b.file()
	if err != nil {
		return err
	}
	defer f.Release()
	if err := f.Verify(r.Start, min(r.Length, verifyStep)); err != nil {
		return err
	}
	if q.held != b {
		q.release()
		b.tier.open.keep(b, f)
		q.held = b
	}
	return nil
}

// release lets go of the body that is held.
func (q *inquiry) release() {
	if q.held != nil {
		q.held.tier.open.drop(q.held)
		q.held = nil
	}
}
