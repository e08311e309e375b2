package app

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"freshet/httpd"
	"freshet/internal/config"
)

// hotCount counts what the hot path answers.
type hotCount struct {
	httpd.HotHandler
	n atomic.Int64
}

func (h *hotCount) ServeHot(q *httpd.Head, a *httpd.Answer) bool {
	ok := h.HotHandler.ServeHot(q, a)
	if ok {
		h.n.Add(1)
	}
	return ok
}

// Answers are the same, to the byte, whichever path they take.
func TestFieldsOnBothPaths(t *testing.T) {
	dir := folder(t, "a.txt", "text", "large.bin", strings.Repeat("0123456789", 300_000))
	l := liveOf(t, `
[[site]]
[[site.route]]
static = "`+dir+`"
[site.route.headers]
remove = ["Last-Modified", "X-None"]
set = { Accept-Zzz = "1", Cache-Control = ["a", "b"], Zzz = "last", Early-Data = "?" }
add = { Vary = "X", ETag = "second", Aaa = "first" }
[[site.route]]
path = "/m"
static = "`+dir+`"
`)
	hot := &hotCount{HotHandler: l}
	both := [2]string{serveOn(t, &httpd.Server{Handler: l, Hot: hot}), serveOn(t, &httpd.Server{Handler: l})}
	for _, request := range []string{
		"GET /a.txt HTTP/1.1\r\nHost: x\r\n\r\n",
		"GET /a.txt HTTP/1.1\r\nHost: x\r\nRange: bytes=1-2\r\n\r\n",
		"GET /large.bin HTTP/1.1\r\nHost: x\r\nRange: bytes=1-2\r\n\r\n",
		"GET /a.txt HTTP/1.1\r\nHost: x\r\nIf-None-Match: *\r\n\r\n",
		"HEAD /a.txt HTTP/1.1\r\nHost: x\r\n\r\n",
		"GET /none HTTP/1.1\r\nHost: x\r\n\r\n",
		"GET /m/a.txt HTTP/1.1\r\nHost: x\r\n\r\n",
		"GET /m/none HTTP/1.1\r\nHost: x\r\n\r\n",
	} {
		// A file that has just been made is not kept until its time stamp
		// tells it from a later change, and a large one has no tag until its
		// hash is made.
		a, before, large := "", hot.n.Load(), strings.Contains(request, "large")
		for end := time.Now().Add(patience); hot.n.Load() == before || large && !strings.Contains(a, "ETag: \""); {
			if a = raw(t, both[0], request); time.Now().After(end) {
				t.Fatalf("%q does not take the hot path", request)
			}
		}
		if b := raw(t, both[1], request); a != b {
			t.Errorf("%q\nhot:\n%s\ncold:\n%s", request, a, b)
		}
		if failed := strings.Contains(request, "/none"); failed != strings.Contains(a, "Cache-Control: no-store\r\n") {
			t.Errorf("%q: who may keep it?\n%s", request, a)
		}
	}
}

// A Server that is removed is neither the engine's nor an origin's.
func TestRemoveServer(t *testing.T) {
	origin := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header()["Server"] = []string{"secret/1.0"}
		w.Header().Set("Cache-Control", "max-age=60")
	}))
	defer origin.Close()
	l := liveOf(t, `
[[site]]
headers.remove = ["Server"]
[[site.route]]
proxy = "`+origin.URL+`"
[[site.route]]
path = "/m"
static = "`+folder(t, "a.txt", "text")+`"
[[site.route]]
path = "/kept"
proxy = "`+origin.URL+`"
headers.set = { Server = "ours" }
`)
	addr := serveOn(t, &httpd.Server{Handler: l, Hot: l})
	for range 3 {
		for path, want := range map[string]bool{"/": false, "/m/a.txt": false, "/m/none": false, "/kept": true} {
			a := raw(t, addr, "GET "+path+" HTTP/1.1\r\nHost: x\r\n\r\n")
			if strings.Contains(a, "\r\nServer: ") != want || want && !strings.Contains(a, "Server: ours") {
				t.Errorf("%s:\n%s", path, a)
			}
		}
	}
}

func serveOn(t *testing.T, s *httpd.Server) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() { defer close(ended); s.Serve(l) }()
	t.Cleanup(func() { s.Close(); <-ended })
	return l.Addr().String()
}

// raw returns the whole answer to one request, without its date.
func raw(t *testing.T, addr, request string) string {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := io.WriteString(c, strings.Replace(request, "Host: x", "Host: x\r\nConnection: close", 1)); err != nil {
		t.Fatal(err)
	}
	all, err := io.ReadAll(c)
	if err != nil {
		t.Fatal(err)
	}
	return regexp.MustCompile(`Date: .*\r\n`).ReplaceAllString(string(all), "")
}

// What the writer passes on to the one below.
func TestEditWriter(t *testing.T) {
	edits := []config.FieldEdit{{Op: config.FieldSet, Name: "X-Set", Value: "1"}}
	h := editFields(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/nothing":
		case "/interim":
			w.Header().Set("Link", "x")
			w.WriteHeader(http.StatusEarlyHints)
			w.WriteHeader(http.StatusOK)
		case "/flush":
			w.(http.Flusher).Flush()
		case "/copy":
			io.Copy(w, strings.NewReader("copied"))
		case "/hijack":
			c, _, err := http.NewResponseController(w).Hijack()
			if err == nil {
				io.WriteString(c, "HTTP/1.1 200 OK\r\nX-Set: 1\r\nContent-Length: 0\r\n\r\n")
				c.Close()
			}
		}
	}), edits)
	s := httptest.NewServer(h)
	defer s.Close()
	for _, path := range []string{"/nothing", "/interim", "/flush", "/copy", "/hijack"} {
		c, err := net.Dial("tcp", s.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		io.WriteString(c, "GET "+path+" HTTP/1.1\r\nHost: x\r\n\r\n")
		in := bufio.NewReader(c)
		resp, err := http.ReadResponse(in, nil)
		if err != nil {
			t.Fatal(path, err)
		}
		if path == "/interim" {
			if resp.StatusCode != 103 || resp.Header.Get("X-Set") != "" {
				t.Errorf("interim: %v", resp)
			}
			if resp, err = http.ReadResponse(in, nil); err != nil {
				t.Fatal(err)
			}
		}
		if resp.StatusCode != 200 || resp.Header.Get("X-Set") != "1" {
			t.Errorf("%s: %v", path, resp)
		}
		c.Close()
	}
}
