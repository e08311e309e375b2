package acme

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"slices"
	"strings"
)

// check returns all that is wrong with the options.
func (o *Options) check() error {
	faults := []error{o.checkNames()}
	if len(o.Names) == 0 && o.Ask == nil {
		faults = append(faults, errors.New("there is no name to get a certificate for"))
	}
	for _, directory := range append([]string{o.Directory}, o.Others...) {
		if u, err := url.Parse(directory); err != nil || u.Scheme != "https" || u.Host == "" {
			faults = append(faults, fmt.Errorf("%q is no address of an authority; give one that begins with https://", directory))
		}
	}
	return errors.Join(faults...)
}

// checkNames returns what is wrong with the names, and with their proofs.
func (o *Options) checkNames() error {
	var faults []error
	o.Names = slices.Compact(slices.Sorted(slices.Values(o.Names)))
	for _, s := range o.Names {
		if err := CheckName(s, o.DNSHook != ""); err != nil {
			faults = append(faults, fmt.Errorf("%s: %w", s, err))
		}
	}
	if !o.HTTP && !o.TLS && o.DNSHook == "" && (len(o.Names) > 0 || o.Ask != nil) {
		faults = append(faults, errors.New("nobody can prove that the names are ours: there is no listener for port 80 or 443, and no program for the DNS"))
	}
	return errors.Join(faults...)
}

// CheckName says why no authority gives a certificate for a name, in lower case;
// byDNS says that a program changes the DNS.
func CheckName(s string, byDNS bool) error {
	host, wild := strings.CutPrefix(s, "*.")
	if _, err := netip.ParseAddr(strings.Trim(host, "[]")); err == nil {
		return errors.New("an address gets no certificate here; give a name")
	}
	labels := strings.Split(host, ".")
	if len(host) > 253 || slices.ContainsFunc(labels, func(l string) bool { return !isLabel(l) }) {
		return errors.New("it is no name of a host; give one such as example.org")
	}
	switch {
	case wild && !byDNS:
		return errors.New("names with * are proven by the DNS alone (RFC 8555 §8.4), and no program is given that changes it; give each name")
	case len(labels) < 2:
		return errors.New("it is a name of this network, for which no authority answers; give the whole name, such as www.example.org")
	}
	return nil
}

// isLabel reports whether l is a label of a host's name (RFC 1123 §2.1).
func isLabel(l string) bool {
	if l == "" || len(l) > 63 || l[0] == '-' || l[len(l)-1] == '-' {
		return false
	}
	return !strings.ContainsFunc(l, func(r rune) bool { return (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '-' })
}
