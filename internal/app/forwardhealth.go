package app

import (
	"net/url"
	"sync"
	"weak"

	"freshet/internal/guard"
)

// services are those of forward-auth that the routes ask that there are. The zero
// value is ready.
type services struct {
	mu  sync.Mutex // guards all; a leaf
	all map[string]weak.Pointer[guard.ForwardHealth]
}

// of is how the service at a URL is, for all routes that ask it.
func (s *services) of(service string, w *within) *guard.ForwardHealth {
	s.mu.Lock()
	defer s.mu.Unlock()
	if h := s.all[service].Value(); h != nil {
		return h
	}
	name := service
	if u, err := url.Parse(service); err == nil {
		name = u.Redacted()
	}
	h := guard.NewForwardHealth(name, w.log, w.now)
	s.sweep()
	if s.all == nil {
		s.all = map[string]weak.Pointer[guard.ForwardHealth]{}
	}
	s.all[service] = weak.Make(h)
	return h
}

// failing is how many of them failed when they were asked last.
func (s *services) failing() (n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, p := range s.all {
		if h := p.Value(); h != nil && h.Failing() {
			n++
		}
	}
	return n
}

// sweep forgets those that no route asks any more; s.mu is held.
func (s *services) sweep() {
	for service, p := range s.all {
		if p.Value() == nil {
			delete(s.all, service)
		}
	}
}
