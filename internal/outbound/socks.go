package outbound

import (
	"context"
	"errors"
	"io"
	"net"
	"net/netip"
	"strconv"
)

// SOCKS version 5 (RFC 1928), CONNECT only, without authentication or with user
// and password (RFC 1929). Nothing is read beyond what the protocol says, so
// that what follows is the destination's.

const (
	socksVersion  = 5
	loginVersion  = 1
	methodNone    = 0
	methodLogin   = 2
	methodRefused = 0xff
	socksConnect  = 1
	socksIPv4     = 1
	socksName     = 3
	socksIPv6     = 4
)

var (
	errSOCKSVersion = errors.New("it does not speak SOCKS version 5")
	errSOCKSMethod  = errors.New("it wants a way to authenticate that was not offered")
	errSOCKSLogin   = errors.New("it refused user and password")
	errSOCKSReply   = errors.New("its reply breaks the rules of SOCKS")
	errSOCKSName    = errors.New("the name of the host is too long for SOCKS")
)

// socksReplies are the reply codes of RFC 1928 §6.
var socksReplies = [...]struct {
	kind Kind
	err  error
}{
	1: {DestinationUnavailable, errors.New("it failed (SOCKS reply 1)")},
	2: {RequestDenied, errors.New("its rules forbid the destination (SOCKS reply 2)")},
	3: {DestinationUnroutable, errors.New("the network is unreachable (SOCKS reply 3)")},
	4: {DestinationUnroutable, errors.New("the host is unreachable (SOCKS reply 4)")},
	5: {ConnectionRefused, errors.New("the host refused the connection (SOCKS reply 5)")},
	6: {ConnectionTimeout, errors.New("the way to the host is too long (SOCKS reply 6)")},
	7: {ProtocolError, errors.New("it cannot make connections (SOCKS reply 7)")},
	8: {ProtocolError, errors.New("it does not know the type of address (SOCKS reply 8)")},
}

// askSOCKS asks a SOCKS parent for a connection to addr.
func (t *Transport) askSOCKS(ctx context.Context, nc net.Conn, via *Parent, addr string, request []byte) error {
	if kind, err := socksGreet(nc, via); err != nil {
		if kind == RequestError { // it is there, but will not have us
			return &Error{Op: askParent, Kind: kind, Peer: addr, Remote: true, Err: &ParentError{Parent: via.String(), Err: err}}
		}
		return t.downError(ctx, via, askParent, kind, err)
	}
	var kind Kind
	_, err := nc.Write(request)
	if err == nil {
		kind, err = readSOCKSReply(nc)
	} else {
		kind = brokenKind(err)
	}
	if err != nil {
		failed := failedAt(ctx, addr, askParent, kind, err)
		if failed.Kind != Canceled {
			failed.Err = &ParentError{Parent: via.String(), Err: err}
		}
		return failed
	}
	return nil
}

// socksGreet agrees on how to authenticate, and does so.
func socksGreet(nc io.ReadWriter, via *Parent) (Kind, error) {
	greeting := []byte{socksVersion, 1, methodNone}
	if via.named {
		greeting = []byte{socksVersion, 2, methodNone, methodLogin}
	}
	if _, err := nc.Write(greeting); err != nil {
		return brokenKind(err), err
	}
	var chosen [2]byte
	if _, err := io.ReadFull(nc, chosen[:]); err != nil {
		return brokenKind(err), unexpected(err)
	}
	switch {
	case chosen[0] != socksVersion:
		return ProtocolError, errSOCKSVersion
	case chosen[1] == methodNone:
		return "", nil
	case chosen[1] != methodLogin && chosen[1] != methodRefused:
		return ProtocolError, errSOCKSReply
	case chosen[1] == methodRefused || !via.named:
		return RequestError, errSOCKSMethod
	}
	login := append([]byte{loginVersion, byte(len(via.user))}, via.user...)
	login = append(append(login, byte(len(via.password))), via.password...)
	if _, err := nc.Write(login); err != nil {
		return brokenKind(err), err
	}
	if _, err := io.ReadFull(nc, chosen[:]); err != nil {
		return brokenKind(err), unexpected(err)
	}
	if chosen[1] != 0 {
		return RequestError, errSOCKSLogin
	}
	return "", nil
}

// socksRequest makes the request for a connection. A name is resolved first
// unless the parent does that.
func (t *Transport) socksRequest(ctx context.Context, via *Parent, addr string) ([]byte, error) {
	unsendable := func(err error) ([]byte, error) {
		return nil, &Error{Op: "check destination", Kind: RequestError, Peer: addr, Err: err}
	}
	host, text, err := net.SplitHostPort(addr)
	if err != nil {
		return unsendable(err)
	}
	port, err := strconv.ParseUint(text, 10, 16)
	if err != nil {
		return unsendable(err)
	}
	request := []byte{socksVersion, socksConnect, 0}
	ip, err := netip.ParseAddr(host)
	if err != nil && !via.resolves() || err == nil && t.Guard != nil {
		if ip, err = t.lookup(ctx, host); err != nil {
			return nil, failedAt(ctx, addr, "look up destination", dialKind(err), err)
		}
	}
	switch ip = ip.Unmap().WithZone(""); {
	case ip.Is4():
		request = append(append(request, socksIPv4), ip.AsSlice()...)
	case ip.Is6():
		request = append(append(request, socksIPv6), ip.AsSlice()...)
	case len(host) > 255:
		return unsendable(errSOCKSName)
	default:
		request = append(append(request, socksName, byte(len(host))), host...)
	}
	return append(request, byte(port>>8), byte(port)), nil
}

// lookup returns one permitted address of a host.
func (t *Transport) lookup(ctx context.Context, host string) (netip.Addr, error) {
	g := t.Guard
	if g == nil {
		g = &Guard{AllowPrivate: true}
	}
	ctx, cancel := within(ctx, t.times.connect)
	defer cancel()
	addrs, err := g.Lookup(ctx, host)
	if err != nil {
		return netip.Addr{}, err
	}
	return addrs[0], nil
}

// readSOCKSReply reads the reply to a request for a connection, with the
// address that the parent uses, which nobody needs.
func readSOCKSReply(r io.Reader) (Kind, error) {
	var head [5]byte
	if _, err := io.ReadFull(r, head[:2]); err != nil {
		return brokenKind(unexpected(err)), unexpected(err)
	}
	if head[0] != socksVersion {
		return ProtocolError, errSOCKSReply
	}
	if code := int(head[1]); code != 0 { // some close without the rest
		if code >= len(socksReplies) {
			return ProtocolError, errSOCKSReply
		}
		return socksReplies[code].kind, socksReplies[code].err
	}
	if _, err := io.ReadFull(r, head[2:]); err != nil {
		return brokenKind(unexpected(err)), unexpected(err)
	}
	left := 2 // of the address one octet is read, of the port none
	switch head[3] {
	case socksIPv4:
		left += 3
	case socksIPv6:
		left += 15
	case socksName:
		left += int(head[4])
	default:
		return ProtocolError, errSOCKSReply
	}
	var rest [2 + 255]byte
	if _, err := io.ReadFull(r, rest[:left]); err != nil {
		return brokenKind(unexpected(err)), unexpected(err)
	}
	if head[2] != 0 {
		return ProtocolError, errSOCKSReply
	}
	return "", nil
}
