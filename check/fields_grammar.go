package check

import (
	"mime"
	"net/url"
	"strings"
	"time"

	"freshet/internal/field"
	"freshet/internal/wire"
)

// A grammar is the form of a field's value.
type grammar struct {
	form  string // what is expected, for the reader
	list  bool   // the lines are one list, of which valid judges each element
	many  bool   // lines may be repeated, although they are no list
	valid func(s string) bool

	// Structured fields have no valid: structured.go knows their grammar.
	structured bool
	sf         sfType
}

// once reports whether the field may stand only once.
func (g *grammar) once() bool { return !g.list && !g.many && !g.structured }

// The grammars.
var (
	gFreeText   = &grammar{form: "text", valid: anything}
	gFreeLines  = &grammar{form: "text", many: true, valid: anything}
	gFreeList   = &grammar{form: "a list", list: true, valid: anything}
	gToken      = &grammar{form: "one token", valid: field.IsToken}
	gTokens     = &grammar{form: "a list of tokens", list: true, valid: field.IsToken}
	gTokenArgs  = &grammar{form: "a list of tokens, with parameters", list: true, valid: isTokenWithArgs}
	gNumber     = &grammar{form: "a number without a sign", valid: isNumber}
	gHTTPDate   = &grammar{form: "a date such as Thu, 01 Oct 2026 12:00:00 GMT", valid: isDate}
	gRetryTime  = &grammar{form: "seconds, or a date such as Thu, 01 Oct 2026 12:00:00 GMT", valid: func(s string) bool { return isNumber(s) || isDate(s) }}
	gEntityTag  = &grammar{form: `an entity-tag in quotes, such as "abc" or W/"abc"`, valid: field.ValidTag}
	gEntityTags = &grammar{form: "entity-tags in quotes, or *", many: true, valid: areTags}
	gTagOrDate  = &grammar{form: "an entity-tag in quotes, or a date", valid: func(s string) bool { return field.ValidTag(s) || isDate(s) }}
	gReference  = &grammar{form: "a URI, or a reference to one, without spaces and letters beyond ASCII", valid: isReference}
	gMediaType  = &grammar{form: "a media type such as text/html; charset=utf-8", valid: isMediaType}
	gMediaList  = &grammar{form: "a list of media types", list: true, valid: isMediaType}
	gMediaQs    = &grammar{form: "a list of media ranges, each with a weight at most", list: true, valid: isMediaRange}
	gTE         = &grammar{form: "trailers, and transfer codings with weights", list: true, valid: isTokenWithArgs}
	gWeighted   = &grammar{form: "a list of tokens, each with a weight at most", list: true, valid: isWeighted}
	gLanguages  = &grammar{form: "a list of language tags such as en, de-AT", list: true, valid: isLanguage}
	gLanguageQs = &grammar{form: "a list of language ranges, each with a weight at most", list: true, valid: isLanguageRange}
	gProducts   = &grammar{form: "products such as name/1.0, and comments", valid: areProducts}
	gFieldNames = &grammar{form: "a list of field names", list: true, valid: field.IsToken}
	gProtocols  = &grammar{form: "a list of protocols such as h2c or websocket", list: true, valid: isProtocol}
	gByteRange  = &grammar{form: "a range such as bytes=0-99", valid: isRangeSet}
	gByteExtent = &grammar{form: "a range such as bytes 0-99/200", valid: isContentRange}
	gViaList    = &grammar{form: "a list of versions and names such as 1.1 proxy", list: true, valid: isVia}
	gDirectives = &grammar{form: "a list of directives such as max-age=60", list: true, valid: isDirective}
	gLinks      = &grammar{form: `links such as </style.css>; rel="preload"`, list: true, valid: isLink}
	gChallenges = &grammar{form: `challenges such as Basic realm="x"`, many: true, valid: isChallenge}
	gAltSvc     = &grammar{form: `clear, or alternatives such as h3=":443"`, list: true, valid: isAlternative}
	gHostPort   = &grammar{form: "a host, with a port at most", valid: func(s string) bool { return s == "" || wire.ValidHost(s) }}
	gCookieLine = &grammar{form: "a cookie", many: true, valid: anything}
	gSFItems    = &grammar{form: "a structured item", structured: true, sf: sfItem}
	gSFLists    = &grammar{form: "a structured list", structured: true, sf: sfList}
	gSFDicts    = &grammar{form: "a structured dictionary", structured: true, sf: sfDictionary}
)

func anything(string) bool { return true }

func isNumber(s string) bool {
	_, ok := parseNumber(s)
	return ok
}

func isDate(s string) bool {
	_, ok := field.ParseDateFold(s, int64(50*365*24*time.Hour/time.Second))
	return ok
}

// isTokenWithArgs reads token [ "=" value ] *( ";" name [ "=" value ] ), such as
// an expectation or a preference.
func isTokenWithArgs(s string) bool {
	for i, part := range semicolons(s) {
		name, value, has := strings.Cut(part, "=")
		if i > 0 && part == "" {
			continue
		}
		if !field.IsToken(strings.TrimRight(name, " \t")) || has && !isTokenOrQuoted(strings.TrimLeft(value, " \t")) {
			return false
		}
	}
	return true
}

// semicolons splits at the semicolons that are outside of quoted strings, and
// leaves out the white space around the parts.
func semicolons(s string) []string {
	var parts []string
	for more := true; more; {
		var part string
		part, s, more = field.Cut(s, ';')
		parts = append(parts, part)
	}
	return parts
}

func isTokenOrQuoted(s string) bool { return field.IsToken(s) || isQuoted(s) }

// isQuoted reads one quoted string (RFC 9110 §5.6.4).
func isQuoted(s string) bool {
	if len(s) < 2 || s[0] != '"' || s[len(s)-1] != '"' {
		return false
	}
	for i := 1; i < len(s)-1; i++ {
		switch s[i] {
		case '"':
			return false
		case '\\':
			if i++; i == len(s)-1 {
				return false
			}
		}
	}
	return true
}

// areTags reads the value of If-Match or If-None-Match.
func areTags(s string) bool {
	if strings.TrimSpace(s) == "*" {
		return true
	}
	for {
		_, _, rest, ok := field.NextTag(s)
		if !ok {
			return strings.Trim(s, " \t,") == ""
		}
		s = rest
	}
}

// isReference reads a URI-reference (RFC 3986 §4.1).
func isReference(s string) bool {
	for i := range len(s) {
		if c := s[i]; c <= ' ' || c >= 0x7f || strings.IndexByte("\"<>\\^`{|}", c) >= 0 {
			return false
		}
	}
	_, err := url.Parse(s)
	return err == nil
}

// isMediaType reads a media type with its parameters (RFC 9110 §8.3.1).
func isMediaType(s string) bool {
	kind, _, err := mime.ParseMediaType(s)
	major, minor, ok := strings.Cut(kind, "/")
	return err == nil && ok && field.IsToken(major) && field.IsToken(minor)
}

// isMediaRange is as loose as what clients send: *;q=0.8 means */*;q=0.8 to all.
func isMediaRange(s string) bool {
	kind := strings.TrimSpace(semicolons(s)[0])
	major, minor, ok := strings.Cut(kind, "/")
	return kind == "*" || ok && field.IsToken(major) && field.IsToken(minor)
}

func isWeighted(s string) bool {
	_, _, ok := field.CutWeight(s)
	return ok
}

// isLanguage looks at the shape of a language tag (RFC 5646 §2.1): subtags of at
// most eight letters and digits, of which the first has letters only.
func isLanguage(s string) bool {
	first := true
	for part := range strings.SplitSeq(s, "-") {
		if part == "" || len(part) > 8 {
			return false
		}
		for i := range len(part) {
			c := field.Lower(part[i])
			if !('a' <= c && c <= 'z') && (first || c < '0' || c > '9') {
				return false
			}
		}
		first = false
	}
	return true
}

func isLanguageRange(s string) bool {
	name, _, ok := field.CutWeight(s)
	return ok && (name == "*" || isLanguage(strings.TrimSuffix(name, "-*")))
}

// areProducts reads products and comments (RFC 9110 §10.1.5).
func areProducts(s string) bool {
	for s = strings.TrimLeft(s, " \t"); s != ""; s = strings.TrimLeft(s, " \t") {
		if s[0] == '(' {
			n := commentLength(s)
			if n == 0 {
				return false
			}
			s = s[n:]
			continue
		}
		word := s
		if i := strings.IndexAny(s, " \t("); i >= 0 {
			word = s[:i]
		}
		name, version, has := strings.Cut(word, "/")
		if !field.IsToken(name) || has && !field.IsToken(version) {
			return false
		}
		s = s[len(word):]
	}
	return true
}

// commentLength is the length of the comment at the start of s, with those in
// it; 0 if it does not end.
func commentLength(s string) int {
	depth := 0
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case '(':
			depth++
		case ')':
			if depth--; depth == 0 {
				return i + 1
			}
		}
	}
	return 0
}

func isProtocol(s string) bool {
	name, version, has := strings.Cut(s, "/")
	return field.IsToken(name) && (!has || field.IsToken(version))
}

// isRangeSet reads Range, of any unit (RFC 9110 §14.2).
func isRangeSet(s string) bool {
	unit, set, ok := strings.Cut(s, "=")
	return ok && field.IsToken(unit) && strings.TrimSpace(set) != ""
}

// isContentRange reads Content-Range, of any unit (RFC 9110 §14.4).
func isContentRange(s string) bool {
	unit, rest, ok := strings.Cut(s, " ")
	if !ok || !field.IsToken(unit) {
		return false
	}
	if unit != "bytes" {
		return rest != ""
	}
	extent, size, ok := strings.Cut(rest, "/")
	if !ok || size != "*" && !isNumber(size) {
		return false
	}
	if extent == "*" {
		return size != "*"
	}
	first, last, ok := strings.Cut(extent, "-")
	return ok && isNumber(first) && isNumber(last)
}

// isVia reads one step of Via (RFC 9110 §7.6.3).
func isVia(s string) bool {
	parts := strings.Fields(s)
	return len(parts) >= 2 && isProtocol(parts[0])
}

func isDirective(s string) bool {
	name, arg, has := strings.Cut(s, "=")
	return field.IsToken(name) && (!has || isTokenOrQuoted(arg))
}

// isLink reads one link (RFC 8288 §3).
func isLink(s string) bool {
	if !strings.HasPrefix(s, "<") {
		return false
	}
	target, args, ok := strings.Cut(s[1:], ">")
	if !ok || strings.ContainsAny(target, " \t<") {
		return false
	}
	for i, part := range semicolons(args) {
		name, value, has := strings.Cut(part, "=")
		name, value = strings.TrimRight(name, " \t"), strings.TrimLeft(value, " \t")
		switch {
		case i == 0 && part != "": // something between the target and the first parameter
			return false
		case part != "" && !field.IsToken(name), has && !isQuoted(value) && !isLooseToken(value):
			return false
		}
	}
	return true
}

// isLooseToken reads what RFC 5988 let stand without quotes, as in
// type=text/css.
func isLooseToken(s string) bool { return s != "" && !strings.ContainsAny(s, " \t\",;<>") }

// isChallenge reads the start of a line of challenges: a scheme, and behind it
// nothing, or a space (RFC 9110 §11.3).
func isChallenge(s string) bool {
	scheme, _, _ := strings.Cut(s, " ")
	return field.IsToken(strings.TrimSuffix(scheme, ","))
}

// isAlternative reads one alternative service (RFC 7838 §3).
func isAlternative(s string) bool {
	if s == "clear" {
		return true
	}
	for i, part := range semicolons(s) {
		name, value, has := strings.Cut(part, "=")
		if !has || !field.IsToken(name) || i == 0 && !isQuoted(value) || !isTokenOrQuoted(value) {
			return false
		}
	}
	return true
}
