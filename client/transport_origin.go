package client

import (
	"context"
	"errors"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"freshet/cache"
	"freshet/internal/field"
	"freshet/internal/wire"
	"freshet/internal/wrapped"
)

// origin is the handler behind the cache: it has the Base of a request's
// Transport send it, and copies the answer.
type origin struct{ cache *Cache }

// ServeHTTP implements http.Handler. Without an answer it panics with
// http.ErrAbortHandler, once the cache has heard why.
func (o origin) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a, _ := r.Context().Value(answerKey{}).(*answer)
	if a == nil {
		panic(http.ErrAbortHandler) // not a request of ours
	}
	note := a
	ctx := r.Context()
	if cache.Background(ctx) {
		note = nil
		var end context.CancelFunc
		ctx, end = o.cache.background(ctx)
		defer end()
	}
	resp, err := a.t.send(r.WithContext(ctx), note)
	if err != nil {
		note.failed(err)
		if f, ok := wrapped.Find[interface{ OriginFailed(error) bool }](w); ok && f.OriginFailed(err) {
			return
		}
		panic(http.ErrAbortHandler)
	}
	defer resp.Body.Close()
	note.answered(resp)
	announced := setHead(w.Header(), r.Method, resp)
	w.WriteHeader(resp.StatusCode)
	if wire.Bodyless(r.Method, resp.StatusCode) {
		return
	}
	if err := copyBody(w, resp); err != nil {
		if !errors.Is(err, errBodyClosed) {
			note.failed(err)
		}
		panic(http.ErrAbortHandler)
	}
	setTrailers(w.Header(), resp.Trailer, announced)
}

// send has Base send a request that the cache lets through.
func (t *Transport) send(r *http.Request, a *answer) (*http.Response, error) {
	if t.Offline {
		return nil, ErrOffline
	}
	r.TLS = nil
	if a != nil {
		a.asked = true
	}
	if r.Body == http.NoBody {
		r.Body = nil
	}
	return t.ask(r)
}

// setHead puts the fields of an answer into h, without those of its
// connection, and returns the names of the trailers that it announces.
func setHead(h http.Header, method string, resp *http.Response) (announced []string) {
	for name, values := range resp.Header {
		h[name] = values
	}
	for _, line := range resp.Header["Connection"] {
		for name := range strings.SplitSeq(line, ",") {
			delete(h, http.CanonicalHeaderKey(strings.TrimSpace(name)))
		}
	}
	for _, name := range [...]string{"Connection", "Keep-Alive", "Proxy-Connection", "Transfer-Encoding", "Trailer"} {
		delete(h, name)
	}
	if !wire.Bodyless(method, resp.StatusCode) { // else it is the length of another answer
		delete(h, "Content-Length")
		if resp.ContentLength >= 0 {
			h["Content-Length"] = []string{strconv.FormatInt(resp.ContentLength, 10)}
		}
	}
	for name := range resp.Trailer {
		announced = append(announced, name)
	}
	if len(announced) > 0 {
		slices.Sort(announced)
		h["Trailer"] = []string{strings.Join(announced, ", ")}
	}
	return announced
}

// setTrailers sets the trailers that came with the body.
func setTrailers(h, trailer http.Header, announced []string) {
	for name, values := range trailer {
		if !slices.Contains(announced, name) {
			name = http.TrailerPrefix + name
		}
		h[name] = values
	}
}

var copyBuffers = sync.Pool{New: func() any {
	b := make([]byte, 32<<10)
	return &b
}}

// pauseAfter is how long what has come may wait for more.
const pauseAfter = 5 * time.Millisecond

// copyBody copies a body as it comes. The cache hears of pauses, for until then
// it may keep back what is short. An end before Content-Length is an error.
func copyBody(w http.ResponseWriter, resp *http.Response) error {
	bp := copyBuffers.Get().(*[]byte)
	defer copyBuffers.Put(bp)
	buf := *bp
	p := pause{w: w}
	if field.IsEventStream(resp.Header.Get("Content-Type")) {
		p.flush() // the first event may be long in coming
	}
	left := resp.ContentLength // negative when unknown
	for {
		p.begin()
		n, err := resp.Body.Read(buf)
		p.end()
		if n > 0 {
			if left >= 0 {
				left -= int64(n)
			}
			if _, err := w.Write(buf[:n]); err != nil {
				return errors.Join(errBodyClosed, err)
			}
			p.unflushed()
		}
		switch {
		case err == io.EOF && left > 0:
			return io.ErrUnexpectedEOF
		case err == io.EOF:
			return nil
		case err != nil:
			return err
		}
	}
}

// A pause flushes a writer when more takes long to come. While it may do so the
// writer is its own; between end and begin it is the copier's.
type pause struct {
	w     http.ResponseWriter
	mu    sync.Mutex // guards what follows
	armed bool
	done  bool // nothing waits to be flushed
	timer *time.Timer
}

// begin says that the copier waits for bytes.
func (p *pause) begin() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.done {
		return
	}
	p.armed = true
	if p.timer == nil {
		p.timer = time.AfterFunc(pauseAfter, p.fire)
	} else {
		p.timer.Reset(pauseAfter)
	}
}

// end says that it does not any more.
func (p *pause) end() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.armed {
		p.armed = false
		p.timer.Stop()
	}
}

func (p *pause) unflushed() {
	p.mu.Lock()
	p.done = false
	p.mu.Unlock()
}

func (p *pause) fire() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.armed {
		p.flush()
		p.done = true
	}
}

func (p *pause) flush() {
	if f, ok := p.w.(http.Flusher); ok {
		f.Flush()
	}
}
