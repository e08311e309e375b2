package proxy_test

import (
	"bufio"
	"crypto/tls"
	"io"
	"log"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"freshet/httpd"
	"freshet/internal/wiretest"
	"freshet/proxy"
)

// patience is how long a test waits for what must happen.
const patience = time.Minute

var quiet = slog.New(slog.DiscardHandler)

// everybody is a network that has every address.
var everybody = []netip.Prefix{netip.MustParsePrefix("0.0.0.0/0"), netip.MustParsePrefix("::/0")}

var discardLog = log.New(io.Discard, "", 0)

// newProxy returns a handler for the options.
func newProxy(t testing.TB, o proxy.Options) *proxy.Handler {
	t.Helper()
	if o.ErrorLog == nil {
		o.ErrorLog = quiet
	}
	h, err := proxy.New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(h.Close)
	return h
}

// records keeps the records of a server under test.
type records struct {
	mu  sync.Mutex
	all []httpd.Record
	got chan struct{}
}

func (s *records) Record(r *httpd.Record) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := *r
	c.Method, c.Target, c.Proto, c.Host = strings.Clone(r.Method), strings.Clone(r.Target), strings.Clone(r.Proto), strings.Clone(r.Host)
	s.all = append(s.all, c)
	s.got <- struct{}{}
}

// rule waits for the next record and returns its rule's name.
func (s *records) rule(t testing.TB) string {
	t.Helper()
	select {
	case <-s.got:
	case <-time.After(patience):
		t.Fatal("no record")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.all[len(s.all)-1].Rule.String()
}

// serve serves h with the engine and returns its address.
func serve(t testing.TB, h http.Handler) (addr string, recs *records) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	recs = &records{got: make(chan struct{}, 1024)}
	srv := &httpd.Server{Handler: h, Sink: recs, ErrorLog: discardLog}
	done := make(chan struct{})
	go func() { defer close(done); srv.Serve(l) }()
	t.Cleanup(func() { srv.Close(); <-done })
	return l.Addr().String(), recs
}

// eachFront runs f with h behind the engine (HTTP/1 and HTTP/2) and behind
// net/http.
func eachFront(t *testing.T, h http.Handler, f func(t *testing.T, url string, client *http.Client)) {
	t.Run("httpd", func(t *testing.T) {
		addr, _ := serve(t, h)
		f(t, "http://"+addr, newClient(t))
	})
	t.Run("httpd-h2", func(t *testing.T) {
		addr, client := serveH2(t, h)
		f(t, "https://"+addr, client)
	})
	t.Run("net-http", func(t *testing.T) {
		url := serveStd(t, h)
		f(t, url, newClient(t))
	})
}

// serveStd serves h with net/http. Clients that are made later end earlier.
func serveStd(t testing.TB, h http.Handler) (url string) {
	srv := httptest.NewUnstartedServer(h)
	srv.Config.ErrorLog = discardLog
	srv.Start()
	t.Cleanup(srv.Close)
	return srv.URL
}

func newClient(t testing.TB) *http.Client {
	tr := &http.Transport{DisableCompression: true}
	t.Cleanup(tr.CloseIdleConnections)
	return clientOf(tr)
}

func clientOf(tr *http.Transport) *http.Client {
	return &http.Client{
		Transport: tr, Timeout: patience,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// serveH2 serves h with the engine over TLS, and returns a client that speaks
// HTTP/2 to it.
func serveH2(t testing.TB, h http.Handler) (addr string, client *http.Client) {
	t.Helper()
	certs := httptest.NewUnstartedServer(nil)
	certs.StartTLS()
	cert := certs.TLS.Certificates[0]
	certs.Close()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	srv := &httpd.Server{
		Handler: h, ErrorLog: discardLog,
		TLSConfig: &tls.Config{Certificates: []tls.Certificate{cert}},
	}
	done := make(chan struct{})
	go func() { defer close(done); srv.ServeTLS(l, "", "") }()
	tr := &http.Transport{
		DisableCompression: true, ForceAttemptHTTP2: true,
		TLSClientConfig: &tls.Config{InsecureSkipVerify: true},
	}
	t.Cleanup(func() { tr.CloseIdleConnections(); srv.Close(); <-done })
	return l.Addr().String(), clientOf(tr)
}

// script is an origin that is played by the test: f gets each connection and a
// reader of it.
func script(t testing.TB, f func(c net.Conn, br *bufio.Reader)) (url string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	wiretest.Connections(t, l, func(c net.Conn) { f(c, bufio.NewReader(c)) })
	return "http://" + l.Addr().String()
}

// readHead reads a request head as it stands.
func readHead(br *bufio.Reader) (head string, err error) {
	for {
		line, err := br.ReadString('\n')
		head += line
		if err != nil || line == "\r\n" {
			return head, err
		}
	}
}

// answers is a script that gives every request of a connection the same
// answer, whose length it states.
func answers(raw string) func(c net.Conn, br *bufio.Reader) {
	return func(c net.Conn, br *bufio.Reader) {
		for {
			if _, err := readHead(br); err != nil {
				return
			}
			io.WriteString(c, raw)
		}
	}
}

// dial connects to a server under test.
func dial(t testing.TB, addr string) (net.Conn, *bufio.Reader) {
	t.Helper()
	c, err := net.Dial("tcp", strings.TrimPrefix(addr, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	c.SetDeadline(time.Now().Add(patience))
	return c, bufio.NewReader(c)
}

// talk sends raw on a new connection and returns all that comes back.
func talk(t testing.TB, addr, raw string) string {
	t.Helper()
	c, br := dial(t, addr)
	io.WriteString(c, raw)
	b, _ := io.ReadAll(br)
	return string(b)
}

// seen is an origin that answers 200 and keeps the head of the last request.
func seen(t testing.TB) (url string, heads chan string) {
	heads = make(chan string, 16)
	return script(t, func(c net.Conn, br *bufio.Reader) {
		for {
			head, err := readHead(br)
			if err != nil {
				return
			}
			heads <- head
			io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
		}
	}), heads
}

func receive[T any](t testing.TB, c <-chan T) T {
	t.Helper()
	select {
	case v := <-c:
		return v
	case <-time.After(patience):
		t.Fatal("nothing came")
		panic("unreachable")
	}
}
