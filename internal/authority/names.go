package authority

import (
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
)

// maxCommonName is what a common name may have (RFC 5280 appendix A.1), in bytes.
const maxCommonName = 64

// A name is what a certificate can be for: a host's name or an address.
type name struct {
	host string     // in lower case, without a last dot; "" for an address
	addr netip.Addr // not valid for a host's name
}

func (n name) String() string {
	if n.addr.IsValid() {
		return n.addr.String()
	}
	return n.host
}

// parseName reads the name of a host as it stands in a URL or a Host field
// without its port.
func parseName(text string) (name, error) {
	bare := strings.TrimSuffix(strings.TrimPrefix(text, "["), "]")
	if addr, err := netip.ParseAddr(bare); err == nil {
		if addr.Zone() != "" {
			return name{}, fmt.Errorf("%q has a zone, which certificates cannot have; leave it out", text)
		}
		return name{addr: addr.Unmap()}, nil
	}
	host := strings.ToLower(strings.TrimSuffix(text, "."))
	if err := checkHost(host); err != nil {
		return name{}, fmt.Errorf("%q is no name of a host: %w", text, err)
	}
	return name{host: host}, nil
}

// checkHost checks the form of a name in lower case.
func checkHost(host string) error {
	if host == "" || len(host) > 253 {
		return errors.New("it must have 1 to 253 bytes")
	}
	labels := strings.Split(host, ".")
	for _, label := range labels {
		if label == "" || len(label) > 63 {
			return errors.New("what is between its dots must have 1 to 63 bytes")
		}
		if label[0] == '-' || label[len(label)-1] == '-' {
			return errors.New("what is between its dots must not begin or end with a hyphen")
		}
		for i := range len(label) {
			// Names with underscores are in use, though not as RFC 952 has it.
			if c := label[i]; (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' && c != '_' {
				if c >= 0x80 {
					return errors.New("give it in its ASCII form (xn--...)")
				}
				return errors.New("it has more than letters, digits, hyphens and dots")
			}
		}
	}
	// What looks like an address would be taken for one: 127.1, 0x7f.1.
	if last := labels[len(labels)-1]; last[0] >= '0' && last[0] <= '9' {
		return errors.New("what follows its last dot begins with a digit")
	}
	return nil
}

// parseWild is parseName that takes *.domain, too.
func parseWild(text string) (name, error) {
	domain, ok := strings.CutPrefix(text, "*.")
	if !ok {
		return parseName(text)
	}
	n, err := parseName(domain)
	switch {
	case err != nil:
		return name{}, err
	case n.addr.IsValid():
		return name{}, fmt.Errorf("%q: there is no * before an address", text)
	case !strings.Contains(n.host, "."):
		return name{}, fmt.Errorf("%q is refused by browsers: a * must not stand before the last part of a name; give at least *.name.%s", text, n.host)
	}
	return name{host: "*." + n.host}, nil
}

// constrain gives an authority's certificate its name constraints.
func constrain(template *x509.Certificate, permit, exclude []string) error {
	domains, ranges, err := parseConstraints(permit)
	if err != nil {
		return err
	}
	template.PermittedDNSDomains, template.PermittedIPRanges = domains, ranges
	if template.ExcludedDNSDomains, template.ExcludedIPRanges, err = parseConstraints(exclude); err != nil {
		return err
	}
	// A constraint is about names of its own kind only, so the other kind is
	// closed by a constraint of its own.
	if len(permit) > 0 && len(ranges) == 0 {
		template.ExcludedIPRanges = []*net.IPNet{ipNet(netip.MustParsePrefix("0.0.0.0/0")), ipNet(netip.MustParsePrefix("::/0"))}
	}
	if len(permit) > 0 && len(domains) == 0 {
		template.ExcludedDNSDomains = []string{""}
	}
	template.PermittedDNSDomainsCritical = len(permit)+len(exclude) > 0
	return nil
}

func parseConstraints(texts []string) (domains []string, ranges []*net.IPNet, err error) {
	for _, text := range texts {
		if prefix, err := netip.ParsePrefix(text); err == nil {
			ranges = append(ranges, ipNet(prefix.Masked()))
			continue
		}
		if strings.HasPrefix(text, "*") {
			return nil, nil, fmt.Errorf("%q: give the domain without *; what is below it is meant, too", text)
		}
		n, err := parseName(strings.TrimPrefix(text, "."))
		if err != nil {
			return nil, nil, err
		}
		if n.addr.IsValid() {
			ranges = append(ranges, ipNet(netip.PrefixFrom(n.addr, n.addr.BitLen())))
			continue
		}
		domains = append(domains, n.host)
	}
	return domains, ranges, nil
}

func ipNet(p netip.Prefix) *net.IPNet {
	bits := p.Addr().BitLen()
	return &net.IPNet{IP: p.Addr().AsSlice(), Mask: net.CIDRMask(p.Bits(), bits)}
}

// covers says whether the authority may vouch for a name, by its own
// certificate.
func (a *Authority) covers(n name) error {
	c := a.cert
	if n.addr.IsValid() {
		in := func(r *net.IPNet) bool { return r.Contains(n.addr.AsSlice()) }
		return verdict(n, in, c.PermittedIPRanges, c.ExcludedIPRanges)
	}
	host, wild := strings.CutPrefix(n.host, "*.")
	in := func(domain string) bool {
		return domain == "" || host == domain || strings.HasSuffix(host, "."+domain)
	}
	for _, domain := range c.ExcludedDNSDomains {
		if _, above, _ := strings.Cut(domain, "."); wild && above == host {
			return fmt.Errorf("%s would stand for %s, too, which the authority's own certificate excludes", n, domain)
		}
	}
	return verdict(n, in, c.PermittedDNSDomains, c.ExcludedDNSDomains)
}

func verdict[T any](n name, in func(T) bool, permitted, excluded []T) error {
	for _, c := range excluded {
		if in(c) {
			return fmt.Errorf("the authority's own certificate says that it does not vouch for %s", n)
		}
	}
	for _, c := range permitted {
		if in(c) {
			return nil
		}
	}
	if len(permitted) > 0 {
		return fmt.Errorf("the authority's own certificate says that it does not vouch for %s", n)
	}
	return nil
}
