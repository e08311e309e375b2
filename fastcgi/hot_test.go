package fastcgi_test

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"regexp"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"freshet/cache"
	"freshet/fastcgi"
	"freshet/httpd"
	"freshet/internal/alloctest"
)

// front serves what a cache in front of h has, with the hot path or without it.
func front(t testing.TB, h *fastcgi.Handler, hot bool, sink httpd.Sink) (addr string) {
	t.Helper()
	c, err := cache.New(cache.Options{Next: h, ErrorLog: quiet})
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	srv := &httpd.Server{Handler: c, Sink: sink, ErrorLog: discardLog, MaxBodyBytes: -1}
	if hot {
		srv.Hot = c
	}
	done := make(chan struct{})
	go func() { defer close(done); srv.Serve(l) }()
	t.Cleanup(func() { srv.Close(); <-done })
	return l.Addr().String()
}

// said is what a backend said to the n-th request, and whether it hangs up then.
type said struct {
	octets string
	gone   bool
	pause  time.Duration
}

var changing = regexp.MustCompile(`(?m)^(Date: .*|Age: \d+)\r\n`)

// ask sends a request and returns the octets of the answer but for the time.
func ask(t *testing.T, nc net.Conn, r *bufio.Reader, fields string) (raw string, whole bool) {
	t.Helper()
	nc.SetDeadline(time.Now().Add(patience))
	io.WriteString(nc, "GET /p/a?b=c HTTP/1.1\r\nHost: example.com\r\nUser-Agent: test\r\n"+fields+"\r\n")
	var b strings.Builder
	resp, err := http.ReadResponse(bufio.NewReader(io.TeeReader(oneByOne{r}, &b)), nil)
	if err != nil {
		return b.String() + err.Error(), false
	}
	_, err = io.Copy(io.Discard, resp.Body)
	return changing.ReplaceAllString(b.String(), ""), err == nil && !resp.Close
}

// oneByOne reads single octets, so that nothing of the next answer is taken.
type oneByOne struct{ r io.Reader }

func (o oneByOne) Read(p []byte) (int, error) { return o.r.Read(p[:min(1, len(p))]) }

// The hot path and the other one give the same octets, records and lines of the
// log.
func TestHotIsTheSame(t *testing.T) {
	plain := "X-Powered-By: PHP\r\nContent-Type: text/html\r\n\r\n"
	useless := whole("first")
	answers := map[string]said{
		"plain":            {octets: stdout(plain+"hello") + end(0, 0)},
		"no body":          {octets: stdout(plain) + end(0, 0)},
		"length":           {octets: stdout("Content-Length: 5\r\n"+plain+"hello") + end(0, 0)},
		"short":            {octets: stdout("Content-Length: 6\r\n"+plain+"hello") + end(0, 0)},
		"too much":         {octets: stdout("Content-Length: 3\r\n"+plain+"hello") + end(0, 0)},
		"no type":          {octets: stdout("Status: 200 OK\r\n\r\n<html>") + end(0, 0)},
		"date":             {octets: stdout("Date: Thu, 01 Jan 1970 00:00:00 GMT\r\nServer: other\r\n"+plain+"x") + end(0, 0)},
		"not found":        {octets: stdout("Status: 404 Not Found\r\n"+plain+"nothing") + end(0, 0)},
		"cannot be stored": {octets: stdout("Cache-Control: no-store\r\n"+plain+"x") + end(0, 0)},
		"storable":         {octets: stdout("Cache-Control: max-age=60\r\n"+plain+"x") + end(0, 0)},
		"cookie":           {octets: stdout("Set-Cookie: a=b\r\nSet-Cookie: c=d\r\n"+plain+"x") + end(0, 0)},
		"another cache":    {octets: stdout("Cache-Status: other; fwd=miss\r\n"+plain+"x") + end(0, 0)},
		"hop by hop":       {octets: stdout("Connection: close\r\nKeep-Alive: 1\r\n"+plain+"x") + end(0, 0)},
		"trailers":         {octets: stdout("Trailer: X-Sum\r\n"+plain+"x") + end(0, 0)},
		"redirect":         {octets: stdout("Location: http://example.org/\r\n\r\n") + end(0, 0)},
		"local redirect":   {octets: stdout("Location: /elsewhere\r\n\r\n") + end(0, 0)},
		"file":             {octets: stdout("X-Accel-Redirect: /nowhere\r\n"+plain+"x") + end(0, 0)},
		"events":           {octets: stdout("Content-Type: text/event-stream\r\n\r\ndata: 1\n\n") + end(0, 0)},
		"empty":            {octets: stdout("Status: 204 No Content\r\n\r\n") + end(0, 0)},
		"no head":          {octets: stdout("hello") + end(0, 0)},
		"nothing":          {octets: end(0, 0)},
		"overloaded":       {octets: end(0, 2)},
		"error output":     {octets: stderr("warning: x\n") + stdout(plain+"hello") + end(0, 0)},
		"4 KiB":            {octets: stdout(plain+strings.Repeat("x", 4<<10)) + end(0, 0)},
		"more":             {octets: stdout(plain+strings.Repeat("x", 4<<10+1)) + end(0, 0)},
		"much":             {octets: stdout(plain+strings.Repeat("x", 60<<10)) + stdout(strings.Repeat("y", 60<<10)) + end(0, 0)},
		"cut":              {octets: stdout(plain + "hel"), gone: true},
		"gone":             {gone: true},
		"broken":           {octets: "nonsense"},
		"slow":             {octets: stdout(plain+"hello") + end(0, 0), pause: 80 * time.Millisecond},
	}
	for name, second := range answers {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var got [2]string
			for i, hot := range []bool{false, true} {
				got[i] = twice(t, hot, said{octets: useless}, second)
				got[i] += twice(t, hot, second, second)
			}
			if got[0] != got[1] {
				without, with := strings.Split(got[0], "\n"), strings.Split(got[1], "\n")
				for i := range without {
					if i < len(with) && without[i] == with[i] {
						continue
					}
					t.Fatalf("line %d is otherwise; without the hot path:\n%s\nwith it:\n%s", i, strings.Join(without[i:], "\n"), strings.Join(with[min(i, len(with)):], "\n"))
				}
			}
		})
	}
}

// twice has a backend answer one request with the first, and all others with the
// second, and tells all that is seen of it.
func twice(t *testing.T, hot bool, first, second said) string {
	var log strings.Builder
	var mu sync.Mutex
	var params []string
	n := 0
	address := fake(t, "unix", func(s *session) {
		for {
			q, err := s.request()
			if err != nil {
				return
			}
			mu.Lock()
			say := second
			if n++; n == 1 {
				say = first
			}
			params = append(params, fmt.Sprint(q.vars["QUERY_STRING"], q.vars["REQUEST_URI"], q.vars["HTTP_USER_AGENT"], q.vars["HTTP_COOKIE"], q.vars["SERVER_NAME"], len(q.vars)))
			mu.Unlock()
			time.Sleep(say.pause)
			if io.WriteString(s, say.octets); say.gone {
				return
			}
		}
	})
	h := newHandler(t, fastcgi.Options{Address: address, ErrorLog: slog.New(slog.NewTextHandler(lockedWriter{&mu, &log}, &slog.HandlerOptions{
		ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
			if a.Key == "time" || a.Key == "request" || a.Key == "backend" {
				return slog.Attr{}
			}
			return a
		}}))})
	recs := &records{got: make(chan httpd.Record, 1024)}
	addr := front(t, h, hot, recs)
	var b strings.Builder
	var nc net.Conn
	for i, fields := range []string{"", "", "Accept: */*\r\n", "Cookie: a=b\r\n", ""} {
		if nc == nil {
			var err error
			if nc, err = net.Dial("tcp", addr); err != nil {
				t.Fatal(err)
			}
		}
		raw, goesOn := ask(t, nc, bufio.NewReaderSize(nc, 16), fields)
		r := recs.next(t)
		fmt.Fprintf(&b, "%d %v\n%s\n%d %v %v %d %v", i, goesOn, raw, r.Status, r.Rule, r.Verdict, r.Bytes, r.Hot && r.Verdict.String() == "miss")
		if d := r.Detail; d != nil && r.Verdict.String() != "hit" {
			fmt.Fprintf(&b, " %q %q %v %v %v %q %d %d %q", strings.Replace(d.Key, addr, "", 1), d.Forward, d.Reason, d.Storing, d.Stored, d.Evidence, d.OriginStatus, d.Tries, d.Error)
		}
		b.WriteString("\n")
		if !goesOn {
			nc.Close()
			nc = nil
		}
	}
	if nc != nil {
		nc.Close()
	}
	mu.Lock()
	defer mu.Unlock()
	return b.String() + strings.Join(params, "\n") + "\n" + log.String()
}

type lockedWriter struct {
	mu *sync.Mutex
	w  io.Writer
}

func (l lockedWriter) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.w.Write(p)
}

// What a request costs in all, engine and cache included, has a bound, and is
// not much more than half of what it is without the hot path.
func TestHotAllocations(t *testing.T) {
	if raceEnabled || runtime.GOOS != "linux" {
		t.Skip("the race detector allocates; elsewhere there is no hot path")
	}
	allocations := func(hot bool) float64 {
		addr := front(t, newHandler(t, fastcgi.Options{Address: quick(t)}), hot, nil)
		nc, err := net.Dial("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		defer nc.Close()
		request, b := []byte("GET /p/a?b=c HTTP/1.1\r\nHost: example.com\r\nUser-Agent: test\r\n\r\n"), make([]byte, 4096)
		return alloctest.PerRun(200, func() {
			nc.Write(request)
			if n, err := nc.Read(b); err != nil || !bytes.HasSuffix(b[:n], []byte("hello, world")) {
				t.Fatal(err)
			}
		})
	}
	without, with := allocations(false), allocations(true)
	t.Logf("%.0f allocations, %.0f without the hot path", with, without)
	if with > 12 || with > without*0.6 {
		t.Errorf("%.0f allocations for a request, %.0f without the hot path", with, without)
	}
}
