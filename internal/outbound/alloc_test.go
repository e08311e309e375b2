//go:build !race

package outbound

import (
	"context"
	"io"
	"net/http"
	"testing"

	"freshet/internal/alloctest"
)

// A round trip on a kept connection allocates the answer, its header (a map and
// its texts and values) and little else.
func TestAllocations(t *testing.T) {
	tr := newTransport(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	req, _ := http.NewRequest("GET", rawOrigin(t), nil)
	req.Header = http.Header{"Accept": {"*/*"}, "User-Agent": {"x"}, "Via": {"1.1 x"}}
	buf := make([]byte, 64)
	for _, c := range []struct {
		name string
		req  *http.Request
		most float64
	}{
		{"plain", req, 7},
		{"with a context that can end", req.WithContext(ctx), 10},
	} {
		n := alloctest.PerRun(200, func() {
			resp, err := tr.RoundTrip(c.req)
			if err != nil {
				t.Fatal(err)
			}
			for err == nil {
				_, err = resp.Body.Read(buf)
			}
			if err != io.EOF {
				t.Fatal(err)
			}
			resp.Body.Close()
		})
		if n > c.most {
			t.Errorf("%s: %v allocations, at most %v are expected", c.name, n, c.most)
		}
	}
}
