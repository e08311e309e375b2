package httpd_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"freshet/httpd"
)

// What each version of HTTP/1 makes of an answer, to the byte.
func TestVersions(t *testing.T) {
	h := func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/hints":
			w.WriteHeader(103)
			io.WriteString(w, "hi")
		case "/missing":
			http.Error(w, "none", 404)
		case "/204":
			w.Header().Set("Content-Length", "5")
			w.WriteHeader(204)
		case "/304":
			w.Header().Set("Content-Length", "5")
			w.WriteHeader(304)
		case "/205":
			w.WriteHeader(205)
		case "/read":
			b, err := io.ReadAll(r.Body)
			fmt.Fprint(w, string(b), err)
		case "/flush":
			io.WriteString(w, "a")
			w.(http.Flusher).Flush()
			io.WriteString(w, "b")
		case "/declared":
			w.Header().Set("Content-Length", "2")
			io.WriteString(w, "hi")
		case "/trailer":
			w.Header().Set("Trailer", "A")
			io.WriteString(w, "hi")
			w.Header().Set("A", "1")
		default:
			io.WriteString(w, "hi")
		}
	}
	const (
		ok    = " 200 OK\r\n"
		plain = "Content-Type: text/plain; charset=utf-8\r\n"
		end   = "Server: freshet\r\n"
		two   = "Content-Length: 2\r\n" + plain + end
		keep  = "Connection: keep-alive\r\n"
		last  = "Connection: close\r\n"
	)
	tests := []struct{ name, raw, want string }{
		{"0.9", "GET /\r\n", "hi"},
		{"0.9 with a bare line feed", "GET /\n", "hi"},
		{"0.9 with a query", "GET /?a=b\r\n", "hi"},
		{"0.9 an error has only its page", "GET /missing\r\n", "none\n"},
		{"0.9 no interim answer", "GET /hints\r\n", "hi"},
		{"0.9 flushed", "GET /flush\r\n", "ab"},
		{"0.9 declared", "GET /declared\r\n", "hi"},
		{"0.9 trailer", "GET /trailer\r\n", "hi"},
		{"0.9 then more", "GET /\r\nGET /\r\n", "hi"},
		{"1.0", "GET / HTTP/1.0\r\n\r\n", "HTTP/1.1" + ok + two + last + "\r\nhi"},
		{"1.0 kept", "GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n", "HTTP/1.1" + ok + two + keep + "\r\nhi"},
		{"1.0 kept needs a length", "GET /flush HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", "HTTP/1.1" + ok + plain + end + last + "\r\nab"},
		{"1.0 kept with a declared length", "GET /declared HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", "HTTP/1.1" + ok + two + keep + "\r\nhi"},
		{"1.0 no interim answer", "GET /hints HTTP/1.0\r\n\r\n", "HTTP/1.1" + ok + two + last + "\r\nhi"},
		{"1.0 no 100 Continue", "POST /read HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\nab", "HTTP/1.1" + ok + "Content-Length: 7\r\n" + plain + end + last + "\r\nab<nil>"},
		{"1.0 304 kept", "GET /304 HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", "HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n" + end + keep + "\r\n"},
		{"1.0 HEAD kept", "HEAD /flush HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", "HTTP/1.1" + ok + plain + end + keep + "\r\n"},
		{"1.1", "GET / HTTP/1.1\r\nHost: x\r\n\r\n", "HTTP/1.1" + ok + two + "\r\nhi"},
		{"1.1 interim answer", "GET /hints HTTP/1.1\r\nHost: x\r\n\r\n", "HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1" + ok + two + "\r\nhi"},
		{"1.1 204 has no length", "GET /204 HTTP/1.1\r\nHost: x\r\n\r\n", "HTTP/1.1 204 No Content\r\n" + end + "\r\n"},
		{"1.1 304 may have one", "GET /304 HTTP/1.1\r\nHost: x\r\n\r\n", "HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n" + end + "\r\n"},
		{"1.1 205 has length 0", "GET /205 HTTP/1.1\r\nHost: x\r\n\r\n", "HTTP/1.1 205 Reset Content\r\nContent-Length: 0\r\n" + end + "\r\n"},
		{"1.1 flushed", "GET /flush HTTP/1.1\r\nHost: x\r\n\r\n", "HTTP/1.1" + ok + plain + end + "Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n1\r\nb\r\n0\r\n\r\n"},
		{"1.1 trailer", "GET /trailer HTTP/1.1\r\nHost: x\r\n\r\n", "HTTP/1.1" + ok + "Trailer: A\r\n" + plain + end + "Transfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\nA: 1\r\n\r\n"},
		{"1.1 HEAD of chunks", "HEAD /flush HTTP/1.1\r\nHost: x\r\n\r\n", "HTTP/1.1" + ok + plain + end + "\r\n"},
		{"1.1 100 Continue", "POST /read HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\nab", "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1" + ok + "Content-Length: 7\r\n" + plain + end + "\r\nab<nil>"},
		{"1.1 100 Continue without a body", "GET /read HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\n\r\n", "HTTP/1.1" + ok + "Content-Length: 5\r\n" + plain + end + "\r\n<nil>"},
		{"1.1 100 Continue that is not read", "POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-Continue\r\nContent-Length: 2\r\n\r\n", "HTTP/1.1" + ok + two + last + "\r\nhi"},
	}
	addr := start(t, &httpd.Server{AllowHTTP09: true, Handler: http.HandlerFunc(h)})
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := strip(talk(t, addr, tt.raw)); got != tt.want {
				t.Errorf("got  %q\nwant %q", got, tt.want)
			}
		})
	}
	strict := start(t, &httpd.Server{Handler: http.HandlerFunc(h)})
	for _, raw := range []string{"GET /\r\n", "GET /\n", "GET\r\n", "POST /\r\n"} {
		if got := talk(t, strict, raw); !strings.HasPrefix(got, "HTTP/1.1 400 ") {
			t.Errorf("0.9 not allowed: %q gets %q", raw, got)
		}
	}
}
