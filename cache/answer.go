package cache

import (
	"context"
	"crypto/rand"
	"errors"
	"io"
	"maps"
	"net/http"
	"strconv"

	"freshet/conditional"
	"freshet/httpd"
	"freshet/internal/field"
	"freshet/internal/record"
	"freshet/internal/rule"
)

// decide says what becomes of an object for a request: its own status, or
// 206, 304, 412 or 416.
func (o *object) decide(c *conditional.Request, now int64, buf []field.Range) conditional.Decision {
	if o.status/100 != 2 {
		// RFC 9110 §13.2.1: preconditions are for what would be a success.
		return conditional.Decision{Status: o.status}
	}
	var v [1]conditional.Variant
	s := o.state(&v, now)
	d := conditional.Decide(c, &s, buf)
	if d.Status == 200 {
		d.Status = o.status
	}
	return d
}

// covers reports whether what is stored has all bytes that the request asks
// for.
func (h *Handler) covers(o *object, q *inquiry) bool {
	if o.body.whole() {
		return true
	}
	for _, r := range h.wanted(o, q) {
		if !o.body.has(r) {
			return false
		}
	}
	return true
}

// wanted returns the bytes of a partial object that the request is to be
// answered with.
func (h *Handler) wanted(o *object, q *inquiry) []field.Range {
	d := o.decide(&q.cond, q.now, nil)
	switch {
	case d.Status == http.StatusPartialContent:
		return d.Ranges
	case d.Status != o.status || q.r.Method == http.MethodHead:
		return nil
	}
	return []field.Range{{Start: 0, Length: o.body.size}}
}

// firstRange returns the bytes of a whole object that are sent first.
func (h *Handler) firstRange(o *object, q *inquiry) field.Range {
	if d := o.decide(&q.cond, q.now, nil); d.Status == http.StatusPartialContent {
		return d.Ranges[0]
	}
	return field.Range{Length: o.body.size}
}

// answer answers with a stored object that covers the request. why is why it
// may be used, or why it had to be fetched. The rule of a precondition takes the
// place of the first, and of the second when the answer is a refusal.
func (h *Handler) answer(w http.ResponseWriter, q *inquiry, o *object, why rule.ID, status string) {
	d := o.decide(&q.cond, q.now, nil)
	q.used = o
	if d.Status != o.status && (d.Status >= 400 || q.verdict == record.Hit || q.verdict == record.Stale) {
		why = d.Rule
	}
	h.tell(w, q, why)
	header := w.Header()
	h.setFields(header, q, o, d.Status, status)
	h.setDigests(header, q, o, d.Status)
	switch d.Status {
	case http.StatusNotModified:
		w.WriteHeader(d.Status)
	case http.StatusPreconditionFailed:
		h.refuse(w, q.r, o, d.Status, d.Rule)
	case http.StatusRequestedRangeNotSatisfiable:
		header.Set("Content-Range", string(conditional.AppendUnsatisfied(nil, o.body.size)))
		h.refuse(w, q.r, o, d.Status, d.Rule)
	case http.StatusPartialContent:
		h.sendParts(w, q, o, d.Ranges)
	default:
		if o.body.size >= 0 && o.status != http.StatusNoContent {
			header["Content-Length"] = []string{strconv.FormatInt(o.body.size, 10)}
		}
		w.WriteHeader(o.status)
		if q.r.Method != http.MethodHead {
			h.send(w, o, field.Range{Length: o.body.size})
		}
	}
}

// setFields puts the fields of a stored answer into the header.
func (h *Handler) setFields(header http.Header, q *inquiry, o *object, status int, member string) {
	same, part := status == http.StatusNotModified, status == http.StatusPartialContent
	for name, values := range o.fields {
		if same && o.leftOut304(name) || part && leftOut206(name) {
			continue
		}
		header[name] = values
	}
	maps.Copy(header, q.stripped)
	if _, typed := header["Content-Type"]; !typed && !same {
		header["Content-Type"] = nil // nothing is to be guessed on behalf of the origin
	}
	switch {
	case !q.first:
		header["Age"] = []string{strconv.FormatInt(o.terms.Age(q.now)/1e9, 10)}
	case len(q.age) > 0: // the answer has just come: what it says is not ours to change
		header["Age"] = q.age
	}
	h.setStatus(header, o.fields["Cache-Status"], member)
}

// refuse answers 412 or 416 with a page of ours.
func (h *Handler) refuse(w http.ResponseWriter, r *http.Request, o *object, status int, why rule.ID) {
	header := w.Header()
	for name := range o.fields {
		switch name {
		case "Date", "Cache-Control", "Vary", "Via":
		default:
			delete(header, name)
		}
	}
	delete(header, "Age")
	delete(header, "Content-Type")
	httpd.Error(w, r, status, rule.Of(why).Explain())
}

// send writes a range of a body.
func (h *Handler) send(w http.ResponseWriter, o *object, r field.Range) {
	if b, ok := o.body.slice(r); ok {
		w.Write(b)
		return
	}
	if err := o.body.disk.send(w, r); err != nil {
		h.opt.ErrorLog.Error("cache: send a stored body", "err", err)
		panic(http.ErrAbortHandler)
	}
}

// copyFrom writes a range of what src reads; of a file by sendfile, where the
// writer can.
func copyFrom(w io.Writer, src io.ReaderAt, r field.Range) error {
	n, err := io.Copy(w, io.NewSectionReader(src, r.Start, r.Length))
	if err == nil && n < r.Length {
		err = io.ErrUnexpectedEOF
	}
	return err
}

// sendParts answers 206, with one range or several.
func (h *Handler) sendParts(w http.ResponseWriter, q *inquiry, o *object, ranges []field.Range) {
	header := w.Header()
	if len(ranges) == 1 {
		header.Set("Content-Range", string(conditional.AppendContentRange(nil, ranges[0], o.body.size)))
		header.Set("Content-Length", strconv.FormatInt(ranges[0].Length, 10))
		w.WriteHeader(http.StatusPartialContent)
		if q.r.Method != http.MethodHead {
			h.send(w, o, ranges[0])
		}
		return
	}
	kind := first(o.fields["Content-Type"])
	boundary := rand.Text() // random, so that nobody can write a body that contains it
	header.Set("Content-Type", string(conditional.AppendMultipartType(nil, boundary)))
	header.Set("Content-Length", strconv.FormatInt(conditional.MultipartLength(ranges, o.body.size, boundary, kind), 10))
	w.WriteHeader(http.StatusPartialContent)
	for i, r := range ranges {
		w.Write(conditional.AppendPartHead(nil, boundary, kind, r, o.body.size, i == 0))
		h.send(w, o, r)
	}
	w.Write(conditional.AppendMultipartEnd(nil, boundary))
}

// answerGrowing answers with an object whose body is still arriving, from src,
// which stands at its beginning and which it closes. why is why it is no hit.
// It reports false, having written nothing, when it cannot.
func (h *Handler) answerGrowing(w http.ResponseWriter, q *inquiry, o *object, why rule.ID, src *growingReader, status string) bool {
	defer src.close()
	g := src.g
	part := field.Range{Length: g.size}
	code := o.status
	var d conditional.Decision
	if g.size >= 0 || q.cond.Range == "" {
		if d = o.decide(&q.cond, q.now, nil); d.Status != 0 {
			code = d.Status
		}
	}
	if code == http.StatusPartialContent {
		if len(d.Ranges) != 1 {
			return false
		}
		part = d.Ranges[0]
	}
	src.seek(part.Start)
	if code != o.status && code != http.StatusPartialContent {
		h.answer(w, q, o, why, status)
		return true
	}
	h.tell(w, q, why)
	header := w.Header()
	h.setFields(header, q, o, code, status)
	if part.Length >= 0 && code != http.StatusNoContent {
		header.Set("Content-Length", strconv.FormatInt(part.Length, 10))
	}
	if code == http.StatusPartialContent {
		header.Set("Content-Range", string(conditional.AppendContentRange(nil, part, g.size)))
	}
	w.WriteHeader(code)
	if q.r.Method == http.MethodHead {
		return true
	}
	if err := pump(q.r.Context(), w, src, part.Length); err != nil {
		if errors.Is(err, errContradicted) {
			q.storing, q.stored = rule.CacheDigestWrong, false
			h.tell(w, q, rule.CacheDigestWrong)
		}
		panic(http.ErrAbortHandler)
	}
	return true
}

// pump writes n bytes of a growing body, all of it when n is negative, and
// flushes whenever no more has arrived.
func pump(ctx context.Context, w http.ResponseWriter, src *growingReader, n int64) error {
	flusher, _ := w.(http.Flusher)
	buf := make([]byte, 32<<10)
	for n != 0 {
		if flusher != nil && !src.ready() {
			flusher.Flush()
		}
		b, err := src.next(ctx, buf)
		switch {
		case err == io.EOF && n < 0:
			return nil
		case err == io.EOF:
			return io.ErrUnexpectedEOF
		case err != nil:
			return err
		}
		if n >= 0 {
			b = b[:min(int64(len(b)), n)]
			n -= int64(len(b))
		}
		if _, err := w.Write(b); err != nil {
			return err
		}
	}
	return nil
}
