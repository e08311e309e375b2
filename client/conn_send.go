package client

import (
	"errors"
	"io"
	"time"

	"freshet/internal/wire"
)

var (
	errShortBody = errors.New("the body is shorter than its Content-Length")
	errLongBody  = errors.New("the body is longer than its Content-Length")
)

// write sends p, all of it.
func (c *Conn) write(kind EventKind, p []byte) error {
	var at time.Time
	if c.times.write > 0 {
		at = time.Now().Add(c.times.write)
	}
	c.nc.SetWriteDeadline(at)
	n, err := c.nc.Write(p)
	c.trace.event(kind, p[:n], time.Time{})
	if err != nil {
		return c.cannotSend(c.failed(sendRequest, err))
	}
	return nil
}

// cannotSend notes that nothing more can be sent. What was answered can still
// be read.
func (c *Conn) cannotSend(why error) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.unsent == nil {
		c.unsent = why
	}
	c.step = putLine
	return why
}

// Send sends the next bytes of the body: with Content-Length as they are, with
// Transfer-Encoding as one chunk, nothing if p is empty. A body of known length
// has ended with its last byte; chunks end with EndBody.
func (c *Conn) Send(p []byte) error {
	switch {
	case c.o.Raw && c.step == putLine:
		return c.write(SentBody, p)
	case c.step != putBody:
		return outOfOrder("Send")
	case len(p) == 0:
		return nil
	case c.putting.chunks:
		c.out = wire.AppendChunkHead(c.out[:0], len(p))
		c.out = append(append(c.out, p...), "\r\n"...)
		return c.write(SentBody, c.out)
	case int64(len(p)) > c.left:
		return outOfOrder("Send: " + errLongBody.Error())
	}
	if err := c.write(SentBody, p); err != nil {
		return err
	}
	if c.left -= int64(len(p)); c.left == 0 {
		c.step = putLine
	}
	return nil
}

// EndBody ends a body in chunks, with trailer fields if there are some.
func (c *Conn) EndBody(trailer ...Field) error {
	if c.step != putBody || !c.putting.chunks {
		return outOfOrder("EndBody")
	}
	out := append(c.out[:0], "0\r\n"...)
	for _, f := range trailer {
		value := trimSpace(f.Value)
		if !wire.ValidFieldName(f.Name) || !wire.ValidFieldValue(value) {
			return unsafe("a trailer field has a name or a value that none may have")
		}
		switch wire.LookupKnown(f.Name) { // RFC 9110 §6.5.1
		case wire.Host, wire.ContentLength, wire.TransferEncoding, wire.Trailer, wire.Connection:
			return unsafe(f.Name + " is no trailer field")
		}
		out = appendLine(out, f.Name, value)
	}
	c.out = append(out, "\r\n"...)
	if err := c.write(SentBody, c.out); err != nil {
		return err
	}
	c.step = putLine
	return nil
}

// SendFrom sends what r holds as the rest of the body, and ends it. If r has
// less than Content-Length says, or fails, the connection cannot be used for
// another request; what it has more is not read.
func (c *Conn) SendFrom(r io.Reader) error {
	plain := c.o.Raw && c.step == putLine
	if c.step != putBody && !plain {
		return outOfOrder("SendFrom")
	}
	sized := !plain && !c.putting.chunks
	buf := make([]byte, sendBytes)
	for !sized || c.left > 0 {
		p := buf
		if sized && c.left < sendBytes {
			p = p[:c.left]
		}
		n, err := r.Read(p)
		if n > 0 {
			if err := c.Send(p[:n]); err != nil {
				return err
			}
		}
		switch {
		case err == io.EOF && sized && c.left > 0:
			return c.cannotSend(&ConnError{Op: "read request body", Err: errShortBody})
		case err == io.EOF && (sized || plain):
			return nil
		case err == io.EOF:
			return c.EndBody()
		case err != nil:
			return c.cannotSend(&ConnError{Op: "read request body", Err: err})
		}
	}
	return nil
}

// sendBytes is how much SendFrom sends at a time.
const sendBytes = 32 << 10

// SendChunked ends the head with Transfer-Encoding: chunked, and sends what r
// holds in chunks. It takes the place of EndHeaders.
func (c *Conn) SendChunked(r io.Reader) error {
	if c.step != putField {
		return outOfOrder("SendChunked")
	}
	c.PutHeader("Transfer-Encoding", "chunked")
	if err := c.EndHeaders(); err != nil {
		return err
	}
	c.putting.chunks, c.step = true, putBody // with Raw nothing has looked at the field
	return c.SendFrom(r)
}
