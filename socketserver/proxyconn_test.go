package socketserver_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"freshet/httpd"
	"freshet/socketserver"
)

// loopback trusts this machine.
var loopback = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")}

const header1 = "PROXY TCP4 192.0.2.1 198.51.100.2 5000 80\r\n"

func header2(t *testing.T, h socketserver.ProxyHeader) string {
	t.Helper()
	b, err := h.Append(nil)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// whoami answers each line with the addresses and what the proxy says.
var whoami = socketserver.StreamFunc(socketserver.StreamOptions{}, func(s *socketserver.Stream) error {
	h, _ := s.Proxy()
	for {
		line, err := s.ReadLine()
		if err != nil {
			return err
		}
		fmt.Fprintf(s, "%s: %v to %v", line, s.RemoteAddr(), s.LocalAddr())
		if h != nil && h.Authority() != "" {
			fmt.Fprintf(s, " for %s", h.Authority())
		}
		fmt.Fprintln(s)
	}
})

// proxied serves Process with a PROXY header.
var proxied = forker(&socketserver.Server{Name: "proxied", Handler: whoami, Proxy: &socketserver.ProxyProtocol{Trusted: loopback}})

// proxyServer serves whoami behind the PROXY protocol.
func proxyServer(t *testing.T, p socketserver.ProxyProtocol) (net.Listener, <-chan error) {
	l := listen(t, "127.0.0.1:0")
	s := &socketserver.Server{Handler: whoami, Proxy: &p, MaxConnsPerClient: -1}
	errs := hookErrors(s)
	serve(t, s, l)
	return l, errs
}

func hookErrors(s *socketserver.Server) <-chan error {
	errs := make(chan error, 100)
	s.OnError = func(_ *socketserver.Conn, err error) { errs <- err }
	return errs
}

// answers sends in and returns all that comes back.
func answers(t *testing.T, c net.Conn, in ...string) string {
	t.Helper()
	for _, part := range in {
		io.WriteString(c, part) // it fails when the server does not wait for it
	}
	c.(interface{ CloseWrite() error }).CloseWrite()
	b, _ := io.ReadAll(c) // a reset is an end, too
	return string(b)
}

func TestProxyHeaderOfAConnection(t *testing.T) {
	addr := netip.MustParseAddrPort
	four := socketserver.ProxyHeader{Source: addr("192.0.2.1:5000"), Destination: addr("198.51.100.2:80")}
	with := func(f func(*socketserver.ProxyHeader)) string { h := four; f(&h); return header2(t, h) }
	const client, peer = "192.0.2.1:5000 to 198.51.100.2:80", "PEER to SELF"
	models := []socketserver.Model{socketserver.PerConnection, socketserver.Pool(2)}
	if runtime.GOOS != "windows" {
		models = append(models, socketserver.Process)
	}
	for _, m := range models {
		l := listen(t, "127.0.0.1:0")
		serve(t, &socketserver.Server{Name: proxied.Name, Model: m, Handler: whoami, Proxy: proxied.Proxy}, l)
		for name, c := range map[string]struct{ header, want string }{
			"v1":         {header1, client},
			"v1 unknown": {"PROXY UNKNOWN " + strings.Repeat("x", 91) + "\r\n", peer},
			"v2":         {header2(t, four), client},
			"v2, IPv6": {with(func(h *socketserver.ProxyHeader) {
				h.Source, h.Destination = addr("[2001:db8::1]:1"), addr("[2001:db8::2]:2")
			}), "[2001:db8::1]:1 to [2001:db8::2]:2"},
			"v2, Unix": {with(func(h *socketserver.ProxyHeader) {
				h.Unix, h.SourcePath, h.DestinationPath = true, "/c", "/s"
			}), "/c to /s"},
			"v2, local": {with(func(h *socketserver.ProxyHeader) { h.Local = true }), peer},
			"v2, UDP":   {with(func(h *socketserver.ProxyHeader) { h.Datagram = true }), peer},
			"v2, TLVs": {with(func(h *socketserver.ProxyHeader) {
				h.TLVs = []socketserver.TLV{{Type: socketserver.TLVNoop, Value: make([]byte, 3000)},
					{Type: socketserver.TLVAuthority, Value: []byte("example.org")}, {Type: socketserver.TLVChecksum}}
			}), client + " for example.org"},
		} {
			t.Run(m.String()+"/"+name, func(t *testing.T) {
				c2 := dial(t, l)
				want := strings.NewReplacer("PEER", c2.LocalAddr().String(), "SELF", c2.RemoteAddr().String()).Replace(c.want)
				if got := answers(t, c2, c.header+"a\nb\n"); got != "a: "+want+"\nb: "+want+"\n" {
					t.Errorf("%q, want %q", got, want)
				}
			})
		}
	}
}

// A header that comes byte by byte is one, and other clients do not wait for it.
func TestProxyHeaderDrips(t *testing.T) {
	l, _ := proxyServer(t, socketserver.ProxyProtocol{Trusted: loopback, Timeout: time.Minute})
	v2 := header2(t, socketserver.ProxyHeader{Source: netip.MustParseAddrPort("192.0.2.1:5000"), Destination: netip.MustParseAddrPort("198.51.100.2:80")})
	for _, header := range []string{header1, v2} {
		slow := dial(t, l)
		slow.(*net.TCPConn).SetNoDelay(true)
		for i := range header {
			if i == len(header)/2 {
				if got := answers(t, dial(t, l), header1, "x\n"); got != "x: 192.0.2.1:5000 to 198.51.100.2:80\n" {
					t.Errorf("beside a slow one: %q", got)
				}
			}
			io.WriteString(slow, header[i:i+1])
		}
		if got := answers(t, slow, "x\n"); got != "x: 192.0.2.1:5000 to 198.51.100.2:80\n" {
			t.Errorf("slow: %q", got)
		}
	}
}

func TestProxyRefusals(t *testing.T) {
	others := []netip.Prefix{netip.MustParsePrefix("203.0.113.0/24")}
	long := "\r\n\r\n\x00\r\nQUIT\n\x21\x11\x10\x01"
	required, optional := socketserver.ProxyRequired, socketserver.ProxyOptional
	for name, c := range map[string]struct {
		trusted []netip.Prefix
		policy  socketserver.ProxyPolicy
		in      string
		err     error // none: answered
	}{
		"required, trusted, none":          {loopback, required, "x\n", socketserver.ErrNoProxyHeader},
		"required, trusted, malformed":     {loopback, required, "PROXY x\r\n", socketserver.ErrProxyHeader},
		"required, trusted, half":          {loopback, required, "PROXY TCP4 ", socketserver.ErrProxyHeader},
		"required, trusted, too long":      {loopback, required, long, socketserver.ErrProxyHeader},
		"required, others, header":         {others, required, header1, socketserver.ErrProxyUntrusted},
		"required, others, none":           {others, required, "x\n", socketserver.ErrProxyUntrusted},
		"required, nobody trusted, header": {nil, required, header1, socketserver.ErrProxyUntrusted},

		"optional, trusted, none":         {loopback, optional, "x\n", nil},
		"optional, trusted, similar":      {loopback, optional, "PROPANE\n", nil},
		"optional, trusted, shorter":      {loopback, optional, "PRO\n", nil},
		"optional, trusted, malformed":    {loopback, optional, "PROXY x\r\n", socketserver.ErrProxyHeader},
		"optional, others, none":          {others, optional, "x\n", nil},
		"optional, others, similar":       {others, optional, "\r\nx\n", nil},
		"optional, others, header":        {others, optional, header1, socketserver.ErrProxyUntrusted},
		"optional, others, malformed":     {others, optional, "PROXY x\r\n", socketserver.ErrProxyUntrusted},
		"optional, others, half of one":   {others, optional, "PROXY TCP4", socketserver.ErrProxyUntrusted},
		"optional, others, signature":     {others, optional, long[:12], socketserver.ErrProxyUntrusted},
		"optional, nobody, header":        {nil, optional, header1, socketserver.ErrProxyUntrusted},
		"optional, nobody, none":          {nil, optional, "x\n", nil},
		"optional, trusted, end of it":    {loopback, optional, "PROXY", nil},
		"optional, trusted, nothing sent": {loopback, optional, "", nil},
	} {
		t.Run(name, func(t *testing.T) {
			l, errs := proxyServer(t, socketserver.ProxyProtocol{Trusted: c.trusted, Policy: c.policy})
			conn := dial(t, l)
			got := answers(t, conn, c.in)
			if c.err == nil {
				want := ""
				if lines := strings.Count(c.in, "\n"); lines > 0 {
					want = fmt.Sprintf(": %v to %v\n", conn.LocalAddr(), conn.RemoteAddr())
				}
				if !strings.HasSuffix(got, want) || got == "" != (want == "") {
					t.Errorf("%q, want the peer's own address", got)
				}
				return
			}
			if got != "" {
				t.Errorf("answered %q", got)
			}
			select {
			case err := <-errs:
				if !errors.Is(err, c.err) {
					t.Errorf("%v, want %v", err, c.err)
				}
			case <-time.After(time.Minute):
				t.Error("no error was reported")
			}
		})
	}
}

// A client that does not send its header, or not to the end, is cut off; one
// that only looks whether there is somebody is no error.
func TestProxyTimeout(t *testing.T) {
	for _, sent := range []string{"", "PROXY TCP4 "} {
		l, errs := proxyServer(t, socketserver.ProxyProtocol{Trusted: loopback, Timeout: 20 * time.Millisecond})
		c := dial(t, l)
		io.WriteString(c, sent)
		if b, err := io.ReadAll(c); len(b) > 0 || errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("after %q: %q, %v", sent, b, err)
		}
		if err := <-errs; !errors.Is(err, socketserver.ErrProxyHeader) || !strings.Contains(err.Error(), "within 20ms") {
			t.Error(err)
		}
	}
	l, errs := proxyServer(t, socketserver.ProxyProtocol{Trusted: loopback})
	if got := answers(t, dial(t, l)); got != "" {
		t.Errorf("%q", got)
	}
	select {
	case err := <-errs:
		t.Error(err)
	default:
	}
}

// With ProxyOptional the header's time begins with its first byte.
func TestProxyOptionalWaitsForTheFirstByte(t *testing.T) {
	l, _ := proxyServer(t, socketserver.ProxyProtocol{Trusted: loopback, Policy: socketserver.ProxyOptional, Timeout: time.Nanosecond})
	c := dial(t, l)
	if got := answers(t, c, "x\n"); !strings.HasPrefix(got, "x: 127.0.0.1") {
		t.Errorf("%q", got)
	}
}

// A deadline of the connection's user ends a wait for the header, which can be
// taken up again.
func TestProxyDeadlineOfTheUser(t *testing.T) {
	p := socketserver.ProxyProtocol{Trusted: loopback}
	l := p.Listener(listen(t, "127.0.0.1:0"))
	defer l.Close()
	client := dial(t, l)
	io.WriteString(client, header1[:20])
	nc, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	for _, set := range []func(time.Time) error{nc.SetDeadline, nc.SetReadDeadline} {
		set(time.Now().Add(time.Millisecond))
		if _, err := nc.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("read: %v", err)
		}
		set(time.Time{})
	}
	io.WriteString(client, header1[20:]+"x")
	b := make([]byte, 10)
	if n, err := nc.Read(b); err != nil || string(b[:n]) != "x" || nc.RemoteAddr().String() != "192.0.2.1:5000" {
		t.Errorf("%q, %v from %v", b[:n], err, nc.RemoteAddr())
	}
	nc.SetReadDeadline(time.Now().Add(time.Millisecond))
	if _, err := nc.Read(b); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("behind the header: %v", err)
	}
	if peer := nc.(*socketserver.ProxyConn).Peer().String(); peer != client.LocalAddr().String() {
		t.Errorf("peer %s", peer)
	}
}

// A drain does not wait for headers.
func TestProxyDrain(t *testing.T) {
	l := listen(t, "127.0.0.1:0")
	p := socketserver.ProxyProtocol{Trusted: loopback, Timeout: time.Hour}
	s := &socketserver.Server{Handler: whoami, Proxy: &p}
	errs := hookErrors(s)
	serve(t, s, l)
	dial(t, l)
	for s.Len() == 0 {
		time.Sleep(time.Millisecond)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if err := s.Shutdown(ctx); err != nil {
		t.Error(err)
	}
	select {
	case err := <-errs:
		t.Error(err)
	default:
	}
}

// Peers on a Unix socket are trusted: its mode says who may be one.
func TestProxyOnUnixSocket(t *testing.T) {
	l := listen(t, "unix:"+filepath.Join(t.TempDir(), "s"))
	serve(t, &socketserver.Server{Handler: whoami, Proxy: &socketserver.ProxyProtocol{}}, l)
	if got := answers(t, dial(t, l), header1, "x\n"); got != "x: 192.0.2.1:5000 to 198.51.100.2:80\n" {
		t.Errorf("%q", got)
	}
}

// The limit of connections per client counts peers, before and after a header.
func TestProxyLimitsCountPeers(t *testing.T) {
	l := listen(t, "127.0.0.1:0")
	s := &socketserver.Server{Handler: whoami, MaxConnsPerClient: 2, Proxy: &socketserver.ProxyProtocol{Trusted: loopback}}
	serve(t, s, l)
	for range 3 { // rounds: what was counted is counted off
		var open []net.Conn
		for i := range 2 {
			c := dial(t, l)
			fmt.Fprintf(c, "PROXY TCP4 192.0.2.%d 198.51.100.2 5000 80\r\nx\n", i)
			b := make([]byte, 3)
			if _, err := io.ReadFull(c, b); err != nil || string(b) != "x: " {
				t.Fatalf("%q, %v", b, err)
			}
			open = append(open, c)
		}
		if got := answers(t, dial(t, l), header1, "x\n"); got != "" {
			t.Errorf("beyond the limit: %q", got)
		}
		for _, c := range open {
			c.Close()
		}
		for s.Len() > 0 {
			time.Sleep(time.Millisecond)
		}
	}
	if n := s.Counts(); n.Accepted != 6 || n.Refused != 3 {
		t.Errorf("counted %+v", n)
	}
}

// The HTTP engine behind the listener sees the client.
func TestProxyUnderHTTP(t *testing.T) {
	p := socketserver.ProxyProtocol{Trusted: loopback}
	l := p.Listener(listen(t, "127.0.0.1:0"))
	socketserver.DeferAccept(l)
	s := &httpd.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintln(w, r.RemoteAddr)
	})}
	served := make(chan error, 1)
	go func() { served <- s.Serve(l) }()
	const get = "GET / HTTP/1.1\r\nHost: x\r\n\r\n"
	const last = "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
	got := answers(t, dial(t, l), header1+get, get, last)
	if n := strings.Count(got, "\r\n\r\n192.0.2.1:5000\n"); n != 3 {
		t.Errorf("%d answers of 3 in %q", n, got)
	}
	if got := answers(t, dial(t, l), get); got != "" && !strings.HasPrefix(got, "HTTP/1.1 400") {
		t.Errorf("without a header: %q", got)
	}
	s.Close()
	<-served
}
