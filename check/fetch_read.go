package check

import (
	"errors"
	"fmt"
	"hash"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"time"

	"freshet/internal/rule"
	"freshet/internal/wire"
)

// A message is an answer that is being read.
type message struct {
	conn   io.Reader
	probe  *probe
	reply  *reply
	buf    []byte // read and not yet used
	most   int64
	sum    hash.Hash
	close  bool // the connection ends with it
	linger time.Duration
}

const (
	maxHead    = 128 << 10 // bytes of an answer's head
	maxFields  = 1000
	maxInterim = 32
)

// read reads the answer.
func (m *message) read() error {
	h, err := m.final()
	if err != nil {
		return err
	}
	r := m.reply
	r.Received = time.Now().Unix() * second // as exact as Date, which it is compared with
	r.Proto, r.Status, r.Header = fmt.Sprintf("HTTP/%d.%d", h.Major, h.Minor), h.Status, headerOf(h.Fields)
	r.chunks, m.close = h.Chunked, h.Close
	r.whole = true
	if r.endless() {
		return nil
	}
	switch h.Framing(m.probe.method) {
	case wire.NoBody:
	case wire.SizedBody:
		err = m.sized(h.ContentLength)
	case wire.ChunkedBody:
		err = m.chunked()
	default:
		m.close = true
		err = m.toEnd()
	}
	if err != nil {
		return err
	}
	r.kept = !m.close && r.whole && len(m.buf) == 0
	r.extra = len(m.buf)
	if m.probe.close && r.whole {
		if err := m.end(); err != nil {
			return err
		}
	}
	if r.extra > 0 && m.probe.method != "HEAD" && r.Status != 304 {
		m.fault("bytes-behind", count(r.extra, "byte", "bytes"))
	}
	return nil
}

// errSlow is a body that does not come to its end within the timeout.
var errSlow = errors.New("the body does not end")

// endless notes that an answer is a stream of events, which has no end: nothing
// of it is read.
func (r *reply) endless() bool {
	if r.mediaType() != "text/event-stream" {
		return false
	}
	r.whole, r.BodySize = false, -1
	return true
}

// final reads heads up to that of the final answer.
func (m *message) final() (*wire.ResponseHead, error) {
	h := &wire.ResponseHead{}
	limits := wire.Limits{MaxHeadBytes: maxHead, MaxFields: maxFields}
	for {
		// Parsed in a copy, which the parser may mend and h may keep.
		n, broken := limits.ParseResponse(slices.Clone(m.buf), h)
		switch {
		case broken == rule.ResponseBareLF && !limits.LenientLF:
			limits.LenientLF = true
			m.fault("line-feed-alone", "")
			continue
		case broken != 0:
			return nil, &brokenError{rule.Of(broken).Sentence}
		case n == 0:
			if err := m.more(); err != nil {
				return nil, err
			}
			continue
		}
		if h.Status < 200 && h.Status != 101 {
			if m.reply.early++; m.reply.early > maxInterim {
				return nil, &brokenError{"more than 32 interim answers come before the final one"}
			}
			m.buf = m.buf[n:]
			continue
		}
		m.style(string(m.buf[:n]))
		m.buf = m.buf[n:]
		return h, nil
	}
}

// style looks at how a head is written that parsers mend.
func (m *message) style(head string) {
	_, lines, _ := strings.Cut(head, "\n")
	for line := range strings.Lines(lines) {
		name, _, ok := strings.Cut(line, ":")
		switch {
		case line[0] == ' ' || line[0] == '\t':
			m.fault("field-folded", strings.TrimSpace(line))
		case ok && strings.HasSuffix(strings.ReplaceAll(name, "\t", " "), " "):
			m.fault("space-before-colon", strings.TrimSpace(line))
		}
	}
}

func (m *message) fault(note, detail string) {
	m.reply.faults = append(m.reply.faults, fault{note, detail})
}

// more reads some bytes. At the end of the connection it is io.EOF, or
// errNoAnswer.
func (m *message) more() error {
	var b [16 << 10]byte
	n, err := m.conn.Read(b[:])
	m.buf = append(m.buf, b[:n]...)
	switch {
	case n > 0:
		return nil
	case err == nil:
		return io.ErrNoProgress
	case len(m.buf) == 0 && m.reply.Status == 0 && m.reply.early == 0 && !isTimeout(err):
		return errNoAnswer
	case isTimeout(err) && m.reply.Status != 0:
		return fmt.Errorf("%w: %w", errSlow, err)
	case errors.Is(err, io.EOF) && m.reply.Status == 0:
		return &brokenError{"the connection ended in the middle of the answer's head"}
	}
	return err
}

// keep takes bytes of the body. It is false when no more are wanted.
func (m *message) keep(b []byte) bool {
	r := m.reply
	if room := m.most - int64(len(r.Body)); int64(len(b)) > room {
		b = b[:room]
		r.whole = false
	}
	m.sum.Write(b)
	r.Body = append(r.Body, b...)
	r.BodySize = int64(len(r.Body))
	if !r.whole {
		r.BodySize = -1
	}
	return r.whole
}

// sized reads a body of a length.
func (m *message) sized(length int64) error {
	for left := length; left > 0; {
		if len(m.buf) == 0 {
			if err := m.more(); err != nil {
				return m.short(err, fmt.Sprintf("Content-Length says %d, and %d came", length, length-left))
			}
		}
		n := min(left, int64(len(m.buf)))
		if !m.keep(m.buf[:n]) {
			return nil
		}
		left -= n
		m.buf = m.buf[n:]
	}
	return nil
}

// short notes that a body ended too early.
func (m *message) short(err error, detail string) error {
	if isTimeout(err) {
		return err
	}
	m.reply.whole = false
	m.fault("body-cut-off", detail)
	return nil
}

func (m *message) chunked() error {
	var d wire.Chunked
	for {
		body, n, done, broken := d.Decode(m.buf)
		if broken != 0 {
			m.reply.whole, m.close = false, true
			m.fault("chunks-broken", rule.Of(wire.ResponseFault(broken)).Sentence)
			return nil
		}
		if !m.keep(body) {
			return nil
		}
		m.buf = m.buf[n:]
		switch {
		case done:
			m.reply.Trailer = headerOf(d.Trailer)
			return nil
		case n == 0 || len(m.buf) == 0:
			if err := m.more(); err != nil {
				return m.short(err, "the last chunk is missing")
			}
		}
	}
}

// toEnd reads a body that ends with the connection.
func (m *message) toEnd() error {
	for {
		if !m.keep(m.buf) {
			return nil
		}
		m.buf = nil
		switch err := m.more(); {
		case isTimeout(err):
			return err
		case err != nil:
			return nil
		}
	}
}

// lingering is how long a server may take to end a connection that is to be
// closed; lingeringAgain is for one that did not.
const (
	lingering      = 2 * time.Second
	lingeringAgain = 200 * time.Millisecond
)

// end waits for the end of the connection, and counts what comes before it.
func (m *message) end() error {
	if conn, ok := m.conn.(net.Conn); ok {
		if err := conn.SetReadDeadline(time.Now().Add(m.linger)); err != nil {
			return err
		}
	}
	for {
		m.buf = nil
		err := m.more()
		m.reply.extra += len(m.buf)
		switch {
		case isTimeout(err):
			return nil
		case err != nil:
			m.reply.ended = true
			return nil
		case int64(m.reply.extra) > m.most:
			return nil
		}
	}
}

func headerOf(fields []wire.Field) http.Header {
	h := make(http.Header, len(fields))
	for _, f := range fields {
		name := wire.CanonicalName(f.Name)
		h[name] = append(h[name], f.Value)
	}
	return h
}
