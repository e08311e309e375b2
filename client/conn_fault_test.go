package client

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"io"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"freshet/internal/wiretest"
)

// Replies that could be read in two ways, or without bound, are refused by the
// rule that they break.
func TestConnRefused(t *testing.T) {
	for _, c := range []struct{ says, rule string }{
		{"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "response-length-with-coding"},
		{"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello", "response-length-differs"},
		{"HTTP/1.1 200 OK\r\nContent-Length: +5\r\n\r\nhello", "response-length-invalid"},
		{"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", "response-coding-unknown"},
		{"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "response-coding-in-http10"},
		{"HTTP/1.1 200 OK\r\nX: a\rb\r\n\r\n", "response-bare-cr"},
		{"HTTP/1.1 200 OK\nContent-Length: 0\n\n", "response-bare-lf"},
		{"HTTP/1.1 200 OK\r\nX: a\x00b\r\n\r\n", "response-field-value"},
		{"HTTP/1.1 200 OK\r\na b: c\r\n\r\n", "response-field-name"},
		{"HTTP/2 200 OK\r\n\r\n", "response-line"},
		{"HTTP/2.0 200 OK\r\n\r\n", "response-version"},
		{"SSH-2.0-x\r\n", "response-line"},
		{"HTTP/1.1 099 x\r\n\r\n", "response-status"},
		{"HTTP/1.1 101 x\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n", "response-upgrade"},
		{strings.Repeat("HTTP/1.1 103 x\r\n\r\n", 17) + "HTTP/1.1 200 OK\r\n\r\n", "response-interim-flood"},
		{"HTTP/1.1 200 OK\r\nX: " + strings.Repeat("x", 64<<10), "response-head-too-large"},
		{"HTTP/1.1 200 OK\r\n" + strings.Repeat("X: y\r\n", 257), "response-too-many-fields"},
	} {
		url := connServer(t, func(p *connPeer) { p.head(); p.say(c.says); p.gone() })
		conn := dialTest(t, url, DialOptions{})
		putGet(t, conn, "/")
		_, err := conn.GetReply()
		var failed *ConnError
		var lost *UnansweredError
		if !errors.Is(err, ErrReply) || !errors.As(err, &failed) || failed.Rule != c.rule || !errors.As(err, &lost) {
			t.Errorf("%.60q: %v, want %s", c.says, err, c.rule)
		}
		if err := conn.PutRequest("GET", "/"); err == nil {
			t.Errorf("%.60q: another request is taken", c.says)
		}
	}
	// A broken chunk.
	url := connServer(t, func(p *connPeer) {
		p.head()
		p.say("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhelloX\r\n0\r\n\r\n")
		p.gone()
	})
	conn := dialTest(t, url, DialOptions{})
	putGet(t, conn, "/")
	r, err := conn.GetReply()
	must(t, err)
	b, err := io.ReadAll(r.Body)
	var failed *ConnError
	if string(b) != "hello" || !errors.As(err, &failed) || failed.Rule != "response-chunk" {
		t.Errorf("%q %v", b, err)
	}
	// What a bare LF ends may be taken.
	url = connServer(t, func(p *connPeer) { p.head(); p.say("HTTP/1.1 200 OK\nContent-Length: 1\n\nx"); p.gone() })
	conn = dialTest(t, url, DialOptions{LenientLF: true})
	putGet(t, conn, "/")
	readReply(t, conn)
}

// What nobody asked for is not taken for the reply to the next request.
func TestConnUnasked(t *testing.T) {
	ok := "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"
	for _, together := range []bool{true, false} {
		url := connServer(t, func(p *connPeer) {
			p.head()
			if together {
				p.say(ok + ok)
			} else {
				p.say(ok)
				p.say(ok)
			}
			p.gone()
		})
		c := dialTest(t, url, DialOptions{})
		putGet(t, c, "/")
		readReply(t, c)
		for c.PutRequest("GET", "/x") == nil { // until it has come
			c.step = putLine
			time.Sleep(time.Millisecond)
		}
		if err := c.EndHeaders(); !errors.Is(err, ErrUnasked) {
			t.Error(err)
		}
	}
	// The end of the connection is seen before anything is sent.
	url := connServer(t, func(p *connPeer) { p.head(); p.say(ok) })
	c := dialTest(t, url, DialOptions{})
	putGet(t, c, "/")
	readReply(t, c)
	var err error
	for {
		if err = c.PutRequest("GET", "/x"); err != nil {
			break
		}
		c.step = putLine
		time.Sleep(time.Millisecond)
	}
	if !errors.Is(err, io.EOF) {
		t.Error(err)
	}
}

func TestConnTimes(t *testing.T) {
	later := make(chan bool)
	url := connServer(t, func(p *connPeer) {
		p.head()
		p.say("HTTP/1.1 200 OK\r\n")
		<-later
		p.say("Content-Length: 5\r\n\r\nhe")
		<-later
		p.say("llo")
		p.gone()
	})
	c := dialTest(t, url, DialOptions{HeadTimeout: 20 * time.Millisecond, ReadTimeout: 20 * time.Millisecond})
	putGet(t, c, "/")
	late := func(err error, kind string) {
		t.Helper()
		var failed *ConnError
		if !errors.As(err, &failed) || !failed.Timeout() || failed.Kind != kind {
			t.Fatal(err)
		}
	}
	_, err := c.GetReply()
	late(err, "http_response_timeout")
	later <- true
	var r *Reply
	for r == nil { // one may wait anew
		if r, err = c.GetReply(); err != nil {
			late(err, "http_response_timeout")
		}
	}
	b := make([]byte, 10)
	n, err := io.ReadFull(r.Body, b)
	late(err, "connection_read_timeout")
	later <- true
	for n < 5 {
		k, err := r.Body.Read(b[n:])
		if n += k; err != nil && err != io.EOF {
			late(err, "connection_read_timeout")
		}
	}
	if string(b[:n]) != "hello" {
		t.Errorf("%q", b[:n])
	}
	// A server that does not read.
	url = connServer(t, func(p *connPeer) { <-later })
	c = dialTest(t, url, DialOptions{WriteTimeout: 50 * time.Millisecond})
	err = c.Request("PUT", "/", nil, bytes.NewReader(make([]byte, 64<<20)))
	late(err, "connection_write_timeout")
	if err := c.PutRequest("GET", "/"); err == nil {
		t.Error("another request is taken")
	}
	close(later)
}

// Close ends what waits.
func TestConnClose(t *testing.T) {
	asked := make(chan bool)
	url := connServer(t, func(p *connPeer) { p.head(); close(asked); p.gone() })
	c := dialTest(t, url, DialOptions{})
	putGet(t, c, "/")
	go func() { <-asked; c.Close() }()
	if _, err := c.GetReply(); !errors.Is(err, ErrClosed) {
		t.Error(err)
	}
	if err := c.PutRequest("GET", "/"); !errors.Is(err, ErrClosed) {
		t.Error(err)
	}
	must(t, c.Close())
}

// A body that is too short, or cannot be read, spoils the connection for
// sending only.
func TestConnShortBody(t *testing.T) {
	broken := errors.New("broken")
	for _, body := range []io.Reader{strings.NewReader("he"), io.MultiReader(strings.NewReader("he"), readerOf(func([]byte) (int, error) { return 0, broken }))} {
		url := connServer(t, func(p *connPeer) { p.head(); p.say("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"); p.gone() })
		c := dialTest(t, url, DialOptions{})
		must(t, c.PutRequest("PUT", "/"), c.PutHeader("Content-Length", "5"), c.EndHeaders())
		if err := c.SendFrom(body); err == nil || errors.Is(err, broken) == errors.Is(err, errShortBody) {
			t.Error(err)
		}
		readReply(t, c)
		if err := c.PutRequest("GET", "/"); err == nil {
			t.Error("another request is taken")
		}
	}
}

type readerOf func([]byte) (int, error)

func (f readerOf) Read(p []byte) (int, error) { return f(p) }

func TestConnContinue(t *testing.T) {
	for _, c := range []struct {
		says   string
		send   bool
		status int
	}{
		{"HTTP/1.1 103 x\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n", true, 200},
		{"HTTP/1.1 417 No\r\nContent-Length: 0\r\n\r\n", false, 417},
		{"", true, 200},
	} {
		url := connServer(t, func(p *connPeer) {
			p.head()
			p.say(c.says)
			if c.send {
				p.say("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n" + p.take(5))
			}
			p.gone()
		})
		conn := dialTest(t, url, DialOptions{})
		must(t, conn.PutRequest("PUT", "/"), conn.PutHeader("Expect", "100-continue"), conn.PutHeader("Content-Length", "5"), conn.EndHeaders())
		wait := time.Minute
		if c.says == "" {
			wait = time.Millisecond
		}
		send, err := conn.AwaitContinue(wait)
		if send != c.send || err != nil {
			t.Fatalf("%q: %v %v", c.says, send, err)
		}
		if send {
			must(t, conn.Send([]byte("hello")))
		}
		if r, _ := readReply(t, conn); r.Status != c.status || len(r.Interims) != strings.Count(c.says, " 10") {
			t.Errorf("%q: %+v", c.says, r)
		}
	}
}

func TestConnTunnel(t *testing.T) {
	for _, c := range []struct{ method, target, field, says string }{
		{"CONNECT", "a.test:443", "A", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n"},
		{"GET", "/", "Upgrade", "HTTP/1.1 101 x\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n"},
	} {
		url := connServer(t, func(p *connPeer) {
			p.head()
			p.say("HTTP/1.1 400 First\r\nContent-Length: 0\r\n\r\n")
			p.head()
			p.say(c.says + "early")
			p.say(p.take(2))
		})
		conn := dialTest(t, url, DialOptions{})
		for i := range 2 {
			must(t, conn.PutRequest(c.method, c.target), conn.PutHeader(c.field, "x"), conn.PutHeader("Connection", "upgrade"), conn.EndHeaders())
			if err := conn.PutRequest("GET", "/"); !errors.Is(err, ErrLast) {
				t.Error(err)
			}
			conn.EndHeaders()
			r, body := readReply(t, conn)
			if i == 0 {
				continue
			}
			nc, err := r.Tunnel()
			if err != nil || body != "" || !r.Last {
				t.Fatalf("%v %+v", err, r)
			}
			must(t, conn.Close()) // does nothing
			io.WriteString(nc, "hi")
			if b, err := io.ReadAll(nc); string(b) != "earlyhi" || err != nil {
				t.Errorf("%q %v", b, err)
			}
			nc.Close()
			if _, err := r.Tunnel(); !errors.Is(err, ErrClosed) {
				t.Error(err)
			}
		}
	}
}

func TestDial(t *testing.T) {
	for _, s := range []string{"", "a", "ftp://a", "http://", "http://a/b", "http://a?b", "http://u@a", "http://a b", "http://a:b", "http://a#b"} {
		if _, err := Dial(t.Context(), s, DialOptions{}); err == nil {
			t.Errorf("%q is taken", s)
		}
	}
	for _, o := range []DialOptions{{Proxy: "ftp://a"}, {Resolve: []string{"x"}}, {ConnectTo: []string{"x"}}} {
		if _, err := Dial(t.Context(), "http://a", o); err == nil {
			t.Errorf("%+v is taken", o)
		}
	}
	hello := func(p *connPeer) {
		p.head()
		p.say("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello")
	}
	url := connServer(t, hello)
	addr := strings.TrimPrefix(url, "http://")
	port := addr[strings.LastIndexByte(addr, ':')+1:]
	path := filepath.Join(t.TempDir(), "s")
	l, err := net.Listen("unix", path)
	must(t, err)
	wiretest.Connections(t, l, func(nc net.Conn) { hello(&connPeer{nc, bufio.NewReader(nc)}) })
	proxy := connServer(t, func(p *connPeer) {
		if !strings.HasPrefix(p.head(), "CONNECT a.test:80 ") {
			return
		}
		p.say("HTTP/1.1 200 OK\r\n\r\n")
		hello(p)
	})
	for _, c := range []struct {
		url string
		o   DialOptions
	}{
		{url, DialOptions{}},
		{"http://a.test:" + port, DialOptions{Resolve: []string{"a.test:" + port + ":127.0.0.1"}}},
		{"http://a.test/", DialOptions{ConnectTo: []string{"::" + addr}}},
		{"http://a.test", DialOptions{Unix: path}},
		{"http://a.test", DialOptions{Proxy: proxy}},
	} {
		conn := dialTest(t, c.url, c.o)
		putGet(t, conn, "/")
		if _, body := readReply(t, conn); body != "hello" {
			t.Errorf("%+v: %q", c, body)
		}
	}
	// Why there is no connection.
	_, err = Dial(t.Context(), "http://"+wiretest.Reserve(t), DialOptions{})
	var failed *ConnError
	if !errors.As(err, &failed) || failed.Kind != "connection_refused" {
		t.Error(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err = Dial(ctx, url, DialOptions{}); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	deny := connServer(t, func(p *connPeer) { p.head(); p.say("HTTP/1.1 407 No\r\n\r\n") })
	if _, err = Dial(t.Context(), "http://a.test", DialOptions{Proxy: deny}); !errors.As(err, &failed) || failed.Kind != "http_request_error" || !strings.Contains(err.Error(), "407") {
		t.Error(err)
	}
}

// secureServer is connServer with TLS; hash is that of its public key.
func secureServer(t *testing.T, cfg *tls.Config, play func(p *connPeer)) (url string, roots *x509.CertPool, hash string) {
	pair, err := wiretest.NewKeyPair("test", "a.test")
	must(t, err)
	cert, err := tls.X509KeyPair(pair.Cert, pair.Key)
	must(t, err)
	cfg.Certificates = []tls.Certificate{cert}
	url = connServer(t, func(p *connPeer) {
		tc := tls.Server(p.Conn, cfg)
		if tc.Handshake() == nil {
			p.Conn = tc
			p.in.Reset(tc)
			play(p)
		}
	})
	sum := sha256.Sum256(cert.Leaf.RawSubjectPublicKeyInfo)
	return strings.Replace(url, "http", "https", 1), pair.Roots(), "sha256//" + base64.StdEncoding.EncodeToString(sum[:])
}

func TestConnTLS(t *testing.T) {
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		url, roots, hash := secureServer(t, &tls.Config{MaxVersion: version, ClientAuth: tls.RequestClientCert}, func(p *connPeer) {
			for p.head() != "" {
				p.say("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello")
			}
		})
		other := "sha256//" + base64.StdEncoding.EncodeToString(make([]byte, 32))
		for _, c := range []struct {
			o  DialOptions
			ok bool
		}{
			{DialOptions{}, false},
			{DialOptions{TLS: &tls.Config{InsecureSkipVerify: true}}, true},
			{DialOptions{TLS: &tls.Config{RootCAs: roots}}, true},
			{DialOptions{TLS: &tls.Config{RootCAs: roots, ServerName: "a.test"}}, true},
			{DialOptions{TLS: &tls.Config{RootCAs: roots, ServerName: "b.test"}}, false},
			{DialOptions{TLS: &tls.Config{RootCAs: roots}, PinnedKeys: other + ";" + hash}, true},
			{DialOptions{TLS: &tls.Config{RootCAs: roots}, PinnedKeys: other}, false},
			{DialOptions{TLS: &tls.Config{InsecureSkipVerify: true}, PinnedKeys: other}, false},
			{DialOptions{TLS: &tls.Config{InsecureSkipVerify: true}, PinnedKeys: hash}, true},
		} {
			conn, err := Dial(t.Context(), url, c.o)
			var failed *ConnError
			if (err == nil) != c.ok || !c.ok && (!errors.As(err, &failed) || failed.Kind != "tls_certificate_error") {
				t.Fatalf("%+v: %v", c.o, err)
			}
			if !c.ok {
				continue
			}
			for range 3 {
				putGet(t, conn, "/")
				if _, body := readReply(t, conn); body != "hello" || conn.TLS().Version != version {
					t.Errorf("%q", body)
				}
			}
			conn.Close()
		}
		for _, pins := range []string{"x", "sha256//x", "sha256//" + base64.StdEncoding.EncodeToString([]byte("short")), hash + ";"} {
			if err := PinKeys(&tls.Config{}, pins); err == nil {
				t.Errorf("%q is taken", pins)
			}
		}
	}
}

// A server that wants a certificate gets it.
func TestConnCertificate(t *testing.T) {
	url, roots, _ := secureServer(t, &tls.Config{ClientAuth: tls.RequireAnyClientCert}, func(p *connPeer) {
		p.head()
		p.say("HTTP/1.1 200 " + p.Conn.(*tls.Conn).ConnectionState().PeerCertificates[0].Subject.CommonName + "\r\nContent-Length: 0\r\n\r\n")
	})
	pair, err := wiretest.NewKeyPair("me")
	must(t, err)
	cert, err := tls.X509KeyPair(pair.Cert, pair.Key)
	must(t, err)
	c := dialTest(t, url, DialOptions{TLS: &tls.Config{RootCAs: roots, Certificates: []tls.Certificate{cert}}})
	putGet(t, c, "/")
	if r, _ := readReply(t, c); r.Reason != "me" {
		t.Errorf("%+v", r)
	}
	c = dialTest(t, url, DialOptions{TLS: &tls.Config{RootCAs: roots}})
	putGet(t, c, "/") // TLS 1.3 tells later
	if _, err := c.GetReply(); err == nil {
		t.Error("a reply without a certificate")
	}
}

// A body that ends with the connection must end with TLS's own end (RFC 9112
// §9.8).
func TestConnTruncated(t *testing.T) {
	for _, proper := range []bool{true, false} {
		url, roots, _ := secureServer(t, &tls.Config{}, func(p *connPeer) {
			p.head()
			p.say("HTTP/1.1 200 OK\r\n\r\nhello")
			if proper {
				p.Conn.(*tls.Conn).CloseWrite()
			}
		})
		c := dialTest(t, url, DialOptions{TLS: &tls.Config{RootCAs: roots}})
		putGet(t, c, "/")
		r, err := c.GetReply()
		must(t, err)
		if b, err := io.ReadAll(r.Body); string(b) != "hello" || (err == nil) != proper || !proper && !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("proper %v: %q %v", proper, b, err)
		}
	}
}

func TestReplyDiscard(t *testing.T) {
	url := connServer(t, func(p *connPeer) {
		for p.head() != "" {
			p.say("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello")
		}
	})
	c := dialTest(t, url, DialOptions{})
	for _, limit := range []int64{100, 5, 4} {
		putGet(t, c, "/")
		r, err := c.GetReply()
		must(t, err, r.Discard(limit))
	}
	if err := c.PutRequest("GET", "/"); !errors.Is(err, ErrClosed) {
		t.Error(err)
	}
}
