package client

import (
	"errors"
	"io"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"freshet/internal/field"
	"freshet/internal/outbound"
	"freshet/internal/rule"
	"freshet/internal/wire"
)

// Reply is the reply to a request.
type Reply struct {
	Request Sent
	Head

	// Interims are the interim replies (1xx) that came before.
	Interims []Head

	// Body is what follows the head, decoded from chunks and from no other
	// coding. It has to be read to its end, io.EOF, before the next reply.
	Body io.Reader

	// Length is what Content-Length says of Body, or, of the reply to HEAD, of
	// what GET would get; -1 if it does not say.
	Length int64

	// Last says that the connection ends after this reply.
	Last bool

	// Trailer are the fields after the body; set when that has been read.
	Trailer []Field

	conn *Conn
}

// Head is the head of a reply.
type Head struct {
	Version string // "HTTP/1.1"
	Status  int
	Reason  string // as sent
	Fields  []Field
}

// Get returns the value of the first field of that name, "" without one.
func (h *Head) Get(name string) string {
	for _, f := range h.Fields {
		if field.EqualFold(f.Name, name) {
			return f.Value
		}
	}
	return ""
}

// Values returns the values of the fields of that name, in order.
func (h *Head) Values(name string) (values []string) {
	for _, f := range h.Fields {
		if field.EqualFold(f.Name, name) {
			values = append(values, f.Value)
		}
	}
	return values
}

// Header returns the fields as net/http has them.
func (h *Head) Header() http.Header {
	header := make(http.Header, len(h.Fields))
	for _, f := range h.Fields {
		header.Add(f.Name, f.Value)
	}
	return header
}

// GetReply reads the reply to the first request that has none, up to the end of
// its head. When the connection has ended the error is an *UnansweredError. A
// reply that does not come in time is an error after which one may call again.
func (c *Conn) GetReply() (*Reply, error) {
	sent, err := c.awaited()
	if err != nil {
		return nil, err
	}
	for {
		n, err := c.readHead(c.times.head)
		if err != nil {
			return nil, err
		}
		if !c.interim() {
			return c.final(sent, n)
		}
		if err := c.takeInterim(n); err != nil {
			return nil, err
		}
	}
}

// AwaitContinue waits at most d for the server to ask for the body of the first
// request without a reply, which was put with Expect: 100-continue. send is
// false when the final reply has come instead: GetReply returns it. When nothing
// comes in time, send is true (RFC 9110 §10.1.1).
func (c *Conn) AwaitContinue(d time.Duration) (send bool, err error) {
	if _, err := c.awaited(); err != nil {
		return false, err
	}
	end := time.Now().Add(d)
	for {
		n, err := c.readHead(max(time.Until(end), 1))
		var failed *ConnError
		switch {
		case errors.As(err, &failed) && failed.Timeout():
			return true, nil
		case err != nil:
			return false, err
		case !c.interim():
			return false, nil
		}
		asked := c.head.Status == 100
		if err := c.takeInterim(n); err != nil || asked {
			return err == nil, err
		}
	}
}

// awaited returns the request whose reply comes next.
func (c *Conn) awaited() (Sent, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.reply != nil:
		return Sent{}, outOfOrder("GetReply before the end of the body of the reply before")
	case c.ended != nil:
		return Sent{}, c.unanswered()
	case len(c.pending) == 0:
		return Sent{}, outOfOrder("GetReply without a request")
	}
	return c.pending[0], nil
}

// unanswered makes the error of an ended connection; c.mu is held.
func (c *Conn) unanswered() error {
	if len(c.pending) == 0 {
		return c.ended
	}
	return &UnansweredError{slices.Clone(c.pending), c.ended}
}

// ends notes that the connection has ended, and returns what GetReply returns
// from now on.
func (c *Conn) ends(why error) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.end(why)
	return c.unanswered()
}

// readHead reads until there is a whole head at the start of the input, of n
// octets.
func (c *Conn) readHead(limit time.Duration) (n int, err error) {
	c.readBefore(limit)
	for {
		if c.r < c.w {
			n, broken := c.limits.ParseResponse(c.in[c.r:c.w], &c.head)
			if broken != 0 {
				c.use(GotHead, c.w-c.r)
				return 0, c.ends(broke(readReplyHead, broken))
			}
			if n > 0 {
				return n, nil
			}
		}
		err := c.more()
		switch {
		case err == nil:
			continue
		case err == io.EOF && c.r < c.w:
			err = io.ErrUnexpectedEOF
		}
		failed := c.failed(readReplyHead, err)
		if failed.Timeout() {
			return 0, failed
		}
		c.use(GotHead, c.w-c.r)
		return 0, c.ends(failed)
	}
}

func (c *Conn) interim() bool { return c.head.Status < 200 && c.head.Status != 101 }

// takeInterim keeps the interim reply that was read.
func (c *Conn) takeInterim(n int) error {
	if len(c.interims) == c.o.MaxInterim {
		return c.ends(broke(readReplyHead, rule.ResponseInterimFlood))
	}
	c.interims = append(c.interims, c.copyHead())
	c.use(GotHead, n)
	return nil
}

// copyHead copies the head that was read.
func (c *Conn) copyHead() Head {
	h := &c.head
	head := Head{Version: "HTTP/1." + strconv.Itoa(int(h.Minor)), Status: h.Status, Reason: strings.Clone(h.Reason)}
	head.Fields = make([]Field, len(h.Fields))
	for i, f := range h.Fields {
		head.Fields[i] = Field{strings.Clone(f.Name), strings.Clone(f.Value)}
	}
	return head
}

// final makes the reply of the head that was read.
func (c *Conn) final(sent Sent, n int) (*Reply, error) {
	h := &c.head
	if h.Status == 101 && !sent.upgrades {
		c.use(GotHead, c.w-c.r)
		return nil, c.ends(broke(readReplyHead, rule.ResponseUpgrade))
	}
	r := &Reply{Request: sent, Head: c.copyHead(), Interims: c.interims, Length: h.ContentLength}
	c.interims = nil
	c.use(GotHead, n)
	framing := h.Framing(sent.Method)
	r.Last = h.Close || sent.last || framing == wire.BodyToClose || framing == wire.Tunnel
	b := &replyBody{c: c, reply: r}
	b.in.Framing, b.in.Left, b.in.Chunks.Limits = framing, h.ContentLength, &c.limits
	r.Body, r.conn = b, c
	c.mu.Lock()
	defer c.mu.Unlock()
	c.pending = c.pending[1:]
	switch {
	case r.Last:
		c.end(ErrLast)
	case len(c.pending) == 0:
		c.last = false // another protocol was asked for, and not taken
	}
	switch framing {
	case wire.NoBody, wire.Tunnel:
		b.err = io.EOF
	default:
		c.reply = b
	}
	return r, nil
}

// replyBody is the body of a reply.
type replyBody struct {
	c     *Conn
	reply *Reply
	in    outbound.BodyReader
	err   error
}

// Read implements io.Reader.
func (b *replyBody) Read(p []byte) (n int, err error) {
	if b.err != nil {
		return 0, b.err
	}
	if len(p) == 0 {
		return 0, nil
	}
	n, err = b.in.Read((*connInput)(b.c), p)
	if err == nil {
		return n, nil
	}
	c := b.c
	var fault *outbound.Fault
	if err == io.EOF {
		for _, f := range b.in.Chunks.Trailer {
			b.reply.Trailer = append(b.reply.Trailer, Field{f.Name, f.Value})
		}
	} else if errors.As(err, &fault) {
		err = broke(readReplyBody, fault.Rule)
	} else {
		err = c.failed(readReplyBody, err)
	}
	if failed, ok := err.(*ConnError); ok && failed.Timeout() {
		return n, err // one may wait anew
	}
	b.err = err
	c.mu.Lock()
	c.reply = nil
	if err != io.EOF {
		c.end(err)
	}
	c.mu.Unlock()
	return n, err
}

// Discard reads the rest of the body, at most limit octets of it; beyond that
// it closes the connection.
func (r *Reply) Discard(limit int64) error {
	_, err := io.CopyN(io.Discard, r.Body, limit)
	if err == nil {
		var b [1]byte
		if n, _ := r.Body.Read(b[:]); n > 0 {
			return r.conn.Close()
		}
	}
	if err == io.EOF {
		return nil
	}
	return err
}

// Tunnel returns the connection after a reply that has switched to another
// protocol, or to CONNECT, and owns it from then on: the Conn is of no more
// use, and its Close does nothing. No limit on time holds any more.
func (r *Reply) Tunnel() (net.Conn, error) {
	c := r.conn
	if r.Status != 101 && (r.Request.Method != "CONNECT" || r.Status/100 != 2) {
		return nil, outOfOrder("Tunnel after a reply that opens none")
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return nil, ErrClosed
	}
	c.closed = true
	if c.unsent == nil {
		c.unsent = ErrClosed
	}
	c.nc.SetDeadline(time.Time{})
	early := slices.Clone(c.in[c.r:c.w])
	c.use(GotBody, len(early))
	return outbound.WithEarly(c.nc, early), nil
}
