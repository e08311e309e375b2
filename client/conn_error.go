package client

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"

	"freshet/internal/outbound"
	"freshet/internal/rule"
)

// What errors of a Conn are, for errors.Is.
var (
	// ErrOrder: a method was called that does not come next.
	ErrOrder = errors.New("client: called out of order")
	// ErrUnsafe: what was put cannot be sent, for it could be read in two ways,
	// or is no HTTP. DialOptions.Raw sends it.
	ErrUnsafe = errors.New("client: not a request that can be sent")
	// ErrReply: the reply breaks a rule of HTTP; the ConnError names it.
	ErrReply = errors.New("client: the reply breaks a rule of HTTP")
	// ErrUnasked: the server has sent what nobody asked for.
	ErrUnasked = errors.New("client: the server has sent a reply that nobody asked for")
	// ErrLast: the request or the reply before was the last of the connection.
	ErrLast = errors.New("client: the connection ends after the message before")
	// ErrClosed: Close was called.
	ErrClosed = errors.New("client: the connection is closed")
)

// ConnError is why an operation on a connection failed.
type ConnError struct {
	Op   string // what was being done, as "read reply head"
	Kind string // as RFC 9209 §2.3 names it, as "connection_refused"; "" if it has no name there
	// Rule is the name of the rule that a reply broke, as in the reference of
	// rules, and Clause where it stands; "" for other errors.
	Rule, Clause string
	Err          error
}

// Error implements error.
func (e *ConnError) Error() string {
	s := "client: " + e.Op + ": "
	if e.Kind != "" {
		s += e.Kind + ": "
	}
	return s + strings.TrimPrefix(e.Err.Error(), "client: ")
}

// Unwrap returns Err.
func (e *ConnError) Unwrap() error { return e.Err }

// Timeout reports whether a time limit was reached.
func (e *ConnError) Timeout() bool {
	var t net.Error
	return errors.As(e.Err, &t) && t.Timeout() || errors.Is(e.Err, context.DeadlineExceeded)
}

// UnansweredError says that a connection has ended, and which requests on it
// have got no reply, or of the first one no more than a part of its head.
// Whether the server has done what they ask for is not known (RFC 9112 §9.3.2):
// those that may be sent again on another connection say so.
type UnansweredError struct {
	Requests []Sent
	Err      error
}

// Error implements error.
func (e *UnansweredError) Error() string {
	var b strings.Builder
	b.WriteString("client: no reply to ")
	for i, r := range e.Requests {
		if i > 0 {
			b.WriteString(", ")
		}
		if i == 3 && len(e.Requests) > 4 {
			fmt.Fprintf(&b, "and %d more", len(e.Requests)-i)
			break
		}
		fmt.Fprintf(&b, "%s %.100q", r.Method, r.Target)
	}
	return b.String() + ": " + strings.TrimPrefix(e.Err.Error(), "client: ")
}

// Unwrap returns Err.
func (e *UnansweredError) Unwrap() error { return e.Err }

func outOfOrder(what string) error { return fmt.Errorf("%w: %s", ErrOrder, what) }

func unsafe(what string) error { return fmt.Errorf("%w: %s", ErrUnsafe, what) }

// failed makes the error of reading or writing.
func (c *Conn) failed(op string, err error) *ConnError {
	e := &ConnError{Op: op, Err: err}
	c.mu.Lock()
	closed := c.closed
	c.mu.Unlock()
	var timeout net.Error
	switch {
	case closed:
		e.Err = ErrClosed
	case errors.As(err, &timeout) && timeout.Timeout():
		e.Kind = string(outbound.ConnectionReadTimeout)
		switch op {
		case readReplyHead:
			e.Kind = string(outbound.ResponseTimeout)
		case sendRequest:
			e.Kind = string(outbound.ConnectionWriteTimeout)
		}
	case errors.Is(err, io.ErrUnexpectedEOF):
		e.Kind = string(outbound.ResponseIncomplete)
	default:
		e.Kind = string(outbound.ConnectionTerminated)
	}
	return e
}

const (
	readReplyHead = "read reply head"
	readReplyBody = "read reply body"
	sendRequest   = "send request"
)

// broke makes the error of a reply that breaks a rule.
func broke(op string, broken rule.ID) error {
	row := rule.Of(broken)
	return &ConnError{Op: op, Kind: string(outbound.FaultKind(broken)), Rule: row.Name, Clause: row.Clause,
		Err: fmt.Errorf("%w: %s", ErrReply, row.Sentence)}
}

// ofOutbound makes a ConnError of an error of dialling.
func ofOutbound(err error) error {
	var failed *outbound.Error
	if errors.As(err, &failed) {
		return &ConnError{Op: failed.Op, Kind: string(failed.Kind), Err: failed.Err}
	}
	return &ConnError{Op: "dial", Err: err}
}
