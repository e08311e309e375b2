package proxy

import (
	"net/http"
	"time"
)

// pick chooses an origin that was not tried and whose circuit lets a request
// through. It returns nil when there is none, and how long it is until one of
// them may be tried again.
func (h *Handler) pick(r *http.Request, tried []*origin) (*origin, lease, time.Duration) {
	if h.o.Forward {
		if len(tried) > 0 {
			return nil, lease{}, 0
		}
		o := named(r)
		l, _ := o.circuit.acquire(time.Time{})
		return o, l, 0
	}
	now := h.o.Now()
	key, turns := h.balanceBy(r)
	turn := uint64(0)
	if turns {
		turn = h.turn.Add(1) - 1
	}
	for {
		o := h.best(now, turn, key, tried)
		if o == nil {
			return nil, lease{}, h.pause(now)
		}
		if l, ok := o.circuit.acquire(now); ok {
			return o, l, 0
		}
	}
}

// balanceBy returns the key that an origin is chosen by, or that they take turns.
func (h *Handler) balanceBy(r *http.Request) (key uint64, turns bool) {
	switch h.o.Balance {
	case HashClient:
		return hashString(hashSeed, h.clientAddr(r).String()), false
	case HashURL:
		return hashString(hashString(hashSeed, r.URL.EscapedPath()), r.URL.RawQuery), false
	}
	return 0, true
}

// peek returns the origin that pick would choose first, without choosing it.
func (h *Handler) peek(r *http.Request) *origin {
	if h.o.Forward {
		return named(r)
	}
	key, turns := h.balanceBy(r)
	turn := uint64(0)
	if turns {
		turn = h.turn.Load()
	}
	return h.best(h.o.Now(), turn, key, nil)
}

// best returns the preferred of the origins that may be asked, nil when none may.
func (h *Handler) best(now time.Time, turn, key uint64, tried []*origin) (best *origin) {
	var least int64
	var most uint64
	n := uint64(len(h.origins))
	for i := range n {
		o := h.origins[(turn+i)%n]
		if contains(tried, o) || !o.circuit.free(now) {
			continue
		}
		switch h.o.Balance {
		case RoundRobin:
			return o
		case LeastConnections:
			if a := o.active.Load(); best == nil || a < least {
				best, least = o, a
			}
		default:
			// The highest of the origins' hashes with the key: when one goes,
			// only its own keys move.
			if s := mix(o.hash ^ key); best == nil || s > most {
				best, most = o, s
			}
		}
	}
	return best
}

// pause returns how long it is until some origin may be tried again.
func (h *Handler) pause(now time.Time) time.Duration {
	least := h.o.FailTimeout
	for _, o := range h.origins {
		least = min(least, o.circuit.wait(now))
	}
	return least
}

func contains(os []*origin, o *origin) bool {
	for _, x := range os {
		if x == o {
			return true
		}
	}
	return false
}

// The hash is FNV-1a with a final mix: equal on every node that runs the same
// configuration, which a seed of the process would not be.
const hashSeed = 14695981039346656037

func hashString(h uint64, s string) uint64 {
	for i := range len(s) {
		h = (h ^ uint64(s[i])) * 1099511628211
	}
	return h
}

func mix(x uint64) uint64 {
	x ^= x >> 33
	x *= 0xff51afd7ed558ccd
	x ^= x >> 33
	x *= 0xc4ceb9fe1a85ec53
	return x ^ x>>33
}
