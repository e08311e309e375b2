package proxy_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"freshet/proxy"
)

// Trailers of answers pass, announced or not.
func TestAnswerTrailers(t *testing.T) {
	for name, announce := range map[string]string{"announced": "Trailer: X-Sum\r\n", "not announced": ""} {
		t.Run(name, func(t *testing.T) {
			url := script(t, answers("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n"+announce+"\r\n2\r\nok\r\n0\r\nX-Sum: 42\r\n\r\n"))
			h := newProxy(t, proxy.Options{Origins: []string{url}})
			eachFront(t, h, func(t *testing.T, url string, client *http.Client) {
				resp, err := client.Get(url)
				if err != nil {
					t.Fatal(err)
				}
				defer resp.Body.Close()
				b, err := io.ReadAll(resp.Body)
				if string(b) != "ok" || err != nil || resp.Trailer.Get("X-Sum") != "42" {
					t.Errorf("%q, %v, trailers %v", b, err, resp.Trailer)
				}
			})
		})
	}
}

// Trailers of requests pass, announced or not; what frames a message does not.
func TestRequestTrailers(t *testing.T) {
	got := make(chan http.Header, 1)
	origin := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		got <- r.Trailer
	}))
	defer origin.Close()
	addr, _ := serve(t, newProxy(t, proxy.Options{Origins: []string{origin.URL}}))
	for _, announce := range []string{"Trailer: X-Sum\r\n", ""} {
		talk(t, addr, "POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n"+announce+
			"\r\n3\r\nabc\r\n0\r\nX-Sum: 42\r\nForwarded: for=6.6.6.6\r\nCookie: a=b\r\n\r\n")
		if tr := receive(t, got); tr.Get("X-Sum") != "42" || len(tr) != 1 {
			t.Errorf("%q: %v", announce, tr)
		}
	}
}

// An HTTP/1.0 client gets the body without them.
func TestTrailersToOldClient(t *testing.T) {
	url := script(t, answers("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n2\r\nok\r\n0\r\nX-Sum: 42\r\n\r\n"))
	addr, _ := serve(t, newProxy(t, proxy.Options{Origins: []string{url}}))
	if got := talk(t, addr, "GET / HTTP/1.0\r\n\r\n"); !strings.HasSuffix(got, "\r\n\r\nok") || strings.Contains(got, "X-Sum") {
		t.Errorf("%q", got)
	}
}
