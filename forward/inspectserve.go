package forward

import (
	"net"
	"net/http"
	"strings"

	"freshet/internal/rule"
)

// tunnelledKey is the key of a request context's *tunnelled.
type tunnelledKey struct{}

// insideListener gives an engine the connections whose handshake is done.
type insideListener inspector

// Accept implements net.Listener.
func (l *insideListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.given:
		return c, nil
	case <-l.done:
		return nil, net.ErrClosed
	}
}

// Close implements net.Listener: the engine is stopped.
func (l *insideListener) Close() error {
	(*inspector)(l).shut()
	return nil
}

// Addr implements net.Listener.
func (l *insideListener) Addr() net.Addr { return &net.UnixAddr{Name: "inspected", Net: "unix"} }

// inside answers a request of an inspected tunnel, which is for the server that
// the tunnel leads to and no other. Who may go there was decided when it was
// opened.
func (h *Handler) inside(w http.ResponseWriter, r *http.Request) {
	c := r.Context().Value(tunnelledKey{}).(*tunnelled)
	if c.requests.Add(1) == 1 {
		h.inspector.pins.took(c.client, c.host, h.o.Now())
	}
	if r.Method == http.MethodConnect || !c.leadsTo(r.Host) || r.URL.Scheme != "" && r.URL.Scheme != "https" {
		refuse(w, r, rule.FilterMisdirected)
		return
	}
	out := *r
	u := *r.URL
	u.Scheme, u.Host = "https", c.authority
	out.URL = &u
	h.forward(w, h.outgoing(&out))
}

// leadsTo reports whether a request with this Host is for the tunnel's server.
func (c *tunnelled) leadsTo(host string) bool {
	if host == c.authority {
		return true
	}
	name, port, err := net.SplitHostPort(host)
	if err != nil {
		if name, port = host, ""; strings.Contains(strings.Trim(name, "[]"), ":") && !strings.HasPrefix(name, "[") {
			return false
		}
	}
	if port == "" {
		port = "443"
	}
	return authorityOf(plainHost(name), port) == c.authority
}
