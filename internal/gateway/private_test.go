package gateway

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestPrivate(t *testing.T) {
	for _, c := range []struct{ said, want string }{
		{"", "private"},
		{"max-age=60", "max-age=60, private"},
		{"public, s-maxage=60", "public, s-maxage=60, private"},
		{"No-Store", "No-Store"},
	} {
		for name, answer := range map[string]func(w http.ResponseWriter){
			"head":  func(w http.ResponseWriter) { w.WriteHeader(404) },
			"body":  func(w http.ResponseWriter) { io.WriteString(w, "a") },
			"flush": func(w http.ResponseWriter) { http.NewResponseController(w).Flush() },
			"copy":  func(w http.ResponseWriter) { io.Copy(w, strings.NewReader("a")) },
		} {
			rec := httptest.NewRecorder()
			w := Private(Private(rec))
			if c.said != "" {
				w.Header()["Cache-Control"] = []string{c.said}
			}
			w.Header().Set("CDN-Cache-Control", "max-age=60")
			w.Header().Set("Surrogate-Control", "max-age=60")
			answer(w)
			h := rec.Result().Header
			if got := strings.Join(h["Cache-Control"], "|"); got != c.want || h.Get("CDN-Cache-Control")+h.Get("Surrogate-Control") != "" {
				t.Errorf("%s, %q: %v", name, c.said, h)
			}
		}
	}
}
