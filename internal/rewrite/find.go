package rewrite

import (
	"bytes"
	"strings"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// A finder looks for the place in the beginning of a document. What it knows
// of what was passed survives from call to call.
//
// The place is the first one in the head: behind <head>, or, when a document does
// without that tag, before the first thing that implies a head or a body. That
// is before all that makes HTML hard to follow: scripts, raw text, foreign
// content, templates. Only when the document itself declares its charset, and the
// sheet would push that out of what browsers look at, the place is behind the
// declaration; what may stand before that is little, or there is no place.
type finder struct {
	sheet   *Sheet
	nonce   string
	charset string // of Content-Type

	started   bool   // the charset is known
	from      int64  // the place is not before this offset
	isHTML    bool   // something came by that only HTML has
	inHead    bool   // a head was opened
	forbidden bool   // a policy in the document comes before the place, and forbids the sheet
	docNonce  string // that such a policy wants
}

// find looks at b, which begins at an offset of the document, between two
// tokens; final means that nothing follows. It returns how many bytes come
// before the place when that is found, or why there is none, or else how many
// bytes it is done with.
func (f *finder) find(b []byte, offset int64, final bool) (passed int, reason Reason, found bool) {
	if !f.started {
		mark, reason, known := f.start(b, final)
		if !known {
			return 0, reason, false
		}
		f.started, passed = true, mark
	}
	z := html.NewTokenizer(bytes.NewReader(b[passed:]))
	raw := "" // the element whose text is being passed
	for pos := passed; ; {
		if f.inHead && raw == "" && offset+int64(pos) >= f.from {
			return f.place(pos)
		}
		tt := z.Next()
		if tt == html.ErrorToken {
			return passed, "", false // incomplete; at the end browsers drop it
		}
		end := pos + len(z.Raw())
		isTag := tt == html.StartTagToken || tt == html.SelfClosingTagToken || tt == html.EndTagToken
		if end == len(b) && !final && !isTag {
			return passed, "", false // it may go on
		}
		if raw != "" && tt == html.TextToken && offset+int64(end) >= f.from {
			// The declaration is in the text of a title or script, where some browsers
			// see it and others do not.
			return 0, LateCharset, false
		}
		switch step, skip := f.token(z, tt, b[pos:end], &raw, offset+int64(pos) >= f.from); {
		case step == lost, step == here && offset+int64(pos+skip) < f.from:
			return 0, LateCharset, false
		case step == here && !f.isHTML:
			return 0, NoHTMLInIt, false
		case step == here:
			return f.place(pos + skip)
		}
		if pos = end; raw == "" {
			// An element of raw text is passed as a whole, for who begins in it cannot
			// tell its text from tags.
			passed = pos
		}
	}
}

func (f *finder) place(at int) (int, Reason, bool) {
	if f.forbidden {
		return 0, MetaPolicy, false
	}
	return at, "", true
}

func (f *finder) element() (tag string, rest []byte) {
	if f.docNonce != "" {
		return f.sheet.element(f.docNonce)
	}
	return f.sheet.element(f.nonce)
}

// maxNonced is what a nonce adds to an element, in bytes.
const maxNonced = 300

// start finds out the charset, and from where on the place may be. It returns
// how long the byte order mark is; known is false as long as there are too few
// bytes, or with a reason.
func (f *finder) start(b []byte, final bool) (mark int, reason Reason, known bool) {
	if len(b) == 0 {
		return 0, "", false
	}
	// A byte order mark goes before all else (HTML §13.2.3.2).
	for _, m := range []string{"\xef\xbb\xbf", "\xfe\xff", "\xff\xfe"} {
		switch {
		case !bytes.HasPrefix(b, []byte(m[:min(len(m), len(b))])):
		case len(b) < len(m):
			if !final {
				return 0, "", false
			}
		case len(m) == 3:
			return 3, "", true
		default:
			return 0, BadCharset, false
		}
	}
	switch kindOf(f.charset) {
	case charsetFine:
		return 0, "", true
	case charsetOther:
		return 0, BadCharset, false
	}
	label, end, ok := prescan(b)
	switch {
	case !ok && len(b) < sniffed && !final:
		return 0, "", false
	case !ok:
		return 0, UnknownCharset, false
	case kindOf(label) == charsetOther && !strings.HasPrefix(label, "utf-16"): // that is taken for UTF-8
		return 0, BadCharset, false
	}
	if end+len(f.sheet.plain)+maxNonced > sniffed {
		f.from = int64(end)
	}
	return 0, "", true
}

// step is what a token means for the search.
type step uint8

const (
	pass step = iota // it comes before the place
	here             // the place is in front of it, or some bytes into it
	lost             // nothing after it can be told for sure
)

// ofHead are the elements that can stand in a head and are easy to pass.
var ofHead = map[string]bool{"meta": true, "link": true, "base": true, "basefont": true, "bgsound": true, "title": true, "style": true, "script": true}

// token looks at one token. Behind it there is a place only when may is true;
// raw is the element of raw text that it is in.
func (f *finder) token(z *html.Tokenizer, tt html.TokenType, b []byte, raw *string, may bool) (step, int) {
	switch tt {
	case html.TextToken:
		return f.text(z, b, *raw)
	case html.DoctypeToken:
		f.isHTML = f.isHTML || isHTMLDoctype(string(z.Text()))
		return pass, 0
	case html.CommentToken:
		return pass, 0
	}
	t := z.Token()
	if tt == html.EndTagToken {
		switch {
		case t.Data == *raw:
			*raw = ""
		case t.Data == "head" || t.Data == "body" || t.Data == "html" || t.Data == "br":
			return here, 0 // others are ignored there (HTML §13.2.6.4.2 to 4)
		}
		return pass, 0
	}
	switch {
	case t.Data == "html":
		f.isHTML = true
		return pass, 0
	case t.Data == "head":
		f.isHTML, f.inHead = true, true
		return pass, 0
	case !ofHead[t.Data]:
		f.isHTML = f.isHTML || atom.Lookup([]byte(t.Data)) != 0 && t.Data != "svg" && t.Data != "math"
		return here, 0
	}
	f.isHTML = true
	if may {
		return here, 0
	}
	f.inHead = true
	switch t.Data {
	case "meta":
		f.meta(t.Attr)
	case "title", "style", "script":
		*raw = t.Data
	}
	return pass, 0
}

// text looks at text: white space has no meaning before a body.
func (f *finder) text(z *html.Tokenizer, b []byte, raw string) (step, int) {
	if raw != "" {
		// Where such a script ends has been understood in more than one way.
		if raw == "script" && bytes.Contains(b, []byte("<!--")) {
			return lost, 0
		}
		return pass, 0
	}
	if len(bytes.TrimLeft(z.Text(), whitespace)) == 0 {
		return pass, 0
	}
	return here, len(b) - len(bytes.TrimLeft(b, whitespace))
}

const whitespace = "\t\n\f\r "

func isHTMLDoctype(text string) bool {
	name, _, _ := strings.Cut(strings.TrimLeft(text, whitespace), " ")
	return strings.EqualFold(strings.TrimRight(name, whitespace), "html")
}

// meta looks at a meta element before the place: it may have a policy.
func (f *finder) meta(attributes []html.Attribute) {
	isPolicy, content := false, ""
	for _, a := range attributes {
		switch a.Key {
		case "http-equiv":
			isPolicy = strings.EqualFold(a.Val, "content-security-policy")
		case "content":
			content = a.Val
		}
	}
	if !isPolicy {
		return
	}
	for policy := range strings.SplitSeq(content, ",") {
		nonce, ok := allows(policy, f.sheet)
		if !ok || nonce != "" && f.docNonce != "" && nonce != f.docNonce || nonce != "" && !isNonce(nonce) {
			f.forbidden = true
		} else if nonce != "" {
			f.docNonce = nonce
		}
	}
	// One element has one nonce.
	if f.docNonce != "" && f.nonce != "" && f.docNonce != f.nonce {
		f.forbidden = true
	}
}
