package app

import (
	"net"
	"net/netip"
	"slices"
	"strconv"
	"sync/atomic"

	"freshet/internal/config"
	"freshet/socketserver"
)

// An opened listener, and how its address begins in a browser.
type opened struct {
	net.Listener
	scheme  string
	address string      // as configured
	dropped atomic.Bool // it was closed because the configuration has it no more
}

// openAll listens on all addresses that are not in kept, or on none.
func openAll(c *config.Server, kept []*opened) ([]*opened, error) {
	var all []*opened
	open := func(addrs []string, flag, scheme string) error {
		for _, addr := range addrs {
			if isOpen(kept, scheme, addr) {
				continue
			}
			l, err := socketserver.Listen(addr, int(c.Backlog))
			if err != nil {
				return listenFault(addr, flag, err)
			}
			socketserver.DeferAccept(l)
			all = append(all, &opened{Listener: l, scheme: scheme, address: addr})
		}
		return nil
	}
	err := open(c.Listen, "--listen", "http")
	if err == nil {
		err = open(c.TLSListen, "--tls-listen", "https")
	}
	if err != nil {
		closeAll(all)
		return nil, err
	}
	return all, nil
}

func isOpen(all []*opened, scheme, addr string) bool {
	return slices.ContainsFunc(all, func(l *opened) bool { return l.scheme == scheme && l.address == addr })
}

func closeAll(all []*opened) {
	for _, l := range all {
		l.Close()
	}
}

// announce says where something is served, a line for each address. A
// listener for all addresses has two: one for this machine, one for others.
func (e *Env) announce(name string, all []*opened) {
	lan := e.LAN
	if lan == nil {
		lan = lanAddr
	}
	for _, l := range all {
		addr, ok := l.Addr().(*net.TCPAddr)
		if !ok {
			e.tell("serving %s on unix:%s", name, l.Addr())
			continue
		}
		ip := addr.AddrPort().Addr().Unmap()
		if !ip.IsUnspecified() {
			e.tell("serving %s on %s", name, webAddress(l.scheme, ip, addr.Port))
			continue
		}
		local := netip.AddrFrom4([4]byte{127, 0, 0, 1})
		e.tell("serving %s on %s", name, webAddress(l.scheme, local, addr.Port))
		if other, ok := lan(); ok {
			e.tell("serving %s on %s for other machines", name, webAddress(l.scheme, other, addr.Port))
		}
	}
}

// localAddress returns what to type into a browser on this machine.
func localAddress(l *opened) string {
	addr, ok := l.Addr().(*net.TCPAddr)
	if !ok {
		return ""
	}
	ip := addr.AddrPort().Addr().Unmap()
	if ip.IsUnspecified() {
		ip = netip.AddrFrom4([4]byte{127, 0, 0, 1})
	}
	return webAddress(l.scheme, ip, addr.Port)
}

// webAddress returns what to type into a browser.
func webAddress(scheme string, ip netip.Addr, port int) string {
	host := ip.WithZone("").String()
	if ip.Is6() {
		host = "[" + host + "]"
	}
	if scheme == "http" && port == 80 || scheme == "https" && port == 443 {
		return scheme + "://" + host + "/"
	}
	return scheme + "://" + host + ":" + strconv.Itoa(port) + "/"
}

// lanAddr returns the address that this machine has towards others. Connecting
// a datagram socket looks up the route and sends nothing; the address is one
// for documentation (RFC 5737), which nobody has.
func lanAddr() (netip.Addr, bool) {
	c, err := net.Dial("udp4", "192.0.2.1:9")
	if err != nil {
		return netip.Addr{}, false
	}
	defer c.Close()
	addr, ok := c.LocalAddr().(*net.UDPAddr)
	if !ok {
		return netip.Addr{}, false
	}
	ip := addr.AddrPort().Addr().Unmap()
	return ip, ip.IsValid() && !ip.IsLoopback() && !ip.IsUnspecified()
}
