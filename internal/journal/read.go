package journal

import (
	"slices"

	"freshet/internal/record"
)

// An Entry is a copy of one record in the ring.
type Entry struct {
	// Seq numbers the entries from 1 on, in the order in which they were
	// recorded, except that what is less than 10 ms apart may be the other way
	// round. Some numbers are not used.
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

// Since appends to dst, oldest first, the entries from the number seq on. The
// next call takes next as its seq, and misses none that was recorded since.
// lost is how many numbers from seq on belong to records that were overwritten
// before they were read, or to none; 0 says that nothing was lost. A seq of 0
// means from the oldest entry there is.
func (j *Journal) Since(seq uint64, dst []Entry) (entries []Entry, next, lost uint64) {
	last := j.settle()
	begin := len(dst)
	var gone uint64 // the number of the newest record that is lost
	for i := range j.lanes.all {
		l := &j.lanes.all[i]
		l.hold()
		gone = max(gone, l.gone)
		l.release()
	}
	if seq > 0 && gone >= seq {
		lost = gone - seq + 1
	}
	j.newest(last, func(e *Entry) bool {
		if e.Seq < seq {
			return false
		}
		if e.Seq <= gone && lost > 0 {
			lost--
		}
		dst = append(dst, *e)
		return true
	})
	slices.Reverse(dst[begin:])
	return dst, max(seq, last+1), lost
}

// Next returns a number that all later records will reach: a reader that starts
// with it sees what happens from now on.
func (j *Journal) Next() uint64 { return j.settle() + 1 }

// Latest returns the n newest entries for which keep returns true, newest
// first; a nil keep keeps all. The entry that keep gets is valid for the call.
func (j *Journal) Latest(n int, keep func(*Entry) bool) []Entry {
	var entries []Entry
	if n <= 0 {
		return nil
	}
	j.newest(j.settle(), func(e *Entry) bool {
		if keep == nil || keep(e) {
			entries = append(entries, *e)
		}
		return len(entries) < n
	})
	return entries
}

// Find returns the entry of the request with that name. It looks at the whole
// ring, newest first; see Await for one that was answered just now.
func (j *Journal) Find(id record.ID) (found Entry, ok bool) {
	j.merge(j.last.Load(), func(from *reader) bool {
		if ok = from.slot.id == id; ok {
			found = from.entry()
		}
		return !ok
	})
	return found, ok
}

// Len returns how many records there are, and how many there can be.
func (j *Journal) Len() (used, size int) {
	for i := range j.lanes.all {
		l := &j.lanes.all[i]
		l.hold()
		used += int(min(l.count, l.room))
		size += int(l.room)
		l.release()
	}
	return used, size
}

// settle returns the last number that was claimed, and sees to it that no
// record will get it or one before it.
func (j *Journal) settle() uint64 {
	last := j.last.Load()
	for i := range j.lanes.all {
		l := &j.lanes.all[i]
		l.hold()
		l.left = 0
		l.release()
	}
	return last
}

// newest calls yield with the entries up to the number last, newest first,
// until it returns false.
func (j *Journal) newest(last uint64, yield func(*Entry) bool) {
	var e Entry
	j.merge(last, func(from *reader) bool {
		e = from.entry()
		return yield(&e)
	})
}

// A reader goes through one lane, newest first.
type reader struct {
	l      *lane
	n      uint64 // which record of the lane is in slot; 0: there are no more
	slot   slot
	detail *record.Detail
}

func (r *reader) entry() Entry {
	e := r.slot.entry()
	e.Detail = r.detail
	return e
}

// back goes to the record before the current one.
func (r *reader) back() {
	r.n--
	var ok bool
	if r.detail, ok = r.l.take(r.n, &r.slot); !ok {
		r.n = 0
	}
}

// merge calls yield with the reader that has the newest record up to the number
// last, again and again, until it returns false or there is none.
func (j *Journal) merge(last uint64, yield func(*reader) bool) {
	readers := make([]reader, len(j.lanes.all))
	for i := range readers {
		r := &readers[i]
		r.l = &j.lanes.all[i]
		r.l.hold()
		r.n = r.l.count + 1
		r.l.release()
		for r.back(); r.n > 0 && r.slot.seq > last; {
			r.back()
		}
	}
	for {
		var newest *reader
		for i := range readers {
			if r := &readers[i]; r.n > 0 && (newest == nil || r.slot.seq > newest.slot.seq) {
				newest = r
			}
		}
		if newest == nil || !yield(newest) {
			return
		}
		newest.back()
	}
}
