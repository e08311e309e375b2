package guard

import (
	"crypto/sha256"
	"encoding/binary"
	"sync"
	"time"

	"freshet/signature"
)

// DefaultReplays is how many signatures are remembered at a time, if nobody says
// another number: over the five minutes for which one is good, some 800 a second.
const DefaultReplays = 256 << 10

// Replays remembers signatures for as long as they are good, so that each one is
// good once. One is for all guards of a process, and outlives them: a signature
// is no newer after a change of the configuration. It takes 100 octets, or some
// more, for each signature.
//
// What was signed before it began to remember is refused, for it may have been
// seen by a process that was here before.
type Replays struct {
	began int64 // seconds since 1970

	mu    sync.Mutex
	seen  map[replay]struct{}
	until map[int64][]replay // those that are good until a second
	swept int64              // the last second that is over, and all before it
}

// replay is what tells a signature from others.
type replay [sha256.Size]byte

// NewReplays returns an empty table. now is in nanoseconds since 1970.
func NewReplays(now int64) *Replays {
	s := now / int64(time.Second)
	return &Replays{began: s, seen: map[replay]struct{}{}, until: map[int64][]replay{}, swept: s - 1}
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

// add remembers a signature that was verified at a second, unless there are most
// of them already. No two get unseen for the same one.
func (s *Replays) add(v *signature.Verdict, now int64, most int) sighting {
	return s.look(v, now, most, true)
}

// peek says what add would.
func (s *Replays) peek(v *signature.Verdict, now int64, most int) sighting {
	return s.look(v, now, most, false)
}

func (s *Replays) look(v *signature.Verdict, now int64, most int, keep bool) sighting {
	if v.Until.IsZero() || v.Created.Unix() < s.began {
		return beforeBegan // without an end it would have to be remembered for ever
	}
	id, until := replayOf(v), v.Until.Unix()
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, ok := s.seen[id]; ok {
		return seen
	}
	s.sweep(now)
	switch {
	case until <= s.swept:
		return seen // the clock went back: it may have been forgotten
	case len(s.seen) >= most:
		return noRoom
	}
	if keep {
		s.seen[id] = struct{}{}
		s.until[until] = append(s.until[until], id)
	}
	return unseen
}

// sweep forgets what is no longer good; s.mu is held.
func (s *Replays) sweep(now int64) {
	if now-1 <= s.swept {
		return
	}
	if now-s.swept > int64(len(s.until)) {
		for until := range s.until {
			if until < now {
				s.forget(until)
			}
		}
		s.swept = now - 1
		return
	}
	for s.swept < now-1 {
		s.swept++
		s.forget(s.swept)
	}
}

func (s *Replays) forget(until int64) {
	for _, id := range s.until[until] {
		delete(s.seen, id)
	}
	delete(s.until, until)
}

// Len is how many signatures are remembered.
func (s *Replays) Len() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.seen)
}
