package httpd_test

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"testing"
	"time"

	"freshet/httpd"
	"freshet/internal/wiretest"
)

// Each head has its own time, also when reads always end amid a head.
func TestEachHeadHasItsOwnTime(t *testing.T) {
	for _, hot := range []bool{false, true} {
		t.Run(fmt.Sprintf("hot=%v", hot), func(t *testing.T) {
			wiretest.Longer(t, 200*time.Millisecond, func(limit time.Duration) error {
				srv := &httpd.Server{ReadHeaderTimeout: limit, SweepEvery: time.Millisecond, Handler: http.HandlerFunc(hello)}
				if hot {
					srv.Hot = hotPages{}
				}
				c := dial(t, start(t, srv))
				r := "GET /hot HTTP/1.1\r\nHost: x\r\n\r\n"
				io.WriteString(c, r[:9])
				for begun := time.Now(); time.Since(begun) < 3*limit; {
					io.WriteString(c, r[9:]+r[:9])
					if status, _, err := c.answer(); status != 200 || err != nil {
						return fmt.Errorf("after %v: %d, %v", time.Since(begun), status, err)
					}
				}
				return nil
			})
		})
	}
}

// WriteTimeout covers handler and answer, however small that is.
func TestWriteTimeoutCoversSmallAnswers(t *testing.T) {
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		time.Sleep(3 * soon)
		io.WriteString(w, "late")
	})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	std := &http.Server{Handler: h, WriteTimeout: soon}
	go std.Serve(l)
	defer std.Close()
	if got := tryTalk(l.Addr().String(), get); got != "" {
		t.Errorf("net/http %q", got)
	}
	if got := tryTalk(start(t, &httpd.Server{Handler: h, WriteTimeout: soon, ReadHeaderTimeout: -1}), get); got != "" {
		t.Errorf("ours %q", got)
	}
}

// The limits of a pipelined request begin when its turn comes.
func TestPipelinedRequestHasItsOwnWriteTimeout(t *testing.T) {
	wiretest.Longer(t, 200*time.Millisecond, func(limit time.Duration) error {
		addr := start(t, &httpd.Server{WriteTimeout: limit, ReadHeaderTimeout: -1, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path != "/last" {
				time.Sleep(limit * 2 / 3)
			}
			w.Write(make([]byte, 1<<20))
		})})
		c := dial(t, addr)
		io.WriteString(c, get+get+"GET /last HTTP/1.1\r\nHost: x\r\n\r\n")
		for i := range 3 {
			if status, body, err := c.answer(); status != 200 || len(body) != 1<<20 || err != nil {
				return fmt.Errorf("request %d: %d, %d bytes, %v", i, status, len(body), err)
			}
		}
		return nil
	})
}
