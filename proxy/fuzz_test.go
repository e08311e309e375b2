package proxy_test

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"freshet/proxy"
)

// Whatever a request has in it, the origin reads one request, with the same
// method, query and field, or none.
func FuzzOneRequestIsOne(f *testing.F) {
	f.Add("GET", "/", "a=b", "example.com", "X-A", "1", "", "")
	f.Add("POST", "/a b\r\nc", "", "x:80", "Connection", "X-A, upgrade", "h2c, websocket", "body")
	f.Add("GET", "/%2e%2e/x", "a HTTP/1.1\r\nX: y", "[::1]", "Via", "1.1 a, 1.0 b (c, d)", "", "")
	f.Add("OPTIONS", "*", "", "x", "X-Forwarded-For", "1.2.3.4,\"", "x", "")
	f.Add("PUT", "//x/..;a/", "?", "x", "Content-Length", "3", "", "abc\r\n\r\nGET / HTTP/1.1\r\n\r\n")
	f.Add("GET", "/", "", "x", "Transfer-Encoding", "chunked", "", "0\r\n\r\nGET /second HTTP/1.1\r\nHost: x\r\n\r\n")
	f.Add("HEAD", "/", "", "x", "Te", "trailers, \x00", "", "")

	got := make(chan *http.Request, 64)
	origin := script(f, func(c net.Conn, br *bufio.Reader) {
		for {
			r, err := http.ReadRequest(br)
			if err != nil {
				if err != io.EOF && !strings.Contains(err.Error(), "closed") && !strings.Contains(err.Error(), "reset") {
					got <- &http.Request{Method: "unreadable: " + err.Error()}
				}
				return
			}
			b, _ := io.ReadAll(r.Body)
			r.Body = io.NopCloser(strings.NewReader(string(b)))
			got <- r
			io.WriteString(c, "HTTP/1.1 204 No Content\r\n\r\n")
		}
	})
	h := newProxy(f, proxy.Options{Origins: []string{origin}, Host: proxy.HostClient, MaxFails: -1})
	f.Fuzz(func(t *testing.T, method, path, query, host, name, value, upgrade, body string) {
		if method == http.MethodConnect {
			return
		}
		r := httptest.NewRequest("GET", "/", strings.NewReader(body))
		r.Method, r.Host, r.URL = method, host, &url.URL{Path: path, RawQuery: query}
		r.Header[name] = []string{value}
		if upgrade != "" {
			r.Header["Upgrade"] = []string{upgrade}
		}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code != http.StatusNoContent {
			if len(got) > 0 {
				t.Errorf("answered %d, and the origin got %+v", w.Code, <-got)
			}
			return
		}
		at := <-got
		b, _ := io.ReadAll(at.Body)
		if at.Method != method || at.URL.RawQuery != query && path != "*" || string(b) != body || len(got) > 0 {
			t.Errorf("the origin got %+v with %q, and %d more", at, b, len(got))
		}
		if path == "" {
			path = "/" // RFC 9112 §3.2.1
		}
		if path != "*" && at.URL.Path != path && !strings.HasPrefix(path, "//") {
			t.Errorf("path %q arrived as %q", path, at.URL.Path)
		}
		if up := at.Header.Get("Upgrade"); up != "" && strings.Contains(strings.ToLower(up), "h2c") {
			t.Errorf("Upgrade: %s", up)
		}
	})
}

// Reading what proxies wrote before never panics, and finds the name that it
// was asked for.
func FuzzForwardedFields(f *testing.F) {
	f.Add("1.1 a, 1.0 b (c, \"d), 2 e", "a; b=\"c,d\"", "192.0.2.1, [::1], unknown", "for=a;by=\"", "upgrade, x", "websocket, h2c/1")
	f.Add(",,", ";", ",", "=", ",", "/")
	tr := transport(func(r *http.Request) (*http.Response, error) { return ok() })
	h := newProxy(f, proxy.Options{Origins: []string{"http://a", "http://b"}, Transport: tr, Balance: proxy.HashClient, Trusted: everybody})
	f.Fuzz(func(t *testing.T, via, loop, xff, forwarded, connection, upgrade string) {
		serve := func(via string) int {
			r := httptest.NewRequest("GET", "/", nil)
			for name, v := range map[string]string{"Via": via, "Cdn-Loop": loop, "X-Forwarded-For": xff, "Forwarded": forwarded, "Connection": connection, "Upgrade": upgrade} {
				r.Header[name] = []string{v}
			}
			w := httptest.NewRecorder()
			h.ServeHTTP(w, r)
			return w.Code
		}
		switch code := serve(via); code {
		case 200:
			// A quoted string that does not end takes what follows it.
			if strings.Count(via, `"`) == 0 && serve(via+", 1.1 freshet") != 508 {
				t.Errorf("no loop after %q", via)
			}
		case 400, 508:
		default:
			t.Errorf("%d", code)
		}
	})
}
