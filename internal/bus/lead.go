//go:build !nonats

package bus

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// A lease is the last message of a subject. Who has it writes it anew, three
// times in its time to live, each time behind the number of what it wrote
// before. Who wants it looks; when the message has not changed for the time to
// live, by its own clock, it writes behind that number: of several one wins.
// No clocks are compared, and no server has to know about time. A lease has the name
// of who has it, and is not sealed.

// minTTL is the shortest time to live of a lease.
const minTTL = 100 * time.Millisecond

// Leadership is a lease that this connection has.
type Leadership struct {
	c       *Conn
	subject string
	id      string
	ttl     time.Duration

	until  atomic.Pointer[time.Time] // nobody else has the lease before
	lost   chan struct{}             // closed when the lease is, or may be, another's
	resign context.CancelFunc
	ended  sync.WaitGroup
}

// Lead waits until this connection has the lease of a name, or ctx ends. The
// lease is renewed until [Leadership.Resign]; without that, as when the process
// dies, another gets it ttl (100 ms at least) after the last renewal; all who
// want a lease name the same ttl. For a moment two may hold it: it says who should work, and a [Log]'s fence says who may.
func (c *Conn) Lead(ctx context.Context, name string, ttl time.Duration) (*Leadership, error) {
	if err := checkName("lease", name); err != nil {
		return nil, err
	}
	l := &Leadership{c: c, subject: prefixLease + name, id: c.name + " " + random(), ttl: max(ttl, minTTL), lost: make(chan struct{})}
	freed := make(chan struct{}, 1)
	stop, err := c.Subscribe("lease."+name, func(Hint) {
		select {
		case freed <- struct{}{}:
		default:
		}
	})
	if err != nil {
		return nil, fmt.Errorf("lead %s: %w", name, err)
	}
	defer stop()
	s, err := c.stream(ctx, jetstream.StreamConfig{
		Name: "leases", Subjects: []string{prefixLease + "*"}, Replicas: c.replicas, MaxMsgsPerSubject: 1, Discard: jetstream.DiscardNew,
	})
	if err != nil {
		return nil, fmt.Errorf("lead %s: %w", name, plainly(err))
	}
	revision, asked, err := l.obtain(ctx, s, freed)
	if err != nil {
		return nil, fmt.Errorf("lead %s: %w", name, plainly(err))
	}
	l.holdsUntil(asked.Add(l.ttl))
	life, cancel := context.WithCancel(c.life)
	l.resign = cancel
	l.ended.Add(1)
	go func() {
		defer l.ended.Done()
		l.keep(life, s, revision, asked)
	}()
	return l, nil
}

// obtain waits until the lease is free, or looks dead, and takes it.
func (l *Leadership) obtain(ctx context.Context, s jetstream.Stream, freed <-chan struct{}) (revision uint64, asked time.Time, err error) {
	var seen uint64
	since := time.Now()
	look := time.NewTicker(l.ttl / 4)
	defer look.Stop()
	for {
		now := time.Now()
		current, holder, err := l.current(ctx, s)
		if err == nil && current != seen {
			seen, since = current, time.Now() // it may have been written since it was asked for
		}
		if err == nil && (holder == "" || holder == l.id || now.Sub(since) >= l.ttl) {
			// Refused, or of unknown outcome: the next look tells.
			if n, err := l.write(ctx, current, l.id); err == nil {
				return n, now, nil
			}
		}
		select {
		case <-look.C:
		case <-freed:
		case <-l.c.ended:
			return 0, now, ErrClosed
		case <-ctx.Done():
			return 0, now, ctx.Err()
		}
	}
}

// current is the number of the lease's message and who wrote it; "" when it is
// free.
func (l *Leadership) current(ctx context.Context, s jetstream.Stream) (uint64, string, error) {
	ctx, cancel := context.WithTimeout(ctx, l.ttl+time.Second)
	defer cancel()
	m, err := s.GetLastMsgForSubject(ctx, l.subject)
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return 0, "", nil
	}
	if err != nil {
		return 0, "", err
	}
	return m.Sequence, string(m.Data), nil
}

func (l *Leadership) write(ctx context.Context, behind uint64, holder string) (uint64, error) {
	ctx, cancel := context.WithTimeout(ctx, l.ttl+time.Second)
	defer cancel()
	ack, err := l.c.js.PublishMsg(ctx, &nats.Msg{Subject: l.subject, Data: []byte(holder)}, jetstream.WithExpectLastSequencePerSubject(behind))
	if err != nil {
		return 0, plainly(err)
	}
	return ack.Sequence, nil
}

// keep renews the lease until ctx ends, and gives it back then, or until it is
// lost. renewed is when the last successful write began.
func (l *Leadership) keep(ctx context.Context, s jetstream.Stream, revision uint64, renewed time.Time) {
	defer close(l.lost)
	defer l.holdsUntil(time.Time{})
	turn := time.NewTicker(l.ttl / 3)
	defer turn.Stop()
	for time.Since(renewed) < l.ttl {
		select {
		case <-ctx.Done():
			l.holdsUntil(time.Time{})
			l.giveBack(context.WithoutCancel(ctx), s, revision, renewed.Add(l.ttl))
			return
		case <-turn.C:
		}
		now := time.Now()
		// Not longer than the lease: others may have it then, and Lost says so.
		renewing, cancel := context.WithDeadline(ctx, renewed.Add(l.ttl))
		n, err := l.write(renewing, revision, l.id)
		switch {
		case err == nil:
			revision, renewed = n, now
			l.holdsUntil(now.Add(l.ttl))
		case errors.Is(err, ErrFenced):
			current, holder, err := l.current(renewing, s)
			if err == nil && holder != l.id {
				cancel()
				return
			}
			if err == nil { // what was of unknown outcome before had been written
				revision = current
			}
		}
		cancel()
	}
}

// giveBack frees the lease, unless it is another's, or is over anyway. In a cluster
// whose members have just changed, nobody may answer at first.
func (l *Leadership) giveBack(ctx context.Context, s jetstream.Stream, revision uint64, until time.Time) {
	ctx, cancel := context.WithDeadline(ctx, until)
	defer cancel()
	for ctx.Err() == nil {
		_, err := l.write(ctx, revision, "")
		if err == nil {
			_ = l.c.Publish("lease."+l.subject[len(prefixLease):], nil) // a hint: without it, others look soon
			return
		}
		if errors.Is(err, ErrClosed) {
			return
		}
		current, holder, err := l.current(ctx, s)
		if err == nil && holder != l.id {
			return
		}
		if err == nil { // what was of unknown outcome had been written
			revision = current
		}
		time.Sleep(20 * time.Millisecond)
	}
}

func (l *Leadership) holdsUntil(t time.Time) { l.until.Store(&t) }

// Holds reports whether nobody else can have the lease yet. After a process was
// stopped for a while it says so before Lost does.
func (l *Leadership) Holds() bool { return time.Now().Before(*l.until.Load()) }

// Lost is closed when the lease is given back, is another's, or could not be
// renewed in time.
func (l *Leadership) Lost() <-chan struct{} { return l.lost }

// Resign gives the lease back, so that another need not wait. It may be called
// twice, and after the lease was lost.
func (l *Leadership) Resign() {
	l.resign()
	l.ended.Wait()
}
