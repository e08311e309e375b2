package app

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Keys of session tickets: a ticket is sealed by the newest one, which is made
// anew after ticketKeyRenew, and a key opens tickets for ticketKeyLife. Who gets a key
// can read the sessions that were resumed with it, so that it is in memory alone.
const (
	ticketKeyRenew = 12 * time.Hour
	ticketKeyLife  = 36 * time.Hour
	ticketKeyLate  = 10 * time.Minute // that a key from another server may be late
)

// A ticketKey is one of them.
type ticketKey struct {
	secret [32]byte
	made   time.Time
}

// tickets has the keys of session tickets, and looks that a session is resumed
// only where it could have begun.
type tickets struct {
	now func() time.Time

	mu   sync.Mutex  // guards keys
	keys []ticketKey // the newest first
	led  bool        // the newest is another server's

	sealer atomic.Pointer[sealer]

	// alone are the keys of sessions that say who the client is, by its certificate:
	// who has a key can make a session with anybody's, so that these are given to nobody.
	alone *tickets
}

// sealer is what the keys make of sessions, and until when these are the keys.
type sealer struct {
	conf  *tls.Config
	until time.Time
}

func newTickets(now func() time.Time) *tickets {
	if now == nil {
		now = time.Now
	}
	return &tickets{now: now, alone: &tickets{now: now}}
}

// current returns what seals and opens tickets now.
func (t *tickets) current() *tls.Config {
	now := t.now()
	if s := t.sealer.Load(); s != nil && now.Before(s.until) {
		return s.conf
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.turn(now).conf
}

// renewAfter is how old the newest key may be. A server that gets its keys from
// another one waits a little for the next, and then makes its own.
func (t *tickets) renewAfter() time.Duration {
	if t.led {
		return ticketKeyRenew + ticketKeyLate
	}
	return ticketKeyRenew
}

// turn makes a key when the newest is too old, and forgets those that have ended;
// t.mu is held.
func (t *tickets) turn(now time.Time) *sealer {
	t.keys = slices.DeleteFunc(t.keys, func(k ticketKey) bool { return now.Sub(k.made) >= ticketKeyLife })
	if len(t.keys) == 0 || now.Sub(t.keys[0].made) >= t.renewAfter() {
		k := ticketKey{made: now}
		rand.Read(k.secret[:])
		t.keys, t.led = slices.Insert(t.keys, 0, k), false
	}
	s := &sealer{conf: &tls.Config{}, until: t.keys[0].made.Add(t.renewAfter())}
	var secrets [][32]byte
	for _, k := range t.keys {
		secrets = append(secrets, k.secret)
		if end := k.made.Add(ticketKeyLife); end.Before(s.until) {
			s.until = end
		}
	}
	s.conf.SetSessionTicketKeys(secrets)
	t.sealer.Store(s)
	return s
}

// bind has a configuration's sessions sealed by these keys. A ticket is good for
// the name that it was made for (RFC 6066 §3), and for the same demands; with
// demands only at the server that made it.
func (t *tickets) bind(c *tls.Config, demands [sha256.Size]byte) {
	if demands != (*demand)(nil).sum() {
		t = t.alone
	}
	c.WrapSession = func(cs tls.ConnectionState, ss *tls.SessionState) ([]byte, error) {
		ss.Extra = append(ss.Extra, madeFor(cs.ServerName, demands))
		return t.current().EncryptTicket(cs, ss)
	}
	c.UnwrapSession = func(identity []byte, cs tls.ConnectionState) (*tls.SessionState, error) {
		ss, err := t.current().DecryptTicket(identity, cs)
		if err != nil || ss == nil {
			return nil, err
		}
		want := madeFor(cs.ServerName, demands)
		if !slices.ContainsFunc(ss.Extra, func(e []byte) bool { return bytes.Equal(e, want) }) {
			return nil, nil // a full handshake
		}
		return ss, nil
	}
}

// madeFor is what a ticket says of where it is good. It is sealed, and no secret.
func madeFor(serverName string, demands [sha256.Size]byte) []byte {
	sum := sha256.New()
	sum.Write(demands[:])
	sum.Write([]byte(strings.ToLower(strings.TrimSuffix(serverName, "."))))
	return sum.Sum([]byte("freshet site "))
}
