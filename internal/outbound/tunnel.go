package outbound

import (
	"io"
	"sync"
	"time"
)

// tunnel is the connection after the origin has switched protocols, or opened
// a tunnel: no limits on time, and whoever has it closes it. Read, Write and
// Close may be called at the same time.
type tunnel struct {
	c     *conn
	early []byte // came with the head; the reader's
	once  sync.Once
}

// tunnel ends the HTTP on the connection.
func (c *conn) tunnel() io.ReadWriteCloser {
	t := &tunnel{c: c}
	if c.r < c.w {
		t.early = append(t.early, c.s.in[c.r:c.w]...)
	}
	c.free()
	c.nc.SetDeadline(time.Time{})
	return t
}

// Read implements io.Reader.
func (t *tunnel) Read(p []byte) (int, error) {
	if len(t.early) > 0 {
		n := copy(p, t.early)
		t.early = t.early[n:]
		return n, nil
	}
	return t.c.nc.Read(p)
}

// Write implements io.Writer.
func (t *tunnel) Write(p []byte) (int, error) { return t.c.nc.Write(p) }

// CloseWrite says that nothing more is written, where the connection can say
// so; else it closes nothing.
func (t *tunnel) CloseWrite() error {
	if half, ok := t.c.nc.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return nil
}

// Close implements io.Closer.
func (t *tunnel) Close() error {
	t.once.Do(func() {
		t.c.release()
		t.c.drop()
	})
	return nil
}
