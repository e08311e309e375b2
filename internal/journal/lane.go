package journal

import (
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"freshet/internal/record"
)

// A lane is a part of the ring, and by rights of one processor: memory that
// several processors write in turn, be it a counter or a slot, is dearer than
// all else that recording a request costs.
//
// Whoever puts a record in or copies one out holds the lane, for that one
// record. A writer who finds it held goes to the next lane.
//
// Numbers come from a counter for all. When requests come fast a lane claims
// several at once; what is left of them is given up when it is older than
// laneAge, so that the numbers tell the order in time but for that much, and
// when a reader wants everything until now.
type lane struct {
	held atomic.Uint32

	left    uint32 // numbers that are claimed and not given out
	batch   uint32 // how many were claimed last
	claimed int64  // when that was, nanoseconds since 1970
	next    uint64 // the first of those that are left

	pieces  [][]slot // of one length each; nil until the first record comes that far
	room    uint64   // how many slots that is, a power of two
	count   uint64   // how many records were put in
	details []*record.Detail
	told    uint64 // how many details were put in
	gone    uint64 // the number of the last record that was overwritten

	oldest atomic.Uint64 // the number of the record that is overwritten next; 0: there is room
	_      [8]byte       // two cache lines, which processors read ahead together
}

const (
	laneAge   = 10 * time.Millisecond
	fast      = time.Millisecond // a batch that lasted less makes the next one larger
	maxBatch  = 16
	maxLanes  = 8
	minInLane = 16
	piece     = 256 // slots
)

func (l *lane) try() bool { return l.held.Load() == 0 && l.held.CompareAndSwap(0, 1) }

// hold waits for the lane: that is for readers.
func (l *lane) hold() {
	for !l.try() {
		runtime.Gosched()
	}
}

func (l *lane) release() { l.held.Store(0) }

// number returns the number of a record at the time now; l is held.
func (l *lane) number(last *atomic.Uint64, now int64) uint64 {
	age := max(now-l.claimed, l.claimed-now) // clocks are set back, too
	if l.left == 0 || age > int64(laneAge) {
		if age < int64(fast) {
			l.batch = min(max(2*l.batch, 1), maxBatch)
		} else {
			l.batch = 1
		}
		l.left, l.claimed = l.batch, now
		l.next = last.Add(uint64(l.batch)) - uint64(l.batch) + 1
	}
	n := l.next
	l.next++
	l.left--
	return n
}

// slot is where the n-th record is, counted from 0.
func (l *lane) slot(n uint64) *slot {
	n &= l.room - 1
	return &l.pieces[n/piece][n%piece]
}

// extend makes the piece that the next record is the first of: a server that
// answers little has memory for that.
func (l *lane) extend() {
	if to := &l.pieces[l.count/piece]; *to == nil {
		*to = make([]slot, min(piece, l.room))
	}
}

// put puts in a record, with its number; l is held.
func (l *lane) put(n uint64, r *record.Record) {
	if l.count < l.room {
		l.extend()
	}
	s := l.slot(l.count)
	l.gone = s.seq
	l.count++
	if l.count == l.room {
		l.left = 0 // it is full: the next record looks for room elsewhere
	}
	if l.left == 0 && l.count >= l.room { // only then does anybody look
		l.oldest.Store(l.slot(l.count).seq)
	}
	s.seq = n
	s.put(r)
	s.detail = 0
	if r.Detail != nil {
		d, cut := clipped(r.Detail)
		l.details[l.told&uint64(len(l.details)-1)] = d
		l.told++
		s.detail = l.told
		if cut {
			s.flags |= isTruncated
		}
	}
}

// take copies the record that was put in as the n-th, counted from 1, and
// reports whether it is still there.
func (l *lane) take(n uint64, to *slot) (d *record.Detail, ok bool) {
	l.hold()
	defer l.release()
	if n == 0 || n+l.room <= l.count {
		return nil, false
	}
	*to = *l.slot(n - 1)
	if to.detail > 0 && to.detail+uint64(len(l.details)) > l.told {
		d = l.details[(to.detail-1)&uint64(len(l.details)-1)]
	}
	return d, true
}

// lanes share the ring.
type lanes struct {
	all []lane // a power of two

	// hints has a *int, the number of a lane, for each processor: that is what
	// a sync.Pool is good at. Two may get the same one; then it takes longer.
	hints sync.Pool
	made  atomic.Uint32
}

func (q *lanes) init(records, details int) {
	n := 1
	for n < maxLanes && n < runtime.GOMAXPROCS(0) && records/(2*n) >= minInLane && details/(2*n) >= minInLane {
		n *= 2
	}
	q.all = make([]lane, n)
	for i := range q.all {
		room := records / n
		q.all[i].room = uint64(room)
		q.all[i].pieces = make([][]slot, (room+piece-1)/piece)
		q.all[i].details = make([]*record.Detail, details/n)
	}
	q.hints.New = func() any {
		i := int(q.made.Add(1)) & (n - 1)
		return &i
	}
}

// mine returns, held, the lane of the processor that we are on, or another one
// that nobody holds. A lane that has room, or whose records are much older than
// those of others, takes what is meant for them: the ring is of use as a whole
// even when all the work is one processor's.
func (q *lanes) mine() *lane {
	hint := q.hints.Get().(*int)
	i := *hint
	q.hints.Put(hint)
	for tries := 1; ; tries++ {
		l := &q.all[i]
		if l.try() {
			if l.left > 0 || len(q.all) == 1 {
				return l
			}
			return q.behind(l)
		}
		i = (i + 1) & (len(q.all) - 1)
		if tries%len(q.all) == 0 {
			runtime.Gosched() // all are held, by goroutines that are not running
		}
	}
}

// behind returns, held, the lane that should get a record in the place of l,
// which is held: l itself unless it is full and another one has room or is too
// far behind.
func (q *lanes) behind(l *lane) *lane {
	mine := l.oldest.Load()
	if mine == 0 {
		return l
	}
	far := uint64(len(q.all)) * l.room / 4
	for i := range q.all {
		other := &q.all[i]
		if oldest := other.oldest.Load(); other != l && (oldest == 0 || oldest+far < mine) && other.try() {
			l.release()
			return other
		}
	}
	return l
}

// maxDetailText bytes of text are kept of a Detail. One that has more is kept
// as a copy with clipped strings, so that a full ring has a bound in bytes.
const maxDetailText = 2048

// clipped returns d, or a copy whose strings have at most maxDetailText bytes
// together: each that there is keeps an equal share at least.
func clipped(d *record.Detail) (_ *record.Detail, cut bool) {
	n := len(d.Key) + len(d.Forward) + len(d.Evidence) + len(d.Origin) + len(d.Program) + len(d.Listed) + len(d.Overrode) + len(d.Changed) + len(d.Error)
	if n <= maxDetailText {
		return d, false
	}
	c := *d
	texts := slices.DeleteFunc([]*string{&c.Key, &c.Forward, &c.Evidence, &c.Origin, &c.Program, &c.Listed, &c.Overrode, &c.Changed, &c.Error}, func(s *string) bool { return *s == "" })
	for _, s := range texts {
		if share := maxDetailText / len(texts); len(*s) > share {
			*s = strings.Clone((*s)[:share])
		}
	}
	return &c, true
}
