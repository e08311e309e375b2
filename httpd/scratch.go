package httpd

import (
	"os"
	"sync/atomic"
	"time"

	"freshet/internal/field"
	"freshet/internal/record"
	"freshet/internal/wire"
)

const (
	inSize  = 8 << 10  // input buffer; grows to the limit on heads
	outSize = 4 << 10  // output buffer; grows to outMax
	outMax  = 64 << 10 // gathered output beyond which it is written
	// copyMax is the largest body that is copied behind its head to go out in
	// one write; larger ones are written from where they are.
	copyMax    = 8 << 10
	maxRecords = 64 // answers gathered before they are written and recorded
)

// scratch is what a connection needs while there is something to do. It is
// taken from a pool when bytes arrive and given back before waiting for more,
// so that an idle connection holds no buffer.
type scratch struct {
	in   []byte // in[r:w] was read and not yet consumed
	r, w int

	out  []byte // gathered answers
	tail []byte // body that follows out, not copied
	file *os.File
	off  int64 // where the file's part begins
	size int64 // bytes of file that follow out
	done interface{ Release() }

	head    wire.Head
	headLen int
	ans     Answer
	dyn     []byte // lent to hot handlers as Answer.Scratch
	body    []byte // a handler's body before its head is decided
	fields  []byte // a handler's fields, rendered
	names   []string

	asking *exchange // of Answer.Request; nil before the first
	asked  bool      // it was wanted for this request
	begun  releaser  // of Answer.Begin

	recs []record.Record // of the answers in out, in their order
}

func newScratch() *scratch {
	return &scratch{
		in:  make([]byte, inSize),
		out: make([]byte, 0, outSize),
		dyn: make([]byte, 0, 1<<10),
	}
}

// take makes sure that c has a scratch.
func (c *conn) take() *scratch {
	if c.s == nil {
		c.s = c.srv.pool.Get().(*scratch)
	}
	return c.s
}

// release gives the scratch back; nothing may be left in it. Buffers that an
// unusual request made large are not kept.
func (c *conn) release() {
	s := c.s
	if s == nil {
		return
	}
	c.s = nil
	s.dropFile()
	if len(s.in) > inSize {
		s.in = make([]byte, inSize)
	}
	if cap(s.out) > 2*outMax {
		s.out = make([]byte, 0, outSize)
	}
	if cap(s.body) > 2*bodyBuffer {
		s.body = nil
	}
	s.r, s.w = 0, 0
	s.out, s.tail = s.out[:0], nil
	clear(s.recs)
	s.recs = s.recs[:0]
	s.ans = Answer{}
	if s.asking != nil {
		s.asking.ctx.c, s.asking.ctx.Context = nil, nil
	}
	c.srv.pool.Put(s)
}

func (s *scratch) dropFile() {
	if s.done != nil {
		s.done.Release()
		s.done = nil
	}
	s.file = nil
}

// room makes sure that there is space to read into.
func (s *scratch) room() []byte {
	if s.w < len(s.in) {
		return s.in[s.w:]
	}
	if s.r > 0 {
		s.w = copy(s.in, s.in[s.r:s.w])
		s.r = 0
		return s.in[s.w:]
	}
	in := make([]byte, 2*len(s.in))
	copy(in, s.in[:s.w])
	s.in = in
	return s.in[s.w:]
}

// stamp is the part of every head that changes once a second: the Server and
// Date fields.
type stamp struct {
	sec          int64
	server, date []byte
}

// stamps keeps the current stamp.
type stamps struct{ p atomic.Pointer[stamp] }

func (t *stamps) at(sec int64, name string) *stamp {
	if p := t.p.Load(); p != nil && p.sec == sec {
		return p
	}
	p := &stamp{sec: sec}
	switch name {
	case "-":
	case "":
		p.server = []byte("Server: freshet\r\n")
	default:
		p.server = []byte("Server: " + name + "\r\n")
	}
	p.date = append(field.AppendDate([]byte("Date: "), sec), "\r\n"...)
	t.p.Store(p)
	return p
}

// stampAt returns the Server and Date lines for a time in nanoseconds.
func (s *Server) stampAt(now int64) *stamp { return s.stamps.at(now/int64(time.Second), s.ServerName) }

// appendStamps appends Server and Date, where they are wanted.
func (s *Server) appendStamps(dst []byte, now int64, server, date bool) []byte {
	st := s.stampAt(now)
	if server {
		dst = append(dst, st.server...)
	}
	if date {
		dst = append(dst, st.date...)
	}
	return dst
}

func appendConnection(dst []byte, http11, keep bool) []byte {
	switch {
	case !keep:
		return append(dst, "Connection: close\r\n"...)
	case !http11:
		return append(dst, "Connection: keep-alive\r\n"...)
	}
	return dst
}
