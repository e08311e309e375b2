package forward

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"time"

	"freshet/httpd"
	"freshet/internal/rule"
	"freshet/internal/tunnel"
)

// Inspection says for which hosts TLS ends in the proxy, so that what passes is
// filtered and cached as over plain http. The zero value is for none.
//
// A server is verified before its client is told that it is that server: what is
// not valid is answered 502, and never shown with a certificate of ours. A client
// that refuses ours is passed through from the second time on (see Pinned), and
// so are servers that ask for a certificate of the client, and what is not TLS.
type Inspection struct {
	// Hosts are inspected: a name, ".name" with all below it, an address, or "*"
	// for all names. The most specific pattern decides, here and in PassThrough.
	Hosts []string
	// PassThrough are not. There is a list of banks, governments and the like that
	// are not, either, unless Hosts has just them.
	PassThrough []string

	// Leaf returns a certificate for a host, whose authority the clients trust. It
	// may be called at the same time. What it refuses is passed through.
	Leaf func(host string) (*tls.Certificate, error)
	// Certificate is the authority's, in PEM; it is what the proxy's own page
	// gives to those who want to trust it.
	Certificate []byte

	// Engine serves what is inside: its limits, pages and Sink. Handler, Hot and
	// ConnContext of it are set here, and it must serve nothing else. Sink may be
	// set until the first tunnel. Default: one with the engine's defaults.
	Engine *httpd.Server

	// MaxHandshakes bounds the handshakes with clients under way; who waits for
	// longer than ConnectTimeout is cut off. Default 256.
	MaxHandshakes int
	// PinnedFor is how long a host is passed through for a client that refuses its
	// certificate. Default 24 h.
	PinnedFor time.Duration
}

func (i *Inspection) check() error {
	var faults []error
	if i.MaxHandshakes == 0 {
		i.MaxHandshakes = 256
	}
	if i.PinnedFor == 0 {
		i.PinnedFor = 24 * time.Hour
	}
	if i.MaxHandshakes < 0 || i.PinnedFor < 0 {
		faults = append(faults, errors.New("a limit of the inspection is negative"))
	}
	if len(i.Hosts) > 0 && i.Leaf == nil {
		faults = append(faults, errors.New("inspection needs an authority that signs certificates"))
	}
	_, err := newHosts(i.Hosts, i.PassThrough)
	return errors.Join(append(faults, err)...)
}

// inspector ends the TLS of tunnels.
type inspector struct {
	o       Inspection
	hosts   *hosts
	checker checker
	pins    pins
	tls     *tls.Config
	timeout time.Duration // of a handshake
	shaking chan struct{} // as many as are under way

	stop  sync.Once
	done  chan struct{} // closed by stop: nothing more is served
	given chan net.Conn // connections whose handshake is done
	ended chan struct{} // the engine accepts no more

	mu      sync.Mutex              // guards what follows, and enter against close
	open    map[*tunnelled]struct{} // whose handshake is not done
	running sync.WaitGroup
}

// newInspector starts what serves the requests inside; nil when no host is
// inspected.
func (h *Handler) newInspector() (*inspector, error) {
	o := h.o.Inspect
	if len(o.Hosts) == 0 {
		return nil, nil
	}
	hosts, err := newHosts(o.Hosts, o.PassThrough)
	if err != nil {
		return nil, err
	}
	if o.Engine == nil {
		o.Engine = &httpd.Server{ErrorLog: slog.NewLogLogger(h.o.ErrorLog.Handler(), slog.LevelError)}
	}
	in := &inspector{
		o: o, hosts: hosts, timeout: h.o.ConnectTimeout,
		checker: checker{dial: h.dial, roots: h.o.Roots, timeout: h.o.ConnectTimeout, now: h.o.Now},
		pins:    pins{keep: o.PinnedFor},
		tls:     &tls.Config{GetConfigForClient: configFor, MinVersion: tls.VersionTLS12},
		shaking: make(chan struct{}, o.MaxHandshakes),
		done:    make(chan struct{}), given: make(chan net.Conn), ended: make(chan struct{}),
		open: map[*tunnelled]struct{}{},
	}
	o.Engine.Handler, o.Engine.Hot = http.HandlerFunc(h.inside), nil
	o.Engine.ConnContext = func(ctx context.Context, nc net.Conn) context.Context {
		return context.WithValue(ctx, tunnelledKey{}, nc.(*tls.Conn).NetConn())
	}
	go func() {
		defer close(in.ended)
		o.Engine.Serve((*insideListener)(in))
	}()
	return in, nil
}

// close ends all connections and waits for what was not served yet.
func (in *inspector) close() {
	if in == nil {
		return
	}
	in.mu.Lock()
	in.shut()
	open := make([]*tunnelled, 0, len(in.open))
	for c := range in.open {
		open = append(open, c)
	}
	in.mu.Unlock()
	for _, c := range open {
		c.Close()
	}
	in.running.Wait()
	in.o.Engine.Close()
	<-in.ended
}

// shut has nothing more served.
func (in *inspector) shut() { in.stop.Do(func() { close(in.done) }) }

// enter notes a connection whose handshake begins; false after close.
func (in *inspector) enter(c *tunnelled) bool {
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.isShut() {
		return false
	}
	in.open[c] = struct{}{}
	in.running.Add(1)
	return true
}

func (in *inspector) leave(c *tunnelled) {
	in.mu.Lock()
	delete(in.open, c)
	in.mu.Unlock()
	in.running.Done()
}

func (in *inspector) isShut() bool {
	select {
	case <-in.done:
		return true
	default:
		return false
	}
}

// inspect answers CONNECT to a host that is inspected, and reports whether it
// did; else there is to be a tunnel that nobody looks into, for the reason that
// it returns.
func (h *Handler) inspect(w http.ResponseWriter, r *http.Request) (rule.ID, bool) {
	in := h.inspector
	if in == nil {
		return rule.FilterTunnel, false
	}
	host, port, err := net.SplitHostPort(r.URL.Host)
	host = plainHost(host)
	if err != nil || !in.hosts.inspects(host) {
		return rule.FilterTunnel, false
	}
	client, _ := addressOf(r)
	if in.pins.has(client, host, h.o.Now()) {
		return rule.FilterPinned, false
	}
	leaf, err := in.o.Leaf(host)
	if err != nil {
		h.o.ErrorLog.Warn("filter: a host is passed through: its certificate could not be signed", "host", host, "err", err)
		if d := httpd.DetailOf(w); d != nil {
			d.Error = err.Error()
		}
		return rule.FilterTunnel, false
	}
	standing := valid
	if j := h.judgeHost(r.URL.Host); !j.blocks() { // else nothing goes there, not even a look
		standing, err = in.checker.look(r.Context(), r.URL.Host, host)
	}
	switch {
	case err != nil:
		h.tunnelFailed(w, r, err)
		return 0, true
	case standing == noTLS:
		return rule.FilterTunnel, false
	case standing == wantsCert:
		return rule.FilterClientCertificate, false
	}
	httpd.SetRule(w, rule.FilterInspected)
	conn, early, err := open(w)
	if err != nil {
		return 0, true
	}
	c := &tunnelled{Conn: conn, client: client, hostport: r.URL.Host, host: host, authority: authorityOf(host, port), leaf: leaf, over: h.inspected}
	c.early, c.rest = unbuffer(early)
	h.open.Add(1) // until it is closed, which may be long after this
	h.endTLS(c)
	return 0, true
}

// unbuffer returns what a reader has read already, and the reader if there may
// be more that its connection will not give again.
func unbuffer(b *bufio.Reader) ([]byte, io.Reader) {
	n := b.Buffered()
	early, _ := b.Peek(n)
	early = append([]byte(nil), early...)
	b.Discard(n)
	if n < b.Size() {
		return early, nil
	}
	return early, b
}

// endTLS does the handshake and hands the connection over to what serves the
// requests inside.
func (h *Handler) endTLS(c *tunnelled) {
	in := h.inspector
	if !in.enter(c) {
		c.Close()
		return
	}
	defer in.leave(c)
	c.SetReadDeadline(time.Now().Add(in.timeout))
	isTLS, err := c.beginsTLS()
	c.SetReadDeadline(time.Time{})
	if err != nil {
		c.Close()
		return
	}
	if !isTLS {
		h.joinAnyway(c)
		return
	}
	tc, err := in.shake(c)
	switch {
	case err == nil:
		c.shaken.Store(h.o.Now())
		select {
		case in.given <- tc:
		case <-in.done:
			tc.Close()
		}
	case c.other:
		c.other = false
		h.joinAnyway(c)
	default:
		c.Close()
		h.notShaken(c, err)
	}
}

// joinAnyway joins a tunnel to its server when what the client sends is nothing
// that could be looked at. A page can have that sent (ws: at port 443): to a host
// that lists block, nothing is.
func (h *Handler) joinAnyway(c *tunnelled) {
	defer c.Close()
	if j := h.judgeHost(c.hostport); j.blocks() {
		h.cuts.add(&j, rule.FilterHost, h.o.Now())
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), h.o.ConnectTimeout)
	server, err := h.dial(ctx, c.hostport)
	cancel()
	if err != nil {
		h.o.ErrorLog.Info("filter: a tunnel that is not inspected leads nowhere", "host", c.host, "err", err)
		return
	}
	defer server.Close()
	h.tunnels.Join(tunnel.Ends{Client: c, Early: c.unread(), Server: server}, h.o.TunnelIdle)
}

// notShaken draws conclusions from a handshake that failed.
func (h *Handler) notShaken(c *tunnelled, err error) {
	switch {
	case h.inspector.isShut():
	case c.misled != "":
		h.o.ErrorLog.Warn("filter: a client asked for another server than its tunnel leads to", "client", c.client, "tunnel", c.host, "asked", c.misled)
	case !c.decided: // it has seen no certificate
		h.o.ErrorLog.Info("filter: no handshake with a client", "client", c.client, "host", c.host, "err", err)
	default:
		h.o.ErrorLog.Info("filter: no handshake with a client", "client", c.client, "host", c.host, "err", err)
		h.notePin(c, signOf(err))
	}
}

func (h *Handler) notePin(c *tunnelled, s sign) {
	if s != 0 && h.inspector.pins.note(c.client, c.host, s, h.o.Now()) {
		h.o.ErrorLog.Warn("filter: a client takes no certificate of the authority; it is passed through to this host", "client", c.client, "host", c.host, "for", h.o.Inspect.PinnedFor)
	}
}

// soon is the time after a handshake in which a client that looks at
// certificates only then goes away.
const soon = 2 * time.Second

// inspected is called when a connection was closed.
func (h *Handler) inspected(c *tunnelled) {
	h.open.Add(-1)
	shaken := c.shaken.Load()
	if shaken != 0 && c.requests.Load() == 0 && h.o.Now()-shaken < int64(soon) && !h.inspector.isShut() {
		h.notePin(c, unused)
	}
}

// Pinned returns which hosts are passed through for whom because they refuse the
// authority's certificates.
func (h *Handler) Pinned() []Pinned {
	if h.inspector == nil {
		return nil
	}
	return h.inspector.pins.list(h.o.Now())
}

// pinnedFor is Pinned for the client of a request.
func (h *Handler) pinnedFor(r *http.Request) (own []Pinned) {
	client, _ := addressOf(r)
	for _, p := range h.Pinned() {
		if p.Client == client {
			own = append(own, p)
		}
	}
	return own
}

// Unpin has a host inspected for a client again, and reports whether it was known.
func (h *Handler) Unpin(client netip.Addr, host string) bool {
	return h.inspector != nil && h.inspector.pins.forget(client, host)
}

// authorityOf returns what requests for an https server name.
func authorityOf(host, port string) string {
	if port == "443" {
		if strings.Contains(host, ":") {
			return "[" + host + "]"
		}
		return host
	}
	return net.JoinHostPort(host, port)
}
