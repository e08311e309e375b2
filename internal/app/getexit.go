package app

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"

	"freshet/client"
	"freshet/internal/outbound"
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
	return &getFault{transferStatus(err), err}
}

func transferStatus(err error) int {
	var failed *outbound.Error
	known := errors.As(err, &failed)
	var parent *outbound.ParentError
	byParent := errors.As(err, &parent)
	switch {
	case errors.Is(err, errMaxTime):
		return getTimeout
	case errors.Is(err, context.Canceled):
		return getStopped
	case errors.Is(err, client.ErrOffline):
		return getNotCached
	case known && failed.Timeout():
		return getTimeout
	case known && byParent && (failed.Kind == outbound.DNSError):
		return getProxyUnknown
	case known:
		if status, ok := getStatuses[failed.Kind]; ok {
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
