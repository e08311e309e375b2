package socketserver

// The header of the PROXY protocol, in which a proxy says at the beginning of a
// connection who its client is. The clauses are those of the protocol's
// specification (haproxy's doc/proxy-protocol.txt). Version 1 is a line,
//
//	PROXY TCP4 192.0.2.1 198.51.100.1 56324 443\r\n
//
// version 2 is binary: a signature of 12 bytes, version and command, family and
// transport, the length of the rest, addresses, and vectors of type, length and
// value (TLV).

import (
	"errors"
	"fmt"
	"net/netip"
)

// Limits of headers, in bytes.
const (
	MaxProxyV1 = 107 // of a line, with its CRLF (§2.1)

	// DefaultMaxProxyHeader bounds a header of version 2, which may have 65551
	// bytes, but should fit into one segment (§2).
	DefaultMaxProxyHeader = 4096
)

// Errors of ParseProxyHeader.
var (
	ErrProxyIncomplete = errors.New("the PROXY header is not complete")
	ErrNoProxyHeader   = errors.New("there is no PROXY header")
	ErrProxyHeader     = errors.New("invalid PROXY header") // wrapped with what is wrong
)

// ProxyHeader is a header of the PROXY protocol.
type ProxyHeader struct {
	Version int // 1 or 2

	// Local says that the header brings no addresses: those of the connection
	// itself are meant. It is so for the command LOCAL, with which proxies look
	// whether a server lives, and for clients of a family that the proxy cannot
	// name (UNKNOWN in version 1, UNSPEC in version 2).
	Local bool

	Datagram bool // the client sends datagrams (version 2)

	// The client, and the address that it wanted: both IPv4 or both IPv6. Not
	// valid with Local, and for clients on a Unix socket.
	Source, Destination netip.AddrPort

	// The same for clients on a Unix socket (version 2), without the zero bytes
	// at their ends; at most 108 bytes.
	SourcePath, DestinationPath string
	Unix                        bool

	TLVs []TLV // of version 2, in order; they refer to what was parsed
}

// signature2 begins a header of version 2 (§2.2).
const signature2 = "\r\n\r\n\x00\r\nQUIT\n"

// prefix1 begins a header of version 1 (§2.1).
const prefix1 = "PROXY "

// ParseProxyHeader parses the header at the beginning of b, and returns its
// length. It returns ErrProxyIncomplete while b may be the beginning of one,
// ErrNoProxyHeader when it cannot be, and an error that wraps ErrProxyHeader
// for one that must be refused. A checksum is verified (§2.2.3).
func ParseProxyHeader(b []byte) (h ProxyHeader, n int, err error) {
	switch {
	case begins(b, signature2):
		return parseProxy2(b)
	case begins(b, prefix1):
		return parseProxy1(b)
	}
	return h, 0, ErrNoProxyHeader
}

// begins reports whether b begins with prefix, as far as there is any of it.
func begins(b []byte, prefix string) bool {
	n := min(len(b), len(prefix))
	return string(b[:n]) == prefix[:n]
}

func proxyFault(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrProxyHeader, fmt.Sprintf(format, args...))
}

// Append appends h in the form of its Version; 0 is taken for 2. Version 1 has
// no Unix sockets, no datagrams and no TLVs: there the first two are UNKNOWN,
// and TLVs are left out. A TLV of type TLVChecksum is computed, whatever its
// value is.
func (h *ProxyHeader) Append(dst []byte) ([]byte, error) {
	if !h.Local && !h.Unix && (!h.Source.IsValid() || !h.Destination.IsValid() ||
		h.Source.Addr().Unmap().Is4() != h.Destination.Addr().Unmap().Is4()) {
		return dst, fmt.Errorf("append a PROXY header: %v and %v are not of one family", h.Source, h.Destination)
	}
	switch h.Version {
	case 1:
		return h.append1(dst), nil
	case 0, 2:
		return h.append2(dst)
	}
	return dst, fmt.Errorf("append a PROXY header: there is no version %d", h.Version)
}
