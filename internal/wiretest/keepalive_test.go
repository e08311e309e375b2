package wiretest_test

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"freshet/httpd"
)

// TestRequestAtTheSweep sends requests at the very time at which the server
// looks whether the wait for them is over: it must have been, or not, and not
// cut a connection that has a request.
func TestRequestAtTheSweep(t *testing.T) {
	const sweep = time.Millisecond
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, "body") })
	url := listen(t, &httpd.Server{Handler: h, SweepEvery: sweep}, false)
	var clients sync.WaitGroup
	for range 10 {
		clients.Go(func() {
			conn, err := net.Dial("tcp", strings.TrimPrefix(url, "http://"))
			if err != nil {
				t.Error(err)
				return
			}
			defer conn.Close()
			_ = conn.SetDeadline(time.Now().Add(time.Minute))
			in := bufio.NewReader(conn)
			for i := range 200 {
				_, _ = io.WriteString(conn, "GET / HTTP/1.1\r\nHost: test\r\n\r\n")
				resp, err := http.ReadResponse(in, nil)
				if err == nil {
					_, err = io.Copy(io.Discard, resp.Body)
				}
				if err != nil {
					t.Errorf("request %d: %v", i, err)
					return
				}
				time.Sleep(sweep*9/10 + time.Duration(i%7)*sweep/20)
			}
		})
	}
	clients.Wait()
}
