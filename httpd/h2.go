package httpd

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"freshet/internal/record"
	"freshet/internal/rule"
	"freshet/internal/wire"
)

// h2Bridge serves HTTP/2 through the standard library, until an engine of our
// own takes its place: a hidden http.Server gets TLS connections whose
// handshake is done from a listener that is a channel. Accepting, limits on
// connections and shutdown stay ours; requests pass our validators first.
type h2Bridge struct {
	mu    sync.Mutex   // guards srv and ended
	srv   *http.Server // nil until start
	ended bool         // the server was stopped
	conns chan net.Conn
	done  chan struct{}
	stop  sync.Once
	given sync.Map // *tls.Conn to *given
	log   h2Log
}

// given is a connection that the hidden server has.
type given struct {
	ctx    context.Context // of its requests
	ended  chan struct{}
	spoken atomic.Bool // the preface has come (RFC 9113 §3.4)
}

// maxStreams bounds the concurrent requests of one HTTP/2 connection.
const maxStreams = 128

// start reports whether there is a hidden server, which it starts once.
func (b *h2Bridge) start(s *Server) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.srv == nil && !b.ended {
		b.conns = make(chan net.Conn)
		b.done = make(chan struct{})
		b.log.say = s.logf
		protocols := new(http.Protocols)
		protocols.SetHTTP2(true)
		b.srv = &http.Server{
			Handler:        http.HandlerFunc(s.serveH2),
			Protocols:      protocols,
			HTTP2:          &http.HTTP2Config{MaxConcurrentStreams: maxStreams},
			IdleTimeout:    s.times.idle,
			ReadTimeout:    s.ReadTimeout,
			WriteTimeout:   s.WriteTimeout,
			MaxHeaderBytes: 2 * s.limits.HeadBytes(), // ours says 431 first, and records it
			ErrorLog:       log.New(&b.log, "", 0),
			ConnContext: func(ctx context.Context, nc net.Conn) context.Context {
				if g, ok := b.given.Load(nc); ok {
					return g.(*given).ctx
				}
				return ctx
			},
			ConnState: func(nc net.Conn, st http.ConnState) {
				g, ok := b.given.Load(nc)
				switch {
				case !ok:
				case st == http.StateActive:
					g.(*given).spoken.Store(true)
				case st == http.StateClosed:
					close(g.(*given).ended)
				}
			},
			DisableGeneralOptionsHandler: s.DisableGeneralOptionsHandler,
		}
		go b.srv.Serve(b)
	}
	return b.srv != nil
}

// end returns the hidden server, nil if it did not start and never will.
func (b *h2Bridge) end() *http.Server {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.ended = true
	return b.srv
}

// serve has a connection served until it is over.
func (b *h2Bridge) serve(s *Server, tc *tls.Conn, ctx context.Context) {
	if !b.start(s) {
		return
	}
	g := &given{ctx: ctx, ended: make(chan struct{})}
	b.given.Store(tc, g)
	defer b.given.Delete(tc)
	select {
	case b.conns <- tc:
		<-g.ended
	case <-b.done:
	}
}

// Accept, Close and Addr make the bridge a net.Listener.
func (b *h2Bridge) Accept() (net.Conn, error) {
	select {
	case c := <-b.conns:
		return c, nil
	case <-b.done:
		return nil, net.ErrClosed
	}
}

func (b *h2Bridge) Close() error {
	b.stop.Do(func() { close(b.done) })
	return nil
}

func (b *h2Bridge) Addr() net.Addr { return &net.UnixAddr{Name: "h2", Net: "unix"} }

// silentAfter is how long a connection may still begin to speak when the server
// stops: as long as one that has been told to end may still send requests.
const silentAfter = time.Second

// shutdown ends all connections after their requests; the channel is closed
// when that is done.
func (b *h2Bridge) shutdown(ctx context.Context) <-chan struct{} {
	done := make(chan struct{})
	go func() {
		defer close(done)
		if srv := b.end(); srv != nil {
			defer time.AfterFunc(silentAfter, b.closeSilent).Stop()
			srv.Shutdown(ctx)
			b.log.end()
		}
	}()
	return done
}

// closeSilent ends connections on which nothing came since the handshake:
// browsers open some that they might need. The hidden server would wait ten
// seconds for their preface.
func (b *h2Bridge) closeSilent() {
	b.given.Range(func(tc, g any) bool {
		if !g.(*given).spoken.Load() {
			tc.(*tls.Conn).NetConn().Close()
		}
		return true
	})
}

func (b *h2Bridge) close() {
	if srv := b.end(); srv != nil {
		srv.Close()
		b.log.end()
	}
}

// serveH2 is the handler of the hidden server.
func (s *Server) serveH2(w http.ResponseWriter, r *http.Request) {
	start := time.Now()
	if s.ServerName != "-" {
		w.Header()["Server"] = []string{s.serverName()}
	}
	rw := &h2Response{ResponseWriter: w, notes: notes{why: rule.HandlerPanic}, srv: s, id: s.ids.request(), start: start, rc: http.NewResponseController(w)}
	if s.WriteTimeout <= 0 {
		rw.send = s.times.send
	}
	if s.Sink != nil {
		defer s.noteH2(rw, r)
	}
	defer s.recoverH2(rw, r)
	if broken := s.brokenH2(r); broken != 0 {
		row := rule.Of(broken)
		Error(rw, r, row.Status, row.Explain())
		rw.why = broken
		return
	}
	if limit := s.times.maxBody; limit >= 0 {
		if r.ContentLength > limit {
			row := rule.Of(rule.BodyTooLarge)
			Error(rw, r, row.Status, row.Explain())
			rw.why = rule.BodyTooLarge
			return
		}
		r.Body = http.MaxBytesReader(w, r.Body, limit)
	}
	if s.times.body > 0 && s.ReadTimeout <= 0 && r.ContentLength != 0 {
		r.Body = &h2Body{r.Body, rw.rc, s.times.body}
	}
	s.handler().ServeHTTP(rw, r)
	if rw.status == 0 {
		rw.begin(http.StatusOK) // net/http sends the head
	}
	if rw.why == rule.HandlerPanic {
		rw.why = rule.HandlerAnswered
	}
}

func (s *Server) serverName() string {
	if s.ServerName == "" {
		return "freshet"
	}
	return s.ServerName
}

// brokenH2 checks what the standard library lets through and HTTP/1 would not.
func (s *Server) brokenH2(r *http.Request) rule.ID {
	fields, octets := 1, len(r.Method)+len(r.RequestURI)+len(r.Host)
	for name, values := range r.Header {
		for _, v := range values {
			fields++
			octets += len(name) + len(v) + len(": \r\n")
		}
	}
	switch l := &s.limits; {
	case len(r.RequestURI) > l.TargetBytes():
		return rule.TargetTooLong
	case fields > l.Fields():
		return rule.TooManyFields
	case octets > l.HeadBytes():
		return rule.HeadTooLarge
	case r.Host == "" || !wire.ValidHost(r.Host):
		return rule.HostInvalid
	case !wire.ValidTarget(r.Method, r.RequestURI):
		return rule.BadTarget
	}
	return wire.CheckFields(r.Header)
}

func (s *Server) noteH2(w *h2Response, r *http.Request) {
	rec := Record{
		ID: w.id, Start: w.start.UnixNano(), Duration: int64(time.Since(w.start)), Waited: int64(w.waited),
		Method: r.Method, Target: r.RequestURI, Proto: r.Proto, Host: r.Host,
		Referer: r.Referer(), Agent: r.UserAgent(),
		Status: w.status, Bytes: w.bytes, TLS: r.TLS != nil,
	}
	rec.User, _, _ = r.BasicAuth()
	w.notes.fill(&rec)
	rec.Remote, _ = parseRemote(r.RemoteAddr)
	if rec.Status == 0 && w.why != rule.HandlerPanic {
		rec.Status = http.StatusOK
	}
	s.Sink.Record(&rec)
}

// h2Response counts what a handler sends.
type h2Response struct {
	http.ResponseWriter
	notes
	srv    *Server
	id     record.ID
	start  time.Time
	waited time.Duration // until the answer began
	status int
	bytes  int64
	rc     *http.ResponseController
	send   time.Duration // for each write; 0: no limit
}

// h2Body is a request body whose pauses have a limit.
type h2Body struct {
	io.ReadCloser
	rc    *http.ResponseController
	pause time.Duration
}

func (b *h2Body) Read(p []byte) (int, error) {
	b.rc.SetReadDeadline(time.Now().Add(b.pause))
	return b.ReadCloser.Read(p)
}

// recoverH2 does for a handler that panics what conn.run does.
func (s *Server) recoverH2(w *h2Response, r *http.Request) {
	p := recover()
	switch err, _ := p.(error); {
	case p == nil:
		return
	case errors.Is(err, http.ErrAbortHandler):
		w.why = rule.HandlerAborted
		panic(p)
	}
	stack := make([]byte, 64<<10)
	s.logf("panic serving %v: %v\n%s", r.RemoteAddr, p, stack[:runtime.Stack(stack, false)])
	if w.status != 0 {
		panic(http.ErrAbortHandler) // logged; what was begun is cut
	}
	clear(w.Header())
	Error(w, r, http.StatusInternalServerError, rule.Of(rule.HandlerPanic).Sentence)
}

// Unwrap lets http.ResponseController reach what is below.
func (w *h2Response) Unwrap() http.ResponseWriter { return w.ResponseWriter }

func (w *h2Response) WriteHeader(code int) {
	if w.status == 0 && code >= 200 {
		w.begin(code)
	}
	w.ResponseWriter.WriteHeader(code)
}

func (w *h2Response) Write(p []byte) (int, error) {
	if w.status == 0 {
		w.begin(http.StatusOK)
	}
	w.limit()
	n, err := w.ResponseWriter.Write(p)
	w.bytes += int64(n)
	return n, err
}

// begin notes that the answer begins.
func (w *h2Response) begin(status int) {
	w.status, w.waited = status, time.Since(w.start)
	if w.srv.showsID(status) {
		w.Header()["Freshet-Id"] = []string{w.id.String()}
	}
}

// Flush implements http.Flusher for handlers that look for it.
func (w *h2Response) Flush() { w.limit(); http.NewResponseController(w.ResponseWriter).Flush() }

// limit gives the client its time for what is written next.
func (w *h2Response) limit() {
	if w.send > 0 {
		w.rc.SetWriteDeadline(time.Now().Add(w.send))
	}
}
