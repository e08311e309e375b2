package cache

import (
	"time"

	"freshet/freshness"
	"freshet/internal/rule"
)

// Nothing of this file counts as a use: whoever looks at the store does not
// change what it lets go.

// ObjectInfo is what is stored under one key, in a line.
type ObjectInfo struct {
	// Key names the key, for Object and PurgeKey. It is printable: where a key
	// has fields, their bytes are escaped as in Go; once a rule for keys of the
	// store names a field with credentials, they are encrypted, and the name
	// holds for the life of the store.
	Key string
	URL string // the address, without what the rules for keys leave out

	Variants int
	Size     int64 // bytes of all bodies, as far as they are there
	Memory   int64 // bytes of memory, all counted; 0 when it is only on disk
	OnDisk   bool  // some body is in a file
	// Hits counts the answers from memory, hot and cold, since the key was
	// stored first; what is let go, or read from disk again, begins anew.
	Hits uint64

	// Of the latest variant:
	Status int
	Type   string // Content-Type
	Stored time.Time
	Age    time.Duration
	TTL    time.Duration // 0 or negative: stale for so long
	Groups []string      // of Cache-Groups
}

// ObjectDetail is all that is known of one key.
type ObjectDetail struct {
	ObjectInfo
	Stored []VariantInfo // the preferred first

	// VariantsSeen counts how often an answer was stored for requests that no
	// stored one matched: how many variants there have been, about.
	VariantsSeen uint64
	// NotStored is why the last answer was not stored; nil when it was.
	NotStored *NotStored
}

// NotStored is why an answer was not stored.
type NotStored struct {
	Rule     rule.ID
	Evidence string // the field line that decided, without secrets
	Time     time.Time
	Until    time.Time // requests do not queue for an answer until then; zero: they do
}

// VariantInfo is one stored answer.
type VariantInfo struct {
	Status    int
	Selecting []SelectedField  // what Vary names, and what the request had
	Fields    freshness.Fields // as stored; of cookies the names only
	Terms     freshness.Terms
	Age, TTL  time.Duration
	Tag       string // ETag as it is written, W/ included
	Modified  time.Time
	Coding    string // Content-Encoding
	Size      int64  // of the whole body; -1: unknown
	Have      int64  // bytes of it that are stored
	OnDisk    bool
	// Unusable is why it is not used, whatever its freshness (a purge); 0 when
	// nothing forbids it.
	Unusable rule.ID
}

// SelectedField is a request field that Vary names.
type SelectedField struct {
	Name    string
	Value   string // normalised
	Present bool
}

// Totals are the numbers of a store.
type Totals struct {
	Entries                 int64 // keys in memory
	MemoryUsed, MemoryLimit int64 // bytes
	DiskEntries             int64
	DiskUsed, DiskLimit     int64  // bytes; the limit is 0 without a disk tier
	DiskFault               string // what the disk last failed with; "" for nothing
	Evicted                 int64  // keys that memory let go to make room
	Flights                 int    // requests to origins that others may wait for
	Background              int64  // validations in the background
	Gathering               int64  // bytes of memory that answers on their way may have
}

// MissInfo is one address that often had to be asked of its origin.
type MissInfo struct {
	URL string // without its query
	Key string // of the latest miss, as in ObjectInfo, but without fields that are secret
	// Keys is about how many keys the misses had: many are a query that should
	// be no part of the key, or one more page than anybody thought.
	Keys   int // 3072: as many or more
	Misses uint64
	Over   uint64        // of Misses: what may be of an address that was counted before
	Bytes  uint64        // of bodies that the origin sent
	Wait   time.Duration // until its answers began, in all
	Rule   rule.ID       // why the latest was no hit
	Time   time.Time     // of the latest

	// Gain is what would have been saved if the reason had not been there.
	Gain Gain
}

// Gain is an estimate of what would have been saved: the misses whose reason
// could be changed (by the origin, the client or the configuration), as if it had
// been, with what they cost. Not among them is what was asked for the first time,
// or had changed or been purged. If all were such, one of them is taken off: the
// answer has to come once. What would have gone stale between two requests is
// counted all the same.
type Gain struct {
	Hits  uint64
	Bytes uint64
	Wait  time.Duration
}

// Objects calls yield for what is in memory, in no order, until it returns
// false. What changes meanwhile is seen or not. What is on disk only is left
// out: see DiskObjects.
func (s *Store) Objects(yield func(ObjectInfo) bool) {
	now := s.now()
	for key, r := range s.memory.All() {
		if len(r.objects) > 0 && !yield(s.info(key, r, weight(key, r), now)) {
			return
		}
	}
}

// DiskObjects calls yield for what is on disk and not in memory, in no order,
// until it returns false. It reads a file for each.
func (s *Store) DiskObjects(yield func(ObjectInfo) bool) {
	if s.disk == nil {
		return
	}
	now := s.now()
	s.disk.each(func(key string, r *resource) bool {
		if _, ok := glance(s, key); ok || len(r.objects) == 0 {
			return true
		}
		return yield(s.info(key, r, 0, now))
	})
}

// Object returns what is stored under a key, in memory or on disk.
func (s *Store) Object(key string) (ObjectDetail, bool) {
	k, ok := s.seal.key(key)
	if !ok {
		return ObjectDetail{}, false
	}
	r := s.peek(k)
	if r == nil {
		return ObjectDetail{}, false
	}
	now, memory := s.now(), int64(0)
	if _, ok := glance(s, k); ok {
		memory = weight(k, r)
	}
	d := ObjectDetail{ObjectInfo: s.info(k, r, memory, now), NotStored: r.notStored()}
	if r.tally != nil {
		d.VariantsSeen = r.tally.variants.Load()
	}
	for _, o := range r.objects {
		d.Stored = append(d.Stored, s.variantInfo(k, o, now))
	}
	return d, true
}

// Totals returns the store's numbers of this moment.
func (s *Store) Totals() Totals {
	t := Totals{
		Entries: int64(s.memory.EstimatedSize()), MemoryUsed: int64(s.memory.WeightedSize()), MemoryLimit: s.opt.Memory,
		Evicted: s.evicted.Load(), Background: s.background.count(), Gathering: s.gathering.Load(),
	}
	if s.disk != nil {
		d := s.disk.files.Stats()
		t.DiskEntries, t.DiskUsed, t.DiskLimit = d.Entries, d.Bytes, d.MaxBytes
		if d.Err != nil {
			t.DiskFault = d.Err.Error()
		}
	}
	s.mu.Lock()
	t.Flights = len(s.flights)
	s.mu.Unlock()
	return t
}
