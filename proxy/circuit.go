package proxy

import (
	"sync"
	"time"
)

// CircuitState says whether an origin is asked.
type CircuitState uint8

const (
	Closed   CircuitState = iota // it is asked
	Open                         // it failed too often and is left alone
	HalfOpen                     // its pause is over: one request tries it
)

// String returns "closed", "open" or "half-open".
func (s CircuitState) String() string {
	switch s {
	case Closed:
		return "closed"
	case Open:
		return "open"
	}
	return "half-open"
}

// circuit is an origin's passive health: it opens after so many failures in a
// row, and is closed by the first answer.
//
//	closed ── maxFails failures ──► open ── pause over ──► half-open
//	   ▲                              ▲                        │ one request
//	   └────── any answer ────────────┼──────── failure ◄──────┤
//	   └───────────────────────────────────── any answer ◄─────┘
type circuit struct {
	mu      sync.Mutex // guards what follows
	fails   int
	until   time.Time // zero while closed
	probing bool      // the one request of half-open is under way
	err     error
}

// lease is the right to send one request; end it with one of its methods.
type lease struct {
	c     *circuit
	probe bool
}

// free reports whether the origin may be asked now.
func (c *circuit) free(now time.Time) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.freeLocked(now)
}

func (c *circuit) freeLocked(now time.Time) bool {
	return c.until.IsZero() || !c.probing && !now.Before(c.until)
}

// acquire takes the right to ask the origin.
func (c *circuit) acquire(now time.Time) (l lease, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.freeLocked(now) {
		return lease{}, false
	}
	l = lease{c: c, probe: !c.until.IsZero()}
	if l.probe {
		c.probing = true
	}
	return l, true
}

// answered says that the origin answered; back is whether that closed the circuit.
func (l lease) answered() (back bool) {
	c := l.c
	c.mu.Lock()
	defer c.mu.Unlock()
	back = !c.until.IsZero()
	c.fails, c.until, c.probing = 0, time.Time{}, false
	return back
}

// failed says that the origin failed. out is whether that opened the circuit.
func (l lease) failed(now time.Time, maxFails int, pause time.Duration, err error) (out bool) {
	c := l.c
	c.mu.Lock()
	defer c.mu.Unlock()
	if l.probe {
		c.probing = false
	}
	c.fails++
	c.err = err
	if maxFails == 0 || c.fails < maxFails {
		return false
	}
	if !c.until.IsZero() && !l.probe {
		return false // of a request that began before the circuit opened
	}
	out = c.until.IsZero()
	c.until = now.Add(pause)
	return out
}

// undecided gives the right back: the request came to an end that says nothing
// about the origin.
func (l lease) undecided() {
	if !l.probe {
		return
	}
	l.c.mu.Lock()
	defer l.c.mu.Unlock()
	l.c.probing = false
}

// wait returns how long it is until the origin may be tried again.
func (c *circuit) wait(now time.Time) time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.until.Sub(now)
}

func (c *circuit) state(now time.Time, s *OriginState) {
	c.mu.Lock()
	defer c.mu.Unlock()
	s.Fails, s.Until, s.LastErr = c.fails, c.until, c.err
	switch {
	case c.until.IsZero():
		s.Circuit = Closed
	case c.probing || !now.Before(c.until):
		s.Circuit = HalfOpen
	default:
		s.Circuit = Open
	}
}
