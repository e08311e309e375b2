package httpd

import (
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"time"
)

// end ends the connection. Closing a socket with unread input makes the kernel
// send a reset, which can destroy an answer that the client has not read yet
// (RFC 9112 §9.6): when the client may still be sending, our side is closed
// first and the rest read for a while.
func (c *conn) end() {
	c.release()
	if c.state == http.StateHijacked {
		if c.nc != c.tcp && c.below {
			c.tcp.Close() // the handler has a descriptor of its own
		}
		return
	}
	if c.linger {
		if t, ok := c.nc.(*tls.Conn); ok {
			t.CloseWrite()
		}
		lingerOn(c.tcp)
	}
	if t, ok := c.tcp.(interface{ SetLinger(int) error }); ok && c.reset {
		t.SetLinger(0) // the client sees a reset, not the end of a body
		c.tcp.Close()
	}
	c.nc.Close()
	c.closed()
}

func (c *conn) closed() {
	if c.srv.ConnState != nil {
		c.setState(http.StateClosed)
	}
}

const (
	lingerTime  = time.Second
	lingerBytes = 256 << 10
)

func lingerOn(nc net.Conn) {
	cw, ok := nc.(interface{ CloseWrite() error })
	if !ok || cw.CloseWrite() != nil {
		return
	}
	nc.SetReadDeadline(time.Now().Add(lingerTime))
	io.CopyN(io.Discard, nc, lingerBytes)
}

func (c *conn) setState(st http.ConnState) {
	if c.srv.ConnState != nil && c.state != st || st == http.StateNew {
		c.srv.ConnState(c.nc, st)
	}
	c.state = st
}
