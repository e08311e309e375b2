package httpd

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"strconv"
	"syscall"
	"time"

	"freshet/internal/rule"
	"freshet/internal/wire"
	"freshet/socketserver"
)

// step is what a connection has to do next.
type step uint8

const (
	stepWait   step = iota // read; no input is left
	stepMore               // read; a head has begun
	stepFlush              // write what is gathered, then go on with the input
	stepHandle             // call the handler for scratch.head
	stepRefuse             // answer conn.refusal and end
	stepClose              // write what is gathered and end
	stepPark               // wait for long: start over on a small stack
	stepEnd                // end at once
)

// phase says what an armed deadline is for.
type phase uint8

const (
	phaseHead phase = iota // a head, from accept or its first byte
	phaseIdle              // the next request
	phaseBusy              // the next request, for one sweep: then look again and park (see rawio_linux.go)
)

// conn serves one connection, on one goroutine.
type conn struct {
	srv  *Server
	sc   *socketserver.Conn
	from *listener
	tcp  net.Conn        // the accepted connection
	nc   net.Conn        // what is read and written: tcp, or TLS over it
	raw  syscall.RawConn // of tcp, when nc is tcp and rawio works on it; else nil

	early bool // nobody has waited for tcp yet: see serveEarly
	below bool // read and written below net.Conn
	tls   *tls.ConnectionState

	s       *scratch // nil while waiting
	next    step     // what the raw callback left to do
	left    bool     // serveEarly left next to do
	phase   phase
	refusal rule.ID
	served  int     // requests read
	now     int64   // when the input was read last, nanoseconds since 1970
	read    int64   // the same by Monotonic
	began   int64   // when the head began that phaseHead is about, by Monotonic
	last    bool    // the server drains: look once more for input, then end
	over    bool    // the answer that is gathered, or was sent, is the last
	locked  bool    // inside the callback of raw: nobody else can read
	linger  bool    // the client may still be sending: see end
	reset   bool    // the end must not look like that of the answer: see end
	one     [1]byte // a read that waits without a buffer

	// The callbacks of raw, made once.
	readable, writable func(fd uintptr) bool
	writeErr           syscall.Errno // of writable

	ctx    context.Context // for handlers; nil until the first
	remote string          // RemoteAddr for handlers; "" until the first
	state  http.ConnState
}

// serveConn is the handler of socketserver.
func (s *Server) serveConn(sc *socketserver.Conn) {
	c, begun := sc.State.(*conn)
	if !begun {
		if c = s.newConn(sc); c == nil {
			return
		}
	}
	if c.serve() == stepPark {
		sc.State = c
		sc.Again()
		return
	}
	c.end()
}

// newConn makes what serves a connection; nil when TLS fails, or when the
// connection was served as HTTP/2.
func (s *Server) newConn(sc *socketserver.Conn) *conn {
	a := sc.Conn.(*accepted)
	c := &conn{srv: s, sc: sc, from: a.from, tcp: a.Conn, nc: a.Conn}
	c.setNow()
	c.began = c.read
	if a.from.tls != nil {
		c.nc = tls.Server(&closeNotifier{Conn: c.tcp, closed: make(chan struct{})}, a.from.tls)
	}
	if s.ConnState != nil {
		c.setState(http.StateNew)
	}
	sc.Arm(c.read, s.times.head)
	sc.Waits()
	if a.from.tls != nil {
		if !c.startTLS() {
			return nil
		}
		return c
	}
	if _, c.early = c.tcp.(earlyConn); c.early {
		c.below = true
	} else {
		c.openRaw()
	}
	return c
}

// earlyConn is a connection of [socketserver.Listen] that nobody had to wait
// for yet: it is a mere descriptor.
type earlyConn interface {
	EarlyFD() (fd uintptr, ok bool)
}

// openRaw has the connection read and written below net.Conn, where that works.
func (c *conn) openRaw() {
	c.early = false
	c.raw = rawConn(c.tcp)
	c.below = c.raw != nil
	if c.below {
		c.readable, c.writable = c.onReadable, c.onWritable
	}
}

// serveEarly looks whether the first request has arrived with the connection,
// as it has on a busy server and after [socketserver.DeferAccept]. When the hot
// path can answer it, and it closes the connection, that is all: no goroutine,
// no poller, four system calls. Else what was read goes on to serveConn.
func (s *Server) serveEarly(sc *socketserver.Conn) (over bool) {
	a := sc.Conn.(*accepted)
	if _, ok := a.Conn.(earlyConn); !ok || a.from.tls != nil {
		return false
	}
	c := s.newConn(sc)
	sc.State = c
	fd, ok := a.Conn.(earlyConn).EarlyFD()
	c.left = ok && c.onReadable(fd)
	if c.left && c.next == stepEnd {
		c.end()
		return true
	}
	return false
}

// serve serves until the connection is over (stepEnd) or has been idle for a
// while (stepPark).
func (c *conn) serve() step {
	if c.early {
		c.openRaw()
	}
	var st step
	if c.left {
		st, c.left = c.next, false // with stepWait there is output left to write
	} else {
		st = c.receive()
	}
	for st != stepEnd && st != stepPark {
		st = c.do(st)
	}
	return st
}

// do does one step. It is a function of its own to keep its frame, and that of
// all it calls, off the stack of a connection that waits.
func (c *conn) do(st step) step {
	switch st {
	case stepWait, stepMore:
		if !c.flush() {
			return stepEnd
		}
		c.await(st)
		return c.receive()
	case stepFlush:
		if !c.flush() {
			return stepEnd
		}
		return c.advance()
	case stepHandle:
		if !c.handle() {
			return stepEnd
		}
		return c.advance()
	case stepRefuse:
		c.refuse(c.refusal)
	case stepClose:
		c.flush()
	}
	return stepEnd
}

// receive waits for input, answers what it can on the hot path, and returns
// what is left to do.
func (c *conn) receive() step {
	if c.raw != nil {
		if err := c.raw.Read(c.readable); err != nil {
			return c.woken(err)
		}
		return c.next
	}
	n, err := c.input()
	if n > 0 {
		c.arrived()
		return c.advance()
	}
	return c.woken(err)
}

// input reads what is there, without holding a buffer while nothing is begun.
func (c *conn) input() (int, error) {
	if c.s == nil || c.s.r == c.s.w {
		c.release()
		n, err := c.nc.Read(c.one[:])
		if n == 1 {
			s := c.take()
			s.in[0], s.r, s.w = c.one[0], 0, 1
		}
		return n, err
	}
	n, err := c.nc.Read(c.s.room())
	c.s.w += n
	return n, err
}

// setNow reads the clock.
func (c *conn) setNow() {
	now := time.Now()
	c.now, c.read = now.UnixNano(), socketserver.Clock(now)
}

// arrived notes that input was read.
func (c *conn) arrived() {
	c.setNow()
	c.sc.Arrived()
	if c.srv.ConnState != nil {
		c.setState(http.StateActive)
	}
}

// await prepares for waiting: for the next request, or for the rest of a head.
func (c *conn) await(st step) {
	if st == stepMore {
		if c.phase != phaseHead {
			c.phase, c.began = phaseHead, c.read
		}
		c.sc.Arm(c.began, c.srv.times.head)
		return
	}
	switch {
	case c.served == 0:
		c.sc.Arm(c.began, c.srv.times.head)
	case c.below:
		c.phase = phaseBusy
		c.sc.Arm(c.read, min(c.srv.sweepEvery(), c.srv.idleTime()))
	default:
		c.phase = phaseIdle
		c.sc.Arm(c.read, c.srv.times.idle)
	}
	c.sc.Waits()
	if c.srv.ConnState != nil {
		c.setState(http.StateIdle)
	}
}

// woken says what an error of a wait means.
func (c *conn) woken(err error) step {
	begun := c.s != nil && c.s.w > c.s.r
	if c.sc.Overdue() {
		switch {
		case c.phase == phaseBusy:
			c.sc.Forgive()
			c.phase = phaseIdle
			c.sc.Arm(Monotonic(), c.srv.times.idle)
			c.sc.Waits()
			return stepPark
		case begun:
			// The buffer may have moved since the head was parsed.
			c.srv.limits.ParseRequest(c.s.in[c.s.r:c.s.w], &c.s.head)
			c.refusal = rule.HeadTimeout
			return stepRefuse
		}
		return stepEnd
	}
	if !c.last && isTimeout(err) && (c.srv.socks.Draining() || c.srv.noKeep.Load()) {
		// Woken because idle connections are to end: a request that has arrived
		// in the meantime is still answered.
		c.last = true
		c.sc.Forgive()
		if !begun && c.raw == nil {
			c.nc.SetReadDeadline(time.Now().Add(time.Millisecond))
		}
		return c.receive()
	}
	return stepEnd
}

func isTimeout(err error) bool {
	var ne net.Error
	return errors.As(err, &ne) && ne.Timeout()
}

// advance answers the complete requests in the input as far as the hot path
// can, and says what comes next.
func (c *conn) advance() step {
	s := c.s
	if s == nil {
		return stepWait
	}
	if c.over {
		return stepEnd
	}
	for s.r < s.w {
		n, broken := c.srv.limits.ParseRequest(s.in[s.r:s.w], &s.head)
		if broken != 0 {
			c.refusal = broken
			return stepRefuse
		}
		if n == 0 {
			return stepMore
		}
		c.served++
		c.phase = phaseIdle // the next head has a time of its own
		s.headLen = n
		s.head.Now, s.head.Read = c.now, c.read
		if !c.answerHot() {
			return stepHandle
		}
		s.r += n
		if c.over {
			return stepClose
		}
		if s.tail != nil || s.file != nil || len(s.out) >= outMax || len(s.recs) >= maxRecords {
			return stepFlush
		}
	}
	s.r, s.w = 0, 0
	return stepWait
}

// keeps reports whether the connection may outlive the request in h.
func (c *conn) keeps(h *wire.Head) bool {
	return !h.Close && c.served < c.srv.times.maxRequests &&
		!c.srv.noKeep.Load() && !c.srv.socks.Draining()
}

// answerHot asks the hot handler and gathers its answer. It is not to be used
// for requests that have more to them than a head.
func (c *conn) answerHot() bool {
	s := c.s
	h := &s.head
	if c.srv.Hot == nil || h.ContentLength != 0 || h.Upgrade || h.ExpectContinue || h.Major != 1 {
		return false
	}
	a := &s.ans
	*a = Answer{Scratch: s.dyn[:0]}
	if !c.srv.Hot.ServeHot(h, a) {
		return false
	}
	keep := c.keeps(h)
	c.over = !keep
	s.out = append(s.out, a.Head...)
	s.out = c.srv.appendEnd(s.out, h.Now, h.Minor >= 1, keep)
	sent := int64(len(a.Body))
	switch {
	case h.Method == "HEAD":
		sent = 0
		if a.Done != nil {
			a.Done.Release()
		}
	case a.File != nil:
		s.file, s.off, s.size, s.done = a.File, a.Offset, a.Size, a.Done
		sent = a.Size
	case len(a.Body) <= copyMax:
		s.out = append(s.out, a.Body...)
	default:
		s.tail = a.Body
	}
	if c.srv.Sink != nil {
		c.note(h, a.Status, sent, a.Rule, true)
	}
	return true
}

// note gathers the record of an answer until it is written.
func (c *conn) note(h *wire.Head, status int, sent int64, why rule.ID, hot bool) {
	s := c.s
	s.recs = append(s.recs, Record{
		Start: h.Now, Remote: c.sc.Remote(), Method: h.Method, Target: h.Target, Proto: protoOf(h),
		Host: h.Host, Referer: h.Get(wire.Referer), Agent: h.Get(wire.UserAgent), User: userOf(h),
		Status: status, Bytes: sent, Rule: why, Hot: hot,
	})
}

// protoOf names the version; "" when it is not known.
func protoOf(h *wire.Head) string {
	switch {
	case h.Major == 1 && h.Minor == 0:
		return "HTTP/1.0"
	case h.Major == 1:
		return "HTTP/1.1"
	case h.Minor == 9:
		return "HTTP/0.9"
	}
	return ""
}

// flush writes what is gathered and hands the records on. It is false when
// the connection is of no use any more.
func (c *conn) flush() bool {
	s := c.s
	if s == nil {
		return true
	}
	err := c.write()
	c.report(c.cutBy(err))
	return err == nil
}

// report hands the gathered records to the sink. cut is the rule by which
// writing them failed, 0 when it did not.
func (c *conn) report(cut rule.ID) {
	s := c.s
	if len(s.recs) == 0 {
		return
	}
	end := time.Now().UnixNano()
	for i := range s.recs {
		r := &s.recs[i]
		r.Duration = end - r.Start
		if cut != 0 && (cut != rule.StaticShrank || i == len(s.recs)-1) { // those before the file went out
			r.Rule = cut
		}
		c.srv.Sink.Record(r)
	}
	clear(s.recs)
	s.recs = s.recs[:0]
}

// cutBy says why an answer could not be written.
func (c *conn) cutBy(err error) rule.ID {
	switch {
	case err == nil:
		return 0
	case errors.Is(err, io.ErrUnexpectedEOF):
		return rule.StaticShrank
	case c.sc.Overdue():
		return rule.SendTimeout
	}
	return rule.ClientGone
}

// write writes what is gathered: out, then tail or the part of the file.
func (c *conn) write() (err error) {
	s := c.s
	switch {
	case len(s.out) == 0 && s.tail == nil && s.file == nil:
		return nil
	case c.raw != nil && s.file == nil:
		err = c.writeRaw()
	case s.file != nil:
		c.armSend()
		from := s.off
		err = c.sendFile(s.out, s.file, &s.off, s.size)
		if last := len(s.recs) - 1; err != nil && last >= 0 {
			s.recs[last].Bytes = s.off - from
		}
	default:
		c.armSend()
		if err = c.writeAll(s.out); err == nil && s.tail != nil {
			err = c.writeAll(s.tail)
		}
	}
	c.sc.Disarm()
	s.out, s.tail = s.out[:0], nil
	s.dropFile()
	return err
}

// armSend starts the time in which the client must take something.
func (c *conn) armSend() {
	now, d := Monotonic(), c.srv.times.send
	if all := c.srv.WriteTimeout; all > 0 {
		left := max(time.Duration(c.read-now)+all, 1)
		if d = left; c.srv.times.send > 0 {
			d = min(d, c.srv.times.send)
		}
	}
	c.sc.Arm(now, d)
}

// writeAll writes b; the deadline is armed anew for each part taken.
func (c *conn) writeAll(b []byte) error {
	for len(b) > outMax {
		if _, err := c.nc.Write(b[:outMax]); err != nil {
			return err
		}
		b = b[outMax:]
		c.armSend()
	}
	_, err := c.nc.Write(b)
	return err
}

// refuse answers a request that broke a rule, and lets the connection end in a
// way that lets the client read the answer.
func (c *conn) refuse(why rule.ID) {
	s := c.take()
	row := rule.Of(why)
	if c.sc.Overdue() {
		c.sc.Forgive()
	}
	if s.r == s.w {
		s.head = wire.Head{Fields: s.head.Fields[:0]} // nothing was read of this request
	}
	s.head.Now = c.now
	at := len(s.out)
	s.out = c.srv.appendRefusal(s.out, s.head.Now, row.Status, row.Sentence, s.head.Method == "HEAD")
	if c.srv.Sink != nil {
		_, page, _ := bytes.Cut(s.out[at:], []byte("\r\n\r\n"))
		c.note(&s.head, row.Status, int64(len(page)), why, false)
	}
	c.linger = true
	c.flush()
}

// appendRefusal makes a whole answer of the engine's own, after which the
// connection ends.
func (s *Server) appendRefusal(dst []byte, now int64, status int, message string, head bool) []byte {
	page := AppendErrorPage(nil, PageText, status, message)
	dst = wire.AppendStatusLine(dst, status)
	dst = append(dst, "Content-Length: "...)
	dst = strconv.AppendInt(dst, int64(len(page)), 10)
	dst = append(dst, "\r\nContent-Type: "...)
	dst = append(dst, PageText.ContentType()...)
	dst = append(dst, "\r\n"...)
	if status == http.StatusServiceUnavailable {
		dst = append(dst, "Retry-After: 1\r\n"...)
	}
	dst = s.appendEnd(dst, now, true, false)
	if head {
		return dst
	}
	return append(dst, page...)
}

// refuseConn tells a client that there are too many connections.
func (s *Server) refuseConn(nc net.Conn, why socketserver.Refusal) {
	a := nc.(*accepted)
	id := rule.TooManyConnections
	if why == socketserver.TooManyPerClient {
		id = rule.TooManyPerClient
	}
	row := rule.Of(id)
	now := time.Now()
	if s.Sink != nil {
		r := Record{Start: now.UnixNano(), Status: row.Status, Rule: id}
		r.Remote = a.AddrPort()
		s.Sink.Record(&r)
	}
	if a.from.tls != nil {
		return // a handshake is what the limit protects from
	}
	a.Conn.Write(s.appendRefusal(nil, now.UnixNano(), row.Status, row.Sentence, false))
	lingerOn(a.Conn)
}

// end ends the connection. Closing a socket with unread input makes the kernel
// send a reset, which can destroy an answer that the client has not read yet
// (RFC 9112 §9.6): when the client may still be sending, our side is closed
// first and the rest read for a while.
func (c *conn) end() {
	c.release()
	if c.state == http.StateHijacked {
		if c.nc != c.tcp && c.below {
			c.tcp.Close() // the handler has a descriptor of its own
		}
		return
	}
	if c.linger {
		if t, ok := c.nc.(*tls.Conn); ok {
			t.CloseWrite()
		}
		lingerOn(c.tcp)
	}
	if t, ok := c.tcp.(interface{ SetLinger(int) error }); ok && c.reset {
		t.SetLinger(0) // the client sees a reset, not the end of a body
		c.tcp.Close()
	}
	c.nc.Close()
	c.closed()
}

func (c *conn) closed() {
	if c.srv.ConnState != nil {
		c.setState(http.StateClosed)
	}
}

const (
	lingerTime  = time.Second
	lingerBytes = 256 << 10
)

func lingerOn(nc net.Conn) {
	cw, ok := nc.(interface{ CloseWrite() error })
	if !ok || cw.CloseWrite() != nil {
		return
	}
	nc.SetReadDeadline(time.Now().Add(lingerTime))
	io.CopyN(io.Discard, nc, lingerBytes)
}

func (c *conn) setState(st http.ConnState) {
	if c.srv.ConnState != nil && c.state != st || st == http.StateNew {
		c.srv.ConnState(c.nc, st)
	}
	c.state = st
}
