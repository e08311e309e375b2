package conditional

import (
	"strings"

	"freshet/internal/wire"
)

// Request holds the fields of a request that conditional answers depend on;
// "" means that a field is absent. [FromLines] and [FromHead] make one.
type Request struct {
	Method            string
	IfMatch           string
	IfNoneMatch       string
	IfModifiedSince   string
	IfUnmodifiedSince string
	IfRange           string
	Range             string
}

// void is the value of a field that is there but says nothing: no date, no
// range, and as a list one without members. It is not the same as no field:
// an If-Match without members matches nothing, and an If-Range that cannot
// be evaluated is false.
const void = ","

// FromLines makes a Request of field lines, which lines returns by field name
// (http.Header.Values is such a function).
//
// If-Match and If-None-Match are lists, which may be spread over several lines
// (RFC 9110 §5.3). The others are not, and mean nothing when there are two.
// Dates that mean nothing are ignored; an If-Range that means nothing is
// false, so that Range is ignored.
func FromLines(method string, lines func(name string) []string) Request {
	q := Request{Method: method}
	gather(&q.IfMatch, lines("If-Match"), list)
	gather(&q.IfNoneMatch, lines("If-None-Match"), list)
	gather(&q.IfModifiedSince, lines("If-Modified-Since"), once)
	gather(&q.IfUnmodifiedSince, lines("If-Unmodified-Since"), once)
	gather(&q.IfRange, lines("If-Range"), once)
	gather(&q.Range, lines("Range"), once)
	return q
}

func gather(dst *string, lines []string, k kind) {
	for _, l := range lines {
		add(dst, strings.Trim(l, " \t"), k)
	}
}

// FromHead is FromLines for a parsed head. It allocates only when a list is
// spread over several lines. The Request's strings are views of the head's.
func FromHead(h *wire.Head) Request {
	q := Request{Method: h.Method}
	for i := range h.Fields {
		f := &h.Fields[i]
		switch f.Known {
		case wire.IfMatch:
			add(&q.IfMatch, f.Value, list)
		case wire.IfNoneMatch:
			add(&q.IfNoneMatch, f.Value, list)
		case wire.IfModifiedSince:
			add(&q.IfModifiedSince, f.Value, once)
		case wire.IfUnmodifiedSince:
			add(&q.IfUnmodifiedSince, f.Value, once)
		case wire.IfRange:
			add(&q.IfRange, f.Value, once)
		case wire.Range:
			add(&q.Range, f.Value, once)
		}
	}
	return q
}

// kind says what several lines of a field mean.
type kind uint8

const (
	list kind = iota // one list
	once             // nothing
)

// add takes one more line of a field into dst.
func add(dst *string, line string, k kind) {
	if line == "" {
		line = void
	}
	switch {
	case *dst == "":
		*dst = line
	case k == list && *dst == line:
		// Said twice; "*" stays "*" and guards a PUT as it was meant to.
	case k == list:
		*dst += ", " + line
	default:
		*dst = void
	}
}
