package monitor

import (
	"net"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

// Who asks for streams that nobody else has takes no room from the pages
// themselves, and values that mean nothing make no difference.
func TestPlainTopicsHaveRoom(t *testing.T) {
	f := newFixture(t, nil)
	join := func(v url.Values) int {
		t.Helper()
		_, leave, status, err := f.live.join(v)
		if err != nil {
			t.Fatal(err)
		}
		if leave != nil {
			t.Cleanup(leave)
		}
		return status
	}
	for n := range 2 * maxTopics {
		if got := join(url.Values{"page": {"overview"}, "x": {number(n)}}); got != 0 {
			t.Fatalf("%d: %d", n, got)
		}
	}
	if n := len(f.live.topics); n != 1 {
		t.Errorf("%d topics of one page", n)
	}
	for n := range maxTopics - 1 {
		join(url.Values{"page": {"requests"}, "path": {number(n)}})
	}
	for _, tt := range []struct {
		v    url.Values
		want int
	}{
		{url.Values{"page": {"requests"}, "path": {"another"}}, 503},
		{url.Values{"page": {"requests"}}, 0},
		{url.Values{"page": {"requests"}, "sort": {"x"}, "path": {""}}, 0},
	} {
		if got := join(tt.v); got != tt.want {
			t.Errorf("%v: %d", tt.v, got)
		}
	}
}

// However many ask for tables that differ, a few are made at the same time.
func TestFewAreMadeAtATime(t *testing.T) {
	var now, most atomic.Int32
	begun, end := make(chan struct{}, 100), make(chan struct{})
	f := newFixture(t, func(o *Options) {
		o.Settings = func() []Setting {
			n := now.Add(1)
			defer now.Add(-1)
			for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
			}
			begun <- struct{}{}
			<-end
			return nil
		}
	})
	var all sync.WaitGroup
	for n := range 3 * maxMaking {
		all.Go(func() {
			if w := send(f.Handler(), "GET", "/config.json?q="+number(n), ""); w.Code != 200 {
				t.Errorf("%d", w.Code)
			}
		})
	}
	for range maxMaking {
		<-begun
	}
	close(end)
	all.Wait()
	if got := most.Load(); got != maxMaking {
		t.Errorf("%d at the same time", got)
	}
}

// blocked is a client that reads nothing.
type blocked struct {
	*httptest.ResponseRecorder
	reached chan struct{}
	end     chan struct{}
}

func (b *blocked) Write(p []byte) (int, error) {
	b.reached <- struct{}{}
	<-b.end
	return len(p), nil
}

// Clients that take their time hold so much memory and no more.
func TestSlowReaders(t *testing.T) {
	f := newFixture(t, nil)
	large := newAnswer(200, htmlType, make([]byte, maxSending/4))
	b := &blocked{reached: make(chan struct{}), end: make(chan struct{})}
	var all sync.WaitGroup
	r := httptest.NewRequest("GET", "/", nil)
	for range 4 {
		all.Go(func() {
			f.sending.send(&blocked{httptest.NewRecorder(), b.reached, b.end}, r, large)
		})
		<-b.reached
	}
	w := httptest.NewRecorder()
	f.sending.send(w, r, newAnswer(200, htmlType, []byte("<p>")))
	if w.Code != 503 || w.Header().Get("Retry-After") == "" || strings.Contains(w.Body.String(), "<p>") {
		t.Errorf("%d %v", w.Code, w.Header())
	}
	close(b.end)
	all.Wait()
	if w := send(f.Handler(), "GET", "/", ""); w.Code != 200 || f.sending.bytes.Load() != 0 {
		t.Errorf("afterwards: %d, %d bytes", w.Code, f.sending.bytes.Load())
	}
}

// The check page reaches no port of this machine that a firewall keeps from
// others, by whichever of its addresses.
func TestCheckOfOwnPorts(t *testing.T) {
	own, err := net.InterfaceAddrs()
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range own {
		ip, _ := netip.AddrFromSlice(a.(*net.IPNet).IP)
		for _, form := range []netip.Addr{ip, ip.Unmap()} {
			if _, err := dialOut(t.Context(), "tcp", netip.AddrPortFrom(form, 9200).String()); err != errOwnPort {
				t.Errorf("%v: %v", form, err)
			}
		}
	}
	if _, err := dialOut(t.Context(), "tcp", "localhost:1"); err != errOwnPort {
		t.Errorf("a name: %v", err)
	}
	if isOwn(netip.MustParseAddr("192.0.2.1")) {
		t.Error("192.0.2.1")
	}
}
