package control

import (
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

	mu    sync.Mutex // guards what follows
	of    map[K]*wrong
	swept time.Time // when all of them were looked at
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

// Wait returns how long no more secrets for the key are looked at; 0 when they are.
func (g *Guesses[K]) Wait(k K, now time.Time) time.Duration {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.wait(g.at(k, now), now)
}

// WaitAlone is Wait by what is counted for the key itself: not by what is counted
// for all others together.
func (g *Guesses[K]) WaitAlone(k K, now time.Time) time.Duration {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.at(k, now) // what is over goes
	var others K
	if k == others {
		return 0
	}
	return g.wait(g.of[k], now)
}

func (g *Guesses[K]) wait(w *wrong, now time.Time) time.Duration {
	if w == nil || w.n < or(g.Max, MaxGuesses) {
		return 0
	}
	return max(0, or(g.Time, GuessTime)-now.Sub(w.since)) + 1
}

// Forgive takes back what was counted for the key, n of them at most, and returns
// how many that were. What is counted for all others together stays.
func (g *Guesses[K]) Forgive(k K, n int, now time.Time) int {
	g.mu.Lock()
	defer g.mu.Unlock()
	var others K
	w := g.at(k, now)
	if w == nil || g.of[k] != w || k == others {
		return 0
	}
	n = min(n, w.n)
	if w.n -= n; w.n == 0 {
		delete(g.of, k)
	}
	return n
}

// Keys returns how many keys are told apart at the moment.
func (g *Guesses[K]) Keys() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return len(g.of)
}

// KeysAt is Keys without those whose time is over.
func (g *Guesses[K]) KeysAt(now time.Time) int {
	g.mu.Lock()
	defer g.mu.Unlock()
	n := 0
	for _, w := range g.of {
		if !g.over(w, now) {
			n++
		}
	}
	return n
}

// at returns what is counted for a key, nil when there is nothing. It is to be
// called with the lock.
func (g *Guesses[K]) at(k K, now time.Time) *wrong {
	if age := now.Sub(g.swept); age > or(g.Time, GuessTime)/8 || age < 0 {
		for other, w := range g.of {
			if g.over(w, now) {
				delete(g.of, other)
			}
		}
		g.swept = now
	}
	if w := g.of[k]; w != nil && g.over(w, now) {
		delete(g.of, k)
	}
	if w := g.of[k]; w != nil || len(g.of) < or(g.MaxKeys, MaxGuessKeys) {
		return w
	}
	var others K
	return g.of[others]
}

// over reports whether what was counted does not count any more.
func (g *Guesses[K]) over(w *wrong, now time.Time) bool {
	age := now.Sub(w.since)
	return age > or(g.Time, GuessTime) || age < 0 // or the clock was set back
}

func or[T int | time.Duration](v, byDefault T) T {
	if v == 0 {
		return byDefault
	}
	return v
}
