package acme

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/caddyserver/certmagic"
	"github.com/mholt/acmez/v3/acme"
)

// A name is what one certificate is for.
type name struct {
	name    string
	m       *Manager
	ctx     context.Context // ends when the name goes
	cancel  context.CancelFunc
	demand  atomic.Bool                     // a handshake has asked for it, and nobody has named it
	looked  chan struct{}                   // closed when it was looked at for the first time
	current atomic.Pointer[tls.Certificate] // with its Leaf; nil: there is none yet

	mu    sync.Mutex // guards what follows
	due   time.Time
	fault error
	when  time.Time // of the fault
	next  time.Time

	// The goroutine's own.
	first    sync.Once
	begin    int // which authority was asked when there were no failures
	failures int
	cuts     int       // how often in a row the hub of the fleet has ended what was begun
	told     time.Time // when the log got an error last
}

// load reads the certificate of the folder, if there is one, so that it is
// served at once; what else is to be done with it is for look. Of several
// authorities the one goes on that gave what lasts longest.
func (n *name) load() {
	for i, a := range n.m.issuers {
		c, _, err := n.m.folder.pair(n.site(a))
		if err != nil || c.Leaf.VerifyHostname(strings.Replace(n.name, "*", "x", 1)) != nil {
			continue
		}
		if had := n.current.Load(); had == nil || had.Leaf.NotAfter.Before(c.Leaf.NotAfter) {
			n.begin = i
			n.serve(&c)
		}
	}
}

// patientWith is how often in a row one authority may fail before the next one
// is asked.
const patientWith = 3

// authority is the one that is asked now.
func (n *name) authority() *authority {
	return n.m.issuers[(n.begin+n.failures/patientWith)%len(n.m.issuers)]
}

// ownFailures are those in a row of the authority that has failed now.
func (n *name) ownFailures() int {
	if len(n.m.issuers) < 2 {
		return n.failures
	}
	return n.failures/(patientWith*len(n.m.issuers))*patientWith + n.failures%patientWith
}

// site is what the files of the certificate by an authority have in common.
func (n *name) site(a *authority) string {
	site, _, _ := siteFile(certmagic.StorageKeys.SiteCert(a.IssuerKey(), n.name))
	return site
}

// mend puts the files in order that a process left that was killed. Under the
// lock it looks again, for they are not in order while another one stores them.
func (n *name) mend(ctx context.Context) error {
	f, site := n.m.folder, n.site(n.authority())
	if !errors.Is(f.whole(site), errBroken) {
		return nil // of other errors certmagic tells
	}
	lock := "issue_cert_" + n.name // certmagic's own
	if err := f.Lock(ctx, lock); err != nil {
		return err
	}
	defer f.unlock(lock)
	if !errors.Is(f.whole(site), errBroken) {
		return nil
	}
	n.m.o.Log.Warn("a certificate was not stored to the end; that is put in order", "name", n.name)
	return f.mend(site)
}

// keep looks after the certificate until ctx ends.
func (n *name) keep(ctx context.Context) {
	pause := time.NewTimer(0)
	defer pause.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-pause.C:
		}
		err := n.look(ctx)
		if ctx.Err() != nil {
			return
		}
		pause.Reset(n.note(err))
		n.first.Do(func() { close(n.looked) })
	}
}

// look reads the certificate anew, for another process may have renewed it, and
// gets one when there is none, when it is due, and when it was revoked. One that
// is served goes on being served meanwhile.
func (n *name) look(ctx context.Context) error {
	m := n.m
	if n.demand.Load() && n.isDue() {
		if err := m.demand.permitted(ctx, n.name); err != nil {
			if errors.Is(err, ErrNo) || n.current.Load() == nil {
				m.drop(n)
			}
			return err
		}
	}
	if err := n.mend(ctx); err != nil {
		return err
	}
	if s := m.shared; s != nil {
		err := s.pull(ctx, n.name)
		if c := n.current.Load(); err != nil && c != nil {
			n.serve(c) // it may be due since
		}
		if err != nil {
			if errors.Is(err, ErrAway) && !n.isDue() {
				return nil // what there is is served; nothing is to be done
			}
			return err
		}
		var done context.CancelFunc
		ctx, done = s.guard(ctx, certLock+n.name)
		defer done()
	}
	m.cache.RemoveManaged([]certmagic.SubjectIssuer{{Subject: n.name}})
	err := n.authority().config.ManageSync(ctx, []string{n.name})
	if why := ended(ctx); err != nil && why != nil {
		err = fmt.Errorf("%w: %w", errCut, why)
	}
	for _, c := range m.cache.AllMatchingCertificates(n.name) {
		if !slices.Contains(c.Names, n.name) || c.Leaf == nil {
			continue
		}
		if had := n.current.Load(); err != nil && had != nil && c.Leaf.NotAfter.Before(had.Leaf.NotAfter) {
			break // an old one, of an authority that was asked once
		}
		had := n.serve(&c.Certificate)
		if had == nil || !had.Leaf.Equal(c.Leaf) {
			m.o.Log.Info("a certificate is served", "name", n.name, "by", c.Leaf.Issuer.CommonName, "until", c.Leaf.NotAfter)
		}
		break
	}
	return err
}

// serve has a certificate be served, and returns the one before. It is renewed
// when the authority says, as it was chosen then, and at the latest when a third
// of its life is left.
func (n *name) serve(c *tls.Certificate) (had *tls.Certificate) {
	due := c.Leaf.NotAfter.Add(-life(c) / 3)
	if said := n.suggested(); !said.IsZero() && said.Before(due) {
		due = said
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.due = due
	return n.current.Swap(c)
}

// isDue reports whether there is no certificate, or another one is to be had.
func (n *name) isDue() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.current.Load() == nil || !time.Now().Before(n.due)
}

// valid reports whether there is a certificate that clients accept.
func (n *name) valid() bool {
	c := n.current.Load()
	return c != nil && time.Now().Before(c.Leaf.NotAfter)
}

func (n *name) suggested() time.Time {
	data, err := n.m.folder.Load(context.Background(), certmagic.StorageKeys.SiteMeta(n.authority().IssuerKey(), n.name))
	if err != nil {
		return time.Time{}
	}
	var kept struct {
		Data acme.Certificate `json:"issuer_data"`
	}
	if json.Unmarshal(data, &kept) != nil || kept.Data.RenewalInfo == nil {
		return time.Time{}
	}
	return kept.Data.RenewalInfo.SelectedTime
}

// errCut is that the hub of the fleet went away, or took the lock back, while the
// authority was asked. That is no fault of the authority, but it may have counted
// what was begun.
var errCut = errors.New("what was begun was given up")

// note keeps what came of a look, tells it, and returns when to look again.
func (n *name) note(err error) time.Duration {
	now := time.Now()
	if err == nil {
		if n.failures > 0 {
			n.m.o.Log.Info("the certificate is in order again", "name", n.name, "failures", n.failures)
		}
		if len(n.m.issuers) > 0 {
			n.begin = (n.begin + n.failures/patientWith) % len(n.m.issuers)
		}
		n.failures, n.cuts, n.told = 0, 0, time.Time{}
		n.set(nil, now, time.Time{})
		return jitter(min(n.m.o.Check, n.share(looksInLife)))
	}
	if errors.Is(err, ErrAway) || errors.Is(err, errCut) || errors.Is(err, errNoRoom) || errors.Is(err, ErrNotPermitted) { // no fault of the authority
		pause := n.m.o.Retry
		if errors.Is(err, errCut) {
			pause = n.after(n.cuts)
			n.cuts++
		}
		pause = jitter(min(pause, n.share(triesInLife)))
		n.tell(err, now, now.Add(pause))
		n.set(err, now, now.Add(pause))
		return pause
	}
	err = plain(err)
	pause := min(n.after(n.ownFailures()), n.share(triesInLife))
	var problem acme.Problem
	if errors.As(err, &problem) && problem.Type == acme.ProblemTypeRateLimited {
		pause = max(pause, n.m.o.Retry*time.Duration(limitedPause/time.Minute))
	}
	pause = jitter(pause)
	was := n.failures / patientWith
	n.failures++
	if all := len(n.m.issuers); all > 1 && n.failures/patientWith != was {
		n.m.o.Log.Warn("another authority is asked", "name", n.name, "authority", n.authority().o.Directory)
	}
	n.tell(err, now, now.Add(pause)) // before anybody sees it in the state
	n.set(err, now, now.Add(pause))
	return pause
}

// tell logs a failure: as an error when people can see it, or soon will, once a
// day; else as a warning.
func (n *name) tell(err error, now, next time.Time) {
	level, what := slog.LevelWarn, "a certificate is not renewed"
	args := []any{"name", n.name, "err", err, "next", next}
	c := n.current.Load()
	if c == nil {
		what = "there is no certificate"
	} else {
		args = append(args, "until", c.Leaf.NotAfter)
	}
	if near := c == nil || c.Leaf.NotAfter.Sub(now) < life(c)/4; near && now.Sub(n.told) >= toldEvery {
		level, n.told = slog.LevelError, now
	}
	n.m.o.Log.Log(context.Background(), level, what, args...)
}

func (n *name) set(err error, when, next time.Time) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.fault, n.when, n.next = err, when, next
	if err == nil {
		n.when = time.Time{}
	}
}

func (n *name) now() State {
	n.mu.Lock()
	defer n.mu.Unlock()
	s := State{Name: n.name, Err: n.fault, Failed: n.when, Next: n.next}
	if c := n.current.Load(); c != nil {
		s.Issuer = c.Leaf.Issuer.CommonName
		s.From, s.Until, s.Due = c.Leaf.NotBefore, c.Leaf.NotAfter, n.due
	}
	return s
}

// plain is the error without the words of those who passed it on, when the
// authority has said what is wrong.
func plain(err error) error {
	var problem acme.Problem
	if errors.As(err, &problem) {
		return fmt.Errorf("the authority says: %w", problem)
	}
	return err
}
