package outbound

import (
	"errors"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"freshet/internal/wire"
)

// sending is a request body on its way, by a goroutine of its own.
type sending struct {
	mu     sync.Mutex
	done   chan struct{}
	failed *Error // why it ended early, set before done is closed
	heard  bool   // the answer's head has come: its reader sets deadlines now

	last atomic.Bool // the last write has begun
}

// smallBody is the size up to which a body is sent with the head, in one write.
const smallBody = 4 << 10

// chunkRoom is what is left free before the data of a chunk for its size line,
// and after it for its end.
const (
	chunkRoom = 10
	sendBytes = 32 << 10
)

var sendBuffers = sync.Pool{New: func() any { return new([sendBytes]byte) }}

var errShortBody = errors.New("the body is shorter than its Content-Length")

// appendSmall reads a small body into the output behind the head.
func appendSmall(dst []byte, body io.Reader, length int64) ([]byte, error) {
	at := len(dst)
	for range length {
		dst = append(dst, 0)
	}
	n, err := io.ReadFull(body, dst[at:])
	if err == io.EOF || err == io.ErrUnexpectedEOF {
		err = errShortBody
	}
	return dst[:at+n], err
}

// send starts to send the body of req.
func (c *conn) send(req *http.Request, plan bodyPlan) {
	s := &sending{done: make(chan struct{})}
	c.sending = s
	// A reader that waits for the answer does so without a limit until the
	// body is sent.
	c.readBefore(0)
	host, ctx := c.host, c.ctx
	go func() {
		op, kind, err := c.sendBody(s, req, plan)
		req.Body.Close()
		s.mu.Lock()
		switch {
		case err == nil:
			if !s.heard {
				c.readBefore(c.t.times.head)
			}
		default:
			s.failed = host.failed(ctx, op, kind, err)
			s.failed.Remote = s.failed.Remote && kind != RequestError
			if kind == ConnectionTerminated && !s.heard {
				// The origin may have answered before it closed.
				c.readBefore(c.t.times.head)
			} else {
				c.abort()
			}
		}
		s.mu.Unlock()
		close(s.done)
	}()
}

// sendBody sends the body of req as planned, and its trailers.
func (c *conn) sendBody(s *sending, req *http.Request, plan bodyPlan) (op string, kind Kind, err error) {
	buf := sendBuffers.Get().(*[sendBytes]byte)
	defer sendBuffers.Put(buf)
	left := plan.length
	for left != 0 {
		room := buf[chunkRoom : sendBytes-2]
		if left > 0 && left < int64(len(room)) {
			room = room[:left]
		}
		n, rerr := req.Body.Read(room)
		if n > 0 {
			out := room[:n]
			if left < 0 {
				out = chunk(buf, n)
			} else {
				left -= int64(n)
				s.last.Store(left == 0)
			}
			if kind, err := c.sendPart(out); err != nil {
				return "write request", kind, err
			}
		}
		switch {
		case rerr == io.EOF && left > 0:
			return "read request body", RequestError, errShortBody
		case rerr == io.EOF:
			left = 0
		case rerr != nil:
			return "read request body", RequestError, rerr
		}
	}
	if plan.length >= 0 {
		return "", "", nil
	}
	out := append(buf[:0], "0\r\n"...)
	for _, name := range trailerNames(req.Trailer) {
		if out, err = appendField(out, name, req.Trailer[name]); err != nil {
			return "write request", RequestError, err
		}
	}
	s.last.Store(true)
	kind, err = c.sendPart(append(out, "\r\n"...))
	return "write request", kind, err
}

// chunk makes a chunk of the n octets of data that stand chunkRoom behind the
// start of buf.
func chunk(buf *[sendBytes]byte, n int) []byte {
	var line [chunkRoom]byte
	head := wire.AppendChunkHead(line[:0], n)
	start := chunkRoom - len(head)
	copy(buf[start:], head)
	return append(buf[start:chunkRoom+n], "\r\n"...)
}

// sendPart writes out.
func (c *conn) sendPart(out []byte) (Kind, error) {
	c.writeBefore(c.t.times.write)
	_, err := c.nc.Write(out)
	if isTimeout(err) {
		return ConnectionWriteTimeout, err
	}
	return ConnectionTerminated, err
}

// hear tells the sender that the answer has begun, so that deadlines of reads
// are the reader's.
func (s *sending) hear() {
	s.mu.Lock()
	s.heard = true
	s.mu.Unlock()
}

// over reports whether sending has ended, in whatever way.
func (s *sending) over() bool {
	select {
	case <-s.done:
		return true
	default:
		return false
	}
}

// lastWrite bounds the wait for the last write of a request whose answer has
// ended: its goroutine has but to notice that it is done.
const lastWrite = time.Second

// sent reports whether the whole body was sent.
func (s *sending) sent() bool {
	if !s.last.Load() {
		return false
	}
	timer := time.NewTimer(lastWrite)
	defer timer.Stop()
	select {
	case <-s.done:
		return s.failure() == nil
	case <-timer.C:
		return false
	}
}

// failure returns why sending ended the exchange, nil if it did not.
func (s *sending) failure() *Error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.failed
}
