package outbound

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"

	"freshet/internal/field"
	"freshet/internal/rule"
	"freshet/internal/wire"
)

const askParent = "ask the proxy"

// askCONNECT asks an HTTP parent for a tunnel to addr (RFC 9110 §9.3.6). What
// came behind the answer's head is the destination's.
func (t *Transport) askCONNECT(ctx context.Context, nc net.Conn, via *Parent, addr string) (net.Conn, error) {
	request := "CONNECT " + addr + " HTTP/1.1\r\nHost: " + addr + "\r\n"
	if via.basic != "" {
		request += "Proxy-Authorization: " + via.basic + "\r\n"
	}
	if _, err := io.WriteString(nc, request+"\r\n"); err != nil {
		return nil, t.downError(ctx, via, askParent, brokenKind(err), err)
	}
	early, answer, broken, err := t.readConnectAnswer(nc)
	switch {
	case broken != 0:
		return nil, &Error{Op: askParent, Kind: FaultKind(broken), Peer: addr, Remote: true,
			Err: &ParentError{Parent: via.String(), Err: &Fault{broken}}}
	case errors.Is(err, errNoAnswer): // a parent that is ending, or never was one
		return nil, t.downError(ctx, via, askParent, ConnectionTerminated, err)
	case err != nil:
		failed := failedAt(ctx, addr, askParent, brokenKind(err), err)
		if failed.Kind != Canceled {
			failed.Err = &ParentError{Parent: via.String(), Err: err}
		}
		return nil, failed
	case answer.Status/100 != 2:
		answer.Parent = via.String()
		return nil, &Error{Op: askParent, Kind: statusKind(answer), Peer: addr, Remote: true, Err: answer}
	}
	return WithEarly(nc, early), nil
}

var errNoAnswer = errors.New("it closed the connection without an answer")

// readConnectAnswer reads the final answer to CONNECT, strictly and bounded,
// and what has come behind its head, which only an answer of 2xx has.
func (t *Transport) readConnectAnswer(r io.Reader) (early []byte, answer *ParentError, broken rule.ID, err error) {
	var head wire.ResponseHead
	in := make([]byte, 0, 2<<10)
	for interim := 0; ; {
		n, broken := t.limits.ParseResponse(in, &head)
		switch {
		case broken != 0:
			return nil, nil, broken, nil
		case n > 0 && head.Status == 101:
			return nil, nil, rule.ResponseUpgrade, nil
		case n > 0 && head.Status < 200:
			if interim++; interim > orInt(t.MaxInterim, 16) {
				return nil, nil, rule.ResponseInterimFlood, nil
			}
			in = append(in[:0], in[n:]...)
			continue
		case n > 0:
			answer = &ParentError{Status: head.Status, Reason: strings.Clone(head.Reason), ProxyStatus: proxyStatus(&head)}
			if head.Status/100 == 2 {
				early = bytes.Clone(in[n:])
			}
			return early, answer, 0, nil
		}
		if len(in) == cap(in) {
			in = append(in, make([]byte, len(in))...)[:len(in)]
		}
		k, err := r.Read(in[len(in):cap(in)])
		in = in[:len(in)+k]
		switch {
		case k > 0:
		case err == io.EOF && len(in) == 0:
			return nil, nil, 0, errNoAnswer
		case err != nil:
			return nil, nil, 0, unexpected(err)
		}
	}
}

// proxyStatus returns the lines of the field, joined.
func proxyStatus(h *wire.ResponseHead) string {
	var lines []string
	for _, f := range h.Fields {
		if field.EqualFold(f.Name, "Proxy-Status") {
			lines = append(lines, f.Value)
		}
	}
	return strings.Join(lines, ", ")
}

// statusKind returns the kind of a parent's refusal: what its Proxy-Status
// says, else what the code suggests.
func statusKind(answer *ParentError) Kind {
	if kind := toldKind(answer.ProxyStatus); kind != "" {
		return kind
	}
	switch status := answer.Status; {
	case status == 403:
		return RequestDenied
	case status/100 == 4: // 407 wants credentials, or others
		return RequestError
	case status == 504:
		return ConnectionTimeout
	case status/100 == 5:
		return DestinationUnavailable
	}
	return ProtocolError
}

// toldKind returns the error that the last member of Proxy-Status names: that
// of the proxy that is nearest (RFC 9209 §2). "" if it names none that is known.
func toldKind(value string) (kind Kind) {
	for member := range field.Elements([]string{value}) {
		kind = ""
		for more := true; more; {
			var param string
			param, member, more = field.Cut(member, ';')
			if token, ok := strings.CutPrefix(param, "error="); ok {
				kind = Kind(token)
			}
		}
	}
	if _, known := statuses[kind]; !known {
		return ""
	}
	return kind
}

// brokenKind returns the kind of an error of a connection.
func brokenKind(err error) Kind {
	switch {
	case isTimeout(err):
		return ConnectionTimeout
	case isEnd(err):
		return ConnectionTerminated
	}
	return DestinationUnavailable
}

// WithEarly returns a connection of which early has been read already; nc
// itself without.
func WithEarly(nc net.Conn, early []byte) net.Conn {
	if len(early) == 0 {
		return nc
	}
	return &earlyConn{nc, early}
}

// earlyConn is a connection of which something has been read already.
type earlyConn struct {
	net.Conn
	early []byte
}

// Read implements net.Conn.
func (c *earlyConn) Read(p []byte) (int, error) {
	if len(c.early) > 0 {
		n := copy(p, c.early)
		c.early = c.early[n:]
		return n, nil
	}
	return c.Conn.Read(p)
}

// CloseWrite says that nothing more is written, where the connection can say so.
func (c *earlyConn) CloseWrite() error {
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return fmt.Errorf("close one side of the connection: %w", errors.ErrUnsupported)
}
