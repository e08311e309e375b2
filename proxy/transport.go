package proxy

import (
	"context"
	"net"
	"net/http"
	"time"
)

// newTransport makes the default transport: no redirects, no decoding, no
// proxy of the environment.
func newTransport(o *Options, origins []*origin) (rt http.RoundTripper, closeIdle func(), timed bool) {
	sockets := map[string]string{}
	for _, g := range origins {
		if g.socket != "" {
			sockets[g.addr+":80"] = g.socket
		}
	}
	d := net.Dialer{Timeout: o.ConnectTimeout}
	t := &http.Transport{
		DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
			if path := sockets[addr]; path != "" {
				return d.DialContext(ctx, "unix", path)
			}
			return d.DialContext(ctx, network, addr)
		},
		DisableCompression:     true,
		TLSHandshakeTimeout:    o.ConnectTimeout,
		ExpectContinueTimeout:  time.Second,
		MaxIdleConnsPerHost:    64,
		IdleConnTimeout:        4 * time.Second,
		MaxResponseHeaderBytes: 64 << 10,
	}
	return t, t.CloseIdleConnections, true
}
