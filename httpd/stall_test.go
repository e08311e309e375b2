package httpd_test

import (
	"io"
	"net/http"
	"testing"
	"time"

	"freshet/httpd"
)

// What a handler answers to a body that stalled arrives, whether it read the
// body or not.
func TestAnswerToAStalledBody(t *testing.T) {
	for _, path := range []string{"/read", "/unread"} {
		t.Run(path, func(t *testing.T) {
			addr := start(t, &httpd.Server{BodyTimeout: soon, SweepEvery: time.Millisecond, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path == "/read" {
					if _, err := io.ReadAll(r.Body); err == nil {
						t.Error("the body was complete")
					}
				}
				http.Error(w, "sorry", 403)
			})})
			c := dial(t, addr)
			io.WriteString(c, "POST "+path+" HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhe")
			if status, body, err := c.answer(); status != 403 || body != "sorry\n" || err != nil {
				t.Errorf("%d %q %v", status, body, err)
			}
		})
	}
}

// SetKeepAlivesEnabled(false) ends connections that are idle, as in net/http.
func TestDisablingKeepAlivesEndsIdleConnections(t *testing.T) {
	srv := &httpd.Server{Handler: http.HandlerFunc(hello)}
	c := dial(t, start(t, srv))
	io.WriteString(c, get)
	c.answer()
	time.Sleep(soon)
	srv.SetKeepAlivesEnabled(false)
	if _, err := c.Read(make([]byte, 1)); err != io.EOF {
		t.Error(err)
	}
}
