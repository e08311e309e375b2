package static

import (
	"io/fs"
	"time"
)

// stamp is what the file system says about a file, as far as that tells one
// content from another. Two equal stamps that are not racy are the same bytes.
type stamp struct {
	dev, ino     uint64 // 0 where the system has none
	size         int64
	mtime, ctime int64 // nanoseconds since 1970; 0 where the system has none
}

// Timestamps are taken from a clock that ticks every few milliseconds, or on
// old and foreign file systems every two seconds. Two changes within one tick
// may leave one stamp.
const (
	stampTick       = int64(20 * time.Millisecond)
	coarseStampTick = int64(2 * time.Second)
)

// racy reports whether a file with this stamp, read at a time in nanoseconds,
// may change afterwards without changing its stamp. So may one of which no
// time is known, and one that was changed in the future.
func (s *stamp) racy(at int64) bool {
	changed := s.ctime
	if changed == 0 {
		changed = s.mtime
	}
	if changed == 0 {
		return true
	}
	tick := stampTick
	if changed%int64(time.Second) == 0 {
		tick = coarseStampTick
	}
	return at-changed < tick
}

// modified returns the Last-Modified that the stamp supports, in Unix seconds,
// or 0. Times that build tools and archives put in place of one they do not
// know (0 and 1) say nothing about the content. Neither does, yet, one that has
// not come (RFC 9110 §8.8.2.1) or whose second is not over: another change in it
// would leave the same Last-Modified (§8.8.2.2). Then from is when it will, in
// nanoseconds.
func (s *stamp) modified(now int64) (sec, from int64) {
	sec = s.mtime / int64(time.Second)
	if s.mtime < 0 || sec <= 1 {
		return 0, 0
	}
	over := (sec + 1) * int64(time.Second)
	if s.mtime%int64(time.Second) == 0 {
		over = s.mtime + coarseStampTick
	}
	if now < over {
		return 0, over
	}
	return sec, 0
}

// plainStamp is the stamp of a file system that tells size and time only.
func plainStamp(fi fs.FileInfo) stamp {
	s := stamp{size: fi.Size()}
	if t := fi.ModTime(); !t.IsZero() {
		s.mtime = t.UnixNano()
	}
	return s
}
