package client

import (
	"bytes"
	"io"
	"net"
	"sync"
	"time"

	"freshet/internal/wire"
)

// Watch returns a connection of a client that tells each byte of HTTP/1 that is
// sent and received on nc; see Event. One event is one head, or a part of a body.
// What it does not understand it tells as parts of bodies, from there on. Events
// are told one at a time, by whoever reads or writes, when the bytes have passed;
// of a head, when it is complete or the connection is closed.
func Watch(nc net.Conn, tell func(Event)) net.Conn {
	w := &watched{Conn: nc, trace: tracer{tell: tell}}
	w.out = direction{w: w, heads: SentHead, bodies: SentBody, parse: w.parseRequest}
	w.in = direction{w: w, heads: GotHead, bodies: GotBody, parse: w.parseReply}
	return w
}

// watched is a connection that is watched.
type watched struct {
	net.Conn
	trace   tracer
	out, in direction

	mu      sync.Mutex // guards methods
	methods []string   // of requests without a reply, at most maxMethods
}

// maxMethods bounds the requests without a reply that are remembered; beyond it
// replies are taken for those to GET.
const maxMethods = 1024

// direction is one of the two streams. A body is sized, in chunks or the rest.
type direction struct {
	w             *watched
	heads, bodies EventKind
	parse         func(head []byte, d *direction) (n int, ok bool)

	mu      sync.Mutex // guards what follows
	head    []byte     // as far as it has come
	left    int64      // of a sized body
	chunked bool
	chunks  wire.Chunked
	rest    bool // all that follows is a body
}

// watchedHead bounds the heads that are understood.
var watchedHead = wire.Limits{MaxHeadBytes: 256 << 10, MaxTargetBytes: 256 << 10, MaxFields: 1 << 14, LenientLF: true}

// Write implements net.Conn.
func (w *watched) Write(p []byte) (int, error) {
	n, err := w.Conn.Write(p)
	w.out.pass(p[:n])
	return n, err
}

// Read implements net.Conn.
func (w *watched) Read(p []byte) (int, error) {
	n, err := w.Conn.Read(p)
	w.in.pass(p[:n])
	if err == io.EOF {
		w.in.flush()
	}
	return n, err
}

// Close implements net.Conn.
func (w *watched) Close() error {
	w.out.flush()
	w.in.flush()
	return w.Conn.Close()
}

// CloseWrite says that nothing more is written, where the connection can say so.
func (w *watched) CloseWrite() error {
	if half, ok := w.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return nil
}

// pass takes bytes that have passed.
func (d *direction) pass(p []byte) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for len(p) > 0 {
		switch {
		case d.rest:
			d.tell(d.bodies, p)
			return
		case d.left > 0:
			n := int(min(d.left, int64(len(p))))
			d.tell(d.bodies, p[:n])
			d.left -= int64(n)
			p = p[n:]
		case d.chunked:
			n := d.passChunks(p)
			d.tell(d.bodies, p[:n])
			p = p[n:]
		default:
			p = d.passHead(p)
		}
	}
}

// passChunks returns how much of p belongs to the body in chunks.
func (d *direction) passChunks(p []byte) (n int) {
	for n < len(p) {
		_, used, done, broken := d.chunks.Decode(p[n:])
		n += used
		switch {
		case broken != 0:
			d.rest = true
			return len(p)
		case done:
			d.chunked = false
			d.chunks.Reset()
			return n
		case used == 0:
			return len(p)
		}
	}
	return n
}

// passHead takes p as a part of a head, and returns what follows that.
func (d *direction) passHead(p []byte) (after []byte) {
	had := len(d.head)
	d.head = append(d.head, p...)
	n, ok := d.parse(bytes.Clone(d.head), d) // the parser may write
	switch {
	case !ok:
		d.rest = true
		d.tell(d.bodies, d.head)
		d.head = d.head[:0]
		return nil
	case n == 0:
		return nil
	}
	d.tell(d.heads, d.head[:n])
	d.head = d.head[:0]
	return p[n-had:]
}

// flush tells what is there of a head that will not be completed.
func (d *direction) flush() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.tell(d.heads, d.head)
	d.head = d.head[:0]
}

func (d *direction) tell(kind EventKind, p []byte) { d.w.trace.event(kind, p, time.Time{}) }

// parseRequest parses the head of a request, 0 if it is not complete, and sets
// how its body goes.
func (w *watched) parseRequest(head []byte, d *direction) (n int, ok bool) {
	var h wire.Head
	n, broken := watchedHead.ParseRequest(head, &h)
	if broken != 0 || n == 0 {
		return 0, broken == 0
	}
	d.chunked, d.left = h.Chunked, max(h.ContentLength, 0)
	d.rest = h.Method == "CONNECT"
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.methods) < maxMethods {
		w.methods = append(w.methods, string([]byte(h.Method)))
	}
	return n, true
}

// parseReply parses the head of a reply.
func (w *watched) parseReply(head []byte, d *direction) (n int, ok bool) {
	var h wire.ResponseHead
	n, broken := watchedHead.ParseResponse(head, &h)
	if broken != 0 || n == 0 {
		return 0, broken == 0
	}
	if h.Status < 200 && h.Status != 101 {
		return n, true
	}
	method := "GET"
	w.mu.Lock()
	if len(w.methods) > 0 {
		method = w.methods[0]
		w.methods = w.methods[1:]
	}
	w.mu.Unlock()
	switch h.Framing(method) {
	case wire.SizedBody:
		d.left = h.ContentLength
	case wire.ChunkedBody:
		d.chunked = true
	case wire.BodyToClose, wire.Tunnel:
		d.rest = true
	}
	return n, true
}
