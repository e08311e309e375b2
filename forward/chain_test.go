package forward_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"testing"

	"freshet/cache"
	"freshet/forward"
	"freshet/internal/wiretest"
)

// A chain of two proxies: the second one has the cache, and both say that the
// message passed them; tunnels go through both.
func TestChain(t *testing.T) {
	store, err := cache.NewStore(cache.StoreOptions{Memory: 8 << 20})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	var via []string
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		via = append(via, r.Header.Get("Via"))
		w.Header().Set("Cache-Control", "max-age=60")
		io.WriteString(w, "hello")
	})
	server := httptest.NewServer(handler)
	defer server.Close()
	secret := httptest.NewTLSServer(handler)
	defer secret.Close()
	port := netip.MustParseAddrPort(strings.TrimPrefix(secret.URL, "https://")).Port()
	second := start(t, forward.Options{AllowPrivate: true, Store: store, Name: "second", Ports: []int{int(port)},
		Login: func(n, p string) bool { return n == "first" && p == "pw" }})
	first := start(t, forward.Options{AllowPrivate: true, Name: "first", Ports: []int{int(port)}, Parents: []string{"http://first:pw@" + second}})
	client := through(t, first)
	for _, want := range []string{"second; fwd=uri-miss; fwd-status=200; stored", "second; hit; ttl="} {
		resp, body := get(t, client, server.URL+"/")
		if status := resp.Header.Get("Cache-Status"); body != "hello" || !strings.HasPrefix(status, want) {
			t.Errorf("body %q, Cache-Status %q, want %q", body, status, want)
		}
		if v := strings.Join(resp.Header.Values("Via"), ", "); v != "1.1 second, 1.1 first" && v != "1.1 second, 1.1 second, 1.1 first" {
			t.Errorf("Via of the answer: %q", v)
		}
	}
	if len(via) != 1 || via[0] != "1.1 first, 1.1 second" {
		t.Errorf("the server saw Via %q", via)
	}
	tr := secret.Client().Transport.(*http.Transport).Clone()
	tr.Proxy = http.ProxyURL(&url.URL{Scheme: "http", Host: first})
	defer tr.CloseIdleConnections()
	if resp, body := get(t, &http.Client{Transport: tr}, secret.URL); resp.StatusCode != 200 || body != "hello" {
		t.Errorf("through both: %s %q", resp.Status, body)
	}
}

// A parent that cannot be reached is passed over for the next, and a request
// goes to nobody but a parent where there is one.
func TestFailOver(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, r.Header.Get("Via")) }))
	defer server.Close()
	gone := "http://" + wiretest.Reserve(t)
	second := start(t, forward.Options{AllowPrivate: true, Name: "second"})
	first := start(t, forward.Options{AllowPrivate: true, Name: "first", Parents: []string{gone, "http://" + second}})
	if _, body := get(t, through(t, first), server.URL); body != "1.1 first, 1.1 second" {
		t.Errorf("Via %q", body)
	}
	alone := start(t, forward.Options{AllowPrivate: true, Parents: []string{gone}})
	if resp, _ := get(t, through(t, alone), server.URL); resp.StatusCode != 502 {
		t.Errorf("without its parent: %s", resp.Status)
	}
}
