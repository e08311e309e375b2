package httpd_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"freshet/httpd"
	"freshet/internal/wiretest"
)

// A body that the engine discarded because the answer had begun does not look
// like an empty one.
func TestDiscardedBodyIsNotEmpty(t *testing.T) {
	std, ours := bothServers(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.(http.Flusher).Flush()
		b, err := io.ReadAll(r.Body)
		fmt.Fprintf(w, "%q %v", b, err == nil)
	}))
	raw := "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello"
	want, got := describe(t, std, raw), describe(t, ours, raw)
	if got != want {
		t.Errorf("ours %s net/http %s", got, want)
	}
}

// What a handler left running finds a closed body, whatever way it ended.
func TestBodyAfterTheHandler(t *testing.T) {
	ends := map[string]func(http.ResponseWriter){
		"returns": func(w http.ResponseWriter) {},
		"aborts":  func(w http.ResponseWriter) { panic(http.ErrAbortHandler) },
		"duplex":  func(w http.ResponseWriter) { http.NewResponseController(w).EnableFullDuplex() },
		"hijacks": func(w http.ResponseWriter) { hijack(w).Close() },
	}
	for name, end := range ends {
		for _, body := range []string{"Content-Length: 1000000\r\n\r\n", "Content-Length: 5\r\nExpect: 100-continue\r\n\r\n", "Transfer-Encoding: chunked\r\n\r\n" + strings.Repeat("1000\r\n"+strings.Repeat("x", 4096)+"\r\n", 100)} {
			t.Run(name, func(t *testing.T) {
				ended, got := make(chan struct{}), make(chan string, 1)
				addr := start(t, &httpd.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					go func() {
						defer func() {
							if p := recover(); p != nil {
								got <- fmt.Sprint("panic: ", p)
							}
						}()
						<-ended
						n, err := r.Body.Read(make([]byte, 1<<20))
						got <- fmt.Sprint(n, err)
					}()
					end(w)
				})})
				tryTalk(addr, "POST / HTTP/1.1\r\nHost: x\r\n"+body) // until the connection is over
				close(ended)
				if s := <-got; strings.HasPrefix(s, "panic") || strings.HasSuffix(s, "<nil>") {
					t.Error(s)
				}
			})
		}
	}
}

// In full duplex a stalled body has its limit although the answer goes on.
func TestDuplexBodyStalls(t *testing.T) {
	addr := start(t, &httpd.Server{BodyTimeout: soon, ReadHeaderTimeout: -1, SweepEvery: time.Millisecond, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		rc := http.NewResponseController(w)
		rc.EnableFullDuplex()
		rc.Flush()
		failed := make(chan error, 1)
		go func() {
			_, err := io.ReadAll(r.Body)
			failed <- err
		}()
		end := time.After(patience)
		for {
			select {
			case err := <-failed:
				fmt.Fprint(w, "failed ", err)
				panic(http.ErrAbortHandler)
			case <-end:
				io.WriteString(w, "never failed")
				rc.Flush()
				panic(http.ErrAbortHandler)
			case <-time.After(time.Millisecond):
				io.WriteString(w, ".")
				rc.Flush()
			}
		}
	})})
	if got := tryTalk2(t, addr, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhe"); strings.Contains(got, "never failed") {
		t.Errorf("the body of a duplex exchange has no limit")
	}
}

// The limit on the pauses of a body ends with the body: an answer that takes
// longer is not for a client that is gone.
func TestDuplexBodyLimitEnds(t *testing.T) {
	wiretest.Longer(t, soon, func(limit time.Duration) error {
		outcome := make(chan error, 1)
		addr := start(t, &httpd.Server{BodyTimeout: limit, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			http.NewResponseController(w).EnableFullDuplex()
			io.ReadFull(r.Body, make([]byte, 2))
			fmt.Fprint(w, "half")
			w.(http.Flusher).Flush()
			if _, err := io.ReadAll(r.Body); err != nil {
				outcome <- fmt.Errorf("the second half: %w", err)
				return
			}
			select {
			case <-r.Context().Done():
			case <-time.After(4 * limit):
			}
			outcome <- r.Context().Err()
		})})
		c := dial(t, addr)
		io.WriteString(c, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nhe")
		c.br.ReadString('h') // the handler waits for the second half
		io.WriteString(c, "re")
		return <-outcome
	})
}

func tryTalk2(t *testing.T, addr, raw string) string {
	c := dial(t, addr)
	io.WriteString(c, raw)
	b, _ := io.ReadAll(c.br)
	return string(b)
}
