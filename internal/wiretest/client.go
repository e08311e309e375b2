package wiretest

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"regexp"
	"time"
)

// patience is how long a script waits for bytes. It is only ever used up by a
// server that is wrong, so it may be long enough for a slow machine.
const patience = time.Minute

// client is one connection of a script.
type client struct {
	conn     net.Conn
	patience time.Duration
	in       *bufio.Reader
	received bytes.Buffer
}

func dial(dial func() (net.Conn, error), patience time.Duration) (*client, error) {
	conn, err := dial()
	if err != nil {
		return nil, err
	}
	// A small buffer, so that a server notices a client that does not read.
	raw := conn
	if secure, ok := conn.(*tls.Conn); ok {
		raw = secure.NetConn()
	}
	if buffered, ok := raw.(interface{ SetReadBuffer(int) error }); ok {
		_ = buffered.SetReadBuffer(64 << 10)
	}
	c := &client{conn: conn, patience: patience}
	c.in = bufio.NewReader(io.TeeReader(conn, &c.received))
	return c, nil
}

// send writes text. A server may answer and close before it has read all of
// it, so an error is not one of the script: what is read next decides.
func (c *client) send(text string, pieces int) {
	_ = c.conn.SetWriteDeadline(time.Now().Add(c.patience))
	for len(text) > 0 {
		n := len(text)
		if pieces > 0 {
			n = min(n, pieces)
		}
		if _, err := io.WriteString(c.conn, text[:n]); err != nil {
			return
		}
		text = text[n:]
	}
}

func (c *client) response(head bool) (*response, error) {
	_ = c.conn.SetReadDeadline(time.Now().Add(c.patience))
	return readResponse(c.in, head)
}

// begun waits for the first byte of a response, and leaves it there.
func (c *client) begun() error {
	_ = c.conn.SetReadDeadline(time.Now().Add(c.patience))
	_, err := c.in.Peek(1)
	return err
}

func (c *client) all() (*response, error) {
	_ = c.conn.SetReadDeadline(time.Now().Add(c.patience))
	text, err := io.ReadAll(c.in)
	return &response{raw: string(text), body: string(text), toEnd: true}, err
}

func (c *client) bytes(want string) error {
	_ = c.conn.SetReadDeadline(time.Now().Add(c.patience))
	got := make([]byte, len(want))
	n, err := io.ReadFull(c.in, got)
	if string(got[:n]) != want {
		return mismatch("bytes", want, string(got[:n]))
	}
	return err
}

// closed reports whether the server closed, in a way that lets every client
// read what was sent before (a reset would not).
func (c *client) closed() error {
	_ = c.conn.SetReadDeadline(time.Now().Add(c.patience))
	rest, err := io.ReadAll(io.LimitReader(c.in, 4096))
	var late net.Error
	switch {
	case len(rest) > 0:
		return fmt.Errorf("expected the end of the connection, got %q", rest)
	case errors.As(err, &late) && late.Timeout():
		return errors.New("expected the end of the connection, but the server keeps it open")
	case err != nil:
		return fmt.Errorf("expected an orderly close: %w", err)
	}
	return nil
}

func (c *client) shut() error {
	half, ok := c.conn.(interface{ CloseWrite() error })
	if !ok {
		return errors.New("this connection cannot be closed halfway")
	}
	return half.CloseWrite()
}

var (
	dateLine = regexp.MustCompile(`(?m)^(Date|Expires): [^\r\n]*\r$`)
	boundary = regexp.MustCompile(`(?m)^Content-Type: multipart/byteranges; ?boundary="?([^"\r\n]+)"?\r$`)
)

// transcript is what was received, without what may differ between two runs.
func (c *client) transcript() string {
	text := c.received.Bytes()
	text = dateLine.ReplaceAll(text, []byte("$1: *\r"))
	for _, found := range boundary.FindAllSubmatch(text, -1) {
		text = bytes.ReplaceAll(text, found[1], []byte("BOUNDARY"))
	}
	return string(text)
}
