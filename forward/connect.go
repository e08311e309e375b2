package forward

import (
	"bufio"
	"context"
	"errors"
	"net"
	"net/http"

	"freshet/httpd"
	"freshet/internal/outbound"
	"freshet/internal/record"
	"freshet/internal/rule"
	"freshet/internal/tunnel"
)

// connect answers CONNECT (RFC 9110 §9.3.6) with a tunnel.
func (h *Handler) connect(w http.ResponseWriter, r *http.Request) {
	if h.open.Add(1) > int64(h.o.MaxTunnels) {
		h.open.Add(-1)
		w.Header().Set("Retry-After", "1")
		refuse(w, r, rule.FilterTunnels)
		return
	}
	defer h.open.Add(-1)
	id, answered := h.inspect(w, r)
	if answered || h.filterTunnel(w, r) { // of what is inspected, more is known than the host
		return
	}
	// A client may have sent all that it has to say, and ended its side, before
	// there is a tunnel: its context ends with that.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), h.o.ConnectTimeout)
	server, err := h.dial(ctx, r.URL.Host)
	cancel()
	if err != nil {
		h.tunnelFailed(w, r, err)
		return
	}
	defer server.Close()
	httpd.SetRule(w, id)
	client, early, err := open(w)
	if err != nil {
		return
	}
	defer client.Close()
	h.tunnels.Join(tunnel.Ends{Client: client, Early: early, Server: server}, h.o.TunnelIdle)
}

// tunnelFailed answers when there is no connection to the destination.
func (h *Handler) tunnelFailed(w http.ResponseWriter, r *http.Request, err error) {
	if d := httpd.DetailOf(w); d != nil {
		d.Error = err.Error()
	}
	id, kind := rule.FilterTunnelFailed, outbound.DestinationUnavailable
	var failed *outbound.Error
	var prohibited *outbound.ProhibitedError
	switch {
	case errors.As(err, &prohibited):
		id, kind = rule.FilterDestination, "destination_ip_prohibited"
	case errors.As(err, &failed):
		switch kind = failed.Kind; {
		case kind == outbound.TLSCertificateError:
			id = rule.FilterCertificate
		case kind == outbound.Canceled && errors.Is(err, context.DeadlineExceeded): // our own limit
			kind = outbound.ConnectionTimeout
		}
	}
	if kind != outbound.Canceled { // nobody waits for the answer
		w.Header().Set("Proxy-Status", h.o.Name+"; error="+string(kind))
	}
	row := rule.Of(id)
	httpd.SetRule(w, id)
	httpd.SetVerdict(w, record.Refused)
	httpd.Error(w, r, row.Status, h.failure(r.URL.Host, "443", id, kind, err))
}

// open takes the connection over and says that the tunnel is open: what follows
// the head belongs to it, so that the answer has neither length nor coding
// (RFC 9110 §9.3.6).
func open(w http.ResponseWriter) (net.Conn, *bufio.Reader, error) {
	conn, brw, err := http.NewResponseController(w).Hijack()
	if err != nil {
		httpd.Error(w, nil, http.StatusNotImplemented, "tunnels need HTTP/1.1")
		return nil, nil, err
	}
	if _, err := conn.Write([]byte("HTTP/1.1 200 Connection established\r\n\r\n")); err != nil {
		conn.Close()
		return nil, nil, err
	}
	return conn, brw.Reader, nil
}
