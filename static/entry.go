package static

import (
	"runtime"
	"sync/atomic"
	"time"

	"freshet/httpd"
	"freshet/internal/field"
	"freshet/internal/representation"
	"freshet/internal/rule"
)

// entry is what is kept of one address: which file answers for it, what the
// file system said about that file, and the codings, ready to be sent. That of
// a listing is told in listingentry.go.
//
// An entry is never changed when a file changes: it is replaced. Only the set
// of its codings grows.
type entry struct {
	key  string  // in the table: the path without its first slash, decoded; of a listing see list
	why  rule.ID // of a 200: StaticFile, StaticIndex, StaticFallback or StaticListing
	meta representation.Meta
	age  int64 // lifetime in Cache-Control, seconds; 0 none

	// sources are the files that the codings were read from: always that of
	// Identity, and those of sidecar files. A coding that was made here has none,
	// nor has a listing.
	sources [field.NumCodings]*source

	// absent are names that came before the file's own when it was looked for,
	// such as an index file that is preferred: the entry holds while they are
	// not there.
	// They are kept as tree.locate tells them.
	absent []string

	// renew is when the entry is to be made anew because its Last-Modified can be
	// told from then on, in nanoseconds since 1970; 0 is never.
	renew int64

	set  atomic.Pointer[representation.Set]
	used atomic.Bool   // since the hand of the clock last came by
	todo atomic.Uint32 // bit c: coding c could be made, or its file hashed, when somebody asks for it

	cost int64 // bytes, as table.used counts them; guarded by table.mu
	slot int   // in table.ring, -1 when not in the table; guarded by table.mu
}

// source is one file and the proof that it is still the one that was read.
type source struct {
	name  string // relative to the root
	place string // what tree.locate said
	stamp stamp
	local bool                       // see opened
	file  atomic.Pointer[descriptor] // when the file is sent from disk; may be closed

	// checked is the time, as the request that asked told it, after which the
	// file was last seen to be unchanged.
	checked atomic.Int64

	// proved is the time, by httpd.Monotonic, after which that was.
	proved atomic.Int64
}

// moment is when a request was read.
type moment struct {
	at   int64 // nanoseconds since 1970
	read int64 // the same by httpd.Monotonic; 0 when it is not known
}

// crowded is how soon after a check another request for the same file makes it
// likely that more are waiting to be read.
const crowded = int64(time.Millisecond)

// unchanged reports whether the file is what it was when it was read.
//
// A check that began after a request was read is as good as the request's own:
// the answer is what the file was at some moment after the request. So when a
// file is asked for by many connections at once, each first lets the others
// read their requests (Gosched), and then one check serves all of them.
//
// With a coherence interval an older check is good enough. A time before that
// of the last check then means that the clock was set back, and that nothing
// is known.
func (h *Handler) unchanged(s *source, now moment) bool {
	if d := now.at - s.checked.Load(); d >= 0 && d < h.coherence {
		return true
	}
	if now.read > 0 {
		last := s.proved.Load()
		if last < now.read && now.read-last < crowded {
			runtime.Gosched()
			last = s.proved.Load()
		}
		if last >= now.read {
			return true
		}
	}
	began := httpd.Monotonic()
	if !h.tree.same(s) {
		return false
	}
	s.checked.Store(now.at)
	s.proved.Store(began)
	return true
}

// holds reports whether an entry may be used for a request. The files of
// sidecars are checked when they are chosen.
func (h *Handler) holds(e *entry, now moment) bool {
	if e.renew > 0 && now.at >= e.renew {
		return false
	}
	for _, place := range e.absent {
		if !h.tree.empty(place) {
			return false
		}
	}
	return h.unchanged(e.sources[field.Identity], now)
}

// touch tells the clock that the entry was asked for.
func (e *entry) touch() {
	if !e.used.Load() { // a load keeps the line shared between processors
		e.used.Store(true)
	}
}

// release closes the files of an entry that has left the table.
func (e *entry) release() {
	for _, s := range e.sources {
		if s != nil {
			s.file.Swap(nil).drop()
		}
	}
}

// entryOverhead is what an entry costs beside its variants and its key: the
// structs, the table's slots, the proof.
const entryOverhead = 400

func (e *entry) weigh() int64 {
	cost := int64(entryOverhead + 3*len(e.key))
	set := e.set.Load()
	for c := field.Coding(0); c < field.NumCodings; c++ {
		if v := set.Variant(c); v != nil {
			cost += v.Cost()
		}
		if s := e.sources[c]; s != nil {
			cost += int64(len(s.place)) + 200
		}
	}
	return cost
}
