package origin

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"testing"
)

func start(t *testing.T) *Server {
	t.Helper()
	s, err := Start("127.0.0.1:0", map[string][]byte{"/a.txt": []byte("hello")})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

func get(t *testing.T, s *Server, path string) (*http.Response, []byte) {
	t.Helper()
	resp, err := http.Get("http://" + s.Addr() + path)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, body
}

func TestAnswers(t *testing.T) {
	s := start(t)
	s.Release()
	for _, c := range []struct {
		path   string
		status int
		body   []byte
		fresh  bool
	}{
		{"/a.txt", 200, []byte("hello"), true},
		{"/miss/1-2", 200, MissBody, true},
		{"/many/d00/f000.txt", 200, MissBody, true},
		{"/held/x", 200, MissBody, true},
		{"/object/17", 200, ObjectBody(17), true},
		{"/private/1", 200, MissBody, false},
		{"/stream/200000", 200, bytes.Repeat(StreamBlock, 4)[:200000], false},
		{"/stream/0", 200, nil, false},
		{"/object/x", 404, nil, false},
		{"/stream/-1", 404, nil, false},
		{"/", 404, nil, false},
		{"/b.txt", 404, nil, false},
	} {
		before := s.Requests()
		resp, body := get(t, s, c.path)
		cc := map[bool]string{true: "max-age=3600", false: "no-store"}[c.fresh]
		if resp.StatusCode != c.status || !bytes.Equal(body, c.body) || resp.Header.Get("Cache-Control") != cc {
			t.Errorf("%s: %s, %q, %d bytes", c.path, resp.Status, resp.Header, len(body))
		}
		if (resp.Header.Get("ETag") != "") != c.fresh || resp.Header.Get("Date") == "" {
			t.Errorf("%s: %q", c.path, resp.Header)
		}
		if got := s.Requests() - before; got != 1 {
			t.Errorf("%s counts as %d requests", c.path, got)
		}
	}
}

func TestRequestsAreCounted(t *testing.T) {
	s := start(t)
	for i := range 3 {
		if _, body := get(t, s, "/requests"); string(body) != fmt.Sprint(i) {
			t.Errorf("%q requests, want %d", body, i)
		}
		get(t, s, "/miss/1")
	}
}

// TestHeld sees that a held request waits for Release, and that Close ends one
// that nobody releases.
func TestHeld(t *testing.T) {
	s := start(t)
	done := make(chan error, 1)
	go func() {
		resp, err := http.Get("http://" + s.Addr() + "/held/1")
		if err == nil {
			resp.Body.Close()
		}
		done <- err
	}()
	for s.Requests() == 0 {
		select {
		case err := <-done:
			t.Fatalf("answered, or not asked: %v", err)
		default:
		}
	}
	select {
	case <-done:
		t.Fatal("answered before Release")
	default:
	}
	s.Release()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
}

// TestPipelined sends requests at once, which must be answered in order.
func TestPipelined(t *testing.T) {
	s := start(t)
	c, err := net.Dial("tcp", s.Addr())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	fmt.Fprintf(c, "GET /object/1 HTTP/1.1\r\nHost: a\r\n\r\nGET /object/2 HTTP/1.1\r\n\r\n\r")
	got := make([]byte, 0, 5000)
	for !bytes.Contains(got, ObjectBody(2)) {
		n, err := c.Read(got[len(got):cap(got)])
		if got = got[:len(got)+n]; err != nil {
			t.Fatalf("%v after %q", err, got)
		}
	}
	if first := bytes.Index(got, ObjectBody(1)); first < 0 || first > bytes.Index(got, ObjectBody(2)) {
		t.Errorf("not in order: %q", got)
	}
}

func TestObjectBodiesDiffer(t *testing.T) {
	a, b := ObjectBody(1), ObjectBody(11)
	if bytes.Equal(a, b) || len(a) != ObjectSize || len(b) != ObjectSize {
		t.Errorf("%d and %d bytes, equal: %v", len(a), len(b), bytes.Equal(a, b))
	}
}
