package static

import (
	"net/http"
	"strings"

	"freshet/conditional"
	"freshet/httpd"
	"freshet/internal/field"
	"freshet/internal/record"
	"freshet/internal/rule"
	"freshet/internal/wire"
)

// preconditions are the fields that make a request a conditional one.
var preconditions = wire.Set(wire.IfMatch, wire.IfNoneMatch, wire.IfModifiedSince, wire.IfUnmodifiedSince, wire.IfRange, wire.Range)

// several are fields that ServeHTTP reads over several lines, and the hot path
// does not.
var several = wire.Set(wire.Accept, wire.AcceptEncoding)

// integrity are the fields that ask for digests; see digest.go.
var integrity = wire.Set(wire.WantContentDigest, wire.WantReprDigest)

// ServeHot implements [httpd.HotHandler]: it answers what is kept, and what
// surely is not there. Everything that takes more than looking at the file's
// name once is declined, and so is what it is not sure of.
func (h *Handler) ServeHot(q *httpd.Head, a *httpd.Answer) bool {
	if q.Method != http.MethodGet && q.Method != http.MethodHead || len(q.Path) == 0 || q.Path[0] != '/' || !h.tree.hot() {
		return false
	}
	if q.Repeated(several) || q.HasAny(integrity) || q.HasQuery && asksDownload(q.Query) {
		return false
	}
	key := q.Path[1:]
	e := h.table.get(key)
	if e == nil {
		return h.serveHotMissing(q, a, key)
	}
	now := moment{q.Now, q.Read}
	// A percent sign in the path is an encoding, in a key it is part of a name.
	if strings.IndexByte(key, '%') >= 0 || e.age > 0 && !q.HTTP11() || !h.holds(e, now) {
		return false
	}
	e.touch()
	qu := query{now: now}
	qu.Method = q.Method
	if q.HasAny(preconditions) {
		qu.Request, qu.conditioned = conditional.FromHead(q), true
	}
	qu.accepted = field.ParseAcceptEncoding(q.Get(wire.AcceptEncoding), q.Has(wire.AcceptEncoding))
	var buf [1]field.Range // several ranges are declined
	switch o, v, _ := h.answer(&qu, e, a, buf[:0]); o {
	case answered:
		a.Verdict = record.File
		return true
	case refused:
		a.Verdict = record.File
		h.errors.answer(a, q.Get(wire.Accept), v.Size)
		return true
	}
	*a = httpd.Answer{Scratch: a.Scratch}
	return false
}

// serveHotMissing answers for a path that has no entry, if nothing has that
// name, from a page made beforehand.
func (h *Handler) serveHotMissing(q *httpd.Head, a *httpd.Answer, key string) bool {
	name, dir := strings.CutSuffix(key, "/")
	if name == "" || h.opt.SPA != "" || h.opt.CleanURLs && !dir || !wire.PlainPath(key) || tooLong(name) != 0 || !h.opt.Hidden && hiddenPath(name) {
		return false
	}
	if !h.missing.lately(key, q.Now, h.coherence) {
		if !h.tree.gone(name) {
			return false
		}
		h.missing.note(key, q.Now)
	}
	a.Status, a.Rule, a.Verdict = http.StatusNotFound, rule.StaticNotFound, record.File
	h.errors.answer(a, q.Get(wire.Accept), 0)
	return true
}
