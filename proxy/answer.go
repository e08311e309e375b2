package proxy

import (
	"errors"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"

	"freshet/internal/field"
	"freshet/internal/outbound"
	"freshet/internal/rule"
	"freshet/internal/wire"
)

// answer passes the origin's answer on.
func (x *exchange) answer(a *attempt, resp *http.Response) {
	x.setRule(rule.ProxyAnswered)
	h := x.w.Header()
	copyHead(h, x.r.Method, resp)
	addElement(h, "Via", x.h.via(resp.ProtoMajor, resp.ProtoMinor))
	announced := x.announce(h, resp.Trailer)
	x.w.WriteHeader(resp.StatusCode)
	if wire.Bodyless(x.r.Method, resp.StatusCode) {
		return
	}
	events := field.IsEventStream(resp.Header.Get("Content-Type"))
	if events {
		x.rc.Flush() // the first event may be long in coming
	}
	if id := x.copyBody(a, resp, events); id != 0 {
		// RFC 9112 §8: what is not complete must not look so.
		x.setRule(id)
		x.cut(a.o, id)
		panic(http.ErrAbortHandler)
	}
	x.sendTrailers(h, resp.Trailer, announced)
}

// copyHead puts the origin's fields into h, and keeps the server from adding
// what the origin left out, save Date (RFC 9110 §6.6.1).
func copyHead(h http.Header, method string, resp *http.Response) {
	removeHop(resp.Header)
	for name, values := range resp.Header {
		h[name] = values
	}
	if !wire.Bodyless(method, resp.StatusCode) { // else it is the length of another answer
		delete(h, "Content-Length")
		if resp.ContentLength >= 0 {
			h["Content-Length"] = []string{strconv.FormatInt(resp.ContentLength, 10)}
		}
	}
	for _, name := range []string{"Content-Type", "Server"} {
		if _, ok := resp.Header[name]; !ok {
			h[name] = nil
		}
	}
}

// announce sets Trailer for the trailers that the origin announced, and
// returns their names.
func (x *exchange) announce(h, trailer http.Header) []string {
	var names []string
	if !x.r.ProtoAtLeast(1, 1) {
		return nil
	}
	for name := range trailer {
		if trailerAllowed(name) {
			names = append(names, name)
		}
	}
	if len(names) > 0 {
		slices.Sort(names)
		h["Trailer"] = []string{strings.Join(names, ", ")}
	}
	return names
}

// sendTrailers sets the trailers that came with the body.
func (x *exchange) sendTrailers(h, trailer http.Header, announced []string) {
	flushed := false
	for name, values := range trailer {
		if slices.Contains(announced, name) {
			h[name] = values
			continue
		}
		if name = wire.CanonicalName(name); !trailerAllowed(name) || len(values) == 0 {
			continue
		}
		if !flushed { // else a small answer goes out with its length, and no trailers
			x.rc.Flush()
			flushed = true
		}
		h[http.TrailerPrefix+name] = values
	}
}

var copyBuffers = sync.Pool{New: func() any {
	b := make([]byte, 32<<10)
	return &b
}}

// copyBody copies the body as it comes, behind a head that was written. What
// has come is flushed when the origin pauses, and not when all has come, so that
// a small answer is one write. It returns the rule by which the copy ended
// early, or 0.
func (x *exchange) copyBody(a *attempt, resp *http.Response, events bool) rule.ID {
	bp := copyBuffers.Get().(*[]byte)
	defer copyBuffers.Put(bp)
	buf := *bp
	left := resp.ContentLength // negative when unknown
	unflushed := !events
	for {
		if unflushed {
			x.setPending(true)
			a.watch.wait()
		}
		a.startBodyTime()
		n, err := resp.Body.Read(buf)
		a.stopTime()
		if unflushed {
			x.setPending(false)
		}
		if n > 0 {
			if _, werr := x.w.Write(buf[:n]); werr != nil {
				return rule.ProxyClientGone
			}
			left -= int64(n)
			unflushed = true
		}
		switch {
		case err == io.EOF:
			return 0
		case err != nil:
			return x.cutBy(a, err)
		case n > 0 && left != 0 && (events || n < len(buf)):
			if x.rc.Flush() != nil && x.r.Context().Err() != nil {
				return rule.ProxyClientGone
			}
			unflushed = false
		}
	}
}

// cutBy says why the body ended early.
func (x *exchange) cutBy(a *attempt, err error) rule.ID {
	var timeout interface{ Timeout() bool }
	var fault *outbound.Fault
	switch {
	case x.r.Context().Err() != nil:
		return rule.ProxyClientGone
	case a.timedOut.Load(), errors.As(err, &timeout) && timeout.Timeout():
		return rule.ProxyBodyTimeout
	case errors.As(err, &fault):
		return fault.Rule
	}
	return rule.ProxyIncomplete
}
