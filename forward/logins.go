package forward

import (
	"net/netip"
	"strings"
	"sync"
	"time"

	"freshet/internal/control"
	"freshet/internal/rule"
	"freshet/internal/who"
)

// logins looks at names and passwords, and bounds guesses: after ten wrong
// passwords of one client within ten seconds, or thirty for one name, none of
// that client, or for that name, is looked at for the rest of the ten seconds.
// Who has shown the right password for a name from an address is not shut out by
// what others guess for that name.
type logins struct {
	login func(name, password string) bool // nil when there are no users
	now   func() int64

	clients control.Guesses[netip.Prefix]
	names   control.Guesses[string]

	mu    sync.Mutex // guards known
	known map[user]struct{}
}

// user is a name, and where somebody was who knew its password.
type user struct {
	name   string
	client netip.Prefix
}

const (
	maxForName   = 30
	maxKnown     = 1024 // users; beyond it all are forgotten
	maxNameBytes = 64   // of a name that is counted; longer ones count as what they begin with
)

func newLogins(o *Options) *logins {
	return &logins{login: o.Login, now: o.Now, names: control.Guesses[string]{Max: maxForName}}
}

// refuses returns why a name and a password are not taken, 0 when they are.
func (l *logins) refuses(from netip.Addr, name, password string) rule.ID {
	now := time.Unix(0, l.now())
	u := user{strings.Clone(name[:min(len(name), maxNameBytes)]), who.ClientOf(from)}
	if l.clients.TooMany(u.client, now) || !l.knows(u) && l.names.TooMany(u.name, now) {
		return rule.FilterGuesses
	}
	if !l.login(name, password) {
		l.clients.Failed(u.client, now)
		l.names.Failed(u.name, now)
		return rule.FilterLogin
	}
	l.remember(u)
	return 0
}

func (l *logins) knows(u user) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	_, ok := l.known[u]
	return ok
}

func (l *logins) remember(u user) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if _, ok := l.known[u]; ok {
		return
	}
	if l.known == nil || len(l.known) >= maxKnown {
		l.known = map[user]struct{}{}
	}
	l.known[u] = struct{}{}
}
