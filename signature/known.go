package signature

// known is a component that is looked up by number: what is no field, and the
// fields that most signatures cover.
type known uint8

const (
	unlisted known = iota
	atMethod
	atTargetURI
	atAuthority
	atScheme
	atRequestTarget
	atPath
	atQuery
	atQueryParam
	atStatus
	contentDigest
	contentType
	contentLength
	dateField
	hostField
	inputField
	signatureField
)

// canonical are the names of fields as http.Header has them.
var canonical = [...]string{
	contentDigest: "Content-Digest", contentType: "Content-Type", contentLength: "Content-Length", dateField: "Date", hostField: "Host",
	inputField: "Signature-Input", signatureField: "Signature",
}

// knownAs returns the number of a name.
func knownAs(name string) known {
	switch name {
	case "@method":
		return atMethod
	case "@target-uri":
		return atTargetURI
	case "@authority":
		return atAuthority
	case "@scheme":
		return atScheme
	case "@request-target":
		return atRequestTarget
	case "@path":
		return atPath
	case "@query":
		return atQuery
	case "@query-param":
		return atQueryParam
	case "@status":
		return atStatus
	case "content-digest":
		return contentDigest
	case "content-type":
		return contentType
	case "content-length":
		return contentLength
	case "date":
		return dateField
	case "host":
		return hostField
	case "signature-input":
		return inputField
	case "signature":
		return signatureField
	}
	return unlisted
}

// Header is an http.Header as Fields: it finds names in lower case without a copy
// of them.
type Header map[string][]string

// Values implements Fields.
func (h Header) Values(name string) []string { return h.values(knownAs(name), name) }

func (h Header) values(k known, name string) []string {
	if k >= contentDigest {
		return h[canonical[k]]
	}
	var few [64]byte
	b := append(few[:0], name...)
	upper := true
	for i, c := range b {
		if !isToken(c) {
			return h[name] // nobody writes it in another way
		}
		if upper && 'a' <= c && c <= 'z' {
			b[i] = c - 0x20
		}
		upper = c == '-'
	}
	return h[string(b)]
}

// isToken reports whether c, no capital letter, may be in the name of a field
// (RFC 9110 §5.6.2).
func isToken(c byte) bool {
	switch {
	case 'a' <= c && c <= 'z', '0' <= c && c <= '9':
		return true
	case c == '!', c == '#', c == '$', c == '%', c == '&', c == '\'', c == '*', c == '+', c == '-', c == '.', c == '^', c == '_', c == '`', c == '|', c == '~':
		return true
	}
	return false
}
