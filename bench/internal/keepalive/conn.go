// Package keepalive is a client that holds one connection and makes a request
// on it now and then. An idle connection costs it no buffer and no goroutine,
// so that ten thousand of them are cheap; it does no more of HTTP than that.
package keepalive

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"
)

// Conn is a connection that is kept open between requests.
type Conn struct {
	conn    net.Conn
	request []byte
}

// patience bounds one request.
const patience = 20 * time.Second

// Dial opens a connection to addr for requests for path.
func Dial(addr, path string) (*Conn, error) {
	c, err := net.DialTimeout("tcp", addr, patience)
	if err != nil {
		return nil, err
	}
	request := fmt.Sprintf("GET %s HTTP/1.1\r\nHost: %s\r\n\r\n", path, addr)
	return &Conn{conn: c, request: []byte(request)}, nil
}

// Get makes the request and reads the answer, which must be 200, whole, and
// leave the connection open. It returns the length of the body. buf is lent
// for the time of the call; requests that are not made at the same time may
// share one.
func (c *Conn) Get(buf *bufio.Reader) (int64, error) {
	c.conn.SetDeadline(time.Now().Add(patience))
	if _, err := c.conn.Write(c.request); err != nil {
		return 0, err
	}
	buf.Reset(c.conn)
	resp, err := http.ReadResponse(buf, nil)
	if err != nil {
		return 0, fmt.Errorf("read response: %w", err)
	}
	defer resp.Body.Close()
	n, err := io.Copy(io.Discard, resp.Body)
	switch {
	case err != nil:
		return n, fmt.Errorf("read body: %w", err)
	case resp.StatusCode != http.StatusOK:
		return n, fmt.Errorf("answered %s", resp.Status)
	case resp.Close:
		return n, fmt.Errorf("answered that it closes the connection")
	case buf.Buffered() > 0:
		return n, fmt.Errorf("%d bytes follow the answer", buf.Buffered())
	}
	return n, nil
}

// Close closes the connection.
func (c *Conn) Close() error { return c.conn.Close() }
