//go:build !nonats

package bus

import (
	"context"
	"errors"
	"testing"
	"time"
)

// The peer that says where streams are ends in good order: another one does, before
// it is gone, so that streams can be made and led at once.
func TestPeerYields(t *testing.T) {
	s := newSet(t)
	s.begin(0, 1, 2)
	s.whole()
	leader := func() int {
		for i, p := range s.peers {
			if p != nil && p.ns.JetStreamIsLeader() {
				return i
			}
		}
		return -1
	}
	ctx := limited(t)
	for leader() < 0 {
		if time.Sleep(5 * time.Millisecond); ctx.Err() != nil {
			t.Fatal("nobody leads")
		}
	}
	open := func(i int, name string) *Log {
		t.Helper()
		c, err := s.peers[i].Connect("hub")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(c.Close)
		for {
			once, cancel := context.WithTimeout(ctx, 2*time.Second)
			l, err := c.Log(once, name, LogOptions{})
			cancel()
			if err == nil {
				return l
			}
			if ctx.Err() != nil {
				t.Fatal(err)
			}
		}
	}
	at := leader()
	open(at, "before")
	s.peers[at].Yield()
	for leader() < 0 { // it was told that it does, and finds that out
		if time.Sleep(5 * time.Millisecond); ctx.Err() != nil {
			t.Fatal("nobody leads")
		}
	}
	if next := leader(); next == at {
		t.Errorf("peer %d leads still", at)
	}
	s.end(at)
	gone := time.Now()
	l := open((at+1)%len(s.peers), "after")
	for {
		once, cancel := context.WithTimeout(ctx, 2*time.Second)
		_, err := l.Append(once, 0, []byte("x"))
		cancel()
		if err == nil || errors.Is(err, ErrFenced) { // it was there already, unheard
			break
		}
		if ctx.Err() != nil {
			t.Fatal(err)
		}
	}
	t.Logf("a log is made, and written to, %.2f s after its end", time.Since(gone).Seconds())
}
