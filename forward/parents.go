package forward

import (
	"context"
	"errors"
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
		switch {
		case !ok || strings.ContainsAny(host, ":/@"): // "=" of a password
			host, address = "", text
		case host == "":
			return nil, fmt.Errorf("parent %s: it has no host before =", withoutLogin(text))
		}
		// Other programs take a host alone for an HTTP proxy at their own idea of a
		// port. Here it is more likely a mistake, by which nothing could be reached.
		if !strings.Contains(address, "://") && address != "direct" {
			return nil, fmt.Errorf("parent %s: it has no scheme; write http://host:port, https://, socks5:// or socks5h://, or direct", withoutLogin(text))
		}
		parent, err := outbound.ParseParent(address)
		if err != nil {
			return nil, fmt.Errorf("parent %s: %w", withoutLogin(text), errors.Unwrap(err))
		}
		p.routes = append(p.routes, route{strings.ToLower(strings.TrimSuffix(host, ".")), parent})
	}
	return p, nil
}

// withoutLogin is a parent as it may be shown.
func withoutLogin(text string) string {
	at := strings.LastIndexByte(text, '@')
	if at < 0 {
		return text
	}
	return "…" + text[at:]
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
