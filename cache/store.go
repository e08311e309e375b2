package cache

import (
	"context"
	"hash/maphash"
	"log/slog"
	"sync"
	"sync/atomic"

	"freshet/freshness"
	"freshet/internal/atrest"
	"freshet/internal/diskstore"

	"github.com/maypok86/otter/v2"
)

// StoreOptions say where answers are kept. The zero value is 256 MiB of memory
// and no disk.
type StoreOptions struct {
	// Memory bounds what is kept in memory, in bytes, all counted. 0 means
	// 256 MiB; at least 1 MiB. Beyond it what is used least is let go.
	Memory int64

	// Dir is the folder of the disk tier; "" means none.
	Dir string
	// Disk bounds the disk tier, in bytes as the disk counts. 0 means 10 GiB.
	Disk int64

	// Shared lets several processes use Dir at once, each with a store of this
	// kind. Then nothing that is stored is kept in memory: what another process
	// has stored, changed or removed holds from the next look-up on, which reads
	// a file. What is stored is written at once, parts of bodies too, and
	// No-Vary-Search has no effect. Disk is kept to about; see package diskstore.
	Shared bool

	// ErrorLog gets faults of the disk. nil means slog.Default().
	ErrorLog *slog.Logger

	// Seal has all that is written to Dir sealed; see package atrest. A folder is
	// sealed or not from its beginning. nil: it is not.
	Seal *atrest.Ring

	fs diskstore.FS // in tests: a file system that fails
}

// defaultInMemory is Options.MaxInMemory where there is enough memory.
const defaultInMemory = 1 << 20

// inMemory is the largest body that is kept in memory, if nobody says otherwise.
func (o *StoreOptions) inMemory() int64 { return min(defaultInMemory, o.Memory/16) }

// Store keeps answers in memory and, where asked to, on disk.
type Store struct {
	opt    StoreOptions
	memory *otter.Cache[string, *resource]
	disk   *diskTier // nil without
	shared bool      // memory has no objects: see shared.go

	// generation is counted up by purges: it is the number of the latest epoch.
	// Objects are compared with those that came after their birth.
	generation  atomic.Uint64
	marked      atomic.Uint64 // what hits compare with: generation, or heldMark
	holder      holder
	epochs      epochs
	maxEpochs   int
	receipts    receipts
	purging     sync.Mutex // one purge at a time
	sweeper     sweeper
	census      census
	ruled       atomic.Bool  // some rule for keys names fields
	ignoring    atomic.Bool  // some answer had No-Vary-Search
	gathering   atomic.Int64 // bytes that answers on their way may have in memory
	invalidated invalidated
	fates       fates
	misses      misses
	seal        seal
	clearing    atomic.Bool                     // a purge of everything empties the memory
	evicted     atomic.Int64                    // keys that memory let go to make room
	background  background                      // validations in the background
	hashing     hashing                         // digests that are made
	policy      atomic.Pointer[freshness.Cache] // of the first handler: for what is read from disk
	clock       atomic.Pointer[func() int64]    // of the first handler: for who looks at the store

	mu      sync.Mutex
	flights map[string]*flight
}

// NewStore opens a store. It is to be closed.
func NewStore(o StoreOptions) (*Store, error) {
	if o.Memory == 0 {
		o.Memory = 256 << 20
	}
	o.Memory = max(o.Memory, 1<<20)
	if o.ErrorLog == nil {
		o.ErrorLog = slog.Default()
	}
	s := &Store{opt: o, flights: map[string]*flight{}, maxEpochs: maxEpochs}
	s.sweeper.ctx, s.sweeper.stop = context.WithCancel(context.Background())
	s.fates.seed = maphash.MakeSeed()
	s.raise(1)
	m, err := otter.New(&otter.Options[string, *resource]{
		MaximumWeight: uint64(o.Memory),
		Weigher: func(key string, r *resource) uint32 {
			return uint32(min(weight(key, r), 1<<32-1))
		},
		OnAtomicDeletion: s.deleted,
	})
	if err != nil {
		return nil, err
	}
	s.memory = m
	if s.shared = o.Shared && o.Dir != ""; o.Dir != "" {
		if s.disk, err = openDiskTier(s, diskstore.Options{Dir: o.Dir, MaxBytes: o.Disk, Shared: o.Shared, Log: o.ErrorLog, FS: o.fs, Seal: o.Seal}); err != nil {
			return nil, err
		}
	}
	if s.disk != nil && !s.shared && len(s.epochs.unswept(true)) > 0 {
		s.count()
		s.sweep()
	}
	return s, nil
}

// entryCost is what an entry of the memory tier takes besides its value.
const entryCost = 160

// weight is what a key and its resource take of the memory.
func weight(key string, r *resource) int64 { return r.cost() + int64(len(key)) + entryCost }

// Close ends the store: what is still to be written to disk is written.
func (s *Store) Close() error {
	s.sweeper.close()
	s.hashing.close()
	s.memory.StopAllGoroutines()
	if s.disk != nil {
		return s.disk.close()
	}
	return nil
}

// deleted is told what memory has let go. It is called under a lock of the
// memory tier.
func (s *Store) deleted(e otter.DeletionEvent[string, *resource]) {
	switch {
	case e.Cause == otter.CauseOverflow:
		s.evicted.Add(1)
		s.lost(e.Key, e.Value, fateEvicted)
	case e.Cause == otter.CauseInvalidation && s.clearing.Load():
		s.lostToAll(e.Key, e.Value)
	default:
		return
	}
	if s.disk == nil {
		s.left(e.Key, e.Value, nil)
		s.census.change(e.Value, nil)
	}
}

// change replaces what is stored for a key by what f makes of it; nil removes
// it. Changes of a key happen one after the other. An error means that nothing
// has changed; it is that of a shared folder, where nothing is written behind.
func (s *Store) change(key string, f func(*resource) *resource) error {
	switch {
	case s.shared:
		return s.disk.change(key, f)
	case s.disk == nil:
		s.changeHere(key, f)
		return nil
	}
	l := s.disk.changesOf(key)
	l.Lock()
	s.changeHere(key, f)
	l.Unlock()
	s.disk.awaitRoom()
	return nil
}

// changeHere is change without a shared folder; with a disk, the lock of the
// key's changes is held.
func (s *Store) changeHere(key string, f func(*resource) *resource) {
	if s.disk != nil {
		s.find(key) // what is only on disk is to be changed, not forgotten
	}
	s.memory.Compute(key, func(old *resource, found bool) (*resource, otter.ComputeOp) {
		if !found {
			old = nil
		}
		now := f(old)
		s.left(key, old, now)
		if s.disk != nil {
			s.disk.save(key, now) // here, so that disk and memory see changes in one order
		} else {
			s.census.change(old, now)
		}
		if now == nil {
			return nil, otter.InvalidateOp
		}
		return now, otter.WriteOp
	})
}

// put stores an object, unless its key was invalidated since the moment when
// it was asked for; then it reports false.
func (s *Store) put(key string, o *object, asked uint64, maxVariants int) (kept bool) {
	kept, _ = s.tryPut(key, o, asked, maxVariants)
	return kept
}

// tryPut is put that tells a fault of the disk.
func (s *Store) tryPut(key string, o *object, asked uint64, maxVariants int) (kept bool, err error) {
	err = s.change(key, s.adding(key, o, asked, maxVariants, &kept))
	return s.added(key, o, kept && err == nil), err
}

// adding is a change that adds an object, or says that it is not kept.
func (s *Store) adding(key string, o *object, asked uint64, maxVariants int, kept *bool) func(*resource) *resource {
	return func(r *resource) *resource {
		if *kept = !s.invalidated.since(key, asked) && !s.refuses(o, key); !*kept {
			return r
		}
		n := r.with(o, maxVariants)
		if !r.has(o) {
			n.tally.variants.Add(1)
			s.pushedOut(key, r, n)
		}
		return n
	}
}

// added is told whether an object was added, and reports whether it stays.
func (s *Store) added(key string, o *object, kept bool) bool {
	switch {
	case !kept:
	case s.refuses(o, key): // it was purged before the sweep could find it
		s.drop(key, o)
		return false
	default:
		s.fates.forget(s.fates.hash(key))
	}
	return kept
}

// pushedOut remembers which variants had to make room.
func (s *Store) pushedOut(key string, before, after *resource) {
	if before == nil || len(after.objects) > len(before.objects) {
		return
	}
	for _, o := range before.objects {
		if !after.has(o) {
			s.fates.note(s.fates.hashVariant(key, o.selecting), fatePushedOut, s.now())
		}
	}
}

// invalidate removes what is stored for a key, and has what is on its way not
// stored.
func (s *Store) invalidate(key string) {
	s.invalidated.add(key)
	_ = s.change(key, func(r *resource) *resource {
		s.lost(key, r, fateInvalidated)
		return nil
	})
}

// replace puts an object in the place of another, if that is still there.
func (s *Store) replace(key string, old, o *object, maxVariants int) {
	_ = s.change(key, func(r *resource) *resource {
		if r == nil {
			return r
		}
		old := s.same(r, old)
		if r.without(old) == r {
			return r
		}
		if s.gone(o, key) {
			return r.without(old)
		}
		return r.without(old).with(o, maxVariants)
	})
	if s.gone(o, key) { // it was purged before the sweep could find it
		s.drop(key, o)
	}
}

// putFile stores an object whose body is in a file: that is where it is read
// from, so it must be there before anybody finds it.
func (s *Store) putFile(key string, o *object, asked uint64, maxVariants int) (kept bool, err error) {
	if s.shared {
		return s.tryPut(key, o, asked, maxVariants)
	}
	s.disk.awaitWritten(key) // here, so that others of the lock need not wait as long
	// A change between the writing and the adding would be of a state without
	// the object, whose file would go with that.
	l := s.disk.changesOf(key)
	l.Lock()
	if err = s.disk.writeNow(key, s.find(key).with(o, maxVariants)); err == nil {
		s.changeHere(key, s.adding(key, o, asked, maxVariants, &kept))
	}
	l.Unlock()
	if err != nil {
		return false, err
	}
	s.disk.awaitRoom()
	return s.added(key, o, kept), nil
}

// drop removes an object.
func (s *Store) drop(key string, o *object) {
	_ = s.change(key, func(r *resource) *resource {
		if r == nil {
			return nil
		}
		return r.without(s.same(r, o))
	})
}

// remember keeps why an answer was not stored. With until requests for the key
// go past the store until that time.
func (s *Store) remember(key string, why *unstored, until int64, hints []string) {
	s.memory.Compute(key, func(old *resource, found bool) (*resource, otter.ComputeOp) {
		n := &resource{}
		if found {
			*n = *old
		}
		n.unstored = why
		if until != 0 {
			n.passUntil, n.hints = until, hints
		}
		return n, otter.WriteOp
	})
}
