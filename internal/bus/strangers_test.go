//go:build !nonats

package bus

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"
)

type closer struct{ n int }

func (c *closer) Close() error { c.n++; return nil }

func addrOf(host int) net.Addr { return &net.TCPAddr{IP: net.IPv4(192, 0, 2, byte(host)), Port: 1} }

// One more of a host than there may be ends one of that host; one more of all ends
// one of all, but none of a host from which a key was shown.
func TestStrangers(t *testing.T) {
	var s strangers
	var all []*stranger
	enter := func(host int) *stranger {
		all = append(all, s.enter(addrOf(host), &closer{}))
		return all[len(all)-1]
	}
	ended := func() (list []netip.Prefix) {
		for _, one := range all {
			if one.conn.(*closer).n > 0 {
				list = append(list, one.host)
			}
		}
		return list
	}
	s.trust(&stranger{host: hostOf(addrOf(1))})
	for range 3 {
		enter(1)
	}
	for range maxOfHost {
		enter(2)
	}
	if got := ended(); got != nil {
		t.Errorf("there is room, and %v were ended", got)
	}
	enter(2)
	if got := ended(); !slices.Equal(got, []netip.Prefix{hostOf(addrOf(2))}) {
		t.Errorf("%v were ended, and it was to be one of that host", got)
	}
	for host := 0; host < 10*maxStrangers; host++ {
		all = append(all, s.enter(&net.TCPAddr{IP: net.IPv4(198, 51, byte(host>>8), byte(host)), Port: 1}, &closer{}))
	}
	if n, turned := s.now(); n != maxStrangers+3 || turned != int64(len(all)-n) {
		t.Errorf("%d, and %d were ended", n, turned)
	}
	if got := ended(); slices.Contains(got, hostOf(addrOf(1))) {
		t.Error("those of other hosts ended one of a host from which a key was shown")
	}
	for range maxOfHost {
		enter(1)
	}
	if got := ended(); !slices.Contains(got, hostOf(addrOf(1))) {
		t.Error("a host from which a key was shown has more than one host may have")
	}
	for range 2 { // some of them are not there any more
		for _, one := range all {
			s.met(one)
		}
	}
	if n, _ := s.now(); n != 0 {
		t.Errorf("%d are left", n)
	}
}

// An IPv6 network is one host, and hosts that are known are bounded.
func TestStrangersHosts(t *testing.T) {
	var s strangers
	for i := range maxOfHost + 5 {
		s.enter(&net.TCPAddr{IP: net.ParseIP(fmt.Sprintf("2001:db8::%x:1", i)), Port: 1}, &closer{})
	}
	if n, turned := s.now(); n != maxOfHost || turned != 5 {
		t.Errorf("%d of one network, and %d were ended", n, turned)
	}
	for i := range maxTrusted + 10 {
		s.trust(&stranger{host: hostOf(&net.TCPAddr{IP: net.IPv4(10, 0, byte(i>>8), byte(i)), Port: 1})})
	}
	if len(s.trusted) != maxTrusted {
		t.Errorf("%d hosts are known", len(s.trusted))
	}
}

// crowd opens connections to an address that say something, and then nothing, until
// it is told to stop; there are always so many.
func crowd(t *testing.T, address string, n int, say []byte) (stop func()) {
	t.Helper()
	over := make(chan struct{})
	var all sync.WaitGroup
	for range n {
		all.Go(func() {
			for {
				c, err := net.Dial("tcp", address)
				if err != nil {
					return // the server ends
				}
				_, _ = c.Write(say)
				gone := make(chan struct{})
				go func() {
					defer close(gone)
					b := make([]byte, 4<<10)
					for {
						if _, err := c.Read(b); err != nil {
							return
						}
					}
				}()
				select {
				case <-over:
					_ = c.Close()
					<-gone
					return
				case <-gone:
					_ = c.Close()
				}
				select {
				case <-over:
					return
				case <-time.After(100 * time.Millisecond):
				}
			}
		})
	}
	return sync.OnceFunc(func() {
		close(over)
		all.Wait()
	})
}

// hello is how a client of TLS begins.
func hello(t *testing.T) []byte {
	t.Helper()
	here, there := net.Pipe()
	defer here.Close()
	go func() {
		_ = tls.Client(there, &tls.Config{InsecureSkipVerify: true}).Handshake() // it gets no answer
	}()
	defer there.Close()
	b := make([]byte, 4<<10)
	n, err := here.Read(b)
	if err != nil {
		t.Fatal(err)
	}
	return b[:n]
}

// TestAttackCrowd: strangers that say nothing, or how TLS begins and nothing more,
// and come again whenever they are sent away, do not keep nodes out, nor end those
// that are in.
func TestAttackCrowd(t *testing.T) {
	s := startServer(t, t.TempDir())
	address := openDoor(t, s)
	in := joinFleet(t, makeToken(t, s, TokenOptions{Name: "in"}))
	for i, say := range [][]byte{nil, hello(t)} {
		stop := crowd(t, address, 3*maxOfHost, say)
		for ctx := limited(t); ; time.Sleep(time.Millisecond) {
			if n, turned := s.door.strangers.now(); turned > int64((i+1)*4*maxOfHost) {
				if n > maxOfHost {
					t.Errorf("%d strangers of one host", n)
				}
				break
			}
			if ctx.Err() != nil {
				t.Fatal("nobody is sent away")
			}
		}
		for n := range 4 {
			joinSoon(t, makeToken(t, s, TokenOptions{Name: fmt.Sprint("late-", i, "-", n)}))
		}
		if err := in.nc.FlushTimeout(patience); err != nil {
			t.Errorf("one that was there before: %v", err)
		}
		stop()
	}
}

// farAway is a connection on which what is written takes a while to leave.
type farAway struct{ net.Conn }

func (c farAway) Write(b []byte) (int, error) {
	time.Sleep(100 * time.Millisecond)
	return c.Conn.Write(b)
}

// TestAttackFlood: connections that come much faster, from many hosts, than a
// node's handshake takes do not end it when its host has shown a key before.
func TestAttackFlood(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("it needs many addresses of this machine")
	}
	s := startServer(t, t.TempDir())
	address := openDoor(t, s)
	text := makeToken(t, s, TokenOptions{Name: "far"})
	joinSoon(t, text) // from 127.0.0.1
	parsed, err := parseToken(text)
	if err != nil {
		t.Fatal(err)
	}
	how, err := parsed.dial(func(ctx context.Context, network, address string) (net.Conn, error) {
		c, err := new(net.Dialer).DialContext(ctx, network, address)
		return farAway{c}, err
	})
	if err != nil {
		t.Fatal(err)
	}
	over := make(chan struct{})
	var flood sync.WaitGroup
	for i := range 4 {
		flood.Go(func() {
			var open [100]net.Conn
			for n := 0; ; n++ {
				if c := open[n%len(open)]; c != nil {
					_ = c.Close()
				}
				select {
				case <-over:
					for _, c := range open {
						if c != nil {
							_ = c.Close()
						}
					}
					return
				default:
				}
				from := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, byte(1+i), byte(n>>8), byte(n))}, Timeout: time.Second}
				open[n%len(open)], _ = from.Dial("tcp", address)
			}
		})
	}
	defer flood.Wait()
	defer close(over)
	turned := func() int64 { _, n := s.door.strangers.now(); return n }
	for ctx := limited(t); turned() < 10; time.Sleep(time.Millisecond) {
		if ctx.Err() != nil {
			t.Fatal("nobody is sent away")
		}
	}
	for range 5 {
		before := turned()
		c, err := how(limited(t), "tcp", address)
		if err != nil {
			t.Fatalf("while %d strangers were sent away: %v", turned()-before, err)
		}
		_ = c.Close()
	}
}

// joinSoon joins, at the first try or the next: on a busy machine one may take longer
// than as many strangers of its host as there may be.
func joinSoon(t *testing.T, text string) {
	t.Helper()
	for ctx := limited(t); ; {
		c, err := Join(ctx, text, JoinOptions{})
		if err == nil {
			c.Close()
			return
		}
		if ctx.Err() != nil {
			t.Fatal(err)
		}
	}
}

// TestAttackManyOfOne: a node that opens more and more connections loses its oldest,
// and takes nobody's place.
func TestAttackManyOfOne(t *testing.T) {
	s := startServer(t, t.TempDir())
	a, err := s.Open(Listen{Addr: "127.0.0.1:0", MaxConns: maxOfNode + 2})
	if err != nil {
		t.Fatal(err)
	}
	text := makeToken(t, s, TokenOptions{Name: "greedy"})
	parsed, err := parseToken(text)
	if err != nil {
		t.Fatal(err)
	}
	how, err := parsed.dial(new(net.Dialer).DialContext)
	if err != nil {
		t.Fatal(err)
	}
	var all []net.Conn
	for range maxOfNode + 1 {
		c, err := how(limited(t), "tcp", a.String())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		all = append(all, c)
	}
	_ = all[0].SetReadDeadline(time.Now().Add(patience))
	for err = nil; err == nil; {
		_, err = all[0].Read(make([]byte, 1<<10))
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("the oldest of too many is there still")
	}
	joinFleet(t, makeToken(t, s, TokenOptions{Name: "modest"}))
}

// TestAttackPeerCrowd: strangers at a peer's port do not keep peers out.
func TestAttackPeerCrowd(t *testing.T) {
	t.Parallel()
	s := newSet(t)
	s.begin(0, 1)
	s.whole()
	stop := crowd(t, s.places[0].Address, 3*maxOfHost, hello(t))
	defer stop()
	first := s.peers[0]
	for ctx := limited(t); ; time.Sleep(time.Millisecond) {
		n, turned := first.strangers.now()
		if turned > 4*maxOfHost {
			break
		}
		if n > maxOfHost || ctx.Err() != nil {
			t.Fatalf("%d strangers of one host, %d were sent away", n, turned)
		}
	}
	s.begin(2)
	s.whole()
	if away, _ := first.Away(); len(away) > 0 {
		t.Errorf("%v do not get in", away)
	}
}
