//go:build !nonats

package bus

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
)

// A ring is all addresses at which a fleet may be found. NATS' client knows
// those of the token only and says when to try; the ring says which is next.
//
// One server that refuses a token, or that is not of the fleet, may be one that
// has been followed by another and does not know yet, or a machine that has got
// the address since. So it is the end of a connection only when there is no
// other address, when all say so, or when a refusal stands for a while in which
// nobody else has answered.
type ring struct {
	patience time.Duration // how long a refusal has to stand

	mu      sync.Mutex // guards what follows; a leaf
	known   []string
	learned int
	next    int // in known
	at      int // what was connected to last, or is being
	met     bool
	tried   int             // since the connection was lost
	denials map[string]bool // who has said no since then, last; true: it is a refusal
	since   time.Time       // of the first refusal; zero: there was none
	until   int             // tried, when all have had their turn since
}

const (
	refusalStands = 10 * time.Second
	// connectLimit is how long an address may take to be reached when there are others.
	connectLimit = 3 * time.Second
)

func newRing(addresses []string) *ring {
	r := &ring{patience: refusalStands, denials: map[string]bool{}}
	for _, a := range addresses {
		if !slices.Contains(r.known, a) {
			r.known = append(r.known, a)
		}
	}
	return r
}

// Learn names further addresses, host:port each, at which the fleet may be found
// when the connection is lost. All that are known are tried in turn then, the
// one that was connected last first, and none is forgotten. What is no address
// is left out, and what comes after the first 64, too. It does nothing to a
// connection that was not made by [Join].
func (c *Conn) Learn(addresses []string) {
	if c.around != nil {
		c.around.learn(addresses)
	}
}

// IsUp reports whether there is a connection now; else it is being made anew, or
// has ended.
func (c *Conn) IsUp() bool { return c.nc.IsConnected() }

func (r *ring) learn(addresses []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, a := range addresses {
		if r.learned < maxLearned && IsAddress(a) && !slices.Contains(r.known, a) {
			r.known = append(r.known, a)
			r.learned++
		}
	}
}

// through makes each try go to the next address.
func (r *ring) through(how dial) dial {
	return func(ctx context.Context, network, _ string) (net.Conn, error) {
		address := r.turn()
		c, err := how(ctx, network, address)
		if err != nil {
			return nil, r.failed(address, err)
		}
		return c, nil
	}
}

// plain makes the connection below: without waiting long for one address when
// there are others.
func (r *ring) plain(ctx context.Context, network, address string) (net.Conn, error) {
	r.mu.Lock()
	several := len(r.known) > 1
	r.mu.Unlock()
	if several {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, connectLimit)
		defer cancel()
	}
	return plainDial(ctx, network, address)
}

func (r *ring) turn() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.at = r.next
	r.next = (r.at + 1) % len(r.known)
	r.tried++
	return r.known[r.at]
}

// failed is what becomes of an error: it is the end of the connection only if it
// is still an ErrRefused or an ErrStranger.
func (r *ring) failed(address string, err error) error {
	refused := errors.Is(err, ErrRefused)
	r.mu.Lock()
	defer r.mu.Unlock()
	if !refused && !errors.Is(err, ErrStranger) {
		delete(r.denials, address)
		return err
	}
	r.denials[address] = refused
	if refused && r.since.IsZero() {
		r.since, r.until = time.Now(), r.tried+len(r.known)
	}
	stands := !r.since.IsZero() && time.Since(r.since) >= r.patience && r.tried >= r.until
	if !r.met || len(r.denials) == len(r.known) || refused && stands {
		return err
	}
	return fmt.Errorf("%s: %v", address, err)
}

// refused is ErrRefused when somebody has said so since the last connection.
func (r *ring) refused() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.since.IsZero() {
		return nil
	}
	return ErrRefused
}

// settled: a connection is made.
func (r *ring) settled() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.met, r.next, r.tried, r.since = true, r.at, 0, time.Time{}
	clear(r.denials)
}

// pause is how long to wait before the next try: hardly, until all addresses had
// their turn.
func (r *ring) pause() time.Duration {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.tried%len(r.known) != 0 {
		return reconnectDelay(0)
	}
	return reconnectDelay(r.tried / len(r.known))
}

// options are those by which NATS' client asks the ring.
func (r *ring) options(n *nats.Options) error {
	for _, a := range r.known {
		n.Servers = append(n.Servers, "nats://"+a) // so many tries at first
	}
	n.IgnoreDiscoveredServers, n.SkipHostLookup = true, true
	n.CustomReconnectDelayCB = func(int) time.Duration { return r.pause() }
	told := n.ReconnectedCB
	n.ReconnectedCB = func(c *nats.Conn) {
		r.settled()
		told(c)
	}
	return nil
}
