package control

import (
	"net/netip"
	"sync"
	"time"
)

// Guesses counts wrong secrets by whom they came from, or by what they were for.
// After Max of them within Time no more of the same key is to be looked at for
// the rest of that time: a secret cannot be guessed, and who guesses shuts out
// nobody else. When there are more keys than MaxKeys, all others count as one,
// the zero key. The zero value is ready; its methods may be called at the same
// time.
type Guesses[K comparable] struct {
	Max     int           // default MaxGuesses
	Time    time.Duration // default GuessTime
	MaxKeys int           // default MaxGuessKeys

	mu sync.Mutex // guards of
	of map[K]*wrong
}

// The defaults of Guesses.
const (
	MaxGuesses   = 10
	GuessTime    = 10 * time.Second
	MaxGuessKeys = 64
)

// wrong are the wrong secrets of one key.
type wrong struct {
	since time.Time
	n     int
}

// TooMany reports whether a secret for the key is not to be looked at.
func (g *Guesses[K]) TooMany(k K, now time.Time) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	w := g.at(k, now)
	return w != nil && w.n >= or(g.Max, MaxGuesses)
}

// Failed counts a wrong one.
func (g *Guesses[K]) Failed(k K, now time.Time) {
	g.mu.Lock()
	defer g.mu.Unlock()
	w := g.at(k, now)
	if w == nil {
		if g.of == nil {
			g.of = map[K]*wrong{}
		}
		if len(g.of) >= or(g.MaxKeys, MaxGuessKeys) {
			var others K
			k = others
		}
		w = &wrong{since: now}
		g.of[k] = w
	}
	w.n++
}

// Keys returns how many keys are told apart at the moment.
func (g *Guesses[K]) Keys() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return len(g.of)
}

// ClientOf is what clients are told apart by: the address, of IPv6 the network,
// for a client has all of its addresses.
func ClientOf(a netip.Addr) netip.Prefix {
	a = a.Unmap().WithZone("")
	bits := 64
	if a.Is4() {
		bits = 32
	}
	p, _ := a.Prefix(bits) // the zero one of no address
	return p
}

// at returns what is counted for a key, nil when there is nothing. It is to be
// called with the lock.
func (g *Guesses[K]) at(k K, now time.Time) *wrong {
	for other, w := range g.of {
		if age := now.Sub(w.since); age > or(g.Time, GuessTime) || age < 0 { // or the clock was set back
			delete(g.of, other)
		}
	}
	if w := g.of[k]; w != nil || len(g.of) < or(g.MaxKeys, MaxGuessKeys) {
		return w
	}
	var others K
	return g.of[others]
}

func or[T int | time.Duration](v, byDefault T) T {
	if v == 0 {
		return byDefault
	}
	return v
}
