package cache

import (
	"errors"
	"net/http"
	"strconv"

	"freshet/conditional"
	"freshet/digest"
	"freshet/freshness"
	"freshet/httpd"
	"freshet/internal/diskstore"
	"freshet/internal/field"
	"freshet/internal/record"
	"freshet/internal/rule"
)

// A sparse answer is one of which some bytes are on disk. They are sent from
// there; the stretches between are asked of the origin one after the other,
// with If-Range, sent on as they come, and stored (RFC 9111 §3.3, §3.4).
type sparse struct {
	h       *Handler
	w       http.ResponseWriter
	q       *inquiry
	o       *object // as it is now: it grows
	part    bool    // 206, of
	r       field.Range
	before  field.Range // what is stored before the next gap
	begun   bool        // the head has been sent
	changed bool        // the origin has another representation now
	joined  bool        // stored bytes have been sent
	wrong   bool        // what came, or all there is now, is not what its digest says
	secret  bool        // the origin says that it may not be stored any more

	// sum is of all bytes from the first on, once some that came are in no file that
	// could be compared; nil before, and where not all is known.
	sum *digest.Checker
}

var errSparse = errors.New("cache: the origin did not send the missing part")

// serveSparse answers a request that a sparse object covers in part. It reports
// false, having written nothing, when the origin has something else now, and
// when the parts cannot be known to be of one representation.
func (h *Handler) serveSparse(w http.ResponseWriter, q *inquiry) bool {
	o := q.object
	if freshness.StrongTag(o.fields) == "" {
		return false
	}
	wanted := h.wanted(o, q)
	if len(wanted) != 1 {
		return false
	}
	s := &sparse{h: h, w: w, q: q, o: o, r: wanted[0], part: o.decide(&q.cond, q.now, nil).Status == http.StatusPartialContent}
	defer func() {
		if s.secret && !q.dir.NoStore || s.wrong {
			h.store.drop(q.key, s.o)
		}
	}()
	for at, end := s.r.Start, s.r.Start+s.r.Length; at < end; {
		gap := s.o.body.missing(field.Range{Start: at, Length: end - at})
		s.before = field.Range{Start: at, Length: gap.Start - at}
		at = gap.Start
		if gap.Length == 0 {
			s.begin()
			continue
		}
		n, err := s.fetch(gap)
		if s.changed {
			h.store.drop(q.key, s.o)
			q.object, q.why, q.reason = nil, fwdURIMiss, rule.CachePartsDiffer
		}
		if err != nil && !s.begun {
			return false
		}
		if s.wrong { // the last bytes have not been sent
			s.reportWrong()
		}
		if err != nil || n == 0 {
			panic(http.ErrAbortHandler)
		}
		at += n
	}
	return true
}

// reportWrong has the record say that what is joined is not what its digest says.
func (s *sparse) reportWrong() {
	s.q.storing, s.q.stored = rule.CacheDigestWrong, false
	s.h.tell(s.w, s.q, rule.CacheDigestWrong)
}

// begin sends what stands before the bytes that are asked for: the head, the
// first time, and what is stored. That the origin still has the representation
// is known by then, the first time too.
func (s *sparse) begin() {
	if !s.begun {
		s.begun = true
		s.sendHead()
	}
	if s.before.Length > 0 {
		s.joined = true
		if s.sumStored(s.before); s.sumIsWrong(s.before.Start + s.before.Length) {
			s.wrong = true
			s.reportWrong()
			panic(http.ErrAbortHandler)
		}
		if err := s.o.body.disk.send(s.w, s.before); err != nil {
			panic(http.ErrAbortHandler)
		}
	}
}

func (s *sparse) sendHead() {
	s.h.tell(s.w, s.q, s.q.reason)
	header := s.w.Header()
	code := s.o.status
	s.h.setFields(header, s.q, s.o, code, s.h.statusForward(s.q, http.StatusPartialContent, true, false))
	if s.part {
		code = http.StatusPartialContent
		header.Set("Content-Range", string(conditional.AppendContentRange(nil, s.r, s.o.body.size)))
	}
	header.Set("Content-Length", strconv.FormatInt(s.r.Length, 10))
	s.w.WriteHeader(code)
}

// fetch asks the origin for a gap, sends what comes, and stores it. It returns
// how many bytes came.
func (s *sparse) fetch(gap field.Range) (int64, error) {
	r := spelled(s.q.r)
	var ctx originContext
	ctx.start(r.Context(), ctx.cancel)
	defer ctx.cancel()
	out := r.WithContext(&ctx)
	out.Header = unconditional(r.Header, true)
	out.Header["Range"] = []string{"bytes=" + strconv.FormatInt(gap.Start, 10) + "-" + strconv.FormatInt(gap.Start+gap.Length-1, 10)}
	out.Header["If-Range"] = []string{freshness.StrongTag(s.o.fields)}

	p := &piece{s: s, header: make(http.Header), gap: gap, requested: s.h.opt.Now()}
	p.asked, p.born = s.h.store.invalidated.moment(), s.h.store.generation.Load()
	s.q.forward()
	err := p.run(out)
	s.q.bytes += p.n
	s.q.wait += max(p.received-p.requested, 0)
	if err == nil && p.n == p.length && wrong(p.check) {
		s.wrong = true
		if p.file != nil {
			p.file.Abort()
		}
		return 0, errSparse
	}
	p.store()
	if err == nil && p.n == p.length && s.sumIsWrong(p.gap.Start+p.n) {
		s.wrong = true
	}
	switch {
	case err != nil:
	case s.wrong && (s.joined || p.gap.Start+p.n < s.r.Start+s.r.Length):
		return 0, errSparse
	case p.last != nil: // also of what is wrong only together with what is stored, which this client does not get
		_, err = s.w.Write(p.last)
	}
	return p.n, err
}

// piece is the http.ResponseWriter of a request for missing bytes.
type piece struct {
	s                   *sparse
	header              http.Header
	gap                 field.Range
	requested, received int64
	asked, born         uint64
	answered, good      bool
	n, length           int64             // of the body: what came, and what is to come
	file                *diskstore.Writer // nil: what comes is not stored

	// What can be compared with a digest is compared before the last of it is sent:
	// what came with that of the part, and what it makes whole with that of the whole.
	check *digest.Checker // nil: nothing is said of the part
	holds bool            // the last bytes are kept back
	last  []byte
}

func (p *piece) run(out *http.Request) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = errSparse
		}
	}()
	p.s.h.opt.Next.ServeHTTP(p, out)
	if !p.good {
		return errSparse
	}
	return nil
}

// Detail is where the handler tells what it knows of the exchange.
func (p *piece) Detail() *record.Detail { return httpd.DetailOf(p.s.w) }

// Header implements http.ResponseWriter.
func (p *piece) Header() http.Header { return p.header }

// WriteHeader implements http.ResponseWriter.
func (p *piece) WriteHeader(code int) {
	if p.answered || code < 200 {
		return
	}
	p.answered = true
	p.received = p.s.h.opt.Now()
	from, last, size, ok := freshness.ParseContentRange(first(p.header["Content-Range"]))
	o := p.s.o
	p.good = code == http.StatusPartialContent && ok && from == p.gap.Start && last < p.gap.Start+p.gap.Length &&
		size == o.body.size && freshness.SameRepresentation(o.fields, p.header)
	p.s.changed = code < 500 && !p.good
	if p.good {
		p.length = last + 1 - from
		p.check = checkerOf(http.MethodGet, code, p.header)
		p.holds = p.check != nil || len(o.fields["Repr-Digest"]) > 0
		p.file, _ = p.s.h.store.disk.files.AddTo(o.body.disk.key, o.body.disk.id)
		p.s.begin()
		if p.file == nil { // another request adds to it, or the disk is full
			p.sumAll(nil)
		}
	}
}

// Write implements io.Writer.
func (p *piece) Write(b []byte) (int, error) {
	if !p.answered {
		p.WriteHeader(http.StatusOK)
	}
	if !p.good || p.n+int64(len(b)) > p.length {
		return 0, errSparse
	}
	if p.check != nil {
		p.check.Write(b)
	}
	if p.file != nil {
		if _, err := p.file.WriteAt(b, p.gap.Start+p.n); err != nil {
			p.sumAll(p.file)
			p.file.Abort()
			p.file = nil
		}
	}
	if p.s.sum != nil {
		p.s.sum.Write(b)
	}
	p.n += int64(len(b))
	if p.holds && p.n == p.length {
		p.last = append([]byte(nil), b...)
		return len(b), nil
	}
	return p.s.w.Write(b)
}

// Flush implements http.Flusher.
func (p *piece) Flush() {
	if f, ok := p.s.w.(http.Flusher); ok && p.good {
		f.Flush()
	}
}

// store adds what came to what is stored, even when it broke off.
func (p *piece) store() {
	file := p.file
	if file == nil {
		return
	}
	file.Retain() // what cannot be stored is still to be read
	defer file.Release()
	s := p.s
	n := &renewal{s.h, s.q, s.o, p.header, p.requested, p.received, p.born}
	o, keep := n.joined(nil)
	if o.contradictsFile(file, s.o.body.size) {
		file.Abort()
		s.wrong = true
		return
	}
	stored, err := file.Finish()
	if err != nil || !keep {
		file.Abort()
		s.secret = s.secret || !keep
		p.sumAll(file)
		return
	}
	o.body = onDisk(s.h.store.disk, s.o.body.disk.key, &stored)
	kept, err := s.h.store.putFile(s.q.key, o, p.asked, s.h.opt.MaxVariants)
	if err != nil || !kept {
		file.Abort() // unless it was stored before it was overtaken
	}
	if err != nil {
		p.sumAll(file)
		return
	}
	s.o = o
	s.q.storing, s.q.stored = rule.StoredPartial, kept
}

// onDisk returns a body that is in a file, whole or in parts.
func onDisk(t *diskTier, k diskstore.Key, stored *diskstore.Body) body {
	b := body{size: stored.Size, kept: &keptBody{body: *stored}, disk: &diskBody{tier: t, key: k, id: stored.ID}}
	if !stored.Complete() {
		b.extents = stored.Extents
	}
	return b
}

// keepSparse begins to store a large part of an answer in a file.
func (x *fill) keepSparse() {
	t := x.h.store.disk
	from, last, size, ok := freshness.ParseContentRange(first(x.header["Content-Range"]))
	if t == nil || !ok || last-from+1 != x.declared() || size < 0 || size > x.h.opt.MaxObject || freshness.StrongTag(x.header) == "" {
		return
	}
	w, err := t.files.OpenSparse(size)
	if err != nil {
		return
	}
	x.sparse, x.sparseAt, x.sparseEnd = w, from, last+1
	x.check = checkerOf(http.MethodGet, http.StatusPartialContent, x.header)
}

// writeSparse writes to that file.
func (x *fill) writeSparse(b []byte) {
	if _, err := x.sparse.WriteAt(b, x.sparseAt); err != nil {
		x.sparse.Abort()
		x.sparse = nil
		return
	}
	x.sparseAt += int64(len(b))
	if x.check != nil {
		x.check.Write(b)
	}
}

// publishSparse stores what came, even when it broke off.
func (x *fill) publishSparse() {
	if x.sparseAt == x.sparseEnd && wrong(x.check) {
		x.sparse.Abort()
		x.q.storing = rule.CacheDigestWrong
		return
	}
	stored, err := x.sparse.Finish()
	if err != nil || len(stored.Extents) == 0 {
		x.sparse.Abort()
		return
	}
	o := *x.object
	o.body = onDisk(x.h.store.disk, x.h.store.disk.files.KeyOf(x.q.key), &stored)
	if x.q.stored, err = x.h.store.putFile(x.q.key, &o, x.asked, x.h.opt.MaxVariants); err != nil || !x.q.stored {
		x.sparse.Abort() // unless it was stored before it was overtaken
	}
}
