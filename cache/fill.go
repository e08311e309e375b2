package cache

import (
	"errors"
	"io"
	"maps"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"freshet/freshness"
	"freshet/httpd"
	"freshet/internal/diskstore"
	"freshet/internal/field"
	"freshet/internal/rule"
)

// mode is what is done with the answer that is coming.
type mode uint8

const (
	modeHead      mode = iota // it has not begun
	modePass                  // it goes straight to the client
	modeStore                 // it is stored, and answered from there
	modePart                  // it is the missing part of what is stored
	modeConfirmed             // a 304: what is stored is valid
	modeStale                 // the origin failed: what is stored is used
	modeAgain                 // it is of no use: ask again without conditions
)

// A fill is the http.ResponseWriter of the handler behind the cache: one
// exchange with the origin.
type fill struct {
	h     *Handler
	w     http.ResponseWriter // the client's; nil in the background
	q     *inquiry
	f     *flight
	out   *http.Request // what is sent
	ctx   originContext // of out
	plain bool          // nothing that is stored is asked about
	stale *object       // what is being validated
	// variants are stored for other requests, and the origin may say that one of
	// them is the answer to this one, too.
	variants []*object
	part     field.Range

	header    http.Header
	requested int64
	asked     uint64 // the moment of store.invalidated, and
	born      uint64 // the generation, at the time of the request
	received  int64
	code      int
	age       []string         // of the answer, and
	stripped  freshness.Fields // what of it is not stored: for its own client

	mu      sync.Mutex // guards mode, which clientGone reads
	mode    mode
	rule    rule.ID
	failure int
	told    rule.ID // by the handler
	// unanswered says that what comes is the proxy's own error page.
	unanswered bool
	writeErr   error
	unwanted   int // bytes of a body that nobody wants

	object    *object // modeStore: the head of what is stored
	body      *growing
	reserved  int64         // of what may be gathered
	copy      *growing      // modePass: a copy that is stored when it is complete
	streaming chan struct{} // closed when the client has been answered from body
	streamErr any
	file      *spilled          // where body goes on, on disk
	sparse    *diskstore.Writer // modePass: a file for a large part
	sparseAt  int64
}

// Header implements http.ResponseWriter.
func (x *fill) Header() http.Header {
	if x.mode == modePass && x.w != nil {
		return x.w.Header()
	}
	return x.header
}

// WriteHeader implements http.ResponseWriter. Interim answers go to the client
// at once and are never stored.
func (x *fill) WriteHeader(code int) {
	switch {
	case x.mode != modeHead:
	case code >= 100 && code < 200 && code != http.StatusSwitchingProtocols:
		x.interim(code)
	default:
		x.received = x.h.opt.Now()
		x.code = code
		for name, v := range x.header {
			if len(v) == 0 { // how a handler says that nothing is to be guessed
				delete(x.header, name)
			}
		}
		x.decide()
	}
}

func (x *fill) interim(code int) {
	if x.w == nil {
		return
	}
	h := x.w.Header()
	maps.Copy(h, x.header)
	x.w.WriteHeader(code)
	for name := range x.header {
		delete(h, name)
	}
}

// decide says what becomes of the answer, now that its head is there.
func (x *fill) decide() {
	q := x.q
	if q.why == fwdBypass || q.why == fwdMethod && q.r.Method != http.MethodPost {
		x.pass(0)
		return
	}
	if x.decideStored() {
		return
	}
	st := x.judge(&q.ask, x.code, x.header, x.declared())
	switch {
	case !st.Store:
		x.pass(st.Rule)
	case q.r.Method == http.MethodHead:
		x.pass(0) // a head alone is not kept
	case st.Partial || q.why == fwdMethod:
		x.passAndKeep(&st)
	default:
		x.keep(&st)
	}
}

// judge decides whether an answer may be stored: by RFC 9111, by the profile,
// and by its size.
func (x *fill) judge(ask *freshness.Request, status int, fields freshness.Fields, size int64) freshness.Storing {
	h := x.h
	resp := freshness.Response{Status: status, Fields: fields, Requested: x.requested, Received: x.received}
	st := h.policy.Store(ask, &resp)
	if !st.Store {
		return st
	}
	c := candidate{ask: ask, path: x.q.to.path, status: status, fields: fields, st: &st}
	if id := h.opt.Profile.refuses(&c); id != 0 {
		st.Store, st.Rule = false, id
	} else if size > h.opt.MaxObject {
		st.Store, st.Rule = false, rule.CacheTooLarge
	}
	return st
}

// decideStored deals with answers that are about what is stored already.
func (x *fill) decideStored() bool {
	q := x.q
	if q.r.Method == http.MethodHead && q.object != nil {
		x.updateFromHead()
		return false
	}
	if x.stale != nil && x.code == http.StatusNotModified {
		x.setMode(modeAgain)
		if freshness.Confirms(x.stale.fields, x.header, len(q.res.objects) == 1) {
			x.setMode(modeConfirmed)
		}
		return true
	}
	if x.variants != nil && x.code == http.StatusNotModified {
		x.setMode(modeAgain)
		for _, o := range x.variants {
			if freshness.Confirms(o.fields, x.header, false) {
				x.stale = o
				x.setMode(modeConfirmed)
				break
			}
		}
		return true
	}
	if q.why == fwdPartial && !x.plain && x.code == http.StatusPartialContent && x.part.Length > 0 {
		x.beginPart()
		return true
	}
	switch x.code {
	case 500, 502, 503, 504:
		if why, ok := x.h.onFailure(q, freshness.ServerError); ok {
			x.setMode(modeStale)
			x.rule, x.failure = why, x.code
			return true
		}
	}
	return false
}

func (x *fill) setMode(m mode) {
	x.mu.Lock()
	x.mode = m
	x.mu.Unlock()
}

// declared returns the answer's Content-Length, -1 without one.
func (x *fill) declared() int64 {
	n, err := strconv.ParseInt(first(x.header["Content-Length"]), 10, 64)
	if err != nil || n < 0 {
		return -1
	}
	return n
}

// pass sends the answer straight to the client; why is why it is not stored.
func (x *fill) pass(why rule.ID) {
	x.setMode(modePass)
	if why != 0 {
		x.q.reason = why
	}
	h, q := x.h, x.q
	x.supersede()
	if q.r.Method == http.MethodGet && q.why != fwdBypass && x.code != http.StatusNotModified && x.code != http.StatusPartialContent &&
		x.code < 500 && h.opt.HitForMiss > 0 && !q.dir.NoStore {
		var hints []string
		if h.opt.EarlyHints {
			hints = hintsOf(x.header["Link"])
		}
		h.store.remember(q.key, x.received+int64(h.opt.HitForMiss), hints)
	}
	if x.unanswered {
		x.f.land(failed, nil, nil, x.code)
	} else {
		x.f.land(passed, nil, nil, 0)
	}
	x.sendHead(false)
}

// supersede removes what is stored when the origin has sent something newer in
// its place that nobody may store: the old answer would come back.
func (x *fill) supersede() {
	q := x.q
	if q.object == nil || q.r.Method != http.MethodGet || q.why == fwdBypass || x.code >= 500 ||
		x.code == http.StatusNotModified || x.code == http.StatusPartialContent {
		return
	}
	anybody := freshness.Request{Method: http.MethodGet, URL: q.ask.URL}
	if st := x.judge(&anybody, x.code, x.header, x.declared()); !st.Store {
		x.h.store.drop(q.key, q.object)
	}
}

// sendHead begins the client's answer with the head as it came.
func (x *fill) sendHead(keeping bool) {
	if x.w == nil {
		return
	}
	switch {
	case x.unanswered && x.told != 0:
		httpd.SetRule(x.w, x.told)
	case x.q.reason != 0:
		httpd.SetRule(x.w, x.q.reason)
	}
	header := x.w.Header()
	maps.Copy(header, x.header)
	if _, typed := x.header["Content-Type"]; !typed {
		header["Content-Type"] = nil
	}
	x.h.setStatus(header, x.header["Cache-Status"], x.status(keeping))
	x.w.WriteHeader(x.code)
}

// storedObject returns the head of what is stored of the answer.
func (x *fill) storedObject(st *freshness.Storing, status int, b body) *object {
	fields := freshness.StoredFields(x.header)
	delete(fields, "Age")
	delete(fields, "Trailer") // trailers are not kept
	if st.Partial {
		delete(fields, "Content-Range") // the body says what there is of it
	}
	x.strip(fields, st)
	setDate(fields, x.received)
	x.age = x.header["Age"]
	o := newObject(status, fields, st.Terms, x.requested, b)
	o.selecting = string(x.q.src.appendSelecting(x.q.src.buf[:0], &o.vary))
	o.born, o.age = x.born, x.age
	return o
}

// strip takes out of fields what may not be stored; the request's own client
// gets it all the same.
func (x *fill) strip(fields freshness.Fields, st *freshness.Storing) {
	for _, name := range st.Strip {
		if v, ok := fields[name]; ok {
			if x.stripped == nil {
				x.stripped = make(freshness.Fields)
			}
			x.stripped[name] = v
			delete(fields, name)
		}
	}
}

// keep stores the answer.
func (x *fill) keep(st *freshness.Storing) {
	if x.misfiled() {
		x.pass(0)
		return
	}
	size := x.declared()
	x.rule = st.Rule
	x.object = x.storedObject(st, x.code, body{size: size})
	x.body = &growing{size: size, bound: x.reserve(size), spill: x.spill}
	x.setMode(modeStore)
	x.f.land(stored, x.object, x.body, 0)
}

// reserve returns how much of a body may be gathered in memory. All that is
// being gathered has half of the memory tier's size again; when that is used
// up, bodies go to disk, or past the store, a little earlier.
func (x *fill) reserve(size int64) int64 {
	n := x.h.opt.MaxInMemory
	if size >= 0 {
		n = min(n, size)
	}
	s := x.h.store
	if s.gathering.Add(n) > s.opt.Memory/2 && n > gather {
		s.gathering.Add(gather - n)
		n = gather
	}
	x.reserved = n
	if size >= 0 && n == size {
		return x.h.opt.MaxInMemory
	}
	return n
}

// passAndKeep sends the answer straight to the client and gathers a copy.
func (x *fill) passAndKeep(st *freshness.Storing) {
	status := x.code
	if st.Partial {
		status = http.StatusOK // of which it is a part
	}
	x.object = x.storedObject(st, status, body{size: x.declared()})
	if x.declared() <= x.h.opt.MaxInMemory {
		x.copy = &growing{size: x.declared(), bound: x.h.opt.MaxInMemory}
	} else if st.Partial {
		x.keepSparse()
	}
	x.setMode(modePass)
	x.f.land(passed, nil, nil, 0)
	x.sendHead(true)
}

// Write implements io.Writer.
func (x *fill) Write(p []byte) (int, error) {
	if x.mode == modeHead {
		x.WriteHeader(http.StatusOK)
	}
	switch x.mode {
	case modePass:
		return x.writePassed(p)
	case modeStore, modePart:
		if x.writeErr != nil {
			return 0, x.writeErr
		}
		if x.mode == modeStore && x.streaming == nil && x.body.n+int64(len(p)) > min(gather, x.body.bound) {
			x.stream() // before a relay has let go of what nobody read
		}
		if x.writeErr = x.body.write(&x.ctx, p); x.writeErr != nil {
			return 0, x.writeErr
		}
	default:
		if x.unwanted += len(p); x.unwanted > gather {
			return 0, errUnwanted
		}
	}
	return len(p), nil
}

// errUnwanted ends an answer of which only the head was of use, when its body
// is too long to be read for the sake of the connection.
var errUnwanted = errors.New("cache: the body of this answer is not wanted")

// gather is how many bytes of an answer the client may wait for.
const gather = 64 << 10

func (x *fill) writePassed(p []byte) (int, error) {
	if x.copy != nil {
		if x.copy.n+int64(len(p)) > x.copy.bound || x.copy.write(&x.ctx, p) != nil {
			x.copy = nil
		}
	}
	if x.sparse != nil {
		x.writeSparse(p)
	}
	if x.w == nil {
		return len(p), nil
	}
	return x.w.Write(p)
}

// ReadFrom implements io.ReaderFrom, so that what passes is copied by the
// client's own writer.
func (x *fill) ReadFrom(src io.Reader) (int64, error) {
	if x.mode == modeHead {
		x.WriteHeader(http.StatusOK)
	}
	if rf, ok := x.w.(io.ReaderFrom); ok && x.mode == modePass && x.copy == nil && x.sparse == nil {
		return rf.ReadFrom(src)
	}
	return io.Copy(struct{ io.Writer }{x}, src)
}

// Flush implements http.Flusher: the client gets what has come.
func (x *fill) Flush() {
	if x.mode == modeHead {
		x.WriteHeader(http.StatusOK)
	}
	switch {
	case x.mode == modePass && x.w != nil:
		if f, ok := x.w.(http.Flusher); ok {
			f.Flush()
		}
	case x.mode == modeStore && x.streaming == nil:
		x.stream()
	}
}

// SetRule takes why the handler answers as it does. It is the client's to see
// only when that is the answer.
func (x *fill) SetRule(id httpd.RuleID) {
	x.told = id
	if x.mode == modePass && x.w != nil {
		httpd.SetRule(x.w, id)
	}
}

// Unwrap lets the handler reach the client's writer, until another goroutine
// writes to it.
func (x *fill) Unwrap() http.ResponseWriter {
	if x.streaming != nil {
		return nil
	}
	return x.w
}

// stream begins to answer the client with what has come and what is to come,
// on a goroutine of its own.
func (x *fill) stream() {
	q := x.q
	if x.w == nil || strings.Contains(q.cond.Range, ",") {
		return // several ranges are sent when all has come
	}
	x.streaming = make(chan struct{})
	x.own()
	src := x.body.reader(0) // before more comes: a relay must not let go of what this reader needs
	go func() {
		defer close(x.streaming)
		defer func() { x.streamErr = recover() }()
		if !x.h.answerGrowing(x.w, q, x.object, src, x.status(true)) {
			panic(http.ErrAbortHandler)
		}
	}()
}

// own makes the client's answer the one that came for it.
func (x *fill) own() {
	x.q.first, x.q.age, x.q.stripped = true, x.age, x.stripped
}

// awaitStream waits until the client has been answered.
func (x *fill) awaitStream() {
	<-x.streaming
	if x.streamErr != nil {
		panic(x.streamErr)
	}
}

// OriginFailed is called by a proxy that has no answer. It reports true when
// what is stored is used instead; then the proxy writes nothing.
func (x *fill) OriginFailed(error) bool {
	if x.mode != modeHead {
		return false
	}
	q := x.q
	if q.why != fwdBypass && q.why != fwdMethod {
		if why, ok := x.h.onFailure(q, freshness.Unreachable); ok {
			x.setMode(modeStale)
			x.rule, x.failure = why, http.StatusBadGateway
			return true
		}
	}
	if x.w == nil {
		x.setMode(modeStale)
		x.failure = http.StatusBadGateway
		return true
	}
	x.unanswered = true
	return false
}

// passTrailers hands on the trailers that the handler set after the body.
func (x *fill) passTrailers() {
	header := x.w.Header()
	for name, v := range x.header {
		if strings.HasPrefix(name, http.TrailerPrefix) {
			header[name] = v
		}
	}
	for _, line := range x.header["Trailer"] {
		for name := range strings.SplitSeq(line, ",") {
			name = http.CanonicalHeaderKey(strings.TrimSpace(name))
			if v, ok := x.header[name]; ok {
				header[name] = v
			}
		}
	}
}

// setDate gives an answer without a valid Date the time at which it was
// received (RFC 9110 §6.6.1).
func setDate(fields freshness.Fields, received int64) {
	if len(fields["Date"]) == 0 {
		fields["Date"] = []string{time.Unix(0, received).UTC().Format(http.TimeFormat)}
	}
}

// withAge returns fields with the Age of the answer that brought them, which is
// not stored with them.
func withAge(fields, answer freshness.Fields) freshness.Fields {
	if len(answer["Age"]) == 0 {
		return fields
	}
	out := maps.Clone(fields)
	out["Age"] = answer["Age"]
	return out
}
