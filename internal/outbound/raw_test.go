package outbound

import (
	"net/http"
	"strings"
	"testing"
)

// A head that the kernel does not take at once goes on in the usual way.
func TestLongHead(t *testing.T) {
	sizes := make(chan int, 1)
	o := newOrigin(t, func(p *peer) {
		for h := p.head(); h != ""; h = p.head() {
			sizes <- len(h)
			p.say(ok)
		}
	})
	tr := newTransport(t)
	for range 2 {
		req, _ := http.NewRequest("GET", o.url, nil)
		req.Header.Set("A", strings.Repeat("x", 16<<20))
		if _, body, err := do(tr, req); body != "ok" || err != nil {
			t.Fatal(body, err)
		}
		if n := <-sizes; n < 16<<20 {
			t.Error(n)
		}
	}
	if o.conns.Load() != 1 {
		t.Error(o.conns.Load())
	}
}

// An answer in drops, over many requests, loses no wake-up.
func TestDrops(t *testing.T) {
	o := newOrigin(t, func(p *peer) {
		for p.head() != "" {
			for i := range len(ok) {
				p.say(ok[i : i+1])
			}
		}
	})
	tr := newTransport(t)
	for range 50 {
		if _, body, err := get(t, tr, o.url); body != "ok" || err != nil {
			t.Fatal(body, err)
		}
	}
	if o.conns.Load() != 1 {
		t.Error(o.conns.Load())
	}
}

// An origin that says no more, but still listens, is not waited for.
func TestHalfClosed(t *testing.T) {
	closed := make(chan struct{})
	o := newOrigin(t, func(p *peer) {
		p.head()
		p.say(ok)
		if p.number == 1 {
			p.Conn.(interface{ CloseWrite() error }).CloseWrite()
			close(closed)
		}
		p.gone()
	})
	tr := newTransport(t)
	if _, _, err := get(t, tr, o.url); err != nil {
		t.Fatal(err)
	}
	<-closed
	if _, body, err := get(t, tr, o.url); body != "ok" || err != nil || o.conns.Load() != 2 {
		t.Error(body, err, o.conns.Load())
	}
}
