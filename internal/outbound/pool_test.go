package outbound

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// piped makes a transport whose connections are pipes to an origin that takes
// the time that the path says, and tells when a connection is closed.
func piped(t *testing.T, closed func()) *Transport {
	tr := &Transport{}
	tr.Dial = func(context.Context, string, string) (net.Conn, error) {
		client, server := net.Pipe()
		go func() {
			defer closed()
			br := bufio.NewReader(server)
			for {
				req, err := http.ReadRequest(br)
				if err != nil {
					return
				}
				d, err := time.ParseDuration(req.URL.Path[1:])
				if err != nil {
					t.Error(err)
				}
				time.Sleep(d)
				io.WriteString(server, ok)
			}
		}()
		return client, nil
	}
	return tr
}

// Each idle connection is closed when its time is over, and one that is used
// gets new time.
func TestIdleTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		closed := make(chan time.Duration, 9)
		tr := piped(t, func() { closed <- time.Since(start) })
		var all sync.WaitGroup
		for _, d := range []string{"1s", "2s", "3s"} {
			all.Go(func() { get(t, tr, "http://a/"+d) })
		}
		all.Wait()
		if _, _, err := get(t, tr, "http://a/0s"); err != nil { // by the one used last
			t.Fatal(err)
		}
		time.Sleep(2 * time.Second)
		get(t, tr, "http://a/0s") // by the same
		time.Sleep(time.Minute)
		synctest.Wait()
		close(closed)
		for _, want := range []time.Duration{5 * time.Second, 6 * time.Second, 9 * time.Second, 0} {
			if at := <-closed; at != want {
				t.Errorf("closed after %v, want %v", at, want)
			}
		}
		waitForNone(t, tr)
	})
}

// With a negative IdleTimeout they stay until they are told.
func TestIdleForEver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var closed atomic.Bool
		tr := piped(t, func() { closed.Store(true) })
		tr.IdleTimeout = -1
		get(t, tr, "http://a/0s")
		time.Sleep(24 * time.Hour)
		if synctest.Wait(); closed.Load() {
			t.Error("closed")
		}
		tr.CloseIdleConnections()
		if synctest.Wait(); !closed.Load() {
			t.Error("not closed")
		}
	})
}

// A waiter that gives up at the moment when it is served passes on what it got.
func TestGiveUpServed(t *testing.T) {
	o := answers(t, ok)
	tr := newTransport(t)
	tr.MaxConnsPerHost = 1
	key := hostKey{scheme: "http", host: o.Addr().String()}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for range 2 {
		if _, _, err := get(t, tr, o.url); err != nil {
			t.Fatal(err)
		}
		h := tr.hosts[key]
		c := h.idle[0]
		h.idle = nil
		for gaveUp := false; !gaveUp; { // which it sees first is a matter of luck
			w := &waiter{make(chan *conn, 1)}
			w.ready <- c
			_, err := tr.wait(ctx, h, w)
			gaveUp = err != nil
		}
		if len(h.idle) != 1 || h.conns != 1 {
			t.Errorf("%d idle, %d connections", len(h.idle), h.conns)
		}
		h.idle = nil
		for gaveUp := false; !gaveUp; {
			w := &waiter{make(chan *conn, 1)}
			w.ready <- nil
			_, err := tr.wait(ctx, h, w)
			gaveUp = err != nil
		}
		if h.conns != 0 || len(tr.hosts) != 0 {
			t.Errorf("%d connections", h.conns)
		}
		c.close()
	}
}

// A fresh connection takes the place of an idle one when there is no other.
func TestFreshInPlace(t *testing.T) {
	ended := make(chan struct{}, 2)
	o := newOrigin(t, func(p *peer) {
		p.head()
		p.say(ok)
		p.gone()
		ended <- struct{}{}
	})
	tr := newTransport(t)
	tr.MaxConnsPerHost = 1
	if _, _, err := get(t, tr, o.url); err != nil {
		t.Fatal(err)
	}
	c, err := tr.connect(t.Context(), hostKey{scheme: "http", host: o.Addr().String()}, true, true)
	if err != nil || c.reused || c.host.conns != 1 || len(c.host.idle) != 0 {
		t.Fatalf("%v %+v", err, c)
	}
	<-ended
	c.drop()
	tr.CloseIdleConnections()
	waitForNone(t, tr)
}

// Origins in other ways of writing.
func TestHosts(t *testing.T) {
	tr := newTransport(t)
	tr.once.Do(tr.setUp)
	for _, c := range []struct{ scheme, host, addr, name string }{
		{"http", "a.test", "a.test:80", ""},
		{"http", "a.test:", "a.test:80", ""},
		{"http", "a.test:81", "a.test:81", ""},
		{"https", "a.test", "a.test:443", "a.test"},
		{"https", "[::1]", "[::1]:443", "::1"},
		{"https", "[::1]:8", "[::1]:8", "::1"},
	} {
		h := tr.newHost(hostKey{scheme: c.scheme, host: c.host})
		name := ""
		if h.tls != nil {
			name = h.tls.ServerName
		}
		if h.addr != c.addr || name != c.name {
			t.Errorf("%s: %s %q", c.host, h.addr, name)
		}
	}
}
