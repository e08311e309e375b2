package outbound

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// A kept connection to a parent ends before its answer, and the parent cannot be
// reached any more: the next parent gets the body, and all of it.
func TestParentGoneBetweenRequests(t *testing.T) {
	for _, length := range []int64{5, -1} {
		answered := 0
		first := newOrigin(t, func(p *peer) {
			for p.head() != "" {
				if answered++; answered > 1 {
					return
				}
				p.say("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi")
			}
		})
		second := newOrigin(t, func(p *peer) {
			for p.head() != "" {
				want := "hello"
				if length < 0 {
					want = "5\r\nhello\r\n0\r\n\r\n"
				}
				p.SetReadDeadline(time.Now().Add(patience)) // of a body that is too short
				b := make([]byte, len(want))
				n, _ := io.ReadFull(p, b)
				p.say(fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", n, b[:n]))
			}
		})
		tr := by(t, "http://"+first.Addr().String(), "http://"+second.Addr().String())
		var gone atomic.Bool
		tr.Dial = func(ctx context.Context, network, addr string) (net.Conn, error) {
			if gone.Load() && addr == first.Addr().String() {
				return nil, syscall.ECONNREFUSED
			}
			return new(net.Dialer).DialContext(ctx, network, addr)
		}
		if _, body, err := get(t, tr, "http://a.test/"); err != nil || body != "hi" {
			t.Fatal(body, err)
		}
		gone.Store(true)
		req, _ := http.NewRequest("PUT", "http://a.test/", strings.NewReader("hello"))
		req.ContentLength = length
		_, body, err := do(tr, req)
		if got, _, _ := strings.Cut(strings.TrimPrefix(body, "5\r\n"), "\r\n"); err != nil || got != "hello" {
			t.Errorf("length %d: %q, %v", length, body, err)
		}
	}
}
