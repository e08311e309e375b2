package forward

import (
	"net/http"
	"slices"
	"strings"

	"freshet/httpd"
	"freshet/internal/wire"
)

// foreign are fields in which proxies in front of a server tell it which address
// clients asked for. No proxy of ours makes them here, and whoever sends them may
// say anything; servers make links and redirections of them. So what is answered
// to such a request is nobody else's: it goes past the cache. X-Forwarded-For is
// not one: it tells of the client, and children such as Squid send it always.
var foreign = [...]string{
	"x-forwarded-host", "x-forwarded-proto", "x-forwarded-scheme", "x-forwarded-port", "x-forwarded-prefix", "x-forwarded-server", "x-forwarded-path", "x-forwarded-ssl",
}

// isForeign reports whether a field is one of these. Servers that are told of
// fields as by CGI take "_" for "-".
func isForeign(name string) bool {
	if len(name) < len("X-Forwarded-") || name[0]|0x20 != 'x' {
		return false
	}
	return slices.ContainsFunc(foreign[:], func(f string) bool { return wire.LikeName(name, f) })
}

// forwardedAddress reports whether a value of Forwarded has more than the
// parties' addresses (RFC 7239 §5.3, §5.4).
func forwardedAddress(value string) bool {
	value = strings.ToLower(value)
	return strings.Contains(value, "host") || strings.Contains(value, "proto")
}

// goesPast reports whether a request goes past the cache for such a field. Those
// that may change something do not: they invalidate what is stored.
func goesPast(r *http.Request) bool {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		return false
	}
	return slices.ContainsFunc(r.Header["Forwarded"], forwardedAddress) || hasForeign(r.Header)
}

func hasForeign(h http.Header) bool {
	for name := range h {
		if isForeign(name) {
			return true
		}
	}
	return false
}

// pastFields are the fields for which a request goes past, in order.
func pastFields(h http.Header) (names []string) {
	for name, values := range h {
		if isForeign(name) || name == "Forwarded" && slices.ContainsFunc(values, forwardedAddress) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// goesPastHot is goesPast for a head.
func goesPastHot(q *httpd.Head) bool {
	for i := range q.Fields {
		f := &q.Fields[i]
		if isForeign(f.Name) || len(f.Name) == len("Forwarded") && strings.EqualFold(f.Name, "Forwarded") && forwardedAddress(f.Value) {
			return true
		}
	}
	return false
}
