package proxy

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"

	"freshet/httpd"
	"freshet/internal/rule"
)

// Error is why no answer of an origin can be passed on.
type Error struct {
	Rule   httpd.RuleID
	Kind   string // the error of Proxy-Status (RFC 9209 §2.3), "" when it was the client
	Origin string // as in Options.Origins, "" when none was asked
	Err    error  // what the transport said, nil when none was asked

	peer   string
	wait   time.Duration // until an origin may be tried again
	unsent bool          // no byte of the request was sent
	ended  bool          // the connection ended before a byte of an answer
	counts bool          // against the origin's circuit
	client bool          // the client's doing
}

// Error implements error.
func (e *Error) Error() string {
	s := "proxy: " + rule.Of(e.Rule).Sentence
	if e.Origin != "" {
		s += " (" + e.Origin + ")"
	}
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	return s
}

// Unwrap returns what the transport said.
func (e *Error) Unwrap() error { return e.Err }

// FailureHandler is implemented by a response writer of a handler in front,
// such as a cache, that may have another answer when no origin has one. The
// proxy calls OriginFailed, with an [*Error], before it answers 502, 503 or
// 504. When it returns true it has written the answer, and the proxy writes
// nothing. It is found through writers that have Unwrap.
type FailureHandler interface {
	OriginFailed(err error) bool
}

// The errors of RFC 9209 §2.3 that are told.
const (
	kindDNS         = "dns_error"
	kindUnavailable = "destination_unavailable"
	kindUnroutable  = "destination_ip_unroutable"
	kindRefused     = "connection_refused"
	kindConnectTime = "connection_timeout"
	kindTerminated  = "connection_terminated"
	kindTLS         = "tls_protocol_error"
	kindCertificate = "tls_certificate_error"
	kindHeadTime    = "http_response_timeout"
	kindProtocol    = "http_protocol_error"
	kindUpgrade     = "http_upgrade_failed"
)

// classify says what the error of a transport means.
func classify(err error) *Error {
	e := &Error{Err: err}
	var (
		dns  *net.DNSError
		op   *net.OpError
		cert *tls.CertificateVerificationError
		auth x509.UnknownAuthorityError
		rec  tls.RecordHeaderError
		tm   net.Error
	)
	dialing := errors.As(err, &op) && op.Op == "dial"
	timeout := errors.As(err, &tm) && tm.Timeout()
	switch {
	case errors.Is(err, errHeadTimeout):
		e.set(rule.ProxyHeadTimeout, kindHeadTime)
		e.counts = true
	case dialing && timeout:
		e.connect(rule.ProxyConnectTimeout, kindConnectTime)
	case errors.As(err, &dns):
		e.connect(rule.ProxyUnreachable, kindDNS)
	case dialing && errors.Is(err, syscall.ECONNREFUSED):
		e.connect(rule.ProxyRefused, kindRefused)
	case dialing && (errors.Is(err, syscall.EHOSTUNREACH) || errors.Is(err, syscall.ENETUNREACH)):
		e.connect(rule.ProxyUnreachable, kindUnroutable)
	case dialing:
		e.connect(rule.ProxyUnreachable, kindUnavailable)
	case errors.As(err, &cert), errors.As(err, &auth):
		e.connect(rule.ProxyTLS, kindCertificate)
	case errors.As(err, &rec), strings.Contains(err.Error(), "tls: "):
		e.connect(rule.ProxyTLS, kindTLS)
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, net.ErrClosed),
		errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE), strings.Contains(err.Error(), "server closed idle connection"):
		e.set(rule.ProxyTerminated, kindTerminated)
		e.ended = true
	case timeout, errors.Is(err, context.DeadlineExceeded), errors.Is(err, os.ErrDeadlineExceeded):
		e.set(rule.ProxyHeadTimeout, kindHeadTime)
		e.counts = true
	default:
		e.set(rule.ProxyProtocol, kindProtocol)
	}
	return e
}

func (e *Error) set(id rule.ID, kind string) { e.Rule, e.Kind = id, kind }

// connect says that no connection was made.
func (e *Error) connect(id rule.ID, kind string) {
	e.set(id, kind)
	e.unsent, e.counts = true, true
}

// clientFault says which rule a body broke that could not be read.
func clientFault(err error) rule.ID {
	var large *http.MaxBytesError
	var tm net.Error
	switch {
	case errors.As(err, &large):
		return rule.BodyTooLarge
	case errors.Is(err, os.ErrDeadlineExceeded), errors.As(err, &tm) && tm.Timeout():
		return rule.BodyTimeout
	}
	return rule.BodyIncomplete
}

// fail answers a request for which there is no answer.
func (x *exchange) fail(e *Error) {
	x.mu.Lock()
	x.begun = true
	x.mu.Unlock()
	x.setRule(e.Rule)
	row := rule.Of(e.Rule)
	switch {
	case e.Rule == rule.ProxyClientGone:
		panic(http.ErrAbortHandler) // nobody is there to read an answer
	case e.Kind == "":
		httpd.Error(x.w, x.r, row.Status, row.Explain())
		return
	}
	if f := failureHandler(x.w); f != nil && f.OriginFailed(e) {
		return
	}
	h := x.w.Header()
	status := x.h.o.Name + "; error=" + e.Kind
	if x.h.o.ShowNextHop && e.peer != "" {
		status += "; next-hop=" + strconv.Quote(e.peer)
	}
	h.Set("Proxy-Status", status)
	if row.Status == http.StatusServiceUnavailable {
		// Rounded up: at that second the origin is tried again.
		seconds := (max(e.wait, time.Second) + time.Second - 1) / time.Second
		h.Set("Retry-After", strconv.FormatInt(int64(seconds), 10))
	}
	httpd.Error(x.w, x.r, row.Status, row.Explain())
}

// failureHandler finds the writer that may have another answer.
func failureHandler(w http.ResponseWriter) FailureHandler {
	for w != nil {
		if f, ok := w.(FailureHandler); ok {
			return f
		}
		u, ok := w.(interface{ Unwrap() http.ResponseWriter })
		if !ok {
			return nil
		}
		w = u.Unwrap()
	}
	return nil
}
