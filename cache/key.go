package cache

import (
	"net/http"
	"slices"
	"strings"

	"freshet/freshness"
	"freshet/internal/field"
	"freshet/internal/wire"
)

// KeyRules change the key under which answers are kept. The zero value takes
// the whole query as it was sent. Rules about the query apply to parameters:
// name, or name=value, between ampersands.
type KeyRules struct {
	Drop    []string // names of parameters that do not matter; a "*" at the end stands for any rest
	Keep    []string // when not empty, the only parameters that matter
	Sort    bool     // the order of parameters does not matter
	Headers []string // request fields that are a part of the key
}

func (k *KeyRules) touchesQuery() bool { return len(k.Drop) > 0 || len(k.Keep) > 0 || k.Sort }

// source is where a request's fields are read: the head on the hot path, the
// header on the other.
type source struct {
	head   *wire.Head
	header http.Header
	buf    []byte    // room for what is compared
	lines  [8]string // room for what values returns
}

func (s *source) values(name string) []string {
	if s.head == nil {
		return s.header[name]
	}
	found := s.lines[:0]
	for i := range s.head.Fields {
		if field.EqualFold(s.head.Fields[i].Name, name) {
			found = append(found, s.head.Fields[i].Value)
		}
	}
	return found
}

func (s *source) appendSelecting(dst []byte, v *freshness.Vary) []byte {
	for _, name := range v.Names {
		values := s.values(name)
		if name == "Authorization" && len(values) > 0 {
			values = digested(values)
		}
		dst = freshness.AppendSelecting(dst, name, values)
	}
	return dst
}

// target is what the address of a request says.
type target struct {
	tls         bool
	host        string
	path, query string
	hasQuery    bool
}

// appendKey appends the key: the effective request URI, normalised where
// RFC 3986 §6.2.2 says that it stays the same, then the fields that the rules
// name.
func (k *KeyRules) appendKey(dst []byte, t *target, s *source) []byte {
	dst = appendBase(dst, t)
	if t.hasQuery {
		if !k.touchesQuery() {
			dst = append(append(dst, '?'), t.query...)
		} else {
			dst = k.appendQuery(dst, t.query)
		}
	}
	for _, name := range k.Headers {
		dst = append(dst, '\n')
		dst = freshness.AppendSelecting(dst, name, s.values(name))
	}
	return dst
}

// appendBase appends scheme, host and path.
func appendBase(dst []byte, t *target) []byte {
	port := ":80"
	if t.tls {
		dst, port = append(dst, "https://"...), ":443"
	} else {
		dst = append(dst, "http://"...)
	}
	for _, c := range []byte(strings.TrimSuffix(t.host, port)) {
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		dst = append(dst, c)
	}
	if t.path == "" {
		return append(dst, '/')
	}
	return appendPath(dst, t.path)
}

// appendPath appends a path; percent-encodings of unreserved characters are
// resolved, others written with capital digits (RFC 3986 §6.2.2).
func appendPath(dst []byte, path string) []byte {
	for {
		i := strings.IndexByte(path, '%')
		if i < 0 || i+2 >= len(path) {
			return append(dst, path...)
		}
		dst = append(dst, path[:i]...)
		hi, lo := wire.Unhex(path[i+1]), wire.Unhex(path[i+2])
		c := hi<<4 | lo
		switch {
		case hi > 15 || lo > 15:
			dst = append(dst, path[i:i+3]...)
		case unreserved(c):
			dst = append(dst, c)
		default:
			dst = append(dst, '%', upperHex[c>>4], upperHex[c&15])
		}
		path = path[i+3:]
	}
}

// spelled returns the request with its path as the key has it. An origin may
// answer otherwise to another spelling of the same path, with a redirect say,
// and that must not be kept for those who spell it as everybody does.
func spelled(r *http.Request) *http.Request {
	sent := r.URL.EscapedPath()
	if strings.IndexByte(sent, '%') < 0 {
		return r
	}
	path := string(appendPath(nil, sent))
	if path == sent {
		return r
	}
	u := *r.URL
	if u.RawPath = path; u.EscapedPath() != path {
		return r
	}
	out := r.WithContext(r.Context())
	if out.URL = &u; out.RequestURI != "" {
		out.RequestURI = u.RequestURI()
	}
	return out
}

const upperHex = "0123456789ABCDEF"

// unreserved reports whether c means the same encoded and plain (RFC 3986 §2.3).
func unreserved(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || c == '-' || c == '.' || c == '_' || c == '~'
}

// appendQuery appends the parameters that matter. "?" alone is no query here.
func (k *KeyRules) appendQuery(dst []byte, query string) []byte {
	start := len(dst)
	switch {
	case k.Sort && strings.Count(query, "&") < maxSelected:
		return k.appendSorted(dst, query)
	case k.Sort:
		return k.appendManySorted(dst, query)
	}
	for p := range strings.SplitSeq(query, "&") {
		if p != "" && k.matters(p) {
			dst = append(append(dst, separator(len(dst) == start)), p...)
		}
	}
	return dst
}

// appendSorted writes the parameters in order. Parameters of one name keep
// theirs, which may matter; selection by smallest name needs no memory.
func (k *KeyRules) appendSorted(dst []byte, query string) []byte {
	start := len(dst)
	for last, more := "", true; more; {
		next := ""
		more = false
		for p := range strings.SplitSeq(query, "&") {
			if n := parameterName(p); p != "" && k.matters(p) && (n > last || last == "" && len(dst) == start) && (!more || n < next) {
				next, more = n, true
			}
		}
		if !more {
			return dst
		}
		for p := range strings.SplitSeq(query, "&") {
			if p != "" && parameterName(p) == next {
				dst = append(append(dst, separator(len(dst) == start)), p...)
			}
		}
		last = next
	}
	return dst
}

// maxSelected is up to how many parameters are put in order by selection, which
// takes the square of their number.
const maxSelected = 24

// appendManySorted is appendSorted for queries that are longer than people write
// them.
func (k *KeyRules) appendManySorted(dst []byte, query string) []byte {
	var all []string
	for p := range strings.SplitSeq(query, "&") {
		if p != "" && k.matters(p) {
			all = append(all, p)
		}
	}
	slices.SortStableFunc(all, func(a, b string) int { return strings.Compare(parameterName(a), parameterName(b)) })
	for i, p := range all {
		dst = append(append(dst, separator(i == 0)), p...)
	}
	return dst
}

func separator(isFirst bool) byte {
	if isFirst {
		return '?'
	}
	return '&'
}

func parameterName(p string) string {
	name, _, _ := strings.Cut(p, "=")
	return name
}

func (k *KeyRules) matters(parameter string) bool {
	name := parameterName(parameter)
	if len(k.Keep) > 0 && !listed(k.Keep, name) {
		return false
	}
	return !listed(k.Drop, name)
}

func listed(patterns []string, name string) bool {
	for _, p := range patterns {
		if rest, any := strings.CutSuffix(p, "*"); p == name || any && strings.HasPrefix(name, rest) {
			return true
		}
	}
	return false
}
