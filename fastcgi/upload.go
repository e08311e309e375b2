package fastcgi

import (
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"freshet/httpd"
	"freshet/internal/rule"
	"freshet/socketserver"
)

const (
	// early is how long a body may be that is read before the backend is asked.
	early = 64 << 10
	// oneWrite is how long a request may be that is written before the answer
	// is read: sockets take so much of it while nobody reads.
	oneWrite = 32 << 10
)

// upload sends a body, on a goroutine of its own, while the answer is read: a
// backend may answer before it has read everything.
type upload struct {
	begun   []byte    // the request so far
	body    io.Reader // what follows as STDIN; nil: nothing
	again   bool      // it can be sent once more
	limited bool      // body is the client's
	failed  func(rule.ID)

	asking atomic.Bool  // the client is waited for
	moved  atomic.Int64 // when it got further, by httpd.Monotonic: the time of day may be set
	over   atomic.Bool
	done   chan struct{}
}

// uploadBuffer is a record.
type uploadBuffer [headerLen + fullContent + headerLen]byte

var uploadBuffers = sync.Pool{New: func() any { return new(uploadBuffer) }}

// start sends it over nc, until that is closed.
func (u *upload) start(nc net.Conn) {
	u.done = make(chan struct{})
	u.moved.Store(httpd.Monotonic())
	go u.run(nc)
}

func (u *upload) run(nc net.Conn) {
	defer close(u.done)
	if _, err := nc.Write(u.begun); err != nil {
		return // what was answered nevertheless is being read
	}
	if u.body == nil {
		u.over.Store(true)
		return
	}
	buf := uploadBuffers.Get().(*uploadBuffer)
	defer uploadBuffers.Put(buf)
	for {
		u.asking.Store(u.limited)
		n, err := u.body.Read(buf[headerLen : headerLen+fullContent])
		u.asking.Store(false)
		if err != nil && err != io.EOF {
			u.failed(u.fault(err))
			return
		}
		rec := buf[:headerLen+n]
		appendHeader(buf[:0], typeStdin, n, 0)
		if err == io.EOF && n > 0 {
			rec = appendHeader(rec, typeStdin, 0, 0)
		}
		if n == 0 && err == nil {
			continue
		}
		if _, werr := nc.Write(rec); werr != nil {
			return
		}
		u.moved.Store(httpd.Monotonic())
		if err == io.EOF {
			u.over.Store(true)
			return
		}
	}
}

func (u *upload) fault(err error) rule.ID {
	if !u.limited {
		return rule.ScriptSpoolFailed
	}
	return httpd.BodyRule(err)
}

// working reports whether it got further since then, or waits for the client,
// for whom there are other limits.
func (u *upload) working(since time.Time) bool {
	return !u.over.Load() && (u.asking.Load() || u.moved.Load() > socketserver.Clock(since))
}
