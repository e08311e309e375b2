// Package httpd is an HTTP server engine: HTTP/1.1, 1.0 and, when allowed,
// 0.9, written for speed and for strictness, and HTTP/2 over TLS through the
// standard library for now. It takes any http.Handler:
//
//	srv := &httpd.Server{Addr: ":8080", Handler: mux}
//	err := srv.ListenAndServe()
//
// Fields and methods are named as those of net/http.Server, so a program moves
// over by one import. What differs is on purpose: requests that are ambiguous
// are refused instead of guessed (RFC 9112), everything is bounded by default,
// and answers that were prepared beforehand go out without an http.Request
// (see [HotHandler]).
//
// It is not a router, a cache or a proxy, and it opens no files.
//
// # Limits
//
// Every limit is a field of Server that says its default, and what a client
// sees when it is reached. A client that is too slow, too large or too many
// costs nobody else anything.
//
// # Differences from net/http
//
// Answers of a handler have their fields in the order of their names. A
// handler that panics before it answered gives 500, not an empty reply.
// http.ServerContextKey is not set over HTTP/1, for it promises an *http.Server;
// use [ServerContextKey]. There are no fields Protocols, HTTP2 and TLSNextProto:
// HTTP/1.1 is always spoken, HTTP/2 by TLS clients that ask for it, with 128
// requests at once on a connection; MaxRequestsPerConn and MinBodyRate do not
// apply to it. A request context notices that the client went away from
// the first call of its Done or Err on, not before.
package httpd

import (
	"context"
	"crypto/tls"
	"errors"
	"log"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"freshet/internal/wire"
	"freshet/socketserver"
)

// ErrServerClosed is returned by the Serve methods after Shutdown or Close. It
// is net/http's own, so that a program's comparison still holds.
var ErrServerClosed = http.ErrServerClosed

// Server is an HTTP server. Its zero value serves http.DefaultServeMux on
// port 80 with the defaults below. Fields must not change once it serves.
type Server struct {
	Addr    string       // for the ListenAndServe methods; "" means ":http", or ":https" with TLS. See [socketserver.Listen] for the forms.
	Handler http.Handler // nil means http.DefaultServeMux

	// Hot, when not nil, is asked first, for requests without a body.
	Hot HotHandler

	// Sink, when not nil, gets one Record for each request.
	Sink Sink

	// ServerName is the value of the Server field; "" means "freshet", and
	// "-" leaves the field out.
	ServerName string

	// RequestIDs says which answers tell the name of their request.
	RequestIDs RequestIDs

	// Pages makes the error pages of handlers that call [Error]; nil means the
	// built-in ones. Refusals of malformed requests are always plain text.
	Pages *Pages

	// TLSConfig is used by ServeTLS and ListenAndServeTLS, with what CompleteTLS adds.
	TLSConfig *tls.Config

	// ReadHeaderTimeout is the time for a request head, from the accept or
	// from its first byte on. 0 means 10 s; negative means no limit. Then: 408
	// when something had arrived, and the connection ends.
	ReadHeaderTimeout time.Duration
	// IdleTimeout is the time that a connection may wait between requests.
	// 0 means 75 s; negative means no limit. Then: the connection ends.
	IdleTimeout time.Duration
	// BodyTimeout is the longest pause in a request body. 0 means 30 s;
	// negative means no limit. Then: reads fail, 408 when nothing was
	// answered, and the connection ends.
	BodyTimeout time.Duration
	// MinBodyRate is the least mean rate of a request body in bytes per
	// second, looked at from its 15th second on. 0 means 256; negative means
	// no limit. Then: as BodyTimeout.
	MinBodyRate int
	// SendTimeout is the time in which a client must take some of what is
	// sent. 0 means 60 s; negative means no limit. Then: the connection ends.
	SendTimeout time.Duration
	// ReadTimeout is the time for a whole request body, WriteTimeout that for
	// handler and answer, both from the end of the head on. 0 means no limit.
	ReadTimeout, WriteTimeout time.Duration

	// MaxHeaderBytes bounds a request head. 0 means 32 KiB. Then: 431.
	MaxHeaderBytes int
	// MaxFields bounds the number of field lines. 0 means 128. Then: 431.
	MaxFields int
	// MaxTargetBytes bounds the request target. 0 means 8 KiB. Then: 414.
	MaxTargetBytes int
	// MaxBodyBytes bounds a request body. 0 means 256 MiB; negative means no
	// limit. Then: 413, at once when Content-Length tells.
	MaxBodyBytes int64
	// MaxRequestsPerConn bounds the requests of one connection. 0 means
	// 1,048,576; negative means no limit. Then: Connection: close.
	MaxRequestsPerConn int
	// MaxConns and MaxConnsPerClient bound open connections, in all and for
	// one address: see [socketserver.Server]. Then: 503 with Retry-After, or
	// with QueueConns the kernel's accept queue.
	MaxConns, MaxConnsPerClient int
	QueueConns                  bool
	// Backlog is the length of the kernel's accept queue for listeners that
	// the ListenAndServe methods open. 0 means the system's own.
	Backlog int
	// SweepEvery is how precise the time limits are. 0 means 100 ms.
	SweepEvery time.Duration

	// AllowHTTP09 answers a bare "GET /path" line with the bare body.
	AllowHTTP09 bool
	// LenientLF takes a line feed alone as the end of a line, LenientFold
	// joins continued field lines: for very old clients.
	LenientLF, LenientFold bool

	// DisableGeneralOptionsHandler passes OPTIONS * to Handler instead of
	// answering it.
	DisableGeneralOptionsHandler bool

	// ErrorLog gets panics of handlers and faults of listeners. nil means
	// log.Default().
	ErrorLog *log.Logger
	// ConnState, BaseContext and ConnContext are as in net/http.
	ConnState   func(net.Conn, http.ConnState)
	BaseContext func(net.Listener) context.Context
	ConnContext func(ctx context.Context, c net.Conn) context.Context

	once       sync.Once
	socks      socketserver.Server
	limits     wire.Limits
	times      timeouts
	noKeep     atomic.Bool
	inShutdown atomic.Bool
	h2         h2Bridge
	pool       sync.Pool    // of *scratch
	joins      atomic.Int32 // buffers that join TLS records; see together
	stamps     stamps
	ids        requestIDs

	mu         sync.Mutex
	onShutdown []func()
}

type contextKey struct{ name string }

// ServerContextKey is the key of the request context's value that is the
// *Server.
var ServerContextKey = &contextKey{"httpd-server"}

type timeouts struct {
	head, idle, body, send time.Duration // 0: no limit
	minRate                int64
	maxBody                int64 // -1: no limit
	maxRequests            int
}

// orDefault is the house's rule for limits: zero means the default, negative
// means none, which the code below writes as none.
func orDefault[T int | int64 | time.Duration](v, def, none T) T {
	switch {
	case v == 0:
		return def
	case v < 0:
		return none
	}
	return v
}

func (s *Server) init() {
	s.once.Do(func() {
		s.times = timeouts{
			head:        orDefault(s.ReadHeaderTimeout, 10*time.Second, 0),
			idle:        orDefault(s.IdleTimeout, 75*time.Second, 0),
			body:        orDefault(s.BodyTimeout, 30*time.Second, 0),
			send:        orDefault(s.SendTimeout, 60*time.Second, 0),
			minRate:     int64(orDefault(s.MinBodyRate, 256, 0)),
			maxBody:     orDefault(s.MaxBodyBytes, 256<<20, -1),
			maxRequests: orDefault(s.MaxRequestsPerConn, 1<<20, int(^uint(0)>>1)),
		}
		s.limits = wire.Limits{
			MaxHeadBytes:   s.MaxHeaderBytes,
			MaxTargetBytes: s.MaxTargetBytes,
			MaxFields:      s.MaxFields,
			LenientLF:      s.LenientLF,
			LenientFold:    s.LenientFold,
			AllowHTTP09:    s.AllowHTTP09,
		}
		s.socks.Handler = s.serveConn
		s.socks.Early = s.serveEarly
		s.socks.Refused = s.refuseConn
		s.socks.MaxConns = s.MaxConns
		s.socks.MaxConnsPerClient = s.MaxConnsPerClient
		s.socks.Queue = s.QueueConns
		s.socks.SweepEvery = s.SweepEvery
		s.socks.ErrorLog = s.ErrorLog
		s.pool.New = func() any { return newScratch() }
	})
}

// Conns returns how many connections are open.
func (s *Server) Conns() int { return s.socks.Len() }

func (s *Server) sweepEvery() time.Duration {
	if s.SweepEvery > 0 {
		return s.SweepEvery
	}
	return socketserver.DefaultSweepEvery
}

// idleTime is the idle limit as a duration to compare with.
func (s *Server) idleTime() time.Duration {
	if s.times.idle > 0 {
		return s.times.idle
	}
	return 1<<63 - 1
}

func (s *Server) handler() http.Handler {
	if s.Handler == nil {
		return http.DefaultServeMux
	}
	return s.Handler
}

func (s *Server) logf(format string, args ...any) {
	if s.ErrorLog != nil {
		s.ErrorLog.Printf(format, args...)
		return
	}
	log.Printf(format, args...)
}

// Serve accepts connections on l until Shutdown or Close and then returns
// ErrServerClosed. Those that are a *tls.Conn are served as by ServeTLS, by the
// protocol that they have agreed on; their handshake may be done.
func (s *Server) Serve(l net.Listener) error {
	s.init()
	return s.serve(l, nil)
}

func (s *Server) serve(l net.Listener, tc *tls.Config) error {
	base := context.Background()
	if s.BaseContext != nil {
		base = s.BaseContext(l)
	}
	err := s.socks.Serve(&listener{Listener: l, tls: tc, base: base})
	if err == socketserver.ErrServerClosed {
		return ErrServerClosed
	}
	return err
}

// listener gives the connections that it accepts what they need to know of
// where they came from.
type listener struct {
	net.Listener
	tls  *tls.Config
	base context.Context
}

// accepted is a connection and its listener.
type accepted struct {
	net.Conn
	from *listener
}

// CloseRead and CloseWrite end one direction, where the connection can.
func (a *accepted) CloseRead() error {
	if c, ok := a.Conn.(interface{ CloseRead() error }); ok {
		return c.CloseRead()
	}
	return errors.ErrUnsupported
}

func (a *accepted) CloseWrite() error {
	if c, ok := a.Conn.(interface{ CloseWrite() error }); ok {
		return c.CloseWrite()
	}
	return errors.ErrUnsupported
}

// AddrPort returns the client's address; invalid when it has none.
func (a *accepted) AddrPort() netip.AddrPort { return socketserver.RemoteOf(a.Conn) }

func (l *listener) Accept() (net.Conn, error) {
	nc, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &accepted{nc, l}, nil
}

// ServeTLS is Serve with TLS, HTTP/1.1 and HTTP/2. The files hold certificate
// chain and key and are read again when they change; they may be "" when
// TLSConfig has certificates.
func (s *Server) ServeTLS(l net.Listener, certFile, keyFile string) error {
	s.init()
	tc, err := s.tlsConfig(certFile, keyFile)
	if err != nil {
		l.Close()
		return err
	}
	s.h2.start(s)
	return s.serve(l, tc)
}

// ListenAndServe listens on Addr and calls Serve.
func (s *Server) ListenAndServe() error {
	l, err := s.listen(":http")
	if err != nil {
		return err
	}
	return s.Serve(l)
}

// ListenAndServeTLS listens on Addr and calls ServeTLS.
func (s *Server) ListenAndServeTLS(certFile, keyFile string) error {
	l, err := s.listen(":https")
	if err != nil {
		return err
	}
	return s.ServeTLS(l, certFile, keyFile)
}

func (s *Server) listen(fallback string) (net.Listener, error) {
	if s.inShutdown.Load() {
		return nil, ErrServerClosed
	}
	addr := s.Addr
	if addr == "" {
		addr = fallback
	}
	l, err := socketserver.Listen(addr, s.Backlog)
	if err == nil {
		socketserver.DeferAccept(l)
	}
	return l, err
}

// Shutdown stops accepting, lets requests finish, ends connections as they
// become idle, and returns when all have ended or ctx is done; then the rest
// is cut.
func (s *Server) Shutdown(ctx context.Context) error {
	s.init()
	s.inShutdown.Store(true)
	s.mu.Lock()
	for _, f := range s.onShutdown {
		go f()
	}
	s.mu.Unlock()
	h2done := s.h2.shutdown(ctx)
	err := s.socks.Shutdown(ctx)
	<-h2done
	return err
}

// Close stops accepting and cuts all connections but hijacked ones.
func (s *Server) Close() error {
	s.init()
	s.inShutdown.Store(true)
	err := s.socks.Close()
	s.h2.close()
	return err
}

// RegisterOnShutdown has f called, on a goroutine of its own, when Shutdown
// begins: for connections that were hijacked.
func (s *Server) RegisterOnShutdown(f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.onShutdown = append(s.onShutdown, f)
}

// SetKeepAlivesEnabled says whether connections outlive a request; they do by
// default. Those that are idle when they no longer may are ended.
func (s *Server) SetKeepAlivesEnabled(v bool) {
	s.noKeep.Store(!v)
	if !v {
		s.socks.WakeWaiting()
	}
}

// ListenAndServe serves h on addr until the process ends.
func ListenAndServe(addr string, h http.Handler) error {
	return (&Server{Addr: addr, Handler: h}).ListenAndServe()
}

// Serve serves h on l until the process ends.
func Serve(l net.Listener, h http.Handler) error {
	return (&Server{Handler: h}).Serve(l)
}
