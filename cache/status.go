package cache

import (
	"net/http"
	"strconv"
	"strings"

	"freshet/internal/rule"
)

// forward is why a request was sent on to the origin (RFC 9211 §2.2).
type forward string

const (
	fwdBypass   forward = "bypass"
	fwdMethod   forward = "method"
	fwdURIMiss  forward = "uri-miss"
	fwdVaryMiss forward = "vary-miss"
	fwdRequest  forward = "request"
	fwdStale    forward = "stale"
	fwdPartial  forward = "partial"
)

// appendHit appends this cache's member of Cache-Status for a stored answer.
func (h *Handler) appendHit(dst []byte, o *object, now int64) []byte {
	if h.opt.Name == "-" {
		return dst
	}
	dst = append(dst, h.hit...)
	ttl := o.terms.TTL(now)
	if ttl < 0 {
		ttl -= 1e9 - 1 // towards stale
	}
	return strconv.AppendInt(dst, ttl/1e9, 10)
}

func (h *Handler) statusHit(o *object, now int64) string {
	return string(h.appendHit(nil, o, now))
}

// statusForward returns the member for an answer that the origin was asked for.
func (h *Handler) statusForward(q *inquiry, status int, stored, collapsed bool) string {
	if h.opt.Name == "-" {
		return ""
	}
	var buf [160]byte
	b := append(buf[:0], h.opt.Name...)
	b = append(append(b, "; fwd="...), q.why...)
	if status > 0 {
		b = strconv.AppendInt(append(b, "; fwd-status="...), int64(status), 10)
	}
	if stored {
		b = append(b, "; stored"...)
	}
	if collapsed {
		b = append(b, "; collapsed"...)
	}
	if h.opt.ShowKey {
		b = append(append(b, "; key="...), quoted(q.key)...)
	}
	if q.reason != 0 && !isPlain(q.reason) {
		b = append(append(b, "; detail="...), rule.Of(q.reason).Name...)
	}
	return string(b)
}

// isPlain reports whether a reason says no more than why the request was sent
// on.
func isPlain(id rule.ID) bool {
	return id == rule.CacheURIMiss || id == rule.CacheVaryMiss || id == rule.CachePartialMiss
}

// quoted returns s as a string of a structured field; what such a string
// cannot hold becomes "?".
func quoted(s string) string {
	b := []byte{'"'}
	for i := range len(s) {
		switch c := s[i]; {
		case c == '"' || c == '\\':
			b = append(b, '\\', c)
		case c < ' ' || c > '~':
			b = append(b, '?')
		default:
			b = append(b, c)
		}
	}
	return string(append(b, '"'))
}

// setStatus adds the member to what caches behind this one said.
func (h *Handler) setStatus(header http.Header, above []string, member string) {
	if member == "" {
		return
	}
	if len(above) > 0 {
		member = strings.Join(above, ", ") + ", " + member
	}
	header["Cache-Status"] = []string{member}
}
