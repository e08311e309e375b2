package cgi

import (
	"io"
	"net/http"
	"os"
	"sync"
	"time"

	"freshet/httpd"
	"freshet/internal/gateway"
	"freshet/internal/rule"
)

// smallBody is how long a body may be that is read before the program starts:
// what a pipe takes without anybody reading.
const smallBody = 64 << 10

// copying are buffers for bodies.
var copying = sync.Pool{New: func() any { return new([32 << 10]byte) }}

// stdin is what a program reads: nothing, octets that are here already, a file,
// or the client's body as it comes.
type stdin struct {
	data    []byte           // octets that are here, and not in the pipe yet
	copied  bool             // the client's body follows
	spooled *gateway.Spooled // nil unless the length was unknown
	pipe    *os.File         // our end; nil without one
	length  int64            // CONTENT_LENGTH; -1: as the request says
}

// receive gets the request's body ready, before a turn is taken: slow clients
// take none.
func (x *exchange) receive() *gateway.Fault {
	x.in.length = -1
	r := x.r
	switch n := r.ContentLength; {
	case r.Body == nil, r.Body == http.NoBody, n == 0:
	case n > smallBody:
		x.in.copied = true
	case n > 0:
		x.in.data = make([]byte, n)
		if _, err := io.ReadFull(r.Body, x.in.data); err != nil {
			return &gateway.Fault{Rule: httpd.BodyRule(err), Err: err}
		}
	default:
		o := &x.h.o
		x.readBeside() // a refusal does not wait for the rest of the body
		s, f := gateway.Spool(r.Body, gateway.SpoolOptions{Memory: o.SpoolMemory, Most: o.MaxSpool, Dir: o.SpoolDir, Files: &x.h.spools})
		if f != nil {
			if f.Rule == rule.ScriptClientGone {
				f.Rule = httpd.BodyRule(f.Err)
			}
			return f
		}
		x.taken.Store(true)
		x.in.spooled, x.in.length = s, s.Size
	}
	return nil
}

// open returns descriptor 0 of the program, nil for nothing to read; what a
// pipe takes at once is put into it.
func (s *stdin) open() (end, error) {
	switch {
	case s.spooled != nil && s.spooled.File != nil:
		// The program may open it once more, as /dev/stdin; it has no name by
		// which others could.
		s.spooled.File.Chmod(0o444)
		return end{file: s.spooled.File}, nil // closed once it was passed on; close does it again
	case s.spooled != nil && s.spooled.Size > 0:
		s.data = make([]byte, s.spooled.Size)
		if _, err := io.ReadFull(s.spooled.Reader(), s.data); err != nil {
			return end{}, err
		}
	case len(s.data) == 0 && !s.copied:
		return end{}, nil
	}
	ours, theirs, err := pipe(1)
	if err != nil {
		return end{}, err
	}
	s.pipe = ours
	s.data = s.data[writeAtOnce(ours, s.data):]
	if len(s.data) == 0 && !s.copied {
		s.close()
	}
	return theirs, nil
}

// close closes what is ours.
func (s *stdin) close() {
	if s.pipe != nil {
		s.pipe.Close()
	}
	if s.spooled != nil {
		s.spooled.Close()
	}
}

// feed writes the rest of the body on a goroutine of its own, until the
// program reads no more or stopFeeding.
func (x *exchange) feed(r *run) {
	if len(x.in.data) == 0 && !x.in.copied {
		return
	}
	if x.in.copied {
		x.readBeside()
	}
	x.fed = make(chan struct{})
	go func() {
		defer close(x.fed)
		defer x.in.pipe.Close()
		if _, err := x.in.pipe.Write(x.in.data); err != nil || !x.in.copied {
			return
		}
		x.copyBody(r)
	}()
}

// copyBody copies the client's body. When that breaks off, the program is
// ended, and must not take what it got for all.
func (x *exchange) copyBody(r *run) {
	bp := copying.Get().(*[32 << 10]byte)
	defer copying.Put(bp)
	for !x.stopped.Load() {
		n, err := x.r.Body.Read(bp[:])
		if err == io.EOF {
			x.taken.Store(true)
		}
		if n > 0 {
			if _, werr := x.in.pipe.Write(bp[:n]); werr != nil {
				return // it does not want more
			}
		}
		switch {
		case err == io.EOF:
			return
		case err != nil:
			if !x.stopped.Load() {
				r.end(httpd.BodyRule(err))
				<-r.child.Done() // within the grace
			}
			return
		}
	}
}

// readBeside lets the body be read while the answer is written.
func (x *exchange) readBeside() {
	x.duplex = true
	x.rc.EnableFullDuplex() // an error means that the server cannot: no harm
}

// closeUnread has net/http close the connection when an answer begins before
// the body was read to its end. Once stopFeeding has set a deadline it would
// take what is left of the body for the next request, and give each request on
// that connection a context that has ended. The engine does neither.
func (x *exchange) closeUnread() {
	if x.unread() {
		x.w.Header().Set("Connection", "close")
	}
}

// unread reports whether something of the body is on a connection of net/http
// that is for other requests, too.
func (x *exchange) unread() bool {
	return x.duplex && !x.taken.Load() && x.told == nil && x.r.ProtoMajor == 1
}

// stopFeeding ends the feeding and waits for it. It may be called again.
func (x *exchange) stopFeeding() {
	if x.fed == nil {
		return
	}
	x.stopped.Store(true)
	x.closeUnread() // unless the answer has begun
	past := time.Unix(1, 0)
	x.in.pipe.SetWriteDeadline(past)
	for {
		select {
		case <-x.fed:
			if x.unread() { // the client gets the answer while net/http reads on a little
				x.rc.SetReadDeadline(time.Now().Add(patience))
			}
			return
		default:
		}
		// A reader that is about to read arms a deadline of its own: this
		// one has to come after that. Nobody reads at the end of the body but
		// the server, for which a deadline is the client's end.
		if x.in.copied && !x.taken.Load() {
			x.rc.SetReadDeadline(past)
		}
		t := time.NewTimer(time.Millisecond)
		select {
		case <-x.fed:
		case <-t.C:
		}
		t.Stop()
	}
}
