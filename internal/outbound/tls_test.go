package outbound

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
)

// secure starts a TLS server that is good for nothing but its certificate, and
// returns that and a configuration that trusts it.
func secure(t *testing.T) (cert tls.Certificate, client *tls.Config) {
	s := httptest.NewTLSServer(nil)
	defer s.Close()
	return s.TLS.Certificates[0], &tls.Config{RootCAs: s.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs}
}

// newSecureOrigin is newOrigin behind TLS.
func newSecureOrigin(t *testing.T, server *tls.Config, play func(p *peer)) (o *origin, tr *Transport) {
	cert, client := secure(t)
	server.Certificates = []tls.Certificate{cert}
	l, err := tls.Listen("tcp", "127.0.0.1:0", server)
	if err != nil {
		t.Fatal(err)
	}
	tr = newTransport(t)
	tr.TLS = client
	return serve(t, l, "https://"+l.Addr().String(), play), tr
}

func TestTLS(t *testing.T) {
	for _, h2 := range []bool{false, true} {
		s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Proto", r.Proto)
			w.Header().Set("Agent", r.UserAgent())
			io.Copy(w, r.Body)
		}))
		s.EnableHTTP2 = h2
		s.Config.ErrorLog = log.New(io.Discard, "", 0)
		s.StartTLS()
		tr := newTransport(t)
		_, _, err := get(t, tr, s.URL)
		want(t, err, TLSCertificateError, true)
		for _, offered := range []bool{false, true} {
			tr := newTransport(t)
			tr.HTTP2 = offered
			tr.TLS = &tls.Config{RootCAs: s.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs}
			proto := "HTTP/1.1"
			if offered && h2 {
				proto = "HTTP/2.0"
			}
			for range 3 {
				req, _ := http.NewRequest("POST", s.URL, strings.NewReader("hello"))
				resp, body, err := do(tr, req)
				if err != nil || body != "hello" || resp.Header.Get("Proto") != proto || resp.Proto != proto || resp.Header.Get("Agent") != "" {
					t.Errorf("h2 %v, offered %v: %q %v %+v", h2, offered, body, err, resp)
				}
			}
			tr.CloseIdleConnections()
		}
		s.Close()
	}
}

// What a record holds behind the end of an answer is not the next answer.
func TestTLSLeftOver(t *testing.T) {
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		for _, c := range []struct {
			answer string
			conns  int32
		}{
			{"HTTP/1.1 200 OK\r\nContent-Length: 20000\r\n\r\n", 1},
			{"HTTP/1.1 200 OK\r\nContent-Length: 20000\r\n\r\n" + "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil", 2},
		} {
			head, after, _ := strings.Cut(c.answer, "\r\n\r\n")
			o, tr := newSecureOrigin(t, &tls.Config{MaxVersion: version}, func(p *peer) {
				for p.head() != "" {
					// One write is several records; the last has what is too much.
					p.say(head + "\r\n\r\n" + strings.Repeat("x", 20000) + after)
				}
			})
			for range 2 {
				resp, body, err := get(t, tr, o.url)
				if err != nil || len(body) != 20000 || strings.Trim(body, "x") != "" {
					t.Fatal(resp, err)
				}
			}
			if o.conns.Load() != c.conns {
				t.Errorf("%q: %d connections", after, o.conns.Load())
			}
		}
	}
}

// A body that ends with the connection must end with TLS's own end, or it may
// have been cut off by anybody (RFC 9112 §9.8).
func TestTLSTruncated(t *testing.T) {
	for _, proper := range []bool{true, false} {
		o, tr := newSecureOrigin(t, &tls.Config{}, func(p *peer) {
			p.head()
			p.say("HTTP/1.1 200 OK\r\n\r\nhello")
			if !proper {
				p.Conn.(*tls.Conn).NetConn().Close()
			}
		})
		for _, watch := range []func(net.Conn) net.Conn{nil, func(nc net.Conn) net.Conn { return struct{ net.Conn }{nc} }} {
			tr.Watch = watch
			_, body, err := get(t, tr, o.url)
			if body != "hello" || (err == nil) != proper || !proper && !errors.Is(err, io.ErrUnexpectedEOF) {
				t.Errorf("proper %v: %q %v", proper, body, err)
			}
		}
	}
}

func TestTLSFaults(t *testing.T) {
	// Plain HTTP where TLS was expected.
	o := newOrigin(t, func(p *peer) { p.say("HTTP/1.1 400 Bad Request\r\n\r\n") })
	_, _, err := get(t, newTransport(t), strings.Replace(o.url, "http", "https", 1))
	want(t, err, TLSProtocolError, true)
	// The end.
	o = newOrigin(t, func(p *peer) { p.ReadByte() })
	_, _, err = get(t, newTransport(t), strings.Replace(o.url, "http", "https", 1))
	want(t, err, ConnectionTerminated, true)
	// No common version.
	secure, tr := newSecureOrigin(t, &tls.Config{MinVersion: tls.VersionTLS13}, func(p *peer) { p.head() })
	tr.TLS.MaxVersion = tls.VersionTLS12
	_, _, err = get(t, tr, secure.url)
	want(t, err, TLSAlertReceived, true)
	// Another name.
	secure, tr = newSecureOrigin(t, &tls.Config{}, func(p *peer) { p.head() })
	tr.Dial = func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, secure.Addr().String())
	}
	_, _, err = get(t, tr, "https://other.test/")
	want(t, err, TLSCertificateError, true)
}

// Handshakes are traced, that with a parent, too.
func TestTLSTrace(t *testing.T) {
	o, tr := newSecureOrigin(t, &tls.Config{}, func(p *peer) { p.head(); p.say("HTTP/1.1 204 x\r\n\r\n") })
	begun, ended := 0, 0
	trace := &httptrace.ClientTrace{
		TLSHandshakeStart: func() { begun++ },
		TLSHandshakeDone: func(st tls.ConnectionState, err error) {
			if ended++; !st.HandshakeComplete || err != nil {
				t.Error(st, err)
			}
		},
	}
	req, _ := http.NewRequestWithContext(httptrace.WithClientTrace(t.Context(), trace), "GET", o.url, nil)
	if _, _, err := do(tr, req); err != nil || begun != 1 || ended != 1 {
		t.Error(err, begun, ended)
	}
}

// Upgrades go by HTTP/1.1 though the origin would take HTTP/2.
func TestUpgradeBesideH2(t *testing.T) {
	s, tr := newH2(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Proto", r.Proto)
		w.WriteHeader(426)
	})
	for _, upgrade := range []string{"", "x", "", "x"} {
		req, _ := http.NewRequest("GET", s.URL, nil)
		proto := "HTTP/2.0"
		if upgrade != "" {
			req.Header = http.Header{"Connection": {"upgrade"}, "Upgrade": {upgrade}}
			proto = "HTTP/1.1"
		}
		resp, _, err := do(tr, req)
		if err != nil || resp.Header.Get("Proto") != proto {
			t.Errorf("%q: %v %v", upgrade, resp, err)
		}
	}
}

// newH2 starts a server of HTTP/2.
func newH2(t *testing.T, h http.HandlerFunc) (*httptest.Server, *Transport) {
	s := httptest.NewUnstartedServer(h)
	s.EnableHTTP2 = true
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.StartTLS()
	t.Cleanup(s.Close)
	tr := newTransport(t)
	tr.HTTP2 = true
	tr.TLS = &tls.Config{RootCAs: s.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs}
	return s, tr
}

// Errors of HTTP/2 are ours.
func TestH2Errors(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	s, tr := newH2(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/cancel" {
			cancel()
			<-r.Context().Done()
			return
		}
		w.Header().Set("Content-Length", "10")
		io.WriteString(w, "hello")
		w.(http.Flusher).Flush()
		panic(http.ErrAbortHandler)
	})
	_, body, err := get(t, tr, s.URL)
	want(t, err, ResponseIncomplete, true)
	if body != "hello" || !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("%q %v", body, err)
	}
	req, _ := http.NewRequestWithContext(ctx, "GET", s.URL+"/cancel", nil)
	_, _, err = do(tr, req)
	want(t, err, Canceled, false)
}

// An origin that took HTTP/2 and does so no more is spoken to in HTTP/1.1.
func TestH2NoMore(t *testing.T) {
	cert, client := secure(t)
	var protos atomic.Pointer[[]string]
	protos.Store(&[]string{"h2", "http/1.1"})
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, r.Proto) }))
	s.EnableHTTP2 = true
	s.TLS = &tls.Config{}
	s.TLS.GetConfigForClient = func(*tls.ClientHelloInfo) (*tls.Config, error) {
		return &tls.Config{Certificates: []tls.Certificate{cert}, NextProtos: *protos.Load()}, nil
	}
	s.StartTLS()
	defer s.Close()
	tr := newTransport(t)
	tr.HTTP2, tr.TLS = true, client
	for _, proto := range []string{"HTTP/2.0", "HTTP/2.0", "HTTP/1.1", "HTTP/1.1", "HTTP/2.0"} {
		if proto == "HTTP/1.1" {
			protos.Store(&[]string{"http/1.1"})
		} else {
			protos.Store(&[]string{"h2", "http/1.1"})
		}
		if _, body, err := get(t, tr, s.URL); body != proto || err != nil {
			t.Errorf("%q %v, want %s", body, err, proto)
		}
		tr.CloseIdleConnections()
	}
	// What cannot be sent again fails, and the next is HTTP/1.1.
	protos.Store(&[]string{"http/1.1"})
	req, _ := http.NewRequest("POST", s.URL, strings.NewReader("x"))
	_, _, err := do(tr, req)
	want(t, err, ProtocolError, true)
	if _, body, err := get(t, tr, s.URL); body != "HTTP/1.1" || err != nil {
		t.Error(body, err)
	}
}

// The number of origins that are remembered is bounded.
func TestH2Remembered(t *testing.T) {
	tr := newTransport(t)
	tr.once.Do(tr.setUp)
	for i := range maxH2s + 10 {
		tr.setH2(hostKey{host: strconv.Itoa(i)}, true)
	}
	if len(tr.h2s) != 10 || !tr.speaksH2(hostKey{host: strconv.Itoa(maxH2s)}) {
		t.Error(len(tr.h2s))
	}
}
