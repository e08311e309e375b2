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
}

// Relay sends an answer whose head was read: its fields, and the body as it
// comes. It returns nil when all was sent. Else the answer was begun and must
// be cut; the faults are rule.ScriptClientGone, rule.ScriptOutputTooLarge, and
// rule.ScriptIncomplete, with Err when reading failed.
//
// What a program prints beyond its Content-Length is not sent, and neither is
// the body of an answer that has none; up to 64 KiB of it is read, for a second
// at most.
//
// Relay uses the source's read deadline, and leaves it without one.
func Relay(w http.ResponseWriter, r *http.Request, h *Head, o *Output, opt RelayOptions) *Fault {
	writeHead(w, h)
	x := &relay{w: w, rc: http.NewResponseController(w), o: o, opt: opt, left: h.Length, events: field.IsEventStream(h.Header.Get("Content-Type"))}
	if x.opt.Pause <= 0 {
		x.opt.Pause = DefaultPause
	}
	if Bodyless(r.Method, h.Status) {
		if !o.whole() {
			x.flush() // what is printed now may be long in coming, and is for nobody
		}
		o.discard()
		return nil
	}
	if x.events {
		x.flush() // the first event may be long in coming
	}
	f := x.body()
	if x.armed {
		x.arm(false)
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

// Bodyless reports whether an answer has no body whatever its fields say
// (RFC 9112 §6.3), or must have none (205, RFC 9110 §15.3.6): some clients read
// what follows its head as the next answer.
func Bodyless(method string, status int) bool {
	return method == http.MethodHead || status == http.StatusNoContent || status == http.StatusResetContent || status == http.StatusNotModified
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

type relay struct {
	w         http.ResponseWriter
	rc        *http.ResponseController
	o         *Output
	opt       RelayOptions
	left      int64 // of Content-Length; negative when unknown
	sent      int64
	events    bool
	unflushed bool // something, at first the head, is not sent yet
	armed     bool // the source has a deadline
}

func (x *relay) body() *Fault {
	x.unflushed = !x.events
	b := x.o.data
	for {
		if f := x.send(b); f != nil {
			return f
		}
		if x.left == 0 && x.o.whole() {
			return nil
		}
		if x.left == 0 {
			x.flush()
			x.armed = false
			x.o.discard()
			return nil
		}
		var err error
		if b, err = x.read(); err != nil {
			if f := x.send(b); f != nil {
				return f
			}
			return x.ended(err)
		}
	}
}

// ended says what the end of the output means.
func (x *relay) ended(err error) *Fault {
	switch {
	case err != io.EOF:
		return &Fault{Rule: rule.ScriptIncomplete, Err: err}
	case x.left > 0:
		return &Fault{Rule: rule.ScriptIncomplete}
	}
	return nil
}

// read waits for more; what is not sent yet is flushed when its time is over,
// counted from the oldest of it, so that a program that prints a little often
// is not held back for long.
func (x *relay) read() ([]byte, error) {
	for {
		if x.unflushed != x.armed && x.o.err == nil {
			x.arm(x.unflushed)
		}
		b, err := x.o.more()
		if len(b) == 0 && x.armed && errors.Is(err, os.ErrDeadlineExceeded) {
			x.flush()
			continue
		}
		return b, err
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

func (x *relay) flush() {
	x.unflushed = false
	x.rc.Flush() // an error comes again with the next write
}

// send writes what came.
func (x *relay) send(b []byte) *Fault {
	if x.left >= 0 && int64(len(b)) > x.left {
		b = b[:x.left]
	}
	if len(b) == 0 {
		return nil
	}
	if x.opt.Most > 0 && x.sent+int64(len(b)) > x.opt.Most {
		return &Fault{Rule: rule.ScriptOutputTooLarge}
	}
	n, err := x.w.Write(b)
	x.sent += int64(n)
	if x.left >= 0 {
		x.left -= int64(n)
	}
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
