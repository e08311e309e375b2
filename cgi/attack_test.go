//go:build unix

package cgi_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"freshet/cache"
	"freshet/cgi"
)

// TestSlowUploadsLeaveTurns: clients whose long bodies are copied as they come
// have half of the turns, and no more.
func TestSlowUploadsLeaveTurns(t *testing.T) {
	dir := folder(t, "p", sh(`cat >/dev/null`, `printf 'Content-Type: text/plain\n\nanswer'`))
	s, h := run(t, dir, func(o *cgi.Options) { o.Running = 4 })
	for range 6 {
		slow, _ := s.dial()
		io.WriteString(slow, "POST /p HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n"+strings.Repeat("x", 1000))
	}
	eventually(t, "two uploads, and four that wait", func() bool {
		running, waiting := h.Load()
		return running == 2 && waiting == 4
	})
	if a := s.get("/p"); a.StatusCode != 200 || a.body != "answer" {
		t.Errorf("%d %s", a.StatusCode, a.body)
	}
}

// TestRedirectedForOne: what a program lets one client have, by a local
// redirect, a cache in front keeps for nobody else: a local redirect has no
// field in which the program could forbid that.
func TestRedirectedForOne(t *testing.T) {
	page := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "public, max-age=3600")
		w.Header().Set("CDN-Cache-Control", "max-age=3600")
		io.WriteString(w, "for one")
	})
	dir := folder(t, "gate", sh(`case $HTTP_X_WHO in`, `one) printf 'Location: /page\n\n';;`, `*) printf 'Status: 403\nContent-Type: text/plain\n\nno';;`, `esac`))
	h := newHandler(t, cgi.Options{Dir: dir, Redirects: page})
	store, err := cache.NewStore(cache.StoreOptions{ErrorLog: quiet})
	must(t, err)
	t.Cleanup(func() { store.Close() })
	c, err := cache.New(cache.Options{Next: h, Store: store, ErrorLog: quiet})
	must(t, err)
	s := serve(t, c)
	if a := s.get("/gate", "X-Who", "one"); a.body != "for one" || a.Header.Get("Cache-Control") != "public, max-age=3600, private" {
		t.Errorf("%d %q %v", a.StatusCode, a.body, a.Header)
	}
	if a := s.get("/gate"); a.StatusCode != 403 {
		t.Errorf("another client: %d %q", a.StatusCode, a.body)
	}
}

// TestForwardedIsNoKey: nobody can make a program write what a client says of
// itself into an answer that a cache then gives to others.
func TestForwardedIsNoKey(t *testing.T) {
	dir := folder(t, "page", sh(`printf 'Content-Type: text/plain\nCache-Control: max-age=3600\n\n'`, `echo "at ${HTTP_X_FORWARDED_HOST:-$HTTP_HOST}${HTTP_FORWARDED}${HTTP_X_REAL_IP}"`))
	store, err := cache.NewStore(cache.StoreOptions{ErrorLog: quiet})
	must(t, err)
	t.Cleanup(func() { store.Close() })
	c, err := cache.New(cache.Options{Next: newHandler(t, cgi.Options{Dir: dir}), Store: store, ErrorLog: quiet})
	must(t, err)
	s := serve(t, c)
	for range 2 {
		if a := s.get("/page", "X-Forwarded-Host", "evil", "Forwarded", "host=evil", "X-Real-Ip", "evil"); strings.Contains(a.body, "evil") || !strings.HasPrefix(a.body, "at ") {
			t.Errorf("%d %q", a.StatusCode, a.body)
		}
	}
}

// TestResetContent: an answer that must have no body has none, so that nobody
// takes it for the next answer.
func TestResetContent(t *testing.T) {
	s, _ := run(t, folder(t, "p", sh(`printf 'Status: 205\nContent-Length: 30\n\nHTTP/1.1 200 OK\r\n\r\n'`)), nil)
	got := s.talk("GET /p HTTP/1.1\r\nHost: a\r\n\r\nGET /none HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
	if !strings.HasPrefix(got, "HTTP/1.1 205") || strings.Contains(got, "200 OK") || strings.Contains(got, "Content-Length: 30") || strings.Count(got, "HTTP/1.1 ") != 2 {
		t.Errorf("%q", got)
	}
}

// TestOneSpelling: what a program answers to an odd spelling of its path is not
// what a cache gives to those who spell it as everybody does.
func TestOneSpelling(t *testing.T) {
	dir := folder(t, "page", sh(`case $REQUEST_URI in`, `/page) printf 'Content-Type: text/plain\nCache-Control: max-age=3600\n\nhere';;`,
		`*) printf 'Status: 301\nLocation: http://a/page\nCache-Control: max-age=3600\nContent-Type: text/plain\n\n';;`, `esac`))
	store, err := cache.NewStore(cache.StoreOptions{ErrorLog: quiet})
	must(t, err)
	t.Cleanup(func() { store.Close() })
	c, err := cache.New(cache.Options{Next: newHandler(t, cgi.Options{Dir: dir}), Store: store, ErrorLog: quiet})
	must(t, err)
	s := serve(t, c)
	for _, path := range []string{"/%70age", "/page"} {
		if a := s.get(path); a.StatusCode != 200 || a.body != "here" {
			t.Errorf("%s: %d %q", path, a.StatusCode, a.body)
		}
	}
}
