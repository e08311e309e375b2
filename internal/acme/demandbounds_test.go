package acme

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// demanding is a manager without an authority, which decides about names only.
func demanding(t *testing.T, ask func(context.Context, string) error) *Manager {
	m := &Manager{o: Options{Ask: ask, NewNames: 3, demandWait: demandWait, Log: slog.New(slog.DiscardHandler)}}
	m.ctx, m.cancel = context.WithCancel(t.Context())
	m.demand, m.started = newDemand(m), true
	m.names.Store((&table{}).copy())
	return m
}

// TestDemandAnswers: answers are kept for their time, no more than there is room
// for; who asks at the same time asks once.
func TestDemandAnswers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		asked := map[string]int{}
		var mu sync.Mutex
		m := demanding(t, func(_ context.Context, name string) error {
			mu.Lock()
			defer mu.Unlock()
			asked[name]++
			if name == "yes.example.org" {
				return nil
			}
			return errors.New("no")
		})
		d := m.demand
		for _, after := range []time.Duration{0, demandNo - 1, 1} {
			time.Sleep(after)
			if err := d.permitted(m.ctx, "no.example.org"); !errors.Is(err, ErrNotPermitted) {
				t.Error(err)
			}
			if err := d.permitted(m.ctx, "yes.example.org"); err != nil {
				t.Error(err)
			}
		}
		if asked["no.example.org"] != 2 || asked["yes.example.org"] != 1 {
			t.Errorf("%v", asked)
		}
		for i := range demandKept + 100 {
			_ = d.permitted(m.ctx, fmt.Sprintf("n%d.example.org", i))
		}
		if len(d.answers) > demandKept {
			t.Errorf("%d answers are kept", len(d.answers))
		}
		m.cancel()
		m.running.Wait()
	})
}

// TestDemandDue: a certificate that is due goes when its name has no permission
// any more; when nobody can be asked it is served on.
func TestDemandDue(t *testing.T) {
	for _, tt := range []struct {
		err  error
		goes bool
	}{{errors.New("timeout"), false}, {fmt.Errorf("%w: gone", ErrNo), true}} {
		m := demanding(t, func(context.Context, string) error { return tt.err })
		m.o.Retry = time.Minute
		n := &name{name: "a.example.org", m: m, cancel: func() {}}
		n.demand.Store(true)
		n.current.Store(&tls.Certificate{Leaf: &x509.Certificate{NotAfter: time.Now().Add(time.Hour)}})
		is := m.names.Load().copy()
		is.add(n)
		m.names.Store(is)
		err := n.look(t.Context())
		if !errors.Is(err, ErrNotPermitted) || (m.names.Load().find(n.name) == nil) != tt.goes {
			t.Errorf("%v: %v, and it goes: %v", tt.err, err, !tt.goes)
		}
		if n.note(err); n.failures != 0 {
			t.Errorf("%v is a failure of the authority", tt.err)
		}
		m.cancel()
	}
}

// TestDemandFaster: who finds that another handshake has the name served already
// has what it came for.
func TestDemandFaster(t *testing.T) {
	m := demanding(t, func(context.Context, string) error { return errors.New("nobody is to be asked") })
	const host = "a.example.org"
	n := &name{name: host, m: m, cancel: func() {}}
	n.demand.Store(true)
	is := m.names.Load().copy()
	is.add(n)
	m.names.Store(is)
	if err := m.demand.wait(t.Context(), host); !errors.Is(err, ErrNotYet) {
		t.Errorf("without a certificate: %v", err)
	}
	n.current.Store(&tls.Certificate{Leaf: &x509.Certificate{NotAfter: time.Now().Add(time.Hour)}})
	if err := m.demand.wait(t.Context(), host); err != nil {
		t.Error(err)
	}
	m.cancel()
	m.running.Wait()
}

// TestDemandBounds: so many are asked about at a time, a handshake waits so
// long, and so many names are new in an hour.
func TestDemandBounds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := demanding(t, func(ctx context.Context, _ string) error {
			<-ctx.Done()
			return ctx.Err()
		})
		d := m.demand
		var waiting sync.WaitGroup
		for i := range demandAtOnce {
			waiting.Go(func() {
				began := time.Now()
				if err := d.wait(t.Context(), fmt.Sprintf("n%d.example.org", i)); err == nil || time.Since(began) > demandWait {
					t.Errorf("after %v: %v", time.Since(began), err)
				}
			})
		}
		synctest.Wait()
		if err := d.wait(t.Context(), "more.example.org"); !errors.Is(err, ErrTooMany) {
			t.Error(err)
		}
		gone, leave := context.WithCancel(t.Context())
		leave()
		if err := d.wait(gone, "n1.example.org"); !errors.Is(err, ErrNotYet) {
			t.Error(err)
		}
		waiting.Wait()
		time.Sleep(demandNo)

		for hour := range 2 {
			for i := range 5 {
				if err := d.count(); (err == nil) != (i < 3) {
					t.Errorf("hour %d, name %d: %v", hour, i, err)
				}
			}
			time.Sleep(time.Hour)
		}
		m.cancel()
		m.running.Wait()
	})
}
