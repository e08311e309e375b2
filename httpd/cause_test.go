package httpd_test

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"testing"

	"freshet/httpd"
)

// The cause of a request context is never nil once it ended, also below a
// base context that can be cancelled.
func TestContextCause(t *testing.T) {
	got := make(chan string, 1)
	base, stop := context.WithCancel(t.Context())
	defer stop()
	addr := start(t, &httpd.Server{BaseContext: func(net.Listener) context.Context { return base }, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		child, cancel := context.WithCancel(r.Context())
		go func() {
			defer cancel()
			<-child.Done()
			got <- fmt.Sprint(context.Cause(r.Context()), r.Context().Err(), context.Cause(child))
		}()
	})})
	talk(t, addr, get)
	if s := <-got; s != "context canceled context canceled context canceled" {
		t.Error(s)
	}
}
