package check

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
)

// elsewhere are the notes with a test of their own.
var elsewhere = []string{"link-broken", "host-missing-accepted", "redirect-downgrade", "redirect-temporary", "connection-not-closed", "http2-missing", "http2-differs", "http-beside-https"}

// results checks "/" of a handler.
func results(t *testing.T, h http.Handler) []*Result {
	t.Helper()
	c, stop, err := inProcess(&http.Server{Handler: h}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer stop()
	u, err := ParseURL("http://localhost/")
	if err != nil {
		t.Fatal(err)
	}
	all := c.URL(context.Background(), u)
	if err := all[0].Err; err != nil {
		t.Fatal(err)
	}
	return all
}

func foundIn(all []*Result) map[string]string {
	m := map[string]string{}
	for _, r := range all {
		for i := range r.Findings {
			m[r.Findings[i].Note.ID] = plain(&r.Findings[i])
		}
	}
	return m
}

// Every active note is found in a server that makes the mistake.
func TestActive(t *testing.T) {
	servers := faulty()
	for n := range ActiveNotes {
		if h := servers[n.ID]; h != nil {
			t.Run(n.ID, func(t *testing.T) {
				found := foundIn(results(t, h))
				if found[n.ID] == "" {
					t.Errorf("it is not found; these are: %v", found)
				}
			})
			continue
		}
		known := false
		for _, id := range elsewhere {
			known = known || id == n.ID
		}
		if !known {
			t.Errorf("%s: no server makes that mistake", n.ID)
		}
	}
}

// A server that is right gets none of them, but for information.
func TestActiveSilent(t *testing.T) {
	for id, text := range foundIn(results(t, http.HandlerFunc(right))) {
		if id != "coding-gain" && id != "query-without-effect" {
			t.Errorf("found: %s", text)
		}
	}
}

// A content that changes while it is looked at, between whichever two requests,
// is no mistake of the server's, even if it is the first one again afterwards.
func TestActiveChanges(t *testing.T) {
	changed := append([]byte("a{color:red}\n"), bytes.ToLower(style)...)
	for _, last := range []int64{1, 2, 1000} { // how many requests it is another one for
		for at := int64(1); ; at++ {
			var n atomic.Int64
			for id, text := range foundIn(results(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if k := n.Add(1); k > at && k <= at+last {
					rightly(w, r, changed, "-2", 2)
				} else {
					right(w, r)
				}
			}))) {
				if activeNote(id).Severity > Info {
					t.Errorf("another content for %d requests after %d, found: %s", last, at, text)
				}
			}
			if n.Load() <= at {
				break
			}
		}
	}
}

// The texts of notes are of one form.
func TestActiveTexts(t *testing.T) {
	seen := map[string]bool{}
	for n := range Notes {
		seen[n.ID] = true
	}
	for n := range ActiveNotes {
		switch {
		case seen[n.ID]:
			t.Errorf("%s: there is another note of this name", n.ID)
		case !kebab.MatchString(n.ID) || !clause.MatchString(n.Clause):
			t.Errorf("%s: name, or clause %q", n.ID, n.Clause)
		case n.Sentence == "" || strings.HasSuffix(n.Sentence, ".") || strings.HasSuffix(n.Remedy, ".") || n.Remedy == "" && n.Severity != Info:
			t.Errorf("%s: %q, %q", n.ID, n.Sentence, n.Remedy)
		case n.find != nil:
			t.Errorf("%s: it is no active one", n.ID)
		}
		seen[n.ID] = true
	}
}

// A server that neither looks for Host nor closes connections.
func TestConnectionNotClosed(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		var open []net.Conn
		defer func() {
			for _, c := range open {
				c.Close()
			}
		}()
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			open = append(open, c)
			go func() {
				buf := make([]byte, 4096)
				for {
					n, err := c.Read(buf)
					if err != nil {
						return
					}
					if strings.HasPrefix(string(buf[:n]), "GET") {
						io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
					} else {
						io.WriteString(c, "HTTP/1.1 501 Not Implemented\r\nContent-Length: 0\r\n\r\n")
					}
				}
			}()
		}
	}()
	all := checkURL(t, Options{}, "http://"+l.Addr().String())
	l.Close()
	<-done
	found := foundIn(all)
	for _, id := range []string{"connection-not-closed", "host-missing-accepted"} {
		if found[id] == "" {
			t.Errorf("%s is not found; these are: %v", id, found)
		}
	}
}

// A server that closes connections without a word is found, but not one whose
// connections are in use for other addresses.
func TestConnectionKept(t *testing.T) {
	kept := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.URL.Path = "/"
		right(w, r)
	}))
	defer kept.Close()
	c := New(Options{})
	defer c.Close()
	var all []*url.URL
	for i := range 40 {
		u, err := ParseURL(fmt.Sprintf("%s/%d", kept.URL, i))
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, u)
	}
	if text := foundIn(c.URLs(context.Background(), all, Crawling{Concurrency: 8}))["connection-not-kept"]; text != "" {
		t.Errorf("found: %s", text)
	}

	closing := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer conn.Close()
		io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
	}))
	defer closing.Close()
	if found := foundIn(checkURL(t, Options{}, closing.URL)); found["connection-not-kept"] == "" {
		t.Errorf("it is not found; these are: %v", found)
	}
}

// A coding that is made beside the requests, and comes later, is waited for.
func TestCodingComesLater(t *testing.T) {
	var made atomic.Bool // once it was asked for
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked := r.Header.Get("Accept-Encoding")
		if !made.Load() {
			r.Header.Del("Accept-Encoding")
		}
		if asked == "zstd" {
			made.Store(true)
		}
		right(w, r)
	}))
	defer s.Close()
	found := foundIn(checkURL(t, Options{}, s.URL))
	if found["coding-gain"] == "" || found["coding-missing"] != "" || found["not-modified-differs"] != "" {
		t.Errorf("found: %v", found)
	}
}

func TestSameValue(t *testing.T) {
	for _, tt := range []struct {
		name, a, b string
		want       bool
	}{
		{"Etag", `"a"`, `W/"a"`, true},
		{"Etag", `"a"`, `"b"`, false},
		{"Cache-Control", "public, max-age=600", "public, max-age=598", true},
		{"Cache-Control", "max-age=600, s-maxage=60", "max-age=599, s-maxage=59", true},
		{"Cache-Control", "max-age=600", "max-age=60", false},
		{"Cache-Control", "max-age=1", "max-age=0", false},
		{"Cache-Control", "max-age=600", "max-age=", false},
		{"Cache-Control", "max-age=600", "max-age=600, public", false},
		{"Cache-Control", "no-store", "no-cache", false},
		{"Cache-Control", "max-age=99999999999999999999", "max-age=99999999999999999998", false},
		{"Last-Modified", "Tue, 01 Sep 2026 00:00:00 GMT", "Tue, 01 Sep 2026 00:00:02 GMT", true},
		{"Last-Modified", "Tue, 01 Sep 2026 00:00:00 GMT", "Tue, 01 Sep 2026 00:02:00 GMT", false},
		{"Last-Modified", "x", "y", false},
		{"Vary", "Accept", "Accept", true},
		{"Vary", "Accept", "Cookie", false},
	} {
		if got := sameValue(tt.name, tt.a, tt.b); got != tt.want {
			t.Errorf("%s: %s and %s: %v", tt.name, tt.a, tt.b, got)
		}
	}
}
