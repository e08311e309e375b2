package socketserver

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"os"
	"time"
)

// DefaultMaxLine is StreamOptions.MaxLine when that is 0, in bytes.
const DefaultMaxLine = 8192

// streamBuffer is the least size of a Stream's buffers, in bytes.
const streamBuffer = 4096

// StreamOptions are the limits of a Stream. The time limits are coarse: they
// pass up to Server.SweepEvery late. 0 means that there is none.
type StreamOptions struct {
	// IdleTimeout bounds the wait for the first byte of a line, or of anything
	// that is read from an empty buffer.
	IdleTimeout time.Duration

	// ReadTimeout bounds the time from the first byte of a line to its end,
	// and each read that is not ReadLine's when IdleTimeout is 0.
	ReadTimeout time.Duration

	// WriteTimeout bounds each write to the connection, which happens when the
	// buffer is full and when it is flushed.
	WriteTimeout time.Duration

	// MaxLine bounds a line, in bytes and with its end. 0 means
	// DefaultMaxLine; less than 16 means 16.
	MaxLine int
}

// Stream is a connection with buffers and time limits: what a handler of a
// stream protocol reads lines from and writes answers to. Its Setup makes the
// buffers, its Finish flushes. While it waits for the first byte of something,
// a drain ends the wait with ErrServerClosed. One goroutine at a time may use it.
//
// Reads and writes that go to Conn, past R and W, have no time limit.
type Stream struct {
	*Conn
	StreamOptions

	R *bufio.Reader // from the connection; set by Setup
	W *bufio.Writer // to the connection; set by Setup

	within bool // a line was begun, the deadline is armed
}

// Setup makes the buffers. With a PROXY header to come it waits for that, so
// that the addresses are the client's from here on.
func (s *Stream) Setup() error {
	s.R = bufio.NewReaderSize(streamReader{s}, max(streamBuffer, s.maxLine()))
	s.W = bufio.NewWriterSize(streamWriter{s}, streamBuffer)
	p, ok := s.Conn.Conn.(*ProxyConn)
	if !ok {
		return nil
	}
	s.Waits()
	_, err := p.Header()
	if !errors.Is(err, os.ErrDeadlineExceeded) {
		s.Arrived()
	}
	return s.explain(err)
}

// Finish writes what is still in the buffer.
func (s *Stream) Finish() error {
	if s.W.Buffered() == 0 {
		return nil
	}
	return s.W.Flush()
}

func (s *Stream) maxLine() int {
	if s.MaxLine == 0 {
		return DefaultMaxLine
	}
	return max(s.MaxLine, 16) // bufio's least
}

// ReadLine returns the next line, without its LF or CRLF; it is valid until the
// next read. What is buffered for the client is sent before the stream waits.
//
// It returns io.EOF at the end of the input, and io.ErrUnexpectedEOF with what
// there is of a line without an end. After ErrLineTooLong the rest of the line
// is still to be read: the connection should end.
func (s *Stream) ReadLine() ([]byte, error) {
	if s.R.Buffered() == 0 {
		if _, err := s.R.Peek(1); err != nil {
			return nil, err
		}
	}
	s.within = true
	s.Arm(Clock(time.Now()), s.ReadTimeout)
	line, err := s.readLine()
	s.within = false
	if !errors.Is(err, ErrTimeout) {
		s.Arrived()
	}
	return line, err
}

// readLine reads a line that has begun. It refuses a long one as soon as it is,
// not when its end comes.
func (s *Stream) readLine() ([]byte, error) {
	limit, seen := s.maxLine(), 0
	for {
		b, _ := s.R.Peek(min(s.R.Buffered(), limit))
		if i := bytes.IndexByte(b[seen:], '\n'); i >= 0 {
			end := seen + i
			s.R.Discard(end + 1)
			return bytes.TrimSuffix(b[:end], []byte{'\r'}), nil
		}
		if len(b) >= limit {
			return nil, ErrLineTooLong
		}
		seen = len(b)
		if _, err := s.R.Peek(seen + 1); err == io.EOF {
			b, _ = s.R.Peek(seen)
			s.R.Discard(seen)
			return b, io.ErrUnexpectedEOF
		} else if err != nil {
			return nil, err
		}
	}
}

// WriteString buffers text for the client.
func (s *Stream) WriteString(text string) (int, error) { return s.W.WriteString(text) }

// Write buffers b for the client.
func (s *Stream) Write(b []byte) (int, error) { return s.W.Write(b) }

// Read reads through the buffer.
func (s *Stream) Read(b []byte) (int, error) { return s.R.Read(b) }

// Flush sends what is buffered.
func (s *Stream) Flush() error { return s.W.Flush() }

// streamReader is what a Stream's R reads from.
type streamReader struct{ s *Stream }

func (r streamReader) Read(b []byte) (int, error) {
	s := r.s
	if s.W.Buffered() > 0 {
		if err := s.W.Flush(); err != nil {
			return 0, err
		}
	}
	if s.within { // ReadLine has armed the deadline
		n, err := s.Conn.Read(b)
		return n, s.explain(err)
	}
	limit := s.IdleTimeout
	if limit == 0 {
		limit = s.ReadTimeout
	}
	s.Arm(Clock(time.Now()), limit)
	s.Waits()
	n, err := s.Conn.Read(b)
	if n > 0 || !errors.Is(err, os.ErrDeadlineExceeded) {
		s.Arrived()
	}
	return n, s.explain(err)
}

// streamWriter is what a Stream's W writes to.
type streamWriter struct{ s *Stream }

func (w streamWriter) Write(b []byte) (int, error) {
	s := w.s
	s.Arm(Clock(time.Now()), s.WriteTimeout)
	n, err := s.Conn.Write(b)
	if !errors.Is(err, os.ErrDeadlineExceeded) {
		s.Arrived()
	}
	return n, s.explain(err)
}

// explain says what a deadline meant: a limit, or a drain. The connection can be
// used once more, to say so.
func (s *Stream) explain(err error) error {
	if !errors.Is(err, os.ErrDeadlineExceeded) {
		return err
	}
	overdue := s.Overdue()
	s.waiting.Store(false)
	s.Disarm()
	s.Forgive()
	if overdue || !s.srv.Draining() {
		return ErrTimeout
	}
	return ErrServerClosed
}
