package acme

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"sync"
	"time"

	"github.com/caddyserver/certmagic"
)

// storage is where certificates are kept: a folder, or that of a fleet.
type storage interface {
	certmagic.Storage
	room() error
	remove(key string) error
}

// certLock is how certmagic's locks of names begin.
const certLock = "issue_cert_"

// shared is the storage of a fleet, as a member sees it: what the hub keeps, and
// of that in the own folder what is served here.
type shared struct {
	*folder
	hub   *Hub
	life  time.Duration              // of a lease
	sites func(name string) []string // of a name, one for each authority

	open *listings // of challenges

	mu     sync.Mutex // guards what follows
	leases map[string]*lease
	guards map[string]context.CancelCauseFunc // of what is done under a lock, by its name
}

// A lease is a lock that the hub has lent.
type lease struct {
	id   string
	stop context.CancelFunc
	done chan struct{}
	lost bool
}

var errLost = errors.New("the hub of the fleet does not know any more that this server asks for the certificate")

func newShared(f *folder, h *Hub, life time.Duration) *shared {
	s := &shared{folder: f, hub: h, life: life, leases: map[string]*lease{}, guards: map[string]context.CancelCauseFunc{}}
	s.open = &listings{ctx: context.Background(), spawn: func(f func()) bool { go f(); return true }, list: s.list, load: s.load}
	return s
}

// guarded is by what a context of guard has how it is ended.
type guarded struct{}

// guard returns a context that ends when a lock is lost, or when the hub does not
// answer what is asked with it. What is done with it wraps errors so that they are
// not known any more; the context's cause is.
func (s *shared) guard(ctx context.Context, lock string) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancelCause(ctx)
	ctx = context.WithValue(ctx, guarded{}, cancel)
	lock = safe(lock)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.guards[lock] = cancel
	return ctx, func() {
		s.mu.Lock()
		delete(s.guards, lock)
		s.mu.Unlock()
		cancel(nil)
	}
}

// ended is why a context of guard has ended, if it is because of the hub.
func ended(ctx context.Context) error {
	if err := context.Cause(ctx); errors.Is(err, ErrAway) || errors.Is(err, errLost) {
		return err
	}
	return nil
}

// ask asks the hub. What needs a lock and does not have it is errLost.
func (s *shared) ask(ctx context.Context, q *question) (*answer, error) {
	a, err := s.hub.call(ctx, q)
	if err == nil && a.Lost {
		err = errLost
	}
	return a, s.stops(ctx, err)
}

// stops ends a context of guard because of an error of the hub.
func (s *shared) stops(ctx context.Context, err error) error {
	if stop, ok := ctx.Value(guarded{}).(context.CancelCauseFunc); ok && (errors.Is(err, ErrAway) || errors.Is(err, errLost)) {
		stop(err)
	}
	return err
}

// Lock implements certmagic.Storage. With the lock of a name comes what the hub
// has of it.
func (s *shared) Lock(ctx context.Context, name string) error {
	if strings.HasPrefix(name, "ari_") {
		return s.folder.Lock(ctx, name) // two who ask when to renew do no harm
	}
	of, ofName := strings.CutPrefix(name, certLock)
	name = safe(name)
	l := &lease{id: newID(), done: make(chan struct{})}
	if err := s.borrow(ctx, name, l); err != nil {
		return err
	}
	life, stop := context.WithCancel(context.WithoutCancel(ctx))
	l.stop = stop
	s.mu.Lock()
	s.leases[name] = l
	s.mu.Unlock()
	go func() {
		defer close(l.done)
		s.renew(life, name, l)
	}()
	if ofName {
		if err := s.pull(ctx, of); err != nil {
			return errors.Join(err, s.Unlock(ctx, name))
		}
	}
	return nil
}

// borrow waits for the hub's lock.
func (s *shared) borrow(ctx context.Context, name string, l *lease) error {
	for {
		a, err := s.ask(ctx, &question{Do: "lock", Lock: name, ID: l.id})
		if err != nil {
			return err
		}
		if !a.Busy {
			return nil
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
}

// renew renews a lease until ctx ends, or it may be another's.
func (s *shared) renew(ctx context.Context, name string, l *lease) {
	renewed := time.Now()
	turn := time.NewTicker(s.life / 3)
	defer turn.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-turn.C:
		}
		asked := time.Now()
		asking, cancel := context.WithDeadline(ctx, renewed.Add(s.life*2/3))
		a, err := s.hub.call(asking, &question{Do: "renew", Lock: name, ID: l.id})
		cancel()
		switch {
		case ctx.Err() != nil:
			return
		case err == nil && !a.Lost:
			renewed = asked
		case err == nil || time.Since(renewed) >= s.life*2/3:
			s.mu.Lock()
			l.lost = true
			if stop := s.guards[name]; stop != nil {
				stop(errLost)
			}
			s.mu.Unlock()
			return
		}
	}
}

// Unlock implements certmagic.Storage.
func (s *shared) Unlock(ctx context.Context, name string) error {
	if strings.HasPrefix(name, "ari_") {
		return s.folder.unlock(name)
	}
	name = safe(name)
	s.mu.Lock()
	l := s.leases[name]
	delete(s.leases, name)
	s.mu.Unlock()
	if l == nil {
		return fmt.Errorf("%s is not locked", name)
	}
	l.stop()
	<-l.done
	_, _ = s.hub.call(context.WithoutCancel(ctx), &question{Do: "unlock", Lock: name, ID: l.id}) // else it ends by itself
	return nil
}

func safe(lock string) string { return certmagic.StorageKeys.Safe(lock) }

// put puts a certificate into the own folder, which other processes may have, too.
func (s *shared) put(ctx context.Context, site string, p *parts, meta []byte) error {
	if err := s.folder.Lock(ctx, "put"); err != nil {
		return err
	}
	return errors.Join(s.storeAll(site, p, meta), s.folder.unlock("put"))
}

// Store implements certmagic.Storage: at the hub first, then here.
func (s *shared) Store(ctx context.Context, key string, value []byte) error {
	all, held := s.hold(key, value)
	switch {
	case held:
		return nil
	case all != nil:
		site, _, _ := siteFile(key)
		if err := s.push(ctx, site, &files{all.key, all.cert, value}); err != nil {
			return err
		}
		return s.put(ctx, site, all, value)
	}
	if !ofFleet(key) && !strings.HasPrefix(key, "certificates/") {
		return s.write(key, value)
	}
	if _, err := s.ask(ctx, &question{Do: "store", Key: key, Value: value}); err != nil {
		return err
	}
	if strings.HasPrefix(key, "certificates/") {
		return s.write(key, value)
	}
	return nil
}

// push gives the hub a certificate.
func (s *shared) push(ctx context.Context, site string, f *files) error {
	lock := certLock + site[strings.LastIndexByte(site, '/')+1:]
	s.mu.Lock()
	l := s.leases[lock]
	lost := l == nil || l.lost
	s.mu.Unlock()
	if lost {
		return s.stops(ctx, errLost)
	}
	_, err := s.ask(ctx, &question{Do: "push", Key: site, Lock: lock, ID: l.id, Site: f})
	return err
}

// pull brings what the hub has of a name, unless it is here.
func (s *shared) pull(ctx context.Context, name string) error {
	for _, site := range s.sites(name) {
		a, err := s.ask(ctx, &question{Do: "pull", Key: site})
		if err != nil {
			return err
		}
		if a.None || a.Site == nil {
			continue
		}
		got, err := tls.X509KeyPair(a.Site.Cert, a.Site.Key)
		if err != nil {
			return fmt.Errorf("the hub's certificate: %w", err)
		}
		had, _, err := s.pair(site)
		if err == nil && had.Leaf.NotAfter.After(got.Leaf.NotAfter) {
			continue
		}
		if own, err := s.files(site); err == nil && bytes.Equal(own.Cert, a.Site.Cert) && bytes.Equal(own.Key, a.Site.Key) && bytes.Equal(own.Meta, a.Site.Meta) {
			continue
		}
		if err := s.put(ctx, site, &parts{key: a.Site.Key, cert: a.Site.Cert}, a.Site.Meta); err != nil {
			return err
		}
	}
	return nil
}

// ofFleet reports whether the hub alone has a key: an account, or a challenge.
// What is for a moment, and probes, are this server's own.
func ofFleet(key string) bool {
	return strings.HasPrefix(key, "accounts/") || strings.HasPrefix(key, "challenges/")
}

// Load implements certmagic.Storage: what the fleet has one of, from the hub.
func (s *shared) Load(ctx context.Context, key string) ([]byte, error) {
	if !ofFleet(key) {
		return s.folder.Load(ctx, key)
	}
	if strings.HasPrefix(key, "challenges/") {
		return s.open.find(ctx, key)
	}
	return s.load(ctx, key)
}

// load asks the hub for what the fleet has one of.
func (s *shared) load(ctx context.Context, key string) ([]byte, error) {
	a, err := s.ask(ctx, &question{Do: "load", Key: key})
	if err == nil && a.None {
		err = fs.ErrNotExist
	}
	if err != nil {
		return nil, err
	}
	return a.Value, nil
}

// list asks the hub which challenges are open.
func (s *shared) list(ctx context.Context) ([]string, error) {
	a, err := s.ask(ctx, &question{Do: "open"})
	if err != nil {
		return nil, err
	}
	return a.Open, nil
}

// Delete implements certmagic.Storage.
func (s *shared) Delete(ctx context.Context, key string) error {
	if !ofFleet(key) {
		return s.folder.Delete(ctx, key)
	}
	_, err := s.ask(ctx, &question{Do: "delete", Key: key})
	return err
}

func (s *shared) remove(key string) error { return s.Delete(context.Background(), key) }

// files are those of a certificate that is whole.
func (f *folder) files(site string) (*files, error) {
	if err := f.whole(site); err != nil {
		return nil, err
	}
	var all [3][]byte
	for i, ext := range []string{".key", ".crt", ".json"} {
		var err error
		if all[i], err = f.Load(context.Background(), site+ext); err != nil {
			return nil, err
		}
	}
	if _, err := tls.X509KeyPair(all[1], all[0]); err != nil {
		return nil, errBroken // it is being replaced
	}
	return &files{all[0], all[1], all[2]}, nil
}
