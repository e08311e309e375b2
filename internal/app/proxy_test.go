package app

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
)

func TestProxy(t *testing.T) {
	var asked atomic.Int64
	origin := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		w.Header().Set("Cache-Control", "max-age=60")
		io.WriteString(w, "path "+r.URL.Path)
	}))
	defer origin.Close()
	p := start(t, "proxy", "--listen", "127.0.0.1:0", "--to", origin.URL, "--key-drop", "utm_*")
	url := p.url()
	contains(t, p.stderr.String(), "serving "+origin.URL+" on http://127.0.0.1:")
	for i, query := range []string{"", "", "?utm_source=x"} {
		resp, body := get(t, url+"a/b"+query)
		if resp.StatusCode != 200 || body != "path /a/b" {
			t.Errorf("%v %q", resp, body)
		}
		if hit := strings.Contains(resp.Header.Get("Cache-Status"), "freshet; hit"); hit != (i > 0) {
			t.Errorf("request %d: Cache-Status: %s", i, resp.Header.Get("Cache-Status"))
		}
	}
	if n := asked.Load(); n != 1 {
		t.Errorf("the origin was asked %d times", n)
	}
	p.stop()
	contains(t, p.stdout.String(), `"GET /a/b HTTP/1.1" 200 9 `)
}

func TestProxyWithoutCache(t *testing.T) {
	var asked atomic.Int64
	origin := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		w.Header().Set("Cache-Control", "max-age=60")
		io.WriteString(w, r.Host)
	}))
	defer origin.Close()
	p := start(t, "proxy", "--listen", "127.0.0.1:0", "--to", origin.URL, "--cache", "off", "--host", "www.example:81")
	url := p.url()
	for range 2 {
		if resp, body := get(t, url); body != "www.example:81" || resp.Header.Get("Cache-Status") != "" {
			t.Errorf("%v %q", resp, body)
		}
	}
	if n := asked.Load(); n != 2 {
		t.Errorf("the origin was asked %d times", n)
	}
	p.stop()
}

// What was kept on disk is there after a new start.
func TestProxyData(t *testing.T) {
	var asked atomic.Int64
	origin := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		w.Header().Set("Cache-Control", "max-age=60")
		io.WriteString(w, "kept")
	}))
	defer origin.Close()
	dir := t.TempDir()
	for range 2 {
		p := start(t, "proxy", "--listen", "127.0.0.1:0", "--to", origin.URL, "--data", dir, "--host", "client")
		url := p.url()
		req, err := http.NewRequest("GET", url, nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Host = "a.example"
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		if body, _ := io.ReadAll(resp.Body); string(body) != "kept" {
			t.Errorf("%q", body)
		}
		resp.Body.Close()
		p.stop()
	}
	if n := asked.Load(); n != 1 {
		t.Errorf("the origin was asked %d times", n)
	}
}
