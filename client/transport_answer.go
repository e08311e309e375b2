package client

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"freshet/internal/record"
	"freshet/internal/rule"
	"freshet/internal/wire"
)

// answerKey is under which the context of a request has its answer.
type answerKey struct{}

// answer is the http.ResponseWriter to which the cache answers a RoundTrip, and
// the body of the response that this becomes.
type answer struct {
	t       *Transport
	req     *http.Request
	end     context.CancelFunc // of the handler's context
	unwatch func() bool        // of the caller's context
	header  http.Header        // the handler's
	asked   bool               // Base has the request, and closes its body; the handler's goroutine

	began chan struct{} // closed when there is a head, or none will come
	over  chan struct{} // closed when the handler has returned

	mu      sync.Mutex // guards what follows
	change  sync.Cond
	resp    *http.Response // nil: no head has come
	notes   notes
	err     error // how the body ends, when not well; without a head, why there is none
	cause   error // what Base failed with
	from    *http.Response
	pipe    pipe
	ended   bool // the handler has returned
	closed  bool // nobody reads any more
	stopped bool // and nobody wants what is still to come
	left    int64

	// bodiless says that there is no body. Who has the response may put another
	// Body into it, so that it is not looked at again.
	bodiless bool
}

// notes are what the cache tells; see httpd.SetRule.
type notes struct {
	rule    rule.ID
	verdict record.Verdict
	detail  record.Detail
}

func newAnswer(t *Transport, req *http.Request) *answer {
	a := &answer{t: t, req: req, header: http.Header{}, began: make(chan struct{}), over: make(chan struct{}), left: -1}
	a.change.L = &a.mu
	return a
}

// run is the goroutine of a request.
func (a *answer) run(h http.Handler, r *http.Request) {
	defer func() {
		cut := recover()
		if err, is := cut.(error); cut != nil && (!is || !errors.Is(err, http.ErrAbortHandler)) {
			panic(cut) // a fault of this program
		}
		if !a.asked {
			closeBody(a.req)
		}
		a.finish(cut != nil)
	}()
	h.ServeHTTP(a, r)
}

// finish ends the answer, when the handler has.
func (a *answer) finish(cut bool) {
	a.unwatch()
	a.end()
	a.mu.Lock()
	if ctx := a.req.Context(); (cut || a.err != nil) && ctx.Err() != nil {
		a.err, a.cause = context.Cause(ctx), nil
	}
	if cut && a.err == nil {
		a.err = io.ErrUnexpectedEOF
		if a.cause != nil {
			a.err = fmt.Errorf("%w: %w", io.ErrUnexpectedEOF, a.cause)
		}
	}
	switch {
	case a.resp != nil:
		a.trailers()
	case a.err != nil:
		if a.cause != nil {
			a.err = a.cause
		}
		close(a.began)
	default:
		a.head(http.StatusOK)
	}
	a.ended = true
	a.change.Broadcast()
	a.mu.Unlock()
	close(a.over)
	if a.t.Report != nil {
		a.t.Report(a.req, a.why())
	}
}

// giveUp ends the exchange because of the caller's context.
func (a *answer) giveUp(err error) {
	a.mu.Lock()
	if a.err == nil && !a.ended {
		a.err = err
	}
	a.closed, a.stopped = true, true
	a.change.Broadcast()
	a.mu.Unlock()
	a.end()
}

// stop ends the exchange because nobody wants its body.
func (a *answer) stop() {
	a.mu.Lock()
	a.stopped = true
	a.mu.Unlock()
	a.end()
}

// response waits for the head of the answer.
func (a *answer) response() (*http.Response, error) {
	select {
	case <-a.began:
	case <-a.req.Context().Done():
		return nil, context.Cause(a.req.Context())
	}
	a.mu.Lock()
	resp, err := a.resp, a.err
	a.mu.Unlock()
	if resp == nil {
		return nil, err
	}
	if resp.Body == http.NoBody {
		// The end is near, and then all is known of the answer.
		select {
		case <-a.over:
		case <-a.req.Context().Done():
		}
	}
	return resp, nil
}

// Header implements http.ResponseWriter.
func (a *answer) Header() http.Header { return a.header }

// WriteHeader implements http.ResponseWriter. Interim answers reach the caller's
// httptrace.ClientTrace through the context that Base has.
func (a *answer) WriteHeader(code int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.resp == nil && (code >= 200 || code == http.StatusSwitchingProtocols) {
		a.head(code)
	}
}

// head makes the response of the header as it is now; a.mu is held.
func (a *answer) head(code int) {
	resp := &http.Response{
		StatusCode: code, Status: strconv.Itoa(code) + " " + http.StatusText(code),
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: make(http.Header, len(a.header)), Body: &body{a: a},
	}
	for name, values := range a.header {
		if len(values) > 0 && !strings.HasPrefix(name, http.TrailerPrefix) {
			resp.Header[name] = slices.Clone(values) // the cache keeps its own
		}
	}
	resp.Request = a.req.WithContext(context.WithValue(a.req.Context(), answerKey{}, a))
	if from := a.from; from != nil && !a.notes.stored() {
		resp.Proto, resp.ProtoMajor, resp.ProtoMinor = from.Proto, from.ProtoMajor, from.ProtoMinor
		resp.TLS, resp.Uncompressed = from.TLS, from.Uncompressed
		if from.StatusCode == code && from.Status != "" {
			resp.Status = from.Status
		}
	}
	announce(resp)
	resp.ContentLength = lengthOf(a.req.Method, resp)
	if a.left = resp.ContentLength; a.req.Method == http.MethodHead || a.left == 0 || wire.BodylessStatus(code) {
		a.left = 0
		resp.Body, a.bodiless = http.NoBody, true
	}
	a.resp = resp
	close(a.began)
}

// stored reports whether the answer is one that was stored before.
func (n *notes) stored() bool { return n.verdict == record.Hit || n.verdict == record.Stale }

// announce moves the names of trailers to where net/http has them.
func announce(resp *http.Response) {
	for _, line := range resp.Header["Trailer"] {
		for name := range strings.SplitSeq(line, ",") {
			if name = http.CanonicalHeaderKey(strings.TrimSpace(name)); name != "" {
				if resp.Trailer == nil {
					resp.Trailer = http.Header{}
				}
				resp.Trailer[name] = nil
			}
		}
	}
	delete(resp.Header, "Trailer")
	for name := range resp.Trailer {
		delete(resp.Header, name)
	}
}

// trailers fills in the trailers that came behind the body; a.mu is held.
func (a *answer) trailers() {
	set := func(name string, values []string) {
		if a.resp.Trailer == nil {
			a.resp.Trailer = http.Header{}
		}
		a.resp.Trailer[name] = slices.Clone(values)
	}
	for name := range a.resp.Trailer {
		if values := a.header[name]; len(values) > 0 {
			set(name, values)
		}
	}
	for name, values := range a.header {
		if name, is := strings.CutPrefix(name, http.TrailerPrefix); is {
			set(http.CanonicalHeaderKey(name), values)
		}
	}
}

// lengthOf is what net/http has in Response.ContentLength.
func lengthOf(method string, resp *http.Response) int64 {
	if wire.BodylessStatus(resp.StatusCode) && method != http.MethodHead {
		return 0
	}
	n, err := strconv.ParseInt(resp.Header.Get("Content-Length"), 10, 64)
	if err != nil || n < 0 {
		return -1
	}
	return n
}

// OriginFailed takes why there is no answer: the caller gets an error, not a
// page about one.
func (a *answer) OriginFailed(err error) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.resp != nil {
		return false
	}
	if a.err == nil {
		a.err = err
	}
	return true
}

// SetRule takes the rule by which the cache answers.
func (a *answer) SetRule(id rule.ID) {
	a.mu.Lock()
	a.notes.rule = id
	a.mu.Unlock()
}

// SetVerdict takes what the request came to.
func (a *answer) SetVerdict(v record.Verdict) {
	a.mu.Lock()
	a.notes.verdict = v
	a.mu.Unlock()
}

// Detail is where the cache tells more, until the handler returns.
func (a *answer) Detail() *record.Detail { return &a.notes.detail }

// failed notes why Base has no answer, or has not all of one. nil is nobody's
// answer.
func (a *answer) failed(err error) {
	if a == nil {
		return
	}
	a.mu.Lock()
	a.cause = err
	a.mu.Unlock()
}

// answered notes what Base answered.
func (a *answer) answered(resp *http.Response) {
	if a == nil {
		return
	}
	a.mu.Lock()
	a.from = resp
	a.mu.Unlock()
}

// body is the body of a response.
type body struct{ a *answer }

// Read implements io.Reader. io.EOF comes when the handler has returned: then
// what is to be stored is, and trailers are there.
func (b *body) Read(p []byte) (int, error) { return b.a.read(p) }

// Close implements io.Closer.
func (b *body) Close() error {
	a := b.a
	a.mu.Lock()
	again := a.closed
	a.closed = true
	complete := a.left == 0
	near := a.left < nearEnd
	a.pipe.drop()
	a.change.Broadcast()
	ended := a.ended
	a.mu.Unlock()
	if again || ended {
		return nil
	}
	if !near {
		a.stop()
		return nil
	}
	late := time.AfterFunc(closeGrace, a.stop)
	go func() {
		<-a.over
		late.Stop()
	}()
	if complete {
		select {
		case <-a.over: // so that what was read as a whole is stored now
		case <-a.req.Context().Done():
		}
	}
	return nil
}
