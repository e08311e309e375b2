package outbound

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"os"
	"syscall"

	"freshet/internal/rule"
)

// Error is why a request got no answer, or its body no end.
type Error struct {
	Op     string // what was being done, as "read response head"
	Kind   Kind
	Peer   string // host:port of the origin
	Remote bool   // the cause came from the peer or the way to it, not from this side
	Err    error

	parentDown bool // a parent could not be reached; see parentDown
}

// Error implements error.
func (e *Error) Error() string {
	s := e.Op
	if e.Peer != "" {
		s += ": " + e.Peer
	}
	if e.Kind != Canceled {
		s += ": " + string(e.Kind)
	}
	return s + ": " + e.Err.Error()
}

// Unwrap returns Err.
func (e *Error) Unwrap() error { return e.Err }

// Timeout reports whether a time limit was reached.
func (e *Error) Timeout() bool {
	switch e.Kind {
	case DNSTimeout, ConnectionTimeout, ConnectionReadTimeout, ConnectionWriteTimeout, ResponseTimeout:
		return true
	}
	return errors.Is(e.Err, context.DeadlineExceeded)
}

// Kind is a proxy error type of RFC 9209 §2.3.
type Kind string

// The kinds of errors; the text is the token of the Proxy-Status field.
const (
	DNSTimeout             Kind = "dns_timeout"
	DNSError               Kind = "dns_error"
	DestinationUnavailable Kind = "destination_unavailable"
	DestinationUnroutable  Kind = "destination_ip_unroutable"
	DestinationProhibited  Kind = "destination_ip_prohibited" // by a Guard, or by a parent
	ConnectionRefused      Kind = "connection_refused"
	ConnectionTerminated   Kind = "connection_terminated"
	ConnectionTimeout      Kind = "connection_timeout"
	ConnectionReadTimeout  Kind = "connection_read_timeout"
	ConnectionWriteTimeout Kind = "connection_write_timeout"
	ConnectionLimitReached Kind = "connection_limit_reached"
	TLSProtocolError       Kind = "tls_protocol_error"
	TLSCertificateError    Kind = "tls_certificate_error"
	TLSAlertReceived       Kind = "tls_alert_received"
	RequestError           Kind = "http_request_error" // the request cannot be sent, or its body could not be read
	ResponseIncomplete     Kind = "http_response_incomplete"
	ResponseHeadSize       Kind = "http_response_header_section_size"
	ResponseTransferCoding Kind = "http_response_transfer_coding"
	ResponseTimeout        Kind = "http_response_timeout"
	ProtocolError          Kind = "http_protocol_error"
	RequestDenied          Kind = "http_request_denied"       // by a parent
	ProxyConfiguration     Kind = "proxy_configuration_error" // Parents has failed

	// Canceled is no kind of RFC 9209: the request's context was done, and
	// Err is its cause.
	Canceled Kind = ""
)

// statuses are the codes that RFC 9209 §2.3 recommends.
var statuses = map[Kind]int{
	DNSTimeout:             504,
	DNSError:               502,
	DestinationUnavailable: 503,
	DestinationUnroutable:  502,
	DestinationProhibited:  502,
	ConnectionRefused:      502,
	ConnectionTerminated:   502,
	ConnectionTimeout:      504,
	ConnectionReadTimeout:  504,
	ConnectionWriteTimeout: 504,
	ConnectionLimitReached: 503,
	TLSProtocolError:       502,
	TLSCertificateError:    502,
	TLSAlertReceived:       502,
	RequestError:           400,
	ResponseIncomplete:     502,
	ResponseHeadSize:       502,
	ResponseTransferCoding: 502,
	ResponseTimeout:        504,
	ProtocolError:          502,
	RequestDenied:          403,
	ProxyConfiguration:     500,
	Canceled:               503,
}

// Status returns the status code to answer with.
func (k Kind) Status() int { return statuses[k] }

// Fault is a fault in the syntax of an answer, as the Err of an Error.
type Fault struct{ Rule rule.ID }

// Error implements error.
func (f *Fault) Error() string { return rule.Of(f.Rule).Sentence }

// FaultKind returns the kind of a rule that an answer broke.
func FaultKind(broken rule.ID) Kind {
	switch broken {
	case rule.ResponseHeadTooLarge, rule.ResponseTooManyFields:
		return ResponseHeadSize
	case rule.ResponseCodingUnknown, rule.ResponseCodingInvalid:
		return ResponseTransferCoding
	}
	return ProtocolError
}

// dialKind returns the kind of an error of dialling.
func dialKind(err error) Kind {
	var dns *net.DNSError
	var refused *ProhibitedError
	switch {
	case errors.As(err, &refused):
		return DestinationProhibited
	case errors.As(err, &dns):
		if dns.IsTimeout {
			return DNSTimeout
		}
		return DNSError
	case isTimeout(err):
		return ConnectionTimeout
	case errors.Is(err, syscall.ECONNREFUSED):
		return ConnectionRefused
	case errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH):
		return DestinationUnroutable
	}
	return DestinationUnavailable
}

// TLSKind returns the kind of an error of a TLS handshake.
func TLSKind(err error) Kind {
	var (
		alert     *net.OpError
		verify    *tls.CertificateVerificationError
		authority x509.UnknownAuthorityError
		hostname  x509.HostnameError
		invalid   x509.CertificateInvalidError
	)
	switch {
	case isTimeout(err):
		return ConnectionTimeout
	case errors.As(err, &verify), errors.As(err, &authority), errors.As(err, &hostname), errors.As(err, &invalid):
		return TLSCertificateError
	case errors.As(err, &alert) && alert.Op == "remote error": // as crypto/tls marks them
		return TLSAlertReceived
	case isEnd(err):
		return ConnectionTerminated
	}
	return TLSProtocolError
}

func isTimeout(err error) bool {
	var t net.Error
	return errors.Is(err, os.ErrDeadlineExceeded) || errors.As(err, &t) && t.Timeout()
}

// isEnd reports whether err says that the peer is gone.
func isEnd(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, syscall.ECONNRESET) ||
		errors.Is(err, syscall.EPIPE) || errors.Is(err, io.ErrClosedPipe)
}
