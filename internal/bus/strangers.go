//go:build !nonats

package bus

import (
	"io"
	"math/rand/v2"
	"net"
	"net/netip"
	"sync"
	"time"

	"freshet/internal/who"
)

// Of those who have not proven who they are, so many may be at a port at once, and
// so many of one host. One more ends another, of that host or of all: whichever,
// for who has a key needs a moment only, and must not be the one that goes when
// others come faster than that. Hosts from which a key was shown lately are counted
// by themselves, so that those of other hosts end none of theirs.
const (
	maxStrangers = 256 // of either kind of host
	maxOfHost    = 32
	// trustedFor is how long a host is known after a key was shown from there.
	trustedFor = 7 * 24 * time.Hour
	// maxTrusted is how many hosts are known.
	maxTrusted = 4 << 10
)

// strangers are those of a port.
type strangers struct {
	mu      sync.Mutex  // guards what follows; a leaf
	others  []*stranger // of hosts that are not known
	known   []*stranger // of those that are
	trusted map[netip.Prefix]time.Time
	turned  int64 // how many were ended for another
}

type stranger struct {
	host netip.Prefix
	conn io.Closer
}

func hostOf(from net.Addr) netip.Prefix {
	at, _ := netip.ParseAddrPort(from.String()) // what has none is one host
	return who.ClientOf(at.Addr())
}

// enter counts a connection, until it is met.
func (s *strangers) enter(from net.Addr, conn io.Closer) *stranger {
	one := &stranger{hostOf(from), conn}
	s.mu.Lock()
	list := &s.others
	if shown, ok := s.trusted[one.host]; ok && time.Since(shown) < trustedFor {
		list = &s.known
	}
	goes := makeRoom(list, one.host)
	if goes != nil {
		s.turned++
	}
	*list = append(*list, one)
	s.mu.Unlock()
	if goes != nil {
		_ = goes.conn.Close()
	}
	return one
}

// makeRoom takes out who is to go; nil: there is room.
func makeRoom(list *[]*stranger, host netip.Prefix) *stranger {
	of, goes := 0, 0
	for i, other := range *list {
		if other.host == host {
			if of++; rand.N(of) == 0 { // each of them is as likely
				goes = i
			}
		}
	}
	switch {
	case of >= maxOfHost:
	case len(*list) >= maxStrangers:
		goes = rand.N(len(*list))
	default:
		return nil
	}
	return takeOut(list, goes)
}

func takeOut(list *[]*stranger, i int) *stranger {
	all := *list
	one, last := all[i], len(all)-1
	all[i], all[last] = all[last], nil
	*list = all[:last]
	return one
}

// met: a connection is a stranger's no more, or over.
func (s *strangers) met(one *stranger) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, list := range []*[]*stranger{&s.others, &s.known} {
		for i, other := range *list {
			if other == one {
				takeOut(list, i)
				return
			}
		}
	}
}

// trust: a key was shown by a connection.
func (s *strangers) trust(one *stranger) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.trusted == nil {
		s.trusted = map[netip.Prefix]time.Time{}
	}
	if _, ok := s.trusted[one.host]; !ok && len(s.trusted) >= maxTrusted {
		oldest := one.host
		for host, shown := range s.trusted {
			if was, ok := s.trusted[oldest]; !ok || shown.Before(was) {
				oldest = host
			}
		}
		delete(s.trusted, oldest)
	}
	s.trusted[one.host] = time.Now()
}

// now is how many there are, and how many were ended for others.
func (s *strangers) now() (n int, turned int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.others) + len(s.known), s.turned
}
