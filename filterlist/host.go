package filterlist

import "strings"

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
