package fastcgi

import (
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"time"

	"freshet/httpd"
	"freshet/internal/gateway"
	"freshet/internal/record"
	"freshet/internal/rule"
	"freshet/internal/wire"
)

// exchange is one request on its way to the backend and its answer on the way
// back. A local redirect is another exchange.
type exchange struct {
	h      *Handler
	w      http.ResponseWriter
	r      *http.Request
	role   byte
	script gateway.Script
	told   *record.Detail // nil when the writer is not the engine's
	unique string         // the request's name; "" when the writer is not the engine's

	// Of the hot path.
	begun bool // by it: the connection has the request
	read  bool // so was its head, with what came of it
	head  *gateway.Head
	fault *gateway.Fault
	reply httpd.Reply

	buf     *request
	spooled *gateway.Spooled
	stream  bool // the client's body is sent while it comes
	up      *upload

	in     reading
	out    *gateway.Output
	stderr *gateway.Stderr
	run    gateway.Run
	sent   time.Time
	tries  int

	turn    bool // was taken
	uploads bool // so was one of those
	shown   bool // on the board
	stalled bool // the source was told
	sends   bool // there was an upload

	mu      sync.Mutex  // guards what follows; a leaf but for conn's own
	c       *conn       // nil when there is none, or it is not ours any more
	sending bool        // an upload writes to it
	ended   rule.ID     // why somebody else ended it
	watch   func() bool // ends the watch over the client
}

// staleWithin is how soon a connection fails that was kept for too long.
const staleWithin = time.Second

// request is what is sent: up to the body, and with it when that is short.
type request struct {
	octets []byte
	vars   []gateway.Var // used while it is made
}

var requests = sync.Pool{New: func() any {
	return &request{make([]byte, 0, 4<<10), make([]gateway.Var, 0, 64)}
}}

// forget gives it back, without what it has of its request.
func (q *request) forget() {
	clear(q.vars[:cap(q.vars)])
	if cap(q.octets) <= 2*early { // a site with one long address should not keep it
		requests.Put(q)
	}
}

// exchanges are such that only one goroutine has ever known.
var exchanges = sync.Pool{New: func() any {
	x := new(exchange)
	x.in.stderr, x.in.quiet = x.says, x.quiet
	return x
}}

func (h *Handler) newExchange(w http.ResponseWriter, r *http.Request, role byte) *exchange {
	x := exchanges.Get().(*exchange)
	x.h, x.w, x.r, x.role, x.told = h, w, r, role, httpd.DetailOf(w)
	x.unique = httpd.RequestID(w)
	return x
}

// forget gives the exchange back, unless somebody else may still look at it.
func (x *exchange) forget() {
	if x.shown || x.sends {
		return
	}
	stderr, quiet := x.in.stderr, x.in.quiet
	*x = exchange{}
	x.in.stderr, x.in.quiet = stderr, quiet
	exchanges.Put(x)
}

// ask gets the head of an answer. Whatever it returns, done is to be called.
func (x *exchange) ask() (*gateway.Head, *gateway.Fault) {
	next := x.resume
	if !x.begun {
		if f := x.prepare(); f != nil {
			return nil, f
		}
		if id := x.takeTurn(); id != 0 {
			return nil, &gateway.Fault{Rule: id}
		}
		next = x.try
	}
	for ; ; next = x.try {
		head, f := next()
		if f == nil || !x.again() {
			return head, f
		}
		x.h.tally.retried.Add(1)
		x.in.c.cut = true
		x.release(false)
	}
}

// takeTurn waits for a turn, once as much of the body is here as is to come
// first: slow clients take none. Those whose bodies are passed on as they come
// have half of the turns.
func (x *exchange) takeTurn() rule.ID {
	if x.stream {
		if id := x.h.uploads.Take(x.r.Context()); id != 0 {
			return id
		}
		x.uploads = true
	}
	id := x.h.turns.Take(x.r.Context())
	x.turn = id == 0
	return id
}

// leave gives back what takeTurn took.
func (h *Handler) leave(turn, uploads bool) {
	if turn {
		h.turns.Leave()
	}
	if uploads {
		h.uploads.Leave()
	}
}

// try sends the request over a connection, and reads the head of its answer.
func (x *exchange) try() (*gateway.Head, *gateway.Fault) {
	x.tries++
	c, f := x.h.source.take(x.r.Context(), x.tries > 1)
	if f != nil {
		return nil, f
	}
	if !x.over(c) {
		return nil, &gateway.Fault{Rule: x.end()}
	}
	x.send(c)
	return x.readHead()
}

// over has the exchange go over a connection. It is false when somebody has ended
// the exchange.
func (x *exchange) over(c *conn) bool {
	x.sent = time.Now()
	x.in = reading{c: c, demux: demux{stderr: x.in.stderr}, quiet: x.in.quiet, kept: !c.fresh,
		limit: x.h.o.Timeout, head: true, from: x.sent, quietAt: x.sent.Add(watchAfter)}
	if x.shown { // by the first try
		x.in.quietAt = x.sent.Add(stalledAfter)
	}
	if x.out != nil {
		x.out.Release()
	}
	x.out = gateway.NewOutput(&x.in)
	return x.hold(c)
}

// readHead reads the head of the answer.
func (x *exchange) readHead() (*gateway.Head, *gateway.Fault) {
	return x.headRead(x.out.ReadHead(false, x.h.o.MaxHead))
}

// headRead goes on when the head was read, or could not be.
func (x *exchange) headRead(head *gateway.Head, f *gateway.Fault) (*gateway.Head, *gateway.Fault) {
	if f != nil {
		return nil, x.judge(f)
	}
	x.in.limit, x.in.head, x.in.from = x.h.o.Pause, false, time.Time{}
	return head, nil
}

// send sends the request, or has the first read do it; what fails is heard of
// when the answer is read.
func (x *exchange) send(c *conn) {
	long := x.spooled != nil && x.spooled.Size > early
	if !x.stream && !long && len(x.buf.octets) <= oneWrite {
		x.in.out = x.buf.octets
		return
	}
	x.sends = true
	u := &upload{begun: x.buf.octets, again: !x.stream, failed: x.stop}
	switch {
	case x.stream:
		u.body, u.limited = x.r.Body, true
		http.NewResponseController(x.w).EnableFullDuplex() // an error means that the server cannot: no harm
	case long:
		u.body = x.spooled.Reader()
	}
	x.up = u
	x.in.working = u.working
	x.mu.Lock()
	x.sending = true
	x.mu.Unlock()
	u.start(c.nc)
}

// hold notes the connection, for those who end the exchange. It is false when
// one has.
func (x *exchange) hold(c *conn) bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.c = c
	return x.ended == 0
}

// again reports whether the request may be sent once more: over a connection
// that was kept, or to a worker that may have ended as it started, before
// anything of an answer came, when all of the request is at hand, and it never
// arrived or does no harm twice (RFC 9110 §9.2.2).
func (x *exchange) again() bool {
	if x.tries > 1 || x.in.c == nil || !x.in.kept && !x.in.c.untried || x.in.heard || x.in.err == nil || errors.Is(x.in.err, errTimeout) || x.end() != 0 {
		return false
	}
	if x.stream || time.Since(x.sent) > staleWithin { // it was not stale: a script failed
		return false
	}
	return x.in.unsent || wire.Idempotent(x.r.Method)
}

// judge says what it means that there is no head.
func (x *exchange) judge(f *gateway.Fault) *gateway.Fault {
	if id := x.end(); id != 0 {
		return &gateway.Fault{Rule: id}
	}
	if f.Rule != rule.ScriptNoHead {
		return f
	}
	if x.in.ended {
		return x.unwilling(f)
	}
	var broken *protocolError
	switch {
	case errors.As(f.Err, &broken):
		f = &gateway.Fault{Rule: rule.FastcgiProtocol, Err: f.Err}
	case errors.Is(f.Err, errTimeout):
		f = &gateway.Fault{Rule: rule.ScriptHeadTimeout}
	default:
		f = &gateway.Fault{Rule: rule.FastcgiTerminated, Err: f.Err}
	}
	x.h.tally.failed(f)
	return f
}

// unwilling says what END_REQUEST without an answer means (§5.5).
func (x *exchange) unwilling(f *gateway.Fault) *gateway.Fault {
	switch x.in.protocol {
	case requestComplete:
		return f
	case cantMpxConn, overloaded:
		return &gateway.Fault{Rule: rule.FastcgiOverloaded}
	case unknownRole:
		return &gateway.Fault{Rule: rule.FastcgiRole}
	}
	return &gateway.Fault{Rule: rule.FastcgiProtocol, Err: faultyf("END_REQUEST with the status %d", x.in.protocol)}
}

// cut says why an answer that was begun cannot be completed.
func (x *exchange) cut(f *gateway.Fault) *gateway.Fault {
	if id := x.end(); id != 0 {
		return &gateway.Fault{Rule: id}
	}
	if f.Rule != rule.ScriptIncomplete || f.Err == nil {
		return f
	}
	var broken *protocolError
	switch {
	case errors.As(f.Err, &broken):
		f = &gateway.Fault{Rule: rule.FastcgiProtocol, Err: f.Err}
	case errors.Is(f.Err, errTimeout):
		f = &gateway.Fault{Rule: rule.ScriptTimeout}
	case errors.Is(f.Err, io.ErrUnexpectedEOF):
		f = &gateway.Fault{Rule: rule.FastcgiTerminated}
	default:
		f = &gateway.Fault{Rule: rule.FastcgiTerminated, Err: f.Err}
	}
	x.h.tally.failed(f)
	return f
}

// end returns why somebody else ended the exchange, or 0.
func (x *exchange) end() rule.ID {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.ended
}

// stop ends the exchange for a reason: the client has gone, somebody wants it
// stopped, the body is broken. The backend is told, where it can be: php-fpm
// knows no abort, and only notices that the connection is closed.
func (x *exchange) stop(why rule.ID) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.ended != 0 {
		return
	}
	x.ended = why
	if x.c == nil {
		return
	}
	if !x.sending {
		x.c.nc.SetWriteDeadline(time.Now().Add(watchAfter))
		x.c.nc.Write(appendAbort(nil))
	}
	x.c.nc.Close()
}

// release gives the connection back; keep when it may carry another request.
func (x *exchange) release(keep bool) {
	x.mu.Lock()
	c := x.c
	x.c = nil
	keep = keep && x.ended == 0
	x.sending = false
	x.mu.Unlock()
	if x.stalled {
		x.stalled = false
		x.h.source.stalled(false)
	}
	if c == nil {
		return
	}
	if u := x.up; u != nil {
		keep = keep && u.over.Load()
		if u.again && !keep {
			c.nc.Close()
		}
		switch {
		case u.again:
			<-u.done // it has our buffer
		case !u.over.Load():
			x.buf = nil // it may have it for some time
		}
		x.up = nil
	}
	c.hung = !x.in.free()
	x.h.source.give(c, keep)
}

// done ends the exchange, and gives back all that it had.
func (x *exchange) done() {
	defer x.h.leave(x.turn, x.uploads)
	if x.up != nil && !x.up.over.Load() {
		http.NewResponseController(x.w).Flush() // the client may wait for the answer before it sends more
	}
	x.mu.Lock()
	watch := x.watch
	x.watch = nil
	x.mu.Unlock()
	if watch != nil {
		watch()
	}
	x.drain()
	x.release(x.in.usable())
	if x.shown {
		x.h.board.Remove(&x.run)
	}
	if x.stderr != nil {
		x.stderr.Close()
	}
	if x.out != nil {
		x.out.Release()
		x.out = nil
	}
	if x.spooled != nil {
		x.spooled.Close()
	}
	if x.buf != nil {
		x.buf.forget()
	}
	x.forget()
}

// drain reads what is left of an answer that nobody waits for, when that is
// little and comes at once, so that the connection can be kept.
func (x *exchange) drain() {
	if x.in.c == nil || !x.in.heard || x.in.ended || x.in.err != nil || x.end() != 0 {
		return
	}
	buf := uploadBuffers.Get().(*uploadBuffer)
	defer uploadBuffers.Put(buf)
	x.in.SetReadDeadline(time.Now().Add(watchAfter))
	for left := len(buf); left > 0; {
		n, err := x.in.Read(buf[:left])
		if err != nil {
			return
		}
		left -= n
	}
}

// says gets what the backend says on FCGI_STDERR.
func (x *exchange) says(b []byte) {
	if x.stderr == nil {
		x.stderr = gateway.NewStderr(x.log(), &x.run)
	}
	x.stderr.Write(b)
}

// log is the log of errors, for lines about this request.
func (x *exchange) log() *slog.Logger {
	log := x.h.o.ErrorLog.With("url", strings.Clone(x.r.RequestURI)) // which the engine may want back
	if x.unique != "" {
		log = log.With("request", x.unique)
	}
	return log
}
