// Package site says whose site a host is of: which part of its name somebody has
// registered. Cookies, lists of filters and the client's jar ask it; it is the
// only package that looks into the list of public suffixes.
//
//	site.Of("www.example.co.uk")         // "example.co.uk"
//	site.Same("a.github.io", "github.io") // false: everybody may have a name there
//
// It is no parser of URLs: a host comes without a port, in lower case and without
// a dot at its end. An address is its own site, in brackets or without.
package site

import (
	"strings"

	"golang.org/x/net/publicsuffix"
)

// Of returns the domain of a host that somebody has registered: one label more
// than its public suffix. An address, and a name without a registered domain, is
// its own.
func Of(host string) string {
	if IsAddress(host) || strings.IndexByte(host, '.') < 0 {
		return host
	}
	public, _ := publicsuffix.PublicSuffix(host)
	rest := len(host) - len(public) - 1
	if rest <= 0 {
		return host
	}
	return host[strings.LastIndexByte(host[:rest], '.')+1:]
}

// Same reports whether two hosts are of one site. Hosts whose last two labels
// differ never are, so that the list of public suffixes, which allocates, need
// not be asked about most.
func Same(a, b string) bool {
	return a == b || lastTwo(a) == lastTwo(b) && Of(a) == Of(b)
}

func lastTwo(host string) string {
	i := strings.LastIndexByte(host, '.')
	if i < 0 {
		return host
	}
	return host[strings.LastIndexByte(host[:i], '.')+1:]
}

// IsAddress reports whether a host has the form of an IP address, as browsers
// tell it (the last label is a number): addresses have no domains above them. No
// host at all is none either.
func IsAddress(host string) bool {
	if host == "" || host[0] == '[' || strings.IndexByte(host, ':') >= 0 {
		return true
	}
	last := host[strings.LastIndexByte(host, '.')+1:]
	return last != "" && strings.Trim(last, "0123456789") == ""
}

// IsPublic reports whether everybody may register names below a domain. One label
// that no list has, such as localhost, is a host of somebody's.
func IsPublic(domain string) bool {
	suffix, icann := publicsuffix.PublicSuffix(domain)
	return suffix == domain && (icann || strings.Contains(suffix, "."))
}

// WithoutSuffix returns a host without the public suffix that registries make,
// and without the one that a provider such as a blog host makes below it; they
// are equal if no provider is known. Of an address, and of what is all suffix,
// nothing is left.
func WithoutSuffix(host string) (registry, provider string) {
	if IsAddress(host) {
		return "", ""
	}
	public, icann := publicsuffix.PublicSuffix(host)
	provider = before(host, public)
	if icann {
		return provider, provider
	}
	if i := strings.IndexByte(public, '.'); i >= 0 {
		public, _ = publicsuffix.PublicSuffix(public[i+1:])
		return before(host, public), provider
	}
	return provider, provider
}

func before(host, public string) string {
	if len(host) <= len(public) {
		return ""
	}
	return host[:len(host)-len(public)-1]
}
