package wire

// Head is a parsed request head. Its strings are views of the buffer that was
// parsed: they are valid until the request has been answered, and whoever
// wants to keep one clones it (strings.Clone).
type Head struct {
	Method string // as sent; any token
	Target string // the request target as sent
	Path   string // the target's path, still percent-encoded; "*" for OPTIONS *; "" for CONNECT
	Query  string // what follows the first "?" of the target, without it
	Scheme string // of an absolute-form target, else ""
	Host   string // authority of the target, else the Host field; may be "" below HTTP/1.1
	Major  uint8
	Minor  uint8

	// Fields are the field lines in the order they were sent, white space
	// around the values removed.
	Fields []Field

	// ContentLength is the length of the body when it is known, else -1 (the
	// body is chunked). A request without a body has 0.
	ContentLength  int64
	Chunked        bool
	HasQuery       bool // the target has a "?", even with nothing after it
	Close          bool // the connection ends after this request
	Upgrade        bool // Connection lists "upgrade" and there is an Upgrade field
	ExpectContinue bool

	// TLS says that the connection is encrypted; ServerName is what the client
	// named in its handshake (RFC 6066 §3), "" without.
	TLS        bool
	ServerName string

	// Now is when the request was read, in nanoseconds since 1970. Read is the
	// same moment on a clock that is never set, in nanoseconds from an
	// arbitrary start; 0 when it is not known.
	Now, Read int64

	seen     uint64 // bit k: the field Known(k) occurs
	repeated uint64 // bit k: it occurs more than once
	first    [numKnown]uint16
}

// Field is one field line.
type Field struct {
	Name  string // as sent, in any case
	Value string
	Known Known // which well-known field it is; None for others
}

// Get returns the value of the first line of a well-known field, or "".
func (h *Head) Get(k Known) string {
	if h.seen&(1<<k) == 0 {
		return ""
	}
	return h.Fields[h.first[k]].Value
}

// Has reports whether a well-known field occurs.
func (h *Head) Has(k Known) bool { return h.seen&(1<<k) != 0 }

// HasAny reports whether any field of the set occurs.
func (h *Head) HasAny(s KnownSet) bool { return h.seen&uint64(s) != 0 }

// Repeated reports whether any field of the set occurs on more than one line.
func (h *Head) Repeated(s KnownSet) bool { return h.repeated&uint64(s) != 0 }

// HTTP11 reports whether the request is of HTTP/1.1 or a later 1.x.
func (h *Head) HTTP11() bool { return h.Major == 1 && h.Minor >= 1 }
