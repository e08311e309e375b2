package cache_test

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"freshet/cache"
	"freshet/proxy"
)

const good = "HTTP/1.1 200 OK\r\nCache-Control: max-age=100\r\nContent-Length: 10\r\n\r\n0123456789"

// TestBrokenOrigin has an origin fail in every way: no client may take the
// answer for a good one, and it may not be there for the next.
func TestBrokenOrigin(t *testing.T) {
	const head = "HTTP/1.1 200 OK\r\nCache-Control: max-age=100\r\n"
	big := strings.Repeat("evil", 50_000)
	for _, c := range []struct{ name, send string }{
		{"nothing", ""},
		{"cut in the status line", "HTTP/1.1 20"},
		{"cut in the head", head},
		{"cut in a field", head + "Content-Len"},
		{"no body", head + "Content-Length: 10\r\n\r\n"},
		{"cut in the body", head + "Content-Length: 10\r\n\r\nevil"},
		{"cut in a large body", head + "Content-Length: 1000000\r\n\r\n" + big},
		{"cut before a chunk", head + "Transfer-Encoding: chunked\r\n\r\n"},
		{"cut in a chunk", head + "Transfer-Encoding: chunked\r\n\r\na\r\nevil"},
		{"cut between chunks", head + "Transfer-Encoding: chunked\r\n\r\n4\r\nevil\r\n"},
		{"cut between large chunks", head + "Transfer-Encoding: chunked\r\n\r\n" + fmt.Sprintf("%x\r\n", len(big)) + big + "\r\n"},
		{"cut in the last chunk", head + "Transfer-Encoding: chunked\r\n\r\n4\r\nevil\r\n0\r\n"},
		{"cut in the trailers", head + "Transfer-Encoding: chunked\r\n\r\n4\r\nevil\r\n0\r\nX: y\r\n"},
		{"no chunk size", head + "Transfer-Encoding: chunked\r\n\r\nzz\r\nevil\r\n0\r\n\r\n"},
		{"a chunk too long", head + "Transfer-Encoding: chunked\r\n\r\n4\r\nevilevil\r\n0\r\n\r\n"},
		{"a chunk of 2^64", head + "Transfer-Encoding: chunked\r\n\r\n10000000000000000\r\nevil\r\n0\r\n\r\n"},
		{"a negative chunk", head + "Transfer-Encoding: chunked\r\n\r\n-4\r\nevil\r\n0\r\n\r\n"},
		{"two lengths", head + "Content-Length: 4\r\nContent-Length: 10\r\n\r\nevil"},
		{"a list of lengths", head + "Content-Length: 4, 10\r\n\r\nevil"},
		{"a negative length", head + "Content-Length: -4\r\n\r\nevil"},
		{"a length that is none", head + "Content-Length: four\r\n\r\nevil"},
		{"length and chunked", head + "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nevil"},
		{"chunked twice", head + "Transfer-Encoding: chunked, chunked\r\n\r\n4\r\nevil\r\n0\r\n\r\n"},
		{"garbage", "evil evil evil\r\n\r\nevil"},
		{"a status of two digits", "HTTP/1.1 20 OK\r\nContent-Length: 4\r\n\r\nevil"},
		{"a status of 1000", "HTTP/1.1 1000 OK\r\nContent-Length: 4\r\n\r\nevil"},
		{"HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"},
		{"a NUL in a field", head + "X: a\x00b\r\nContent-Length: 4\r\n\r\nevil"},
		{"a CR in a field", head + "X: a\rb\r\nContent-Length: 4\r\n\r\nevil"},
		{"a line without a colon", head + "X\r\nContent-Length: 4\r\n\r\nevil"},
		{"101 unasked", "HTTP/1.1 101 Switching\r\nUpgrade: evil\r\nConnection: upgrade\r\n\r\nevil"},
		{"only interim answers", strings.Repeat("HTTP/1.1 103 Early Hints\r\nLink: </evil>\r\n\r\n", 3)},
	} {
		for _, reset := range []bool{false, true} {
			name := c.name
			if reset {
				name += ", reset"
			}
			t.Run(name, func(t *testing.T) {
				broken := true
				s := newStack(t, cache.Options{}, proxy.Options{}, func(conn net.Conn, r *http.Request) bool {
					if !broken {
						io.WriteString(conn, good)
						return true
					}
					io.WriteString(conn, c.send)
					if reset {
						conn.(*net.TCPConn).SetLinger(0)
					}
					return false
				})
				first := s.send("GET /a HTTP/1.1\r\nHost: example.org\r\nConnection: close\r\n\r\n")
				if !first.cut && first.status != 0 && first.status < 500 {
					t.Errorf("a whole answer: %d %q", first.status, first.body)
				}
				broken = false
				second := s.get("/a")
				if second.status != 200 || second.body != "0123456789" || second.cut || strings.Contains(second.header.Get("Cache-Status"), "hit") {
					t.Errorf("then: %+v", second)
				}
			})
		}
	}
}

// TestEndlessOrigin has an origin send without end.
func TestEndlessOrigin(t *testing.T) {
	for name, piece := range map[string]string{
		"fields":          "X-Field: evil\r\n",
		"one field":       "evil",
		"interim answers": "\r\nHTTP/1.1 103 Early Hints\r\nLink: </evil>\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			s := newStack(t, cache.Options{}, proxy.Options{HeadTimeout: time.Second}, func(conn net.Conn, r *http.Request) bool {
				io.WriteString(conn, map[bool]string{true: "HTTP/1.1 103 Early Hints\r\n", false: "HTTP/1.1 200 OK\r\nX: "}[name == "interim answers"])
				for {
					if _, err := io.WriteString(conn, strings.Repeat(piece, 100)); err != nil {
						return false
					}
				}
			})
			if r := s.get("/a"); r.status == 200 && !r.cut {
				t.Errorf("%d %.100q", r.status, r.body)
			}
		})
	}
}

// TestLongOrigin: what comes behind the declared end belongs to no answer.
func TestLongOrigin(t *testing.T) {
	s := newStack(t, cache.Options{}, proxy.Options{}, func(conn net.Conn, r *http.Request) bool {
		// In one write: what comes once the next request is under way is that
		// one's answer, for all that can be known.
		io.WriteString(conn, good+"HTTP/1.1 200 OK\r\nCache-Control: max-age=100\r\nContent-Length: 4\r\n\r\nevil")
		return true
	})
	for _, target := range []string{"/a", "/b", "/a", "/c", "/b"} {
		if r := s.get(target); r.status == 200 && r.body != "0123456789" {
			t.Errorf("%s: %+v", target, r)
		}
	}
}

// TestStaleOrigin is what is answered when what is stored is stale and the
// origin fails.
func TestStaleOrigin(t *testing.T) {
	const (
		closes = ""
		cuts   = "HTTP/1.1 200 OK\r\nCache-Control: max-age=100\r\nContent-Length: 10\r\n\r\nevil"
		errs   = "HTTP/1.1 503 Busy\r\nContent-Length: 4\r\n\r\nbusy"
		hops   = "HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\n\r\ngone"
	)
	for _, c := range []struct {
		control, failure string
		after            int64 // seconds
		want             int
	}{
		{"max-age=10", closes, 20, 200},
		{"max-age=10", closes, 100_000, 502},
		{"max-age=10", cuts, 20, 200},
		{"max-age=10", errs, 20, 503},
		{"max-age=10", hops, 20, 404},
		{"max-age=10, must-revalidate", closes, 20, 502},
		{"max-age=10, must-revalidate", cuts, 20, 502},
		{"max-age=10, proxy-revalidate", closes, 20, 502},
		{"s-maxage=10", closes, 20, 502},
		{"s-maxage=10, stale-if-error=60", closes, 20, 502},
		{"max-age=10, stale-if-error=60", errs, 20, 200},
		{"max-age=10, stale-if-error=60", closes, 20, 200},
		{"max-age=10, stale-if-error=60", errs, 80, 503},
		{"max-age=10, stale-while-revalidate=60", closes, 20, 200},
		{"max-age=10, stale-while-revalidate=60", errs, 20, 200},
		{"max-age=10, stale-while-revalidate=60", errs, 80, 503},
		{"no-cache", closes, 20, 502},
	} {
		t.Run(fmt.Sprintf("%s %.12q after %d", c.control, c.failure, c.after), func(t *testing.T) {
			broken := make(chan bool, 1)
			broken <- false
			s := newStack(t, cache.Options{}, proxy.Options{}, func(conn net.Conn, r *http.Request) bool {
				b := <-broken
				broken <- b
				if b {
					io.WriteString(conn, c.failure)
					return c.failure == errs || c.failure == hops
				}
				io.WriteString(conn, "HTTP/1.1 200 OK\r\nETag: \"x\"\r\nCache-Control: "+c.control+"\r\nContent-Length: 10\r\n\r\n0123456789")
				return true
			})
			if r := s.get("/a"); r.body != "0123456789" {
				t.Fatalf("%+v", r)
			}
			<-broken
			broken <- true
			s.now.Add(c.after * 1e9)
			for range 3 {
				r := s.get("/a")
				if c.failure == cuts && (r.cut || r.status == 0) {
					continue // the client had seen the head
				}
				if r.status != c.want || r.cut || strings.Contains(r.body, "evil") || c.want == 200 && r.body != "0123456789" {
					t.Errorf("%+v, want %d", r, c.want)
				}
				if r.status == 200 && r.header.Get("Age") != fmt.Sprint(c.after) {
					t.Errorf("Age %q", r.header.Get("Age"))
				}
			}
			<-broken
			broken <- false
			// A validation in the background may have begun before, and answers that
			// came with it are as old.
			if err := cache.AwaitBackground(t.Context(), s.cache); err != nil {
				t.Fatal(err)
			}
			s.now.Add(600_000e9)
			if r := s.get("/a"); r.status != 200 || r.body != "0123456789" || r.header.Get("Age") != "" && r.header.Get("Age") != "0" {
				t.Errorf("the origin is back, but %+v", r)
			}
		})
	}
}
