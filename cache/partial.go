package cache

import (
	"net/http"
	"strconv"

	"freshet/freshness"
	"freshet/internal/field"
	"freshet/internal/rule"
)

// askMissing makes the request one for the bytes that the stored parts lack
// (RFC 9111 §3.3, RFC 9110 §14.2). Without a strong validator the answer cannot
// be proven to be of the same representation; then it is thrown away and all is
// asked for.
func (x *fill) askMissing(header http.Header) {
	q := x.q
	wanted := x.h.wanted(q.object, q)
	if len(wanted) != 1 || q.object.body.size < 0 {
		x.part = field.Range{}
		delete(header, "Range")
		return
	}
	x.part = q.object.body.missing(wanted[0])
	end := x.part.Start + x.part.Length
	value := "bytes=" + strconv.FormatInt(x.part.Start, 10) + "-"
	if end < q.object.body.size {
		value += strconv.FormatInt(end-1, 10)
	}
	header["Range"] = []string{value}
	if tag := freshness.StrongTag(q.object.fields); tag != "" {
		header["If-Range"] = []string{tag}
	}
}

// beginPart takes the missing part, if it is one of the same representation.
func (x *fill) beginPart() {
	from, last, size, ok := freshness.ParseContentRange(first(x.header["Content-Range"]))
	o := x.q.object
	x.setMode(modeAgain)
	if !ok || from != x.part.Start || size != o.body.size || !freshness.SameRepresentation(o.fields, x.header) {
		x.h.store.drop(x.q.key, o)
		x.q.reason = rule.CachePartsDiffer
		return
	}
	n := last - from + 1
	if n > x.h.opt.MaxInMemory {
		return
	}
	x.part.Length = n
	x.body = &growing{size: n, bound: n}
	x.check = checkerOf(http.MethodGet, x.code, x.header)
	x.setMode(modePart)
}

// maxGaps bounds how many parts are fetched for one request, one after the
// other; then all of it is asked for.
const maxGaps = 32

// finishPart joins the part with what was stored, and answers.
func (x *fill) finishPart(cut any) {
	h, q := x.h, x.q
	switch {
	case cut != nil || x.body.n != x.body.size:
		x.f.land(failed, nil, nil, http.StatusBadGateway)
		x.fail(http.ErrAbortHandler)
		return
	case wrong(x.check):
		x.startOver()
		return
	}
	n := x.renewal(q.object)
	o, keep := n.joined([]part{{x.part.Start, x.body.bytes()}})
	if o.contradicts() {
		x.startOver()
		return
	}
	n.replace(o, keep)
	x.landRenewed(o, keep)
	q.object, q.storing, q.stored = o, rule.StoredPartial, keep
	if x.w == nil {
		return
	}
	if !h.covers(o, q) { // there are several gaps, or the origin sent less than was asked for
		h.store.leave(x.f)
		if q.gaps++; q.gaps == maxGaps {
			q.object, q.why = nil, fwdURIMiss
		}
		h.fetch(x.w, q, nil)
		return
	}
	h.answer(x.w, q, o, q.reason, x.status(true))
}

// startOver forgets the parts, which together are not what they have to be, and
// asks for all of it.
func (x *fill) startOver() {
	h, q := x.h, x.q
	h.store.drop(q.key, q.object)
	x.f.land(passed, nil, nil, 0)
	if x.w == nil {
		return
	}
	h.store.leave(x.f)
	q.object, q.why, q.reason = nil, fwdURIMiss, rule.CachePartsDiffer
	h.fetch(x.w, q, nil)
}

// publishCopy stores what was gathered of an answer that went straight to the
// client: a part, or an answer to POST.
func (x *fill) publishCopy() {
	h, q := x.h, x.q
	b := x.copy.bytes()
	if x.copy.size >= 0 && int64(len(b)) != x.copy.size {
		return
	}
	if c := checkerOf(q.r.Method, x.code, x.header); c != nil {
		if c.Write(b); wrong(c) {
			q.storing = rule.CacheDigestWrong
			return
		}
	}
	o := *x.object
	if x.code != http.StatusPartialContent {
		o.body = body{size: int64(len(b)), data: b, kept: o.body.kept}
		q.stored = h.store.put(q.key, &o, x.asked, h.opt.MaxVariants)
		return
	}
	from, last, size, ok := freshness.ParseContentRange(first(x.header["Content-Range"]))
	if !ok || last-from+1 != int64(len(b)) || size < 0 {
		return
	}
	parts := []part{{from, b}}
	if old := q.object; old != nil && old.status == http.StatusOK && old.body.disk == nil && old.body.size == size &&
		freshness.SameRepresentation(old.fields, x.header) {
		n := x.renewal(old)
		all, keep := n.joined(parts)
		if keep && all.contradicts() {
			keep, q.storing = false, rule.CacheDigestWrong
		}
		n.replace(all, keep)
		q.stored = keep
		return
	}
	kept := o.body.kept
	o.body = withParts(size, parts)
	o.body.kept = kept
	q.stored = h.store.put(q.key, &o, x.asked, h.opt.MaxVariants)
}

// updateFromHead freshens what is stored by the answer to HEAD, or makes it
// stale when the two are of different representations (RFC 9111 §4.3.5).
func (x *fill) updateFromHead() {
	h, q := x.h, x.q
	old := q.object
	unproven := len(x.header["Etag"]) == 0 && len(x.header["Last-Modified"]) == 0 && (old.tag != "" || old.modified != 0)
	if x.code != old.status || unproven {
		return
	}
	fields, ok := freshness.UpdateFromHead(old.fields, old.body.size, x.header)
	if !ok {
		h.store.replace(q.key, old, old.validated(rule.CacheHeadDiffers), h.opt.MaxVariants)
		return
	}
	n := x.renewal(old)
	n.replace(n.object(fields, old.body))
}
