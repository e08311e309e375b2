package cache

import (
	"net/http"
	"unsafe"

	"freshet/conditional"
	"freshet/freshness"
	"freshet/httpd"
	"freshet/internal/field"
	"freshet/internal/rule"
	"freshet/internal/wire"
)

// unhot are fields that make a request one for the other path.
var unhot = wire.Set(wire.Upgrade, wire.Expect, wire.TransferEncoding, wire.IfMatch, wire.IfUnmodifiedSince, wire.WantContentDigest, wire.WantReprDigest)

// ServeHot implements httpd.HotHandler: it answers from memory what needs
// nothing but prebuilt bytes, by the same decisions as ServeHTTP, and leaves
// everything else to that.
func (h *Handler) ServeHot(head *httpd.Head, a *httpd.Answer) bool {
	if head.Method != http.MethodGet && head.Method != http.MethodHead || head.HasAny(unhot) || mayName(head) {
		return false
	}
	s := source{head: head}
	if h.opt.Profile == Safe && h.overridden(head) {
		return false
	}
	to := target{tls: head.TLS, host: head.Host, path: head.Path, query: head.Query, hasQuery: head.HasQuery}
	key := h.ignoring(a.Scratch, &to, use)
	if key == nil {
		key = h.opt.Key.appendKey(a.Scratch, &to, &s)
	}
	a.Scratch = key
	s.buf = key[len(key):] // what is compared goes behind the key
	r, ok := h.store.memory.GetIfPresent(view(key))
	if !ok {
		return false
	}
	o := r.match(&s)
	if o == nil {
		return h.passHot(head, a, r, &to, view(key))
	}
	if !h.store.untouched(o, view(key)) || !o.body.whole() {
		return false
	}
	now := h.hotNow(head)
	d := freshness.NoDirectives()
	if head.HasAny(requestControl) {
		d = freshness.ParseDirectives(s.all(s.lines[:0:4], wire.CacheControl), s.all(s.lines[4:4], wire.Pragma))
	}
	reuse := h.reuse(o, &d, now)
	if reuse.Verdict == freshness.Validate || reuse.Verdict == freshness.UseAndRevalidate {
		return false
	}
	a.Verdict = verdictOf(reuse.Verdict)
	if !h.hotAnswer(head, a, o, reuse.Rule, now) {
		return false
	}
	r.tally.hits.Add(1)
	return true
}

var (
	requestControl = wire.Set(wire.CacheControl, wire.Pragma)
	preconditions  = wire.Set(wire.IfNoneMatch, wire.IfModifiedSince, wire.IfRange, wire.Range)
)

// hotNow is the time of a request. A clock of the options takes precedence.
func (h *Handler) hotNow(head *httpd.Head) int64 {
	if h.clock {
		return h.opt.Now()
	}
	return head.Now
}

// hotAnswer answers with an object in memory.
func (h *Handler) hotAnswer(head *httpd.Head, a *httpd.Answer, o *object, why rule.ID, now int64) bool {
	a.Status, a.Rule = o.status, why
	made := o.heads()
	blocks, length := &made.own, o.body.size
	var part *field.Range
	var ranges [1]field.Range
	if head.HasAny(preconditions) {
		c := conditional.FromHead(head)
		d := o.decide(&c, now, ranges[:0])
		if d.Status != o.status {
			a.Status, a.Rule = d.Status, d.Rule
		}
		switch {
		case d.Status == http.StatusNotModified:
			blocks, length = &made.same, -1
		case d.Status == http.StatusPartialContent && len(d.Ranges) == 1:
			ranges[0] = d.Ranges[0]
			part = &ranges[0]
			blocks, length = &made.part, part.Length
		case d.Status != o.status:
			return false
		}
	}
	if o.status == http.StatusNoContent {
		length = -1
	}
	b := h.appendHit(a.Scratch, o, now)
	member := b[len(a.Scratch):]
	a.Scratch = o.appendHead(b, blocks, o.terms.Age(now)/1e9, member, length, part)
	a.Head = a.Scratch[len(b):]
	a.HasDate, a.HasServer = true, o.server
	switch {
	case part != nil:
		return o.body.lend(a, *part)
	case blocks == &made.own && o.body.size > 0:
		return o.body.lend(a, field.Range{Length: o.body.size})
	}
	return true
}

// maxHotFile is up to which length a range of a file is sent on the hot path:
// the first time in the life of the process it is read, to be verified.
const maxHotFile = 1 << 20

// lend gives the engine a range of a body: bytes, or the file if it is open.
func (b *body) lend(a *httpd.Answer, r field.Range) bool {
	if b.data != nil {
		a.Body = b.data[r.Start:][:r.Length]
		return true
	}
	f := b.disk.held.Load()
	if f == nil || r.Length > maxHotFile || f.File() == nil || !b.disk.tier.open.retain(b.disk, f) {
		return false
	}
	if f.Verify(r.Start, r.Length) != nil {
		f.Release()
		return false
	}
	a.File, a.Offset, a.Size, a.Done = f.File(), r.Start, r.Length, f
	return true
}

// overridden is overrides for a head.
func (h *Handler) overridden(head *httpd.Head) bool {
	for i := range head.Fields {
		if f := &head.Fields[i]; f.Known == wire.None && isOverriding(f.Name) {
			return true
		}
	}
	return false
}

// all appends the lines of a well-known field of a head.
func (s *source) all(found []string, k wire.Known) []string {
	for i := range s.head.Fields {
		if s.head.Fields[i].Known == k {
			found = append(found, s.head.Fields[i].Value)
		}
	}
	return found
}

// view is b as a string, without a copy: for a look-up, while b lasts.
func view(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }
