package app

import (
	"io"
	"net/http"
	"net/netip"
	"testing"

	"freshet/signedurl"
)

// A route that redirects believes the proxies that it trusts, and nobody else.
func TestRedirectTrust(t *testing.T) {
	c := startFile(t, "[server]\nlisten = '127.0.0.1:0'\nmonitor = 'off'\n[[site]]\ndeny = '192.0.2.7'\n"+
		"[[site.route]]\nredirect = 'http://secret.example/'\ntrust = '127.0.0.0/8'\n"+
		"[[site.route]]\npath = '/limited'\nredirect = 'http://secret.example/'\nallow = '192.0.2.0/24'\ntrust = '127.0.0.0/8'\n"+
		"[[site.route]]\npath = '/far'\nredirect = 'http://secret.example/'\ntrust = '10.0.0.0/8'\n"+
		"[[site.route]]\npath = '/none'\nredirect = 'http://secret.example/'\n")
	for _, tt := range []struct {
		path, xff string
		status    int
	}{
		{"x", "", 308}, {"x", "192.0.2.7", 403}, {"x", "192.0.2.8", 308}, {"x", "192.0.2.8, 192.0.2.7", 403}, {"x", "192.0.2.7, 192.0.2.8", 308}, {"x", "192.0.2.7, 127.0.0.9", 403}, {"x", "unknown", 403},
		{"limited/x", "", 403}, {"limited/x", "192.0.2.8", 308}, {"limited/x", "192.0.2.7", 403}, {"limited/x", "192.0.2.8, 198.51.100.1", 403},
		{"far/x", "192.0.2.7", 308}, {"none/x", "192.0.2.7", 308},
	} {
		for _, forwarded := range []string{"", "for=192.0.2.8", "for=192.0.2.7"} { // which is never looked at
			resp, body := getNoFollow(t, c.url()+tt.path, "X-Forwarded-For", tt.xff, "Forwarded", forwarded)
			if resp.StatusCode != tt.status || (resp.Header.Get("Location") != "") != (tt.status == 308) {
				t.Errorf("%s of %q: %d, %v, %s", tt.path, tt.xff, resp.StatusCode, resp.Header, body)
			}
		}
	}
	c.stop()
}

// Links for addresses are judged by what each route trusts, by commands and by files.
func TestSignedLinkTrust(t *testing.T) {
	dir, keys := folder(t, "a.txt", "a", "own/a.txt", "a"), keyFile(t, linkKey)
	c := startFile(t, "[server]\nlisten = '127.0.0.1:0'\nmonitor = 'off'\n[[site]]\nsigned-urls = '"+keys+"'\n"+
		"[[site.route]]\nstatic = '"+dir+"'\n"+
		"[[site.route]]\npath = '/own'\nstatic = '"+dir+"/own'\ntrust = '127.0.0.1'\n"+
		"[[site.route]]\npath = '/away'\nredirect = 'http://secret.example/'\ntrust = '127.0.0.1'\n")
	command := start(t, "serve", "--listen", "127.0.0.1:0", "--monitor", "off", "--signed-urls", keys, "--trust", "127.0.0.1", dir)
	for _, tt := range []struct {
		base, path, xff string
		status          int
	}{
		{c.url(), "a.txt", "", 403}, {c.url(), "a.txt", "203.0.113.9", 403},
		{c.url(), "own/a.txt", "", 403}, {c.url(), "own/a.txt", "203.0.113.9", 200}, {c.url(), "own/a.txt", "203.0.113.9, 198.51.100.1", 403},
		{c.url(), "away/x", "203.0.113.9", 308}, {c.url(), "away/x", "198.51.100.1", 403},
		{command.url(), "a.txt", "203.0.113.9", 200}, {command.url(), "a.txt", "", 403},
	} {
		link := linkTo(t, tt.base+tt.path, signedurl.Options{IP: netip.MustParsePrefix("203.0.113.0/24")})
		for range 2 { // the second time it is in memory
			if resp, body := getNoFollow(t, link, "X-Forwarded-For", tt.xff, "Forwarded", "for=203.0.113.9"); resp.StatusCode != tt.status {
				t.Errorf("%s of %q: %d, %s", tt.path, tt.xff, resp.StatusCode, body)
			}
		}
	}
	command.stop()
	c.stop()
}

// getNoFollow is get without redirects, and without the fields that are empty.
func getNoFollow(t *testing.T, url string, header ...string) (*http.Response, string) {
	t.Helper()
	r, err := http.NewRequest("GET", url, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Close = true
	for i := 0; i < len(header); i += 2 {
		if header[i+1] != "" {
			r.Header.Set(header[i], header[i+1])
		}
	}
	resp, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, string(body)
}
