package journal

import "freshet/internal/record"

// An Entry is a copy of one record in the ring.
type Entry struct {
	// Seq numbers the entries: later ones have higher numbers. Numbers may be
	// missing between two entries without a record being lost.
	Seq uint64

	// Record is what was recorded. Its strings are its own; User and Referer
	// are "", and Remote has no zone. Detail is nil when there was none, and
	// when it has given way to those of later requests.
	record.Record

	// Key is a hash of the cache key (KeyHash) when the record had a Detail
	// that names it, else of host and target (TargetHash).
	Key uint64

	// Truncated says that a text was longer than its room: about 150 bytes for
	// host (64 at most), target and user agent together, the agent being the
	// first to suffer; 16 for a method or protocol that is not well known; 2 KiB
	// for the detail.
	Truncated bool
}

// Since appends to dst, oldest first, the entries from the number seq on, as
// far as they are complete. The next call takes next as its seq. lost is how
// many numbers from seq on were overwritten before they were read; for a seq
// of 0, which means from the oldest entry there is, it is 0.
func (j *Journal) Since(seq uint64, dst []Entry) (entries []Entry, next, lost uint64) {
	last := j.last.Load()
	first := j.oldest(last)
	if seq == 0 {
		seq = first
	}
	if seq < first {
		lost = first - seq
		seq = first
	}
	for n := seq; n <= last; n++ {
		e, held := j.at(n)
		switch {
		case held == n:
			dst = append(dst, e)
		case held > n:
			lost++ // or skipped a turn ago: it cannot be told any more
		case !j.slot(n).settled(n):
			return dst, n, lost // it is being written
		}
	}
	return dst, max(seq, last+1), lost
}

// Next returns the number of the entry that will be recorded next: a reader
// that starts with it sees what happens from now on.
func (j *Journal) Next() uint64 { return j.last.Load() + 1 }

// Latest returns the n newest entries for which keep returns true, newest
// first; a nil keep keeps all. The entry that keep gets is valid for the call.
func (j *Journal) Latest(n int, keep func(*Entry) bool) []Entry {
	var entries []Entry
	last := j.last.Load()
	for seq := last; seq >= j.oldest(last) && len(entries) < n; seq-- {
		e, held := j.at(seq)
		if held == seq && (keep == nil || keep(&e)) {
			entries = append(entries, e)
		}
	}
	return entries
}

// Find returns the entry of the request with that name. It looks at the whole
// ring, newest first.
func (j *Journal) Find(id record.ID) (Entry, bool) {
	last := j.last.Load()
	for seq := last; seq >= j.oldest(last); seq-- {
		s := j.slot(seq)
		held := s.read()
		found := held == seq && s.id == id
		s.unlock(held)
		if found {
			e, again := j.at(seq)
			return e, again == seq
		}
	}
	return Entry{}, false
}

// Len returns how many of the places of the ring are in use.
func (j *Journal) Len() (used, size int) {
	return int(min(j.last.Load(), uint64(len(j.slots)))), len(j.slots)
}

// oldest returns the number of the oldest entry there can be; it is 1 or more.
func (j *Journal) oldest(last uint64) uint64 {
	if size := uint64(len(j.slots)); last > size {
		return last - size + 1
	}
	return 1
}

// at returns the number that the slot of n holds, and its entry when that is n.
func (j *Journal) at(n uint64) (e Entry, held uint64) {
	s := j.slot(n)
	var copied content
	held = s.read()
	if held == n {
		copied = s.content
	}
	s.unlock(held)
	if held != n {
		return e, held
	}
	e = copied.entry(n)
	e.Detail = j.details.at(copied.detail)
	return e, held
}
