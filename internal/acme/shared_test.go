package acme

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// TestLeaseLost: what is done under a lock ends when the hub is away for longer
// than others leave it alone, and nothing is stored then.
func TestLeaseLost(t *testing.T) {
	at, _ := testFolder(t)
	own, _ := testFolder(t)
	m := &Manager{desk: &desk{folder: at, life: time.Minute, lent: map[string]*lent{}}}
	defer m.desk.close()
	h := &Hub{}
	answer := func(ctx context.Context, q []byte) ([]byte, error) { return m.Answer(ctx, "n1", q) }
	h.Link(answer)
	s := newShared(own, h, 300*time.Millisecond)
	s.sites = func(name string) []string { return []string{"certificates/a/" + name + "/" + name} }
	const lock = certLock + "a.example.org"
	ctx, done := s.guard(t.Context(), lock)
	defer done()
	if err := s.Lock(ctx, lock); err != nil {
		t.Fatal(err)
	}
	h.Link(nil)
	<-ctx.Done()
	if err := context.Cause(ctx); !errors.Is(err, errLost) {
		t.Error(err)
	}
	h.Link(answer)
	v := newVersion(t, 1)
	if err := s.push(t.Context(), "certificates/a/a.example.org/a.example.org", &files{v.key, v.cert, v.meta}); !errors.Is(err, errLost) {
		t.Errorf("a certificate is taken without the lock: %v", err)
	}
	if err := s.Unlock(ctx, lock); err != nil {
		t.Error(err)
	}
	if err := s.Lock(t.Context(), lock); err != nil { // it was given back
		t.Error(err)
	}
	if err := s.Unlock(t.Context(), lock); err != nil {
		t.Error(err)
	}
}

// TestProofTurn: who asks for a proof while others hold all turns waits for one.
func TestProofTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := &Hub{}
		h.Link(func(context.Context, []byte) ([]byte, error) {
			time.Sleep(time.Second)
			return []byte(`{"value":"eA=="}`), nil
		})
		s := newShared(nil, h, time.Minute)
		var all sync.WaitGroup
		for range 3 * cap(s.asking) {
			all.Go(func() {
				if value, err := s.Load(t.Context(), "challenges/http/x"); err != nil || string(value) != "x" {
					t.Errorf("%q, %v", value, err)
				}
			})
		}
		all.Wait()
	})
}
