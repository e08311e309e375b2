package wire

import "freshet/internal/rule"

// ValidMethod reports whether s is a method: a token (RFC 9110 §9.1) of at
// most 64 bytes.
func ValidMethod(s string) bool { return len(s) <= maxMethodBytes && all(s, tokenByte) }

// Idempotent reports whether a request of the method may be sent again when
// nobody knows what became of the first one (RFC 9110 §9.2.2). Of a method that
// is not known nobody knows that either.
func Idempotent(method string) bool {
	switch method {
	case "GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE":
		return true
	}
	return false
}

// ValidFieldName reports whether s is a token (RFC 9110 §5.1).
func ValidFieldName(s string) bool { return all(s, tokenByte) }

// ValidFieldValue reports whether s is a field value by RFC 9110 §5.5: no
// control character but HTAB, and no white space at either end, which belongs
// to the field line and not to the value. The empty string is one.
func ValidFieldValue(s string) bool {
	if s == "" {
		return true
	}
	return !isSpace(s[0]) && !isSpace(s[len(s)-1]) && scanValue(octets(s), 0) == len(s)
}

// LikeName reports whether an origin may take a field for want, which is in
// lower case: case does not matter, and an underscore is a hyphen, for a program
// that is told of fields as by CGI cannot tell them apart (RFC 3875 §4.1.18).
func LikeName(name, want string) bool {
	if len(name) != len(want) {
		return false
	}
	for i := range len(name) {
		c := lower(name[i])
		if c == '_' {
			c = '-'
		}
		if c != want[i] {
			return false
		}
	}
	return true
}

// NamesClient reports whether a field says who the client is, or may be read so,
// and is therefore no client's to send: the names are those that servers and
// applications agree on, and those of RFC 9440 for certificates.
func NamesClient(name string) bool {
	switch len(name) {
	case len("remote-user"):
		return LikeName(name, "remote-user") || LikeName(name, "remote-name") || LikeName(name, "client-cert")
	case len("remote-email"):
		return LikeName(name, "remote-email")
	case len("remote-groups"):
		return LikeName(name, "remote-groups")
	case len("client-cert-chain"):
		return LikeName(name, "client-cert-chain")
	}
	return false
}

// CheckFields looks at fields that somebody else has parsed and returns the
// rule that a name or a value breaks, 0 for none: a line end in a value would
// make two messages of one.
func CheckFields(fields map[string][]string) rule.ID {
	for name, values := range fields {
		if !ValidFieldName(name) {
			return rule.BadFieldName
		}
		for _, v := range values {
			if !ValidFieldValue(v) {
				return rule.BadFieldValue
			}
		}
	}
	return 0
}

// LookupKnown returns which well-known field has the name, in any case, None
// if none has.
func LookupKnown(name string) Known {
	n := len(name)
	if n < 2 {
		return None
	}
	k := knownByHash[nameHash(name)]
	want := knownNames[k]
	if want == name {
		return k
	}
	if len(want) != n {
		return None
	}
	for i := range n {
		if lower(name[i]) != lower(want[i]) {
			return None
		}
	}
	return k
}

// nameHash tells the well-known names apart (TestKnownNamesApart) by their
// length, first letter and last two, in any case. name has two bytes or more.
func nameHash(name string) uint8 {
	n := len(name)
	h := uint32(n)*hashLength + uint32(name[0]|0x20)*hashFirst + uint32(name[n-1]|0x20)*hashLast + uint32(name[n-2]|0x20)*hashSecondLast
	return uint8(h)
}

// The multipliers were found by trying small ones until no two names met.
const (
	hashLength     = 1
	hashFirst      = 6
	hashLast       = 5
	hashSecondLast = 2
)

var knownByHash = makeKnownByHash()

func makeKnownByHash() (t [256]Known) {
	for k := None + 1; k < numKnown; k++ {
		t[nameHash(knownNames[k])] = k
	}
	return t
}

// CanonicalName returns name as net/http spells it: the first letter and those
// after a hyphen in upper case, the others in lower case. A name that is not
// a token comes back as it is, as from net/textproto.
//
// It allocates only for a name that is neither well-known nor canonical. What
// it returns may be name itself: if that is a view of a buffer, clone it.
func CanonicalName(name string) string {
	if k := LookupKnown(name); k != None {
		return knownNames[k]
	}
	if !ValidFieldName(name) {
		return name
	}
	start := true
	for i := range len(name) {
		c := name[i]
		if start && c-'a' < 26 || !start && c-'A' < 26 {
			return canonical(name)
		}
		start = c == '-'
	}
	return name
}

// AppendCanonicalName appends the canonical name of name, which is a token.
func AppendCanonicalName(dst []byte, name string) []byte {
	n := len(dst)
	dst = append(dst, name...)
	canonicalize(dst[n:])
	return dst
}

func canonical(name string) string {
	b := []byte(name)
	canonicalize(b)
	return string(b)
}

func canonicalize(b []byte) {
	start := true
	for i, c := range b {
		switch {
		case start && c-'a' < 26:
			b[i] = c - ('a' - 'A')
		case !start:
			b[i] = lower(c)
		}
		start = c == '-'
	}
}

// SpelledName returns the spelling that a canonical name has in its RFC, where
// net/http's rule gives another: what people read on the wire is what they find
// in the documents.
func SpelledName(canonical string) string {
	switch canonical {
	case "Etag":
		return "ETag"
	case "Www-Authenticate":
		return "WWW-Authenticate"
	case "Te":
		return "TE"
	case "Dnt":
		return "DNT"
	case "Sourcemap":
		return "SourceMap"
	case "Sec-Websocket-Accept", "Sec-Websocket-Protocol", "Sec-Websocket-Extensions", "Sec-Websocket-Version":
		return "Sec-WebSocket-" + canonical[len("Sec-Websocket-"):]
	case "Content-Md5":
		return "Content-MD5"
	case "Nel":
		return "NEL"
	}
	return canonical
}
