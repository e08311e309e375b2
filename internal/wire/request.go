package wire

import (
	"bytes"

	"freshet/internal/rule"
)

const (
	// maxMethodBytes bounds a method. The longest registered one
	// (UPDATEREDIRECTREF) has 17 bytes.
	maxMethodBytes = 64

	// searchFrom is the length of unparsed field lines from which on the end
	// of the head is searched for before they are parsed.
	searchFrom = 1 << 10
)

// ParseRequest parses the request head at the start of buf into h, in place:
// it copies nothing, and allocates only to grow h.Fields, which is reused.
//
// n is the length of the head with its empty line, and with the one empty line
// that may precede it (RFC 9112 §2.2). When n and broken are 0 the head is not
// complete: read more and call again with the longer buf. A head that cannot
// become a good one is refused as soon as that shows, not only when it is
// complete.
//
// When broken is not 0, h holds what had been understood for the log: Method,
// Target, Major and Minor, each empty if the fault stood before its end.
//
// HTTP/0.9 gives Major 0 and Minor 9; n is the length of its one line.
//
// With LenientFold buf may be written to: line breaks become spaces.
func (l *Limits) ParseRequest(buf []byte, h *Head) (n int, broken rule.ID) {
	h.reset()
	limit := l.maxHeadBytes()
	if len(buf) > limit {
		buf = buf[:limit]
	}
	n, broken = l.parseHead(buf, h)
	if n == 0 && broken == 0 && len(buf) == limit {
		broken = rule.HeadTooLarge
	}
	return n, broken
}

// reset empties h, keeping the memory of Fields, and Now.
func (h *Head) reset() {
	h.Method, h.Target, h.Path, h.Query, h.Scheme, h.Host = "", "", "", "", "", ""
	h.Major, h.Minor = 0, 0
	h.Fields = h.Fields[:0]
	h.ContentLength = 0
	h.Chunked, h.HasQuery, h.Close, h.Upgrade, h.ExpectContinue = false, false, false, false, false
	h.seen, h.repeated = 0, 0
}

// parseHead is ParseRequest for a b that is not longer than a head may be.
func (l *Limits) parseHead(b []byte, h *Head) (n int, broken rule.ID) {
	i := 0
	if len(b) > 0 && (b[0] == '\r' || b[0] == '\n') {
		if i, broken = l.lineEnd(b, 0); i == 0 {
			return 0, broken
		}
	}

	start := i
	for i < len(b) && class[b[i]]&tokenByte != 0 {
		i++
	}
	if i-start > maxMethodBytes {
		return 0, rule.BadMethod
	}
	if i == len(b) {
		return 0, 0
	}
	if b[i] != ' ' || i == start {
		return 0, lineFault(b[i], rule.BadMethod)
	}
	h.Method = view(b[start:i])
	i++

	start = i
	most := l.maxTargetBytes()
	end, question, ok := scanTarget(b[:min(len(b), start+most+1)], start)
	i = end
	h.Target = view(b[start:i])
	switch {
	case i-start > most:
		return 0, rule.TargetTooLong
	case !ok:
		return 0, rule.BadTarget
	case i == len(b):
		h.Target = ""
		return 0, 0
	case i == start || b[i] != ' ':
		if i > start && (b[i] == '\r' || b[i] == '\n') {
			return l.parse09(b, i, question-start, h)
		}
		return 0, lineFault(b[i], rule.BadTarget)
	}
	if question >= 0 {
		question -= start
	}
	i++

	if len(b)-i >= 10 && string(b[i:i+10]) == "HTTP/1.1\r\n" {
		h.Major, h.Minor = 1, 1
		i += 10
	} else if i, broken = l.parseVersion(b, i, h); i == 0 {
		return 0, broken
	}
	if broken = h.splitTarget(question); broken != 0 {
		return 0, broken
	}

	if len(b)-i >= searchFrom && len(b) < l.maxHeadBytes() && !mayEnd(b[i-1:]) {
		return 0, 0
	}
	if n, broken = l.parseFields(b, i, h); n == 0 {
		return 0, broken
	}
	if broken = h.settle(); broken != 0 {
		return 0, broken
	}
	return n, 0
}

// mayEnd reports whether it is worth parsing field lines: they end in a whole
// line, or there is an empty one among them. lines starts with the LF of the
// request line. Without this a long head that arrives octet by octet would be
// parsed again for each.
func mayEnd(lines []byte) bool {
	return lines[len(lines)-1] == '\n' || bytes.Contains(lines, []byte("\n\r\n")) || bytes.Contains(lines, []byte("\n\n"))
}

// lineFault names the fault of a request line that has c in the wrong place.
func lineFault(c byte, other rule.ID) rule.ID {
	switch c {
	case ' ', '\t', '\r', '\n':
		return rule.BadRequestLine
	}
	return other
}

// lineEnd returns the index after the line end at b[i], which is CR or LF, or
// 0 if it is not complete or not a line end.
func (l *Limits) lineEnd(b []byte, i int) (next int, broken rule.ID) {
	switch {
	case b[i] == '\n' && l.LenientLF:
		return i + 1, 0
	case b[i] == '\n':
		return 0, rule.BareLF
	case i+1 == len(b):
		return 0, 0
	case b[i+1] == '\n':
		return i + 2, 0
	}
	return 0, rule.BareCR
}

// parse09 ends the parsing of a request line without a version at b[i], CR or
// LF. A bare LF always did end the line of HTTP/0.9.
func (l *Limits) parse09(b []byte, i, question int, h *Head) (n int, broken rule.ID) {
	if !l.AllowHTTP09 || h.Method != "GET" || h.Target[0] != '/' {
		return 0, rule.BadRequestLine
	}
	n = i + 1
	if b[i] == '\r' {
		if n, broken = l.lineEnd(b, i); n == 0 {
			return 0, broken
		}
	}
	h.Minor = 9
	h.Close = true
	return n, h.splitTarget(question)
}

// parseVersion parses the version at b[i] and the end of its line.
func (l *Limits) parseVersion(b []byte, i int, h *Head) (next int, broken rule.ID) {
	const form = "HTTP/d.d"
	for k := range len(form) {
		if i+k == len(b) {
			return 0, 0
		}
		c := b[i+k]
		switch {
		case form[k] == 'd' && c-'0' <= 9:
		case form[k] == c && c != 'd':
		case k == 0 || isSpace(c):
			return 0, lineFault(c, rule.BadVersion)
		default:
			return 0, rule.BadVersion
		}
	}
	h.Major, h.Minor = b[i+5]-'0', b[i+7]-'0'
	if h.Major != 1 {
		return 0, rule.VersionUnsupported
	}
	i += len(form)
	if i == len(b) {
		return 0, 0
	}
	switch c := b[i]; c {
	case '\r', '\n':
		return l.lineEnd(b, i)
	default:
		return 0, lineFault(c, rule.BadVersion)
	}
}
