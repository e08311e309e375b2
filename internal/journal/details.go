package journal

import (
	"strings"
	"sync/atomic"

	"freshet/internal/record"
)

// maxDetailText bytes of text are kept of a Detail. One that has more is kept
// as a copy with clipped strings, so that a full ring has a bound in bytes.
const maxDetailText = 2048

// details is the second ring: what is told about requests that were not hot.
type details struct {
	slots []detailSlot // a power of two
	last  atomic.Uint64
}

type detailSlot struct {
	guard
	d *record.Detail
}

func newDetails(n int) details { return details{slots: make([]detailSlot, n)} }

func (q *details) slot(n uint64) *detailSlot { return &q.slots[n&uint64(len(q.slots)-1)] }

// add keeps d, which nobody changes any more, and returns its place.
func (q *details) add(d *record.Detail) (n uint64, cut bool) {
	d, cut = clipped(d)
	for {
		n = q.last.Add(1)
		if s := q.slot(n); s.write(n) {
			s.d = d
			s.unlock(n)
			return n, cut
		}
	}
}

// at returns the detail in the place n, nil when it is no longer there.
func (q *details) at(n uint64) *record.Detail {
	if n == 0 {
		return nil
	}
	s := q.slot(n)
	held := s.read()
	d := s.d
	s.unlock(held)
	if held != n {
		return nil
	}
	return d
}

// clipped returns d, or a copy whose strings have at most maxDetailText bytes
// together: each keeps an equal share at least.
func clipped(d *record.Detail) (_ *record.Detail, cut bool) {
	n := len(d.Key) + len(d.Forward) + len(d.Evidence) + len(d.Origin) + len(d.Error)
	if n <= maxDetailText {
		return d, false
	}
	c := *d
	texts := []*string{&c.Key, &c.Forward, &c.Evidence, &c.Origin, &c.Error}
	for _, s := range texts {
		if share := maxDetailText / len(texts); len(*s) > share {
			*s = strings.Clone((*s)[:share])
		}
	}
	return &c, true
}
