package guard

import (
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"freshet/internal/control"
	"freshet/internal/who"
)

// Tries bounds how often secrets are guessed, for all guards of a server that
// compare any. After MaxForClient wrong ones from one client within TriesTime, or
// MaxForName for one name of a file, no more from that client, or for that name,
// are looked at for the rest of that time. Who has shown the right one for a name
// from where he is goes on, whatever others guess, and however many they are; and
// what he had mistyped for it does not count any more. What he has guessed for
// other names does, and for the same name of another file.
//
// Clients are told apart by address, of IPv6 by its /64. Those without one, of Unix
// sockets, cannot be told apart: only the names they guess for are bounded, and
// nobody of them is known, for he would be known as all the others.
type Tries struct {
	clients control.Guesses[netip.Prefix]
	names   control.Guesses[account]
	pairs   control.Guesses[attempt]
	shown   control.Guesses[attempt] // those that are known, by themselves

	refused atomic.Int64 // secrets that were not looked at

	mu    sync.Mutex // guards known; a leaf
	known map[attempt]struct{}
}

// An Attempt is whose secret is looked at. Name is "" where a secret has none that
// could be told before it is known to be right.
type Attempt struct {
	Client     netip.Addr
	File, Name string // the name is one of that file alone
}

// account is a name of a file.
type account struct{ file, name string }

// attempt is an account, and where it was tried.
type attempt struct {
	account
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
		names:   control.Guesses[account]{Max: MaxForName, Time: TriesTime, MaxKeys: maxTried},
		pairs:   control.Guesses[attempt]{Max: MaxForName, Time: TriesTime, MaxKeys: maxTried},
		shown:   control.Guesses[attempt]{Max: MaxForClient, Time: TriesTime, MaxKeys: 2 * maxShown},
	}
}

func attemptOf(a Attempt) attempt {
	return attempt{account{a.File, strings.Clone(a.Name[:min(len(a.Name), maxTriedName)])}, who.ClientOf(a.Client)}
}

// Wait returns how long a secret is not to be looked at; 0 when it is.
func (t *Tries) Wait(of Attempt, now time.Time) time.Duration {
	wait := t.wait(attemptOf(of), now)
	if wait > 0 {
		t.refused.Add(1)
	}
	return wait
}

// TriesFigures say how full the tables of wrong secrets are.
type TriesFigures struct {
	Clients, Names int   // that are counted: for which wrong secrets came lately
	Most           int   // of either that are told apart; all others count as one
	Refused        int64 // secrets that were not looked at, so far
}

// Figures returns them at a time.
func (t *Tries) Figures(now time.Time) TriesFigures {
	return TriesFigures{t.clients.KeysAt(now), t.names.KeysAt(now), maxTried, t.refused.Load()}
}

func (t *Tries) wait(a attempt, now time.Time) time.Duration {
	if t.knows(a) {
		return max(t.clients.WaitAlone(a.client, now), t.shown.Wait(a, now))
	}
	if a.client.IsValid() {
		if wait := t.clients.Wait(a.client, now); wait > 0 {
			return wait
		}
	}
	if a.name == "" {
		return 0
	}
	return t.names.Wait(a.account, now)
}

// Failed counts a wrong one.
func (t *Tries) Failed(of Attempt, now time.Time) {
	a := attemptOf(of)
	if a.client.IsValid() {
		t.clients.Failed(a.client, now)
	}
	if a.name == "" {
		return
	}
	t.names.Failed(a.account, now)
	if a.client.IsValid() {
		t.pairs.Failed(a, now)
	}
	if t.knows(a) {
		t.shown.Failed(a, now)
	}
}

// Passed takes back what the client had mistyped for the name.
func (t *Tries) Passed(of Attempt, now time.Time) {
	a := attemptOf(of)
	if !a.client.IsValid() || a.name == "" {
		return
	}
	if n := t.pairs.Forgive(a, MaxForName, now); n > 0 {
		t.clients.Forgive(a.client, n, now)
		t.names.Forgive(a.account, n, now)
	}
	t.shown.Forgive(a, MaxForClient, now)
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
