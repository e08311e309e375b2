package httpd

import (
	"net/netip"
	"os"
	"time"

	"freshet/internal/record"
	"freshet/internal/rule"
	"freshet/internal/wire"
	"freshet/socketserver"
)

// Head is a parsed request head; its strings are valid until the request is
// answered.
type Head = wire.Head

// Record describes one answered request; see [Server.Sink].
type Record = record.Record

// Sink takes one Record for each request.
type Sink = record.Sink

// Verdict is what a request came to, for counters.
type Verdict = record.Verdict

// Detail is what handlers tell about a request; see [DetailOf].
type Detail = record.Detail

// RuleID names why an answer was what it was.
type RuleID = rule.ID

// Monotonic is the present moment on the clock of [Head].Read.
func Monotonic() int64 { return socketserver.Clock(time.Now()) }

// HotHandler answers requests whose whole treatment was decided beforehand,
// with prebuilt bytes: no http.Request, no allocation, one write.
//
// ServeHot either fills a and returns true, or returns false, having done
// nothing: then the same request goes to [Server.Handler], which must give the
// same answer. It is called on the connection's goroutine, by many at once,
// only for requests without a body, and must not block for longer than a
// stat(2) does. It must decline whatever a per-request policy (authorization,
// limits, rewriting) would have to look at.
type HotHandler interface {
	ServeHot(q *Head, a *Answer) bool
}

// Answer is what a HotHandler hands to the engine. The engine adds Server,
// Date and Connection to the head, leaves the body out for HEAD, and writes
// the record.
type Answer struct {
	Status  int
	Rule    RuleID
	Verdict Verdict
	Place   uint16 // see [SetPlace]

	// Head is the status line ("HTTP/1.1 200 OK") and the fields, in the order
	// of their names, each line with its CR LF, without the empty line that
	// ends a head.
	Head []byte

	// Body is the whole body, when it is in memory. It must never change.
	Body []byte

	// File, when not nil, is the body instead: Size bytes from Offset, read
	// with explicit offsets. Done.Release is called once when the file is no
	// longer needed, or the short body of an answer that somebody was asked for.
	File   *os.File
	Offset int64
	Size   int64
	Done   interface{ Release() }

	// HasDate and HasServer say that Head has these fields: stored answers keep
	// those of their origin.
	HasDate, HasServer bool

	// Detail, when not nil, is what is told about the request, for its record.
	Detail *Detail

	// Scratch is an empty buffer with some capacity, for heads that are made
	// for this request: append to it and set Head, and Scratch itself, to the
	// result; what it grew to is lent again.
	Scratch []byte

	measured bool // Content-Length of Body follows Head
	asked    bool // somebody else was asked for it
	ask      hotAsk
}

// Remote returns the client's address; it is not valid for Unix sockets.
func (a *Answer) Remote() netip.AddrPort {
	if a.ask.c == nil {
		return netip.AddrPort{}
	}
	return a.ask.c.sc.Remote()
}
