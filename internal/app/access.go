package app

import (
	"fmt"
	"maps"
	"net/netip"
	"sync"
	"sync/atomic"
	"weak"

	"freshet/internal/config"
	"freshet/internal/guard"
	"freshet/internal/outbound"
	"freshet/internal/record"
	"freshet/internal/rule"
	"freshet/internal/why"
)

// access is what the guards by address and by name of a server have in common. It
// outlives changes of the configuration. The zero value is ready.
type access struct {
	once      sync.Once
	tries     *guard.Tries
	passwords *guard.Passwords

	mu    sync.Mutex                            // guards basic
	basic map[basicOf]weak.Pointer[guard.Basic] // of the routes that there are

	asking  *outbound.Transport // to the services of forward-auth
	waiting atomic.Int64        // requests that wait for those
	health  services            // of those
	tokens  tokens
}

// basicOf is what a guard by name and password is made of; trusted as text.
type basicOf struct{ file, realm, trusted string }

// setUp makes what guards share.
func (a *access) setUp() {
	a.once.Do(func() {
		a.tries, a.passwords, a.basic = guard.NewTries(), guard.NewPasswords(), map[basicOf]weak.Pointer[guard.Basic]{}
		a.asking = &outbound.Transport{MaxConnsPerHost: maxAsking}
	})
}

// maxAsking is how many requests ask a service at once; 1024 more wait.
const maxAsking = 256

// close closes connections that are not in use.
func (a *access) close() {
	a.setUp()
	a.asking.CloseIdleConnections()
	a.tokens.close()
}

// users returns the guard by name and password, which is there once for a file, for
// as long as a route has it.
func (a *access) users(c *config.Access, trusted []netip.Prefix, w *within) (*guard.Basic, error) {
	a.setUp()
	a.mu.Lock()
	defer a.mu.Unlock()
	of := basicOf{c.Users, c.Realm, fmt.Sprint(trusted)}
	if g := a.basic[of].Value(); g != nil {
		return g, nil
	}
	g, err := guard.OpenBasic(guard.BasicOptions{File: c.Users, Realm: c.Realm, Trusted: trusted, Tries: a.tries, Passwords: a.passwords, Now: w.now}, func(err error) {
		w.log.Error("users cannot be read anew; those that there were go on", "err", err)
	})
	if err != nil {
		return nil, fmt.Errorf("users: %w", err)
	}
	maps.DeleteFunc(a.basic, func(_ basicOf, g weak.Pointer[guard.Basic]) bool { return g.Value() == nil })
	a.basic[of] = weak.Make(g)
	return g, nil
}

// accessGuards are the guards of a route that are asked before all others, and
// those that are asked after them.
type accessGuards struct{ first, last []guard.Guard }

// open opens the guards that a command or a route names.
func (a *access) open(c *config.Access, trusted []netip.Prefix, w *within) (g accessGuards, err error) {
	if len(c.Allow) > 0 || len(c.Deny) > 0 {
		address, err := guard.NewAddress(c.Allow, c.Deny, trusted)
		if err != nil {
			return g, err
		}
		g.first = append(g.first, address)
	}
	if c.Users != "" {
		named, err := a.users(c, trusted, w)
		if err != nil {
			return g, err
		}
		g.last = append(g.last, named)
	}
	if c.Tokens.Keys != "" && c.Tokens.Keys != "off" {
		a.setUp()
		held, err := a.tokens.open(c, w)
		if err != nil {
			return g, err
		}
		g.last = append(g.last, held)
	}
	if f := &c.Forward; f.URL != "" {
		a.setUp()
		g.last = append(g.last, guard.NewForwardAuth(guard.ForwardAuthOptions{URL: f.URL, Fields: f.Fields, Timeout: f.Timeout, Transport: a.asking, Waiting: &a.waiting, Health: a.health.of(f.URL, w), Trusted: trusted}))
	}
	return g, nil
}

// accessed is guarded, with the guards by address outside of those, and the guards
// by name inside.
func accessed(open opener, g *config.Guards, trusted []netip.Prefix) opener {
	return func(w *within) (content, error) {
		own, err := w.access.open(&g.Access, trusted, w)
		if err != nil {
			return content{}, fmt.Errorf("--%w", err)
		}
		return behind(guarded(behind(open, own.last), g, trusted), own.first)(w)
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
	own, err := b.live.within.access.open(&r.Access, trustOf(r), b.live.within)
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
	case rule.LoginMissing, rule.LoginMalformed, rule.LoginWrong, rule.LoginsBusy, rule.TriesTooMany:
		return []why.Setting{{Key: "users"}, {Key: "realm"}}
	case rule.ForwardAuthTimeout:
		return []why.Setting{{Key: "forward-auth"}, {Key: "forward-auth-timeout"}}
	case rule.ForwardAuthRefused, rule.ForwardAuthStatus, rule.ForwardAuthUnreachable, rule.ForwardAuthPath, rule.ForwardAuthLoop:
		return []why.Setting{{Key: "forward-auth"}}
	}
	return tokenSettings(id)
}

// explainAccess adds what a record tells to an explanation.
func explainAccess(e *why.Explanation, rec *record.Record) {
	if rec.User != "" {
		e.Compare("user", rec.User, "as the client says", true)
	}
	if rec.Rule == rule.AddressDenied && rec.Remote.IsValid() {
		e.Compare("client", rec.Remote.Addr().Unmap().String(), "the address of the connection", true)
	}
}
