package httpd_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"freshet/httpd"
)

// What came early is in the reader, in order and once, however much it is, and
// whether or not a watcher had read ahead.
func TestHijackEarlyBytes(t *testing.T) {
	for _, n := range []int{0, 1, 5, 4095, 4096, 4097, 7000, 20000} {
		for _, watched := range []bool{false, true} {
			t.Run(fmt.Sprintf("%d watched=%v", n, watched), func(t *testing.T) {
				addr := start(t, &httpd.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					if watched {
						r.Context().Done()
					}
					c, rw, err := http.NewResponseController(w).Hijack()
					if err != nil {
						panic(err)
					}
					defer c.Close()
					b, err := io.ReadAll(rw)
					fmt.Fprintf(c, "%s %v", b, err)
				})})
				var early strings.Builder
				for i := 0; early.Len() < n; i++ {
					fmt.Fprintf(&early, "%d,", i)
				}
				if got := tryTalk(addr, get+early.String()); got != early.String()+" <nil>" {
					t.Errorf("%d bytes came, %d sent", len(got), early.Len())
				}
			})
		}
	}
}
