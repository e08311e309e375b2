package httpd_test

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"freshet/httpd"
	"freshet/internal/wiretest"
)

// The time for a head is over when the head is there: a handler may take
// longer, on the first request and on later ones.
func TestHandlerMayTakeLongerThanTheHead(t *testing.T) {
	wiretest.Longer(t, soon, func(limit time.Duration) error {
		addr := start(t, &httpd.Server{ReadHeaderTimeout: limit, IdleTimeout: time.Hour, SweepEvery: time.Millisecond,
			Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				select {
				case <-r.Context().Done():
					t.Error("context ended")
				case <-time.After(3 * limit):
				}
				w.Write(make([]byte, 1<<20))
			})})
		c := dial(t, addr)
		for i := range 3 {
			io.WriteString(c, get)
			if status, body, err := c.answer(); status != 200 || len(body) != 1<<20 || err != nil {
				return fmt.Errorf("request %d: %d, %d bytes, %v", i, status, len(body), err)
			}
		}
		return nil
	})
}

// Half a head behind a request has its time too.
func TestHalfAHeadBehindARequest(t *testing.T) {
	for _, hot := range []bool{false, true} {
		t.Run(fmt.Sprintf("hot=%v", hot), func(t *testing.T) {
			wiretest.Longer(t, soon, func(limit time.Duration) error {
				srv := &httpd.Server{ReadHeaderTimeout: limit, SweepEvery: time.Millisecond, Handler: http.HandlerFunc(hello)}
				if hot {
					srv.Hot = hotPages{}
				}
				c := dial(t, start(t, srv))
				io.WriteString(c, "GET /hot HTTP/1.1\r\nHost: x\r\n\r\nGET / HTTP/1.1\r\nHo")
				for _, want := range []int{200, 408} {
					if status, _, err := c.answer(); status != want || err != nil {
						return fmt.Errorf("got %d, %v; want %d", status, err, want)
					}
				}
				return nil
			})
		})
	}
}

// Every request whose handler ran is answered in full, though the server stops
// meanwhile, or the sweeper comes by.
func TestShutdownLosesNoAnswer(t *testing.T) {
	for round := range 10 {
		var ran, answered atomic.Int64
		srv := &httpd.Server{SweepEvery: time.Millisecond, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			ran.Add(1)
			io.WriteString(w, "ok")
		})}
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		go srv.Serve(l)
		var wg sync.WaitGroup
		for range 50 {
			c := dial(t, l.Addr().String())
			wg.Go(func() {
				for {
					io.WriteString(c, get)
					status, _, err := c.answer()
					if err != nil {
						return
					}
					if status == 200 {
						answered.Add(1)
					}
				}
			})
		}
		time.Sleep(5 * time.Millisecond)
		srv.Shutdown(t.Context())
		wg.Wait()
		if r, a := ran.Load(), answered.Load(); r != a {
			t.Fatalf("round %d: %d handlers ran, %d answers arrived", round, r, a)
		}
	}
}

// A sweep that comes by as a request arrives does not hurt the request.
func TestSweepLosesNoAnswer(t *testing.T) {
	srv := &httpd.Server{SweepEvery: time.Millisecond, Handler: http.HandlerFunc(hello)}
	addr := start(t, srv)
	var wg sync.WaitGroup
	for range 20 {
		c := dial(t, addr)
		wg.Go(func() {
			for i := range 200 {
				time.Sleep(time.Millisecond)
				io.WriteString(c, get)
				if status, _, err := c.answer(); status != 200 || err != nil {
					t.Errorf("request %d: %d, %v", i, status, err)
					return
				}
			}
		})
	}
	wg.Wait()
}
