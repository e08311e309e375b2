package proxy_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"freshet/proxy"
)

// Who is logged in to the monitor does not give its cookie to the origins of the
// sites beside it.
func TestMonitorCookieEndsHere(t *testing.T) {
	got := make(chan []string, 1)
	origin := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { got <- r.Header["Cookie"] }))
	defer origin.Close()
	addr, _ := serve(t, newProxy(t, proxy.Options{Origins: []string{origin.URL}}))
	for sent, want := range map[string]string{"freshet-monitor-8001=pass": "", "a=1; freshet-monitor-8001=pass; b=2": "a=1; b=2", "a=1": "a=1"} {
		r, err := http.NewRequest("GET", "http://"+addr+"/", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Cookie", sent)
		resp, err := newClient(t).Do(r)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if lines := <-got; want == "" && lines != nil || want != "" && (len(lines) != 1 || lines[0] != want) {
			t.Errorf("%q: the origin gets %q", sent, lines)
		}
	}
}
