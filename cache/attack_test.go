package cache_test

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"freshet/cache"
	"freshet/proxy"
)

// reflecting is an origin as careless as they come: it believes every field
// that says another host, address or method, takes parameters apart as
// frameworks do, reads the body of a GET, ignores what follows a known path, and answers errors without saying that they are not to be kept.
func reflecting(c net.Conn, r *http.Request) bool {
	status, body := 200, "host="+r.Host+" "
	for _, name := range []string{
		"X-Forwarded-Host", "X-Forwarded-Scheme", "X-Forwarded-Proto", "X-Forwarded-Port", "X-Forwarded-Prefix", "X-Forwarded-Server", "X-Forwarded-Path",
		"X-Forwarded-For", "X-Real-Ip", "Forwarded",
		"X-Original-Url", "X-Rewrite-Url", "X-Http-Method-Override", "X-Http-Method", "X-Method-Override",
		"X-Host", "X-Http-Host-Override", "Cookie", "Authorization",
	} {
		for is, v := range r.Header {
			if http.CanonicalHeaderKey(strings.ReplaceAll(is, "_", "-")) == name { // as CGI has it
				body += name + "=" + strings.Join(v, ",") + " "
			}
		}
	}
	path := r.URL.Path
	for _, end := range []string{";", "\n", "\x00", "?", "#", "%"} {
		path, _, _ = strings.Cut(path, end)
	}
	query := strings.ReplaceAll(r.URL.RawQuery, ";", "&") // as some frameworks do
	fat, _ := io.ReadAll(r.Body)
	values, _ := url.ParseQuery(query + "&" + string(fat))
	body += "callback=" + strings.Join(values["callback"], ",") + " " // last or first: all
	kind := "text/html"
	extra := ""
	switch {
	case strings.HasPrefix(path, "/account"), strings.HasPrefix(r.URL.Path, "/account"):
		body += "secret of " + r.Header.Get("Cookie") + r.Header.Get("Authorization")
	case strings.HasPrefix(path, "/static"):
		kind = "text/css"
	case path == "/split":
		extra = "X-Echo: " + strings.NewReplacer("\r", "", "\n", "\r\n ").Replace(values.Get("echo")) + "\r\n"
	}
	size := 0
	for name, v := range r.Header {
		size += len(name) + len(strings.Join(v, ""))
	}
	switch {
	case size > 4096:
		status, body = 400, "evil: too large"
	case strings.ContainsAny(r.Header.Get("X-Metachar"), "\a\b"):
		status, body = 400, "evil: metacharacter"
	case r.Header.Get("X-Http-Method-Override") == "POST":
		status, body = 404, "evil: no such method"
	case r.Header.Get("Max-Forwards") == "evil", r.Header.Get("Expect") != "":
		status, body = 417, "evil: expectation"
	case r.Header.Get("Content-Type") == "evil":
		status, body = 415, "evil: type"
	case strings.Contains(r.Header.Get("Accept-Encoding"), "evil"):
		status, body = 406, "evil: coding"
	}
	fmt.Fprintf(c, "HTTP/1.1 %d X\r\nContent-Type: %s\r\nCache-Control: max-age=100\r\nLast-Modified: Mon, 01 Jan 2001 00:00:00 GMT\r\n%sContent-Length: %d\r\n\r\n", status, kind, extra, len(body))
	io.WriteString(c, body)
	return true
}

// TestAttacks sends, for each known way to make a cache give one client what
// was made by or for another, the request of the attacker, or that of the victim
// which the attacker provoked, and then that of an innocent client.
func TestAttacks(t *testing.T) {
	const host = "Host: example.org\r\n"
	for _, c := range []struct {
		what   string // what the attack is
		first  string // request line and fields
		second string
		never  string // what the second must not get
	}{
		// Unkeyed fields: the page is made with the attacker's, and kept.
		{"X-Forwarded-Host: dropped by the proxy, for the client is no proxy of ours", "GET /p HTTP/1.1\r\n" + host + "X-Forwarded-Host: evil\r\n", "", "evil"},
		{"X-Forwarded-Scheme", "GET /p HTTP/1.1\r\n" + host + "X-Forwarded-Scheme: evil\r\n", "", "evil"},
		{"X-Forwarded-Proto", "GET /p HTTP/1.1\r\n" + host + "X-Forwarded-Proto: evil\r\n", "", "evil"},
		{"X-Forwarded-Port", "GET /p HTTP/1.1\r\n" + host + "X-Forwarded-Port: evil\r\n", "", "evil"},
		{"X-Forwarded-Prefix", "GET /p HTTP/1.1\r\n" + host + "X-Forwarded-Prefix: /evil\r\n", "", "evil"},
		{"X-Forwarded-Server", "GET /p HTTP/1.1\r\n" + host + "X-Forwarded-Server: evil\r\n", "", "evil"},
		{"X-Forwarded-Path", "GET /p HTTP/1.1\r\n" + host + "X-Forwarded-Path: /evil\r\n", "", "evil"},
		{"X-Forwarded-For", "GET /p HTTP/1.1\r\n" + host + "X-Forwarded-For: evil\r\n", "", "evil"},
		{"X-Real-IP", "GET /p HTTP/1.1\r\n" + host + "X-Real-IP: evil\r\n", "", "evil"},
		{"Forwarded", "GET /p HTTP/1.1\r\n" + host + "Forwarded: host=evil\r\n", "", "evil"},
		{"X-Original-URL: goes past the cache", "GET /p HTTP/1.1\r\n" + host + "X-Original-URL: /evil\r\n", "", "evil"},
		{"X-Rewrite-URL: goes past the cache", "GET /p HTTP/1.1\r\n" + host + "X-Rewrite-URL: /evil\r\n", "", "evil"},
		{"X-Host: goes past the cache", "GET /p HTTP/1.1\r\n" + host + "X-Host: evil\r\n", "", "evil"},
		{"X-HTTP-Host-Override", "GET /p HTTP/1.1\r\n" + host + "X-HTTP-Host-Override: evil\r\n", "", "evil"},
		{"an underscore", "GET /p HTTP/1.1\r\n" + host + "X_Rewrite_URL: /evil\r\n", "", "evil"},
		{"an underscore, forwarded", "GET /p HTTP/1.1\r\n" + host + "X_Forwarded_Host: evil\r\n", "", "evil"},
		{"x-rewrite-url, in small letters", "GET /p HTTP/1.1\r\n" + host + "x-rewrite-url: /evil\r\n", "", "evil"},

		// Denial: an odd request makes an error, which is kept for all.
		{"method override: goes past the cache", "GET /p HTTP/1.1\r\n" + host + "X-HTTP-Method-Override: POST\r\n", "", "evil"},
		{"X-HTTP-Method", "GET /p HTTP/1.1\r\n" + host + "X-HTTP-Method: evil\r\n", "", "evil"},
		{"X-Method-Override", "GET /p HTTP/1.1\r\n" + host + "X-Method-Override: evil\r\n", "", "evil"},
		{"oversized field: 400 is not kept", "GET /p HTTP/1.1\r\n" + host + "X-Large: " + strings.Repeat("x", 5000) + "\r\n", "", "evil"},
		{"many fields", "GET /p HTTP/1.1\r\n" + host + strings.Repeat("X-Large: "+strings.Repeat("x", 100)+"\r\n", 50), "", "evil"},
		{"field too large for us: refused", "GET /p HTTP/1.1\r\n" + host + "X-Large: " + strings.Repeat("x", 50_000) + "\r\n", "", "evil"},
		{"metacharacter: refused", "GET /p HTTP/1.1\r\n" + host + "X-Metachar: \a\r\n", "", "evil"},
		{"Expect: 417 is not kept", "GET /p HTTP/1.1\r\n" + host + "Expect: evil\r\n", "", "evil"},
		{"Max-Forwards", "GET /p HTTP/1.1\r\n" + host + "Max-Forwards: evil\r\n", "", "evil"},
		{"Content-Type: 415 is not kept", "GET /p HTTP/1.1\r\n" + host + "Content-Type: evil\r\n", "", "evil"},
		{"Accept-Encoding: 406 is not kept", "GET /p HTTP/1.1\r\n" + host + "Accept-Encoding: evil\r\n", "", "evil"},
		{"Range that makes 416", "GET /p HTTP/1.1\r\n" + host + "Range: bytes=9999-\r\n", "", "evil"},

		// A body that is no part of the key.
		{"fat GET: goes past the cache", "GET /p HTTP/1.1\r\n" + host + "Content-Length: 13\r\n\r\ncallback=evil", "", "evil"},
		{"fat GET, chunked", "GET /p HTTP/1.1\r\n" + host + "Transfer-Encoding: chunked\r\n\r\nd\r\ncallback=evil\r\n0\r\n", "", "evil"},

		// Parameters that cache and origin take apart otherwise.
		{"cloaked by a semicolon: the whole query is the key", "GET /p?callback=good&utm=1;callback=evil HTTP/1.1\r\n" + host, "GET /p?callback=good HTTP/1.1\r\n" + host, "evil"},
		{"twice", "GET /p?callback=good&callback=evil HTTP/1.1\r\n" + host, "GET /p?callback=good HTTP/1.1\r\n" + host, "evil"},
		{"an encoded ampersand", "GET /p?callback=good%26callback=evil HTTP/1.1\r\n" + host, "GET /p?callback=good HTTP/1.1\r\n" + host, "evil"},
		{"an encoded name", "GET /p?call%62ack=evil HTTP/1.1\r\n" + host, "GET /p HTTP/1.1\r\n" + host, "evil"},
		{"a question mark more", "GET /p??callback=evil HTTP/1.1\r\n" + host, "GET /p? HTTP/1.1\r\n" + host, "evil"},
		{"a fragment: refused", "GET /p#?callback=evil HTTP/1.1\r\n" + host, "", "evil"},

		// Other spellings of the host: the key is what is sent on, or it is refused.
		{"absolute form counts, not Host", "GET http://evil.example/p HTTP/1.1\r\n" + host, "", "evil"},
		{"two Hosts: refused", "GET /p HTTP/1.1\r\n" + host + "Host: evil\r\n", "", "evil"},
		{"a folded Host: refused", "GET /p HTTP/1.1\r\n" + host + " evil\r\n", "", "evil"},
		{"a space before the colon: refused", "GET /p HTTP/1.1\r\nHost : evil\r\n" + host, "", "evil"},
		{"a port", "GET /p HTTP/1.1\r\nHost: example.org:666\r\n", "", "666"},
		{"a port that is none", "GET /p HTTP/1.1\r\nHost: example.org:evil\r\n", "", "evil"},
		{"user information: refused", "GET /p HTTP/1.1\r\nHost: evil@example.org\r\n", "", "evil"},
		{"a trailing dot: another host", "GET /p HTTP/1.1\r\nHost: example.org.\r\n", "", "example.org. "},
		{"capitals: the same host", "GET /p HTTP/1.1\r\nHost: EXAMPLE.org\r\n", "", "evil"},
		{"a path in Host", "GET /p HTTP/1.1\r\nHost: example.org/evil\r\n", "", "evil"},
		{"a line feed in Host", "GET /p HTTP/1.1\r\nHost: example.org\nX-Forwarded-Host: evil\r\n", "", "evil"},

		// Deception: the victim is led to an address that looks like a file.
		{"path confusion, cookie", "GET /account/x.css HTTP/1.1\r\n" + host + "Cookie: victim\r\n", "GET /account/x.css HTTP/1.1\r\n" + host, "victim"},
		{"path confusion, authorization", "GET /account/x.css HTTP/1.1\r\n" + host + "Authorization: victim\r\n", "GET /account/x.css HTTP/1.1\r\n" + host, "victim"},
		{"a semicolon", "GET /account;x.css HTTP/1.1\r\n" + host + "Cookie: victim\r\n", "GET /account;x.css HTTP/1.1\r\n" + host, "victim"},
		{"an encoded slash, up", "GET /static%2f..%2faccount HTTP/1.1\r\n" + host + "Cookie: victim\r\n", "GET /static%2f..%2faccount HTTP/1.1\r\n" + host, "victim"},
		{"up", "GET /static/../account HTTP/1.1\r\n" + host + "Cookie: victim\r\n", "GET /static/../account HTTP/1.1\r\n" + host, "victim"},
		{"an encoded dot", "GET /static/%2e%2e/account HTTP/1.1\r\n" + host + "Cookie: victim\r\n", "GET /static/%2e%2e/account HTTP/1.1\r\n" + host, "victim"},
		{"an encoded line feed", "GET /account%0ax.css HTTP/1.1\r\n" + host + "Cookie: victim\r\n", "GET /account%0ax.css HTTP/1.1\r\n" + host, "victim"},
		{"an encoded NUL", "GET /account%00x.css HTTP/1.1\r\n" + host + "Cookie: victim\r\n", "GET /account%00x.css HTTP/1.1\r\n" + host, "victim"},
		{"an encoded question mark", "GET /account%3fx.css HTTP/1.1\r\n" + host + "Cookie: victim\r\n", "GET /account%3fx.css HTTP/1.1\r\n" + host, "victim"},
		{"an encoded number sign", "GET /account%23x.css HTTP/1.1\r\n" + host + "Cookie: victim\r\n", "GET /account%23x.css HTTP/1.1\r\n" + host, "victim"},
		{"HEAD", "HEAD /account/x.css HTTP/1.1\r\n" + host + "Cookie: victim\r\n", "GET /account/x.css HTTP/1.1\r\n" + host, "victim"},
		{"a range", "GET /account/x.css HTTP/1.1\r\n" + host + "Cookie: victim\r\nRange: bytes=0-\r\n", "GET /account/x.css HTTP/1.1\r\n" + host, "victim"},
		{"the page itself", "GET /account HTTP/1.1\r\n" + host + "Cookie: victim\r\n", "GET /account HTTP/1.1\r\n" + host, "victim"},

		// Splitting: what a client sends comes back in a field.
		{"a folded field from the origin", "GET /split?echo=a%0aSet-Cookie:evil HTTP/1.1\r\n" + host, "GET /split HTTP/1.1\r\n" + host, "evil"},
		{"two requests in one", "GET /p HTTP/1.1\r\n" + host + "X: a\r\n\r\nGET /p?callback=evil HTTP/1.1\r\n" + host, "", "evil"},
		{"a body that looks like a request", "POST /x HTTP/1.1\r\n" + host + "Content-Length: 41\r\n\r\nGET /p?callback=evil HTTP/1.1\r\nHost: e\r\n\r\n", "", "evil"},
		{"both lengths: refused", "POST /x HTTP/1.1\r\n" + host + "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /p?callback=evil HTTP/1.1\r\n" + host, "", "evil"},
	} {
		t.Run(c.what, func(t *testing.T) {
			s := newStack(t, cache.Options{}, proxy.Options{Host: proxy.HostClient}, reflecting)
			if c.second == "" {
				c.second = "GET /p HTTP/1.1\r\n" + host
			}
			for range 2 {
				s.send(c.first + "Connection: close\r\n\r\n")
			}
			for range 2 {
				r := s.send(c.second + "Connection: close\r\n\r\n")
				if text := fmt.Sprint(r.header, r.body); strings.Contains(text, c.never) {
					t.Errorf("%d %s", r.status, text)
				}
				if c.second == "GET /p HTTP/1.1\r\n"+host && (r.status != 200 || !strings.Contains(r.body, "host=example.org")) && !strings.Contains(c.what, "capitals") {
					t.Errorf("the innocent got %d %q", r.status, r.body)
				}
			}
		})
	}
}

// TestCookies: what is set for one client, or made for it, is for no other.
func TestCookies(t *testing.T) {
	for _, control := range []string{"max-age=100", "public, max-age=100", "s-maxage=100", "max-age=100, must-revalidate", ""} {
		n := 0
		s := newStack(t, cache.Options{}, proxy.Options{}, func(c net.Conn, r *http.Request) bool {
			n++
			fmt.Fprintf(c, "HTTP/1.1 200 OK\r\nSet-Cookie: session=%d\r\nCache-Control: %s\r\nLast-Modified: Mon, 01 Jan 2001 00:00:00 GMT\r\nContent-Length: 1\r\n\r\nx", n, control)
			return true
		})
		seen := map[string]bool{}
		for range 3 {
			r := s.get("/")
			if v := r.header.Get("Set-Cookie"); v == "" || seen[v] {
				t.Errorf("%q: %q was given to another, too", control, v)
			}
			seen[r.header.Get("Set-Cookie")] = true
		}
	}
}
