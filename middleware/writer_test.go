package middleware

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"net/textproto"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"
)

// stacks are each wrapper alone and all of them, with requests that make them
// do their work.
var stacks = map[string]func(http.Handler) http.Handler{
	"Validate": func(h http.Handler) http.Handler { return Validate(h, nil) },
	"Validate, told": func(h http.Handler) http.Handler {
		return Validate(h, func(*http.Request) Validators { return Validators{ETag: `"v1"`} })
	},
	"Compress": func(h http.Handler) http.Handler { return Compress(h, CompressOptions{}) },
	"Expires":  func(h http.Handler) http.Handler { return Expires(h, Freshness{}) },
	"all": func(h http.Handler) http.Handler {
		return Compress(Expires(Validate(h, nil), Freshness{}), CompressOptions{})
	},
}

// eachStack runs f for each stack around h on a server of each protocol. The
// requests accept gzip and have a precondition.
func eachStack(t *testing.T, h http.HandlerFunc, f func(t *testing.T, proto string, do func(*http.Request) *http.Response, url string)) {
	for name, stack := range stacks {
		for _, proto := range []string{"HTTP/1.1", "HTTP/2.0"} {
			t.Run(name+"/"+proto, func(t *testing.T) {
				c, url := serve(t, stack(h), proto)
				f(t, proto, func(req *http.Request) *http.Response {
					t.Helper()
					req.Header.Set("Accept-Encoding", "gzip")
					req.Header.Set("If-None-Match", `"v0"`)
					res, err := c.Do(req)
					if err != nil {
						t.Fatal(err)
					}
					t.Cleanup(func() { res.Body.Close() })
					return res
				}, url)
			})
		}
	}
}

func request(method, url string, body io.Reader) *http.Request {
	req, err := http.NewRequest(method, url, body)
	if err != nil {
		panic(err)
	}
	return req
}

func TestResponseController(t *testing.T) {
	eachStack(t, func(w http.ResponseWriter, r *http.Request) {
		rc := http.NewResponseController(w)
		for name, err := range map[string]error{
			"SetReadDeadline":  rc.SetReadDeadline(time.Now().Add(time.Minute)),
			"SetWriteDeadline": rc.SetWriteDeadline(time.Now().Add(time.Minute)),
		} {
			if err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
		if err := rc.EnableFullDuplex(); err != nil {
			t.Errorf("EnableFullDuplex: %v", err)
		}
		if err := rc.Flush(); err != nil {
			t.Errorf("Flush: %v", err)
		}
		if _, ok := w.(http.Flusher); !ok {
			t.Error("no http.Flusher")
		}
		if _, ok := w.(io.StringWriter); !ok {
			t.Error("no io.StringWriter")
		}
	}, func(t *testing.T, proto string, do func(*http.Request) *http.Response, url string) {
		res := do(request("GET", url, nil))
		if _, err := io.Copy(io.Discard, res.Body); res.StatusCode != 200 || err != nil {
			t.Error(res.Status, err)
		}
	})
}

// A deadline that was set through the wrappers is in force.
func TestWriteDeadlineIsInForce(t *testing.T) {
	failed := make(chan error, 1)
	eachStack(t, func(w http.ResponseWriter, r *http.Request) {
		http.NewResponseController(w).SetWriteDeadline(time.Now().Add(-time.Second))
		var err error
		for i := 0; i < 100 && err == nil; i++ {
			_, err = w.Write(make([]byte, 1<<16))
			err = errors.Join(err, http.NewResponseController(w).Flush())
		}
		failed <- err
	}, func(t *testing.T, proto string, do func(*http.Request) *http.Response, url string) {
		if proto == "HTTP/2.0" {
			return // a stream's deadline resets it, which takes its time to be noticed
		}
		c, err := net.Dial("tcp", strings.TrimPrefix(url, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		io.WriteString(c, "GET / HTTP/1.1\r\nHost: a\r\nAccept-Encoding: gzip\r\nIf-None-Match: \"v0\"\r\n\r\n")
		if err := <-failed; !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("writing after the deadline: %v", err)
		}
	})
}

// The client's pieces come back one by one: each way waits for the other.
func TestFullDuplex(t *testing.T) {
	eachStack(t, func(w http.ResponseWriter, r *http.Request) {
		http.NewResponseController(w).EnableFullDuplex()
		w.Header().Set("Content-Type", "application/octet-stream")
		w.(http.Flusher).Flush()
		for in := bufio.NewReader(r.Body); ; {
			line, err := in.ReadString('\n')
			if err != nil {
				return
			}
			io.WriteString(w, strings.ToUpper(line))
			w.(http.Flusher).Flush()
		}
	}, func(t *testing.T, proto string, do func(*http.Request) *http.Response, url string) {
		pr, pw := io.Pipe()
		res := do(request("POST", url, pr))
		in := bufio.NewReader(res.Body)
		for i := range 3 {
			fmt.Fprintf(pw, "line %d\n", i)
			if line, err := in.ReadString('\n'); err != nil || line != fmt.Sprintf("LINE %d\n", i) {
				t.Fatalf("%q, %v", line, err)
			}
		}
		pw.Close()
		if rest, err := io.ReadAll(in); len(rest) > 0 || err != nil {
			t.Errorf("%q, %v", rest, err)
		}
	})
}

func TestInterimAndTrailers(t *testing.T) {
	eachStack(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Link", "</a.css>; rel=preload")
		w.WriteHeader(http.StatusEarlyHints)
		w.Header().Del("Link")
		w.Header().Set("Content-Type", "text/plain")
		w.Header().Set("Trailer", "Sum")
		io.WriteString(w, "body")
		w.Header().Set("Sum", "42")
	}, func(t *testing.T, proto string, do func(*http.Request) *http.Response, url string) {
		var hints []string
		req := request("GET", url, nil)
		req = req.WithContext(httptrace.WithClientTrace(req.Context(), &httptrace.ClientTrace{
			Got1xxResponse: func(code int, h textproto.MIMEHeader) error {
				hints = append(hints, strconv.Itoa(code)+h.Get("Link"))
				return nil
			},
		}))
		res := do(req)
		b, err := io.ReadAll(res.Body)
		if string(b) != "body" || err != nil || res.StatusCode != 200 || res.Header.Get("Link") != "" {
			t.Errorf("%q, %v, %s, %v", b, err, res.Status, res.Header)
		}
		if len(hints) != 1 || hints[0] != "103</a.css>; rel=preload" {
			t.Errorf("hints %q", hints)
		}
		if res.Trailer.Get("Sum") != "42" {
			t.Errorf("trailers %v", res.Trailer)
		}
	})
}

func TestHijack(t *testing.T) {
	eachStack(t, func(w http.ResponseWriter, r *http.Request) {
		c, rw, err := w.(http.Hijacker).Hijack()
		if r.ProtoMajor == 2 {
			if !errors.Is(err, errors.ErrUnsupported) {
				t.Errorf("Hijack of HTTP/2: %v", err)
			}
			return
		}
		if err != nil {
			t.Error(err)
			return
		}
		defer c.Close()
		if _, err := w.Write([]byte("x")); !errors.Is(err, http.ErrHijacked) {
			t.Errorf("Write after Hijack: %v", err)
		}
		rw.WriteString("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n")
		rw.Flush()
		line, _ := rw.ReadString('\n')
		rw.WriteString(line)
		rw.Flush()
	}, func(t *testing.T, proto string, do func(*http.Request) *http.Response, url string) {
		req := request("GET", url, nil)
		if proto == "HTTP/2.0" {
			do(req)
			return
		}
		req.Header.Set("Connection", "Upgrade")
		req.Header.Set("Upgrade", "echo")
		res := do(req)
		rw := res.Body.(io.ReadWriter)
		io.WriteString(rw, "hello\n")
		if line, err := bufio.NewReader(rw).ReadString('\n'); line != "hello\n" {
			t.Errorf("%q, %v", line, err)
		}
	})
}

// fileTaker is a server's writer that sends files by itself.
type fileTaker struct {
	*httptest.ResponseRecorder
	took []string
}

func (w *fileTaker) ReadFrom(src io.Reader) (int64, error) {
	w.took = append(w.took, fmt.Sprintf("%T", src))
	if l, ok := src.(*io.LimitedReader); ok {
		w.took = append(w.took, fmt.Sprintf("%T", l.R))
	}
	return io.Copy(w.ResponseRecorder, src)
}

// The server's writer gets the file itself, so that sendfile is possible.
func TestFilesStayFiles(t *testing.T) {
	name := t.TempDir() + "/a.bin"
	content := strings.Repeat("\x00\x01\x02\x03", 1000)
	if err := os.WriteFile(name, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
	for stack, wrap := range stacks {
		for what, h := range map[string]http.HandlerFunc{
			"ServeFile": func(w http.ResponseWriter, r *http.Request) { http.ServeFile(w, r, name) },
			"ReadFrom": func(w http.ResponseWriter, r *http.Request) {
				f, err := os.Open(name)
				if err != nil {
					t.Error(err)
					return
				}
				defer f.Close()
				w.Header().Set("Content-Type", "application/octet-stream")
				if n, err := w.(io.ReaderFrom).ReadFrom(f); n != int64(len(content)) || err != nil {
					t.Error(n, err)
				}
			},
			"ReadFrom, type unknown": func(w http.ResponseWriter, r *http.Request) {
				f, err := os.Open(name)
				if err != nil {
					t.Error(err)
					return
				}
				defer f.Close()
				if n, err := w.(io.ReaderFrom).ReadFrom(f); n != int64(len(content)) || err != nil {
					t.Error(n, err)
				}
			},
		} {
			r := httptest.NewRequest("GET", "/a.bin", nil)
			r.Header.Set("Accept-Encoding", "gzip")
			r.Header.Set("If-None-Match", `"v0"`)
			w := &fileTaker{ResponseRecorder: httptest.NewRecorder()}
			wrap(h).ServeHTTP(w, r)
			if !strings.Contains(strings.Join(w.took, " "), "*os.File") {
				t.Errorf("%s, %s: the server's writer got %q", stack, what, w.took)
			}
			if w.Body.String() != content {
				t.Errorf("%s, %s: %d bytes", stack, what, w.Body.Len())
			}
		}
	}
}

// What is coded or dropped does not pass the coder or the 304 by.
func TestReadFromIsSeen(t *testing.T) {
	copyLong := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Etag", `"v1"`)
		if n, err := io.Copy(w, struct{ io.Reader }{strings.NewReader(long)}); n != int64(len(long)) || err != nil {
			t.Error(n, err)
		}
	})
	eachProto(t, stacks["all"](copyLong), func(t *testing.T, do func(string, string, ...string) *answered) {
		res := do("GET", "/", "Accept-Encoding", "gzip")
		res.want(t, 200, "Content-Encoding", "gzip", "Etag", `"v1-gz"`, "Cache-Control", "no-cache")
		if res.plain(t) != long {
			t.Error("another body")
		}
		do("GET", "/", "Accept-Encoding", "gzip", "If-None-Match", `"v1-gz"`).want(t, 304, "Etag", `"v1-gz"`, "Vary", "Accept-Encoding", "Cache-Control", "no-cache")
	})
}

func TestInterim(t *testing.T) {
	for status, want := range map[int]bool{100: true, 101: false, 102: true, 103: true, 199: true, 200: false, 304: false} {
		if interim(status) != want {
			t.Errorf("interim(%d) = %v", status, !want)
		}
	}
}

func TestUnwrapLeadsToTheServersWriter(t *testing.T) {
	for name, wrap := range stacks {
		rec := httptest.NewRecorder()
		r := httptest.NewRequest("GET", "/", nil)
		wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			for {
				u, ok := w.(interface{ Unwrap() http.ResponseWriter })
				if !ok {
					break
				}
				w = u.Unwrap()
			}
			if w != http.ResponseWriter(rec) {
				t.Errorf("%s: it ends at %T", name, w)
			}
		})).ServeHTTP(rec, r)
	}
}
