package httpd_test

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"freshet/httpd"
)

// What could be read as two requests by somebody else is refused, and nothing
// behind it is taken for a request. Every script runs with a hot path and
// without, and whole as well as octet by octet.
func TestNoSmuggling(t *testing.T) {
	post := "POST /p HTTP/1.1\r\nHost: x\r\n"
	next := "GET /next HTTP/1.1\r\nHost: x\r\n\r\n"
	tests := []struct {
		name string
		raw  string
		want string // status codes, and the paths that handlers saw
	}{
		{"length and coding", post + "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + next, "400"},
		{"coding and length", post + "Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n" + next, "400"},
		{"length 0 and coding", post + "Content-Length: 0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + next, "400"},
		{"two lengths", post + "Content-Length: 0\r\nContent-Length: 5\r\n\r\nhello" + next, "400"},
		{"a list of lengths", post + "Content-Length: 0, 5\r\n\r\nhello" + next, "400"},
		{"the same length twice", post + "Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello" + next, "200 /p 200 /next"},
		{"length with a sign", post + "Content-Length: +5\r\n\r\nhello" + next, "400"},
		{"length in hex", post + "Content-Length: 0x5\r\n\r\nhello" + next, "400"},
		{"length empty", post + "Content-Length:\r\n\r\n" + next, "400"},
		{"length negative", post + "Content-Length: -1\r\n\r\n" + next, "400"},
		{"length too large to count", post + "Content-Length: 18446744073709551621\r\n\r\nhello" + next, "400"},
		{"length with an underscore", post + "Content-Length: 1_0\r\n\r\n0123456789" + next, "400"},
		{"space before the colon", post + "Content-Length : 5\r\n\r\nhello" + next, "400"},
		{"coding behind a tab", post + "Transfer-Encoding\t: chunked\r\n\r\n0\r\n\r\n" + next, "400"},
		{"coding behind a vertical tab", post + "Transfer-Encoding: \vchunked\r\n\r\n0\r\n\r\n" + next, "400"},
		{"coding folded", post + "Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n" + next, "400"},
		{"coding twice", post + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + next, "400"},
		{"coding and identity", post + "Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n" + next, "400"},
		{"another coding", post + "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n" + next, "501"},
		{"an unknown coding", post + "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n" + next, "501"},
		{"coding in quotes", post + "Transfer-Encoding: \"chunked\"\r\n\r\n0\r\n\r\n" + next, "400"},
		{"coding in HTTP/1.0", "POST /p HTTP/1.0\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + next, "400"},
		{"coding in capitals", post + "Transfer-Encoding: CHUNKED\r\n\r\n0\r\n\r\n" + next, "200 /p 200 /next"},
		{"bare line feeds", "GET /p HTTP/1.1\nHost: x\n\n" + next, "400"},
		{"bare carriage return in a value", "GET /p HTTP/1.1\r\nHost: x\r\nA: b\rContent-Length: 5\r\n\r\nhello" + next, "400"},
		{"NUL in a value", "GET /p HTTP/1.1\r\nHost: x\r\nA: b\x00\r\n\r\n" + next, "400"},
		{"two hosts", "GET /p HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n" + next, "400"},
		{"a GET with a body", "GET /p HTTP/1.1\r\nHost: x\r\nContent-Length: " + fmt.Sprint(len(next)) + "\r\n\r\n" + next + next, "200 /p 200 /next"},
		{"a body unread by a hot path", "GET /hot HTTP/1.1\r\nHost: x\r\nContent-Length: " + fmt.Sprint(len(next)) + "\r\n\r\n" + next + next, "200 /hot 200 /next"},
		{"a chunked body unread by a hot path", "GET /hot HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nGET\r\n0\r\n\r\n" + next, "200 /hot 200 /next"},
		{"chunk size with a space", post + "Transfer-Encoding: chunked\r\n\r\n5 \r\nhello\r\n0\r\n\r\n" + next, "400"},
		{"chunk size in 0x", post + "Transfer-Encoding: chunked\r\n\r\n0x5\r\nhello\r\n0\r\n\r\n" + next, "400"},
		{"chunk size too large", post + "Transfer-Encoding: chunked\r\n\r\n10000000000000005\r\nhello\r\n0\r\n\r\n" + next, "400"},
		{"chunk size negative", post + "Transfer-Encoding: chunked\r\n\r\n-5\r\nhello\r\n0\r\n\r\n" + next, "400"},
		{"chunk line with a bare line feed", post + "Transfer-Encoding: chunked\r\n\r\n5\nhello\r\n0\r\n\r\n" + next, "400"},
		{"chunk ends in a bare line feed", post + "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\n0\r\n\r\n" + next, "400"},
		{"chunk longer than said", post + "Transfer-Encoding: chunked\r\n\r\n3\r\nhello\r\n0\r\n\r\n" + next, "400"},
		{"line feed in an extension", post + "Transfer-Encoding: chunked\r\n\r\n5;a\nb=c\r\nhello\r\n0\r\n\r\n" + next, "400"},
		{"extension without a name", post + "Transfer-Encoding: chunked\r\n\r\n5;\r\nhello\r\n0\r\n\r\n" + next, "400"},
		{"extension", post + "Transfer-Encoding: chunked\r\n\r\n5;a=\"b;c\"\r\nhello\r\n0\r\n\r\n" + next, "200 /p 200 /next"},
		{"framing in a trailer", post + "Transfer-Encoding: chunked\r\n\r\n0\r\nContent-Length: 5\r\n\r\nhello" + next, "400"},
		{"bare line feed ends a trailer", post + "Transfer-Encoding: chunked\r\n\r\n0\r\nA: b\n\r\n" + next, "400"},
		{"bare line feed ends the body", post + "Transfer-Encoding: chunked\r\n\r\n0\r\n\n" + next, "400"},
		{"trailer", post + "Transfer-Encoding: chunked\r\n\r\n0\r\nA: b\r\n\r\n" + next, "200 /p 200 /next"},
		{"one empty line before a request", "\r\n" + next, "200 /next"},
		{"space before the request line", " " + next, "400"},
		{"version 2.0", "GET /p HTTP/2.0\r\nHost: x\r\n\r\n" + next, "505"},
		{"the preface of HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + next, "505"},
		{"version 1.2", "GET /p HTTP/1.2\r\nHost: x\r\n\r\n" + next, "200 /p 200 /next"},
		{"version with a leading zero", "GET /p HTTP/01.1\r\nHost: x\r\n\r\n" + next, "400"},
		{"no version", "GET /p\r\n" + next, "400"},
		{"two spaces", "GET  /p HTTP/1.1\r\nHost: x\r\n\r\n" + next, "400"},
		{"tab for a space", "GET\t/p HTTP/1.1\r\nHost: x\r\n\r\n" + next, "400"},
		{"expectation", post + "Expect: 200-ok\r\nContent-Length: 5\r\n\r\nhello" + next, "417"},
		{"close in a list", "GET /p HTTP/1.1\r\nHost: x\r\nConnection: keep-alive, Close\r\n\r\n" + next, "200 /p"},
		{"close on a second line", "GET /p HTTP/1.1\r\nHost: x\r\nConnection: keep-alive\r\nConnection: close\r\n\r\n" + next, "200 /p"},
		{"HTTP/1.0 closes", "GET /p HTTP/1.0\r\n\r\n" + next, "200 /p"},
		{"upgrade that nobody takes", "GET /p HTTP/1.1\r\nHost: x\r\nConnection: upgrade\r\nUpgrade: h2c\r\n\r\n" + next, "200 /p 200 /next"},
	}
	for _, hot := range []bool{false, true} {
		srv := &httpd.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if _, err := io.Copy(io.Discard, r.Body); err != nil {
				return // the engine's own page follows
			}
			io.WriteString(w, r.URL.Path)
		})}
		if hot {
			srv.Hot = pathHot{}
		}
		addr := start(t, srv)
		for _, tt := range tests {
			for _, whole := range []bool{true, false} {
				t.Run(fmt.Sprintf("%s hot=%v whole=%v", tt.name, hot, whole), func(t *testing.T) {
					if got := outline(t, addr, tt.raw, whole); got != tt.want {
						t.Errorf("got %q, want %q", got, tt.want)
					}
				})
			}
		}
	}
}

// pathHot answers what the handler of TestNoSmuggling answers.
type pathHot struct{}

func (pathHot) ServeHot(q *httpd.Head, a *httpd.Answer) bool {
	if q.Path != "/hot" && q.Path != "/next" {
		return false
	}
	a.Status = 200
	a.Head = fmt.Appendf(a.Scratch, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n", len(q.Path))
	a.Body = []byte(strings.Clone(q.Path))
	return true
}

// outline sends raw, whole or in pieces of one octet, and returns the statuses
// of the answers and the bodies of those that are 200.
func outline(t *testing.T, addr, raw string, whole bool) string {
	t.Helper()
	c := dial(t, addr)
	c.Conn.(*net.TCPConn).SetNoDelay(true)
	sent := make(chan struct{})
	go func() {
		defer close(sent)
		if whole {
			io.WriteString(c, raw)
		} else {
			for i := range len(raw) {
				if _, err := c.Write([]byte{raw[i]}); err != nil {
					break
				}
			}
		}
		c.Conn.(*net.TCPConn).CloseWrite()
	}()
	defer func() { <-sent }()
	var got []string
	for {
		status, body, err := c.answer()
		if err != nil {
			return strings.Join(got, " ")
		}
		got = append(got, fmt.Sprint(status))
		if status == 200 {
			got = append(got, body)
		}
	}
}
