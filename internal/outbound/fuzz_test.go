package outbound

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// script is a connection on which the origin says something in portions, and
// closes.
type script struct {
	net.Conn // nil: what is not defined here must not be called
	says     []byte
	portion  int
}

func (s *script) Read(p []byte) (int, error) {
	if len(s.says) == 0 {
		return 0, io.EOF
	}
	n := copy(p[:min(len(p), s.portion)], s.says)
	s.says = s.says[n:]
	return n, nil
}

func (s *script) Write(p []byte) (int, error)      { return len(p), nil }
func (s *script) Close() error                     { return nil }
func (s *script) SetDeadline(time.Time) error      { return nil }
func (s *script) SetReadDeadline(time.Time) error  { return nil }
func (s *script) SetWriteDeadline(time.Time) error { return nil }

// reading is what came of an answer.
type reading struct {
	resp *http.Response
	body string
	kind Kind // of the error, if whole is false
	whole,
	kept bool // the connection went back to its host
}

func read(t *testing.T, method string, in []byte, portion int) (r reading) {
	tr := &Transport{MaxHeadBytes: 2 << 10, IdleTimeout: -1}
	tr.Dial = func(context.Context, string, string) (net.Conn, error) {
		return &script{says: bytes.Clone(in), portion: portion}, nil
	}
	req, _ := http.NewRequest(method, "http://a/", nil)
	resp, err := tr.RoundTrip(req)
	if err == nil {
		r.resp = resp
		var b []byte
		b, err = io.ReadAll(resp.Body)
		r.body = string(b)
		resp.Body.Close()
	}
	var failed *Error
	if errors.As(err, &failed) {
		r.kind = failed.Kind
	} else if err != nil {
		t.Fatalf("%v is no *Error", err)
	}
	r.whole = err == nil
	for _, h := range tr.hosts {
		r.kept = len(h.idle) == 1
		if h.conns != len(h.idle) || len(h.waiters) != 0 {
			t.Fatalf("%+v", h)
		}
	}
	return r
}

// FuzzAnswer reads the same octets whole and in portions, which must come to
// the same, and with net/http, which must have read the same body where both
// take the answer for good. A connection is kept only when what was read is
// whole.
func FuzzAnswer(f *testing.F) {
	for _, s := range []string{
		ok, ok + "x", "HTTP/1.1 200 OK\r\n\r\nhello", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello", "HTTP/1.1 304 x\r\n\r\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: A\r\n\r\n5;a=b\r\nhello\r\n0\r\nA: b\r\n\r\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n1\r\nx\r\n", "HTTP/1.1 103 x\r\nLink: a\r\n\r\n" + ok,
		"HTTP/1.1 200 OK\r\nA : b\r\n c\r\nContent-Length: 1\r\n\r\nx", "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 0\r\n\r\n",
		"HTTP/1.1 101 x\r\n\r\n", "HTTP/1.1 200 OK\r\nTransfer-Encoding: foo\r\n\r\nx",
	} {
		f.Add([]byte(s), false, byte(0))
		f.Add([]byte(s), true, byte(6))
	}
	f.Fuzz(func(t *testing.T, in []byte, head bool, portion byte) {
		method := "GET"
		if head {
			method = "HEAD"
		}
		whole := read(t, method, in, len(in)+1)
		parts := read(t, method, in, int(portion)+1)
		if whole.body != parts.body || whole.whole != parts.whole || whole.kind != parts.kind {
			t.Fatalf("%+v\nin portions of %d: %+v", whole, int(portion)+1, parts)
		}
		if whole.kept && !whole.whole {
			t.Fatalf("kept: %+v", whole)
		}
		if !whole.whole || whole.resp == nil {
			return
		}
		theirs, err := http.ReadResponse(bufio.NewReader(bytes.NewReader(in)), &http.Request{Method: method})
		if err != nil || theirs.StatusCode < 200 || spaced(theirs.Header) {
			return // an interim answer, or what net/http does not mend
		}
		body, err := io.ReadAll(theirs.Body)
		if err != nil && err.Error() == "chunked encoding contains too much non-data" {
			return
		}
		if err != nil || theirs.StatusCode != whole.resp.StatusCode || string(body) != whole.body {
			t.Fatalf("%+v\nnet/http: %q %v", whole, body, err)
		}
	})
}

// spaced reports whether a name kept the white space before its colon.
func spaced(h http.Header) bool {
	for name := range h {
		if strings.TrimRight(name, " \t") != name {
			return true
		}
	}
	return false
}
