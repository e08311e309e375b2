package cache

import (
	"fmt"
	"net/http"
	"testing"
)

// An origin that sends a byte at a time of what is missing is soon asked for
// all of it.
func TestTinyParts(t *testing.T) {
	w := newWorld(t, Options{}, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "max-age=100")
		w.Header().Set("ETag", `"x"`)
		var first int
		if n, _ := fmt.Sscanf(r.Header.Get("Range"), "bytes=%d-", &first); n == 1 {
			w.Header().Set("Content-Range", fmt.Sprintf("bytes %d-%d/5000", first, first))
			w.WriteHeader(206)
			fmt.Fprint(w, text(5000)[first:first+1])
			return
		}
		fmt.Fprint(w, text(5000))
	})
	w.do("GET /a", "Range: bytes=0-0")
	expect(t, w.do("GET /a"), 200, text(5000), "")
	expect(t, w.do("GET /a"), 200, text(5000), "hit")
	if n := w.asked.Load(); n > maxGaps+2 {
		t.Errorf("the origin was asked %d times", n)
	}
}

// The body of an answer of which only the head counts is not read for ever.
func TestUnwantedBody(t *testing.T) {
	for _, c := range []struct {
		name  string
		first string // range of the first request
		after float64
		code  int
		want  string
	}{
		{"an error, and something stale", "", 20, 503, text(5000)},
		{"a part that does not fit", "bytes=0-99", 0, 206, text(5000)},
		{"a 304 with a body", "", 20, 304, text(5000)},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t, Options{}, func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Cache-Control", "max-age=10, stale-if-error=100")
				w.Header().Set("ETag", `"x"`)
				switch {
				case r.Header.Get("Range") == "bytes=0-99":
					w.Header().Set("Content-Range", "bytes 0-99/5000")
					w.WriteHeader(206)
					fmt.Fprint(w, text(100))
				case r.Header.Get("Range") == "" && r.Header.Get("If-None-Match") == "":
					fmt.Fprint(w, text(5000))
				default:
					w.Header().Set("ETag", `"y"`)
					w.Header().Set("Content-Range", "bytes 100-4999/5000")
					w.WriteHeader(c.code)
					for range 1 << 20 {
						if _, err := w.Write(make([]byte, 4096)); err != nil {
							panic(http.ErrAbortHandler)
						}
					}
					t.Error("all of it was read")
				}
			})
			var fields []string
			if c.first != "" {
				fields = append(fields, "Range: "+c.first)
			}
			w.do("GET /a", fields...)
			w.pass(c.after)
			expect(t, get(t, w.start("GET /a")), 200, c.want, "")
		})
	}
}
