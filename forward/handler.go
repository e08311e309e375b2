package forward

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"slices"
	"strconv"
	"sync/atomic"
	"time"

	"freshet/cache"
	"freshet/httpd"
	"freshet/internal/control"
	"freshet/internal/outbound"
	"freshet/internal/record"
	"freshet/internal/rule"
	"freshet/internal/tunnel"
	"freshet/proxy"
)

// Handler is a forward proxy. It may be used by any number of goroutines.
type Handler struct {
	o       Options
	access  access
	servers *proxy.Handler
	next    http.Handler                                                 // the cache, or servers
	past    http.Handler                                                 // next without the cache
	dial    func(ctx context.Context, hostport string) (net.Conn, error) // for tunnels
	idle    func()                                                       // closes idle connections to servers
	hot     httpd.HotHandler                                             // the cache, if its answers need no looking at; or nil

	lists      *lists
	allowances allowances
	cuts       cuts

	privacy *privacy
	cookies cookieSites

	inspector *inspector // nil when no host is inspected

	tunnels tunnel.Set
	open    atomic.Int64 // tunnels that are open or about to be
}

// New returns a Handler, or all faults of its options at once.
func New(o Options) (*Handler, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	h := &Handler{o: o, access: newAccess(&o), dial: o.Dial, idle: func() {}}
	rt := o.Transport
	if rt == nil {
		t, err := h.newTransport()
		if err != nil {
			return nil, err
		}
		rt, h.dial, h.idle = t, t.Tunnel, t.CloseIdleConnections
	}
	var err error
	h.servers, err = proxy.New(proxy.Options{Forward: true, Name: o.Name, Transport: rt, HeadTimeout: o.HeadTimeout, BodyTimeout: o.BodyTimeout,
		UpgradeIdle: o.TunnelIdle, Words: h.words, ErrorLog: o.ErrorLog})
	if err != nil {
		return nil, err
	}
	if err := h.openFilter(rt); err != nil {
		return nil, errors.Join(err, h.Close())
	}
	if err := h.openPolicy(); err != nil {
		return nil, errors.Join(err, h.Close())
	}
	if h.inspector, err = h.newInspector(); err != nil {
		return nil, errors.Join(err, h.Close())
	}
	var behind http.Handler = h.servers
	if h.hides() {
		behind = hider{h, h.servers}
	}
	h.next, h.past = behind, behind
	if o.Store == nil {
		return h, nil
	}
	caching := o.Caching
	if h.hides() {
		caching.Key.Headers = append(slices.Clone(caching.Key.Headers), sheetField)
	}
	caching.Next, caching.Store, caching.Now, caching.ErrorLog = h.behindCache(behind, &caching), o.Store, o.Now, o.ErrorLog
	if caching.Name == "" {
		caching.Name = o.Name
	}
	c, err := cache.New(caching)
	if err != nil {
		return nil, errors.Join(err, h.Close())
	}
	h.next = c
	if caching.Profile == cache.Safe { // it keeps no answer that sets a cookie
		h.hot = c
	}
	return h, nil
}

// newTransport returns the way to servers.
func (h *Handler) newTransport() (*outbound.Transport, error) {
	by, err := parseParents(h.o.Parents)
	if err != nil {
		return nil, err
	}
	t := &outbound.Transport{
		Guard:          &outbound.Guard{AllowPrivate: h.o.AllowPrivate, Allow: h.o.Destinations},
		ConnectTimeout: h.o.ConnectTimeout,
		TLSTimeout:     h.o.ConnectTimeout,
		HeadTimeout:    h.o.HeadTimeout,
		ReadTimeout:    h.o.BodyTimeout,
		HTTP2:          true,
	}
	if h.o.Roots != nil {
		t.TLS = &tls.Config{RootCAs: h.o.Roots}
	}
	if !by.none() {
		t.Parents = by.of
	}
	return t, nil
}

// Close ends tunnels and upgraded connections and waits for them. Requests
// under way go on; new tunnels are refused.
func (h *Handler) Close() error {
	if h.lists != nil {
		h.lists.close()
	}
	h.inspector.close()
	h.tunnels.Close()
	h.servers.Close()
	h.idle()
	return nil
}

// ServeHTTP implements http.Handler. It panics with http.ErrAbortHandler when
// an answer that was begun cannot be completed.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodConnect && r.URL.Host == "" {
		h.ownPage(w, r)
		return
	}
	if r.Method == http.MethodConnect {
		// Unless a tunnel opens: what a client sent for one ahead of our answer
		// is not to be read as requests (RFC 9931, Guidance for HTTP CONNECT).
		w.Header().Set("Connection", "close")
	}
	if id := h.access.refuses(r); id != 0 {
		refuse(w, r, id)
		return
	}
	if r.Method == http.MethodConnect {
		h.connect(w, r)
		return
	}
	h.forward(w, h.outgoing(r))
}

// forward answers a request for a server, whose scheme its TLS tells.
func (h *Handler) forward(w http.ResponseWriter, r *http.Request) {
	if h.servers.Loops(r) { // which the cache would let wait for itself
		h.servers.ServeHTTP(w, r)
		return
	}
	w, r, answered := h.filter(w, r)
	if answered {
		return
	}
	next := h.next
	if goesPast(r) {
		next = h.past
		if p := h.goingPast(w); p != nil {
			defer p.finish()
			w = p
		}
	}
	c := h.private(w, r)
	defer c.done()
	next.ServeHTTP(c, r)
}

// outgoing returns the request as it is for the handlers behind: in origin
// form, with TLS for the scheme, and without what was meant for the proxy.
func (h *Handler) outgoing(r *http.Request) *http.Request {
	out := *r
	u := *r.URL
	out.Host, out.TLS = u.Host, nil
	if u.Scheme == "https" {
		out.TLS = &tls.ConnectionState{}
	}
	u.Scheme, u.Host, u.User = "", "", nil
	out.URL = &u
	out.Header = r.Header.Clone()
	out.Header.Del("Proxy-Authorization")
	return &out
}

// refuse answers a request that reaches nobody.
func refuse(w http.ResponseWriter, r *http.Request, id rule.ID) {
	row := rule.Of(id)
	httpd.SetRule(w, id)
	httpd.SetVerdict(w, record.Refused)
	switch id {
	case rule.FilterLogin:
		w.Header().Set("Proxy-Authenticate", `Basic realm="freshet", charset="UTF-8"`)
	case rule.FilterGuesses:
		w.Header().Set("Retry-After", strconv.Itoa(int(control.GuessTime/time.Second)))
	}
	httpd.Error(w, r, row.Status, refusal(r, id))
}
