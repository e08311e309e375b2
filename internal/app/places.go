package app

import (
	"strings"
	"sync"

	"freshet/internal/config"
)

// A place is a route of the configuration, as records name it: by a number
// that it keeps as long as the server runs, whatever becomes of the file.
type place struct {
	Number uint16
	Site   string // names, with commas between; "" for all other hosts
	Path   string
	Kind   string // what the route does: "static DIR", "proxy URL", …
	Line   int    // of the file
	Gone   bool   // no configuration has it any more
}

// maxPlaces bounds the numbers: routes beyond it share the last.
const maxPlaces = 1<<16 - 1

// places gives out the numbers, from 1 on. The zero value is ready.
type places struct {
	mu  sync.Mutex // guards all
	all []place
	of  map[[2]string]uint16 // by site and path
}

// number returns the number of a route of a site.
func (p *places) number(s *config.Site, r *config.Route) uint16 {
	p.mu.Lock()
	defer p.mu.Unlock()
	key := [2]string{strings.Join(s.Names, ", "), r.Path}
	n, known := p.of[key]
	switch {
	case known:
	case len(p.all) == maxPlaces:
		return maxPlaces
	default:
		n = uint16(len(p.all) + 1)
		p.all = append(p.all, place{})
		if p.of == nil {
			p.of = map[[2]string]uint16{}
		}
		p.of[key] = n
	}
	p.all[n-1] = place{Number: n, Site: key[0], Path: r.Path, Kind: does(r), Line: r.Line}
	return n
}

// only marks all others but those of the sites as gone.
func (p *places) only(s *sites) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i := range p.all {
		p.all[i].Gone = true
	}
	for _, t := range s.all {
		for _, r := range t.routes {
			p.all[r.place-1].Gone = false
		}
	}
}

// list returns all, in the order of their numbers.
func (p *places) list() []place {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]place(nil), p.all...)
}
