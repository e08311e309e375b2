package httpd_test

import (
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"testing"

	"freshet/httpd"
	"freshet/internal/wiretest"
)

type connKey struct{}

// A connection whose handshake was done before it was accepted is served by the
// protocol that was agreed on, with what its ConnContext adds, and is closed.
func TestServeTLSConn(t *testing.T) {
	certFile, keyFile := wiretest.WriteKeyPair(t, t.TempDir(), "a")
	pair, err := tls.LoadX509KeyPair(certFile, keyFile)
	if err != nil {
		t.Fatal(err)
	}
	for _, proto := range []string{"http/1.1", "h2"} {
		for _, done := range []bool{true, false} {
			t.Run(proto, func(t *testing.T) {
				l, err := net.Listen("tcp", "127.0.0.1:0")
				if err != nil {
					t.Fatal(err)
				}
				config := &tls.Config{Certificates: []tls.Certificate{pair}, NextProtos: []string{proto}}
				srv := &httpd.Server{
					ConnContext: func(ctx context.Context, nc net.Conn) context.Context {
						return context.WithValue(ctx, connKey{}, nc.(*tls.Conn))
					},
					Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
						if r.TLS == nil || r.TLS.NegotiatedProtocol != proto || r.Context().Value(connKey{}) == nil {
							t.Errorf("TLS %v, connection %v", r.TLS, r.Context().Value(connKey{}))
						}
						io.WriteString(w, r.Proto+" "+r.RemoteAddr)
					}),
				}
				ended := make(chan struct{})
				go func() { defer close(ended); srv.Serve(&shaken{l, config, done}) }()
				defer func() { srv.Close(); <-ended }()
				nc, err := tls.Dial("tcp", l.Addr().String(), &tls.Config{InsecureSkipVerify: true, NextProtos: []string{proto}})
				if err != nil {
					t.Fatal(err)
				}
				tr := &http.Transport{ForceAttemptHTTP2: true, DialTLSContext: func(context.Context, string, string) (net.Conn, error) { return nc, nil }}
				defer tr.CloseIdleConnections()
				resp, err := (&http.Client{Transport: tr}).Get("https://" + l.Addr().String() + "/")
				if err != nil {
					t.Fatal(err)
				}
				body, _ := io.ReadAll(resp.Body)
				resp.Body.Close()
				want := map[string]string{"h2": "HTTP/2.0 ", "http/1.1": "HTTP/1.1 "}[proto] + nc.LocalAddr().String()
				if string(body) != want {
					t.Errorf("got %q, want %q", body, want)
				}
			})
		}
	}
}

// shaken is a listener whose connections are of TLS, with the handshake done or
// not.
type shaken struct {
	net.Listener
	config *tls.Config
	done   bool
}

func (l *shaken) Accept() (net.Conn, error) {
	nc, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	tc := tls.Server(nc, l.config)
	if l.done {
		if err := tc.Handshake(); err != nil {
			return nil, err
		}
	}
	return tc, nil
}
