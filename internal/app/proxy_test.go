package app

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
)

func TestProxy(t *testing.T) {
	origin := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-store")
		io.WriteString(w, "path "+r.URL.Path)
	}))
	defer origin.Close()
	p := start(t, "proxy", "--listen", "127.0.0.1:0", "--to", origin.URL)
	url := p.url()
	contains(t, p.stderr.String(), "serving "+origin.URL+" on http://127.0.0.1:")
	if resp, body := get(t, url+"a/b"); resp.StatusCode != 200 || body != "path /a/b" {
		t.Errorf("%v %q", resp, body)
	}
	p.stop()
	contains(t, p.stdout.String(), `"GET /a/b HTTP/1.1" 200 9 `)
}
