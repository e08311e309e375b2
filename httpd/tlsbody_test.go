package httpd_test

import (
	"bytes"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"freshet/httpd"
	"freshet/internal/wiretest"
)

// countedWrites counts the writes to all connections of a listener.
type countedWrites struct {
	net.Listener
	n *atomic.Int64
}

func (l countedWrites) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	return countedConn{c, l.n}, err
}

type countedConn struct {
	net.Conn
	n *atomic.Int64
}

func (c countedConn) Write(p []byte) (int, error) {
	c.n.Add(1)
	return c.Conn.Write(p)
}

// Long bodies over TLS are written some 64 KiB at a time, not a record at a time,
// also while crypto/tls begins with small records.
func TestTLSWritesTogether(t *testing.T) {
	dir := t.TempDir()
	certFile, keyFile := wiretest.WriteKeyPair(t, dir, "a")
	f, err := os.Create(filepath.Join(dir, "f"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	digits := bytes.Repeat([]byte("0123456789"), 20_000)
	f.Write(digits)
	var writes atomic.Int64
	srv := &httpd.Server{Hot: hotPages{f, make(chan struct{}, 100)}, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/plain")
		switch r.URL.Path {
		case "/whole":
			w.Header().Set("Content-Length", "200000")
			w.Write(digits)
		case "/part":
			w.Header().Set("Content-Length", "200000")
			io.Copy(w, io.NewSectionReader(f, 0, 200_000))
		case "/chunks":
			io.Copy(w, bytes.NewReader(digits))
		}
	})}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go srv.ServeTLS(countedWrites{l, &writes}, certFile, keyFile)
	t.Cleanup(func() { srv.Close() })
	for _, tt := range []struct { // with a record a write they are 7 and more than 13
		path string
		body []byte
		most int64 // writes
	}{
		{"/hot", hotBody, 1},
		{"/big", bigBody, 7},
		{"/file", digits[:100_000], 3},
		{"/whole", digits, 6},
		{"/part", digits, 6},
		{"/chunks", digits, 6},
	} {
		t.Run(strings.TrimPrefix(tt.path, "/"), func(t *testing.T) {
			c := dialTLS(t, l.Addr().String())
			for range 5 {
				before := writes.Load()
				io.WriteString(c, "GET "+tt.path+" HTTP/1.1\r\nHost: x\r\n\r\n")
				status, body, err := c.answer()
				if err != nil || status != 200 || body != string(tt.body) {
					t.Fatalf("%d, %d bytes, %v", status, len(body), err)
				}
				if n := writes.Load() - before; n > tt.most {
					t.Errorf("%d writes, want %d at most", n, tt.most)
				}
			}
		})
	}
}

// dialTLS returns a connection whose handshake is over, tickets included.
func dialTLS(t *testing.T, addr string) *client {
	t.Helper()
	c := dial(t, addr)
	c.Conn = tls.Client(c.Conn, &tls.Config{InsecureSkipVerify: true})
	c.br.Reset(c.Conn)
	io.WriteString(c, "GET /hot HTTP/1.1\r\nHost: x\r\n\r\n")
	if status, _, err := c.answer(); status != 200 {
		t.Fatal(status, err)
	}
	return c
}
