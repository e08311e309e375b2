package client

import (
	"errors"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"freshet/internal/field"
	"freshet/internal/wire"
)

// putStep is what may be put next.
type putStep uint8

const (
	putLine  putStep = iota // a request
	putField                // a field, or the end of the head
	putBody
)

// request is what is known of the request that is being put.
type request struct {
	Sent
	has    map[string]bool // names of fields, in lower case
	length int64           // -1: no Content-Length
	chunks bool
}

// PutRequest begins a request. Others may still be without a reply; after one
// whose method is not idempotent nothing should be put before its reply, for if
// the connection ends nobody knows what has been done (RFC 9112 §9.3.2). target is what stands in the request line: a
// path with its query, for a proxy a whole URL, for CONNECT host:port, or "*".
//
// It fails with ErrOrder when the request before has not been sent to its end,
// with ErrLast when no other one may follow on the connection, and with
// ErrUnasked when the server has sent what nobody asked for.
func (c *Conn) PutRequest(method, target string) error {
	switch c.step {
	case putField:
		return outOfOrder("PutRequest before EndHeaders")
	case putBody:
		return outOfOrder("PutRequest before the end of the body")
	}
	c.step, c.bad = putField, nil
	c.putting = request{Sent: Sent{Method: method, Target: target, Again: wire.Idempotent(method)}, has: map[string]bool{}, length: -1}
	if !c.o.Raw {
		c.bad = c.mayPut(method, target)
	}
	version := " HTTP/1.1\r\n"
	if c.o.HTTP10 {
		version = " HTTP/1.0\r\n"
	}
	c.out = append(append(append(append(c.out[:0], method...), ' '), target...), version...)
	return c.bad
}

// mayPut says what speaks against a request.
func (c *Conn) mayPut(method, target string) error {
	c.mu.Lock()
	unsent, ended, last, busy := c.unsent, c.ended, c.last, len(c.pending) > 0 || c.reply != nil
	c.mu.Unlock()
	switch {
	case unsent != nil:
		return unsent
	case ended != nil:
		return ended
	case last:
		return ErrLast
	case !wire.ValidMethod(method):
		return unsafe("the method is not a token")
	case !wire.ValidTarget(method, target):
		return unsafe("the target is none that " + method + " may have")
	case busy:
		return nil
	}
	if err := c.silent(); err != nil {
		c.mu.Lock()
		c.end(err)
		c.mu.Unlock()
		return err
	}
	return nil
}

// PutHeader puts a field line. Transfer-Encoding can only be chunked; then each
// Send is a chunk. See also SendChunked.
func (c *Conn) PutHeader(name, value string) error {
	if c.step != putField {
		return outOfOrder("PutHeader")
	}
	value = trimSpace(value)
	if !c.o.Raw && c.bad == nil {
		c.bad = c.putting.take(name, value, c.o.HTTP10)
	}
	c.putting.has[strings.ToLower(name)] = true
	c.putting.upgrades = c.putting.upgrades || field.EqualFold(name, "Upgrade")
	c.out = appendLine(c.out, name, value)
	return c.bad
}

func trimSpace(s string) string { return strings.Trim(s, " \t") }

func appendLine(dst []byte, name, value string) []byte {
	dst = append(append(dst, name...), ": "...)
	return append(append(dst, value...), "\r\n"...)
}

// take notes what a field says, or what speaks against it.
func (r *request) take(name, value string, http10 bool) error {
	if !wire.ValidFieldName(name) {
		return unsafe("the name of a field is not a token")
	}
	if !wire.ValidFieldValue(value) {
		return unsafe("the value of " + name + " has a character that none may have")
	}
	twice := r.has[strings.ToLower(name)]
	switch wire.LookupKnown(name) {
	case wire.Host:
		if twice || !wire.ValidHost(value) {
			return unsafe("Host stands twice, or is none")
		}
	case wire.ContentLength:
		n, err := strconv.ParseUint(value, 10, 63)
		if err != nil || twice || r.chunks || value[0] == '+' {
			return unsafe("Content-Length stands twice or beside Transfer-Encoding, or is no number")
		}
		r.length = int64(n)
	case wire.TransferEncoding:
		if !field.EqualFold(value, "chunked") || twice || r.length >= 0 || http10 {
			return unsafe("Transfer-Encoding is not chunked, stands twice or beside Content-Length, or in HTTP/1.0")
		}
		r.chunks = true
	case wire.Connection:
		r.last = r.last || field.HasToken(value, "close")
		if http10 && field.HasToken(value, "keep-alive") {
			r.has["\x00keep-alive"] = true
		}
	}
	return nil
}

// EndHeaders ends the head and sends it, with the fields that are added: see
// DialOptions.
func (c *Conn) EndHeaders() error {
	if c.step != putField {
		return outOfOrder("EndHeaders")
	}
	r := &c.putting
	if !c.o.Raw {
		c.addFields()
	}
	if c.bad != nil {
		c.step = putLine
		return c.bad
	}
	c.out = append(c.out, "\r\n"...)
	// The request waits for its reply from before it is sent: the reply may be
	// there before Write returns.
	c.mu.Lock()
	if c.unsent != nil {
		c.step = putLine
		c.mu.Unlock()
		return c.unsent
	}
	c.put++
	r.Number = c.put
	c.pending = append(c.pending, r.Sent)
	c.last = !c.o.Raw && (r.last || r.upgrades || r.Method == "CONNECT")
	c.mu.Unlock()
	c.step, c.left = putLine, 0
	if !c.o.Raw && (r.chunks || r.length > 0) {
		c.step, c.left = putBody, max(r.length, 0)
	}
	return c.write(SentHead, c.out)
}

// addFields adds what the head lacks.
func (c *Conn) addFields() {
	r := &c.putting
	if !r.has["host"] && !c.o.SkipHost {
		// RFC 9110 §7.2: Host first. For a target with an authority it is that.
		host := c.host
		if authority := authorityOf(r.Method, r.Target); authority != "" {
			host = authority
		}
		at := slices.Index(c.out, '\n') + 1
		c.out = slices.Insert(c.out, at, []byte("Host: "+host+"\r\n")...)
		if !wire.ValidHost(host) && c.bad == nil {
			c.bad = unsafe("the host is none")
		}
	}
	if !r.has["accept-encoding"] && !c.o.SkipAcceptEncoding {
		c.out = appendLine(c.out, "Accept-Encoding", "identity")
	}
	r.last = r.last || c.o.HTTP10 && !r.has["\x00keep-alive"]
}

// authorityOf returns the authority of a target that has one (RFC 9112 §3.2.2).
func authorityOf(method, target string) string {
	if method == "CONNECT" {
		return target
	}
	_, rest, ok := strings.Cut(target, "://")
	if !ok || strings.HasPrefix(target, "/") {
		return ""
	}
	if i := strings.IndexAny(rest, "/?"); i >= 0 {
		rest = rest[:i]
	}
	return rest
}

// Request puts a whole request: line, fields sorted by name, and body, if that
// is not nil. Without Content-Length or Transfer-Encoding in header, a body is
// sent in chunks, but one that tells its length (bytes.Reader, bytes.Buffer,
// strings.Reader) with Content-Length.
func (c *Conn) Request(method, target string, header http.Header, body io.Reader) error {
	if err := c.PutRequest(method, target); errors.Is(err, ErrOrder) {
		return err
	}
	names := make([]string, 0, len(header))
	for name := range header {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		for _, v := range header[name] {
			c.PutHeader(name, v)
		}
	}
	if body == nil {
		return c.EndHeaders()
	}
	if !c.putting.has["content-length"] && !c.putting.has["transfer-encoding"] {
		sized, ok := body.(interface{ Len() int })
		if !ok {
			return c.SendChunked(body)
		}
		c.PutHeader("Content-Length", strconv.Itoa(sized.Len()))
	}
	if err := c.EndHeaders(); err != nil {
		return err
	}
	if c.step == putLine && !c.o.Raw {
		return nil // Content-Length: 0
	}
	return c.SendFrom(body)
}
