package proxy

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"syscall"

	"freshet/internal/outbound"
	"freshet/internal/rule"
)

// classify says what the error of a transport means.
func classify(err error) *Error {
	e := &Error{Err: err}
	var ours *outbound.Error
	var prohibited *outbound.ProhibitedError
	switch {
	case errors.As(err, &prohibited):
		e.connect(rule.FilterDestination, "destination_ip_prohibited")
		e.counts = false
	case errors.As(err, &ours):
		e.ofOutbound(ours)
	default:
		e.ofOthers(err)
	}
	return e
}

// ofOutbound is for the default transport, whose errors say what they are.
func (e *Error) ofOutbound(err *outbound.Error) {
	kind := string(err.Kind)
	switch err.Kind {
	case outbound.DNSError, outbound.DestinationUnavailable, outbound.DestinationUnroutable:
		e.connect(rule.ProxyUnreachable, kind)
	case outbound.ConnectionRefused:
		e.connect(rule.ProxyRefused, kind)
	case outbound.ConnectionTimeout, outbound.DNSTimeout:
		e.connect(rule.ProxyConnectTimeout, kind)
	case outbound.TLSProtocolError, outbound.TLSCertificateError, outbound.TLSAlertReceived:
		e.connect(rule.ProxyTLS, kind)
	case outbound.ConnectionLimitReached:
		e.set(rule.ProxyBusy, kind)
		e.unsent = true
	case outbound.ConnectionTerminated:
		if err.Op == "TLS handshake" {
			e.connect(rule.ProxyTLS, kind)
			return
		}
		e.set(rule.ProxyTerminated, kind)
		e.ended = true
	case outbound.ResponseIncomplete:
		e.set(rule.ProxyTerminated, kind)
	case outbound.ResponseTimeout, outbound.ConnectionReadTimeout:
		e.set(rule.ProxyHeadTimeout, kind)
		e.counts = true
	case outbound.ConnectionWriteTimeout:
		e.set(rule.ProxySendTimeout, kind)
		e.counts = true
	case outbound.RequestError:
		e.set(rule.ProxyUnsent, kind)
	default:
		e.set(rule.ProxyProtocol, string(outbound.ProtocolError))
		if err.Kind != outbound.Canceled {
			e.Kind = kind
		}
	}
	var fault *outbound.Fault
	if errors.As(err.Err, &fault) {
		e.Rule = fault.Rule
	}
	var parent *outbound.ParentError
	if errors.As(err.Err, &parent) && parent.Status != 0 {
		e.ofParent(parent, kind)
	}
}

// ofParent is for what a parent answered instead of opening a way: nothing was
// said about the request, nor by the origin.
func (e *Error) ofParent(p *outbound.ParentError, kind string) {
	switch outbound.Kind(kind) {
	case outbound.RequestError, outbound.RequestDenied, outbound.ProtocolError:
		e.connect(rule.ProxyUnreachable, kind)
	}
	if p.Status == http.StatusProxyAuthRequired {
		e.connect(rule.ProxyParentLogin, kind)
	}
}

// idleClosed is what net/http says when a connection ended before its first
// byte; the error has neither a name nor a cause.
const idleClosed = "server closed idle connection"

// ofOthers is for the transports of other packages, net/http's above all.
func (e *Error) ofOthers(err error) {
	var (
		dns  *net.DNSError
		op   *net.OpError
		cert *tls.CertificateVerificationError
		rec  tls.RecordHeaderError
		tm   net.Error
	)
	dialing := errors.As(err, &op) && op.Op == "dial"
	timeout := errors.As(err, &tm) && tm.Timeout() || errors.Is(err, context.DeadlineExceeded)
	switch {
	case errors.Is(err, errHeadTimeout):
		e.set(rule.ProxyHeadTimeout, string(outbound.ResponseTimeout))
		e.counts = true
	case dialing && timeout:
		e.connect(rule.ProxyConnectTimeout, string(outbound.ConnectionTimeout))
	case errors.As(err, &dns):
		e.connect(rule.ProxyUnreachable, string(outbound.DNSError))
	case dialing && errors.Is(err, syscall.ECONNREFUSED):
		e.connect(rule.ProxyRefused, string(outbound.ConnectionRefused))
	case dialing:
		e.connect(rule.ProxyUnreachable, string(outbound.DestinationUnavailable))
	case errors.As(err, &cert):
		e.connect(rule.ProxyTLS, string(outbound.TLSCertificateError))
	case errors.As(err, &rec):
		e.connect(rule.ProxyTLS, string(outbound.TLSProtocolError))
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, net.ErrClosed),
		errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE), strings.Contains(err.Error(), idleClosed):
		e.set(rule.ProxyTerminated, string(outbound.ConnectionTerminated))
		e.ended = true
	case timeout:
		e.set(rule.ProxyHeadTimeout, string(outbound.ResponseTimeout))
		e.counts = true
	default:
		e.set(rule.ProxyProtocol, string(outbound.ProtocolError))
	}
}

func (e *Error) set(id rule.ID, kind string) { e.Rule, e.Kind = id, kind }

// connect says that no connection was made.
func (e *Error) connect(id rule.ID, kind string) {
	e.set(id, kind)
	e.unsent, e.counts = true, true
}
