package httpd

import (
	"net"
	"sync"
	"sync/atomic"
)

// together is below TLS, which hands over each of its records by itself: it joins
// those of a long answer, so that they are written at once. Only for that long
// it holds a buffer.
type together struct {
	net.Conn
	inUse *atomic.Int32 // buffers of all connections of the server

	mu      sync.Mutex // guards what follows, and keeps records in their order
	joining bool
	bp      *[]byte // what is joined; nil for nothing
	err     error   // of writing it: what follows a part of a record is none
}

const (
	recordMax = 16 << 10 // of what is sent in one record (RFC 8446 §5.1)
	// joinSize is for outMax in such records, with what TLS adds to them,
	// and a head before them.
	joinSize = outMax + 1<<10
	// maxJoins bounds what clients that read slowly can make the server hold:
	// 16 MiB. To the next ones records are written one by one.
	maxJoins = 256
)

var joinBuffers = sync.Pool{New: func() any { b := make([]byte, 0, joinSize); return &b }}

// Write is called by TLS: for whoever answers, and perhaps for who reads
// meanwhile, with an alert or a new key.
func (t *together) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case t.err != nil:
		return 0, t.err
	case !t.joining:
		return t.Conn.Write(p)
	}
	if t.bp == nil {
		t.bp = joinBuffers.Get().(*[]byte)
	}
	if len(*t.bp)+len(p) > cap(*t.bp) {
		if t.writeJoined(); t.err != nil {
			return 0, t.err
		}
	}
	*t.bp = append(*t.bp, p...) // grows for no record: they are shorter than joinSize
	return len(p), nil
}

// join has what is written wait for flush, or for more than fits the buffer.
func (t *together) join() {
	if t.inUse.Add(1) > maxJoins {
		t.inUse.Add(-1)
		return
	}
	t.mu.Lock()
	t.joining = true
	t.mu.Unlock()
}

// flush writes what waits, and has what follows not wait any more.
func (t *together) flush() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.joining {
		return nil
	}
	t.joining = false
	if t.bp != nil {
		t.writeJoined()
		joinBuffers.Put(t.bp)
		t.bp = nil
	}
	t.inUse.Add(-1)
	return t.err
}

// writeJoined writes what waits; t.mu is held.
func (t *together) writeJoined() {
	if t.err == nil && len(*t.bp) > 0 {
		_, t.err = t.Conn.Write(*t.bp)
	}
	*t.bp = (*t.bp)[:0]
}

// join has TLS records be written together, where there are any; unjoin is called
// when all of them are made.
func (c *conn) join() {
	if c.joined != nil {
		c.joined.join()
	}
}

// unjoin returns err, or else what went wrong with what had waited.
func (c *conn) unjoin(err error) error {
	if c.joined == nil {
		return err
	}
	if late := c.joined.flush(); err == nil {
		return late
	}
	return err
}
