package rewrite

import (
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

// MaxSheet bounds the text of a style sheet, in bytes, as it is put in.
const MaxSheet = 4 << 20

// A Sheet is a style sheet in the form in which it is put into documents: one
// element of ASCII characters. It is immutable.
type Sheet struct {
	source string
	plain  []byte // the element without a nonce
}

const (
	openTag  = "<style>"
	closeTag = "</style>"
)

// NewSheet makes one of CSS. Characters beyond ASCII are written as CSS escapes,
// so that it means the same in every charset; so is each "<" that HTML could take
// for the beginning of a tag. Both mean the same in strings, names and comments,
// where alone they have a meaning, but for one rare case: a comparison such as
// (width<calc(1px)) needs a space behind its "<". The error is that it is empty,
// or larger than MaxSheet.
func NewSheet(css string) (*Sheet, error) {
	var b strings.Builder
	b.Grow(len(css) + len(css)/16)
	for i := 0; i < len(css); {
		c := css[i]
		switch {
		case c == '\\' && i+1 < len(css) && css[i+1] == '<':
			b.WriteString(`\3c `)
			i += 2
			continue
		case c == '\\' && i+1 < len(css) && (css[i+1] == 0 || css[i+1] >= utf8.RuneSelf):
			i++ // what follows becomes an escape itself
			continue
		case c == '\\' && i+1 < len(css) && css[i+1] >= ' ':
			b.WriteString(css[i : i+2])
			i += 2
			continue
		case c == '<' && i+1 < len(css) && opensTag(css[i+1]):
			b.WriteString(`\3c `)
		case c == '\r': // as HTML has it: the hash is of what browsers see
			if i+1 == len(css) || css[i+1] != '\n' {
				b.WriteByte('\n')
			}
		case c == 0:
			b.WriteString(`\fffd `)
		case c < utf8.RuneSelf:
			b.WriteByte(c)
		default:
			r, n := utf8.DecodeRuneInString(css[i:])
			fmt.Fprintf(&b, `\%x `, r)
			i += n
			continue
		}
		i++
	}
	text := b.String()
	switch {
	case strings.TrimSpace(text) == "":
		return nil, errors.New("the style sheet is empty")
	case len(text) > MaxSheet:
		return nil, fmt.Errorf("the style sheet has more than %d bytes", MaxSheet)
	}
	sum := sha256.Sum256([]byte(text))
	plain := []byte(openTag + text + closeTag)
	return &Sheet{source: "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'", plain: plain}, nil
}

// opensTag reports whether "<" before c is more than a character, for parsers
// or for those who look for a charset.
func opensTag(c byte) bool {
	return c == '/' || c == '!' || c == '?' || c|0x20 >= 'a' && c|0x20 <= 'z'
}

// Text returns the text of the element.
func (s *Sheet) Text() string { return string(s.plain[len(openTag) : len(s.plain)-len(closeTag)]) }

// Rest returns the text and the end of the element. A [Splicer] writes these very
// bytes in a Write of their own, so that the next writer can know them by their
// place.
func (s *Sheet) Rest() []byte { return s.plain[len(openTag):] }

// Source is the expression of a Content-Security-Policy that allows this text
// and no other.
func (s *Sheet) Source() string { return s.source }

// element returns the two parts of what is put in. A nonce is left out when it
// is none.
func (s *Sheet) element(nonce string) (tag string, rest []byte) {
	if nonce != "" && isNonce(nonce) {
		return `<style nonce="` + nonce + `">`, s.plain[len(openTag):]
	}
	return openTag, s.plain[len(openTag):]
}

// isNonce reports whether text has the form of one (CSP 3 §2.3.1), so that it
// needs no quoting.
func isNonce(s string) bool {
	body := strings.TrimRight(s, "=")
	if body == "" || len(s)-len(body) > 2 || len(s) > 256 {
		return false
	}
	for i := range len(body) {
		c := body[i]
		if (c|0x20 < 'a' || c|0x20 > 'z') && (c < '0' || c > '9') && !strings.ContainsRune("+/-_", rune(c)) {
			return false
		}
	}
	return true
}
