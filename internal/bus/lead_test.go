//go:build !nonats

package bus

import (
	"context"
	"errors"
	"testing"
	"time"
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
