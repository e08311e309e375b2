//go:build !nonats

package bus

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"sync"
	"testing"
	"time"
)

type closer struct{ n int }

func (c *closer) Close() error { c.n++; return nil }

func addrOf(host int) net.Addr { return &net.TCPAddr{IP: net.IPv4(192, 0, 2, byte(host)), Port: 1} }

// One more of a host than there may be ends the oldest of that host; one more of all
// ends the oldest of all.
func TestStrangers(t *testing.T) {
	var s strangers
	var all []*stranger
	enter := func(host int) { all = append(all, s.enter(addrOf(host), &closer{})) }
	ended := func() (list []int) {
		for i, one := range all {
			if one.conn.(*closer).n > 0 {
				list = append(list, i)
			}
		}
		return list
	}
	enter(1)
	for range maxOfHost {
		enter(2)
	}
	if got := ended(); got != nil {
		t.Errorf("there is room, and %v were ended", got)
	}
	enter(2)
	if got := ended(); !slices.Equal(got, []int{1}) {
		t.Errorf("%v were ended, and it was to be the first of its host", got)
	}
	for host := 3; len(all) < maxStrangers+1; host++ {
		enter(host)
	}
	if n, turned := s.now(); n != maxStrangers || turned != 1 {
		t.Errorf("%d, and %d were ended", n, turned)
	}
	enter(200)
	if got := ended(); !slices.Equal(got, []int{0, 1}) {
		t.Errorf("%v were ended, and it was to be the first", got)
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
