package check

import (
	"context"
	"crypto/x509"
	"net"
	"net/http"
	"net/netip"
	"time"
)

// Options say how a [Checker] asks. The zero value asks as a browser would.
type Options struct {
	// Header has fields that are sent with each request; they replace the
	// usual ones. Host and fields of framing are not among them.
	Header http.Header

	// PassiveOnly leaves out the active checks: one GET for each address, and
	// for those that it redirects to.
	PassiveOnly bool

	// Public refuses to connect to an address that is not a public one, as
	// whoever checks on behalf of strangers must: loopback, link-local,
	// private and shared ranges, multicast, and what is reserved. Names are
	// resolved once for each connection, and the addresses that came of it are
	// the ones that are connected to.
	Public bool

	// Insecure takes certificates that cannot be verified.
	Insecure bool

	// RootCAs verify certificates; nil means those of the system.
	RootCAs *x509.CertPool

	// MaxBody bounds the bytes of a body that are read. 0 means 1 MiB. The
	// connection is closed then, and nothing is said about the whole body.
	MaxBody int64

	// Timeout bounds one request and its answer. 0 means 30 s. Then the
	// answer counts as failed.
	Timeout time.Duration

	// MaxRedirects bounds the redirects that are followed from one address.
	// 0 means 10; negative follows none. Then the note redirect-many is found.
	MaxRedirects int

	// Dial connects to host:port; nil means a net.Dialer. With Public it gets
	// addresses, never names.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)

	// Resolve returns the addresses of a name, for Public; nil means the
	// system's resolver.
	Resolve func(ctx context.Context, host string) ([]netip.Addr, error)
}

func (o *Options) maxBody() int64 {
	if o.MaxBody > 0 {
		return o.MaxBody
	}
	return 1 << 20
}

func (o *Options) timeout() time.Duration {
	if o.Timeout > 0 {
		return o.Timeout
	}
	return 30 * time.Second
}

func (o *Options) maxRedirects() int {
	switch {
	case o.MaxRedirects > 0:
		return o.MaxRedirects
	case o.MaxRedirects < 0:
		return 0
	}
	return 10
}

// usual are the fields of a request that is like a browser's for a page.
var usual = http.Header{
	"Accept":          {"text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"},
	"Accept-Encoding": {"gzip, br, zstd"},
	"Accept-Language": {"en"},
	"User-Agent":      {"Mozilla/5.0 (compatible; freshet check)"},
}
