package cache

import (
	"net/http"
	"sync"

	"freshet/freshness"
	"freshet/httpd"
	"freshet/internal/record"
	"freshet/internal/rule"
	"freshet/internal/wire"
)

// passing is the memory of a request that goes past what is stored on the hot
// path.
type passing struct {
	q inquiry
	x fill
}

var passings = sync.Pool{New: func() any { return new(passing) }}

// unasked are fields that make a request one for ServeHTTP when there is nothing
// stored for it: those on which it depends what becomes of the answer.
var unasked = wire.Set(wire.Authorization, wire.Cookie, wire.CacheControl, wire.Pragma,
	wire.IfNoneMatch, wire.IfModifiedSince, wire.IfRange, wire.Range)

// passHot asks who is behind the cache, where the answer a moment ago could not
// be stored and this one is the same case. What comes is decided as in fill, by
// the same functions; what is any other case goes on in ServeHTTP.
func (h *Handler) passHot(head *httpd.Head, a *httpd.Answer, res *resource, to *target, key string) bool {
	asker, is := h.opt.Next.(httpd.HotAsker)
	now := h.hotNow(head)
	if !is || res.unstored == nil || len(res.objects) > 0 || now >= res.passUntil || !h.recent(res.unstored, now) ||
		head.Method != http.MethodGet || head.HasAny(unasked) || h.opt.EarlyHints {
		return false
	}
	r := a.Request()
	if r == nil || h.bypass(r) != 0 {
		return false
	}
	p := passings.Get().(*passing)
	defer func() {
		*p = passing{}
		passings.Put(p)
	}()
	q, x := &p.q, &p.x
	q.r, q.now, q.to, q.key = r, now, *to, string([]byte(key))
	q.verdict, q.dir = record.Miss, freshness.NoDirectives()
	q.src.header, q.ask.Method, q.ask.Fields = r.Header, r.Method, r.Header
	h.look(q, res)
	if h.shares(q) || q.reason != rule.CacheHitForMiss {
		return false
	}
	q.forward()
	reply := asker.AskHot(spelled(r), a)
	if reply == nil {
		return false
	}
	x.h, x.q, x.header, x.code = h, q, reply.Header, reply.Status
	x.requested, x.received, x.bytes = now, h.opt.Now(), int64(len(reply.Body))
	above := reply.Header["Cache-Status"]
	if q.reason, q.answer = x.judgedBefore(), x.header; q.reason != 0 {
		q.storing = q.reason
		h.setStatus(reply.Header, above, x.status(false))
	}
	if q.reason == 0 || !a.SetReply(reply) {
		if delete(reply.Header, "Cache-Status"); len(above) > 0 {
			reply.Header["Cache-Status"] = above
		}
		a.Begin(a.Done)
		a.Done, a.Detail = nil, nil
		return false
	}
	a.Rule, a.Verdict = q.reason, q.verdict
	q.bytes, q.wait = x.bytes, max(0, x.received-x.requested)
	h.account(a.Detail, q)
	return true
}
