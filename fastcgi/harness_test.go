package fastcgi_test

import (
	"fmt"
	"io"
	"log"
	"log/slog"
	"net"
	"net/http"
	"net/http/fcgi"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"freshet/fastcgi"
	"freshet/httpd"
)

// patience is how long a test waits for what must happen.
const patience = 2 * time.Minute

var (
	quiet      = slog.New(slog.DiscardHandler)
	discardLog = log.New(io.Discard, "", 0)
)

// newHandler returns a handler for the options.
func newHandler(t testing.TB, o fastcgi.Options) *fastcgi.Handler {
	t.Helper()
	if o.ErrorLog == nil {
		o.ErrorLog = quiet
	}
	h, err := fastcgi.New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { h.Close() })
	return h
}

// records keeps the records of a server under test.
type records struct{ got chan httpd.Record }

func (s *records) Record(r *httpd.Record) {
	c := *r
	c.Method, c.Target, c.Proto, c.Host = strings.Clone(r.Method), strings.Clone(r.Target), strings.Clone(r.Proto), strings.Clone(r.Host)
	select {
	case s.got <- c:
	default:
	}
}

// next waits for the next record.
func (s *records) next(t testing.TB) httpd.Record {
	t.Helper()
	select {
	case r := <-s.got:
		return r
	case <-time.After(patience):
		t.Fatal("no record")
	}
	return httpd.Record{}
}

func (s *records) rule(t testing.TB) string {
	t.Helper()
	return s.next(t).Rule.String()
}

// serve serves h with the engine and returns its address.
func serve(t testing.TB, h http.Handler) (url string, recs *records) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	recs = &records{got: make(chan httpd.Record, 1024)}
	srv := &httpd.Server{Handler: h, Sink: recs, ErrorLog: discardLog, MaxBodyBytes: -1}
	done := make(chan struct{})
	go func() { defer close(done); srv.Serve(l) }()
	t.Cleanup(func() { srv.Close(); <-done })
	return "http://" + l.Addr().String(), recs
}

// newClient returns a client whose connections end with the test.
func newClient(t testing.TB) *http.Client {
	tr := &http.Transport{MaxIdleConnsPerHost: 64}
	t.Cleanup(tr.CloseIdleConnections)
	return &http.Client{Transport: tr, Timeout: 2 * patience, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

// listen listens on a TCP port or a Unix socket, and returns the address as
// Options have it.
func listen(t testing.TB, network string) (net.Listener, string) {
	t.Helper()
	address := "127.0.0.1:0"
	if network == "unix" {
		address = filepath.Join(shortDir(t), "s")
	}
	l, err := net.Listen(network, address)
	if err != nil {
		t.Fatal(err)
	}
	if network == "unix" {
		return l, "unix:" + address
	}
	return l, l.Addr().String()
}

// shortDir is a directory with a path that fits into the address of a socket.
func shortDir(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "fcgi")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

// goBackend is the standard library's FastCGI server with a handler.
func goBackend(t testing.TB, network string, h http.HandlerFunc) string {
	t.Helper()
	l, address := listen(t, network)
	conns := &trackedListener{Listener: l}
	done := make(chan struct{})
	go func() { defer close(done); fcgi.Serve(conns, h) }()
	t.Cleanup(func() { l.Close(); <-done; conns.closeAll() })
	return address
}

// trackedListener closes at the end what the standard library leaves open.
type trackedListener struct {
	net.Listener
	mu    sync.Mutex
	conns []net.Conn
}

func (l *trackedListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err == nil {
		l.mu.Lock()
		l.conns = append(l.conns, c)
		l.mu.Unlock()
	}
	return c, err
}

func (l *trackedListener) closeAll() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, c := range l.conns {
		c.Close()
	}
}

// get asks for a URL and returns the whole answer.
func get(t testing.TB, client *http.Client, url string) (*http.Response, string) {
	t.Helper()
	resp, err := client.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, string(b)
}

// eventually polls for what happens outside of the test.
func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for late := time.Now().Add(patience); !ok(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(late) {
			t.Fatalf("not within %v: %s", patience, what)
		}
	}
}

// write makes files below a folder; names with a slash at their end are folders.
func write(t testing.TB, dir string, files map[string]string) {
	t.Helper()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if strings.HasSuffix(name, "/") {
			if err := os.MkdirAll(path, 0o755); err != nil {
				t.Fatal(err)
			}
			continue
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// work is what a worker does.
func work(mode string) {
	switch mode {
	case "die":
		fmt.Fprintln(os.Stderr, "there is no reason to live")
		os.Exit(3)
	case "accept and die":
		if l, err := net.FileListener(os.Stdin); err == nil {
			if c, err := l.Accept(); err == nil {
				c.Close()
			}
		}
		time.Sleep(20 * time.Millisecond) // its end is not seen before the broken connection
		os.Exit(3)
	case "serve", "once":
		l, err := net.FileListener(os.Stdin)
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		if mode == "once" {
			l = &onceListener{Listener: l}
		}
		fcgi.Serve(l, http.HandlerFunc(worked))
	}
}

// onceListener hears once; then its socket is closed, and it never ends.
type onceListener struct {
	net.Listener
	heard bool
}

func (l *onceListener) Accept() (net.Conn, error) {
	if l.heard {
		select {}
	}
	l.heard = true
	c, err := l.Listener.Accept()
	l.Listener.Close()
	os.Stdin.Close() // the socket has two descriptors
	return c, err
}

// worked is the handler of workers.
func worked(w http.ResponseWriter, r *http.Request) {
	switch r.URL.Path {
	case "/exit":
		os.Exit(0)
	case "/hang":
		time.Sleep(time.Hour)
	case "/held": // until the test at this address closes the connection, or listens no more
		if c, err := net.Dial("tcp", r.URL.RawQuery); err == nil {
			io.Copy(io.Discard, c)
			c.Close()
		}
	}
	fmt.Fprintf(w, "pid %d", os.Getpid())
}

// dialRaw connects to a server of a test.
func dialRaw(t testing.TB, url string) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", strings.TrimPrefix(url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	c.SetDeadline(time.Now().Add(patience))
	t.Cleanup(func() { c.Close() })
	return c
}
