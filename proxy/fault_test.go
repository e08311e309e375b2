package proxy_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"freshet/internal/wiretest"
	"freshet/proxy"
)

// deadAddr is an address that refuses connections.
func deadAddr(t testing.TB) string {
	t.Helper()
	return wiretest.Reserve(t)
}

func TestFaults(t *testing.T) {
	raw := func(answer string) string {
		return script(t, func(c net.Conn, br *bufio.Reader) {
			readHead(br)
			io.WriteString(c, answer)
		})
	}
	silent := script(t, func(c net.Conn, br *bufio.Reader) { io.Copy(io.Discard, br) })
	plain := script(t, func(c net.Conn, br *bufio.Reader) { io.WriteString(c, "HTTP/1.1 400 Bad Request\r\n\r\n") })
	dead := deadAddr(t)
	for _, c := range []struct {
		name, origin string
		status       int
		kind, rule   string
	}{
		{"refused", "http://" + dead, 502, "connection_refused", "proxy-refused"},
		{"no socket", "unix:" + filepath.Join(t.TempDir(), "none"), 502, "destination_unavailable", "proxy-unreachable"},
		{"no such name", "http://nowhere.invalid", 502, "dns_error", "proxy-unreachable"},
		{"closed", raw(""), 502, "connection_terminated", "proxy-terminated"},
		{"not TLS", "https" + strings.TrimPrefix(plain, "http"), 502, "tls_protocol_error", "proxy-tls"},
		{"silent", silent, 504, "http_response_timeout", "proxy-head-timeout"},
		{"not HTTP", raw("SSH-2.0-x\r\n\r\n"), 502, "http_protocol_error", ""},
		{"two lengths", raw("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab"), 502, "http_protocol_error", ""},
		{"unasked switch", raw("HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n"), 502, "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			o := proxy.Options{Origins: []string{c.origin}, ShowNextHop: c.name == "refused"}
			if c.name == "silent" {
				o.HeadTimeout = 50 * time.Millisecond
			}
			h := newProxy(t, o)
			addr, recs := serve(t, h)
			got := talk(t, addr, "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
			resp, err := http.ReadResponse(bufio.NewReader(strings.NewReader(got)), nil)
			if err != nil || resp.StatusCode != c.status {
				t.Fatalf("%q, %v", got, err)
			}
			status := resp.Header.Get("Proxy-Status")
			want := "freshet; error=" + c.kind
			if c.name == "refused" {
				want += `; next-hop="` + dead + `"`
			}
			if status != want && c.kind != "" || !strings.HasPrefix(status, "freshet; error=") {
				t.Errorf("Proxy-Status: %s, want %s", status, want)
			}
			if resp.Header.Get("Cache-Control") != "no-store" {
				t.Errorf("Cache-Control: %s", resp.Header.Get("Cache-Control"))
			}
			if r := recs.rule(t); r != c.rule && c.rule != "" {
				t.Errorf("rule %s, want %s", r, c.rule)
			}
		})
	}
}

// The certificate of an origin is checked.
func TestCertificateOfOrigin(t *testing.T) {
	origin := httptest.NewUnstartedServer(http.NotFoundHandler())
	origin.Config.ErrorLog = discardLog
	origin.StartTLS()
	defer origin.Close()
	addr, recs := serve(t, newProxy(t, proxy.Options{Origins: []string{origin.URL}}))
	got := talk(t, addr, "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
	if !strings.HasPrefix(got, "HTTP/1.1 502 ") || !strings.Contains(got, "error=tls_certificate_error") || recs.rule(t) != "proxy-tls" {
		t.Errorf("%q", got)
	}
}

// An origin by TLS, whose certificate is known, in both versions of HTTP.
func TestTLSOrigin(t *testing.T) {
	origin := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, r.Proto) }))
	origin.EnableHTTP2 = true
	origin.StartTLS()
	defer origin.Close()
	roots := x509.NewCertPool()
	roots.AddCert(origin.Certificate())
	for _, h2 := range []bool{false, true} {
		addr, _ := serve(t, newProxy(t, proxy.Options{Origins: []string{origin.URL}, TLS: &tls.Config{RootCAs: roots}, HTTP2: h2}))
		want, via := "HTTP/1.1", "Via: 1.1 freshet"
		if h2 {
			want, via = "HTTP/2.0", "Via: 2 freshet"
		}
		got := talk(t, addr, "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
		if !strings.HasSuffix(got, want) || !strings.Contains(got, via) {
			t.Errorf("%q", got)
		}
	}
}

// stale is a writer in front that answers for an origin that failed.
type stale struct {
	http.ResponseWriter
	err error
}

func (s *stale) OriginFailed(err error) bool {
	s.err = err
	s.ResponseWriter.WriteHeader(200)
	io.WriteString(s.ResponseWriter, "stale")
	return true
}

// wrapped is a writer of some middleware between.
type wrapped struct{ http.ResponseWriter }

func (w wrapped) Unwrap() http.ResponseWriter { return w.ResponseWriter }

func TestFailureHandler(t *testing.T) {
	h := newProxy(t, proxy.Options{Origins: []string{"http://" + deadAddr(t)}})
	for _, wrap := range []bool{false, true} {
		rec := httptest.NewRecorder()
		s := &stale{ResponseWriter: rec}
		var w http.ResponseWriter = s
		if wrap {
			w = wrapped{s}
		}
		h.ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
		var e *proxy.Error
		if rec.Code != 200 || rec.Body.String() != "stale" || !errors.As(s.err, &e) || e.Kind != "connection_refused" || e.Rule.String() != "proxy-refused" {
			t.Errorf("wrapped %v: %d %q %v", wrap, rec.Code, rec.Body, s.err)
		}
	}
	// What the client did wrong is no failure of the origin.
	s := &stale{ResponseWriter: httptest.NewRecorder()}
	r := httptest.NewRequest("GET", "/", nil)
	r.Header.Set("Via", "1.1 freshet")
	h.ServeHTTP(s, r)
	if s.err != nil {
		t.Errorf("asked for a loop: %v", s.err)
	}
}

// Once the head was sent, an answer that breaks off breaks off at the client.
func TestCutAnswers(t *testing.T) {
	for name, c := range map[string]struct{ raw, rule string }{
		"length":  {"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\nabc", "proxy-incomplete"},
		"short":   {"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nabc", "proxy-incomplete"},
		"chunked": {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n", "proxy-incomplete"},
		"chunk":   {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nabc", "proxy-incomplete"},
		"garbage": {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nzz\r\n", "response-chunk"},
	} {
		t.Run(name, func(t *testing.T) {
			url := script(t, func(conn net.Conn, br *bufio.Reader) {
				readHead(br)
				io.WriteString(conn, c.raw)
			})
			h := newProxy(t, proxy.Options{Origins: []string{url}})
			eachFront(t, h, func(t *testing.T, url string, client *http.Client) {
				resp, err := client.Get(url)
				if err != nil {
					return // cut before the head went out
				}
				defer resp.Body.Close()
				if b, err := io.ReadAll(resp.Body); err == nil {
					t.Errorf("a clean end after %q", b)
				}
			})
			addr, recs := serve(t, h)
			got := talk(t, addr, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
			if strings.HasSuffix(got, "0\r\n\r\n") {
				t.Errorf("%q", got)
			}
			if r := recs.rule(t); r != c.rule {
				t.Errorf("rule %s", r)
			}
		})
	}
}

// An HTTP/1.0 client, for whom the end of the connection is the end of the
// body, gets a reset.
func TestCutAnswerToOldClient(t *testing.T) {
	sent := make(chan struct{})
	url := script(t, func(c net.Conn, br *bufio.Reader) {
		readHead(br)
		io.WriteString(c, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n")
		<-sent
	})
	addr, _ := serve(t, newProxy(t, proxy.Options{Origins: []string{url}}))
	c, br := dial(t, addr)
	io.WriteString(c, "GET / HTTP/1.0\r\n\r\n")
	readHead(br)
	io.ReadFull(br, make([]byte, 3))
	close(sent)
	if _, err := br.ReadByte(); err == nil || err == io.EOF {
		t.Errorf("the end of a body that was cut: %v", err)
	}
}

func TestBodyTimeout(t *testing.T) {
	url := script(t, func(c net.Conn, br *bufio.Reader) {
		readHead(br)
		io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc")
		io.Copy(io.Discard, br)
	})
	addr, recs := serve(t, newProxy(t, proxy.Options{Origins: []string{url}, BodyTimeout: 50 * time.Millisecond}))
	got := talk(t, addr, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
	if !strings.HasSuffix(got, "\r\n\r\nabc") {
		t.Errorf("%q", got)
	}
	if r := recs.rule(t); r != "proxy-body-timeout" {
		t.Errorf("rule %s", r)
	}
}

// A client that goes away takes its request at the origin with it: before the
// head, and in the middle of the body.
func TestClientGoesAway(t *testing.T) {
	for name, first := range map[string]string{"before the head": "", "in the body": "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc"} {
		t.Run(name, func(t *testing.T) {
			asked, ended := make(chan struct{}, 3), make(chan error, 3)
			url := script(t, func(c net.Conn, br *bufio.Reader) {
				readHead(br)
				io.WriteString(c, first)
				asked <- struct{}{}
				_, err := br.ReadByte()
				ended <- err
			})
			h := newProxy(t, proxy.Options{Origins: []string{url}})
			eachFront(t, h, func(t *testing.T, url string, client *http.Client) {
				ctx, cancel := context.WithCancel(t.Context())
				r, _ := http.NewRequestWithContext(ctx, "GET", url, nil)
				done := make(chan struct{})
				go func() {
					defer close(done)
					if resp, err := client.Do(r); err == nil {
						io.Copy(io.Discard, resp.Body)
						resp.Body.Close()
					}
				}()
				receive(t, asked)
				cancel()
				if err := receive(t, ended); err == nil {
					t.Error("the origin got a byte")
				}
				<-done
			})
			addr, recs := serve(t, h)
			c, _ := dial(t, addr)
			io.WriteString(c, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
			receive(t, asked)
			c.Close()
			receive(t, ended)
			if r := recs.rule(t); r != "proxy-client-gone" && r != "client-gone" {
				t.Errorf("rule %s", r)
			}
			if s := h.States()[0]; s.Fails != 0 {
				t.Errorf("counted against the origin: %+v", s)
			}
		})
	}
}
