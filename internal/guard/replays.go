package guard

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"slices"
	"sync"
	"time"

	"freshet/signature"
)

// DefaultReplays is how many signatures are remembered at a time, if nobody says
// another number: over the five minutes for which one is good, some 800 a second.
const DefaultReplays = 256 << 10

// clockAhead is how far ahead of this clock a signature may say that it was made,
// in seconds: the skew that guards allow.
const clockAhead = int64(signature.DefaultSkew / time.Second)

// Replays remembers signatures for as long as they are good, so that each one is
// good once. One is for all guards of a process, and outlives them: a signature
// is no newer after a change of the configuration. It takes 150 octets, or some
// more, for each signature.
//
// What was signed before it began to remember is refused, for it may have been
// seen by a process that was here before; and by a clock that is ahead that may
// say that it was made up to clockAhead later.
//
// No key fills all of it: of the room that is free each may have taken three times
// as much, so that one alone gets three quarters, and others always find some.
type Replays struct {
	began int64 // seconds since 1970

	mu     sync.Mutex
	most   int // the most that a guard has asked for
	seen   map[replay]struct{}
	until  map[int64][]entry // those that are good until a second
	of     map[string]int    // how many each key has
	swept  int64             // up to here it was looked for what is over
	forgot []stretch         // until when those were good that were forgotten

	refused int64 // for want of room
}

// replay is what tells a signature from others.
type replay [sha256.Size]byte

type entry struct {
	id  replay
	key string
}

// stretch is from a second to another, which is in it.
type stretch struct{ from, to int64 }

// NewReplays returns an empty table. now is in nanoseconds since 1970.
func NewReplays(now int64) *Replays {
	s := now / int64(time.Second)
	return &Replays{began: s, seen: map[replay]struct{}{}, until: map[int64][]entry{}, of: map[string]int{}, swept: s - 1}
}

// wait is after how many seconds a client that signs anew is let in, if that is
// not at once: this table has begun a moment ago.
func (s *Replays) wait(v *signature.Verdict, now int64) int64 {
	since := now
	if created := v.Created.Unix(); created >= s.began {
		since = min(now, created) // by the client's clock
	}
	return s.began + clockAhead - since
}

// sighting is what a table says of a signature.
type sighting uint8

const (
	unseen sighting = iota
	seen
	beforeBegan
	noRoom
)

// replayOf returns what a signature is remembered by: its nonce, which a key has
// to use once, or else all that it covers and says.
func replayOf(v *signature.Verdict) replay {
	if v.Nonce == "" {
		return v.ID
	}
	buf := binary.BigEndian.AppendUint32(make([]byte, 0, 256), uint32(len(v.KeyID)))
	buf = append(buf, v.KeyID...)
	return sha256.Sum256(append(buf, v.Nonce...))
}

// add remembers a signature that was verified at a second, and the others of its
// message that were, unless there are most of them already. No two get unseen for
// the same one.
func (s *Replays) add(v *signature.Verdict, now int64, most int, others ...signature.Verdict) sighting {
	return s.look(v, others, now, most, true)
}

// peek says what add would.
func (s *Replays) peek(v *signature.Verdict, now int64, most int, others ...signature.Verdict) sighting {
	return s.look(v, others, now, most, false)
}

// takeBack forgets what add has remembered of a message, upon which nobody has acted:
// it may come again. It is for the caller for whom add said unseen.
func (s *Replays) takeBack(v *signature.Verdict, others ...signature.Verdict) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.drop(v)
	for i := range others {
		s.drop(&others[i])
	}
}

// drop forgets a signature, unless that is long over; s.mu is held.
func (s *Replays) drop(v *signature.Verdict) {
	if s.early(v) {
		return // it was not remembered
	}
	id, until := replayOf(v), v.Until.Unix()
	if _, ok := s.seen[id]; !ok {
		return
	}
	all := s.until[until]
	for i := len(all) - 1; i >= 0; i-- { // it has come a moment ago
		if all[i].id != id {
			continue
		}
		s.until[until] = slices.Delete(all, i, i+1)
		if len(all) == 1 {
			delete(s.until, until)
		}
		delete(s.seen, id)
		if s.of[v.KeyID]--; s.of[v.KeyID] == 0 {
			delete(s.of, v.KeyID)
		}
		return
	}
}

// early reports whether a signature is refused, now and later, for it may have been
// used before; without an end it would have to be remembered for ever.
func (s *Replays) early(v *signature.Verdict) bool {
	return v.Until.IsZero() || v.Created.Unix() < s.began+clockAhead
}

func (s *Replays) look(v *signature.Verdict, others []signature.Verdict, now int64, most int, keep bool) sighting {
	if s.early(v) {
		return beforeBegan
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.most = max(s.most, most)
	fresh, found := s.fresh(make([]remembered, 0, 1+len(others)), v, now)
	for i := range others {
		if found == unseen && !s.early(&others[i]) {
			fresh, found = s.fresh(fresh, &others[i], now)
		}
	}
	if found == noRoom && keep {
		s.refused++
	}
	if found != unseen || !keep {
		return found
	}
	for _, f := range fresh {
		s.seen[f.id] = struct{}{}
		s.until[f.until] = append(s.until[f.until], f.entry)
		s.of[f.key]++
	}
	return unseen
}

// remembered is what is about to be remembered.
type remembered struct {
	entry
	until int64
}

// fresh adds a signature to those that are about to be remembered, if that can be;
// s.mu is held.
func (s *Replays) fresh(all []remembered, v *signature.Verdict, now int64) ([]remembered, sighting) {
	id, until, ofKey := replayOf(v), v.Until.Unix(), s.of[v.KeyID]
	for i := range all {
		if all[i].id == id {
			return all, unseen // it is there under another label, too
		}
		if all[i].key == v.KeyID {
			ofKey++
		}
	}
	if _, ok := s.seen[id]; ok {
		return all, seen
	}
	s.sweep(now)
	switch {
	case s.mayHaveForgotten(until):
		return all, seen // the clock went back
	case ofKey >= 3*(s.most-len(s.seen)-len(all)):
		return all, noRoom
	}
	return append(all, remembered{entry{id, v.KeyID}, until}), unseen
}

// sweep forgets what is no longer good; s.mu is held.
func (s *Replays) sweep(now int64) {
	last := now - 1
	if last-s.swept > int64(len(s.until)) {
		for until := range s.until {
			if until <= last {
				s.forget(until)
			}
		}
	} else {
		for until := s.swept + 1; until <= last; until++ {
			s.forget(until)
		}
	}
	s.swept = last // earlier than it was when the clock went back
}

func (s *Replays) forget(until int64) {
	gone, ok := s.until[until]
	if !ok {
		return
	}
	for _, e := range gone {
		delete(s.seen, e.id)
		if s.of[e.key]--; s.of[e.key] == 0 {
			delete(s.of, e.key)
		}
	}
	delete(s.until, until)
	s.forgot = cover(s.forgot, until)
}

// mayHaveForgotten reports whether a signature that is good until a second may be
// one that was forgotten: by a clock that went back it is good again. s.mu is held.
func (s *Replays) mayHaveForgotten(until int64) bool {
	return slices.ContainsFunc(s.forgot, func(p stretch) bool { return p.from <= until && until <= p.to })
}

// Of stretches that are so near one is made, and so many are kept: a clock that jumps
// far ahead and back leaves one there, and what lies before it is free.
const (
	nearStretches = 60
	maxStretches  = 16
)

// cover returns stretches, in order, that have a second, too.
func cover(stretches []stretch, second int64) []stretch {
	at, _ := slices.BinarySearchFunc(stretches, second, func(p stretch, s int64) int { return cmp.Compare(p.to, s) })
	if at == len(stretches) || second < stretches[at].from {
		stretches = slices.Insert(stretches, at, stretch{second, second})
	}
	for i := 1; i < len(stretches); {
		if stretches[i].from-stretches[i-1].to > nearStretches && (len(stretches) <= maxStretches || i > 1) {
			i++
			continue
		}
		stretches[i-1].to = stretches[i].to
		stretches = slices.Delete(stretches, i, i+1)
	}
	return stretches
}

// Len is how many signatures are remembered.
func (s *Replays) Len() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.seen)
}

// ReplayFigures say how full a table of signatures is.
type ReplayFigures struct {
	Held, Most int   // signatures that are remembered, and the most that may be
	Refused    int64 // requests that were refused for want of room, so far
}

// Figures returns them at a time, in nanoseconds since 1970.
func (s *Replays) Figures(now int64) ReplayFigures {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sweep(now / int64(time.Second))
	return ReplayFigures{len(s.seen), s.most, s.refused}
}

// allow says that a guard has room for so many.
func (s *Replays) allow(most int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.most = max(s.most, most)
}
