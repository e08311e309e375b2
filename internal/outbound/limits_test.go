package outbound

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"time"
)

// short is a limit on time that a test waits to be reached.
const short = 20 * time.Millisecond

func TestTimes(t *testing.T) {
	say := func(parts ...string) func(p *peer) {
		return func(p *peer) {
			p.head()
			for _, s := range parts {
				p.say(s)
			}
			p.gone()
		}
	}
	for _, c := range []struct {
		name string
		tr   *Transport
		play func(p *peer)
		kind Kind
	}{
		{"no answer", &Transport{HeadTimeout: short}, say(), ResponseTimeout},
		{"half a head", &Transport{HeadTimeout: short}, say("HTTP/1.1 200"), ResponseTimeout},
		{"only interim", &Transport{HeadTimeout: short}, say("HTTP/1.1 100 x\r\n\r\n"), ResponseTimeout},
		{"an endless head, in drops", &Transport{HeadTimeout: 3 * short}, func(p *peer) {
			p.head()
			p.say("HTTP/1.1 200 OK\r\nA: ")
			for {
				if _, err := p.Write([]byte("x")); err != nil {
					return
				}
				time.Sleep(time.Millisecond)
			}
		}, ResponseTimeout},
		{"no body", &Transport{ReadTimeout: short}, say("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"), ConnectionReadTimeout},
		{"half a body", &Transport{ReadTimeout: short}, say("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhe"), ConnectionReadTimeout},
		{"half a chunk", &Transport{ReadTimeout: short}, say("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhe"), ConnectionReadTimeout},
		{"no end", &Transport{ReadTimeout: short}, say("HTTP/1.1 200 OK\r\n\r\nhe"), ConnectionReadTimeout},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := newOrigin(t, c.play)
			tr := c.tr
			_, _, err := get(t, tr, o.url)
			want(t, err, c.kind, true)
			var timeout net.Error
			var failed *Error
			if !errors.As(err, &timeout) || !timeout.Timeout() || !errors.As(err, &failed) || !failed.Timeout() || !errors.Is(err, os.ErrDeadlineExceeded) || c.kind.Status() != 504 {
				t.Error(err)
			}
		})
	}
}

func TestConnectTimes(t *testing.T) {
	tr := newTransport(t)
	tr.ConnectTimeout = short
	tr.Dial = func(ctx context.Context, _, _ string) (net.Conn, error) {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	_, _, err := get(t, tr, "http://a/")
	want(t, err, ConnectionTimeout, true)

	o := newOrigin(t, (*peer).gone)
	tr = newTransport(t)
	tr.TLSTimeout = short
	_, _, err = get(t, tr, strings.Replace(o.url, "http", "https", 1))
	want(t, err, ConnectionTimeout, true)
}

func TestWriteTimeout(t *testing.T) {
	hold := make(chan struct{})
	o := newOrigin(t, func(p *peer) { <-hold })
	defer close(hold)
	tr := newTransport(t)
	tr.WriteTimeout = short
	req, _ := http.NewRequest("POST", o.url, endless{})
	_, _, err := do(tr, req)
	want(t, err, ConnectionWriteTimeout, true)
}

type endless struct{}

func (endless) Read(p []byte) (int, error) { return len(p), nil }

// The end of the context ends whatever is being waited for.
func TestCancel(t *testing.T) {
	cause := errors.New("no more interest")
	for _, c := range []struct {
		name, answer string
		body         io.Reader
	}{
		{"before the head", "", nil},
		{"in the head", "HTTP/1.1 200", nil},
		{"in the body", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhe", nil},
		{"in chunks", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhe", nil},
		{"while sending", "", endless{}},
	} {
		t.Run(c.name, func(t *testing.T) {
			ctx, cancel := context.WithCancelCause(t.Context())
			o := newOrigin(t, func(p *peer) {
				p.head()
				p.say(c.answer)
				cancel(cause)
				p.gone()
			})
			tr := newTransport(t)
			req, _ := http.NewRequestWithContext(ctx, "GET", o.url, c.body)
			_, _, err := do(tr, req)
			want(t, err, Canceled, false)
			if !errors.Is(err, cause) || o.conns.Load() != 1 {
				t.Error(err)
			}
		})
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	req, _ := http.NewRequestWithContext(ctx, "GET", "http://127.0.0.1:1/", nil)
	_, _, err := do(newTransport(t), req)
	want(t, err, Canceled, false)
}

// A context that ends after the answer does no harm to the connection.
func TestCancelAfterwards(t *testing.T) {
	o := answers(t, ok)
	tr := newTransport(t)
	for range 3 {
		ctx, cancel := context.WithCancel(t.Context())
		req, _ := http.NewRequestWithContext(ctx, "GET", o.url, nil)
		if _, body, err := do(tr, req); body != "ok" || err != nil {
			t.Error(body, err)
		}
		cancel()
	}
	if o.conns.Load() != 1 {
		t.Errorf("%d connections", o.conns.Load())
	}
}

// MaxConnsPerHost: who comes too many waits, in order, and not for ever.
func TestQueue(t *testing.T) {
	let := make(chan struct{})
	o := newOrigin(t, func(p *peer) {
		for p.head() != "" {
			<-let
			p.say(ok)
		}
	})
	tr := newTransport(t)
	tr.MaxConnsPerHost = 2
	tr.MaxQueuedPerHost = 3
	var all sync.WaitGroup
	for range 5 {
		all.Go(func() {
			if _, body, err := get(t, tr, o.url); body != "ok" || err != nil {
				t.Error(body, err)
			}
		})
	}
	waitFor(t, tr, func(h *host) bool { return h.conns == 2 && len(h.waiters) == 3 })
	_, _, err := get(t, tr, o.url)
	want(t, err, ConnectionLimitReached, false)
	close(let)
	all.Wait()
	if o.conns.Load() != 2 {
		t.Errorf("%d connections", o.conns.Load())
	}
}

// waitFor waits until the one host of tr is as it should be.
func waitFor(t *testing.T, tr *Transport, is func(h *host) bool) {
	t.Helper()
	tr.once.Do(tr.setUp)
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(time.Millisecond) {
		tr.mu.Lock()
		for _, h := range tr.hosts {
			if is(h) {
				tr.mu.Unlock()
				return
			}
		}
		tr.mu.Unlock()
	}
	t.Fatal("it did not come to that")
}

// Places are handed on by connections that cannot be used again, too, and
// waiting ends with the context or QueueTimeout.
func TestQueuePlaces(t *testing.T) {
	let := make(chan struct{})
	o := newOrigin(t, func(p *peer) {
		p.head()
		<-let
		p.say("HTTP/1.0 200 OK\r\n\r\nok")
	})
	tr := newTransport(t)
	tr.MaxConnsPerHost = 1
	tr.QueueTimeout = -1
	var all sync.WaitGroup
	for range 3 {
		all.Go(func() {
			if _, body, err := get(t, tr, o.url); body != "ok" || err != nil {
				t.Error(body, err)
			}
		})
	}
	waitFor(t, tr, func(h *host) bool { return len(h.waiters) == 2 })
	ctx, cancel := context.WithTimeout(t.Context(), short)
	defer cancel()
	req, _ := http.NewRequestWithContext(ctx, "GET", o.url, nil)
	_, _, err := do(tr, req)
	want(t, err, Canceled, false)
	close(let)
	all.Wait()
	tr.mu.Lock()
	if len(tr.hosts) != 0 {
		t.Error("a host without connections is kept")
	}
	tr.mu.Unlock()

	held := newOrigin(t, (*peer).gone)
	tr = newTransport(t)
	tr.MaxConnsPerHost, tr.QueueTimeout = 1, short
	ctx, cancel = context.WithCancel(t.Context())
	all.Go(func() {
		req, _ := http.NewRequestWithContext(ctx, "GET", held.url, nil)
		do(tr, req)
	})
	waitFor(t, tr, func(h *host) bool { return h.conns == 1 })
	_, _, err = get(t, tr, held.url)
	want(t, err, ConnectionLimitReached, false)
	if failed := err.(*Error); failed.Timeout() || failed.Kind.Status() != 503 {
		t.Error(err)
	}
	cancel()
	all.Wait()
}

// A dial that fails gives its place up.
func TestQueueAfterFailedDial(t *testing.T) {
	tr := newTransport(t)
	tr.MaxConnsPerHost = 1
	tr.Dial = func(context.Context, string, string) (net.Conn, error) { return nil, &net.DNSError{IsTimeout: true} }
	for range 3 {
		_, _, err := get(t, tr, "http://a/")
		want(t, err, DNSTimeout, true)
	}
}

func TestIdleLimits(t *testing.T) {
	const n = 5
	var together sync.WaitGroup
	together.Add(n)
	ended := make(chan struct{}, n)
	o := newOrigin(t, func(p *peer) {
		p.head()
		together.Done()
		together.Wait()
		p.say(ok)
		p.gone()
		ended <- struct{}{}
	})
	tr := newTransport(t)
	tr.MaxIdlePerHost = 2
	tr.IdleTimeout = 5 * short
	var all sync.WaitGroup
	for range n {
		all.Go(func() { get(t, tr, o.url) })
	}
	all.Wait()
	for range n {
		<-ended // three for the number, two for the time
	}
	if o.conns.Load() != n {
		t.Error(o.conns.Load())
	}
	waitForNone(t, tr)
}

func waitForNone(t *testing.T, tr *Transport) {
	t.Helper()
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(time.Millisecond) {
		tr.mu.Lock()
		n, timer := len(tr.hosts), tr.sweep
		tr.mu.Unlock()
		if n == 0 && timer == nil {
			return
		}
	}
	t.Fatal("something is kept")
}

// Closing a body that is being read ends the reading; the connection is gone.
func TestCloseWhileReading(t *testing.T) {
	o := newOrigin(t, func(p *peer) {
		p.head()
		p.say("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nh")
		p.gone()
	})
	tr := newTransport(t)
	req, _ := http.NewRequest("GET", o.url, nil)
	resp, err := tr.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	read := make(chan error)
	go func() {
		_, err := io.ReadAll(resp.Body)
		read <- err
	}()
	for b := resp.Body.(*body); b.mu.TryLock(); time.Sleep(time.Millisecond) {
		b.mu.Unlock() // nobody reads yet
	}
	resp.Body.Close()
	if err := <-read; err == nil {
		t.Error("no error")
	}
	if _, err := resp.Body.Read(make([]byte, 1)); err == nil || err == io.EOF {
		t.Error(err)
	}
	waitForNone(t, tr)
}

// A body that is closed unread costs the connection only if its rest has not
// come yet.
func TestCloseUnread(t *testing.T) {
	more := strings.Repeat("x", 1<<20)
	for _, c := range []struct {
		answer string
		conns  int32
	}{
		{ok, 1},
		{"HTTP/1.1 200 OK\r\nContent-Length: 1048576\r\n\r\n" + more, 2},
		{"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n100000\r\n" + more + "\r\n0\r\n\r\n", 2},
	} {
		o := answers(t, c.answer)
		tr := newTransport(t)
		for range 2 {
			req, _ := http.NewRequest("GET", o.url, nil)
			resp, err := tr.RoundTrip(req)
			if err != nil {
				t.Fatal(err)
			}
			resp.Body.Close()
			resp.Body.Close()
			if _, err := resp.Body.Read(make([]byte, 1)); !errors.Is(err, errBodyClosed) {
				t.Error(err)
			}
		}
		if o.conns.Load() != c.conns {
			t.Errorf("%.50q: %d connections", c.answer, o.conns.Load())
		}
	}
}
