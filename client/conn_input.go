package client

import (
	"time"

	"freshet/internal/outbound"
)

// connInput is a Conn as what bodies are read from.
type connInput Conn

func (s *connInput) Buffered() []byte { return s.in[s.r:s.w] }
func (s *connInput) Use(n int)        { (*Conn)(s).use(GotBody, n) }
func (s *connInput) CutOff() bool     { return outbound.CutOff(s.nc) }

func (s *connInput) More() error {
	c := (*Conn)(s)
	c.readBefore(c.times.read)
	return c.more()
}

func (s *connInput) Direct(p []byte) (int, error) {
	c := (*Conn)(s)
	c.readBefore(c.times.read)
	n, err := c.nc.Read(p)
	c.trace.event(GotBody, p[:n], time.Time{})
	return n, err
}

// use says that n octets of the input are used.
func (c *Conn) use(kind EventKind, n int) {
	c.r += n
	c.trace.used(kind, n)
}

// readBefore sets the deadline of reads; 0 means none.
func (c *Conn) readBefore(d time.Duration) {
	var at time.Time
	if d > 0 {
		at = time.Now().Add(d)
	}
	c.nc.SetReadDeadline(at)
}

// more reads more input, up to its deadline. That what is not used stays
// bounded is the caller's to see to.
func (c *Conn) more() error {
	switch {
	case c.r == c.w:
		c.r, c.w = 0, 0
		if c.in == nil {
			c.in = make([]byte, inputBytes)
		}
	case c.w == len(c.in) && c.r > 0:
		c.w = copy(c.in, c.in[c.r:c.w])
		c.r = 0
	case c.w == len(c.in):
		c.in = append(c.in, make([]byte, len(c.in))...)
	}
	n, err := c.nc.Read(c.in[c.w:])
	c.trace.got(c.in[c.w : c.w+n])
	c.w += n
	if n > 0 {
		return nil
	}
	return err
}

const inputBytes = 16 << 10
