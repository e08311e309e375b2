package app

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"

	"freshet/client"
	"freshet/internal/outbound"
	"freshet/internal/rule"
	"freshet/internal/wire"
)

// The exit statuses of freshet get, which are curl's, but for those from 110.
const (
	getBadScheme      = 1
	getBadURL         = 3
	getProxyUnknown   = 5
	getHostUnknown    = 6
	getNoConnection   = 7
	getStrangeAnswer  = 8
	getPartial        = 18
	getHTTPError      = 22
	getWriteError     = 23
	getReadError      = 26
	getTimeout        = 28
	getNoRange        = 33
	getTLSError       = 35
	getBadResume      = 36
	getManyRedirects  = 47
	getNothing        = 52
	getSendError      = 55
	getReceiveError   = 56
	getBadCertificate = 58 // of the user
	getUntrusted      = 60
	getBadCoding      = 61
	getTooLarge       = 63
	getNoRewind       = 65
	getBadAuthorities = 77
	getWrongKey       = 90
	getProxyError     = 97

	getWrongDigest = 110
	getNotCached   = 111
	getStopped     = 130 // by a signal, as shells have it
)

// getFault is an error with its exit status.
type getFault struct {
	status int
	err    error
}

// Error implements error.
func (f *getFault) Error() string { return f.err.Error() }

// Unwrap returns the error itself.
func (f *getFault) Unwrap() error { return f.err }

func getFaultf(status int, format string, args ...any) error {
	return &getFault{status, fmt.Errorf(format, args...)}
}

// errMaxTime is why a fetch ends that took too long.
var errMaxTime = errors.New("it takes longer than --max-time")

// transferFault gives an error of a round trip, or of reading a body, its exit
// status.
func transferFault(err error) error {
	var fault *getFault
	if err == nil || errors.As(err, &fault) {
		return err
	}
	if wrong := wrongContent(err); wrong != nil {
		return wrong
	}
	return &getFault{transferStatus(err), &plainFault{getFaultText(err), err}}
}

func transferStatus(err error) int {
	var failed *outbound.Error
	known := errors.As(err, &failed)
	var parent *outbound.ParentError
	byParent := known && errors.As(err, &parent)
	switch {
	case errors.Is(err, errMaxTime):
		return getTimeout
	case errors.Is(err, context.Canceled):
		return getStopped
	case errors.Is(err, client.ErrOffline):
		return getNotCached
	case known && failed.Timeout():
		return getTimeout
	case byParent:
		return parentStatus(failed, parent)
	case known:
		if status, ok := kindStatus(failed); ok {
			return status
		}
	}
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF):
		return getPartial
	case isCertificateError(err):
		return getUntrusted
	}
	return getReceiveError
}

// parentStatus is the exit status for an error that a proxy is at.
func parentStatus(failed *outbound.Error, parent *outbound.ParentError) int {
	switch {
	case parent.Status != 0:
		return getReceiveError
	case failed.Kind == outbound.DNSError:
		return getProxyUnknown
	}
	switch status, _ := kindStatus(failed); status {
	case getNoConnection, getUntrusted, getTLSError, getNothing:
		return status
	}
	return getProxyError
}

// kindStatus is the exit status for the kind of an error that is no time-out.
func kindStatus(failed *outbound.Error) (int, bool) {
	if endedInHandshake(failed) {
		return getTLSError, true
	}
	status, ok := getStatuses[failed.Kind]
	return status, ok
}

// endedInHandshake reports whether a peer went away when it was to speak TLS, as
// those do that do not.
func endedInHandshake(failed *outbound.Error) bool {
	return failed.Kind == outbound.ConnectionTerminated && strings.HasPrefix(failed.Op, "TLS handshake")
}

// getStatuses are those of kinds of errors that are no time-outs.
var getStatuses = map[outbound.Kind]int{
	outbound.DNSError:               getHostUnknown,
	outbound.DestinationUnavailable: getNoConnection,
	outbound.DestinationUnroutable:  getNoConnection,
	outbound.DestinationProhibited:  getNoConnection,
	outbound.ConnectionRefused:      getNoConnection,
	outbound.ConnectionTerminated:   getNothing,
	outbound.TLSProtocolError:       getTLSError,
	outbound.TLSAlertReceived:       getTLSError,
	outbound.TLSCertificateError:    getUntrusted,
	outbound.RequestError:           getBadURL,
	outbound.ResponseIncomplete:     getPartial,
	outbound.ResponseHeadSize:       getStrangeAnswer,
	outbound.ResponseTransferCoding: getReceiveError,
	outbound.ProtocolError:          getStrangeAnswer,
	outbound.RequestDenied:          getReceiveError,
	outbound.ProxyConfiguration:     getProxyError,
}

func isCertificateError(err error) bool {
	var verify *tls.CertificateVerificationError
	return errors.As(err, &verify)
}

// plainFault says in plain words what an error of the transport is.
type plainFault struct {
	text string
	err  error
}

// Error implements error.
func (f *plainFault) Error() string { return f.text }

// Unwrap returns the error itself.
func (f *plainFault) Unwrap() error { return f.err }

// getFaultText is an error in words for people.
func getFaultText(err error) string {
	var failed *outbound.Error
	if !errors.As(err, &failed) {
		return err.Error()
	}
	var parent *outbound.ParentError
	if errors.As(err, &parent) {
		return parent.Error()
	}
	why := cause(failed.Err)
	host := wire.WithoutPort(failed.Peer)
	switch failed.Kind {
	case outbound.DNSError, outbound.DNSTimeout:
		var dns *net.DNSError
		if errors.As(err, &dns) {
			return fmt.Sprintf("the address of %s cannot be found: %s", dns.Name, dns.Err)
		}
	case outbound.ConnectionRefused, outbound.DestinationUnavailable, outbound.DestinationUnroutable:
		return fmt.Sprintf("cannot connect to %s: %v", failed.Peer, why)
	case outbound.ConnectionTimeout:
		return fmt.Sprintf("cannot connect to %s in time (--connect-timeout)", failed.Peer)
	case outbound.ConnectionReadTimeout, outbound.ConnectionWriteTimeout, outbound.ResponseTimeout:
		return fmt.Sprintf("%s is silent for too long", host)
	case outbound.ConnectionTerminated:
		if endedInHandshake(failed) {
			return fmt.Sprintf("no TLS with %s: it has closed the connection instead; is it http there, without s?", failed.Peer)
		}
		return fmt.Sprintf("%s has closed the connection, and not answered", host)
	case outbound.TLSCertificateError:
		return fmt.Sprintf("the certificate of %s is not trusted: %v; --cacert names an authority that is", host, why)
	case outbound.TLSProtocolError, outbound.TLSAlertReceived:
		if plain := (tls.RecordHeaderError{}); errors.As(err, &plain) {
			return fmt.Sprintf("no TLS with %s: it answers with something else; is it http there, without s?", failed.Peer)
		}
		return fmt.Sprintf("no TLS with %s: %v", failed.Peer, why)
	}
	var broken *outbound.Fault
	if errors.As(err, &broken) {
		row := rule.Of(broken.Rule)
		if row.Clause == "" {
			return fmt.Sprintf("the answer of %s is refused: %s", host, row.Sentence)
		}
		return fmt.Sprintf("the answer of %s is refused: %s (%s)", host, row.Sentence, row.Clause)
	}
	return err.Error()
}
