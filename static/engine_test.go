package static

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"freshet/httpd"
)

// start serves the site under httpd until the test ends.
func (s *site) start(hot bool) (addr string) {
	s.t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(s.t, err)
	srv := &httpd.Server{Handler: s.Handler}
	if hot {
		srv.Hot = s.Handler
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		srv.Serve(l)
	}()
	s.t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		srv.Shutdown(ctx)
		<-done
	})
	return l.Addr().String()
}

// TestUnderEngine: files, small and large, through sockets, both ways.
func TestUnderEngine(t *testing.T) {
	large := strings.Repeat("0123456789", 300_000)
	for _, hot := range []bool{true, false} {
		s := newSite(t, Options{MaxInMemory: 100_000}, map[string]string{"app.js": script, "large.bin": large})
		addr := s.start(hot)
		var wg sync.WaitGroup
		for range 4 {
			wg.Go(func() {
				c, err := net.Dial("tcp", addr)
				if err != nil {
					t.Error(err)
					return
				}
				defer c.Close()
				c.SetDeadline(time.Now().Add(patience))
				requests := []struct {
					path, field, body string
					code              int
				}{
					{"/large.bin", "A: b", large, 200},
					{"/app.js", "A: b", script, 200},
					{"/large.bin", "Range: bytes=2999990-", "0123456789", 206},
					{"/none", "A: b", "", 404},
					{"/large.bin", "Range: bytes=10-19, 30-39", "", 206},
					{"/large.bin", "Accept: */*", large, 200},
				}
				var all strings.Builder
				for _, r := range requests {
					fmt.Fprint(&all, raw("GET "+r.path, r.field))
				}
				go io.WriteString(c, all.String()) // pipelined
				br := bufio.NewReader(c)
				for _, r := range requests {
					res, err := http.ReadResponse(br, nil)
					if err != nil {
						t.Error(r.path, err)
						return
					}
					b, err := io.ReadAll(res.Body)
					if err != nil || res.StatusCode != r.code || r.body != "" && string(b) != r.body {
						t.Errorf("hot %v: %s, %s: %d, %d bytes, %v", hot, r.path, r.field, res.StatusCode, len(b), err)
					}
				}
			})
		}
		wg.Wait()
	}
}

// TestShrinksUnderEngine is TestShrinks where the body goes by sendfile.
func TestShrinksUnderEngine(t *testing.T) {
	content := strings.Repeat("0123456789", 1_000_000)
	for _, hot := range []bool{true, false} {
		s := newSite(t, Options{MaxInMemory: 1000}, map[string]string{"large.bin": content})
		s.get("/large.bin")
		s.settle()
		addr := s.start(hot)
		c, err := net.Dial("tcp", addr)
		must(t, err)
		defer c.Close()
		c.SetDeadline(time.Now().Add(patience))
		io.WriteString(c, raw("GET /large.bin")+raw("GET /large.bin"))
		res, err := http.ReadResponse(bufio.NewReader(c), nil)
		must(t, err)
		_, err = io.ReadFull(res.Body, make([]byte, 10))
		must(t, err)
		must(t, os.Truncate(s.path("large.bin"), int64(len(content)-1)))
		if n, err := io.Copy(io.Discard, res.Body); err == nil {
			t.Errorf("hot %v: %d bytes and a clean end", hot, n+10)
		}
	}
}
