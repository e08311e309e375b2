package socketserver

import (
	"bytes"
	"net/netip"
	"strconv"
	"strings"
)

// parseProxy1 parses a line (§2.1): what is not exactly as it should be is
// refused.
func parseProxy1(b []byte) (h ProxyHeader, n int, err error) {
	h.Version = 1
	end := bytes.Index(b[:min(len(b), MaxProxyV1)], []byte("\r\n"))
	if end < 0 {
		if len(b) >= MaxProxyV1 {
			return h, 0, proxyFault("no CRLF within %d bytes", MaxProxyV1)
		}
		if i := bytes.IndexByte(b, '\n'); i >= 0 {
			return h, 0, proxyFault("a line that ends without CR")
		}
		return h, 0, ErrProxyIncomplete
	}
	line := string(b[len(prefix1):end])
	n = end + 2
	family, rest, _ := strings.Cut(line, " ")
	if family == "UNKNOWN" { // whatever follows is ignored
		h.Local = true
		return h, n, nil
	}
	if family != "TCP4" && family != "TCP6" {
		return h, 0, proxyFault("family %.20q", family)
	}
	fields := strings.Split(rest, " ")
	if len(fields) != 4 {
		return h, 0, proxyFault("%d fields after the family, not 4", len(fields))
	}
	h.Source, err = endpoint1(family, fields[0], fields[2])
	if err == nil {
		h.Destination, err = endpoint1(family, fields[1], fields[3])
	}
	if err != nil {
		return ProxyHeader{Version: 1}, 0, err
	}
	return h, n, nil
}

// endpoint1 parses an address and a port of a line.
func endpoint1(family, addr, port string) (netip.AddrPort, error) {
	a, err := netip.ParseAddr(addr)
	if err != nil || a.Zone() != "" || a.Is4() != (family == "TCP4") {
		return netip.AddrPort{}, proxyFault("%.45q is no address of %s", addr, family)
	}
	p, err := strconv.ParseUint(port, 10, 16)
	if err != nil || strconv.FormatUint(p, 10) != port { // no leading zeros
		return netip.AddrPort{}, proxyFault("%.10q is no port", port)
	}
	return netip.AddrPortFrom(a, uint16(p)), nil
}

func (h *ProxyHeader) append1(dst []byte) []byte {
	dst = append(dst, prefix1...)
	if h.Local || h.Unix || h.Datagram {
		return append(dst, "UNKNOWN\r\n"...)
	}
	from, to := h.Source.Addr().Unmap(), h.Destination.Addr().Unmap()
	if from.Is4() {
		dst = append(dst, "TCP4 "...)
	} else {
		dst = append(dst, "TCP6 "...)
	}
	dst = from.WithZone("").AppendTo(dst)
	dst = append(dst, ' ')
	dst = to.WithZone("").AppendTo(dst)
	dst = append(dst, ' ')
	dst = strconv.AppendUint(dst, uint64(h.Source.Port()), 10)
	dst = append(dst, ' ')
	dst = strconv.AppendUint(dst, uint64(h.Destination.Port()), 10)
	return append(dst, "\r\n"...)
}
