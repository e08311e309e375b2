package wire

import (
	"math"

	"freshet/internal/rule"
)

// settle decides what the fields of a complete head say about the message
// itself: its host, the length of its body, and the connection's future.
func (h *Head) settle() rule.ID {
	switch {
	case h.Repeated(Set(Host)):
		return rule.HostRepeated
	case h.Has(Host):
		host := h.Get(Host)
		if !ValidHost(host) {
			return rule.HostInvalid
		}
		// RFC 9112 §3.2.2: the authority of a target goes before the field.
		if h.Host == "" {
			h.Host = host
		}
	case h.HTTP11():
		return rule.HostMissing
	}
	if h.HasAny(Set(ContentLength, TransferEncoding)) {
		if broken := h.settleLength(); broken != 0 {
			return broken
		}
	}
	h.Close = !h.HTTP11()
	if h.Has(Connection) {
		h.settleConnection()
	}
	if h.Has(Expect) && h.HTTP11() {
		return h.settleExpect()
	}
	return 0
}

// settleLength applies RFC 9112 §6.3 to a head that has Content-Length or
// Transfer-Encoding. What the RFC lets a server mend, it refuses.
func (h *Head) settleLength() rule.ID {
	if h.Has(TransferEncoding) {
		switch {
		case !h.HTTP11():
			return rule.CodingIn10
		case h.Has(ContentLength):
			return rule.LengthWithCoding
		}
		if broken := h.checkCodings(); broken != 0 {
			return broken
		}
		h.Chunked = true
		h.ContentLength = -1
		return 0
	}
	return h.settleContentLength()
}

// settleContentLength reads the Content-Length lines. The same length may be
// repeated, on lines of its own or in a list (RFC 9112 §6.3 item 5).
func (h *Head) settleContentLength() rule.ID {
	length := int64(-1)
	for _, f := range h.Fields[h.first[ContentLength]:] {
		if f.Known != ContentLength {
			continue
		}
		for elem, rest, more := "", f.Value, true; more; {
			elem, rest, more = nextElement(rest)
			n := parseLength(elem)
			if n < 0 {
				return rule.LengthInvalid
			}
			if length >= 0 && n != length {
				return rule.LengthDiffers
			}
			length = n
		}
	}
	h.ContentLength = length
	return 0
}

// parseLength returns the number that s has in decimal digits, -1 if it is
// none or does not fit.
func parseLength(s string) int64 {
	if s == "" {
		return -1
	}
	n := int64(0)
	for i := range len(s) {
		d := int64(s[i]) - '0'
		if d < 0 || d > 9 || n > (math.MaxInt64-d)/10 {
			return -1
		}
		n = n*10 + d
	}
	return n
}

// checkCodings accepts one chunked coding and nothing else. A coding that is
// well-formed and not chunked is unknown here, be it registered or not; but
// nothing may follow chunked, and chunked takes no parameters (RFC 9112 §7.1).
func (h *Head) checkCodings() rule.ID {
	chunked, unknown := false, false
	for _, f := range h.Fields[h.first[TransferEncoding]:] {
		if f.Known != TransferEncoding {
			continue
		}
		for elem, rest, more := "", f.Value, true; more; {
			elem, rest, more = nextElement(rest)
			n := 0
			for n < len(elem) && class[elem[n]]&tokenByte != 0 {
				n++
			}
			name, params := elem[:n], trim(elem[n:])
			switch {
			case chunked, name == "", params != "" && params[0] != ';':
				return rule.CodingInvalid
			case !equalFold(name, "chunked"):
				unknown = true
				if params != "" {
					return rule.CodingUnknown // they may hold commas in quotes
				}
			case params != "":
				return rule.CodingInvalid
			default:
				chunked = true
			}
		}
	}
	if unknown {
		return rule.CodingUnknown
	}
	return 0
}

// settleConnection reads the Connection lines, which are one list (RFC 9110
// §7.6.1). Close wins wherever it stands (RFC 9112 §9.3).
func (h *Head) settleConnection() {
	var closing, keep, upgrade bool
	for _, f := range h.Fields[h.first[Connection]:] {
		if f.Known != Connection {
			continue
		}
		for elem, rest, more := "", f.Value, true; more; {
			elem, rest, more = nextElement(rest)
			switch {
			case equalFold(elem, "keep-alive"):
				keep = true
			case equalFold(elem, "close"):
				closing = true
			case equalFold(elem, "upgrade"):
				upgrade = true
			}
		}
	}
	h.Close = closing || !h.HTTP11() && !keep
	h.Upgrade = upgrade && h.HTTP11() && h.Has(Upgrade)
}

// settleExpect reads the Expect lines of an HTTP/1.1 request; in HTTP/1.0 the
// field means nothing (RFC 9110 §10.1.1).
func (h *Head) settleExpect() rule.ID {
	for _, f := range h.Fields[h.first[Expect]:] {
		if f.Known != Expect {
			continue
		}
		for elem, rest, more := "", f.Value, true; more; {
			elem, rest, more = nextElement(rest)
			switch {
			case equalFold(elem, "100-continue"):
				h.ExpectContinue = true
			case elem != "":
				return rule.ExpectationUnknown
			}
		}
	}
	return 0
}
