package httpd_test

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"freshet/httpd"
	"freshet/internal/rule"
	"freshet/internal/wiretest"
)

func startTLS(t testing.TB, srv *httpd.Server, certFile, keyFile string) (addr string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- srv.ServeTLS(l, certFile, keyFile) }()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := srv.Shutdown(ctx); err != nil {
			t.Errorf("shutdown: %v", err)
		}
		if err := <-served; err != httpd.ErrServerClosed {
			t.Errorf("ServeTLS returned %v", err)
		}
	})
	return l.Addr().String()
}

func tlsClient(protocol string) *http.Client {
	return &http.Client{Transport: &http.Transport{
		TLSClientConfig:   &tls.Config{InsecureSkipVerify: true},
		ForceAttemptHTTP2: protocol == "HTTP/2.0",
	}}
}

func TestTLS(t *testing.T) {
	certFile, keyFile := wiretest.WriteKeyPair(t, t.TempDir(), "a")
	for _, proto := range []string{"HTTP/1.1", "HTTP/2.0"} {
		t.Run(proto, func(t *testing.T) {
			sink := newRecords()
			srv := &httpd.Server{Sink: sink, MaxBodyBytes: 10, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				b, err := io.ReadAll(r.Body)
				if err != nil {
					httpd.Error(w, r, 413, "")
					return
				}
				_, isOurs := r.Context().Value(httpd.ServerContextKey).(*httpd.Server)
				fmt.Fprint(w, r.Proto, string(b), r.TLS != nil, isOurs)
			})}
			addr := startTLS(t, srv, certFile, keyFile)
			client := tlsClient(proto)
			defer client.CloseIdleConnections()
			for i, tt := range []struct {
				body   string
				status int
				want   string
			}{{"", 200, proto + "true true"}, {"five", 200, proto + "fivetrue true"}, {strings.Repeat("x", 11), 413, ""}} {
				resp, err := client.Post("https://"+addr+"/p", "text/plain", strings.NewReader(tt.body))
				if err != nil {
					t.Fatal(err)
				}
				b, _ := io.ReadAll(resp.Body)
				resp.Body.Close()
				if resp.StatusCode != tt.status || tt.want != "" && string(b) != tt.want {
					t.Errorf("%d %q", resp.StatusCode, b)
				}
				if resp.Header.Get("Server") != "freshet" || resp.Header.Get("Date") == "" {
					t.Errorf("fields %v", resp.Header)
				}
				r := sink.wait(t, i)
				if r.Status != tt.status || r.Target != "/p" || r.Proto != proto || tt.status == 200 && r.Bytes != int64(len(b)) {
					t.Errorf("record %+v", r)
				}
			}
		})
	}
}

// What HTTP/1 refuses is refused in HTTP/2 too, before any handler.
func TestHTTP2PassesOurValidators(t *testing.T) {
	certFile, keyFile := wiretest.WriteKeyPair(t, t.TempDir(), "a")
	sink := newRecords()
	addr := startTLS(t, &httpd.Server{Sink: sink, Handler: http.HandlerFunc(hello)}, certFile, keyFile)
	client := tlsClient("HTTP/2.0")
	defer client.CloseIdleConnections()
	for i, host := range []string{"a:b", "[::1", "x:1:2", "h%zz"} {
		req, err := http.NewRequest("GET", "https://"+addr+"/", nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Host = host
		resp, err := client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != 400 {
			t.Errorf("host %q: %d", host, resp.StatusCode)
		}
		if r := sink.wait(t, i); r.Rule != rule.HostInvalid {
			t.Errorf("host %q: rule %v", host, r.Rule)
		}
	}
}

func TestCertificateFollowsItsFiles(t *testing.T) {
	dir := t.TempDir()
	certFile, keyFile := wiretest.WriteKeyPair(t, dir, "old")
	addr := startTLS(t, &httpd.Server{Handler: http.HandlerFunc(hello)}, certFile, keyFile)
	name := func() string {
		c, err := tls.Dial("tcp", addr, &tls.Config{InsecureSkipVerify: true})
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		return c.ConnectionState().PeerCertificates[0].Subject.CommonName
	}
	if got := name(); got != "old" {
		t.Fatalf("served %q", got)
	}
	wiretest.WriteKeyPair(t, dir, "renewed")
	for deadline := time.Now().Add(patience); name() != "renewed"; {
		if time.Now().After(deadline) {
			t.Fatal("the new certificate is not served")
		}
	}
}

func TestPlainRequestToTLSPort(t *testing.T) {
	certFile, keyFile := wiretest.WriteKeyPair(t, t.TempDir(), "a")
	addr := startTLS(t, &httpd.Server{Handler: http.HandlerFunc(hello)}, certFile, keyFile)
	if got := talk(t, addr, get); !strings.HasPrefix(got, "HTTP/1.1 400 ") || !strings.Contains(got, "https") {
		t.Errorf("got %q", got)
	}
}

func TestNoCertificate(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if err := new(httpd.Server).ServeTLS(l, "", ""); err == nil || !strings.Contains(err.Error(), "certificate") {
		t.Errorf("ServeTLS without a certificate: %v", err)
	}
}

// TestNothingAfterAChallenge: a handshake that proves a name to an authority is
// all of its connection (RFC 8737 §3).
func TestNothingAfterAChallenge(t *testing.T) {
	certFile, keyFile := wiretest.WriteKeyPair(t, t.TempDir(), "a")
	addr := startTLS(t, &httpd.Server{
		TLSConfig: &tls.Config{NextProtos: []string{"h2", "http/1.1", "acme-tls/1"}},
		Handler:   http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("a request was answered") }),
	}, certFile, keyFile)
	c, err := tls.Dial("tcp", addr, &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"acme-tls/1"}})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(patience))
	_, _ = io.WriteString(c, "GET / HTTP/1.1\r\nHost: a\r\n\r\n")
	if got, _ := io.ReadAll(c); len(got) > 0 || c.ConnectionState().NegotiatedProtocol != "acme-tls/1" {
		t.Errorf("%q came", got)
	}
}
