package httpd_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"freshet/httpd"
)

// bothServers runs h on net/http's server and on ours.
func bothServers(t *testing.T, h http.Handler) (std, ours string) {
	t.Helper()
	quiet := log.New(io.Discard, "", 0)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &http.Server{Handler: h, ErrorLog: quiet}
	go s.Serve(l)
	t.Cleanup(func() { s.Close() })
	return l.Addr().String(), start(t, &httpd.Server{Handler: h, ErrorLog: quiet})
}

// exchange sends raw, half-closes when it is all sent unless it must stay
// open, and describes all answers until the connection ends.
func describe(t *testing.T, addr, raw string) string {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(patience))
	io.WriteString(c, raw)
	var out strings.Builder
	br := bufio.NewReader(c)
	method, _, _ := strings.Cut(raw, " ")
	for {
		resp, err := http.ReadResponse(br, &http.Request{Method: method})
		if err != nil {
			if err == io.EOF || errors.Is(err, io.ErrUnexpectedEOF) {
				fmt.Fprintf(&out, "end\n")
			} else {
				fmt.Fprintf(&out, "error\n")
			}
			return out.String()
		}
		resp.Header.Del("Date")
		resp.Header.Del("Server")
		body, err := io.ReadAll(resp.Body)
		fmt.Fprintf(&out, "%d close=%v length=%d coding=%v body=%.60q err=%v\n", resp.StatusCode, resp.Close, resp.ContentLength, resp.TransferEncoding, body, err)
		for _, k := range slices.Sorted(mapKeys(resp.Header)) {
			fmt.Fprintf(&out, "  %s: %q\n", k, resp.Header[k])
		}
		for _, k := range slices.Sorted(mapKeys(resp.Trailer)) {
			fmt.Fprintf(&out, "  trailer %s: %q\n", k, resp.Trailer[k])
		}
		if err != nil || resp.Close {
			return out.String()
		}
		if resp.StatusCode >= 200 && !strings.Contains(raw, "\r\n\r\nGET /next") {
			return out.String()
		}
	}
}

func mapKeys(h http.Header) func(func(string) bool) {
	return func(yield func(string) bool) {
		for k := range h {
			if !yield(k) {
				return
			}
		}
	}
}

const get = "GET / HTTP/1.1\r\nHost: x\r\n\r\n"

func TestHandlersSeeWhatNetHTTPGives(t *testing.T) {
	file := filepath.Join(t.TempDir(), "f")
	if err := os.WriteFile(file, bytes.Repeat([]byte("0123456789"), 10_000), 0o600); err != nil {
		t.Fatal(err)
	}
	rc := http.NewResponseController
	tests := []struct {
		name string
		raw  string
		h    http.HandlerFunc
	}{
		{"nothing written", get, func(w http.ResponseWriter, r *http.Request) {}},
		{"implicit length", get, func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "hi") }},
		{"sniffed type", get, func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "<html><body>x") }},
		{"no sniffing over a coding", get, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			io.WriteString(w, "<html>")
		}},
		{"type suppressed", get, func(w http.ResponseWriter, r *http.Request) {
			w.Header()["Content-Type"] = nil
			io.WriteString(w, "<html>")
		}},
		{"large body is chunked", get, func(w http.ResponseWriter, r *http.Request) {
			for range 100 {
				io.WriteString(w, strings.Repeat("x", 1000))
			}
		}},
		{"large body to HTTP/1.0", "GET / HTTP/1.0\r\n\r\n", func(w http.ResponseWriter, r *http.Request) {
			w.Write(bytes.Repeat([]byte("y"), 100_000))
		}},
		{"HTTP/1.0 keep-alive", "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", func(w http.ResponseWriter, r *http.Request) {
			io.WriteString(w, "hi")
		}},
		{"HEAD with body", "HEAD / HTTP/1.1\r\nHost: x\r\n\r\n", func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "hello") }},
		{"HEAD with nothing", "HEAD / HTTP/1.1\r\nHost: x\r\n\r\n", func(w http.ResponseWriter, r *http.Request) {}},
		{"HEAD with declared length", "HEAD / HTTP/1.1\r\nHost: x\r\n\r\n", func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Length", "1234")
		}},
		{"204 has no body", get, func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(204)
			if _, err := io.WriteString(w, "x"); err != http.ErrBodyNotAllowed {
				panic(err)
			}
		}},
		{"304 keeps its fields", get, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("ETag", `"a"`)
			w.WriteHeader(304)
		}},
		{"fields after WriteHeader do nothing", get, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("A", "1")
			w.WriteHeader(200)
			w.Header().Set("A", "2")
			w.Header().Set("B", "3")
		}},
		{"values lose line ends", get, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("A", "1\r\nB: 2")
		}},
		{"handler closes", get, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Connection", "close")
			io.WriteString(w, "bye")
		}},
		{"length too short cuts", get, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Length", "10")
			io.WriteString(w, "short")
		}},
		{"length too long is refused", get, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Length", "2")
			if _, err := io.WriteString(w, "long"); err != http.ErrContentLength {
				panic(err)
			}
			io.WriteString(w, "ok")
		}},
		{"abort before anything", get, func(w http.ResponseWriter, r *http.Request) { panic(http.ErrAbortHandler) }},
		{"abort in a chunked body", get, func(w http.ResponseWriter, r *http.Request) {
			io.WriteString(w, "begun")
			w.(http.Flusher).Flush()
			panic(http.ErrAbortHandler)
		}},
		{"announced trailers", get, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Trailer", "A, B")
			io.WriteString(w, "body")
			w.Header().Set("A", "1")
			w.Header().Set("B", "2")
		}},
		{"late trailers", get, func(w http.ResponseWriter, r *http.Request) {
			w.(http.Flusher).Flush()
			io.WriteString(w, "body")
			w.Header().Set(http.TrailerPrefix+"A", "1")
		}},
		{"early hints", get, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Link", "</a.css>; rel=preload")
			w.WriteHeader(103)
			io.WriteString(w, "page")
		}},
		{"request body", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello", echo},
		{"chunked request body", "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n", echo},
		{"request trailers", "POST / HTTP/1.1\r\nHost: x\r\nTrailer: X-A\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\nX-A: 1\r\n\r\n", func(w http.ResponseWriter, r *http.Request) {
			before := fmt.Sprint(r.Trailer)
			io.Copy(io.Discard, r.Body)
			fmt.Fprint(w, before, r.Trailer)
		}},
		{"unread body is skipped", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello" + "GET /next HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", func(w http.ResponseWriter, r *http.Request) {
			io.WriteString(w, r.URL.Path)
		}},
		{"expect is answered when the body is read", "POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\nhello", echo},
		{"expect is not answered when it is refused", "POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n", func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(403)
		}},
		{"options *", "OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n", func(w http.ResponseWriter, r *http.Request) { panic("called") }},
		{"what the request holds", "GET http://h.example:80/a%20b/c?q=1&r=%41 HTTP/1.1\r\nHost: other\r\nX-A: 1\r\nx-a: 2\r\nCookie: a=b\r\nPragma: no-cache\r\n\r\n", func(w http.ResponseWriter, r *http.Request) {
			fmt.Fprintln(w, r.Method, r.URL, r.URL.Path, r.URL.RawPath, r.URL.RawQuery, r.URL.Host, r.Proto, r.ProtoMajor, r.ProtoMinor, r.Header, r.ContentLength, r.TransferEncoding, r.Close, r.Host, r.RequestURI, r.TLS == nil, r.Body == http.NoBody)
		}},
		{"target with a question mark only", "GET /a? HTTP/1.1\r\nHost: x\r\n\r\n", func(w http.ResponseWriter, r *http.Request) {
			fmt.Fprintln(w, r.URL, r.URL.ForceQuery, r.URL.RawQuery)
		}},
		{"file by ReadFrom", get, func(w http.ResponseWriter, r *http.Request) {
			f, _ := os.Open(file)
			defer f.Close()
			f.Seek(50, io.SeekStart)
			w.Header().Set("Content-Type", "text/plain")
			w.Header().Set("Content-Length", "99950")
			if n, err := io.Copy(w, f); n != 99950 || err != nil {
				panic(fmt.Sprint(n, err))
			}
		}},
		{"part of a file by CopyN", get, func(w http.ResponseWriter, r *http.Request) {
			f, _ := os.Open(file)
			defer f.Close()
			n, err := io.CopyN(w, f, 25)
			at, _ := f.Seek(0, io.SeekCurrent)
			fmt.Fprint(w, n, err, at)
		}},
		{"ServeFile", "GET / HTTP/1.1\r\nHost: x\r\nRange: bytes=10-19\r\n\r\n", func(w http.ResponseWriter, r *http.Request) {
			http.ServeFile(w, r, file)
		}},
		{"redirect", get, func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/elsewhere", 302) }},
		{"http.Error", get, func(w http.ResponseWriter, r *http.Request) { http.Error(w, "no", 418) }},
		{"TimeoutHandler", get, http.TimeoutHandler(http.HandlerFunc(hello), time.Minute, "late").ServeHTTP},
		{"StripPrefix and mux", "GET /p/x HTTP/1.1\r\nHost: x\r\n\r\n", func() http.HandlerFunc {
			m := http.NewServeMux()
			m.Handle("GET /p/{name}", http.StripPrefix("/p", http.HandlerFunc(hello)))
			return m.ServeHTTP
		}()},
		{"MaxBytesReader", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello", func(w http.ResponseWriter, r *http.Request) {
			r.Body = http.MaxBytesReader(w, r.Body, 3)
			_, err := io.ReadAll(r.Body)
			w.Header().Set("Connection", "close") // net/http's reader closes by a private way into its writer
			http.Error(w, fmt.Sprint(err), 413)
		}},
		{"flush, then more", get, func(w http.ResponseWriter, r *http.Request) {
			io.WriteString(w, "a")
			if err := rc(w).Flush(); err != nil {
				panic(err)
			}
			io.WriteString(w, "b")
		}},
		{"deadlines", get, func(w http.ResponseWriter, r *http.Request) {
			fmt.Fprint(w, rc(w).SetReadDeadline(time.Now().Add(time.Hour)), rc(w).SetWriteDeadline(time.Now().Add(time.Hour)))
		}},
		{"full duplex", "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n", func(w http.ResponseWriter, r *http.Request) {
			if err := rc(w).EnableFullDuplex(); err != nil {
				panic(err)
			}
			io.WriteString(w, "first ")
			rc(w).Flush()
			b, err := io.ReadAll(r.Body)
			fmt.Fprintf(w, "%s %v", b, err)
		}},
		{"hijack", "GET / HTTP/1.1\r\nHost: x\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\nearly", func(w http.ResponseWriter, r *http.Request) {
			c, rw, err := rc(w).Hijack()
			if err != nil {
				panic(err)
			}
			defer c.Close()
			b := make([]byte, 5)
			io.ReadFull(rw, b)
			fmt.Fprintf(rw, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n%s", b)
			rw.Flush()
		}},
		{"context ends with the handler", get, func() http.HandlerFunc {
			return func(w http.ResponseWriter, r *http.Request) {
				ctx, cancel := context.WithCancel(r.Context())
				defer cancel()
				fmt.Fprint(w, r.Context().Err(), ctx.Err())
			}
		}()},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			std, ours := bothServers(t, tt.h)
			want := describe(t, std, tt.raw)
			got := describe(t, ours, tt.raw)
			if got != want {
				t.Errorf("request %q\nours:\n%s\nnet/http:\n%s", tt.raw, got, want)
			}
		})
	}
}

func echo(w http.ResponseWriter, r *http.Request) {
	b, err := io.ReadAll(r.Body)
	fmt.Fprintf(w, "%s %v", b, err)
}

// The context of a request ends when its client goes away, and a pipelined
// request that arrives meanwhile is not lost.
func TestContextEndsWithClient(t *testing.T) {
	var once sync.Once
	ended := make(chan error, 2)
	h := func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/wait" {
			<-r.Context().Done()
			once.Do(func() { ended <- r.Context().Err() })
			return
		}
		io.WriteString(w, "ok")
	}
	addr := start(t, &httpd.Server{Handler: http.HandlerFunc(h)})
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	io.WriteString(c, "GET /wait HTTP/1.1\r\nHost: x\r\n\r\n")
	c.Close()
	select {
	case err := <-ended:
		if err != context.Canceled {
			t.Errorf("context error %v", err)
		}
	case <-time.After(patience):
		t.Fatal("the context did not end")
	}
}

func TestPipelinedByteIsKept(t *testing.T) {
	watching := make(chan struct{})
	proceed := make(chan struct{})
	h := func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/first" {
			r.Context().Done()
			close(watching)
			<-proceed
		}
		io.WriteString(w, r.URL.Path)
	}
	addr := start(t, &httpd.Server{Handler: http.HandlerFunc(h)})
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	io.WriteString(c, "GET /first HTTP/1.1\r\nHost: x\r\n\r\n")
	<-watching
	io.WriteString(c, "GET /second HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
	close(proceed)
	br := bufio.NewReader(c)
	for _, want := range []string{"/first", "/second"} {
		resp, err := http.ReadResponse(br, nil)
		if err != nil {
			t.Fatal(err)
		}
		if b, _ := io.ReadAll(resp.Body); string(b) != want {
			t.Errorf("got %q, want %q", b, want)
		}
	}
}
