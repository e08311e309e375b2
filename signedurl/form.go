package signedurl

import (
	"encoding/base64"
	"net/netip"
	"strings"

	"freshet/internal/field"
	"freshet/internal/keyfile"
	"freshet/internal/wire"
)

// The names of the parameters.
const (
	namePrefix    = "URLPrefix"
	nameExpires   = "Expires"
	nameKey       = "KeyName"
	nameRange     = "IPRange"
	nameSignature = "Signature"
)

// signatureLen is how long a signature is, in base64url without padding.
const signatureLen = 43

// link is what a query says about itself, as it was sent.
type link struct {
	rest      string // the query before our parameters
	prefix    string // in base64url; "" without one
	expires   int64
	key       string
	addresses netip.Prefix // not valid without one
	signed    string       // our parameters, but for the signature
	signature string
}

// parse reads our parameters, which stand at the end of the query in one order.
// What has some of them in any other way is malformed: it must not mean one
// thing here and another behind us.
func (l *link) parse(query string) Verdict {
	before, value, ok := cutLast(query, nameSignature)
	if !ok || len(value) != signatureLen {
		if reserved(query) {
			return Malformed
		}
		return Missing
	}
	l.signature = value
	start := before
	if left, value, ok := cutLast(start, nameRange); ok {
		if l.addresses, ok = parseRange(value); !ok {
			return Malformed
		}
		start = left
	}
	if start, l.key, ok = cutLast(start, nameKey); !ok || !keyfile.ValidName(l.key) {
		return Malformed
	}
	var expires string
	if start, expires, ok = cutLast(start, nameExpires); !ok {
		return Malformed
	}
	if l.expires, ok = parseSeconds(expires); !ok {
		return Malformed
	}
	if left, value, ok := cutLast(start, namePrefix); ok {
		if value == "" {
			return Malformed
		}
		start, l.prefix = left, value
	}
	l.rest, l.signed = start, strings.TrimPrefix(before[len(start):], "&")
	// An ampersand before our parameters belongs to a query before them.
	if start == "" && before[0] == '&' || reserved(start) {
		return Malformed
	}
	return Valid
}

// cutLast cuts the last parameter off a query if it has that name.
func cutLast(query, name string) (before, value string, ok bool) {
	i := strings.LastIndexByte(query, '&')
	value, ok = strings.CutPrefix(query[i+1:], name)
	if !ok || value == "" || value[0] != '=' {
		return query, "", false
	}
	return query[:max(i, 0)], value[1:], true
}

// parseSeconds reads a number as it is written by everybody: without a sign and
// without zeros before it.
func parseSeconds(text string) (n int64, ok bool) {
	if text == "" || len(text) > 12 || text[0] == '0' {
		return 0, false
	}
	for i := range len(text) {
		c := text[i]
		if c < '0' || c > '9' {
			return 0, false
		}
		n = n*10 + int64(c-'0')
	}
	return n, true
}

// parseRange reads a range of addresses in the one form that Sign writes.
func parseRange(text string) (netip.Prefix, bool) {
	p, err := netip.ParsePrefix(text)
	if err != nil || p.Addr().Is4In6() || p.Masked() != p {
		return p, false
	}
	var buf [64]byte
	return p, string(p.AppendTo(buf[:0])) == text
}

// reserved reports whether a query has a parameter of ours, however its name is
// written. A semicolon counts as an ampersand, as it does to some programs.
func reserved(query string) bool {
	found, _ := ours(query)
	return found >= 0
}

// ours returns where the first parameter of ours begins, -1 without one, and
// whether there is a signature.
func ours(query string) (first int, signature bool) {
	first = -1
	for at := 0; at < len(query); {
		end := strings.IndexAny(query[at:], "&;")
		if end < 0 {
			end = len(query) - at
		}
		name := query[at : at+end]
		if i := strings.IndexByte(name, '='); i >= 0 {
			name = name[:i]
		}
		isSignature := spells(name, nameSignature)
		if isSignature || spells(name, nameExpires) || spells(name, nameKey) || spells(name, namePrefix) || spells(name, nameRange) {
			signature = signature || isSignature
			if first < 0 {
				first = at
			}
		}
		at += end + 1
	}
	return first, signature
}

// spells reports whether an encoded name is that name when it is decoded.
func spells(encoded, name string) bool {
	for len(encoded) > 0 {
		if name == "" {
			return false
		}
		c, n := encoded[0], 1
		if c == '%' && len(encoded) > 2 {
			c, n = wire.Unhex(encoded[1])<<4|wire.Unhex(encoded[2]), 3
		}
		if c != name[0] {
			return false
		}
		encoded, name = encoded[n:], name[1:]
	}
	return name == ""
}

// Plain returns an address, or the target of a request, without what a signed
// link has more, for logs: a signature that they kept could be used by whoever
// reads them. What has no signature comes back as it is. Whether the link is a
// good one does not matter.
func Plain(address string) string {
	question := strings.IndexByte(address, '?')
	if question < 0 {
		return address
	}
	first, signature := ours(address[question+1:])
	if !signature {
		return address
	}
	return address[:question+first]
}

// encoding is strict, so that there is one text for some bytes.
var encoding = base64.RawURLEncoding.Strict()

// appendHost appends the name of a host: in lower case, without the port and
// without a dot at its end.
func appendHost(dst []byte, host string) []byte {
	host = wire.HostName(host)
	for i := range len(host) {
		dst = append(dst, field.Lower(host[i]))
	}
	return dst
}

// appendMessage appends what is signed.
func (l *link) appendMessage(dst []byte, host, path string) []byte {
	dst = appendHost(dst, host)
	if l.prefix == "" {
		dst = append(append(dst, path...), '?')
		if l.rest != "" {
			dst = append(append(dst, l.rest...), '&')
		}
		return append(dst, l.signed...)
	}
	return append(append(dst, '?'), l.signed...)
}
