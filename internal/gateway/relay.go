package gateway

import (
	"errors"
	"io"
	"net/http"
	"os"
	"sync/atomic"
	"time"

	"freshet/internal/field"
	"freshet/internal/rule"
	"freshet/internal/wire"
)

// DefaultPause is how long what a program has printed may wait to be sent, for
// more: long enough that what is printed in one go is one write.
const DefaultPause = 10 * time.Millisecond

// RelayOptions say how much is relayed, and who is told.
type RelayOptions struct {
	// Most bounds the body, in octets; 0 means no bound.
	Most int64
	// Pause is described at DefaultPause, which 0 means.
	Pause time.Duration
	// Sent, when not nil, is increased by the octets that were sent.
	Sent *atomic.Int64
	// Program, when not nil, is told when its output is over, and is not kept
	// by a slow client: its output is read ahead.
	Program Program
	// Spool bounds what is read ahead, beyond 64 KiB of memory: Most is for the
	// file of one answer. Its Memory is not used.
	Spool SpoolOptions
}

// Program is what prints the answer that Relay sends.
type Program interface {
	// Ended is called once, when nothing more is read of the output: f says
	// what is wrong with it, nil means nothing. It returns what is to be said
	// of the answer in its stead. It may be called before all was sent, and by
	// another goroutine than Relay's, which waits for it in the end.
	Ended(f *Fault) *Fault
	// Stop ends the program while its output is being read; reading must then
	// fail soon. It may be called by another goroutine, and at any time before
	// Relay returns.
	Stop(why rule.ID)
}

// Relay sends an answer whose head was read: its fields, and the body as it
// comes. It returns nil when all was sent. Else the answer was begun and must
// be cut, and what is complete of it was sent; the faults are
// rule.ScriptClientGone, rule.ScriptOutputTooLarge, rule.ScriptSpoolFailed, and
// rule.ScriptIncomplete, with Err when reading failed, or what Program.Ended
// made of them.
//
// What a program prints beyond its Content-Length is not sent, and neither is
// the body of an answer that has none; up to 64 KiB of it is read, for a second
// at most.
//
// A client that takes longer than 10 ms over a write is slow: from then on the
// output is read by another goroutine, ahead of the client, as AheadState says.
//
// Relay uses the source's read deadline, and leaves it without one.
func Relay(w http.ResponseWriter, r *http.Request, h *Head, o *Output, opt RelayOptions) *Fault {
	writeHead(w, h)
	x := &o.buf.relay
	*x = relay{w: w, rc: *http.NewResponseController(w), o: o, opt: opt, left: h.Length, events: field.IsEventStream(h.Header.Get("Content-Type"))}
	defer x.leave()
	if x.opt.Pause <= 0 {
		x.opt.Pause = DefaultPause
	}
	x.unflushed = true
	var f *Fault
	if Bodyless(r.Method, h.Status) {
		x.left = 0
		f = x.empty()
	} else {
		f = x.body()
	}
	if f != nil && x.unflushed && f.Rule != rule.ScriptClientGone {
		x.flush() // see Cut
	}
	return f
}

// Cut ends an answer that was begun and cannot be completed (RFC 9112 §8); it
// does not return. What there is of it is sent first: a client whose request
// gets no octet back may take the connection for one that was closed before it,
// and send the request again.
func Cut(w http.ResponseWriter) {
	_ = http.NewResponseController(w).Flush() // the connection is at its end either way
	panic(http.ErrAbortHandler)
}

func writeHead(w http.ResponseWriter, h *Head) {
	header := w.Header()
	for name, values := range h.Header {
		header[name] = values
	}
	if _, ok := h.Header["Content-Type"]; !ok {
		header["Content-Type"] = nil // it must not be guessed
	}
	w.WriteHeader(h.Status)
}

// Bodyless reports whether an answer has no body (wire.Bodyless), or must have
// none (205, RFC 9110 §15.3.6): some clients read what follows its head as the
// next answer.
func Bodyless(method string, status int) bool {
	return wire.Bodyless(method, status) || status == http.StatusResetContent
}

// discardTime is how long a program may take to print what is not sent.
const discardTime = time.Second

// discard reads what is left, within bounds, so that a program that prints a
// little too much is not killed by it.
func (o *Output) discard() {
	if o.err != nil {
		return
	}
	o.src.SetReadDeadline(time.Now().Add(discardTime))
	defer o.src.SetReadDeadline(time.Time{})
	for left := outputBuffer - len(o.data); left > 0; {
		b, err := o.more()
		if err != nil {
			return
		}
		left -= len(b)
	}
}

// relay is one answer on its way. While ahead is not nil its goroutine has o,
// left and taken.
type relay struct {
	w         http.ResponseWriter
	rc        http.ResponseController
	o         *Output
	opt       RelayOptions
	left      int64 // of Content-Length; negative when unknown
	taken     int64 // of the output, to be sent
	events    bool
	unflushed bool // something, at first the head, is not sent yet
	armed     bool // the source has a deadline
	ended     bool // the program was told
	ahead     *ahead
}

// empty is for an answer without a body.
func (x *relay) empty() *Fault {
	if x.o.whole() {
		return x.end(nil)
	}
	return x.rest() // what is printed now may be long in coming, and is for nobody
}

func (x *relay) body() *Fault {
	if x.events {
		x.flush() // the first event may be long in coming
	}
	came, err := x.o.data, x.o.err
	for {
		b, f := x.take(came)
		if f == nil && err != nil {
			f = x.meaning(err)
		}
		if f != nil || err != nil {
			// The client is not waited for while the program has its turn.
			f = x.end(f)
			if gone := x.send(b); gone != nil {
				return gone
			}
			return f
		}
		if f := x.sendAside(b); f != nil || x.ahead != nil {
			return x.follow(f)
		}
		if x.left == 0 {
			return x.rest()
		}
		if came, err = x.read(); x.ahead != nil {
			return x.follow(nil)
		}
	}
}

// rest is for what a program may still print when all was sent.
func (x *relay) rest() *Fault {
	if x.flushAside(); x.ahead != nil {
		return x.follow(nil)
	}
	x.disarm()
	x.o.discard()
	return x.end(nil)
}

// end tells the program that its output is over.
func (x *relay) end(f *Fault) *Fault {
	x.disarm()
	if x.opt.Program == nil || x.ended {
		return f
	}
	x.ended = true
	return x.opt.Program.Ended(f)
}

// meaning says what the end of the output means.
func (x *relay) meaning(err error) *Fault {
	switch {
	case x.left == 0:
	case err != io.EOF:
		return &Fault{Rule: rule.ScriptIncomplete, Err: err}
	case x.left > 0:
		return &Fault{Rule: rule.ScriptIncomplete}
	}
	return nil
}

// take returns what is to be sent of what came.
func (x *relay) take(b []byte) ([]byte, *Fault) {
	if x.left >= 0 && int64(len(b)) > x.left {
		b = b[:x.left]
	}
	if x.opt.Most > 0 && x.taken+int64(len(b)) > x.opt.Most {
		return nil, &Fault{Rule: rule.ScriptOutputTooLarge}
	}
	x.taken += int64(len(b))
	if x.left >= 0 {
		x.left -= int64(len(b))
	}
	return b, nil
}

// read waits for more; what is not sent yet is flushed when its time is over,
// counted from the oldest of it, so that a program that prints a little often
// is not held back for long.
func (x *relay) read() ([]byte, error) {
	for {
		if x.unflushed != x.armed {
			x.arm(x.unflushed)
		}
		b, err := x.o.more()
		if len(b) > 0 || !x.armed || !errors.Is(err, os.ErrDeadlineExceeded) {
			return b, err
		}
		if x.flushAside(); x.ahead != nil {
			return nil, nil
		}
	}
}

// arm gives the source a deadline, or takes it away.
func (x *relay) arm(on bool) {
	var t time.Time
	if on {
		t = time.Now().Add(x.opt.Pause)
	}
	x.o.src.SetReadDeadline(t)
	x.armed = on
}

func (x *relay) disarm() {
	if x.armed {
		x.arm(false)
	}
}

func (x *relay) flush() {
	x.unflushed = false
	x.rc.Flush() // an error comes again with the next write
}

// send writes what came.
func (x *relay) send(b []byte) *Fault {
	if len(b) == 0 {
		return nil
	}
	n, err := x.w.Write(b)
	if x.opt.Sent != nil {
		x.opt.Sent.Add(int64(n))
	}
	if err != nil {
		return &Fault{Rule: rule.ScriptClientGone, Err: err}
	}
	if x.unflushed = true; x.events {
		x.flush()
	}
	return nil
}
