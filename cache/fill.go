package cache

import (
	"errors"
	"io"
	"maps"
	"net/http"
	"strings"
	"sync"

	"freshet/digest"
	"freshet/freshness"
	"freshet/httpd"
	"freshet/internal/diskstore"
	"freshet/internal/field"
	"freshet/internal/record"
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
	direct    bool // header is the client's
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
	cause      error // why there is no answer, as the handler said; nil when it did not
	writeErr   error
	unwanted   int   // bytes of a body that nobody wants
	bytes      int64 // of the body, that came

	object    *object // modeStore: the head of what is stored
	body      *growing
	check     *digest.Checker // of what the answer says of what is kept of it; nil when it says nothing
	reserved  int64           // of what may be gathered
	copy      *growing        // modePass: a copy that is stored when it is complete
	reader    *growingReader  // the client's own of body; under mu
	streaming chan struct{}   // closed when the client has been answered from body
	streamErr any
	file      *spilled          // where body goes on, on disk
	sparse    *diskstore.Writer // modePass: a file for a large part
	sparseAt  int64
	sparseEnd int64 // where the part ends
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
	if x.direct {
		x.w.WriteHeader(code)
		return
	}
	h := x.w.Header()
	maps.Copy(h, x.header)
	x.w.WriteHeader(code)
	for name := range x.header {
		delete(h, name)
	}
}

// Write implements io.Writer.
func (x *fill) Write(p []byte) (int, error) {
	if x.mode == modeHead {
		x.WriteHeader(http.StatusOK)
	}
	x.bytes += int64(len(p))
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
		if x.check != nil {
			x.check.Write(p)
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
		n, err := rf.ReadFrom(src)
		x.bytes += n
		return n, err
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

// Detail is where the handler tells what it knows of the exchange: that of the
// client's request, which nobody but this goroutine touches.
func (x *fill) Detail() *record.Detail {
	if x.w == nil {
		return new(record.Detail) // in the background there is nobody to tell
	}
	return httpd.DetailOf(x.w)
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
	src := x.body.reader(0) // before more comes: a relay must not let go of what this reader needs
	if src == nil {
		return // the client is gone, and nobody else wants the body
	}
	src.first = true
	x.streaming = make(chan struct{})
	x.own()
	x.mu.Lock()
	x.reader = src
	x.mu.Unlock()
	why, status := q.reason, x.status(true)
	q.used = x.object
	go func() {
		defer close(x.streaming)
		defer func() { x.streamErr = recover() }()
		if !x.h.answerGrowing(x.w, q, x.object, why, src, status) {
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
func (x *fill) OriginFailed(err error) bool {
	if x.mode != modeHead {
		return false
	}
	q := x.q
	x.cause = err
	x.f.failedBy(err)
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

func (x *fill) setMode(m mode) {
	if m != modePass {
		x.detach()
	}
	x.mu.Lock()
	x.mode = m
	x.mu.Unlock()
}

// passesLikely reports whether the answer will most likely go straight to the
// client: its fields are then set where it gets them.
func (x *fill) passesLikely() bool {
	q := x.q
	if x.w == nil || len(x.w.Header()) > 0 {
		return false
	}
	if q.why == fwdBypass || q.why == fwdMethod {
		return true
	}
	// One that was not what its digest says may be right now, and is gathered anyway.
	return q.res != nil && q.res.unstored != nil && q.now < q.res.passUntil && q.res.unstored.rule != rule.CacheDigestWrong
}

// detach takes the fields that came away from the client again: the answer is
// another one.
func (x *fill) detach() {
	if !x.direct {
		return
	}
	x.direct = false
	x.header = maps.Clone(x.header)
	clear(x.w.Header())
	if x.q.answer != nil {
		x.q.answer = x.header
	}
}

// sendHead begins the client's answer with the head as it came.
func (x *fill) sendHead(keeping bool) {
	if x.w == nil {
		return
	}
	why := x.q.reason
	if x.unanswered && x.told != 0 {
		why = x.told
	}
	if x.refusedBehind() {
		why, x.q.verdict = x.told, record.Refused
	}
	x.h.tell(x.w, x.q, why)
	header := x.w.Header()
	if !x.direct {
		maps.Copy(header, x.header)
	}
	if _, typed := x.header["Content-Type"]; !typed {
		header["Content-Type"] = nil
	}
	x.h.setStatus(header, x.header["Cache-Status"], x.status(keeping))
	x.w.WriteHeader(x.code)
}

// refusedBehind reports whether the answer is a refusal by who runs programs: its
// rule is then the cause, and that it is not stored says nothing.
func (x *fill) refusedBehind() bool {
	return x.mode == modePass && x.told.Group() == rule.Script && x.code >= 400 && rule.Of(x.told).Status == x.code
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
