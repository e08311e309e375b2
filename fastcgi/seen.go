package fastcgi

import (
	"hash/maphash"
	"strings"
	"sync/atomic"
	"time"
)

// seen remembers for a moment where there were scripts. The backend opens a
// script by its name, somewhat after we looked: that it may be another one by
// then, or gone, is so with or without this. Nothing else is remembered, so what
// is new is found at once.
type seen struct {
	since time.Time
	seed  maphash.Seed
	slots [seenSlots]atomic.Pointer[sighting]
}

const (
	// seenFor is half of what Options.Root promises: a path may be noted at the
	// end of the time of its name.
	seenFor   = 50 * time.Millisecond
	seenSlots = 64 // a name takes the place of another one with its hash
	seenName  = 256
)

type sighting struct {
	name  string
	until time.Duration // after seen.since
	found *found        // when name is a path, with its slash
}

func newSeen() *seen { return &seen{since: time.Now(), seed: maphash.MakeSeed()} }

func (s *seen) slot(name string) *atomic.Pointer[sighting] {
	return &s.slots[maphash.String(s.seed, name)%seenSlots]
}

// lately returns what was seen at a name a moment ago, nil when that was no
// script.
func (s *seen) lately(name string) *sighting {
	at := s.slot(name).Load()
	if at == nil || at.name != name || time.Since(s.since) >= at.until {
		return nil
	}
	return at
}

// note remembers a name, or a path and what it is for.
func (s *seen) note(name string, f *found) {
	if len(name) <= seenName {
		s.slot(name).Store(&sighting{strings.Clone(name), time.Since(s.since) + seenFor, f})
	}
}
