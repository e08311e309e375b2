package httpd_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"

	"freshet/httpd"
)

// begins is what a hot handler began; n counts how often it was given back.
type begins struct{ n *atomic.Int32 }

func (b *begins) Release() { b.n.Add(1) }

// beginner begins something for each request, and answers those that say so
// itself.
type beginner struct{ released, none atomic.Int32 }

func (h *beginner) ServeHot(q *httpd.Head, a *httpd.Answer) bool {
	r := a.Request()
	if r == nil {
		h.none.Add(1)
		return false
	}
	a.Begin(&begins{&h.released})
	if r.URL.Path != "/hot" {
		return false
	}
	return a.SetReply(&httpd.Reply{Status: 200, Header: http.Header{"Content-Type": {"a/b"}, "X-Name": {r.Header.Get("X-Name")}}, Body: []byte("hot")})
}

func (h *beginner) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/taken" {
		_, is := httpd.Begun(w).(*begins)
		fmt.Fprint(w, is, httpd.Begun(w))
	}
}

// What was begun is taken by the handler, or given back; once, in either case.
// A request that came behind another one is not begun.
func TestBegun(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("nobody is waited for where connections are not read below net.Conn")
	}
	h := &beginner{}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	srv := &httpd.Server{Handler: h, Hot: h}
	done := make(chan struct{})
	go func() { defer close(done); srv.Serve(l) }()
	defer func() { srv.Close(); <-done }()
	nc, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	br := bufio.NewReader(nc)
	read := func() string {
		resp, err := http.ReadResponse(br, nil)
		if err != nil {
			t.Fatal(err)
		}
		b, _ := io.ReadAll(resp.Body)
		return strings.TrimSpace(resp.Header.Get("X-Name") + " " + string(b))
	}
	ask := func(path, name string) string {
		return "GET " + path + " HTTP/1.1\r\nHost: a\r\nX-Name: " + name + "\r\n\r\n"
	}
	io.WriteString(nc, ask("/left", "")) // also when nobody may be waited for yet
	read()
	before := h.released.Load()
	for i, tt := range []struct {
		path, want string
		released   int32
	}{{"/left", "", 1}, {"/taken", "true <nil>", 1}, {"/hot", "n2 hot", 2}, {"/hot", "n3 hot", 3}} {
		io.WriteString(nc, ask(tt.path, fmt.Sprint("n", i)))
		if got := read(); got != tt.want || h.released.Load()-before != tt.released {
			t.Errorf("%s: %q, %d given back", tt.path, got, h.released.Load()-before)
		}
	}
	h.none.Store(0)
	io.WriteString(nc, ask("/hot", "a")+ask("/left", "b"))
	if got := read(); got != "a hot" {
		t.Errorf("%q", got)
	}
	read()
	if h.none.Load() != 1 {
		t.Errorf("%d requests were not begun", h.none.Load())
	}
}
