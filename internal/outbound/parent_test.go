package outbound

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

func parent(t testing.TB, s string) *Parent {
	t.Helper()
	p, err := ParseParent(s)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// by makes a transport whose requests go by parents.
func by(t testing.TB, parents ...string) *Transport {
	tr := newTransport(t)
	tr.Parents = func(context.Context, string, string) (list []*Parent, err error) {
		for _, s := range parents {
			list = append(list, parent(t, s)) // each time anew: what they say is what counts
		}
		return list, nil
	}
	return tr
}

func TestParseParent(t *testing.T) {
	for s, text := range map[string]string{
		"direct": "direct", "a": "http://a:80", "a:3128": "http://a:3128", "https://a": "https://a:443",
		"socks5://u:p@[::1]": "socks5://[::1]:1080", "socks5h://a:9050/": "socks5h://a:9050", "http://u:p%40@a": "http://a:80",
	} {
		if p, err := ParseParent(s); err != nil || p.String() != text {
			t.Errorf("%q: %v %v", s, p, err)
		}
	}
	for _, s := range []string{"", "ftp://a", "http://", "http://a/b", "http://a?b", "http://a#b", "http://a:99999", "http://a b", "socks4://a",
		"socks5://secret:@a", "socks5://u@a", "http://u:secret%0d%0a@a", "http://u%3a:secret@a", "http://u:secret@a:b"} {
		p, err := ParseParent(s)
		if err == nil || strings.Contains(err.Error(), "secret") && !strings.Contains(s, "secret:@") {
			t.Errorf("%q: %v %v", s, p, err)
		}
	}
	if !(*Parent)(nil).Direct() || !new(Parent).Direct() || parent(t, "a").Direct() {
		t.Error("direct")
	}
}

// A request for http goes to a parent in absolute form, over connections that
// origins share.
func TestParentForwards(t *testing.T) {
	var mu sync.Mutex
	var heads []string
	for _, scheme := range []string{"http", "https"} {
		heads = nil
		play := func(p *peer) {
			for {
				h := p.head()
				if h == "" {
					return
				}
				mu.Lock()
				heads = append(heads, h)
				mu.Unlock()
				p.say("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi")
			}
		}
		var o *origin
		var tr *Transport
		if scheme == "http" {
			o = newOrigin(t, play)
			tr = by(t, "http://u:p@"+o.Addr().String())
		} else {
			var plain *Transport
			o, plain = newSecureOrigin(t, &tls.Config{}, play)
			tr = by(t, "https://u:p@"+o.Addr().String())
			tr.ParentTLS = plain.TLS
		}
		for _, c := range []struct{ method, url, opaque, host, want string }{
			{"GET", "http://a.test/x?y", "", "", "GET http://a.test/x?y HTTP/1.1\r\nHost: a.test\r\n"},
			{"GET", "http://b.test:81", "", "", "GET http://b.test:81/ HTTP/1.1\r\nHost: b.test:81\r\n"},
			{"OPTIONS", "http://b.test", "*", "", "OPTIONS http://b.test HTTP/1.1\r\nHost: b.test\r\n"},
			{"GET", "http://a.test/", "", "other.test", "GET http://a.test/ HTTP/1.1\r\nHost: other.test\r\n"},
			{"GET", "http://a.test/", "//a.test/%2F", "", "GET http://a.test/%2F HTTP/1.1\r\nHost: a.test\r\n"},
		} {
			req, _ := http.NewRequest(c.method, c.url, nil)
			req.Header.Set("Proxy-Authorization", "Basic mine")
			req.URL.Opaque, req.Host = c.opaque, c.host
			resp, body, err := do(tr, req)
			if err != nil || body != "hi" || resp.TLS != nil {
				t.Fatalf("%s: %q %v", c.url, body, err)
			}
			if got, want := heads[len(heads)-1], c.want+"Proxy-Authorization: Basic dTpw\r\n\r\n"; got != want {
				t.Errorf("%q, want %q", got, want)
			}
		}
		if n := o.conns.Load(); n != 1 {
			t.Errorf("%d connections", n)
		}
		tr.CloseIdleConnections()
	}
}

// tunnelling plays a parent that takes CONNECT: says is its answer, and after
// 2xx it leads to where to says.
func tunnelling(t testing.TB, says string, to func(target string) string) (*origin, *[]string) {
	var mu sync.Mutex
	heads := new([]string)
	return newOrigin(t, func(p *peer) { tunnel2(p, says, to, &mu, heads) }), heads
}

func tunnel2(p *peer, says string, to func(string) string, mu *sync.Mutex, heads *[]string) {
	head := p.head()
	if head == "" {
		return
	}
	mu.Lock()
	*heads = append(*heads, head)
	mu.Unlock()
	nc, err := net.Dial("tcp", to(strings.Fields(head)[1]))
	if err != nil {
		p.say("HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n")
		return
	}
	p.say(says)
	pipe(p, nc)
}

// pipe copies both ways until one end is closed.
func pipe(p *peer, nc net.Conn) {
	done := make(chan bool)
	go func() {
		io.Copy(struct{ io.Writer }{p.Conn}, struct{ io.Reader }{nc})
		p.Close()
		close(done)
	}()
	io.Copy(struct{ io.Writer }{nc}, struct{ io.Reader }{p.Reader})
	nc.Close()
	<-done
}

const established = "HTTP/1.1 200 Connection established\r\n\r\n"

// Requests for https go by a tunnel, which is used again.
func TestParentTunnels(t *testing.T) {
	for _, scheme := range []string{"http", "https", "socks5", "socks5h"} {
		for _, h2 := range []bool{false, true} {
			s, plain := newH2(t, func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, r.Proto) })
			addr := s.Listener.Addr().String()
			to := func(string) string { return addr }
			var o *origin
			var heads *[]string
			var tr *Transport
			switch scheme {
			case "http":
				o, heads = tunnelling(t, "HTTP/1.1 103 x\r\n\r\n"+established, to)
				tr = by(t, "http://u:p@"+o.Addr().String())
			case "https":
				heads = new([]string)
				var mu sync.Mutex
				var secured *Transport
				o, secured = newSecureOrigin(t, &tls.Config{}, func(p *peer) { tunnel2(p, established, to, &mu, heads) })
				tr = by(t, "https://u:p@"+o.Addr().String())
				tr.ParentTLS = secured.TLS
			default:
				k := &socksServer{user: "u", password: "p", to: to}
				o = newOrigin(t, k.play)
				tr = by(t, scheme+"://u:p@"+o.Addr().String())
			}
			tr.TLS, tr.HTTP2 = plain.TLS, h2
			proto := map[bool]string{false: "HTTP/1.1", true: "HTTP/2.0"}[h2]
			for range 3 {
				resp, body, err := get(t, tr, "https://"+addr+"/")
				if err != nil || body != proto || resp.TLS == nil {
					t.Fatalf("%s: %q %v", scheme, body, err)
				}
			}
			if n := o.conns.Load(); n != 1 {
				t.Errorf("%s, h2 %v: %d connections", scheme, h2, n)
			}
			if heads != nil {
				if want := "CONNECT " + addr + " HTTP/1.1\r\nHost: " + addr + "\r\nProxy-Authorization: Basic dTpw\r\n\r\n"; (*heads)[0] != want {
					t.Errorf("%q, want %q", (*heads)[0], want)
				}
			}
			tr.CloseIdleConnections()
		}
	}
}

// What a parent answers to CONNECT but success becomes an error that says so.
func TestParentRefuses(t *testing.T) {
	for _, c := range []struct {
		says   string
		kind   Kind
		status int
		text   string
	}{
		{"HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic\r\nContent-Length: 5\r\n\r\nhello", RequestError, 407, `answered 407 ("Proxy Authentication Required")`},
		{"HTTP/1.1 403 No\r\n\r\n", RequestDenied, 403, `answered 403 ("No")`},
		{"HTTP/1.0 502 \r\n\r\n", DestinationUnavailable, 502, "answered 502"},
		{"HTTP/1.1 504 x\r\n\r\n", ConnectionTimeout, 504, "answered 504"},
		{"HTTP/1.1 302 x\r\nLocation: http://evil.test/\r\n\r\n", ProtocolError, 302, "answered 302"},
		{"HTTP/1.1 502 x\r\nProxy-Status: far; error=dns_error, near; error=dns_timeout; details=\"a;error=x, b\"\r\n\r\n", DNSTimeout, 502, "answered 502"},
		{"HTTP/1.1 502 x\r\nProxy-Status: near; error=no_such_error\r\n\r\n", DestinationUnavailable, 502, "answered 502"},
		{"HTTP/1.1 101 x\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n", ProtocolError, 0, "protocol"},
		{"SSH-2.0-x\r\n", ProtocolError, 0, "HTTP/"},
		{"HTTP/1.1 200 OK\nX: y\n\n", ProtocolError, 0, ""},
		{"HTTP/1.1 200 OK\r\nX: " + strings.Repeat("y", 70<<10), ResponseHeadSize, 0, ""},
		{strings.Repeat("HTTP/1.1 103 x\r\n\r\n", 17), ProtocolError, 0, ""},
		{"HTTP/1.1 200 OK\r\nX", ConnectionTerminated, 0, "unexpected EOF"},
	} {
		o := newOrigin(t, func(p *peer) { p.head(); p.say(c.says); p.CloseWrite(); p.gone() })
		tr := by(t, "http://"+o.Addr().String(), "http://never.invalid")
		_, err := tr.Tunnel(t.Context(), "a.test:443")
		want(t, err, c.kind, true)
		var refused *ParentError
		if !errors.As(err, &refused) || refused.Status != c.status || refused.Parent != "http://"+o.Addr().String() || !strings.Contains(err.Error(), c.text) {
			t.Errorf("%.40q: %v", c.says, err)
		}
		if c.status == 502 && strings.Contains(c.says, "Proxy-Status") != (refused.ProxyStatus != "") {
			t.Errorf("%.40q: %+v", c.says, refused)
		}
	}
}

// CloseWrite closes the writing side of a peer's connection.
func (p *peer) CloseWrite() {
	if half, ok := p.Conn.(interface{ CloseWrite() error }); ok {
		half.CloseWrite()
	}
}

// A parent that does not answer in time.
func TestParentSlow(t *testing.T) {
	for _, scheme := range []string{"http", "socks5h"} {
		o := newOrigin(t, func(p *peer) {
			if scheme == "socks5h" {
				io.ReadFull(p, make([]byte, 3))
				p.say("\x05\x00")
			}
			p.gone()
		})
		tr := by(t, scheme+"://"+o.Addr().String())
		tr.ConnectTimeout = 50 * time.Millisecond
		_, err := tr.Tunnel(t.Context(), "a.test:443")
		want(t, err, ConnectionTimeout, true)

		ctx, cancel := context.WithCancel(t.Context())
		tr = by(t, scheme+"://"+o.Addr().String())
		tr.Dial = func(ctx context.Context, network, addr string) (net.Conn, error) {
			nc, err := new(net.Dialer).DialContext(ctx, network, addr)
			cancel()
			return nc, err
		}
		_, err = tr.Tunnel(ctx, "a.test:443")
		want(t, err, Canceled, false)
	}
}

// unreachable returns an address that refuses connections.
func unreachable(t testing.TB) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// The next parent is tried when one cannot be reached, also with a body, and for
// a while then the other comes first.
func TestParentFailover(t *testing.T) {
	up := newOrigin(t, func(p *peer) {
		for p.head() != "" {
			b := make([]byte, 5)
			io.ReadFull(p, b)
			p.say("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n" + string(b))
		}
	})
	mute := newOrigin(t, func(p *peer) { p.head() }) // closes
	down := unreachable(t)
	tr := by(t, "http://"+down, "http://"+up.Addr().String())
	var mu sync.Mutex
	var dialled []string
	tr.Dial = func(ctx context.Context, network, addr string) (net.Conn, error) {
		mu.Lock()
		dialled = append(dialled, addr)
		mu.Unlock()
		return new(net.Dialer).DialContext(ctx, network, addr)
	}
	for range 2 {
		req, _ := http.NewRequest("POST", "http://a.test/", io.MultiReader(strings.NewReader("hello")))
		req.ContentLength = 5
		if _, body, err := do(tr, req); err != nil || body != "hello" {
			t.Fatal(body, err)
		}
	}
	if got, want := strings.Join(dialled, " "), down+" "+up.Addr().String(); got != want {
		t.Errorf("dialled %s, want %s", got, want)
	}
	// One that closes without an answer counts as down for a tunnel.
	tunnels, _ := tunnelling(t, established, func(string) string { return up.Addr().String() })
	tr = by(t, "http://"+mute.Addr().String(), "socks5h://"+down, "http://"+tunnels.Addr().String())
	for range 2 {
		nc, err := tr.Tunnel(t.Context(), "a.test:80")
		if err != nil {
			t.Fatal(err)
		}
		nc.Close()
	}
	if mute.conns.Load() != 1 {
		t.Error("the parent that is down was tried again")
	}
	tr.mu.Lock()
	for _, k := range tr.parents { // the time is over
		if left := time.Until(k.shun); !k.shun.IsZero() && (left <= 0 || left > shunTime) {
			t.Error(left)
		}
		k.shun = k.shun.Add(-shunTime)
	}
	tr.mu.Unlock()
	nc, err := tr.Tunnel(t.Context(), "a.test:80")
	if err != nil || mute.conns.Load() != 2 {
		t.Fatal(err, mute.conns.Load())
	}
	nc.Close()
	// All are down: all are tried each time.
	tr = by(t, "http://"+down, "socks5h://"+down)
	for range 2 {
		_, _, err := get(t, tr, "http://a.test/")
		want(t, err, ConnectionRefused, true)
		var failed *ParentError
		if !errors.As(err, &failed) {
			t.Error(err)
		}
	}
	// "direct" is one of the list.
	o := answers(t, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi")
	tr = by(t, "http://"+down, "direct")
	if _, body, err := get(t, tr, o.url); err != nil || body != "hi" {
		t.Error(body, err)
	}
	// A function that fails.
	tr.Parents = func(context.Context, string, string) ([]*Parent, error) { return nil, errors.New("no idea") }
	_, _, err = get(t, tr, o.url)
	want(t, err, ProxyConfiguration, false)
}

// What the destination says before anything is sent is not lost.
func TestTunnelEarly(t *testing.T) {
	o := newOrigin(t, func(p *peer) { p.head(); p.say(established + "220 hello\r\n"); p.echo(); p.say("end") })
	nc, err := by(t, "http://"+o.Addr().String()).Tunnel(t.Context(), "a.test:25")
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	io.WriteString(nc, "echo")
	nc.(interface{ CloseWrite() error }).CloseWrite()
	if b, err := io.ReadAll(nc); string(b) != "220 hello\r\nechoend" || err != nil {
		t.Errorf("%q %v", b, err)
	}
	// Without a parent.
	o = newOrigin(t, func(p *peer) { p.echo() })
	tr := newTransport(t)
	nc, err = tr.Tunnel(t.Context(), o.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	nc.Close()
	tr.Guard = &Guard{}
	_, err = tr.Tunnel(t.Context(), o.Addr().String())
	want(t, err, DestinationProhibited, false)
	for _, s := range []string{"", "a", "a:", ":1", "a:b", "a:1\r\nX: y", "a/b:1", "u@a:1"} {
		_, err = tr.Tunnel(t.Context(), s)
		want(t, err, RequestError, false)
	}
}

// A parent may be on a private address, what goes by it may not.
func TestParentGuarded(t *testing.T) {
	o := answers(t, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi")
	k := &socksServer{to: func(string) string { return o.Addr().String() }}
	socks := newOrigin(t, k.play)
	for _, scheme := range []string{"http", "socks5", "socks5h"} {
		at := o.Addr().String()
		if scheme != "http" {
			at = socks.Addr().String()
		}
		tr := by(t, scheme+"://"+at)
		tr.Guard = &Guard{Resolve: resolver(map[string][]string{"a.test": {"93.184.216.34"}, "b.test": {"127.0.0.1"}})}
		if _, body, err := get(t, tr, "http://a.test/"); err != nil || body != "hi" {
			t.Errorf("%s: %q %v", scheme, body, err)
		}
		hosts := []string{"127.0.0.1", "[::1]:81", "localhost"}
		if scheme == "socks5" {
			hosts = []string{"127.0.0.1", "[::1]:81", "b.test"}
		}
		for _, host := range hosts {
			_, _, err := get(t, tr, "http://"+host+"/")
			want(t, err, DestinationProhibited, false)
		}
		_, err := tr.Tunnel(t.Context(), "127.0.0.1:22")
		want(t, err, DestinationProhibited, false)
		tr.CloseIdleConnections()
	}
	if got, want := k.asked(), "93.184.216.34:80 a.test:80"; got != want {
		t.Errorf("asked for %s, want %s", got, want)
	}
}

// A parent that had led to an origin by HTTP/2 and is gone.
func TestParentFailoverH2(t *testing.T) {
	s, plain := newH2(t, func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, r.Proto) })
	addr := s.Listener.Addr().String()
	to := func(string) string { return addr }
	first, _ := tunnelling(t, established, to)
	second, _ := tunnelling(t, established, to)
	tr := by(t, "http://"+first.Addr().String(), "http://"+second.Addr().String())
	tr.TLS, tr.HTTP2 = plain.TLS, true
	for range 2 {
		if _, body, err := get(t, tr, "https://"+addr+"/"); err != nil || body != "HTTP/2.0" {
			t.Fatal(body, err)
		}
		first.Close()
		tr.CloseIdleConnections()
	}
	if first.conns.Load() != 1 || second.conns.Load() != 1 {
		t.Error(first.conns.Load(), second.conns.Load())
	}
}

// A request for another protocol goes by a tunnel, for http, too.
func TestParentUpgrade(t *testing.T) {
	o := newOrigin(t, func(p *peer) {
		if strings.HasPrefix(p.head(), "GET /x HTTP/1.1\r\n") {
			p.say("HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n")
			p.echo()
		}
	})
	tunnels, heads := tunnelling(t, established, func(target string) string { return target })
	tr := by(t, "http://"+tunnels.Addr().String())
	req, _ := http.NewRequest("GET", o.url+"/x", nil)
	req.Header = http.Header{"Connection": {"upgrade"}, "Upgrade": {"x"}}
	resp, err := tr.RoundTrip(req)
	if err != nil || resp.StatusCode != 101 || !strings.HasPrefix((*heads)[0], "CONNECT "+o.Addr().String()) {
		t.Fatal(resp, err)
	}
	both := resp.Body.(io.ReadWriteCloser)
	io.WriteString(both, "hello")
	b := make([]byte, 5)
	if _, err := io.ReadFull(both, b); string(b) != "hello" || err != nil {
		t.Error(string(b), err)
	}
	both.Close()
}

// The parents that are remembered are bounded.
func TestParentsRemembered(t *testing.T) {
	tr := newTransport(t)
	for i := range maxParents + 10 {
		p := parent(t, "http://a:"+strconv.Itoa(i+1))
		tr.shun(p, true)
	}
	if len(tr.parents) != 10 {
		t.Error(len(tr.parents))
	}
}
