package client

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"net/textproto"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"freshet/internal/outbound"
	"freshet/internal/wiretest"
)

// world is an origin and a transport with a cache before it.
type world struct {
	t      *testing.T
	origin *httptest.Server
	asked  atomic.Int64
	*Transport
}

// eachCache runs a test with each kind of cache.
func eachCache(t *testing.T, f func(t *testing.T, open func() *Cache)) {
	t.Run("memory", func(t *testing.T) {
		f(t, func() *Cache { return NewMemoryCache(0) })
	})
	t.Run("folder", func(t *testing.T) {
		f(t, func() *Cache { return openFolder(t, t.TempDir(), CacheOptions{}) })
	})
}

func openFolder(t *testing.T, dir string, o CacheOptions) *Cache {
	t.Helper()
	c, err := OpenCache(dir, o)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func newWorld(t *testing.T, c *Cache, h http.HandlerFunc) *world {
	w := &world{t: t}
	w.origin = httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		w.asked.Add(1)
		h(rw, r)
	}))
	w.Transport = &Transport{Base: &outbound.Transport{}, Cache: c}
	t.Cleanup(func() {
		w.CloseIdleConnections()
		w.origin.Close()
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	return w
}

func (w *world) request(method, path string, fields ...string) *http.Request {
	w.t.Helper()
	r, err := http.NewRequest(method, w.origin.URL+path, nil)
	if err != nil {
		w.t.Fatal(err)
	}
	for _, f := range fields {
		name, value, _ := strings.Cut(f, ": ")
		r.Header.Add(name, value)
	}
	return r
}

// get returns an answer whose body has been read.
func (w *world) do(method, path string, fields ...string) (resp *http.Response, body string) {
	w.t.Helper()
	resp, err := w.RoundTrip(w.request(method, path, fields...))
	if err != nil {
		w.t.Fatal(err)
	}
	return resp, w.read(resp)
}

func (w *world) read(resp *http.Response) string {
	w.t.Helper()
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		w.t.Fatal(err)
	}
	return string(b)
}

// verdict returns what the cache made of an answer.
func verdict(resp *http.Response) string {
	w, _ := From(resp)
	return w.Verdict
}

func TestHitAndValidation(t *testing.T) {
	eachCache(t, func(t *testing.T, open func() *Cache) {
		w := newWorld(t, open(), func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Cache-Control", "private, max-age=100")
			w.Header().Set("ETag", `"1"`)
			if r.URL.Path == "/stale" {
				w.Header().Set("Cache-Control", "no-cache")
			}
			if r.Header.Get("If-None-Match") == `"1"` {
				w.WriteHeader(http.StatusNotModified)
				return
			}
			fmt.Fprintf(w, "%s of %s", r.Method, r.URL.Path)
		})
		for i, want := range []string{"miss", "hit", "hit"} {
			resp, got := w.do("GET", "/a")
			if got != "GET of /a" || verdict(resp) != want || resp.StatusCode != 200 || resp.ContentLength != 9 || resp.Status != "200 OK" {
				t.Errorf("%d: %v %q %s %d", i, resp, got, verdict(resp), resp.ContentLength)
			}
		}
		for i, want := range []string{"miss", "revalidated", "revalidated"} {
			if resp, got := w.do("GET", "/stale"); got != "GET of /stale" || verdict(resp) != want || resp.StatusCode != 200 {
				t.Errorf("%d: %q %s", i, got, verdict(resp))
			}
		}
		resp, _ := w.do("GET", "/a", `If-None-Match: "1"`)
		if resp.StatusCode != 304 || verdict(resp) != "hit" || resp.ContentLength != 0 {
			t.Errorf("%v", resp)
		}
		if resp, got := w.do("HEAD", "/a"); resp.ContentLength != 9 || got != "" || verdict(resp) != "hit" {
			t.Errorf("%v", resp)
		}
		if resp, got := w.do("GET", "/a", "Range: bytes=7-"); resp.StatusCode != 206 || got != "/a" || verdict(resp) != "hit" {
			t.Errorf("%v", resp)
		}
		why, ok := From(resp)
		if !ok || !why.Done || why.Rule == "" || why.Sentence == "" || why.TTL <= 0 {
			t.Errorf("%+v", why)
		}
		if s := resp.Header.Get("Cache-Status"); !strings.HasPrefix(s, "freshet; hit; ttl=") {
			t.Errorf("%q", s)
		}
		w.do("POST", "/a")
		if resp, _ := w.do("GET", "/a"); verdict(resp) != "miss" {
			t.Errorf("after a POST: %s", verdict(resp))
		}
	})
}

// What one account may see is not what another may; invalidation is for all.
func TestAccounts(t *testing.T) {
	eachCache(t, func(t *testing.T, open func() *Cache) {
		w := newWorld(t, open(), func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Cache-Control", "max-age=100")
			io.WriteString(w, "for "+r.Header.Get("Authorization"))
		})
		for i, want := range []string{"miss", "hit"} {
			for _, who := range []string{"Bearer one", "Bearer two", "token"} {
				if resp, got := w.do("GET", "/", "Authorization: "+who); got != "for "+who || verdict(resp) != want {
					t.Errorf("%d: %q %s", i, got, verdict(resp))
				}
			}
			if resp, got := w.do("GET", "/"); got != "for " || verdict(resp) != want {
				t.Errorf("%d: %q %s", i, got, verdict(resp))
			}
		}
		w.do("DELETE", "/", "Authorization: Bearer one")
		if resp, _ := w.do("GET", "/", "Authorization: Bearer two"); verdict(resp) != "miss" {
			t.Error(verdict(resp))
		}
	})
}

// Failures are errors, those of Base as they are, unless something stale helps.
func TestErrors(t *testing.T) {
	var now atomic.Int64
	now.Store(time.Now().UnixNano())
	c, err := OpenCache("", CacheOptions{Now: func() time.Time { return time.Unix(0, now.Load()) }})
	if err != nil {
		t.Fatal(err)
	}
	var down atomic.Bool
	failure := errors.New("no route to anywhere")
	w := newWorld(t, c, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", r.Header.Get("Want"))
		io.WriteString(w, "fine")
	})
	base := w.Base
	w.Base = roundTripper(func(r *http.Request) (*http.Response, error) {
		if down.Load() {
			closeBody(r)
			return nil, failure
		}
		return base.RoundTrip(r)
	})
	w.do("GET", "/strict", "Want: max-age=5, must-revalidate")
	w.do("GET", "/lax", "Want: max-age=5")
	down.Store(true)
	now.Add(10e9)
	for _, method := range []string{"GET", "POST", "HEAD"} {
		if _, err := w.RoundTrip(w.request(method, "/none")); err != failure {
			t.Errorf("%s: %v", method, err)
		}
	}
	if _, err := w.RoundTrip(w.request("GET", "/strict")); err != failure {
		t.Error(err)
	}
	if resp, got := w.do("GET", "/lax"); got != "fine" || verdict(resp) != "stale" {
		t.Errorf("%q %s", got, verdict(resp))
	}
	resp, got := w.do("GET", "/none", "Cache-Control: only-if-cached")
	if why, _ := From(resp); resp.StatusCode != 504 || why.Verdict != "refused" || got == "" {
		t.Errorf("%d %+v", resp.StatusCode, why)
	}
	w.Offline = true
	if resp, got := w.do("GET", "/lax"); got != "fine" || verdict(resp) != "stale" {
		t.Errorf("%q %s", got, verdict(resp))
	}
	if resp, _ := w.do("GET", "/none"); resp.StatusCode != 504 {
		t.Errorf("%d", resp.StatusCode)
	}
	if _, err := w.RoundTrip(w.request("POST", "/lax")); err != ErrOffline {
		t.Error(err)
	}
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// A body that breaks off is an error, whatever the cache did with it.
func TestCut(t *testing.T) {
	eachCache(t, func(t *testing.T, open func() *Cache) {
		w := newWorld(t, open(), func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Query().Get("keep") != "" {
				w.Header().Set("Cache-Control", "max-age=100")
			} else {
				w.Header().Set("Cache-Control", "no-store")
			}
			n, _ := strconv.Atoi(r.URL.Query().Get("n"))
			if r.URL.Query().Get("sized") != "" {
				w.Header().Set("Content-Length", strconv.Itoa(n+1))
			}
			w.Write(make([]byte, n))
			w.(http.Flusher).Flush()
			panic(http.ErrAbortHandler)
		})
		for _, q := range []string{"", "&keep=1", "&sized=1", "&keep=1&sized=1"} {
			for _, n := range []int{0, 10, 100 << 10, 3 << 20} {
				resp, err := w.RoundTrip(w.request("GET", fmt.Sprintf("/?n=%d%s", n, q)))
				if err == nil {
					var got []byte
					got, err = io.ReadAll(resp.Body)
					resp.Body.Close()
					if err != nil && len(got) > n {
						t.Errorf("%d bytes", len(got))
					}
				}
				if !errors.Is(err, io.ErrUnexpectedEOF) {
					t.Errorf("%d%s: %v", n, q, err)
				}
			}
		}
	})
}

// A head reaches the caller before the body, and parts of it as they come.
func TestStreams(t *testing.T) {
	eachCache(t, func(t *testing.T, open func() *Cache) {
		step := make(chan struct{})
		w := newWorld(t, open(), func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Cache-Control", "max-age=100")
			if r.URL.Path == "/pass" {
				w.Header().Set("Cache-Control", "no-store")
			}
			w.Header().Set("Trailer", "Sum")
			w.WriteHeader(200)
			w.(http.Flusher).Flush()
			<-step
			io.WriteString(w, "one")
			w.(http.Flusher).Flush()
			<-step
			io.WriteString(w, "two")
			w.Header().Set("Sum", "6")
		})
		for _, path := range []string{"/keep", "/pass"} {
			resp, err := w.RoundTrip(w.request("GET", path))
			if err != nil {
				t.Fatal(err)
			}
			step <- struct{}{}
			var b [10]byte
			if n, err := resp.Body.Read(b[:]); string(b[:n]) != "one" || err != nil {
				t.Errorf("%q, %v", b[:n], err)
			}
			step <- struct{}{}
			if got := w.read(resp); got != "two" {
				t.Errorf("%q", got)
			}
			if path == "/pass" && (resp.Trailer.Get("Sum") != "6" || resp.Header["Trailer"] != nil) {
				t.Errorf("%v %v", resp.Trailer, resp.Header)
			}
		}
		if resp, got := w.do("GET", "/keep"); got != "onetwo" || verdict(resp) != "hit" {
			t.Errorf("%q %s", got, verdict(resp))
		}
	})
}

// Closed early, a body ends its exchange; one that is all there is stored.
func TestCloseEarly(t *testing.T) {
	eachCache(t, func(t *testing.T, open func() *Cache) {
		gone := make(chan struct{}, 1)
		w := newWorld(t, open(), func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Cache-Control", "max-age=100")
			if r.URL.Path != "/endless" {
				io.WriteString(w, `{"a":1}`+"\n")
				return
			}
			for r.Context().Err() == nil {
				if _, err := w.Write(make([]byte, 64<<10)); err != nil {
					break
				}
			}
			gone <- struct{}{}
		})
		resp, err := w.RoundTrip(w.request("GET", "/endless"))
		if err != nil {
			t.Fatal(err)
		}
		io.ReadFull(resp.Body, make([]byte, 1000))
		resp.Body.Close()
		<-gone
		if _, err := resp.Body.Read(make([]byte, 1)); err == nil {
			t.Error("read on")
		}

		resp, err = w.RoundTrip(w.request("GET", "/small"))
		if err != nil {
			t.Fatal(err)
		}
		io.ReadFull(resp.Body, make([]byte, 7))
		resp.Body.Close()
		if resp, _ := w.do("GET", "/small"); verdict(resp) != "hit" {
			t.Error(verdict(resp))
		}
	})
}

// A download that its reader gave up is none for those who read it, too.
func TestCloseEarlyBesideOthers(t *testing.T) {
	const size = 2 << 20
	begun, on := make(chan struct{}), make(chan struct{})
	w := newWorld(t, NewMemoryCache(0), func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "max-age=100")
		w.Header().Set("Content-Length", strconv.Itoa(size))
		w.Write(make([]byte, size/2))
		w.(http.Flusher).Flush()
		begun <- struct{}{}
		<-on
		w.Write(make([]byte, size/2))
	})
	first, err := w.RoundTrip(w.request("GET", "/"))
	if err != nil {
		t.Fatal(err)
	}
	<-begun
	second, err := w.RoundTrip(w.request("GET", "/"))
	if err != nil {
		t.Fatal(err)
	}
	first.Body.Close()
	close(on)
	if got := w.read(second); len(got) != size || w.asked.Load() != 1 {
		t.Errorf("%d bytes, asked %d times", len(got), w.asked.Load())
	}
	// The second one has its end a moment before the answer is in the cache: who
	// asks then waits for the same answer.
	for deadline := time.Now().Add(time.Minute); ; {
		resp, got := w.do("GET", "/")
		if len(got) != size || w.asked.Load() != 1 || time.Now().After(deadline) {
			t.Fatalf("%s, %d bytes, asked %d times", verdict(resp), len(got), w.asked.Load())
		}
		if verdict(resp) == "hit" {
			return
		}
	}
}

// A context ends what it is for, at any stage.
func TestContext(t *testing.T) {
	eachCache(t, func(t *testing.T, open func() *Cache) {
		reached, gone := make(chan struct{}), make(chan struct{})
		w := newWorld(t, open(), func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Cache-Control", "max-age=100")
			if r.URL.Path == "/body" {
				w.Write(make([]byte, 100<<10))
				w.(http.Flusher).Flush()
			}
			reached <- struct{}{}
			<-r.Context().Done()
			gone <- struct{}{}
		})
		reason := errors.New("the user has changed his mind")
		ctx, cancel := context.WithCancelCause(context.Background())
		go func() {
			<-reached
			cancel(reason)
		}()
		if _, err := w.RoundTrip(w.request("GET", "/head").WithContext(ctx)); err != reason {
			t.Error(err)
		}
		<-gone
		ctx, cancel = context.WithCancelCause(context.Background())
		resp, err := w.RoundTrip(w.request("GET", "/body").WithContext(ctx))
		if err != nil {
			t.Fatal(err)
		}
		<-reached
		cancel(reason)
		if _, err := io.Copy(io.Discard, resp.Body); err != reason {
			t.Error(err)
		}
		<-gone
		if err := resp.Body.Close(); err != nil {
			t.Error(err)
		}
	})
}

// Many who want the same make one request.
func TestCollapse(t *testing.T) {
	on := make(chan struct{})
	w := newWorld(t, NewMemoryCache(0), func(w http.ResponseWriter, r *http.Request) {
		<-on
		w.Header().Set("Cache-Control", "max-age=100")
		io.WriteString(w, strings.Repeat("x", 100<<10))
	})
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			resp, err := w.RoundTrip(w.request("GET", "/"))
			if err != nil {
				t.Error(err)
				return
			}
			defer resp.Body.Close()
			if b, err := io.ReadAll(resp.Body); len(b) != 100<<10 || err != nil {
				t.Error(len(b), err)
			}
		})
	}
	close(on)
	all.Wait()
	if w.asked.Load() != 1 {
		t.Errorf("asked %d times", w.asked.Load())
	}
}

// Those who wait for another's answer hear why there is none.
func TestCollapsedError(t *testing.T) {
	failure := errors.New("no route to anywhere")
	begun, on := make(chan struct{}), make(chan struct{})
	kept := NewMemoryCache(0)
	defer kept.Close()
	var asked atomic.Int64
	tr := &Transport{Cache: kept, Base: roundTripper(func(r *http.Request) (*http.Response, error) {
		if asked.Add(1) == 1 {
			close(begun)
			<-on
		}
		return nil, failure
	})}
	var all sync.WaitGroup
	get := func() {
		r, _ := http.NewRequest("GET", "http://origin.example/", nil)
		if _, err := tr.RoundTrip(r); err != failure {
			t.Error(err)
		}
	}
	all.Go(get)
	<-begun
	for range 10 {
		all.Go(get)
	}
	close(on)
	all.Wait()
}

// Request bodies are sent and closed, of whatever length.
func TestRequestBodies(t *testing.T) {
	w := newWorld(t, NewMemoryCache(0), func(w http.ResponseWriter, r *http.Request) {
		n, _ := io.Copy(io.Discard, r.Body)
		fmt.Fprintf(w, "%s %d of %d %v", r.Method, n, r.ContentLength, r.TransferEncoding)
	})
	for _, tt := range []struct {
		method string
		length int64
		want   string
	}{
		{"POST", 0, "POST 1000 of -1 [chunked]"},
		{"POST", -1, "POST 1000 of -1 [chunked]"},
		{"POST", 1000, "POST 1000 of 1000 []"},
		{"GET", 1000, "GET 1000 of 1000 []"},
	} {
		body := &closing{Reader: bytes.NewReader(make([]byte, 1000))}
		r := w.request(tt.method, "/")
		r.Body, r.ContentLength = body, tt.length
		resp, err := w.RoundTrip(r)
		if err != nil {
			t.Fatal(err)
		}
		if got := w.read(resp); got != tt.want || body.closed.Load() == 0 {
			t.Errorf("%q, closed %d times", got, body.closed.Load())
		}
	}
	w.Offline = true
	body := &closing{Reader: strings.NewReader("x")}
	r := w.request("PUT", "/")
	r.Body = body
	if _, err := w.RoundTrip(r); err != ErrOffline || body.closed.Load() == 0 {
		t.Error(err, body.closed.Load())
	}
}

type closing struct {
	io.Reader
	closed atomic.Int64
}

func (c *closing) Close() error {
	c.closed.Add(1)
	return nil
}

// The caller's trace sees what Base does; what the caller does to an answer does
// not change the one that is kept.
func TestTraceAndAliasing(t *testing.T) {
	w := newWorld(t, NewMemoryCache(0), func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Link", "</a>; rel=preload")
		w.WriteHeader(http.StatusEarlyHints)
		w.Header().Set("Cache-Control", "max-age=100")
		io.WriteString(w, "x")
	})
	var hints, connections int
	ctx := httptrace.WithClientTrace(context.Background(), &httptrace.ClientTrace{
		GotConn: func(httptrace.GotConnInfo) { connections++ },
		Got1xxResponse: func(code int, h textproto.MIMEHeader) error {
			if code == 103 && h.Get("Link") != "" {
				hints++
			}
			return nil
		},
	})
	for range 3 {
		r := w.request("GET", "/").WithContext(ctx)
		resp, err := w.RoundTrip(r)
		if err != nil {
			t.Fatal(err)
		}
		if w.read(resp); resp.Header.Get("Cache-Control") != "max-age=100" {
			t.Error(resp.Header)
		}
		resp.Header["Cache-Control"][0] = "changed"
		resp.Header["Link"] = nil
	}
	if hints != 1 || connections != 1 {
		t.Errorf("%d hints, %d connections", hints, connections)
	}
}

// An upgrade goes past the cache, and so does everything without one.
func TestPast(t *testing.T) {
	w := newWorld(t, NewMemoryCache(0), func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Upgrade") == "" {
			w.Header().Set("Cache-Control", "max-age=100")
			return
		}
		c, rw, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer c.Close()
		rw.WriteString("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n")
		rw.Flush()
		line, _ := rw.ReadString('\n')
		rw.WriteString(line)
		rw.Flush()
	})
	resp, err := w.RoundTrip(w.request("GET", "/", "Upgrade: echo", "Connection: Upgrade"))
	if err != nil {
		t.Fatal(err)
	}
	rw, ok := resp.Body.(io.ReadWriteCloser)
	if resp.StatusCode != 101 || !ok {
		t.Fatal(resp.Status)
	}
	defer rw.Close()
	io.WriteString(rw, "hello\n")
	var b [6]byte
	if _, err := io.ReadFull(rw, b[:]); err != nil || string(b[:]) != "hello\n" {
		t.Errorf("%q %v", b, err)
	}
	plain := &Transport{Base: w.Base}
	for range 2 {
		resp, err := plain.RoundTrip(w.request("GET", "/"))
		if err != nil {
			t.Fatal(err)
		}
		if _, known := From(resp); w.read(resp) != "" || known || resp.Header.Get("Cache-Status") != "" {
			t.Error("a cache that is not there")
		}
	}
}

// A stale answer is used and validated in the background; Wait waits for that,
// Close ends it.
func TestBackground(t *testing.T) {
	var now atomic.Int64
	now.Store(time.Now().UnixNano())
	c, err := OpenCache("", CacheOptions{Now: func() time.Time { return time.Unix(0, now.Load()) }})
	if err != nil {
		t.Fatal(err)
	}
	hang := make(chan struct{})
	w := newWorld(t, c, func(w http.ResponseWriter, r *http.Request) {
		select {
		case <-hang:
			<-r.Context().Done()
		default:
		}
		w.Header().Set("Cache-Control", "max-age=5, stale-while-revalidate=1000")
		w.Header().Set("Date", time.Unix(0, now.Load()).UTC().Format(http.TimeFormat))
	})
	key := struct{ int }{1}
	base := w.Base
	w.Base = roundTripper(func(r *http.Request) (*http.Response, error) {
		if late := now.Load() > 0 && w.asked.Load() > 0; (r.Context().Value(key) == nil) != late {
			t.Errorf("value %v at request %d", r.Context().Value(key), w.asked.Load())
		}
		return base.RoundTrip(r)
	})
	get := func() *http.Response {
		ctx, cancel := context.WithCancel(context.WithValue(context.Background(), key, "caller's"))
		defer cancel()
		resp, err := w.RoundTrip(w.request("GET", "/").WithContext(ctx))
		if err != nil {
			t.Fatal(err)
		}
		w.read(resp)
		return resp
	}
	get()
	now.Add(10e9)
	if resp := get(); verdict(resp) != "stale" {
		t.Error(verdict(resp))
	}
	if err := c.Wait(t.Context()); err != nil || w.asked.Load() != 2 {
		t.Error(err, w.asked.Load())
	}
	if resp := get(); verdict(resp) != "hit" {
		t.Error(verdict(resp))
	}
	now.Add(10e9)
	close(hang)
	get() // and what it began ends with the cache, in the clean-up
}

// Reports come for answers and for errors.
func TestReport(t *testing.T) {
	w := newWorld(t, NewMemoryCache(0), func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-store")
		io.WriteString(w, "x")
	})
	reports := make(chan Why, 1)
	w.Report = func(_ *http.Request, why Why) { reports <- why }
	w.do("GET", "/")
	if why := <-reports; why.Verdict != "miss" || why.Storing != "not-stored-no-store" || !why.Done || why.Err != nil {
		t.Errorf("%+v", why)
	}
	r, _ := http.NewRequest("GET", "http://"+wiretest.Reserve(t), nil)
	if _, err := w.RoundTrip(r); err == nil {
		t.Error("no error")
	}
	if why := <-reports; why.Err == nil || !why.Done {
		t.Errorf("%+v", why)
	}
}
