package cache

import (
	"io"
	"net/http"
	"testing"
)

// What is named in Connection does not select what is stored, and what was made
// without it is not for those who send it.
func TestNamedInConnection(t *testing.T) {
	for _, name := range []string{"Accept-Language", "Cookie", "Authorization", "X-Key"} {
		var o Options
		o.Profile, o.Key.Headers = Standard, []string{"X-Key"}
		w := newWorld(t, o, func(rw http.ResponseWriter, r *http.Request) {
			rw.Header().Set("Cache-Control", "public, max-age=60")
			rw.Header().Set("Vary", name)
			io.WriteString(rw, "for ["+r.Header.Get(name)+"]")
		})
		expect(t, w.do("GET /", name+": mine", "Connection: close, "+name), 200, "for []", "stored")
		expect(t, w.do("GET /", name+": mine", "Connection: keep-alive"), 200, "for [mine]", "stored")
		rec := w.do("GET /")
		if got := rec.Body.String(); got != "for []" || w.asked.Load() != 2 {
			t.Errorf("%s: %q, the origin was asked %d times", name, got, w.asked.Load())
		}
	}
	w := newWorld(t, Options{}, func(rw http.ResponseWriter, r *http.Request) {
		for _, name := range []string{"Te", "Upgrade", "Connection"} { // the proxy's business
			if r.Header[name] == nil {
				t.Errorf("%s is gone", name)
			}
		}
	})
	w.do("GET /", "Connection: TE, Upgrade", "TE: trailers", "Upgrade: websocket")
}
