package proxy

import (
	"net/http"
	"net/netip"
	"strings"

	"freshet/internal/wire"
)

// setForwarded tells the origin of the client: Forwarded (RFC 7239) and the
// older X-Forwarded-For, -Proto and -Host. What the client says of itself
// stays only when it is one of the proxies in Options.Trusted.
func (h *Handler) setForwarded(out http.Header, r *http.Request) {
	peer := addrOf(r)
	trusted := h.trusts(peer)
	if !trusted {
		dropForwarded(out)
	}
	if olds := out["X-Forwarded-For"]; len(olds) > 0 && len(out["Forwarded"]) == 0 {
		// Or the origin would take the trusted proxy for the client (RFC 7239 §7.4).
		for old := range strings.SplitSeq(strings.Join(olds, ","), ",") {
			addr, _ := netip.ParseAddr(strings.TrimSpace(old))
			addElement(out, "Forwarded", []string{"for=" + nodeOf(addr)})
		}
	}
	proto := valueHTTP
	if r.TLS != nil {
		proto = valueHTTPS
	}
	var values [3]string
	if peer.IsValid() {
		values[0] = peer.String()
		addElement(out, "X-Forwarded-For", values[0:1:1])
	}
	elem := "for=" + nodeOf(peer)
	if r.Host != "" && wire.ValidHost(r.Host) {
		elem += ";host=" + quoteHost(r.Host)
		if len(out["X-Forwarded-Host"]) == 0 {
			values[1] = r.Host
			out["X-Forwarded-Host"] = values[1:2:2]
		}
	}
	values[2] = elem + ";proto=" + proto[0]
	addElement(out, "Forwarded", values[2:3:3])
	if len(out["X-Forwarded-Proto"]) == 0 {
		out["X-Forwarded-Proto"] = proto
	}
}

// nodeOf writes an address as a node of Forwarded (RFC 7239 §6).
func nodeOf(a netip.Addr) string {
	switch {
	case !a.IsValid():
		return "unknown"
	case a.Is4():
		return a.String()
	}
	return `"[` + a.WithZone("").String() + `]"`
}

// quoteHost writes a host as a value of Forwarded: a token, or in quotes.
func quoteHost(host string) string {
	if strings.Trim(host, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-") == "" {
		return host
	}
	return `"` + host + `"`
}

// dropForwarded removes what a client claims of itself. An underscore counts
// as a hyphen: many origins take X_Forwarded_For for X-Forwarded-For.
func dropForwarded(out http.Header) {
	for name := range out {
		if wire.LikeName(name, "forwarded") || wire.LikeName(name, "x-real-ip") ||
			len(name) > len(xForwarded) && wire.LikeName(name[:len(xForwarded)], xForwarded) {
			delete(out, name)
		}
	}
}

const xForwarded = "x-forwarded-"

// addrOf returns the address of the client's end of the connection; invalid
// for a Unix socket.
func addrOf(r *http.Request) netip.Addr {
	ap, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	return ap.Addr().Unmap().WithZone("")
}

func (h *Handler) trusts(a netip.Addr) bool { return wire.Within(h.o.Trusted, a) }

// clientAddr returns the address of the first hop, seen from here, that is not
// a trusted proxy: that of the connection, or one in X-Forwarded-For that a
// trusted proxy wrote.
func (h *Handler) clientAddr(r *http.Request) netip.Addr {
	return wire.ClientAddr(addrOf(r), h.o.Trusted, r.Header["X-Forwarded-For"])
}
