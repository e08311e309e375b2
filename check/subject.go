package check

import (
	"iter"
	"maps"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"freshet/freshness"
	"freshet/internal/field"
	"freshet/internal/wire"
)

// second is one in nanoseconds.
const second = int64(1e9)

// A subject is an exchange with what many notes ask about it. Field names are
// given in any case.
type subject struct {
	*Exchange
	shared  freshness.Storing // what a shared cache would do with the answer
	private freshness.Storing // and a browser's

	target *url.URL   // never nil; empty when URL cannot be read
	now    int64      // when the answer came, seconds since 1970; 0 when nothing tells
	cc     directives // Cache-Control of the answer
	askCC  directives // and of the request

	mediaType string            // of the answer, in lower case; "" when it has none that can be read
	mediaArgs map[string]string // its parameters
}

func newSubject(x *Exchange) *subject {
	own := *x
	if own.Method == "" {
		own.Method = "GET"
	}
	s := &subject{Exchange: &own, cc: parseCacheControl(x.Header["Cache-Control"]), askCC: parseCacheControl(x.RequestHeader["Cache-Control"])}
	if s.target, _ = url.Parse(x.URL); s.target == nil {
		s.target = &url.URL{}
	}
	if date, ok := s.date("Date"); ok && own.Received == 0 && 0 < date && date < 1<<33 {
		own.Received = date * second
	}
	s.now = own.Received / second
	s.mediaType, s.mediaArgs, _ = mime.ParseMediaType(s.get("Content-Type"))
	ask := freshness.Request{Method: own.Method, URL: x.URL, Fields: x.RequestHeader}
	answer := freshness.Response{Status: x.Status, Fields: x.Header, Received: own.Received}
	s.shared, s.private = sharedCache.Store(&ask, &answer), browserCache.Store(&ask, &answer)
	return s
}

// lines returns the lines of a field of the answer.
func (s *subject) lines(name string) []string { return s.Header[wire.CanonicalName(name)] }

// has reports whether the answer has a field, if only an empty one.
func (s *subject) has(name string) bool { return len(s.lines(name)) > 0 }

// get returns the value of a field of the answer: its lines, joined by commas.
func (s *subject) get(name string) string { return strings.Join(s.lines(name), ", ") }

// list returns the elements of a field of the answer that is a list.
func (s *subject) list(name string) []string { return elements(s.lines(name)) }

// hasToken reports whether a list of the answer has a token; case does not
// matter.
func (s *subject) hasToken(name, token string) bool { return anyFold(s.list(name), token) }

// asked, askedValue and askedList are lines, get and list of the request.
func (s *subject) asked(name string) []string { return s.RequestHeader[wire.CanonicalName(name)] }

func (s *subject) askedValue(name string) string { return strings.Join(s.asked(name), ", ") }

func (s *subject) askedList(name string) []string { return elements(s.asked(name)) }

// date reads a field of the answer that is one date, as caches do: in seconds
// since 1970.
func (s *subject) date(name string) (unix int64, ok bool) {
	lines := s.lines(name)
	if len(lines) != 1 {
		return 0, false
	}
	return field.ParseDateFold(lines[0], s.Received/second)
}

// number reads a field of the answer that is one number.
func (s *subject) number(name string) (n int64, ok bool) {
	if lines := s.lines(name); len(lines) == 1 {
		return parseNumber(lines[0])
	}
	return 0, false
}

// class is the first digit of the status code.
func (s *subject) class() int { return s.Status / 100 }

// statusIs reports whether the status code is one of several.
func (s *subject) statusIs(codes ...int) bool {
	for _, code := range codes {
		if s.Status == code {
			return true
		}
	}
	return false
}

// secure reports whether the answer came over https.
func (s *subject) secure() bool { return strings.EqualFold(s.target.Scheme, "https") }

// multiplexed reports whether the answer came by HTTP/2 or later.
func (s *subject) multiplexed() bool { return s.Proto != "" && !strings.HasPrefix(s.Proto, "HTTP/1") }

// bodiless reports whether the answer cannot have a body, whatever its fields
// say (RFC 9112 §6.3).
func (s *subject) bodiless() bool {
	return wire.Bodyless(s.Method, s.Status)
}

// lengthless reports whether fields on the length of a body must not be there (RFC
// 9110 §8.6, RFC 9112 §6.1).
func (s *subject) lengthless() bool {
	return wire.LengthlessStatus(s.Status) || s.Method == "CONNECT" && s.class() == 2
}

// hasBody reports whether the answer has a body that is not empty.
func (s *subject) hasBody() bool {
	if s.bodiless() {
		return false
	}
	if s.BodySize >= 0 {
		return s.BodySize > 0
	}
	length, ok := s.number("Content-Length")
	return len(s.Body) > 0 || ok && length > 0
}

// page reports whether the answer is one that a browser shows as HTML.
func (s *subject) page() bool {
	return (s.mediaType == "text/html" || s.mediaType == "application/xhtml+xml") && s.class() != 3
}

// absolute resolves a reference in a field against the URL of the request.
func (s *subject) absolute(ref string) (*url.URL, bool) {
	u, err := url.Parse(ref)
	if err != nil {
		return nil, false
	}
	return s.target.ResolveReference(u), true
}

// sortedFields yields the fields of a message, sorted by name, so that findings
// have one order.
func sortedFields(h http.Header) iter.Seq2[string, []string] {
	return func(yield func(string, []string) bool) {
		for _, name := range slices.Sorted(maps.Keys(h)) {
			if !yield(name, h[name]) {
				return
			}
		}
	}
}

func elements(lines []string) []string {
	var all []string
	for elem := range field.Elements(lines) {
		all = append(all, elem)
	}
	return all
}

// anyFold reports whether list has s; case does not matter.
func anyFold(list []string, s string) bool {
	for _, elem := range list {
		if strings.EqualFold(elem, s) {
			return true
		}
	}
	return false
}

// parseNumber reads a decimal number without a sign. What is too large for an
// int64 is as large as one can be.
func parseNumber(s string) (n int64, ok bool) {
	const largest = 1<<63 - 1
	for i := range len(s) {
		c := s[i] - '0'
		if c > 9 {
			return 0, false
		}
		if n > (largest-int64(c))/10 {
			n = largest
		} else {
			n = n*10 + int64(c)
		}
	}
	return n, s != ""
}

// of names a field of the answer as the place of a finding; ofRequest one of
// the request.
func of(name string) string { return name + " of the answer" }

func ofRequest(name string) string { return name + " of the request" }

// shorten cuts a detail that is too long to be shown.
func shorten(s string) string {
	const most = 200
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + "…"
}
