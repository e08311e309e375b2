package freshness

import (
	"math"
	"strings"

	"freshet/internal/field"
)

// Directives are the cache directives of a request (RFC 9111 §5.2.1, RFC 5861
// §4). They can be compared. The zero value is not that of a request without
// directives, which is [NoDirectives].
type Directives struct {
	NoStore, NoCache, OnlyIfCached bool

	// Nanoseconds; -1: absent. MaxStale without an argument is math.MaxInt64.
	MaxAge, MinFresh, MaxStale, IfError int64
}

// NoDirectives returns the directives of a request that has none.
func NoDirectives() Directives {
	return Directives{MaxAge: absent, MinFresh: absent, MaxStale: absent, IfError: absent}
}

// ParseDirectives reads the lines of a request's Cache-Control and Pragma. It
// allocates nothing. Pragma: no-cache counts if there is no Cache-Control (RFC
// 9111 §5.4).
//
// Of a directive that stands twice the value that asks for more counts. A
// max-age that is not a number is 0; other directives that cannot be read are
// ignored, as are unknown ones.
func ParseDirectives(cacheControl, pragma []string) Directives {
	d := NoDirectives()
	for elem := range field.Elements(cacheControl) {
		d.set(elem)
	}
	if len(cacheControl) == 0 {
		for _, line := range pragma {
			d.NoCache = d.NoCache || field.HasToken(line, "no-cache")
		}
	}
	return d
}

// set takes one directive.
func (d *Directives) set(elem string) {
	name, arg, has := strings.Cut(elem, "=")
	if len(arg) > 1 && arg[0] == '"' && arg[len(arg)-1] == '"' {
		arg = arg[1 : len(arg)-1]
	}
	n, ok := deltaSeconds(arg)
	switch {
	case is(name, "no-store"):
		d.NoStore = true
	case is(name, "no-cache"):
		d.NoCache = true
	case is(name, "only-if-cached"):
		d.OnlyIfCached = true
	case is(name, "max-age"):
		d.MaxAge = least(d.MaxAge, n)
	case is(name, "max-stale") && !has:
		d.MaxStale = least(d.MaxStale, math.MaxInt64)
	case is(name, "max-stale") && ok:
		d.MaxStale = least(d.MaxStale, n)
	case is(name, "min-fresh") && ok:
		d.MinFresh = max(d.MinFresh, n)
	case is(name, "stale-if-error") && ok:
		d.IfError = least(d.IfError, n)
	}
}

// least is the smaller of two times, of which a may be absent.
func least(a, b int64) int64 {
	if a == absent {
		return b
	}
	return min(a, b)
}
