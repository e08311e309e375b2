package app

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"sync"

	"freshet/fleet"
	"freshet/internal/authority"
	"freshet/internal/config"
	"freshet/internal/control"
	"freshet/internal/worker"
)

// A routed purger is the own cache's until the server is known to be of a fleet.
type routed struct {
	own control.Purger

	mu sync.RWMutex // held while the server becomes part of a fleet
	to control.Purger
}

// Purge implements control.Purger.
func (r *routed) Purge(q *control.Request) (*control.Answer, error) { return r.now().Purge(q) }

func (r *routed) now() control.Purger {
	r.mu.RLock()
	defer r.mu.RUnlock()
	if r.to != nil {
		return r.to
	}
	return r.own
}

// fleets reports whether purges are those of a fleet.
func (r *routed) fleets() bool {
	if r == nil {
		return false
	}
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.to != nil
}

// cache is what purges of a fleet are applied to; nil: nothing is stored.
func (r *routed) cache() fleet.Cache {
	if r == nil {
		return nil
	}
	c, _ := r.own.(fleet.Cache)
	return c
}

// route has purges go over the fleet.
func (r *routed) route(to control.Purger) {
	if r != nil && to != nil {
		r.to = to
	}
}

// become holds purges back while the server becomes part of a fleet.
func (r *routed) become(part func() error) error {
	if r == nil {
		return part()
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return part()
}

// secretOf is the token that a command line says, or whose file it does, which
// nobody else may read: who has the token is that server.
func secretOf(c config.Secret, flag string) (string, error) {
	if c.File == "" {
		return c.Text, nil
	}
	text, err := authority.ReadKey(c.File)
	var system *fs.PathError
	if errors.As(err, &system) {
		return "", fileFault(flag, c.File, err)
	}
	if err != nil {
		return "", fmt.Errorf("%s: %w", flag, err)
	}
	line, _, _ := bytes.Cut(text, []byte("\n"))
	return strings.TrimSpace(string(line)), nil
}

// A joining is a server's part in the fleet of another one.
type joining struct {
	stop  context.CancelFunc
	ended sync.WaitGroup
}

// join joins the fleet of another server. What is stored is held when it returns.
func (s *service) join() error {
	c := &s.conf.Jobs
	token, err := secretOf(c.Join, "--join-file")
	if err != nil {
		return err
	}
	if err := fleet.CheckToken(token); err != nil {
		return fmt.Errorf("--join: %w", err)
	}
	o := fleet.MemberOptions{Token: token, Patient: true, Stays: true, Figures: s.fleetFigures, Dir: s.content.data, Ring: s.ring, ErrorLog: s.log.Logger,
		Ready: func(name, about string) {
			s.env.tell("fleet: joined as %s", name)
			if about != "" {
				s.env.tell("fleet: %s", about)
			}
		}}
	if s.conf.Auto.Fleet {
		o.Linked = s.hub.Link
	}
	if s.tickets != nil {
		o.Tickets = s.takeTickets
	}
	if cache := s.purges.cache(); cache != nil {
		cache.Hold()
		o.Cache = cache
		s.purges.route(fleet.Alone(s.purges.own))
	}
	if c.Tasks > 0 {
		o.Worker = &worker.Options{Version: version(), Capacity: int(c.Tasks), User: c.User, Dirs: c.Dirs, Drain: max(s.conf.ShutdownTimeout, 1)}
	}
	ctx, stop := context.WithCancel(context.Background())
	s.member = &joining{stop: stop}
	s.member.ended.Go(func() {
		if err := fleet.Join(ctx, o); err != nil && ctx.Err() == nil {
			s.log.Error("this server is no part of the fleet any more; what it has stored is validated before each use, until it is started with a token that is valid", "err", err)
			s.env.tell("fleet: not part of it: %v", err)
		}
	})
	return nil
}

func (j *joining) close() {
	if j != nil {
		j.stop()
		j.ended.Wait()
	}
}

// purgeOverFleet does what a PURGE request asks for on all servers of the fleet.
func purgeOverFleet(p control.Purger, url string, tags []string, soft bool) (text string, err error) {
	q := &control.Request{Tags: tags, Soft: soft}
	if len(tags) == 0 {
		q.URLs = []string{url}
	}
	a, err := p.Purge(q)
	switch {
	case err != nil:
		return "", err
	case len(a.Faults) > 0: // also of one that holds, but not after a restart
		return "", errors.New(strings.Join(a.Faults, "; "))
	case a.Receipt == nil:
		return "", errors.New("nothing was purged")
	case a.Receipt.Counting:
		return "counting; receipt " + a.Receipt.ID, nil
	}
	return answers(int(a.Receipt.Objects)), nil
}
