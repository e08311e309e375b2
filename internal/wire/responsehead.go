package wire

// ResponseHead is a parsed response head. Its strings are views of the buffer
// that was parsed; whoever wants to keep one clones it. The zero value is ready,
// and one value serves any number of responses.
type ResponseHead struct {
	Major, Minor uint8
	Status       int    // 100 to 999
	Reason       string // as sent; "" if there is none

	// Fields are the field lines in the order they were sent, white space
	// around the values removed.
	Fields []Field

	// ContentLength is what the field of that name says, -1 without one, and
	// in 1xx and 204, which have no such field. It is not always the length of
	// a body that follows: see Framing.
	ContentLength int64
	Chunked       bool // chunked is the one transfer coding
	Coded         bool // there is a transfer coding, and the last is not chunked
	Close         bool // the connection ends after this response
	Upgrade       bool // Connection lists "upgrade" and there is an Upgrade field

	lines Head // what the parser of field lines knows of them
}

// Framing says where a message body ends.
type Framing uint8

const (
	NoBody      Framing = iota
	SizedBody           // after ContentLength octets
	ChunkedBody         // where its last chunk says
	BodyToClose         // with the connection, so that a cut-off body looks whole
	Tunnel              // no body: the connection no longer speaks HTTP
)

// Framing returns how the body of h is framed, by RFC 9112 §6.3, when h answers
// a request with the given method.
func (h *ResponseHead) Framing(method string) Framing {
	switch {
	case h.Status == 101, method == "CONNECT" && h.Status/100 == 2:
		return Tunnel
	case Bodyless(method, h.Status):
		return NoBody
	case h.Chunked:
		return ChunkedBody
	case h.Coded || h.ContentLength < 0:
		return BodyToClose
	case h.ContentLength == 0:
		return NoBody
	}
	return SizedBody
}

// Get returns the value of the first line of a well-known field, or "".
func (h *ResponseHead) Get(k Known) string { return h.lines.Get(k) }

// Has reports whether a well-known field occurs.
func (h *ResponseHead) Has(k Known) bool { return h.lines.Has(k) }

// reset empties h, keeping the memory of Fields.
func (h *ResponseHead) reset() {
	h.Major, h.Minor, h.Status, h.Reason = 0, 0, 0, ""
	h.Fields = h.Fields[:0]
	h.ContentLength = -1
	h.Chunked, h.Coded, h.Close, h.Upgrade = false, false, false, false
	h.lines.reset()
}
