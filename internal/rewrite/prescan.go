package rewrite

import (
	"bytes"
	"strings"
)

// sniffed is how many bytes browsers look at for a charset (HTML §13.2.3.2).
const sniffed = 1024

// prescan looks for a charset as browsers do before they parse: by the bytes,
// without knowing of scripts or comments of other kinds (HTML §13.2.3.2, "prescan a
// byte stream to determine its encoding"). It returns the label of the first
// declaration that counts and where its tag ends.
func prescan(b []byte) (label string, end int, ok bool) {
	b = b[:min(len(b), sniffed)]
	for i := 0; i < len(b); {
		rest := b[i:]
		switch {
		case bytes.HasPrefix(rest, []byte("<!--")):
			// The dashes that open it may close it.
			n := bytes.Index(rest[2:], []byte("-->"))
			if n < 0 {
				return "", 0, false
			}
			i += 2 + n + 3
		case isMeta(rest):
			i += 5
			label, next, found := prescanMeta(b, i)
			if next < 0 {
				return "", 0, false
			}
			if i = next; found {
				return label, min(i+1, len(b)), true
			}
		case len(rest) > 1 && rest[0] == '<' && isLetter(rest[1]), len(rest) > 2 && rest[0] == '<' && rest[1] == '/' && isLetter(rest[2]):
			n := bytes.IndexAny(rest, "\t\n\f\r >")
			if n < 0 {
				return "", 0, false
			}
			for i += n; ; {
				var name string
				if name, _, i = prescanAttribute(b, i); i < 0 {
					return "", 0, false
				} else if name == "" {
					break
				}
			}
		case len(rest) > 1 && rest[0] == '<' && (rest[1] == '!' || rest[1] == '/' || rest[1] == '?'):
			n := bytes.IndexByte(rest, '>')
			if n < 0 {
				return "", 0, false
			}
			i += n + 1
		default:
			i++
		}
	}
	return "", 0, false
}

func isMeta(b []byte) bool {
	return len(b) > 5 && bytes.EqualFold(b[:5], []byte("<meta")) && (isSpace(b[5]) || b[5] == '/')
}

// prescanMeta reads the attributes of a meta element. next is where they end, -1
// when they do not.
func prescanMeta(b []byte, i int) (label string, next int, found bool) {
	seen := map[string]bool{}
	var charset string
	gotPragma, needPragma := false, 0 // 0: null, 1: false, 2: true
	for {
		name, value, after := prescanAttribute(b, i)
		if after < 0 {
			return "", -1, false
		}
		i = after
		if name == "" {
			break
		}
		if seen[name] {
			continue
		}
		seen[name] = true
		switch name {
		case "http-equiv":
			gotPragma = gotPragma || value == "content-type"
		case "content":
			if c := charsetOf(value); c != "" && charset == "" {
				charset, needPragma = c, 2
			}
		case "charset":
			charset, needPragma = value, 1
		}
	}
	if needPragma == 0 || needPragma == 2 && !gotPragma || kindOf(charset) == charsetUnknown {
		return "", i, false
	}
	return charset, i, true
}

// prescanAttribute reads one attribute, both parts in lower case. A name of ""
// means that there is none, and next is at what ended the tag; next is -1 when
// the bytes end first.
func prescanAttribute(b []byte, i int) (name, value string, next int) {
	for i < len(b) && (isSpace(b[i]) || b[i] == '/') {
		i++
	}
	if i >= len(b) {
		return "", "", -1
	}
	if b[i] == '>' {
		return "", "", i
	}
	start := i
	for i < len(b) && !(b[i] == '=' && i > start) && !isSpace(b[i]) && b[i] != '/' && b[i] != '>' {
		i++
	}
	name = strings.ToLower(string(b[start:i]))
	for i < len(b) && isSpace(b[i]) {
		i++
	}
	if i >= len(b) {
		return "", "", -1
	}
	if b[i] != '=' {
		return name, "", i
	}
	for i++; i < len(b) && isSpace(b[i]); i++ {
	}
	if i >= len(b) {
		return "", "", -1
	}
	if q := b[i]; q == '"' || q == '\'' {
		n := bytes.IndexByte(b[i+1:], q)
		if n < 0 {
			return "", "", -1
		}
		return name, strings.ToLower(string(b[i+1 : i+1+n])), i + n + 2
	}
	start = i
	for i < len(b) && !isSpace(b[i]) && b[i] != '>' {
		i++
	}
	if i >= len(b) {
		return "", "", -1
	}
	return name, strings.ToLower(string(b[start:i])), i
}

// charsetOf extracts a charset from a content attribute (HTML §2.5.4, "extracting
// a character encoding from a meta element").
func charsetOf(s string) string {
	for {
		i := strings.Index(s, "charset")
		if i < 0 {
			return ""
		}
		s = strings.TrimLeft(s[i+len("charset"):], "\t\n\f\r ")
		rest, ok := strings.CutPrefix(s, "=")
		if !ok {
			continue
		}
		rest = strings.TrimLeft(rest, "\t\n\f\r ")
		if rest == "" {
			return ""
		}
		if q := rest[0]; q == '"' || q == '\'' {
			n := strings.IndexByte(rest[1:], q)
			if n < 0 {
				return ""
			}
			return rest[1 : 1+n]
		}
		if n := strings.IndexAny(rest, "\t\n\f\r ;"); n >= 0 {
			rest = rest[:n]
		}
		return rest
	}
}

func isSpace(c byte) bool {
	return c == ' ' || c == '\t' || c == '\n' || c == '\f' || c == '\r'
}

func isLetter(c byte) bool { return c|0x20 >= 'a' && c|0x20 <= 'z' }
