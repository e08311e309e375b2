// Package journal keeps the records of the latest requests in memory, so that
// each can be explained afterwards and all can be watched.
//
//	j := journal.New(journal.Options{})
//	srv := &httpd.Server{Handler: h, Sink: j}
//	…
//	if e, ok := j.Await(ctx, id); ok { … }
//	entries, next, lost := j.Since(next, nil)
//
// It is deliberately no log: nothing of it survives the process, the oldest
// record gives way to the newest, and of long texts it keeps the beginning.
//
// What holds: Record waits for no reader, and once the ring is full allocates
// nothing. A reader gets a record whole or not at all. Memory is bounded: 256
// bytes for each of Options.Records, taken 64 KiB at a time as they come, 8 bytes
// for each of Options.Details, and what the details themselves take, of which the
// text is bounded (2 KiB each). Names of users, referers and zones of addresses
// are not kept.
//
// The ring is cut into lanes, one for each processor, 8 at most. As long as one
// processor does all the work its lane and the others are filled alike, so that
// at least three quarters of what is kept are the latest records.
package journal

import (
	"hash/maphash"
	"math/bits"
	"sync/atomic"

	"freshet/internal/record"
)

// Options say how much a Journal keeps. The zero value is usable.
type Options struct {
	// Records is how many requests are kept; 0 means 16384, which takes 4 MiB.
	// It is rounded up to a power of two, at least 16 and at most 1 << 24.
	Records int

	// Details is of how many of them, those that were not hot, the details are
	// kept; 0 means 4096. It is rounded up as Records is. An entry whose detail
	// has given way is without. Each lane has its share of them, for the requests
	// that are recorded in it.
	Details int

	// Named reports whether the server has given a request that name. One that
	// has it and is not recorded may be answered and about to be, which Await
	// waits for; nil: it waits for none.
	Named func(record.ID) bool
}

const (
	defaultRecords = 16384
	defaultDetails = 4096
	minPlaces      = 16
	maxPlaces      = 1 << 24
)

// A Journal is a ring of the latest records. It is a record.Sink; all methods
// may be called by many goroutines at once.
type Journal struct {
	lanes  lanes
	awaits awaits

	_    [64]byte // last is written by all, lanes are read by all
	last atomic.Uint64
	_    [56]byte
}

var _ record.Sink = (*Journal)(nil)

// New returns an empty Journal.
func New(o Options) *Journal {
	j := &Journal{awaits: awaits{named: o.Named}}
	j.lanes.init(places(o.Records, defaultRecords), places(o.Details, defaultDetails))
	return j
}

// places returns the size of a ring.
func places(n, byDefault int) int {
	if n <= 0 {
		n = byDefault
	}
	n = min(max(n, minPlaces), maxPlaces)
	return 1 << bits.Len(uint(n-1))
}

// Record keeps r. It allocates nothing, but for the memory of the ring until that
// is full, and for a Detail with more than 2 KiB of text, which it clips; and it
// never waits for a reader.
func (j *Journal) Record(r *record.Record) {
	l := j.lanes.mine()
	l.put(l.number(&j.last, r.Start+r.Duration), r)
	l.release()
	j.awaits.tell(r.ID)
}

// seed makes hashes of this process unlike those of others: a client cannot
// choose targets that collide.
var seed = maphash.MakeSeed()

// KeyHash returns Entry.Key of a record whose Detail has this cache key. It
// means something in this process only.
func KeyHash(key string) uint64 { return maphash.String(seed, key) }

// TargetHash returns Entry.Key of a record that has no cache key, as those of
// hot answers: it stands for host and target as they were sent.
func TargetHash(host, target string) uint64 {
	return maphash.String(seed, target) ^ bits.RotateLeft64(maphash.String(seed, host), 32)
}
