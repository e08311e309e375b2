package forward

import (
	"net/netip"
	"strconv"
	"strings"

	"freshet/httpd"
	"freshet/internal/wire"
)

// unhot are fields that make a request one for the other path: what they say has
// to be looked at, or taken out.
var unhot = wire.Set(wire.Cookie, wire.Via)

// ServeHot implements httpd.HotHandler: it answers from the cache's memory what
// nobody has anything to say about, and leaves everything else to ServeHTTP. What
// the policy does to fields of a request is done to those that are sent on; an
// answer in the cache was chosen by fields that it had been done to, and doing it
// twice is doing it once.
func (h *Handler) ServeHot(q *httpd.Head, a *httpd.Answer) bool {
	if h.hot == nil || q.TLS || q.Scheme != "http" || q.HasAny(unhot) || !h.access.allowsHot(a.Remote(), q.Host) {
		return false
	}
	return !goesPastHot(q) && h.unlisted(a) && h.hot.ServeHot(q, a)
}

// unlisted reports whether the lists leave a request as it is, and it is none
// for a document, whose key has more to it.
func (h *Handler) unlisted(a *httpd.Answer) bool {
	if h.lists.current.Load() == nil {
		return true
	}
	r := a.Request()
	if r == nil || len(r.Header[sheetField]) > 0 {
		return false
	}
	r.URL.Scheme, r.URL.Host = "", "" // the form in which others are judged
	j := h.judge(r)
	return j.plain()
}

// allowsHot is refuses for a plain request of a client without credentials; what
// it does not allow, that decides.
func (a *access) allowsHot(from netip.AddrPort, host string) bool {
	if a.logins.login != nil || !from.IsValid() || !contains(a.clients, from.Addr().Unmap().WithZone("")) {
		return false
	}
	colon := strings.LastIndexByte(host, ':')
	if colon < 0 || strings.HasSuffix(host, "]") {
		return true // port 80
	}
	port, err := strconv.ParseUint(host[colon+1:], 10, 16)
	return err == nil && a.allows(int(port), false)
}
