package app

import (
	"net/http"
	"net/netip"

	"freshet/internal/config"
	"freshet/internal/guard"
	"freshet/internal/record"
	"freshet/internal/rule"
	"freshet/internal/why"
)

// access is what the guards by address and by name of a server have in common. It
// outlives changes of the configuration. The zero value is ready.
type access struct{}

// accessGuards are the guards of a route that are asked before all others, and
// those that are asked after them.
type accessGuards struct{ first, last []guard.Guard }

// open opens the guards that a command or a route names.
func (a *access) open(c *config.Access, trusted []netip.Prefix) (g accessGuards, err error) {
	if len(c.Allow) > 0 || len(c.Deny) > 0 {
		address, err := guard.NewAddress(c.Allow, c.Deny, trusted)
		if err != nil {
			return g, err
		}
		g.first = append(g.first, address)
	}
	return g, nil
}

// accessed is guarded, with the guards by address outside of those, and the guards
// by name inside.
func accessed(open opener, g *config.Guards, trusted []netip.Prefix) opener {
	return func(w *within) (content, error) {
		own, err := w.access.open(&g.Access, trusted)
		if err != nil {
			return content{}, err
		}
		return behind(guarded(behind(open, own.last), g), own.first)(w)
	}
}

// behind returns an opener of what another one opens, behind guards.
func behind(open opener, guards []guard.Guard) opener {
	if len(guards) == 0 {
		return open
	}
	return func(w *within) (content, error) {
		c, err := open(w)
		if err != nil {
			return content{}, err
		}
		c.handler, c.hot = guard.Handler(c.handler, guards...), guard.Hot(c.hot, guards...)
		c.explain = &guardedExplains{c.explain, guards}
		return c, nil
	}
}

// accessed returns all guards of a route, in the order in which they are asked.
func (b *builder) accessed(s *sites, r *config.Route) ([]guard.Guard, error) {
	own, err := b.live.within.access.open(&r.Access, trustOf(r))
	if err != nil {
		return nil, err
	}
	between, err := b.guards(s, r)
	if err != nil {
		return nil, err
	}
	return append(append(own.first, between...), own.last...), nil
}

// trustOf returns which proxies in front of a route are believed.
func trustOf(r *config.Route) []netip.Prefix {
	switch r.Kind {
	case config.RouteOrigins:
		return r.Origins.Trust
	case config.RouteCGI:
		return r.Programs.Trust
	case config.RouteFastCGI:
		return r.FastCGI.Trust
	}
	return r.Files.Trust
}

// accessSettings are the parameters that a rule of these guards is about; nil for
// other rules.
func accessSettings(id rule.ID) []why.Setting {
	switch id {
	case rule.AddressDenied:
		return []why.Setting{{Key: "allow"}, {Key: "deny"}}
	}
	return nil
}

// explainAccess adds what a record tells to an explanation.
func explainAccess(e *why.Explanation, rec *record.Record) {
	if e.Status == http.StatusForbidden && rec.Remote.IsValid() {
		e.Compare("client", rec.Remote.Addr().Unmap().String(), "the address of the connection", true)
	}
}
