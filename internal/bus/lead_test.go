//go:build !nonats

package bus

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
)

const shortTTL = minTTL

func lead(t *testing.T, c *Conn, ttl time.Duration) *Leadership {
	t.Helper()
	l, err := c.Lead(limited(t), "scheduler", ttl)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(l.Resign)
	return l
}

func TestLead(t *testing.T) {
	s := startServer(t, t.TempDir())
	// So long that nothing but a resignation can free it.
	a, b := connect(t, s, "a"), connect(t, s, "b")
	first := lead(t, a, time.Hour)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := b.Lead(ctx, "scheduler", time.Hour); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	second := make(chan error, 1)
	go func() {
		l, err := b.Lead(limited(t), "scheduler", time.Hour)
		if err == nil {
			l.Resign()
		}
		second <- err
	}()
	other, err := b.Lead(limited(t), "other", time.Hour) // leases of other names are others
	if err != nil {
		t.Fatal(err)
	}
	other.Resign()
	if !first.Holds() || other.Holds() {
		t.Errorf("who has a lease holds it: %v; who has resigned does: %v", first.Holds(), other.Holds())
	}
	first.Resign()
	first.Resign()
	<-first.Lost()
	if err := <-second; err != nil {
		t.Error(err)
	}
}

// TestLeadTakenOver: who dies without resigning is followed, and who is late
// finds out.
func TestLeadTakenOver(t *testing.T) {
	s := startServer(t, t.TempDir())
	a, b, c := connect(t, s, "a"), connect(t, s, "b"), connect(t, s, "c")
	first := lead(t, a, shortTTL)
	a.Close()
	<-first.Lost()
	if first.Holds() {
		t.Error("it holds a lease that it has lost")
	}
	second := lead(t, b, shortTTL)
	// As another would that takes it for dead.
	stream, err := c.js.Stream(limited(t), "leases")
	if err != nil {
		t.Fatal(err)
	}
	thief := &Leadership{c: c, subject: second.subject, id: "thief", ttl: time.Hour}
	for {
		at, _, err := thief.current(limited(t), stream)
		if err == nil {
			_, err = thief.write(limited(t), at, thief.id)
		}
		if err == nil {
			break
		}
		if !errors.Is(err, ErrFenced) { // it was renewed meanwhile
			t.Fatal(err)
		}
	}
	<-second.Lost()
	second.Resign()
	if _, holder, err := thief.current(limited(t), stream); err != nil || holder != thief.id {
		t.Errorf("the lease is %q's, %v", holder, err)
	}
}

func TestLeadEndsWithConnection(t *testing.T) {
	s := startServer(t, t.TempDir())
	a, b := connect(t, s, "a"), connect(t, s, "b")
	lead(t, a, time.Hour)
	waiting := make(chan error, 1)
	go func() {
		_, err := b.Lead(limited(t), "scheduler", time.Hour)
		waiting <- err
	}()
	b.Close()
	if err := <-waiting; err == nil {
		t.Error("a closed connection leads")
	}
}

// TestLeadHubs: two connections of a user without any special permissions.
func TestLeadHubs(t *testing.T) {
	ns := elsewhere(t, server.Options{Username: "u", Password: "secret"})
	var hubs []*Conn
	for _, name := range []string{"hub-1", "hub-2"} {
		c, err := Connect(limited(t), ConnectOptions{URL: ns.ClientURL(), Name: name, User: "u", Password: "secret"})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(c.Close)
		hubs = append(hubs, c)
	}
	testHubs(t, hubs[0], hubs[1])
}

// testHubs: the one leads and is asked by the other, which leads when the first
// is gone without a word.
func testHubs(t *testing.T, one, two *Conn) {
	answers := func(name string) Handler {
		return func(_ context.Context, r Request) ([]byte, error) { return []byte(name + " for " + r.From), nil }
	}
	// Who serves becomes known to the other servers of a cluster a moment later.
	asks := func(c *Conn, want string) {
		t.Helper()
		for ctx := limited(t); ; time.Sleep(time.Millisecond) {
			got, err := c.Call(ctx, "hub.join", nil)
			if err == nil && string(got) == want {
				return
			}
			if !errors.Is(err, ErrNobody) || ctx.Err() != nil {
				t.Fatalf("%q, %v", got, err)
			}
		}
	}
	const ttl = time.Second
	take := func(ctx context.Context, c *Conn) (*Leadership, error) {
		for {
			l, err := c.Lead(ctx, "hub", ttl)
			if err == nil || ctx.Err() != nil {
				return l, err
			}
			time.Sleep(10 * time.Millisecond) // a cluster that has no leader yet
		}
	}
	first, err := take(limited(t), one)
	if err != nil {
		t.Fatal(err)
	}
	serve(t, one, "hub.join", ServeOptions{}, answers("one"))
	asks(two, "one for "+two.Name())
	next := make(chan *Leadership)
	ctx := limited(t)
	go func() {
		l, err := take(ctx, two)
		if err != nil {
			t.Error(err)
		}
		next <- l
	}()
	one.Close()
	<-first.Lost()
	second := <-next
	if second == nil {
		t.FailNow()
	}
	defer second.Resign()
	serve(t, two, "hub.join", ServeOptions{}, answers("two"))
	asks(two, "two for "+two.Name())
}
