package acme

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// Names on demand are those that nobody has named before the first handshake
// asks for them. Whoever can reach the server can ask for any name, so that
// each one is permitted by Options.Ask first, and all is bounded: how many are
// asked about or ordered at a time, how many are new in an hour, how long an
// answer is kept and how many are, how long a handshake waits, and how many
// names there are.
const (
	demandAtOnce = 8
	demandNames  = 10_000
	demandKept   = 4096
	demandYes    = 10 * time.Minute
	demandNo     = time.Minute
	demandAsk    = 10 * time.Second // for an answer
	demandWait   = 20 * time.Second // of a handshake
)

// DefaultNewNames is how many names on demand are new in an hour.
const DefaultNewNames = 60

// Errors of handshakes for names on demand.
var (
	ErrNotPermitted = errors.New("it is not permitted to have a certificate for that name")
	ErrTooMany      = errors.New("too many names are new; a handshake later may have its certificate")
)

// ErrNo is in the errors of Options.Ask that are a firm no. A name that has a
// certificate keeps it while who is to say cannot be asked.
var ErrNo = errors.New("no")

// demand decides about names on demand.
type demand struct {
	m   *Manager
	now func() time.Time

	mu      sync.Mutex // guards what follows; Manager.mu is taken under it
	answers map[string]verdict
	asking  map[string]*asking
	since   time.Time // when the hour began
	fresh   int       // names that were new in it
}

// A verdict is what was said of a name.
type verdict struct {
	err   error // nil: it is permitted
	until time.Time
}

// asking is a name that is asked about, or whose first certificate is on its way.
type asking struct {
	done chan struct{} // closed when it is over
	err  error         // of it; to be read when it is
}

func newDemand(m *Manager) *demand {
	return &demand{m: m, now: time.Now, answers: map[string]verdict{}, asking: map[string]*asking{}}
}

// wait waits until there is a certificate for a host that may have one,
// for a while.
func (d *demand) wait(ctx context.Context, host string) error {
	if err := CheckName(host, false); err != nil {
		return fmt.Errorf("%q: %w: %w", host, ErrNoName, err)
	}
	if d.kept(host) {
		return nil
	}
	a, err := d.begin(host)
	if err != nil {
		return fmt.Errorf("%s: %w", host, err)
	}
	late := time.NewTimer(d.m.o.demandWait)
	defer late.Stop()
	select {
	case <-a.done:
		if a.err != nil {
			return fmt.Errorf("%s: %w", host, a.err)
		}
		return nil
	case <-late.C:
	case <-ctx.Done():
	}
	return fmt.Errorf("%s: %w", host, ErrNotYet)
}

// kept has a name be served whose certificate is in the folder, as after a restart:
// it was permitted when it was got, and is asked about when it is renewed. So
// nobody waits for an answer, or for those who ask for names that there are not.
func (d *demand) kept(host string) bool {
	d.mu.Lock()
	v, known := d.answers[host]
	refused := known && v.err != nil && d.now().Before(v.until)
	d.mu.Unlock()
	if refused {
		return false
	}
	n := d.m.newName(host)
	n.demand.Store(true)
	if n.isDue() || !d.m.addDemanded(n) {
		n.cancel()
		return false
	}
	return true
}

// begin has somebody ask whether a host may have a certificate, and get it; for
// all who want it at the same time once.
func (d *demand) begin(host string) (*asking, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	now := d.now()
	if v, known := d.answers[host]; known && v.err != nil && now.Before(v.until) {
		return nil, v.err
	}
	if a := d.asking[host]; a != nil {
		return a, nil
	}
	if n := d.m.names.Load().find(host); n != nil {
		if n.current.Load() != nil { // another handshake was faster
			return over(), nil
		}
		return nil, ErrNotYet // it is tried again by itself
	}
	if len(d.asking) >= demandAtOnce {
		return nil, ErrTooMany
	}
	a := &asking{done: make(chan struct{})}
	if !d.m.spawn(func() {
		err := d.first(host)
		d.mu.Lock()
		delete(d.asking, host)
		d.mu.Unlock()
		a.err = err
		close(a.done)
	}) {
		return nil, errClosed
	}
	d.asking[host] = a
	return a, nil
}

// over is what has nothing to be waited for.
func over() *asking {
	a := &asking{done: make(chan struct{})}
	close(a.done)
	return a
}

// first asks about a host, and gets its first certificate.
func (d *demand) first(host string) error {
	n := d.m.newName(host)
	n.demand.Store(true)
	had := n.valid()
	err := d.permitted(d.m.ctx, host)
	if had && err != nil && !errors.Is(err, ErrNo) {
		err = nil // nobody can be asked: what there is is served
	}
	if err == nil && n.current.Load() == nil {
		err = d.count()
	}
	if err != nil {
		n.cancel()
		return err
	}
	if !d.m.addDemanded(n) {
		n.cancel()
		return ErrTooMany
	}
	if n.current.Load() != nil {
		return nil
	}
	select {
	case <-n.looked:
	case <-n.ctx.Done():
	}
	if n.current.Load() == nil {
		return ErrNotYet
	}
	return nil
}

// count counts a name that is new.
func (d *demand) count() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if now := d.now(); now.Sub(d.since) >= time.Hour {
		d.since, d.fresh = now, 0
	}
	if d.fresh >= d.m.o.NewNames {
		return ErrTooMany
	}
	d.fresh++
	return nil
}

// permitted asks whether a host may have a certificate, unless that was said a
// short while ago.
func (d *demand) permitted(ctx context.Context, host string) error {
	d.mu.Lock()
	v, known := d.answers[host]
	now := d.now()
	d.mu.Unlock()
	if known && now.Before(v.until) {
		return v.err
	}
	asked, cancel := context.WithTimeout(ctx, demandAsk)
	defer cancel()
	v = verdict{until: now.Add(demandYes)}
	if err := d.m.o.Ask(asked, host); err != nil {
		v = verdict{fmt.Errorf("%w: %w", ErrNotPermitted, err), now.Add(demandNo)}
		d.m.o.Log.Info("a name gets no certificate", "name", host, "err", err)
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.keep(host, v, now)
	return v.err
}

// keep keeps an answer. Those that are over make room for it, or else any.
func (d *demand) keep(host string, v verdict, now time.Time) {
	if len(d.answers) >= demandKept {
		for other, of := range d.answers {
			if !now.Before(of.until) {
				delete(d.answers, other)
			}
		}
	}
	for other := range d.answers {
		if len(d.answers) < demandKept {
			break
		}
		delete(d.answers, other)
	}
	d.answers[host] = v
}

// addDemanded has a name on demand be looked after.
func (m *Manager) addDemanded(n *name) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	was := m.names.Load()
	if m.closed || len(was.exact) >= demandNames || was.exact[n.name] != nil { // the last: somebody has named it meanwhile
		return false
	}
	is := was.copy()
	is.add(n)
	m.names.Store(is)
	m.run(n)
	return true
}

// spawn runs what Close waits for, between Start and Close.
func (m *Manager) spawn(f func()) bool { return m.runs(f, true) }

// runs runs what Close waits for, unless that was called.
func (m *Manager) runs(f func(), afterStart bool) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed || afterStart && !m.started {
		return false
	}
	m.running.Go(f)
	return true
}

// drop takes a name on demand away that may have no certificate any more.
func (m *Manager) drop(n *name) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if was := m.names.Load(); was.exact[n.name] == n {
		is := was.copy()
		delete(is.exact, n.name)
		m.names.Store(is)
	}
	n.cancel()
}

// onDemand returns the name of a host that has just been asked for.
func (m *Manager) onDemand(ctx context.Context, host string) (*name, error) {
	if err := m.demand.wait(ctx, host); err != nil {
		return nil, err
	}
	if n := m.names.Load().find(host); n != nil {
		return n, nil
	}
	return nil, fmt.Errorf("%s: %w", host, ErrNotYet)
}

// OnDemand reports whether a host that nobody has named may be asked about.
func (m *Manager) OnDemand(host string) bool {
	return m.o.Ask != nil && CheckName(host, false) == nil
}
