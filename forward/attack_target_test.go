package forward_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"testing"

	"freshet/forward"
	"freshet/httpd"
)

// names is a DNS server for the system's resolver: names have addresses of
// IPv4, one set after another, and the last one for good.
type names struct {
	mu    sync.Mutex
	table map[string][]string
	asked map[string]int
}

// serveNames makes the process ask it, until the test ends.
func serveNames(t *testing.T, table map[string][]string) *names {
	t.Helper()
	pc, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	n := &names{table: table, asked: map[string]int{}}
	var done sync.WaitGroup
	done.Go(func() {
		b := make([]byte, 1500)
		for {
			k, from, err := pc.ReadFrom(b)
			if err != nil {
				return
			}
			if answer := n.answer(b[:k]); answer != nil {
				pc.WriteTo(answer, from)
			}
		}
	})
	before := net.DefaultResolver
	net.DefaultResolver = &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "udp", pc.LocalAddr().String())
	}}
	t.Cleanup(func() {
		net.DefaultResolver = before
		pc.Close()
		done.Wait()
	})
	return n
}

// answer answers a query with one question (RFC 1035 §4.1).
func (n *names) answer(q []byte) []byte {
	if len(q) < 12 {
		return nil
	}
	var labels []string
	i := 12
	for i < len(q) && q[i] != 0 {
		end := i + 1 + int(q[i])
		if end > len(q) {
			return nil
		}
		labels = append(labels, string(q[i+1:end]))
		i = end
	}
	i += 5 // the root, type and class
	if i > len(q) {
		return nil
	}
	name, kind := strings.ToLower(strings.Join(labels, ".")), q[i-3]
	n.mu.Lock()
	defer n.mu.Unlock()
	sets, known := n.table[name]
	a := bytes.Clone(q[:i])
	a[2], a[3] = 0x81, 0x80
	clear(a[6:12])
	if !known {
		a[3] |= 3 // no such name
		return a
	}
	if kind != 1 {
		return a
	}
	set := sets[min(n.asked[name], len(sets)-1)]
	n.asked[name]++
	for addr := range strings.FieldsSeq(set) {
		four := netip.MustParseAddr(addr).As4()
		a = append(a, 0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 0, 0, 4)
		a = append(a, four[:]...)
		a[7]++
	}
	return a
}

// However an address of this machine is written, nothing is connected to.
func TestAttackDestinations(t *testing.T) {
	o := newWitness(t, "127.0.0.1:0", nil)
	_, port, _ := net.SplitHostPort(o.host())
	loop := []string{"127.0.0.1"}
	serveNames(t, map[string][]string{ // as resolvers of C read them
		"0x7f000001": loop, "0x7f.1": loop, "local.test": loop, "xn--lcl-hoa.test": loop,
		"both.test": {"10.0.0.1 127.0.0.1"},
	})
	told := make(rules, 1)
	addr := startTold(t, forward.Options{}, told)
	// Go's resolver takes no number for a name, and asks nobody.
	const unknown, unknownTunnel = "502 proxy-unreachable", "502 filter-tunnel-failed"
	const forbidden, host, target = "403 filter-destination", "400 host-invalid", "400 bad-target"
	for _, tt := range []struct{ host, plain, tunnel string }{
		{"127.0.0.1", forbidden, forbidden},
		{"127.0.0.1.", unknown, unknownTunnel},
		{"127.255.255.254", forbidden, forbidden},
		{"0.0.0.0", forbidden, forbidden},
		{"localhost", forbidden, forbidden},
		{"LOCALHOST", forbidden, forbidden},
		{"local.test", forbidden, forbidden},
		{"LOCAL.Test.", forbidden, forbidden},
		{"xn--lcl-hoa.test", forbidden, forbidden},
		{"both.test", forbidden, forbidden},
		{"2130706433", unknown, unknownTunnel},
		{"0x7f000001", forbidden, forbidden},
		{"0x7f.1", forbidden, forbidden},
		{"0177.0.0.1", unknown, unknownTunnel},
		{"127.1", unknown, unknownTunnel},
		{"0", unknown, unknownTunnel},
		{"[::1]", forbidden, forbidden},
		{"[::]", forbidden, forbidden},
		{"[0:0:0:0:0:0:0:1]", forbidden, forbidden},
		{"[::ffff:127.0.0.1]", forbidden, forbidden},
		{"[::ffff:7f00:1]", forbidden, forbidden},
		{"[::127.0.0.1]", forbidden, forbidden},
		{"[64:ff9b::7f00:1]", forbidden, forbidden},
		{"[64:ff9b:1::7f00:1]", forbidden, forbidden},
		{"[2002:7f00:1::]", forbidden, forbidden},
		{"[fe80::1]", forbidden, forbidden},
		{"[fd00::1]", forbidden, forbidden},
		{"169.254.169.254", forbidden, forbidden},
		{"10.0.0.1", forbidden, forbidden},
		{"100.64.0.1", forbidden, forbidden},
		{"192.0.2.1", forbidden, forbidden},
		{"224.0.0.1", forbidden, forbidden},
		{"255.255.255.255", forbidden, forbidden},
		{"[fe80::1%25lo]", host, target},
		{"[fe80::1%lo]", target, target},
		{"[::1", host, target},
		{"user@127.0.0.1", host, target},
		{"example.com:80@127.0.0.1", host, target},
		{"l\xc3\xb6cal.test", target, target},
		{"a\\b", target, target},
		{"", host, target},
	} {
		for request, want := range map[string]string{
			"GET http://" + tt.host + ":" + port + "/ HTTP/1.1\r\nHost: x\r\n\r\n": tt.plain,
			"CONNECT " + tt.host + ":443 HTTP/1.1\r\nHost: x\r\n\r\n":              tt.tunnel,
		} {
			got := ask(t, addr, request)
			line, _, _ := strings.Cut(request, "\r\n")
			if given := statuses(got) + " " + <-told; given != want {
				t.Errorf("%s: %s, want %s", line, given, want)
			}
		}
	}
	if saw := o.requests(); saw != "" {
		t.Errorf("the server saw %q", saw)
	}
}

// Ports are numbers, and those that are not allowed are refused however they
// are written.
func TestAttackPorts(t *testing.T) {
	told := make(rules, 1)
	self := startTold(t, forward.Options{AllowPrivate: true}, told)
	_, port, _ := net.SplitHostPort(self)
	for _, tt := range []struct{ request, want string }{
		{"GET http://127.0.0.1:0/", "403 filter-port"},
		{"GET http://127.0.0.1:00025/", "403 filter-port"},
		{"GET http://127.0.0.1:22/", "403 filter-port"},
		{"GET https://127.0.0.1:22/", "403 filter-port"},
		{"GET http://127.0.0.1:65536/", "400 host-invalid"},
		{"GET http://127.0.0.1:65561/", "400 host-invalid"}, // 25 in 16 bits
		{"GET http://127.0.0.1:-1/", "400 host-invalid"},
		{"GET http://127.0.0.1:+80/", "400 host-invalid"},
		{"GET http://127.0.0.1:80:80/", "400 host-invalid"},
		{"GET http://127.0.0.1:0x50/", "400 host-invalid"},
		{"GET ftp://127.0.0.1/", "400 bad-target"},
		{"GET file:///etc/passwd", "400 bad-target"},
		{"GET gopher://127.0.0.1:25/_HELO", "400 bad-target"},
		{"CONNECT 127.0.0.1", "400 bad-target"},
		{"CONNECT 127.0.0.1:", "400 bad-target"},
		{"CONNECT 127.0.0.1:0", "400 bad-target"},
		{"CONNECT 127.0.0.1:65536", "400 bad-target"},
		{"CONNECT 127.0.0.1:25", "403 filter-port"},
		{"CONNECT 127.0.0.1:00022", "403 filter-port"},
		{"CONNECT 127.0.0.1:80", "403 filter-port"},
		{"CONNECT 127.0.0.1:" + port, "403 filter-port"}, // to the proxy itself
		{"CONNECT http://127.0.0.1:443/", "400 bad-target"},
		{"CONNECT 127.0.0.1:443/x", "400 bad-target"},
	} {
		got := ask(t, self, tt.request+" HTTP/1.1\r\nHost: x\r\n\r\n")
		if given := statuses(got) + " " + <-told; given != tt.want {
			t.Errorf("%s: %s, want %s", tt.request, given, tt.want)
		}
	}
}

// A name that means an allowed address first and another one later leads to the
// other one never: what was looked at is what is dialled.
func TestAttackRebinding(t *testing.T) {
	mine := newWitness(t, "127.0.0.1:0", nil)
	_, port, _ := net.SplitHostPort(mine.host())
	l, err := net.Listen("tcp", "127.0.0.2:"+port)
	if err != nil {
		t.Skipf("this machine has no second address: %v", err)
	}
	l.Close()
	allowed := newWitness(t, "127.0.0.2:"+port, func(*http.Request, string) string {
		return "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok"
	})
	serveNames(t, map[string][]string{"a.test": {"127.0.0.2", "127.0.0.1"}, "mixed.test": {"127.0.0.1 127.0.0.2"}})
	addr := start(t, forward.Options{Destinations: []netip.Prefix{netip.MustParsePrefix("127.0.0.2/32")}})
	for _, tt := range []struct {
		host string
		want string
	}{{"a.test", "200"}, {"a.test", "403"}, {"mixed.test", "200"}, {"mixed.test", "200"}} {
		got := statuses(ask(t, addr, "GET http://"+tt.host+":"+port+"/ HTTP/1.1\r\nHost: x\r\n\r\n"))
		if got != tt.want {
			t.Errorf("%s: %s, want %s", tt.host, got, tt.want)
		}
	}
	if saw := mine.requests(); saw != "" {
		t.Errorf("the server that is not to be reached saw %q", saw)
	}
	if saw := allowed.requests(); strings.Count(saw, "GET / ") != 3 {
		t.Errorf("the server that may be reached saw %q", saw)
	}
}

// A server that sends browsers to where nobody may go gets them as far as the
// proxy.
func TestAttackRedirect(t *testing.T) {
	inner := newWitness(t, "127.0.0.1:0", nil)
	_, port, _ := net.SplitHostPort(inner.host())
	l, err := net.Listen("tcp", "127.0.0.2:0")
	if err != nil {
		t.Skipf("this machine has no second address: %v", err)
	}
	l.Close()
	outer := newWitness(t, "127.0.0.2:0", func(r *http.Request, _ string) string {
		return "HTTP/1.1 302 Found\r\nLocation: http://localhost:" + port + "/secret\r\nContent-Length: 0\r\n\r\n"
	})
	addr := start(t, forward.Options{Destinations: []netip.Prefix{netip.MustParsePrefix("127.0.0.2/32")}})
	resp, _ := get(t, through(t, addr), "http://"+outer.host()+"/")
	if saw := inner.requests(); resp.StatusCode != 403 || saw != "" {
		t.Errorf("got %s, and the server saw %q", resp.Status, saw)
	}
}

// from is a listener whose clients come from elsewhere.
type from struct {
	net.Listener
	addr net.Addr
}

func (f from) Accept() (net.Conn, error) {
	c, err := f.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return elsewhere{c, f.addr}, nil
}

type elsewhere struct {
	net.Conn
	addr net.Addr
}

func (e elsewhere) RemoteAddr() net.Addr { return e.addr }

// A proxy that listens on every address is still this machine's alone: for
// others it has neither requests, tunnels nor pages.
func TestAttackOpenProxy(t *testing.T) {
	o := newWitness(t, "127.0.0.1:0", nil)
	for client, foreign := range map[string]bool{
		"192.0.2.7": true, "10.0.0.1": true, "2001:db8::1": true, "::ffff:192.0.2.7": true, "128.0.0.1": true,
		"127.0.0.1": false, "127.9.9.9": false, "::1": false, "::ffff:127.0.0.1": false,
	} {
		h, err := forward.New(forward.Options{AllowPrivate: true})
		if err != nil {
			t.Fatal(err)
		}
		l, err := net.Listen("tcp", "0.0.0.0:0")
		if err != nil {
			t.Fatal(err)
		}
		told := make(rules, 1)
		srv := &httpd.Server{Handler: h, Sink: told}
		done := make(chan struct{})
		go func() {
			defer close(done)
			srv.Serve(from{l, &net.TCPAddr{IP: net.ParseIP(client), Port: 4321}})
		}()
		addr := fmt.Sprintf("127.0.0.1:%d", l.Addr().(*net.TCPAddr).Port)
		for _, request := range []string{"GET http://" + o.host() + "/", "CONNECT 127.0.0.1:443", "GET /", "GET /proxy.pac", "TRACE http://" + o.host() + "/"} {
			got := statuses(ask(t, addr, request+" HTTP/1.1\r\nHost: x\r\nMax-Forwards: 0\r\nForwarded: for=127.0.0.1\r\nX-Forwarded-For: 127.0.0.1\r\nX-Real-IP: 127.0.0.1\r\n\r\n"))
			if given := <-told; (given == "filter-client") != foreign || foreign && got != "403" {
				t.Errorf("%s, %s: %s by %s", client, request, got, given)
			}
		}
		srv.Close()
		<-done
		h.Close()
	}
}

// What follows CONNECT is the tunnel's, even if it came with it and whatever
// fields say of it; behind a refusal it is nobody's.
func TestAttackConnectPipelined(t *testing.T) {
	server, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	o := newWitness(t, "127.0.0.1:0", nil)
	addr := start(t, forward.Options{AllowPrivate: true, Ports: []int{server.Addr().(*net.TCPAddr).Port}})
	inner := "GET http://" + o.host() + "/inner HTTP/1.1\r\nHost: x\r\n\r\n"
	for _, fields := range []string{"", "Content-Length: 0\r\n", "Content-Length: 5\r\n", "Transfer-Encoding: chunked\r\n"} {
		c, err := net.Dial("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		fmt.Fprintf(c, "CONNECT %s HTTP/1.1\r\nHost: x\r\n%s\r\n%s", server.Addr(), fields, inner)
		behind, err := server.Accept()
		if err != nil {
			t.Fatal(err)
		}
		got := make([]byte, len(inner))
		if _, err := io.ReadFull(behind, got); err != nil || string(got) != inner {
			t.Errorf("%q: the tunnel carried %q, %v", fields, got, err)
		}
		behind.Close()
		resp, err := http.ReadResponse(bufio.NewReader(c), &http.Request{Method: "CONNECT"})
		if err != nil || resp.StatusCode != 200 || len(resp.Header) != 0 {
			t.Errorf("%q: %v %v", fields, resp, err)
		}
	}
	for _, head := range []string{"CONNECT 127.0.0.1:25 HTTP/1.1\r\n", "CONNECT 127.0.0.1:0 HTTP/1.1\r\n"} {
		got := statuses(talk(t, addr, head+"Host: x\r\n\r\n"+inner))
		if saw := o.requests(); len(got) != 3 || saw != "" {
			t.Errorf("behind %q: %s, and the server saw %q", head, got, saw)
		}
	}
}
