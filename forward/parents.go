package forward

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"freshet/internal/outbound"
	"freshet/internal/wire"
)

// parents are the proxies that servers are reached by, in the order in which
// they were given.
type parents struct {
	routes []route
}

// route is a parent, and the hosts that it is for.
type route struct {
	host   string // "" for all; ".example.com" for a name and all below it
	parent *outbound.Parent
}

// parseParents reads Options.Parents.
func parseParents(given []string) (*parents, error) {
	p := &parents{}
	for _, text := range given {
		host, address, ok := strings.Cut(text, "=")
		if !ok || strings.ContainsAny(host, ":/@") { // "=" of a password
			host, address = "", text
		}
		parent, err := outbound.ParseParent(address)
		if err != nil {
			return nil, fmt.Errorf("parent: %w", err)
		}
		p.routes = append(p.routes, route{strings.ToLower(strings.TrimSuffix(host, ".")), parent})
	}
	return p, nil
}

// of returns the parents to try for a server: those of the longest name that
// fits, in their order.
func (p *parents) of(_ context.Context, _, hostport string) ([]*outbound.Parent, error) {
	host := strings.ToLower(strings.TrimSuffix(wire.WithoutPort(hostport), "."))
	var best string
	var found []*outbound.Parent
	for _, r := range p.routes {
		switch {
		case !r.covers(host) || found != nil && len(r.host) < len(best):
		case found != nil && r.host == best:
			found = append(found, r.parent)
		default:
			best, found = r.host, []*outbound.Parent{r.parent}
		}
	}
	return found, nil
}

func (r *route) covers(host string) bool {
	if below, ok := strings.CutPrefix(r.host, "."); ok {
		return host == below || strings.HasSuffix(host, r.host)
	}
	return r.host == "" || r.host == host
}

// none reports whether servers are reached without parents.
func (p *parents) none() bool {
	return !slices.ContainsFunc(p.routes, func(r route) bool { return !r.parent.Direct() })
}
