package app

import (
	"net/netip"
	"reflect"

	"freshet/internal/config"
	"freshet/internal/guard"
	"freshet/internal/wire"
)

// maxRead bounds the paths that are read in all ways.
const maxRead = 4096

// guarding is what a route says of its guards.
type guarding struct {
	signed     string
	clients    config.Clients
	signatures config.Signatures
	access     config.Access
	trusted    []netip.Prefix // nil without guards
}

// group tells apart the routes of a site whose guards differ.
func (s *site) group(r *route, guards []guard.Guard) {
	r.guarding = guarding{r.conf.SignedURLs, r.conf.Clients, r.conf.Signatures, r.conf.Access, nil}
	if len(guards) > 0 {
		r.guarding.trusted = trustOf(r.conf)
	}
	for _, other := range s.routes {
		if len(guards) != len(other.guards) || !reflect.DeepEqual(r.guarding, other.guarding) {
			s.differ = true
			continue
		}
		r.group = other.group
		return
	}
	r.group = len(s.routes)
}

// evades reports whether a path that found gets could be meant for a route with
// guards, by who decodes it in another way than we do: an origin that takes %2F
// for a slash would answer from behind guards that nobody has asked.
func (s *site) evades(path string, found *route) bool {
	if !s.differ || wire.ReadAlike(path) {
		return false
	}
	for name := range wire.Readings(path) {
		if len(path) > maxRead {
			return true
		}
		if other := s.of(name); other != nil && other.group != found.group && len(other.guards) > 0 {
			return true
		}
	}
	return false
}
