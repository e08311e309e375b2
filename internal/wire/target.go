package wire

import (
	"strings"

	"freshet/internal/rule"
)

// ValidTarget reports whether target is a request target that the method may
// have (RFC 9112 §3.2): origin-form or an http(s) absolute-form; "*" for
// OPTIONS too; for CONNECT host:port alone.
//
// Its octets are those of RFC 3986, every "%" is followed by two hexadecimal
// digits, and there is no fragment. Two departures, because browsers send
// these as they are (the URL standard does not encode them): "[" and "]" are
// tolerated in a path, and [ ] | \ ^ ` { } in a query.
func ValidTarget(method, target string) bool {
	end, question, ok := scanTarget(octets(target), 0)
	if !ok || end != len(target) || end == 0 {
		return false
	}
	if n := len(target); target[n-1] == '%' || n > 1 && target[n-2] == '%' {
		return false
	}
	h := Head{Method: method, Target: target}
	return h.splitTarget(question) == 0
}

// ValidTargetBytes is ValidTarget for octets.
func ValidTargetBytes(method string, target []byte) bool { return ValidTarget(method, view(target)) }

// scanTarget returns the index of the first octet of b from i on that does not
// belong to a target, and that of the "?", -1 without one. It is not ok when
// an escape is broken; one that b cuts off is taken for good.
func scanTarget(b []byte, i int) (end, question int, ok bool) {
	question = -1
	want := uint8(pathByte)
	for ; i < len(b); i++ {
		c := b[i]
		if class[c]&want != 0 {
			continue
		}
		switch {
		case c == '%':
			if len(b)-i > 1 && class[b[i+1]]&hexByte == 0 || len(b)-i > 2 && class[b[i+2]]&hexByte == 0 {
				return i, question, false
			}
		case c == '?': // only the first: in a query it is an octet like others
			question = i
			want = queryByte
		default:
			return i, question, true
		}
	}
	return i, question, true
}

// splitTarget sets the parts of h.Target, whose octets are sound; question is
// the index of its "?", -1 without one.
func (h *Head) splitTarget(question int) rule.ID {
	t := h.Target
	path := t
	if question >= 0 {
		path, h.Query, h.HasQuery = t[:question], t[question+1:], true
	}
	switch {
	case h.Method == "CONNECT": // RFC 9112 §3.2.3; RFC 9110 §9.3.6 wants a port
		port, ok := splitHost(t)
		if !ok || strings.Trim(port, "0") == "" {
			return rule.BadTarget
		}
		h.Host = t
	case t[0] == '/':
		h.Path = path
	case t == "*":
		if h.Method != "OPTIONS" {
			return rule.BadTarget
		}
		h.Path = t
	default:
		return h.splitAbsolute(path)
	}
	return 0
}

// splitAbsolute splits an absolute-form (RFC 9112 §3.2.2) without its query.
func (h *Head) splitAbsolute(t string) rule.ID {
	colon := strings.IndexByte(t, ':')
	if colon < 0 || !strings.HasPrefix(t[colon:], "://") {
		return rule.BadTarget
	}
	switch {
	case equalFold(t[:colon], "http"):
		h.Scheme = "http"
	case equalFold(t[:colon], "https"):
		h.Scheme = "https"
	default:
		return rule.BadTarget
	}
	authority := t[colon+len("://"):]
	if slash := strings.IndexByte(authority, '/'); slash >= 0 {
		authority, h.Path = authority[:slash], authority[slash:]
	} else if h.Method == "OPTIONS" && !h.HasQuery {
		h.Path = "*" // RFC 9112 §3.2.4: this is how "*" comes through a proxy
	} else {
		h.Path = "/"
	}
	// An http URI without a host is invalid (RFC 9110 §4.2.1).
	if authority == "" || !ValidHost(authority) {
		return rule.HostInvalid
	}
	h.Host = authority
	return 0
}
