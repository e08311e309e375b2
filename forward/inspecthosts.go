package forward

import (
	"fmt"
	"net/netip"
	"strings"
)

// hosts says for each host whether its TLS ends in the proxy. It is immutable.
//
// The pattern that says most about a host decides: its own name, then the
// longest ".name" that covers it, then "*". Of the same pattern, what the
// options pass through comes first, then what they inspect, then the list of
// what is passed through in any case (inspectlist.go): whoever names a host of
// that list has it inspected.
type hosts struct {
	exact map[string]choice // names and addresses
	below map[string]choice // names with all that are below them, without the dot
	all   choice            // names, no addresses
}

// choice is what a pattern says. A larger one comes before a smaller one.
type choice uint8

const (
	unsaid choice = iota
	passedInAnyCase
	inspected
	passed
)

// newHosts reads the patterns of the options.
func newHosts(inspect, pass []string) (*hosts, error) {
	h := &hosts{exact: map[string]choice{}, below: map[string]choice{}}
	for _, p := range passedThrough {
		if err := h.add(p, passedInAnyCase); err != nil {
			return nil, err
		}
	}
	for _, p := range inspect {
		if err := h.add(p, inspected); err != nil {
			return nil, fmt.Errorf("inspect: %w", err)
		}
	}
	for _, p := range pass {
		if err := h.add(p, passed); err != nil {
			return nil, fmt.Errorf("pass through: %w", err)
		}
	}
	return h, nil
}

func (h *hosts) add(pattern string, c choice) error {
	name := strings.ToLower(strings.TrimSuffix(pattern, "."))
	if name == "*" {
		h.all = max(h.all, c)
		return nil
	}
	name = strings.TrimPrefix(name, "*") // *.example.com
	if a, err := netip.ParseAddr(strings.Trim(name, "[]")); err == nil {
		name = a.Unmap().WithZone("").String()
		h.exact[name] = max(h.exact[name], c)
		return nil
	}
	bare, isBelow := strings.CutPrefix(name, ".")
	if !isHostName(bare) {
		return fmt.Errorf("%q is no host: give example.com, .example.com with all below it, an address, or * (names beyond ASCII as xn--…)", pattern)
	}
	if isBelow {
		h.below[bare] = max(h.below[bare], c)
	} else {
		h.exact[bare] = max(h.exact[bare], c)
	}
	return nil
}

// isHostName reports whether a text is a name of labels, in lower case.
func isHostName(s string) bool {
	for label := range strings.SplitSeq(s, ".") {
		if label == "" || len(label) > 63 || strings.ContainsFunc(label, func(r rune) bool {
			return (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '-' && r != '_'
		}) {
			return false
		}
	}
	return len(s) <= 253
}

// inspects reports whether the TLS of a host, as plainHost returns it, is to end
// here.
func (h *hosts) inspects(host string) bool {
	if c := h.exact[host]; c != unsaid {
		return c == inspected
	}
	if _, err := netip.ParseAddr(host); err == nil {
		return false // what goes to addresses is seldom the web
	}
	for name := host; ; {
		if c := h.below[name]; c != unsaid {
			return c == inspected
		}
		_, rest, ok := strings.Cut(name, ".")
		if !ok {
			return h.all == inspected
		}
		name = rest
	}
}

// plainHost returns the host of a name or an address as it is compared: in lower
// case, without brackets, zone and final dot.
func plainHost(host string) string {
	host = strings.ToLower(strings.TrimSuffix(strings.Trim(host, "[]"), "."))
	if a, err := netip.ParseAddr(host); err == nil {
		return a.Unmap().WithZone("").String()
	}
	return host
}
