//go:build unix

package cgi_test

import (
	"bytes"
	"crypto/tls"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"freshet/httpd"
)

// TestHTTP2: over TLS, with bodies of known and unknown length, and behind
// net/http alone.
func TestHTTP2(t *testing.T) {
	h := newHandler(t, optionsOf(folder(t, "count", sh(`printf 'Content-Type: text/plain\n\n'`, `echo "$HTTPS $SERVER_PROTOCOL $CONTENT_LENGTH $(wc -c)"`))))
	std := httptest.NewUnstartedServer(h)
	std.Config.ErrorLog = log.New(io.Discard, "", 0)
	std.StartTLS()
	defer std.Close()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	srv := &httpd.Server{Handler: h, ErrorLog: log.New(io.Discard, "", 0), TLSConfig: &tls.Config{Certificates: std.TLS.Certificates}}
	var done sync.WaitGroup
	done.Go(func() { srv.ServeTLS(l, "", "") })
	tr := &http.Transport{ForceAttemptHTTP2: true, TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}
	defer func() { tr.CloseIdleConnections(); srv.Close(); done.Wait() }()
	for _, tt := range []struct{ url, proto string }{{"https://" + l.Addr().String(), "HTTP/2.0"}, {std.URL, "HTTP/1.1"}} {
		for _, size := range []int{0, 10, 1 << 20} {
			for _, known := range []bool{true, false} {
				var body io.Reader = bytes.NewReader(make([]byte, size))
				if !known {
					body = io.MultiReader(body)
				}
				resp, err := (&http.Client{Transport: tr}).Post(tt.url+"/count", "text/plain", body)
				must(t, err)
				b, err := io.ReadAll(resp.Body)
				resp.Body.Close()
				fields := strings.Fields(string(b))
				if err != nil || len(fields) < 3 || fields[0] != "on" || fields[1] != tt.proto || fields[len(fields)-1] != itoa(size) || size > 0 && fields[2] != itoa(size) {
					t.Errorf("%s, %d octets, length known %v: %q %v", tt.proto, size, known, b, err)
				}
			}
		}
	}
}
