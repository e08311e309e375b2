package proxy_test

import (
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"freshet/proxy"
)

// clock is a clock that stands until it is moved.
type clock struct {
	mu sync.Mutex
	t  time.Time
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.t
}

func (c *clock) move(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.t = c.t.Add(d)
}

// transport answers by a function.
type transport func(r *http.Request) (*http.Response, error)

func (f transport) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func ok() (*http.Response, error) {
	return &http.Response{StatusCode: 200, ProtoMajor: 1, ProtoMinor: 1, Header: http.Header{}, Body: http.NoBody}, nil
}

var errRefused = &net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}

func get(h http.Handler) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
	return w
}

func TestCircuit(t *testing.T) {
	c := &clock{t: time.Unix(1e9, 0)}
	var err error
	asked := 0
	h := newProxy(t, proxy.Options{
		Origins: []string{"http://a"}, Now: c.now, MaxFails: 2, FailTimeout: 7500 * time.Millisecond,
		Transport: transport(func(*http.Request) (*http.Response, error) {
			asked++
			if err != nil {
				return nil, err
			}
			return ok()
		}),
	})
	step := func(name string, wantCode, wantAsked int, want proxy.CircuitState) {
		t.Helper()
		before := asked
		w := get(h)
		if s := h.States()[0]; w.Code != wantCode || asked-before != wantAsked || s.Circuit != want {
			t.Errorf("%s: %d, asked %d times, %v", name, w.Code, asked-before, s)
		}
	}
	step("at first", 200, 1, proxy.Closed)
	err = errRefused
	step("a failure", 502, 1, proxy.Closed)
	err = nil
	step("an answer forgets it", 200, 1, proxy.Closed)
	err = errors.New("odd")
	step("what does not count", 502, 1, proxy.Closed)
	step("what does not count, again", 502, 1, proxy.Closed)
	err = errRefused
	step("a failure again", 502, 1, proxy.Closed)
	step("the last failure", 502, 1, proxy.Open)
	w := get(h)
	if w.Code != 503 || w.Header().Get("Retry-After") != "8" || w.Header().Get("Proxy-Status") != "freshet; error=destination_unavailable" {
		t.Errorf("open: %d %v", w.Code, w.Header())
	}
	if s := h.States()[0]; s.LastErr == nil || !s.Until.Equal(c.now().Add(7500*time.Millisecond)) || s.Fails != 2 || s.Requests != 7 {
		t.Errorf("%+v", s)
	}
	c.move(7499 * time.Millisecond)
	step("not yet", 503, 0, proxy.Open)
	c.move(time.Millisecond)
	if s := h.States()[0]; s.Circuit != proxy.HalfOpen {
		t.Errorf("%v", s)
	}
	step("the trial fails", 502, 1, proxy.Open)
	step("again out", 503, 0, proxy.Open)
	c.move(7500 * time.Millisecond)
	err = errors.New("odd")
	step("a trial that says nothing", 502, 1, proxy.HalfOpen)
	err = nil
	step("the trial succeeds", 200, 1, proxy.Closed)
	step("back", 200, 1, proxy.Closed)
}

// While one request tries the origin, others go elsewhere, or are refused.
func TestHalfOpenLetsOneThrough(t *testing.T) {
	c := &clock{t: time.Unix(1e9, 0)}
	trial, release := make(chan struct{}), make(chan struct{})
	fails := true
	h := newProxy(t, proxy.Options{
		Origins: []string{"http://a"}, Now: c.now, MaxFails: 1,
		Transport: transport(func(*http.Request) (*http.Response, error) {
			if fails {
				return nil, errRefused
			}
			close(trial)
			<-release
			return ok()
		}),
	})
	get(h)
	fails = false
	c.move(time.Minute)
	done := make(chan int)
	go func() { done <- get(h).Code }()
	receive(t, trial)
	if w := get(h); w.Code != 503 {
		t.Errorf("a second request beside the trial: %d", w.Code)
	}
	close(release)
	if code := receive(t, done); code != 200 || h.States()[0].Circuit != proxy.Closed {
		t.Errorf("%d, %v", code, h.States()[0])
	}
}

// A transport that panics takes no origin with it.
func TestTrialPanics(t *testing.T) {
	c := &clock{t: time.Unix(1e9, 0)}
	answers := func() (*http.Response, error) { return nil, errRefused }
	h := newProxy(t, proxy.Options{
		Origins: []string{"http://a"}, Now: c.now, MaxFails: 1,
		Transport: transport(func(*http.Request) (*http.Response, error) { return answers() }),
	})
	get(h)
	c.move(time.Minute)
	answers = func() (*http.Response, error) { panic("odd") }
	func() {
		defer func() { recover() }()
		get(h)
	}()
	answers = ok
	if w := get(h); w.Code != 200 || h.States()[0].Active != 0 {
		t.Errorf("%d, %+v", w.Code, h.States()[0])
	}
}

// A request without an answer in time counts.
func TestTimeoutsCount(t *testing.T) {
	h := newProxy(t, proxy.Options{
		Origins: []string{"http://a"}, MaxFails: 2, HeadTimeout: time.Millisecond,
		Transport: transport(func(r *http.Request) (*http.Response, error) {
			<-r.Context().Done()
			return nil, r.Context().Err()
		}),
	})
	for range 2 {
		if w := get(h); w.Code != 504 {
			t.Errorf("%d", w.Code)
		}
	}
	if s := h.States()[0]; s.Circuit != proxy.Open {
		t.Errorf("%v", s)
	}
}

// balanceOf sends n requests and counts who was asked.
func balanceOf(t *testing.T, o proxy.Options, n int, change func(i int, r *http.Request)) map[string]int {
	t.Helper()
	got := map[string]int{}
	o.Transport = transport(func(r *http.Request) (*http.Response, error) {
		got[r.URL.Host]++
		return ok()
	})
	h := newProxy(t, o)
	for i := range n {
		r := httptest.NewRequest("GET", "/", nil)
		change(i, r)
		h.ServeHTTP(httptest.NewRecorder(), r)
	}
	return got
}

func TestBalance(t *testing.T) {
	origins := []string{"http://a", "http://b", "http://c"}
	same := func(int, *http.Request) {}
	for _, b := range []proxy.Balance{proxy.RoundRobin, proxy.LeastConnections} {
		if got := balanceOf(t, proxy.Options{Origins: origins, Balance: b}, 30, same); got["a"] != 10 || got["b"] != 10 || got["c"] != 10 {
			t.Errorf("%d: %v", b, got)
		}
	}
	for _, b := range []proxy.Balance{proxy.HashClient, proxy.HashURL} {
		if got := balanceOf(t, proxy.Options{Origins: origins, Balance: b}, 30, same); len(got) != 1 {
			t.Errorf("%d: one key, and %v", b, got)
		}
		got := balanceOf(t, proxy.Options{Origins: origins, Balance: b}, 300, func(i int, r *http.Request) {
			r.RemoteAddr = net.JoinHostPort("192.0.2."+string(rune('0'+i%10)), "1")
			r.URL.RawQuery = string(rune('a' + i%26))
		})
		if len(got) < 2 {
			t.Errorf("%d: many keys, and %v", b, got)
		}
	}
}

// The origin with the fewest requests under way is asked.
func TestLeastConnections(t *testing.T) {
	held := make(chan struct{})
	asked := make(chan string, 10)
	h := newProxy(t, proxy.Options{
		Origins: []string{"http://a", "http://b"}, Balance: proxy.LeastConnections,
		Transport: transport(func(r *http.Request) (*http.Response, error) {
			asked <- r.URL.Host
			if r.URL.Path == "/held" {
				<-held
			}
			return ok()
		}),
	})
	done := make(chan struct{})
	go func() {
		defer close(done)
		h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/held", nil))
	}()
	busy := receive(t, asked)
	for range 4 {
		get(h)
		if o := receive(t, asked); o == busy {
			t.Errorf("%s was asked, which is busy", o)
		}
	}
	close(held)
	<-done
	for _, s := range h.States() {
		if s.Active != 0 {
			t.Errorf("%+v", s)
		}
	}
}

// When an origin is out, only its own keys move.
func TestHashMovesFew(t *testing.T) {
	out := ""
	asked := map[string]string{}
	h := newProxy(t, proxy.Options{
		Origins: []string{"http://a", "http://b", "http://c"}, Balance: proxy.HashURL, MaxFails: 1,
		Transport: transport(func(r *http.Request) (*http.Response, error) {
			if r.URL.Host == out {
				return nil, errRefused
			}
			asked[r.URL.Path] = r.URL.Host
			return ok()
		}),
	})
	keys := []string{}
	for i := range 60 {
		keys = append(keys, "/"+string(rune('A'+i)))
	}
	ask := func() map[string]string {
		asked = map[string]string{}
		for _, k := range keys {
			r := httptest.NewRequest("GET", "/", nil)
			r.URL.Path = k
			h.ServeHTTP(httptest.NewRecorder(), r)
		}
		return asked
	}
	before := ask()
	out = "b"
	after := ask()
	moved := 0
	for _, k := range keys {
		switch {
		case after[k] == "":
			t.Errorf("%s was not answered", k)
		case before[k] != "b" && before[k] != after[k]:
			t.Errorf("%s moved from %s to %s", k, before[k], after[k])
		case before[k] == "b":
			moved++
		}
	}
	if moved == 0 {
		t.Error("no key was b's")
	}
}

func TestOptions(t *testing.T) {
	for name, o := range map[string]proxy.Options{
		"no origin":  {},
		"scheme":     {Origins: []string{"ftp://x"}},
		"no scheme":  {Origins: []string{"localhost:80"}},
		"no host":    {Origins: []string{"http:///x"}},
		"no socket":  {Origins: []string{"unix:"}},
		"query":      {Origins: []string{"http://x/?a"}},
		"user":       {Origins: []string{"http://u:p@x"}},
		"name":       {Origins: []string{"http://x"}, Name: "a b"},
		"name 2":     {Origins: []string{"http://x"}, Name: "1a"},
		"balance":    {Origins: []string{"http://x"}, Balance: 99},
		"host":       {Origins: []string{"http://x"}, Host: 99},
		"fixed":      {Origins: []string{"http://x"}, Host: proxy.HostFixed},
		"host name":  {Origins: []string{"http://x"}, HostName: "y"},
		"host name2": {Origins: []string{"http://x"}, Host: proxy.HostFixed, HostName: "y\r\n"},
		"time":       {Origins: []string{"http://x"}, ConnectTimeout: -1},
	} {
		if h, err := proxy.New(o); err == nil {
			h.Close()
			t.Errorf("%s: no fault", name)
		}
	}
}

// A body that its origin never ends is not waited for when the transport has
// no limits of its own.
func TestBodyTimeoutOfOtherTransports(t *testing.T) {
	h := newProxy(t, proxy.Options{
		Origins: []string{"http://a"}, BodyTimeout: time.Millisecond,
		Transport: transport(func(r *http.Request) (*http.Response, error) {
			resp, _ := ok()
			pr, pw := io.Pipe()
			go func() { <-r.Context().Done(); pw.CloseWithError(r.Context().Err()) }()
			resp.Body, resp.ContentLength = pr, -1
			return resp, nil
		}),
	})
	addr, recs := serve(t, h)
	if got := talk(t, addr, "GET / HTTP/1.1\r\nHost: x\r\n\r\n"); strings.HasSuffix(got, "0\r\n\r\n") {
		t.Errorf("%q", got)
	}
	if r := recs.rule(t); r != "proxy-body-timeout" {
		t.Errorf("rule %s", r)
	}
}

// With MaxConns requests wait for their turn.
func TestMaxConns(t *testing.T) {
	var now, most atomic.Int64
	origin := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if n := now.Add(1); n > most.Load() {
			most.Store(n)
		}
		now.Add(-1)
	}))
	defer origin.Close()
	h := newProxy(t, proxy.Options{Origins: []string{origin.URL}, MaxConns: 1})
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			if w := get(h); w.Code != 200 {
				t.Errorf("%d", w.Code)
			}
		})
	}
	wg.Wait()
	if most.Load() != 1 {
		t.Errorf("%d at once", most.Load())
	}
}
