package client

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"freshet/internal/coding"
	"freshet/internal/field"
	"freshet/internal/outbound"
)

// newServer starts a server, and a client for it.
func newServer(t *testing.T, h http.HandlerFunc) (*httptest.Server, *Client) {
	s := httptest.NewServer(h)
	c := &Client{Transport: &Transport{Base: &outbound.Transport{}}}
	t.Cleanup(func() {
		c.CloseIdleConnections()
		s.Close()
	})
	return s, c
}

func whole(t *testing.T, resp *http.Response, err error) string {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestRedirectMethods(t *testing.T) {
	s, c := newServer(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/" {
			w.Header().Set("Location", "/to?"+r.URL.RawQuery)
			fmt.Sscan(r.URL.RawQuery, new(int))
			var code int
			fmt.Sscan(r.URL.RawQuery, &code)
			w.WriteHeader(code)
			return
		}
		b, _ := io.ReadAll(r.Body)
		w.Header().Set("Asked", strings.Join([]string{r.Method, string(b), r.Header.Get("Content-Type"), r.Header.Get("X")}, " "))
	})
	for _, tt := range []struct {
		method string
		code   int
		want   string
	}{
		{"GET", 301, "GET  text/plain x"}, // its own fields stay
		{"POST", 301, "GET   x"}, {"POST", 302, "GET   x"}, {"POST", 303, "GET   x"},
		{"PUT", 301, "PUT body text/plain x"}, {"PUT", 302, "PUT body text/plain x"}, {"PUT", 303, "GET   x"},
		{"DELETE", 302, "DELETE body text/plain x"}, {"HEAD", 303, "HEAD  text/plain x"}, {"HEAD", 302, "HEAD  text/plain x"},
		{"POST", 307, "POST body text/plain x"}, {"POST", 308, "POST body text/plain x"}, {"PUT", 307, "PUT body text/plain x"},
		{"POST", 300, ""}, {"POST", 304, ""}, {"POST", 305, ""},
	} {
		var in io.Reader
		if tt.method != "GET" && tt.method != "HEAD" {
			in = strings.NewReader("body")
		}
		req, _ := http.NewRequest(tt.method, fmt.Sprintf("%s/?%d", s.URL, tt.code), in)
		req.Header.Set("Content-Type", "text/plain")
		req.Header.Set("X", "x")
		resp, err := c.Do(req)
		whole(t, resp, err)
		if got := resp.Header.Get("Asked"); got != tt.want {
			t.Errorf("%s, %d: %q, want %q", tt.method, tt.code, got, tt.want)
		}
		if tt.want != "" && (resp.Request.URL.Path != "/to" || resp.Request.Response.StatusCode != tt.code) {
			t.Errorf("%s, %d: %v", tt.method, tt.code, resp.Request)
		}
		// A body that cannot be sent again is not.
		if strings.Contains(tt.want, " body ") {
			req, _ := http.NewRequest(tt.method, fmt.Sprintf("%s/?%d", s.URL, tt.code), io.NopCloser(strings.NewReader("body")))
			resp, err := c.Do(req)
			if whole(t, resp, err); resp.StatusCode != tt.code {
				t.Errorf("%s, %d: %d", tt.method, tt.code, resp.StatusCode)
			}
		}
	}
}

// Another scheme, host or port is another origin, and gets no credentials; nor
// does the first when it is come back to.
func TestRedirectCredentials(t *testing.T) {
	var asked []string
	note := func(r *http.Request) {
		asked = append(asked, fmt.Sprintf("%s: %q %q %q %q", r.URL.Path, r.Header.Get("Authorization"), r.Header.Get("Cookie"), r.Header.Get("Referer"), r.Host))
	}
	var first, second *httptest.Server
	second, _ = newServer(t, func(w http.ResponseWriter, r *http.Request) {
		note(r)
		http.Redirect(w, r, first.URL+"/3", 302)
	})
	first, c := newServer(t, func(w http.ResponseWriter, r *http.Request) {
		note(r)
		switch r.URL.Path {
		case "/1":
			http.Redirect(w, r, "/2#part", 302)
		case "/2":
			http.Redirect(w, r, second.URL+"/there", 302)
		}
	})
	req, _ := http.NewRequest("GET", first.URL+"/1", nil)
	req.Host = "named.example"
	req.Header = http.Header{"Authorization": {"Bearer t"}, "Cookie": {"a=b"}, "Referer": {"http://r/"}}
	resp, err := c.Do(req)
	whole(t, resp, err)
	want := []string{
		`/1: "Bearer t" "a=b" "http://r/" "named.example"`,
		`/2: "Bearer t" "a=b" "" "named.example"`,
		`/there: "" "" "" "` + strings.TrimPrefix(second.URL, "http://") + `"`,
		`/3: "" "" "" "` + strings.TrimPrefix(first.URL, "http://") + `"`,
	}
	if !slices.Equal(asked, want) {
		t.Errorf("%s", strings.Join(asked, "\n"))
	}
	if resp.Request.URL.Fragment != "part" || len(req.Header) != 3 {
		t.Errorf("%v %v", resp.Request.URL, req.Header)
	}
}

func TestSameOrigin(t *testing.T) {
	for _, tt := range []struct {
		a, b string
		want bool
	}{
		{"http://a/", "http://a:80/x", true}, {"https://a/", "https://A:443/", true}, {"http://a/", "https://a/", false},
		{"http://a/", "http://a:81/", false}, {"http://a/", "http://sub.a/", false}, {"http://[::1]/", "http://[::1]:80/", true},
	} {
		a, _ := url.Parse(tt.a)
		b, _ := url.Parse(tt.b)
		if outbound.SameOrigin(a, b) != tt.want {
			t.Errorf("%s and %s", tt.a, tt.b)
		}
	}
}

func TestRedirectLimits(t *testing.T) {
	var location atomic.Value
	location.Store("/x")
	var asked atomic.Int64
	s, c := newServer(t, func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		if to := location.Load().(string); to != "" {
			w.Header().Set("Location", to)
		}
		w.WriteHeader(302)
	})
	var refused *RedirectError
	if _, err := c.Get(t.Context(), s.URL); !errors.As(err, &refused) || asked.Load() != 21 {
		t.Errorf("%v after %d requests", err, asked.Load())
	}
	c.MaxRedirects = 2
	asked.Store(0)
	if _, err := c.Get(t.Context(), s.URL); !errors.As(err, &refused) || asked.Load() != 3 {
		t.Errorf("%v after %d requests", err, asked.Load())
	}
	for _, to := range []string{"ftp://x/", "javascript:alert(1)", "http://%zz/", "http:///x"} {
		location.Store(to)
		if _, err := c.Get(t.Context(), s.URL); !errors.As(err, &refused) || refused.Location != to {
			t.Errorf("%s: %v", to, err)
		}
	}
	location.Store("")
	resp, err := c.Get(t.Context(), s.URL)
	if whole(t, resp, err); resp.StatusCode != 302 {
		t.Error(resp.Status)
	}
	location.Store("/x")
	c.MaxRedirects = -1
	resp, err = c.Get(t.Context(), s.URL)
	if whole(t, resp, err); resp.StatusCode != 302 {
		t.Error(resp.Status)
	}
	location.Store("http://%zz/")
	resp, err = c.Get(t.Context(), s.URL)
	if whole(t, resp, err); resp.StatusCode != 302 {
		t.Error(resp.Status)
	}
	location.Store("/x")
	c.MaxRedirects = 0
	c.Redirected = func(next *http.Request, resp *http.Response) error {
		if next.URL.Path == "/x" && resp.StatusCode == 302 {
			return http.ErrUseLastResponse
		}
		return nil
	}
	resp, err = c.Get(t.Context(), s.URL)
	if whole(t, resp, err); resp.StatusCode != 302 {
		t.Error(resp.Status)
	}
	stop := errors.New("not there")
	c.Redirected = func(*http.Request, *http.Response) error { return stop }
	if _, err := c.Get(t.Context(), s.URL); err != stop {
		t.Error(err)
	}
}

func TestCookies(t *testing.T) {
	s, c := newServer(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/in" {
			http.SetCookie(w, &http.Cookie{Name: "id", Value: "1"})
			http.Redirect(w, r, "/", 302)
			return
		}
		io.WriteString(w, r.Header.Get("Cookie")+r.Header.Get("Authorization"))
	})
	c.Jar = &Jar{}
	for range 2 {
		resp, err := c.Get(t.Context(), s.URL+"/in")
		if got := whole(t, resp, err); got != "id=1" {
			t.Errorf("%q", got)
		}
	}
}

func TestUserInfo(t *testing.T) {
	s, c := newServer(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/" {
			http.Redirect(w, r, "/x", 302)
		}
		io.WriteString(w, r.Header.Get("Authorization"))
	})
	u := strings.Replace(s.URL, "//", "//me:secret@", 1)
	resp, err := c.Get(t.Context(), u)
	if got := whole(t, resp, err); got != "Basic bWU6c2VjcmV0" {
		t.Errorf("%q", got)
	}
	s.Close()
	if _, err := c.Get(t.Context(), u); err == nil || strings.Contains(err.Error(), "secret") {
		t.Error(err)
	}
}

func TestDecode(t *testing.T) {
	text := bytes.Repeat([]byte("some text that is repeated. "), 4000)
	s, c := newServer(t, func(w http.ResponseWriter, r *http.Request) {
		out := text
		var names []string
		for name := range strings.SplitSeq(strings.Trim(r.URL.Path, "/"), "/") {
			cd, ok := field.CodingNamed(name)
			if ok && cd != field.Identity {
				out, _ = coding.Encode(nil, cd, out, coding.Quick)
			}
			names = append(names, name)
		}
		w.Header().Set("Content-Encoding", strings.Join(names, ", "))
		w.Header().Set("Accepted", r.Header.Get("Accept-Encoding"))
		if r.URL.RawQuery == "cut" {
			out = out[:len(out)/2]
		}
		w.Write(out)
	})
	c.Decode = true
	for _, path := range []string{"gzip", "x-GZIP", "br", "zstd", "identity", "gzip/br", "zstd/identity/gzip"} {
		resp, err := c.Get(t.Context(), s.URL+"/"+path)
		if got := whole(t, resp, err); got != string(text) {
			t.Errorf("%s: %d bytes", path, len(got))
		}
		if path != "identity" && (resp.Header["Content-Encoding"] != nil || resp.ContentLength != -1 || !resp.Uncompressed) {
			t.Errorf("%s: %v", path, resp)
		}
		if resp.Header.Get("Accepted") != "zstd, br, gzip" {
			t.Error(resp.Header)
		}
		if path == "identity" {
			continue
		}
		resp, err = c.Get(t.Context(), s.URL+"/"+path+"?cut")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadAll(resp.Body); !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("%s, cut: %v", path, err)
		}
		resp.Body.Close()
	}
	resp, err := c.Get(t.Context(), s.URL+"/lzw/gzip")
	if whole(t, resp, err); resp.Header.Get("Content-Encoding") != "lzw, gzip" {
		t.Error("half decoded")
	}
	resp, err = c.Get(t.Context(), s.URL+"/gzip/gzip/gzip/gzip/gzip")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadAll(resp.Body); !errors.Is(err, ErrExpands) {
		t.Error(err)
	}
	resp.Body.Close()
	for _, own := range []string{"Accept-Encoding: gzip", "Range: bytes=0-"} {
		req, _ := http.NewRequest("GET", s.URL+"/gzip", nil)
		name, value, _ := strings.Cut(own, ": ")
		req.Header.Set(name, value)
		resp, err := c.Do(req)
		if whole(t, resp, err); resp.Header.Get("Content-Encoding") != "gzip" {
			t.Errorf("%s: %v", own, resp.Header)
		}
	}
}

// What was made to use up memory is found out before it has.
func TestDecodeExpands(t *testing.T) {
	for _, c := range []field.Coding{field.Gzip, field.Zstd} {
		coded, err := coding.Encode(nil, c, make([]byte, 1<<20), coding.Quick)
		if err != nil {
			t.Fatal(err)
		}
		coded = bytes.Repeat(coded, 20) // members, and frames, that follow each other
		resp := &http.Response{Header: http.Header{"Content-Encoding": {c.String()}}, Body: io.NopCloser(bytes.NewReader(coded))}
		decode(resp)
		n, err := io.Copy(io.Discard, resp.Body)
		if !errors.Is(err, ErrExpands) || n > expandsFree+1<<20 {
			t.Errorf("%v: %d bytes of %d, %v", c, n, len(coded), err)
		}
		resp.Body.Close()
	}
}

// What is decoded is not what is stored: a cache below has what came.
func TestDecodeAboveCache(t *testing.T) {
	var asked atomic.Int64
	s, c := newServer(t, func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		w.Header().Set("Cache-Control", "max-age=100")
		w.Header().Set("Vary", "Accept-Encoding")
		w.Header().Set("Content-Encoding", "br")
		out, _ := coding.Encode(nil, field.Brotli, []byte("text"), coding.Quick)
		w.(http.Flusher).Flush() // so that its length is not known
		w.Write(out)
	})
	kept := NewMemoryCache(0)
	defer kept.Close()
	c.Transport.(*Transport).Cache = kept
	c.Decode = true
	for range 3 {
		resp, err := c.Get(t.Context(), s.URL)
		if got := whole(t, resp, err); got != "text" {
			t.Errorf("%q", got)
		}
	}
	if asked.Load() != 1 {
		t.Errorf("asked %d times", asked.Load())
	}
}

func TestRetry(t *testing.T) {
	var mu sync.Mutex    // guards what follows
	var answers []string // "503", "503 7", "cut"
	var sent []string
	begin := func(all []string) {
		mu.Lock()
		defer mu.Unlock()
		answers, sent = all, nil
	}
	s, c := newServer(t, func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		mu.Lock()
		sent = append(sent, r.Method+string(b))
		answer := answers[min(len(sent), len(answers))-1]
		mu.Unlock()
		if answer == "cut" {
			panic(http.ErrAbortHandler)
		}
		code, after, _ := strings.Cut(answer, " ")
		if after != "" {
			w.Header().Set("Retry-After", after)
		}
		var n int
		fmt.Sscan(code, &n)
		w.WriteHeader(n)
	})
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	var pauses []time.Duration
	c.Retry = Retry{Max: 3, Pause: func(_ context.Context, d time.Duration) error {
		pauses = append(pauses, d)
		return nil
	}, Now: func() time.Time { return now }}
	const first = time.Second
	for _, tt := range []struct {
		what    string
		method  string
		answers []string
		tries   int
		status  int // 0: an error
		check   func() bool
	}{
		{"no reason", "GET", []string{"200"}, 1, 200, nil},
		{"passes", "GET", []string{"503", "429", "200"}, 3, 200, func() bool {
			return pauses[0] >= first/2 && pauses[0] <= first && pauses[1] >= first && pauses[1] <= 2*first
		}},
		{"stays", "GET", []string{"502"}, 4, 502, func() bool { return pauses[2] >= 2*first && pauses[2] <= 4*first }},
		{"says when", "GET", []string{"503 7", "200"}, 2, 200, func() bool { return pauses[0] == 7*time.Second }},
		{"says the date", "GET", []string{"503 " + now.Add(time.Minute).Format(http.TimeFormat), "200"}, 2, 200, func() bool { return pauses[0] == time.Minute }},
		{"a date gone by", "GET", []string{"503 " + now.Add(-time.Minute).Format(http.TimeFormat), "200"}, 2, 200, func() bool { return pauses[0] == 0 }},
		{"too long", "GET", []string{"503 3600"}, 1, 503, nil},
		{"nonsense", "GET", []string{"503 soon", "200"}, 2, 200, nil},
		{"not found", "GET", []string{"404"}, 1, 404, nil},
		{"not idempotent", "POST", []string{"503"}, 1, 503, nil},
		{"with a body", "PUT", []string{"503", "200"}, 2, 200, nil},
		{"cut", "GET", []string{"cut", "cut", "200"}, 3, 200, nil},
		{"cut for good", "GET", []string{"cut"}, 4, 0, nil},
		{"cut, not idempotent", "POST", []string{"cut"}, 1, 0, nil},
	} {
		begin(tt.answers)
		pauses = nil
		var in io.Reader
		want := tt.method
		if tt.method != "GET" {
			in, want = strings.NewReader("body"), want+"body"
		}
		req, _ := http.NewRequest(tt.method, s.URL, in)
		c.CloseIdleConnections() // or the transport itself sends again what met a connection that ends
		resp, err := c.Do(req)
		status := 0
		if err == nil {
			whole(t, resp, err)
			status = resp.StatusCode
		}
		mu.Lock()
		if status != tt.status || len(sent) != tt.tries || sent[len(sent)-1] != want || tt.check != nil && !tt.check() {
			t.Errorf("%s: %d, sent %q, pauses %v, %v", tt.what, status, sent, pauses, err)
		}
		mu.Unlock()
	}
	ctx, cancel := context.WithCancel(t.Context())
	begin([]string{"503"})
	c.Retry.Pause, c.Retry.Retrying = nil, func(time.Duration, *http.Response, error) { cancel() }
	_, err := c.Get(ctx, s.URL)
	mu.Lock()
	defer mu.Unlock()
	if !errors.Is(err, context.Canceled) || len(sent) != 1 {
		t.Errorf("%v, sent %d", err, len(sent))
	}
}

// The pauses of the system's clock, and the bound on all of it.
func TestTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		c := &Client{Timeout: 10 * time.Second, Retry: Retry{Max: 100}, Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
			return nil, errors.New("down")
		})}
		_, err := c.Get(t.Context(), "http://x/")
		if took := time.Since(began); !errors.Is(err, context.DeadlineExceeded) || took != 10*time.Second {
			t.Errorf("%v after %v", err, took)
		}
		c.Retry = Retry{}
		c.Transport = roundTripper(func(r *http.Request) (*http.Response, error) {
			in, out := io.Pipe()
			context.AfterFunc(r.Context(), func() { out.CloseWithError(r.Context().Err()) })
			return &http.Response{StatusCode: 200, Header: http.Header{}, Body: in, Request: r, ContentLength: -1}, nil
		})
		resp, err := c.Get(t.Context(), "http://x/")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadAll(resp.Body); !errors.Is(err, context.DeadlineExceeded) {
			t.Error(err)
		}
		resp.Body.Close()
		resp, err = c.Get(t.Context(), "http://x/")
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close() // ends the timer, which the bubble would wait for
	})
}
