package app

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"
	"unicode/utf8"
)

// told is a transcript without what differs from run to run.
func (w *getWorld) told(text string) string {
	return strings.ReplaceAll(text, w.srv.Listener.Addr().String(), "ADDR")
}

func TestGetVerbose(t *testing.T) {
	w := newGetWorld(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Date", "Fri, 02 Jan 2026 03:04:05 GMT")
		w.Header().Set("Etag", `"1"`)
		w.Header().Set("X-Escape", "\u202ered")
		http.SetCookie(w, &http.Cookie{Name: "sid", Value: "secret", Path: "/"})
		if r.URL.Path == "/from" {
			w.Header().Set("Location", "/to")
			w.WriteHeader(302)
			return
		}
		w.Header().Set("Cache-Control", "max-age=60")
		io.WriteString(w, "body\n")
	})
	_, said := w.run(exitOK, "-v", "-u", "ann:pw", "-b", "a=b", "URL/from")
	const want = `*   Trying ADDR...
* Connected to 127.0.0.1 (ADDR)
> GET /from HTTP/1.1
> Host: ADDR
> Accept: */*
> Authorization: Basic ***
> Cookie: a=***
> User-Agent: freshet
>
< HTTP/1.1 302 Found
< Date: Fri, 02 Jan 2026 03:04:05 GMT
< Etag: "1"
< Location: /to
< Set-Cookie: sid=***; Path=/
< X-Escape:  red
< Content-Length: 0
<
* Using the connection to 127.0.0.1 (ADDR) again
> GET /to HTTP/1.1
> Host: ADDR
> Accept: */*
> Authorization: Basic ***
> Cookie: a=***
> User-Agent: freshet
>
< HTTP/1.1 200 OK
< Cache-Control: max-age=60
< Date: Fri, 02 Jan 2026 03:04:05 GMT
< Etag: "1"
< Set-Cookie: sid=***; Path=/
< X-Escape:  red
< Content-Length: 5
< Content-Type: text/plain; charset=utf-8
<
`
	if got := w.told(said); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	out, _ := w.run(exitOK, "--trace-ascii", "-", "-d", "a=b", "-s", "URL/to")
	contains(t, out, "=> Send header, ", "\n0000: POST /to HTTP/1.1\n", "=> Send data, 3 bytes (0x3)\n0000: a=b\n", "<= Recv header, ", "<= Recv data, 5 bytes (0x5)\n0000: body.\n")
	trace := filepath.Join(t.TempDir(), "trace")
	w.get("--trace", trace, "-u", "ann:pw", "--no-cache", "URL/to")
	contains(t, file(t, trace), "== Info: Connected to ", "0000: 47 45 54 20 2f 74 6f 20 48 54 54 50 2f 31 2e 31 GET /to HTTP/1.1\n", "Basic")
}

// --why tells what happened, in lines that fit a terminal.
func TestGetWhy(t *testing.T) {
	start := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	w := newGetWorld(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Etag", `"1"`)
		w.Header().Set("Date", start.Format(http.TimeFormat))
		switch r.URL.Path {
		case "/cdn":
			w.Header().Set("Cache-Control", "max-age=600")
			w.Header().Set("Age", "200")
			w.Header().Set("Cache-Status", `origin-shield; fwd=uri-miss; fwd-status=200; stored, "edge, 7"; hit; ttl=400; detail="a;b"`)
			w.Header().Set("Via", "1.1 varnish, 1.1 edge")
			w.Header().Set("X-Cache", "MISS, HIT")
		case "/no-store":
			w.Header().Set("Cache-Control", "no-store")
		case "/checked":
			w.Header().Set("Cache-Control", "no-cache")
		case "/redirect":
			http.Redirect(w, r, "/fresh", 302)
			return
		default:
			w.Header().Set("Cache-Control", "max-age=7300")
		}
		if r.Header.Get("If-None-Match") != "" {
			w.WriteHeader(304)
			return
		}
		io.WriteString(w, "body")
	})
	now := start.UnixNano()
	w.now = func() int64 { return now }
	long := "URL/" + strings.Repeat("long/", 40)
	for _, tt := range []struct{ args, want string }{
		{"URL/fresh", `* why       GET http://ADDR/fresh
* answer    200 OK
* own cache miss: nothing was stored for this address (RFC 9111 §4)
* kept      yes, fresh for 2 h 1 min
`},
		{"URL/fresh", `* why       GET http://ADDR/fresh
* answer    200 OK
* own cache hit: the stored answer is fresh (RFC 9111 §4.2)
*           (lifetime 7300 s, age 0 s)
*           age 0 s, fresh for 2 h 1 min
`},
		{"--no-cache URL/fresh", `* why       GET http://ADDR/fresh
* answer    200 OK
* own cache not used: there is none (--cache off)
`},
		{"--refresh URL/fresh", `* why       GET http://ADDR/fresh
* answer    200 OK
* own cache validated, still the same: the request asks for validation (RFC 9111
            §5.2.1.4)
*           (Cache-Control: no-cache)
*           age 0 s, fresh for 2 h 1 min
* kept      yes, fresh for 2 h 1 min
`},
		{"URL/no-store", `* why       GET http://ADDR/no-store
* answer    200 OK
* own cache miss: the answer has no-store (RFC 9111 §5.2.2.5)
*           (Cache-Control: no-store)
* kept      no, for that reason
`},
		{"URL/checked", `* why       GET http://ADDR/checked
* answer    200 OK
* own cache miss: nothing was stored for this address (RFC 9111 §4)
* kept      yes, and to be validated before each use (no-cache)
`},
		{"URL/redirect", `* why       GET http://ADDR/redirect
* answer    302 Found
* own cache miss: an answer with this status code is stored only if it says that
            it may be (RFC 9111 §3)
* kept      no, for that reason
* why       GET http://ADDR/fresh
* answer    200 OK
* own cache hit: the stored answer is fresh (RFC 9111 §4.2)
*           (lifetime 7300 s, age 0 s)
*           age 0 s, fresh for 2 h 1 min
`},
		{"URL/cdn", `* why       GET http://ADDR/cdn
* answer    200 OK
* own cache miss: nothing was stored for this address (RFC 9111 §4)
* kept      yes, fresh for 6 min
* cache     origin-shield: miss, it had nothing for the address, asked on, got
            200, stored
* cache     edge, 7: hit, fresh for 6 min, detail a;b
* age       3 min when it came, says a cache on the way
* via       1.1 varnish, 1.1 edge
* x-cache   MISS, HIT
`},
		{"-X POST URL/fresh", `* why       POST http://ADDR/fresh
* answer    200 OK
* own cache passed: only GET and HEAD are answered from the cache (RFC 9111 §4)
`},
	} {
		_, said := w.run(exitOK, append([]string{"--why"}, strings.Fields(tt.args)...)...)
		if got := w.told(said); got != tt.want && !strings.HasPrefix(got, tt.want) {
			t.Errorf("%s\ngot\n%s\nwant\n%s", tt.args, got, tt.want)
		}
	}
	_, said := w.run(exitOK, "--why", long)
	for line := range strings.Lines(said) {
		if n := utf8.RuneCountInString(strings.TrimSuffix(line, "\n")); n > 80 {
			t.Errorf("%d columns: %s", n, line)
		}
	}
	now += int64(2 * time.Hour)
	w.srv.Close()
	_, said = w.run(exitOK, "--why", "--offline", "URL/cdn")
	contains(t, said, "own cache hit, stale: ", "* cache     when it was stored: edge, 7: hit")
	_, said = w.run(getNoConnection, "--why", "--no-cache", "URL/cdn")
	contains(t, said, "* answer    none\n")
}

// Heads where they are asked for.
func TestGetHeads(t *testing.T) {
	w := newGetWorld(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header()["Date"] = nil
		if r.URL.Path == "/from" {
			w.Header().Set("Location", "/to")
			w.WriteHeader(302)
			return
		}
		w.Header().Set("Etag", `"1"`)
		io.WriteString(w, "body\n")
	})
	const head = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Type: text/plain; charset=utf-8\r\nETag: \"1\"\r\n\r\n"
	const from = "HTTP/1.1 302 Found\r\nContent-Length: 0\r\nLocation: /to\r\n\r\n"
	dir := t.TempDir()
	in := func(name string) string { return filepath.Join(dir, name) }
	if got := w.get("-i", "--no-cache", "URL/from"); got != from+head+"body\n" {
		t.Errorf("%q", got)
	}
	if got := w.get("-i", "--no-cache", "--no-location", "URL/from"); got != from {
		t.Errorf("%q", got)
	}
	if got := w.get("-I", "--no-cache", "URL/to"); got != head {
		t.Errorf("%q", got)
	}
	w.get("-i", "--no-cache", "-o", in("i"), "-D", in("d"), "URL/from")
	if file(t, in("i")) != from+head+"body\n" || file(t, in("d")) != from+head {
		t.Errorf("%q %q", file(t, in("i")), file(t, in("d")))
	}
	w.get("-I", "--no-cache", "-o", in("h"), "URL/from")
	if file(t, in("h")) != "HTTP/1.1 302 Found\r\nLocation: /to\r\n\r\n"+head {
		t.Errorf("%q", file(t, in("h")))
	}
}

// The variables of --write-out.
func TestGetWriteOut(t *testing.T) {
	w := newGetWorld(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/from":
			http.Redirect(w, r, "/to?x", 302)
		case "/404":
			http.NotFound(w, r)
		default:
			w.Header().Set("X-A", "b")
			w.Header().Set("Cache-Control", "max-age=60")
			io.WriteString(w, "body")
		}
	})
	for _, tt := range []struct {
		status       int
		format, args string
		want         string
	}{
		{exitOK, `%{http_code} %{size_download} %{num_redirects}\n`, "URL/from", "200 4 1\n"},
		{exitOK, `%{url_effective}`, "URL/from", "http://ADDR/to?x"},
		{exitOK, `%{redirect_url}`, "--no-location URL/from", "http://ADDR/to?x"},
		{exitOK, `100%% \t\\%{`, "URL/", "100% \t\\\\%{"},
		{exitOK, `%{cache}`, "URL/to?x", "hit"},
		{exitOK, `%{num_connects}`, "URL/to?x", "0"},
		{exitOK, `%header{x-a} %{content_type} %{method} %{scheme} %{http_version}`, "URL/", "b text/plain; charset=utf-8 GET http 1.1"},
		{getHTTPError, `%{exitcode}:%{errormsg}:%{http_code}`, "-f URL/404", "22:the answer is 404 Not Found:404"},
		{getNoConnection, `%{http_code}%{onerror} failed`, "http://127.0.0.1:1/", "000 failed"},
		{exitOK, `a%{onerror} failed`, "URL/", "a"},
		{exitOK, `%{size_upload} %{method}`, "-d abc URL/", "3 POST"},
		{exitOK, `%{filename_effective}`, "-o DIR/g URL/", "DIR/g"},
		{exitOK, `%{remote_ip} %{num_retries}`, "--no-cache URL/", "127.0.0.1 0"},
	} {
		dir := t.TempDir()
		args := strings.Fields(strings.ReplaceAll(tt.args, "DIR", dir))
		out, _ := w.run(tt.status, append(args, "-o", filepath.Join(dir, "f"), "-w", tt.format)...)
		if got := strings.ReplaceAll(w.told(out), dir, "DIR"); got != tt.want {
			t.Errorf("%s: %q, want %q", tt.format, got, tt.want)
		}
	}
	out := w.get("-o", filepath.Join(t.TempDir(), "f"), "-w", "%{time_total} %{json}", "--no-cache", "URL/")
	seconds, text, _ := strings.Cut(out, " ")
	var all map[string]any
	if err := json.Unmarshal([]byte(text), &all); err != nil || all["http_code"] != 200.0 || !regexp.MustCompile(`^\d+\.\d{6}$`).MatchString(seconds) {
		t.Errorf("%v: %s", err, out)
	}
	_, said := w.run(exitOK, "-w", "%{stderr}err%{stdout}", "URL/", "-o", filepath.Join(t.TempDir(), "f"))
	if said != "err" {
		t.Errorf("%q", said)
	}
	_, said = w.run(exitOK, "-w", "%{nothing}", "URL/")
	contains(t, said, "there is no %{nothing}")
}

// Progress is for terminals, and fits them.
func TestGetMeter(t *testing.T) {
	more := make(chan struct{})
	w := newGetWorld(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", "2000")
		w.Write(make([]byte, 1000))
		http.NewResponseController(w).Flush()
		<-more
		w.Write(make([]byte, 1000))
	})
	w.width = 80
	out := filepath.Join(t.TempDir(), "a-file-with-a-name")
	p := startWith(t, func(e *Env) {
		e.Environ = []string{"HOME=/nowhere"}
		e.Columns = func() (int, bool) { return 80, true }
	}, "get", "--no-cache", "-o", out, w.srv.URL+"/")
	p.stderr.wait(t, `\ra-file-with-a-name +\[#+\.+\]  50% +1000 B +\d+(?:\.\d)? [KMi]*B/s `)
	close(more)
	if status := p.wait(); status != exitOK {
		t.Fatal(status, p.stderr)
	}
	lines := strings.Split(strings.TrimSuffix(p.stderr.String(), "\n"), "\r")
	for _, line := range lines {
		if len(line) > 79 {
			t.Errorf("%d columns: %q", len(line), line)
		}
	}
	contains(t, lines[len(lines)-1], "100%")
	for _, quiet := range []string{"-s", "--no-progress-meter"} {
		if got := w.get(quiet, "-o", out, "URL/"); got != "" {
			t.Errorf("%s: %q", quiet, got)
		}
	}
}

func TestMeterLine(t *testing.T) {
	for _, m := range []*getMeter{
		{name: "f", total: -1, got: 0}, {name: strings.Repeat("n", 100), total: -1, got: 1 << 50}, {name: "f", total: 1 << 40, got: 5},
		{name: strings.Repeat("é", 60), total: 100, got: 100}, {name: "f", total: 0, got: 0}, {name: "\x1b[2J", total: 10, from: 5, got: 1},
	} {
		for _, width := range []int{79, 60, 40, 20} {
			line := m.line(90*time.Second, width)
			if n := utf8.RuneCountInString(line); n != width || strings.ContainsRune(line, '\x1b') {
				t.Errorf("%d columns of %d: %q", n, width, line)
			}
		}
	}
	m := getMeter{name: "file.iso", total: 200 << 20, got: 50 << 20}
	if got, want := m.line(10*time.Second, 79), "file.iso                [####............]  25%   50.0 MiB    5.0 MiB/s    0:30 left"; strings.Join(strings.Fields(got), " ") != strings.Join(strings.Fields(want), " ") && len(got) != 79 {
		t.Errorf("%q", got)
	}
	for d, want := range map[time.Duration]string{0: "0:00", 61 * time.Second: "1:01", 2 * time.Hour: "2:00:00", 1000 * time.Hour: "41d"} {
		if got := humanTime(d); got != want {
			t.Errorf("%v: %s", d, got)
		}
	}
}

// Tries again what may be tried again, and says so.
func TestGetRetry(t *testing.T) {
	var n atomic.Int64
	w := newGetWorld(t, func(w http.ResponseWriter, r *http.Request) {
		if n.Add(1)%2 == 1 {
			w.Header().Set("Retry-After", r.URL.Query().Get("after"))
			http.Error(w, "not now", 503)
			return
		}
		io.WriteString(w, "body")
	})
	for _, tt := range []struct {
		args   string
		status int
		want   string
		asked  int64
	}{
		{"URL/", exitOK, "not now\n", 1},
		{"--retry 2 URL/?after=0", exitOK, "body", 2},
		{"--retry 2 --retry-delay 0.001 URL/", exitOK, "body", 2},
		{"--retry 2 --retry-delay 0.001 -d a URL/", exitOK, "body", 2},
		{"--retry 2 --retry-max-time 0.01 URL/?after=3600", getHTTPError, "", 1},
		{"-f --retry 1 --retry-delay 0.001 URL/", exitOK, "body", 2},
	} {
		n.Store(0)
		out, _ := w.run(tt.status, append(strings.Fields(tt.args), "--no-cache")...)
		if out != tt.want || n.Load() != tt.asked {
			t.Errorf("%s: %q after %d requests", tt.args, out, n.Load())
		}
	}
	_, said := w.run(getNoConnection, "--retry", "3", "--retry-delay", "0.001", "http://127.0.0.1:1/")
	if strings.Contains(said, "trying again") {
		t.Errorf("a refused connection was tried again: %s", said)
	}
	_, said = w.run(getNoConnection, "--retry", "2", "--retry-connrefused", "--retry-delay", "0.001", "http://127.0.0.1:1/")
	if strings.Count(said, "trying again in 1ms, ") != 2 {
		t.Errorf("%s", said)
	}
	// What may have been carried out is not repeated.
	var gone atomic.Int64
	g := newGetWorld(t, func(http.ResponseWriter, *http.Request) {
		gone.Add(1)
		panic(http.ErrAbortHandler)
	})
	for args, want := range map[string]int64{"-d a URL/": 1, "--retry-all-errors -d a URL/": 3} {
		gone.Store(0)
		g.run(getNothing, append(strings.Fields(args), "--retry", "2", "--retry-delay", "0.001")...)
		if gone.Load() != want {
			t.Errorf("%s: %d requests, want %d", args, gone.Load(), want)
		}
	}
	gone.Store(0)
	g.run(getNothing, "--retry", "2", "--retry-delay", "0.001", "URL/")
	if gone.Load() < 3 {
		t.Errorf("%d requests", gone.Load())
	}
}

func TestRetryAfter(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for value, want := range map[string]string{"120": "2m0s", "Fri, 02 Jan 2026 03:04:10 GMT": "5s", "soon": "", "-1": "", "": ""} {
		d, ok := retryAfter(value, now)
		if got := fmt.Sprint(d); ok != (want != "") || ok && got != want {
			t.Errorf("%q: %v %v", value, d, ok)
		}
	}
}
