package wire

import "freshet/internal/rule"

// ParseResponse parses the response head at the start of buf into h, in the
// manner of ParseRequest: in place, without copies, n being the length of the
// head with its empty line. When n and broken are 0 the head is not complete:
// read more and call again with the longer buf.
//
// It forgives what RFC 9112 obliges a proxy to mend, and a status line without
// the space before an absent reason: white space before a field's colon is left
// out (§5.1), and a folded line is unfolded (§5.2), for which buf is written to.
// LenientLF works as for requests. A Content-Length beside Transfer-Encoding and
// codings below chunked, which nobody asked for, are faults; all faults are of
// the group "Responses" of package rule. HTTP/0.9 is none of the responses.
func (l *Limits) ParseResponse(buf []byte, h *ResponseHead) (n int, broken rule.ID) {
	h.reset()
	limit := l.maxHeadBytes()
	if len(buf) > limit {
		buf = buf[:limit]
	}
	n, broken = l.parseResponse(buf, h)
	if n == 0 && broken == 0 && len(buf) == limit {
		broken = rule.HeadTooLarge
	}
	return n, ResponseFault(broken)
}

// parseResponse is ParseResponse for a b that is not longer than a head may be.
func (l *Limits) parseResponse(b []byte, h *ResponseHead) (n int, broken rule.ID) {
	i, broken := l.parseStatusLine(b, h)
	if i == 0 {
		return 0, broken
	}
	if len(b)-i >= searchFrom && len(b) < l.maxHeadBytes() && !mayEnd(b[i-1:]) {
		return 0, 0
	}
	mending := *l
	mending.LenientFold, mending.spacedColon = true, true
	h.lines.Major, h.lines.Minor, h.lines.Fields = h.Major, h.Minor, h.Fields
	n, broken = mending.parseFields(b, i, &h.lines)
	h.Fields = h.lines.Fields
	if n == 0 {
		return 0, broken
	}
	if broken = h.settle(); broken != 0 {
		return 0, broken
	}
	return n, 0
}

// parseStatusLine parses the line "HTTP/1.d ddd reason" (RFC 9112 §4) at the
// start of b. next is the index after it, 0 if it is not complete or broken.
func (l *Limits) parseStatusLine(b []byte, h *ResponseHead) (next int, broken rule.ID) {
	const form = "HTTP/d.d ddd"
	for k := range len(form) {
		switch {
		case k == len(b):
			return 0, 0
		case form[k] == 'd' && b[k]-'0' <= 9:
		case form[k] == b[k] && form[k] != 'd':
		default:
			return 0, rule.ResponseLine
		}
	}
	h.Major, h.Minor = b[5]-'0', b[7]-'0'
	if h.Major != 1 {
		return 0, rule.ResponseVersion
	}
	h.Status = int(b[9]-'0')*100 + int(b[10]-'0')*10 + int(b[11]-'0')
	if h.Status < 100 {
		return 0, rule.ResponseStatus
	}
	i := len(form)
	switch {
	case i == len(b):
		return 0, 0
	case b[i]-'0' <= 9:
		return 0, rule.ResponseStatus
	case b[i] != ' ' && b[i] != '\r' && b[i] != '\n':
		return 0, rule.ResponseLine
	}
	next, end, broken := l.valueEnd(b, i)
	if broken == rule.BadFieldValue {
		broken = rule.ResponseLine
	}
	if next != 0 {
		h.Reason = trim(view(b[i:end]))
	}
	return next, broken
}

// settle decides what the fields of a complete head say about the length of
// the body and the future of the connection.
func (h *ResponseHead) settle() rule.ID {
	if h.lines.HasAny(Set(ContentLength, TransferEncoding)) && !LengthlessStatus(h.Status) {
		if broken := h.settleLength(); broken != 0 {
			return broken
		}
	}
	h.Close = !h.lines.HTTP11()
	if h.lines.Has(Connection) {
		h.lines.settleConnection()
		h.Close, h.Upgrade = h.lines.Close, h.lines.Upgrade
	}
	return 0
}

// settleLength applies RFC 9112 §6.3 items 3 to 5.
func (h *ResponseHead) settleLength() rule.ID {
	if !h.lines.Has(TransferEncoding) {
		broken := h.lines.settleContentLength()
		h.ContentLength = h.lines.ContentLength
		return broken
	}
	switch {
	case !h.lines.HTTP11():
		return rule.CodingIn10
	case h.lines.Has(ContentLength):
		return rule.LengthWithCoding
	}
	switch broken := h.lines.checkCodings(); {
	case broken == 0:
		h.Chunked = true
	case broken == rule.CodingUnknown && !h.endsChunked():
		h.Coded = true // item 4: up to the end of the connection
	default:
		return broken
	}
	return 0
}

// endsChunked reports whether chunked is the last coding of well-formed
// Transfer-Encoding lines. One that is not, in a quoted parameter, may be taken
// for it: that only refuses more.
func (h *ResponseHead) endsChunked() bool {
	last := ""
	for _, f := range h.Fields[h.lines.first[TransferEncoding]:] {
		if f.Known != TransferEncoding {
			continue
		}
		for more := true; more; {
			last, f.Value, more = nextElement(f.Value)
		}
	}
	return equalFold(last, "chunked")
}

// responseFaults gives the faults that parsers share with requests the names
// that they have in responses: who has to mend them is somebody else.
var responseFaults = map[rule.ID]rule.ID{
	rule.BareCR:           rule.ResponseBareCR,
	rule.BareLF:           rule.ResponseBareLF,
	rule.LeadingSpace:     rule.ResponseLeadingSpace,
	rule.BadFieldName:     rule.ResponseFieldName,
	rule.BadFieldValue:    rule.ResponseFieldValue,
	rule.HeadTooLarge:     rule.ResponseHeadTooLarge,
	rule.TooManyFields:    rule.ResponseTooManyFields,
	rule.LengthInvalid:    rule.ResponseLengthInvalid,
	rule.LengthDiffers:    rule.ResponseLengthDiffers,
	rule.LengthWithCoding: rule.ResponseLengthWithCoding,
	rule.CodingUnknown:    rule.ResponseCodingUnknown,
	rule.CodingInvalid:    rule.ResponseCodingInvalid,
	rule.CodingIn10:       rule.ResponseCodingIn10,
	rule.ChunkSize:        rule.ResponseChunk,
	rule.ChunkLine:        rule.ResponseChunk,
	rule.ChunkExtension:   rule.ResponseChunk,
	rule.ChunkEnd:         rule.ResponseChunk,
	rule.TrailerInvalid:   rule.ResponseTrailer,
}

// ResponseFault returns the rule of the group "Responses" for a fault that
// Chunked, or another parser that knows requests, found in a response. Others,
// and 0, come back as they are.
func ResponseFault(broken rule.ID) rule.ID {
	if broken == 0 {
		return 0
	}
	if named, ok := responseFaults[broken]; ok {
		return named
	}
	return broken
}
