package guard

import (
	"net/netip"
	"strings"
	"sync"
	"time"

	"freshet/internal/control"
)

// Tries bounds how often secrets are guessed, for all guards of a server that
// compare any. After MaxForClient wrong ones from one client within TriesTime, or
// MaxForName for one name, no more from that client, or for that name, are looked
// at for the rest of that time. Who has shown the right one for a name from where
// he is goes on, whatever others guess for that name; and what he had mistyped for
// it does not count any more. What he has guessed for other names does.
//
// Clients are told apart by address, of IPv6 by its /64.
type Tries struct {
	clients control.Guesses[netip.Prefix]
	names   control.Guesses[string]
	pairs   control.Guesses[attempt]

	mu    sync.Mutex // guards known; a leaf
	known map[attempt]struct{}
}

// attempt is a name, and where it was tried.
type attempt struct {
	name   string
	client netip.Prefix
}

// The bounds of Tries.
const (
	TriesTime    = 5 * time.Minute
	MaxForClient = 10
	MaxForName   = 50

	maxTried     = 4096 // clients, and names, that are counted; more count as one
	maxShown     = 4096 // who has shown the right secret; then all are forgotten
	maxTriedName = 64   // octets of a name that is counted
)

// NewTries returns a table in which nothing is counted.
func NewTries() *Tries {
	return &Tries{
		clients: control.Guesses[netip.Prefix]{Max: MaxForClient, Time: TriesTime, MaxKeys: maxTried},
		names:   control.Guesses[string]{Max: MaxForName, Time: TriesTime, MaxKeys: maxTried},
		pairs:   control.Guesses[attempt]{Max: MaxForName, Time: TriesTime, MaxKeys: maxTried},
	}
}

func attemptOf(client netip.Addr, name string) attempt {
	return attempt{strings.Clone(name[:min(len(name), maxTriedName)]), control.ClientOf(client)}
}

// Wait returns how long a secret of a client for a name is not to be looked at; 0
// when it is. name is "" where a secret has none that could be told before it is
// known to be right.
func (t *Tries) Wait(client netip.Addr, name string, now time.Time) time.Duration {
	a := attemptOf(client, name)
	wait := t.clients.Wait(a.client, now)
	if wait == 0 && name != "" && !t.knows(a) {
		wait = t.names.Wait(a.name, now)
	}
	return wait
}

// Failed counts a wrong one.
func (t *Tries) Failed(client netip.Addr, name string, now time.Time) {
	a := attemptOf(client, name)
	t.clients.Failed(a.client, now)
	if name != "" {
		t.names.Failed(a.name, now)
		t.pairs.Failed(a, now)
	}
}

// Passed takes back what the client had mistyped for the name.
func (t *Tries) Passed(client netip.Addr, name string, now time.Time) {
	a := attemptOf(client, name)
	if n := t.pairs.Forgive(a, MaxForName, now); n > 0 {
		t.clients.Forgive(a.client, n, now)
		t.names.Forgive(a.name, n, now)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if _, is := t.known[a]; is {
		return
	}
	if t.known == nil || len(t.known) >= maxShown {
		t.known = map[attempt]struct{}{}
	}
	t.known[a] = struct{}{}
}

func (t *Tries) knows(a attempt) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	_, is := t.known[a]
	return is
}
