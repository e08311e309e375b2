package guard

import (
	"fmt"
	"net/http"
	"net/netip"
	"slices"

	"freshet/httpd"
	"freshet/internal/rule"
	"freshet/internal/why"
	"freshet/internal/wire"
)

// Address lets requests pass by the address of the client. What may not pass goes
// before what may.
type Address struct {
	allow, deny ranges
	limited     bool // only what allow has may pass
	trusted     []netip.Prefix
}

// NewAddress returns a guard for ranges, each an address, ADDRESS/BITS, "all", or
// "unix:" for the clients of Unix sockets, which have no address. When allow is
// empty all may pass but those in deny. What proxies in trusted tell of their
// clients in X-Forwarded-For is believed.
func NewAddress(allow, deny []string, trusted []netip.Prefix) (*Address, error) {
	g := &Address{limited: len(allow) > 0, trusted: trusted}
	var err error
	if g.allow, err = parseRanges(allow); err != nil {
		return nil, fmt.Errorf("allow: %w", err)
	}
	if g.deny, err = parseRanges(deny); err != nil {
		return nil, fmt.Errorf("deny: %w", err)
	}
	return g, nil
}

// ranges is a set of addresses: spans that do not touch, in order.
type ranges struct {
	spans     []span
	all, unix bool
}

// span is the addresses of one family from one to another.
type span struct{ from, to netip.Addr }

func parseRanges(list []string) (ranges, error) {
	var r ranges
	for _, text := range list {
		switch text {
		case "all":
			r.all = true
		case "unix:":
			r.unix = true
		default:
			s, err := parseSpan(text)
			if err != nil {
				return r, fmt.Errorf("%q is no range of addresses: %w", text, err)
			}
			r.spans = append(r.spans, s)
		}
	}
	r.spans = merged(r.spans)
	return r, nil
}

func parseSpan(text string) (span, error) {
	p, err := netip.ParsePrefix(text)
	if err != nil {
		a, other := netip.ParseAddr(text)
		if other != nil || a.Zone() != "" {
			return span{}, err
		}
		p = netip.PrefixFrom(a, a.BitLen())
	}
	if a := p.Addr(); a.Is4In6() && p.Bits() >= 96 {
		p = netip.PrefixFrom(a.Unmap(), p.Bits()-96) // clients are told without that
	}
	p = p.Masked()
	return span{p.Addr(), lastOf(p)}, nil
}

// lastOf returns the last address of a prefix.
func lastOf(p netip.Prefix) netip.Addr {
	b := p.Addr().AsSlice()
	for i := p.Bits(); i < len(b)*8; i++ {
		b[i/8] |= 0x80 >> (i % 8)
	}
	last, _ := netip.AddrFromSlice(b)
	return last
}

// merged sorts spans, and makes one of those that touch.
func merged(all []span) []span {
	slices.SortFunc(all, func(a, b span) int { return a.from.Compare(b.from) })
	out := all[:0]
	for _, s := range all {
		if n := len(out); n > 0 {
			last := &out[n-1]
			if s.from.Compare(last.to) <= 0 || last.to.Next() == s.from {
				if last.to.Less(s.to) {
					last.to = s.to
				}
				continue
			}
		}
		out = append(out, s)
	}
	return out
}

// has reports whether a client is in the set. One without an address is of a Unix
// socket.
func (r *ranges) has(a netip.Addr) bool {
	if r.all {
		return true
	}
	if !a.IsValid() {
		return r.unix
	}
	i, exact := slices.BinarySearchFunc(r.spans, a, func(s span, a netip.Addr) int { return s.from.Compare(a) })
	return exact || i > 0 && !r.spans[i-1].to.Less(a)
}

// names reports whether the set has anything.
func (r *ranges) names() bool { return r.all || r.unix || len(r.spans) > 0 }

// decide is the decision of both paths. Who is not known may be anybody: one that
// deny names, and none that allow does.
func (g *Address) decide(client netip.Addr, known bool) rule.ID {
	if !known {
		if g.deny.names() || g.limited && !g.allow.all {
			return rule.AddressDenied
		}
		return 0
	}
	if g.deny.has(client) || g.limited && !g.allow.has(client) {
		return rule.AddressDenied
	}
	return 0
}

// CheckHot implements HotGuard.
func (g *Address) CheckHot(q *httpd.Head, a *httpd.Answer) bool {
	client, known, enough := hotClient(q, a, g.trusted)
	return enough && g.decide(client, known) == 0
}

// hotClient is toldClient on the hot path. enough is false when there are more lines
// than it has room for, which the other path looks at.
func hotClient(q *httpd.Head, a *httpd.Answer, trusted []netip.Prefix) (client netip.Addr, known, enough bool) {
	client = a.Remote().Addr().Unmap().WithZone("")
	if !wire.Within(trusted, client) {
		return client, true, true
	}
	var told [4]string
	n := 0
	for i := range q.Fields {
		if q.Fields[i].Known != wire.XForwardedFor {
			continue
		}
		if n == len(told) {
			return client, false, false
		}
		told[n] = q.Fields[i].Value
		n++
	}
	client, known = wire.ToldClient(client, trusted, told[:n])
	return client, known, true
}

// Check implements Guard.
func (g *Address) Check(_ http.Header, r *http.Request) (*http.Request, rule.ID) {
	return r, g.decide(toldClient(r, g.trusted))
}

// clientOf returns the address of a request's client; it is not valid for one of a
// Unix socket, nor when a trusted proxy does not tell it.
func clientOf(r *http.Request, trusted []netip.Prefix) netip.Addr {
	client, known := toldClient(r, trusted)
	if !known {
		return netip.Addr{}
	}
	return client
}

func toldClient(r *http.Request, trusted []netip.Prefix) (client netip.Addr, known bool) {
	return wire.ToldClient(peerOf(r), trusted, r.Header["X-Forwarded-For"])
}

// peerOf returns the address of the other end of a request's connection; it is not
// valid for a Unix socket.
func peerOf(r *http.Request) netip.Addr {
	remote, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	return remote.Addr().Unmap().WithZone("")
}

// Why implements Guard.
func (g *Address) Why(r *http.Request) (*http.Request, *why.Explanation) {
	client, known := toldClient(r, g.trusted)
	e := &why.Explanation{Rule: g.decide(client, known)}
	name := client.String()
	if !client.IsValid() {
		name = "unix:"
	}
	switch {
	case e.Rule != 0 && !known:
		e.Compare("client", "unknown", "the proxy "+name+" wrote no address into X-Forwarded-For", true)
	case !known:
		e.Compare("client", "unknown", "all may pass", false)
		return r, e
	case g.deny.has(client):
		e.Compare("client", name, "deny names it", true)
	case e.Rule != 0:
		e.Compare("client", name, "allow does not name it", true)
	default:
		e.Compare("client", name, "it may pass", false)
		return r, e
	}
	return nil, e
}
