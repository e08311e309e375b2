package proxy_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"freshet/internal/wiretest"
	"freshet/proxy"
)

// A forward proxy asks the server that the request names, says so in Via, and
// tells nothing of the client.
func TestForward(t *testing.T) {
	var got http.Header
	origin := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got = r.Header.Clone()
		io.WriteString(w, "hello from "+r.Host+r.URL.RequestURI())
	}))
	defer origin.Close()
	h := newProxy(t, proxy.Options{Forward: true, Name: "here"})
	addr, _ := serve(t, h)
	c, br := dial(t, addr)
	host := strings.TrimPrefix(origin.URL, "http://")
	io.WriteString(c, "GET "+origin.URL+"/a%2Fb?c HTTP/1.1\r\nHost: "+host+"\r\nX-Forwarded-For: 192.0.2.1\r\nConnection: close\r\n\r\n")
	resp, err := http.ReadResponse(br, nil)
	if err != nil {
		t.Fatal(err)
	}
	body, _ := io.ReadAll(resp.Body)
	if want := "hello from " + host + "/a%2Fb?c"; string(body) != want {
		t.Errorf("body %q, want %q", body, want)
	}
	if via := got.Get("Via"); via != "1.1 here" {
		t.Errorf("Via %q", via)
	}
	for _, name := range []string{"Forwarded", "X-Forwarded-Host", "X-Forwarded-Proto", "Cdn-Loop"} {
		if got.Get(name) != "" {
			t.Errorf("the server got %s: %s", name, got.Get(name))
		}
	}
	if v := got.Get("X-Forwarded-For"); v != "192.0.2.1" {
		t.Errorf("X-Forwarded-For %q, want what the client sent, no more", v)
	}
}

// A server that cannot be reached is a 502, however often: no server is left
// alone for what happened to another request.
func TestForwardRefused(t *testing.T) {
	host := wiretest.Reserve(t)
	addr, _ := serve(t, newProxy(t, proxy.Options{Forward: true}))
	for range 5 {
		c, br := dial(t, addr)
		io.WriteString(c, "GET http://"+host+"/ HTTP/1.1\r\nHost: "+host+"\r\n\r\n")
		resp, err := http.ReadResponse(br, nil)
		if err != nil {
			t.Fatal(err)
		}
		if ps := resp.Header.Get("Proxy-Status"); resp.StatusCode != 502 || ps != "freshet; error=connection_refused" {
			t.Errorf("got %s, Proxy-Status %q", resp.Status, ps)
		}
	}
}
