package fastcgi_test

import (
	"bufio"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"freshet/fastcgi"
	"freshet/httpd"
)

// The hot path and the other one give a backend the same parameters, and the
// client the same octets, whatever the request looks like.
func TestHotRequestsAreTheSame(t *testing.T) {
	const line = "GET /p/a%20b/%7Ec?b=c%7e HTTP/1.1\r\nHost: example.com\r\n"
	heads := []string{
		"GET /p/a?b=c HTTP/1.1\r\nHost: example.com\r\n",
		line,
		"GET /p/%61?b=c HTTP/1.1\r\nHost: example.com\r\n",
		"GET /p/%c3%a4 HTTP/1.1\r\nHost: example.com\r\n",
		"GET /p/a%2Fb HTTP/1.1\r\nHost: example.com\r\n",
		"GET /p/a? HTTP/1.1\r\nHost: example.com\r\n",
		"GET /p//a/./b/../c HTTP/1.1\r\nHost: example.com\r\n",
		"GET /p/a|b HTTP/1.1\r\nHost: example.com\r\n",
		"GET http://example.com/p/a?b=c HTTP/1.1\r\nHost: example.com\r\n",
		"GET http://example.com/p/%7Ea HTTP/1.1\r\nHost: example.com\r\n",
		"GET /p/a?b=c HTTP/1.0\r\nHost: example.com\r\nConnection: keep-alive\r\n",
		"GET /p/a?b=c HTTP/1.1\r\nHost: EXAMPLE.com:80\r\n",
		line + "X-Forwarded-For: 1.2.3.4\r\nX-Forwarded-Proto: https\r\nForwarded: for=1.2.3.4\r\n",
		line + "Proxy: x\r\nX_Under: y\r\nx-twice: a\r\nX-Twice: b\r\n",
		line + "Range: bytes=0-1\r\n",
		line + "If-None-Match: \"x\"\r\n",
		line + "If-Match: \"x\"\r\n",
		line + "Authorization: Basic YTpi\r\n",
		line + "Cache-Control: no-cache\r\n",
		line + "Pragma: no-cache\r\n",
		line + "Content-Length: 0\r\nContent-Type: a/b\r\n",
		line + "Connection: close\r\n",
		line + "Connection: X-Hop\r\nX-Hop: 1\r\nTE: trailers\r\n",
		line + "Accept-Encoding: gzip\r\nAccept: */*\r\n",
		line + strings.Repeat("X-Long: "+strings.Repeat("x", 500)+"\r\n", 12),
	}
	for i, head := range heads {
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			t.Parallel()
			if without, with := thrice(t, false, head), thrice(t, true, head); without != with {
				t.Errorf("%q\nwithout the hot path:\n%s\nwith it:\n%s", head, without, with)
			}
		})
	}
}

// thrice sends a request three times, on one connection while that goes on, and
// tells all that is seen of it.
func thrice(t *testing.T, hot bool, head string) string {
	var mu sync.Mutex
	var b strings.Builder
	address := fake(t, "unix", func(s *session) {
		for {
			q, err := s.request()
			if err != nil {
				return
			}
			delete(q.vars, "REMOTE_PORT")
			delete(q.vars, "SERVER_PORT")
			delete(q.vars, "UNIQUE_ID")
			mu.Lock()
			for _, name := range slices.Sorted(maps.Keys(q.vars)) {
				fmt.Fprintf(&b, "%s=%q ", name, q.vars[name])
			}
			mu.Unlock()
			io.WriteString(s, stdout("Content-Type: a/b\r\n\r\nhello")+end(0, 0))
		}
	})
	recs := &records{got: make(chan httpd.Record, 16)}
	addr := front(t, newHandler(t, fastcgi.Options{Address: address, ErrorLog: quiet}), hot, recs)
	var nc net.Conn
	for range 3 {
		if nc == nil {
			var err error
			if nc, err = net.Dial("tcp", addr); err != nil {
				t.Fatal(err)
			}
		}
		nc.SetDeadline(time.Now().Add(patience))
		io.WriteString(nc, head+"\r\n")
		var raw strings.Builder
		resp, err := http.ReadResponse(bufio.NewReader(io.TeeReader(oneByOne{nc}, &raw)), nil)
		if err != nil {
			t.Fatal(err)
		}
		io.Copy(io.Discard, resp.Body)
		r := recs.next(t)
		mu.Lock()
		fmt.Fprintf(&b, "\n%s\n%d %v %v %d %v %s %s %s\n", changing.ReplaceAllString(raw.String(), ""), r.Status, r.Rule, r.Verdict, r.Bytes, r.User, r.Method, r.Target, r.Host)
		mu.Unlock()
		if resp.Close {
			nc.Close()
			nc = nil
		}
	}
	if nc != nil {
		nc.Close()
	}
	mu.Lock()
	defer mu.Unlock()
	return b.String()
}
