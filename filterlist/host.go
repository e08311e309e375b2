package filterlist

import (
	"strings"

	"golang.org/x/net/publicsuffix"
)

// maxLabels is how many labels of a host count, from the right; names in use
// have less than ten.
const maxLabels = 32

// suffix is the part of a host from a label on: "example.com" and "com" of
// "www.example.com". Its hash stands for it in lists of domains.
type suffix struct {
	hash  uint64
	start int
}

// suffixes are those of one host, the longest last.
type suffixes struct {
	n   int
	all [maxLabels]suffix
}

// FNV-1a, from the right, so that one pass gives the hashes of all suffixes.
const (
	fnvOffset = 14695981039346656037
	fnvPrime  = 1099511628211
	// entitySeed tells the hashes of "example.*" from those of "example".
	entitySeed = fnvOffset ^ 0x2a
)

func (s *suffixes) fill(host string, seed uint64) {
	s.n = 0
	h := seed
	for i := len(host) - 1; i >= 0; i-- {
		if host[i] == '.' {
			s.add(suffix{h, i + 1})
		}
		h = (h ^ uint64(host[i])) * fnvPrime
	}
	if host != "" {
		s.add(suffix{h, 0})
	}
}

func (s *suffixes) add(x suffix) {
	if s.n < maxLabels {
		s.all[s.n] = x
		s.n++
	}
}

func hashHost(host string, seed uint64) uint64 {
	h := seed
	for i := len(host) - 1; i >= 0; i-- {
		h = (h ^ uint64(host[i])) * fnvPrime
	}
	return h
}

// splitHost returns where the host of an absolute URL begins and ends: after
// scheme and user, before port, path, and the dot that may end a name. A URL
// without "://" is taken for a host, with or without a port and a path.
func splitHost(url string) (start, end int) {
	if i := strings.Index(url, "://"); i >= 0 && !strings.ContainsAny(url[:i], "/?#") {
		start = i + 3
	}
	end = len(url)
	if i := strings.IndexAny(url[start:], "/?#\\"); i >= 0 {
		end = start + i
	}
	if i := strings.LastIndexByte(url[start:end], '@'); i >= 0 {
		start += i + 1
	}
	if start < end && url[start] == '[' {
		if i := strings.IndexByte(url[start:end], ']'); i >= 0 {
			return start, start + i + 1
		}
	}
	if i := strings.IndexByte(url[start:end], ':'); i >= 0 {
		end = start + i
	}
	for end > start && url[end-1] == '.' {
		end--
	}
	return start, end
}

// hostOf returns the host of a URL, or of a host with a port, in lower case.
func hostOf(url string) string {
	start, end := splitHost(url)
	return lowerASCII(url[start:end])
}

// isAddress says whether a host is an IP address: addresses have no domains
// above them.
func isAddress(host string) bool {
	if host == "" || host[0] == '[' || strings.IndexByte(host, ':') >= 0 {
		return true
	}
	last := host[strings.LastIndexByte(host, '.')+1:]
	return last != "" && strings.Trim(last, "0123456789") == ""
}

// sameSite says whether two hosts are below one registered domain. Hosts whose
// last two labels differ never are, so that the list of public suffixes, which
// allocates, need not be asked about most.
func sameSite(a, b string) bool {
	if a == b {
		return true
	}
	return lastTwo(a) == lastTwo(b) && registrable(a) == registrable(b)
}

func lastTwo(host string) string {
	i := strings.LastIndexByte(host, '.')
	if i < 0 {
		return host
	}
	return host[strings.LastIndexByte(host[:i], '.')+1:]
}

// registrable returns the domain of a host that somebody has registered: one
// label more than its public suffix. A host without one is its own.
func registrable(host string) string {
	if isAddress(host) || strings.IndexByte(host, '.') < 0 {
		return host
	}
	public, _ := publicsuffix.PublicSuffix(host)
	rest := len(host) - len(public) - 1
	if rest <= 0 {
		return host
	}
	return host[strings.LastIndexByte(host[:rest], '.')+1:]
}

// withoutSuffix returns a host without the public suffix that registries make,
// and without the one that a provider such as a blog host makes below it:
// what "example.*" is compared with. They are equal if no provider is known.
func withoutSuffix(host string) (registry, provider string) {
	if isAddress(host) {
		return "", ""
	}
	public, icann := publicsuffix.PublicSuffix(host)
	provider = beforeSuffix(host, public)
	if icann {
		return provider, provider
	}
	if i := strings.IndexByte(public, '.'); i >= 0 {
		public, _ = publicsuffix.PublicSuffix(public[i+1:])
		return beforeSuffix(host, public), provider
	}
	return provider, provider
}

func beforeSuffix(host, public string) string {
	if len(host) <= len(public) {
		return ""
	}
	return host[:len(host)-len(public)-1]
}
