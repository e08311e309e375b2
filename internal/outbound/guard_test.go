package outbound

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// resolver answers from a table, one answer after the other.
func resolver(names map[string][]string) func(context.Context, string) ([]netip.Addr, error) {
	var mu sync.Mutex
	asked := map[string]int{}
	return func(_ context.Context, host string) (addrs []netip.Addr, err error) {
		mu.Lock()
		defer mu.Unlock()
		answers := names[host]
		if len(answers) == 0 {
			return nil, &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}
		}
		for a := range strings.FieldsSeq(answers[min(asked[host], len(answers)-1)]) {
			addrs = append(addrs, netip.MustParseAddr(a))
		}
		asked[host]++
		return addrs, nil
	}
}

// dials notes what is dialled, and leads all of it to one server.
type dials struct {
	mu   sync.Mutex
	seen []string
	to   string
}

func (d *dials) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	d.mu.Lock()
	d.seen = append(d.seen, addr)
	d.mu.Unlock()
	return new(net.Dialer).DialContext(ctx, network, d.to)
}

func (d *dials) String() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return strings.Join(d.seen, " ")
}

func TestGuard(t *testing.T) {
	o := answers(t, "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nhi")
	for _, c := range []struct {
		url, resolved, dialled, refused string
		guard                           Guard
	}{
		{url: "http://a.test/", resolved: "93.184.216.34", dialled: "93.184.216.34:80"},
		{url: "http://a.test:8080/", resolved: "::ffff:93.184.216.34", dialled: "93.184.216.34:8080"},
		{url: "http://a.test/", resolved: "127.0.0.1 93.184.216.34", dialled: "93.184.216.34:80"},
		{url: "http://a.test/", resolved: "127.0.0.1", refused: "a.test is 127.0.0.1, a loopback address"},
		{url: "http://a.test/", resolved: "::ffff:10.0.0.1", refused: "a.test is 10.0.0.1, a private address"},
		{url: "http://a.test/", resolved: "64:ff9b::7f00:1", refused: "a.test is 64:ff9b::7f00:1, a loopback address"},
		{url: "http://a.test/", resolved: "fe80::1%lo", refused: "a.test is fe80::1%lo, a link-local address"},
		{url: "http://2130706433/", resolved: "127.0.0.1", refused: "2130706433 is 127.0.0.1, a loopback address"},
		{url: "http://[::1]:80/", refused: "::1 is a loopback address"},
		{url: "http://169.254.169.254/", refused: "169.254.169.254 is a link-local address"},
		{url: "http://a.test/", resolved: "127.0.0.1", dialled: "127.0.0.1:80", guard: Guard{AllowPrivate: true}},
		{url: "http://a.test/", resolved: "10.0.0.1 10.1.0.1", dialled: "10.1.0.1:80", guard: Guard{Allow: []netip.Prefix{netip.MustParsePrefix("10.1.0.0/16")}}},
		{url: "http://a.test/", resolved: "64:ff9b::a01:1", dialled: "[64:ff9b::a01:1]:80", guard: Guard{Allow: []netip.Prefix{netip.MustParsePrefix("10.1.0.0/16")}}},
		{url: "http://10.1.0.1/", dialled: "10.1.0.1:80", guard: Guard{Allow: []netip.Prefix{netip.MustParsePrefix("10.1.0.0/16")}}},
	} {
		d := &dials{to: o.Addr().String()}
		tr := newTransport(t)
		c.guard.Resolve = resolver(map[string][]string{"a.test": {c.resolved}, "2130706433": {c.resolved}})
		tr.Dial, tr.Guard = d.dial, &c.guard
		_, _, err := get(t, tr, c.url)
		if d.String() != c.dialled {
			t.Errorf("%s at %q: dialled %q, want %q", c.url, c.resolved, d, c.dialled)
		}
		if c.refused == "" {
			if err != nil {
				t.Errorf("%s at %q: %v", c.url, c.resolved, err)
			}
			continue
		}
		want(t, err, DestinationProhibited, false)
		var refused *ProhibitedError
		if !errors.As(err, &refused) || refused.Error() != c.refused {
			t.Errorf("%s at %q: %v, want %s", c.url, c.resolved, err, c.refused)
		}
	}
}

// A name that leads elsewhere when it is resolved again gains nothing: each
// connection goes to what was looked at for it.
func TestGuardRebinding(t *testing.T) {
	o := answers(t, "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nhi")
	d := &dials{to: o.Addr().String()}
	tr := newTransport(t)
	tr.Dial = d.dial
	tr.Guard = &Guard{Resolve: resolver(map[string][]string{"a.test": {"93.184.216.34", "127.0.0.1"}})}
	if _, body, err := get(t, tr, "http://a.test/"); body != "hi" || err != nil {
		t.Fatal(body, err)
	}
	_, _, err := get(t, tr, "http://a.test/")
	want(t, err, DestinationProhibited, false)
	if d.String() != "93.184.216.34:80" {
		t.Errorf("dialled %s", d)
	}
}

func TestGuardUnknown(t *testing.T) {
	tr := newTransport(t)
	tr.Guard = &Guard{Resolve: resolver(nil)}
	_, _, err := get(t, tr, "http://a.test/")
	want(t, err, DNSError, true)
	tr.Guard = &Guard{Resolve: func(context.Context, string) ([]netip.Addr, error) { return nil, nil }}
	_, _, err = get(t, tr, "http://a.test/")
	want(t, err, DNSError, true)
}

// The families alternate, an address that is silent is given its time only, and
// one that fails none.
func TestGuardOrder(t *testing.T) {
	o := newOrigin(t, func(p *peer) { p.gone() })
	var mu sync.Mutex
	var seen []string
	g := &Guard{
		Stagger: time.Millisecond,
		Resolve: resolver(map[string][]string{"a.test": {"2600::1 2600::2 2600::3 8.0.0.1 8.0.0.2"}}),
		Dial: func(ctx context.Context, network, addr string) (net.Conn, error) {
			mu.Lock()
			seen = append(seen, addr)
			n := len(seen)
			mu.Unlock()
			switch n {
			case 1: // silent
				<-ctx.Done()
				return nil, ctx.Err()
			case 2, 3:
				return nil, errors.New("broken")
			}
			return new(net.Dialer).DialContext(ctx, network, o.Addr().String())
		},
	}
	nc, err := g.DialContext(t.Context(), "tcp", "a.test:80")
	if err != nil {
		t.Fatal(err)
	}
	nc.Close()
	if got := strings.Join(seen, " "); !strings.HasPrefix(got, "[2600::1]:80 8.0.0.1:80 [2600::2]:80 8.0.0.2:80") {
		t.Error(got)
	}
}

// All fail: the first error counts; the caller gives up: nothing is left.
func TestGuardFails(t *testing.T) {
	g := &Guard{
		AllowPrivate: true,
		Resolve:      resolver(map[string][]string{"a.test": {"127.0.0.1 127.0.0.2 127.0.0.3"}}),
		Dial: func(_ context.Context, _, addr string) (net.Conn, error) {
			return nil, errors.New(addr)
		},
	}
	if _, err := g.DialContext(t.Context(), "tcp", "a.test:1"); err == nil || err.Error() != "127.0.0.1:1" {
		t.Error(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	g.Dial = func(ctx context.Context, _, _ string) (net.Conn, error) {
		cancel()
		<-ctx.Done()
		return nil, ctx.Err()
	}
	if _, err := g.DialContext(ctx, "tcp", "a.test:1"); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

func TestCheckName(t *testing.T) {
	g := &Guard{Allow: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}}
	for host, permitted := range map[string]bool{
		"example.com": true, "93.184.216.34": true, "10.0.0.1": true, "2600::1": true, "xn--p1ai": true,
		"localhost": false, "a.localhost": false, "LOCALHOST.": false, "127.0.0.1": false, "127.0.0.1.": false, "127.1": false,
		"2130706433": false, "0x7f000001": false, "0177.0.0.1": false, "::1": false, "[::1]": false, "a.0x1": false, "": false,
	} {
		if err := g.checkName(host); (err == nil) != permitted {
			t.Errorf("%q: %v", host, err)
		}
	}
	if err := (&Guard{AllowPrivate: true}).checkName("localhost"); err != nil {
		t.Error(err)
	}
}

func TestOverrides(t *testing.T) {
	for _, c := range []struct {
		resolve, connectTo []string
		addr, dialled      string
	}{
		{addr: "a.test:80", dialled: "a.test:80"},
		{resolve: []string{"a.test:80:10.0.0.1"}, addr: "A.test:80", dialled: "10.0.0.1:80"},
		{resolve: []string{"a.test:80:10.0.0.1"}, addr: "a.test:81", dialled: "a.test:81"},
		{resolve: []string{"+a.test:80:[::1]"}, addr: "a.test:80", dialled: "[::1]:80"},
		{resolve: []string{"a.test:80:::1"}, addr: "a.test:80", dialled: "[::1]:80"},
		{resolve: []string{"*:80:10.0.0.1", "a.test:80:10.0.0.2"}, addr: "a.test:80", dialled: "10.0.0.2:80"},
		{resolve: []string{"*:80:10.0.0.1", "a.test:80:10.0.0.2"}, addr: "b.test:80", dialled: "10.0.0.1:80"},
		{resolve: []string{"a.test:80:10.0.0.1", "-a.test:80"}, addr: "a.test:80", dialled: "a.test:80"},
		{resolve: []string{"[2600::1]:80:10.0.0.1"}, addr: "[2600::1]:80", dialled: "10.0.0.1:80"},
		{connectTo: []string{"a.test:80:b.test:81"}, addr: "a.test:80", dialled: "b.test:81"},
		{connectTo: []string{"a.test:80:b.test:81"}, addr: "a.test:82", dialled: "a.test:82"},
		{connectTo: []string{"::b.test:"}, addr: "a.test:80", dialled: "b.test:80"},
		{connectTo: []string{":80::81"}, addr: "a.test:80", dialled: "a.test:81"},
		{connectTo: []string{"a.test::[::1]:1", "::c.test:"}, addr: "a.test:80", dialled: "[::1]:1"},
		{connectTo: []string{"a.test:80:b.test:81"}, resolve: []string{"b.test:81:10.0.0.3"}, addr: "a.test:80", dialled: "10.0.0.3:81"},
	} {
		d := &dials{to: answers(t, "").Addr().String()}
		o := &Overrides{Dial: d.dial}
		for _, s := range c.resolve {
			if err := o.Resolve(s); err != nil {
				t.Error(err)
			}
		}
		for _, s := range c.connectTo {
			if err := o.ConnectTo(s); err != nil {
				t.Error(err)
			}
		}
		nc, err := o.DialContext(t.Context(), "tcp", c.addr)
		if err != nil {
			t.Fatal(err)
		}
		nc.Close()
		if d.String() != c.dialled {
			t.Errorf("%q %q %s: dialled %s, want %s", c.resolve, c.connectTo, c.addr, d, c.dialled)
		}
	}
	o := &Overrides{}
	for _, s := range []string{"", "a", "a:80", "a:80:", "a:80:b", "a:0:1.2.3.4", "a:x:1.2.3.4", ":80:1.2.3.4", "-a:80:1.2.3.4", "a:80:1.2.3.4,"} {
		if o.Resolve(s) == nil {
			t.Errorf("--resolve %q is taken", s)
		}
	}
	for _, s := range []string{"", "a", "a:80", "a:80:b", "a:x:b:80", "a:80:b:x", "[::1:80:b:80"} {
		if o.ConnectTo(s) == nil {
			t.Errorf("--connect-to %q is taken", s)
		}
	}
}

func TestOverridesUnix(t *testing.T) {
	paths := []string{filepath.Join(t.TempDir(), "s")}
	if runtime.GOOS == "linux" {
		paths = append(paths, "@freshet-test-"+strconv.Itoa(os.Getpid()))
	}
	for _, path := range paths {
		l, err := net.Listen("unix", path)
		if err != nil {
			t.Fatal(err)
		}
		serve(t, l, "", func(p *peer) { p.head(); p.say("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi") })
		tr := newTransport(t)
		tr.Dial = (&Overrides{Unix: path}).DialContext
		if _, body, err := get(t, tr, "http://a.test/"); body != "hi" || err != nil {
			t.Error(path, body, err)
		}
		tr.CloseIdleConnections()
	}
}
