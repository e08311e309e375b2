//go:build !nonats

package bus

import (
	"io"
	"net"
	"sync"
)

// Of those who have not proven who they are, so many may be at a port at once, and
// so many of one host. One more ends the one that has been there longest, of that
// host or of all: so those who say nothing keep nobody out, for who has a key needs
// a moment only.
const (
	maxStrangers = 64
	maxOfHost    = 16
)

// strangers are those of a port.
type strangers struct {
	mu     sync.Mutex  // guards what follows; a leaf
	all    []*stranger // who came first is first
	turned int64       // how many were ended for another
}

type stranger struct {
	host string
	conn io.Closer
}

// enter counts a connection, until it is met.
func (s *strangers) enter(from net.Addr, conn io.Closer) *stranger {
	host, _, err := net.SplitHostPort(from.String())
	if err != nil {
		host = from.String()
	}
	one := &stranger{host, conn}
	s.mu.Lock()
	goes := s.makeRoom(host)
	s.all = append(s.all, one)
	s.mu.Unlock()
	if goes != nil {
		_ = goes.conn.Close()
	}
	return one
}

// makeRoom takes out who is to go; nil: there is room. mu is held.
func (s *strangers) makeRoom(host string) *stranger {
	of, oldest := 0, 0
	for i := len(s.all) - 1; i >= 0; i-- {
		if s.all[i].host == host {
			of, oldest = of+1, i
		}
	}
	switch {
	case of >= maxOfHost:
	case len(s.all) >= maxStrangers:
		oldest = 0
	default:
		return nil
	}
	goes := s.all[oldest]
	s.all = append(s.all[:oldest], s.all[oldest+1:]...)
	s.turned++
	return goes
}

// met: a connection is a stranger's no more, or over.
func (s *strangers) met(one *stranger) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, other := range s.all {
		if other == one {
			s.all = append(s.all[:i], s.all[i+1:]...)
			return
		}
	}
}

// now is how many there are, and how many were ended for others.
func (s *strangers) now() (n int, turned int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.all), s.turned
}
