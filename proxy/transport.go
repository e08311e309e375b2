package proxy

import (
	"context"
	"net"
	"net/http"
	"time"

	"freshet/internal/outbound"
)

// newTransport makes the transport that is used when Options has none.
func newTransport(o *Options, origins []*origin) (rt http.RoundTripper, closeIdle func()) {
	sockets := map[string]string{}
	for _, g := range origins {
		if g.socket != "" {
			sockets[g.addr+":80"] = g.socket
		}
	}
	var d net.Dialer
	t := &outbound.Transport{
		Dial: func(ctx context.Context, network, addr string) (net.Conn, error) {
			if path := sockets[addr]; path != "" {
				return d.DialContext(ctx, "unix", path)
			}
			return d.DialContext(ctx, network, addr)
		},
		TLS:             o.TLS,
		HTTP2:           o.HTTP2,
		ConnectTimeout:  o.ConnectTimeout,
		TLSTimeout:      o.ConnectTimeout,
		HeadTimeout:     noneIsNegative(o.HeadTimeout),
		ReadTimeout:     noneIsNegative(o.BodyTimeout),
		MaxConnsPerHost: o.MaxConns,
	}
	return t, t.CloseIdleConnections
}

// noneIsNegative turns "no limit" into what package outbound means by it.
func noneIsNegative(d time.Duration) time.Duration {
	if d == 0 {
		return -1
	}
	return d
}
