package forward_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"freshet/cache"
	"freshet/forward"
	"freshet/httpd"
)

// What is inside a tunnel to a host that is inspected is answered like any other
// request: by the server, the second time from the cache, with the client's
// address, over HTTP/1.1 and HTTP/2, under a certificate of our authority.
func TestInspect(t *testing.T) {
	for _, h2 := range []bool{false, true} {
		store, err := cache.NewStore(cache.StoreOptions{Memory: 8 << 20})
		if err != nil {
			t.Fatal(err)
		}
		defer store.Close()
		w := newWorld(t, func(o *forward.Options) { o.Store = store })
		w.site("www.test", http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			if r.TLS == nil || r.Header.Get("Proxy-Connection")+r.Header.Get("X-Forwarded-For") != "" {
				t.Errorf("the server got %v", r.Header)
			}
			rw.Header().Set("Cache-Control", "max-age=60")
			io.WriteString(rw, r.Host+r.URL.RequestURI())
		}))
		client := w.client(h2)
		for i, status := range []string{"freshet; fwd=uri-miss; fwd-status=200; stored", "freshet; hit; ttl="} {
			resp, body := get(t, client, "https://www.test/a?b=%2F")
			if body != "www.test/a?b=%2F" || !strings.HasPrefix(resp.Header.Get("Cache-Status"), status) {
				t.Errorf("request %d: %q, Cache-Status %q", i, body, resp.Header.Get("Cache-Status"))
			}
			if resp.ProtoMajor != map[bool]int{false: 1, true: 2}[h2] {
				t.Errorf("over %s", resp.Proto)
			}
			if issuer := resp.TLS.PeerCertificates[0].Issuer.String(); issuer != w.ours.Certificate().Subject.String() {
				t.Errorf("the certificate is by %s", issuer)
			}
		}
		if got := w.rules(3); !slices.Equal(got, []string{"filter-inspected", "cache-uri-miss", "reuse-fresh"}) {
			t.Errorf("rules %q", got)
		}
	}
}

// The records of what is inside have the client's address, and TLS.
func TestInspectRecords(t *testing.T) {
	for _, h2 := range []bool{false, true} {
		told := make(inner, 1)
		w := newWorld(t, func(o *forward.Options) { o.Inspect.Engine.Sink = told })
		w.site("www.test", http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {}))
		var mine string
		client := w.client(h2)
		client.Transport.(*http.Transport).DialContext = func(ctx context.Context, network, addr string) (net.Conn, error) {
			c, err := new(net.Dialer).DialContext(ctx, network, addr)
			if err == nil {
				mine = c.LocalAddr().String()
			}
			return c, err
		}
		get(t, client, "https://www.test/a?b")
		r := <-told
		if r.Remote.String() != mine || !r.TLS || r.Host != "www.test" || r.Target != "/a?b" || r.Status != 200 {
			t.Errorf("the record %+v, the client is %s", r, mine)
		}
	}
}

// A host that nobody named, or that is passed through, keeps its own
// certificate.
func TestPassThrough(t *testing.T) {
	w := newWorld(t, func(o *forward.Options) {
		o.Inspect.Hosts = []string{".test", "www.paypal.com"}
		o.Inspect.PassThrough = []string{"my.bank.test"}
	})
	for host, inspected := range map[string]bool{"www.test": true, "my.bank.test": false, "other.bank.test": true, "www.example": false,
		"www.paypal.com": true, "api.paypal.com": false} {
		w.site(host, http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {}))
		c, head := w.tunnel(host + ":443")
		if !strings.HasPrefix(head, "HTTP/1.1 200 ") {
			t.Fatal(head)
		}
		tc := tls.Client(c, &tls.Config{ServerName: host, InsecureSkipVerify: true})
		if err := tc.Handshake(); err != nil {
			t.Fatal(err)
		}
		ours := tc.ConnectionState().PeerCertificates[0].Issuer.String() == w.ours.Certificate().Subject.String()
		if ours != inspected {
			t.Errorf("%s: inspected %v", host, ours)
		}
		want := map[bool]string{true: "filter-inspected", false: "filter-tunnel"}[inspected]
		if got := w.rules(1)[0]; got != want {
			t.Errorf("%s: %s, want %s", host, got, want)
		}
	}
}

// A server whose certificate is not valid is never shown with one of ours: the
// tunnel is refused, and the server gets no request.
func TestInvalidServers(t *testing.T) {
	w := newWorld(t, nil)
	other, otherKey := newRoot(t)
	for name, change := range map[string]func(*tls.Config){
		"expired": func(c *tls.Config) {
			c.Certificates[0] = w.cert("expired.test", func(x *x509.Certificate) { x.NotAfter = time.Now().Add(-time.Minute) })
		},
		"early": func(c *tls.Config) {
			c.Certificates[0] = w.cert("early.test", func(x *x509.Certificate) { x.NotBefore = time.Now().Add(time.Minute) })
		},
		"name": func(c *tls.Config) { c.Certificates[0] = w.cert("other.test", nil) },
		"common": func(c *tls.Config) { // a name in the subject alone
			c.Certificates[0] = w.cert("common.test", func(x *x509.Certificate) { x.DNSNames = nil })
		},
		"self": func(c *tls.Config) {
			cert := w.cert("self.test", func(x *x509.Certificate) { x.IsCA, x.BasicConstraintsValid = true, true })
			leaf, _ := x509.ParseCertificate(cert.Certificate[0])
			cert.Certificate[0] = signed(t, leaf, leaf, cert.PrivateKey.(*ecdsa.PrivateKey), cert.PrivateKey.(*ecdsa.PrivateKey)).Raw
			c.Certificates[0] = cert
		},
		"unknown": func(c *tls.Config) {
			cert := w.cert("unknown.test", nil)
			leaf, _ := x509.ParseCertificate(cert.Certificate[0])
			cert.Certificate[0] = signed(t, leaf, other, cert.PrivateKey.(*ecdsa.PrivateKey), otherKey).Raw
			c.Certificates[0] = cert
		},
		"client": func(c *tls.Config) { // a client's certificate
			c.Certificates[0] = w.cert("client.test", func(x *x509.Certificate) { x.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth} })
		},
		"staple": func(c *tls.Config) {
			c.Certificates[0] = w.cert("staple.test", func(x *x509.Certificate) {
				x.ExtraExtensions = []pkix.Extension{{Id: asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 1, 24}, Value: []byte{0x30, 3, 2, 1, 5}}}
			})
		},
		"ours": func(c *tls.Config) { // what our clients trust is not what servers are verified by
			leaf, err := w.ours.Leaf("ours.test")
			if err != nil {
				t.Fatal(err)
			}
			c.Certificates[0] = *leaf
		},
		"large": func(c *tls.Config) { // as many as would fit no limit
			for range 2000 {
				c.Certificates[0].Certificate = append(c.Certificates[0].Certificate, other.Raw)
			}
		},
		"old": func(c *tls.Config) { c.MinVersion, c.MaxVersion = tls.VersionTLS10, tls.VersionTLS11 },
	} {
		t.Run(name, func(t *testing.T) {
			host := name + ".test"
			w.siteWith(host, http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) { t.Error("the server got a request") }), change)
			for range 2 { // what is wrong is not remembered as right
				_, head := w.tunnel(host + ":443")
				want := "filter-certificate"
				if name == "large" || name == "old" {
					want = "filter-tunnel-failed"
				}
				if got := w.rules(1)[0]; !strings.HasPrefix(head, "HTTP/1.1 502 ") || got != want || !strings.Contains(head, "Proxy-Status: freshet; error=tls_") {
					t.Errorf("%s by %s", head, got)
				}
			}
			if _, n := w.places.get(host + ":443"); n != 2 {
				t.Errorf("dialled %d times", n)
			}
		})
	}
}

// A certificate that wants a staple is fine with one.
func TestStapled(t *testing.T) {
	w := newWorld(t, nil)
	w.siteWith("www.test", http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {}), func(c *tls.Config) {
		c.Certificates[0] = w.cert("www.test", func(x *x509.Certificate) {
			x.ExtraExtensions = []pkix.Extension{{Id: asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 1, 24}, Value: []byte{0x30, 3, 2, 1, 5}}}
		})
		c.Certificates[0].OCSPStaple = []byte("an answer")
	})
	w.inside("www.test")
}

// A server that cannot be reached, or is no TLS server, is what it is.
func TestOtherServers(t *testing.T) {
	w := newWorld(t, nil)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			io.WriteString(c, "SSH-2.0-test\r\n")
			io.Copy(io.Discard, c)
			c.Close()
		}
	}()
	w.places.set("ssh.test:443", l.Addr().String())
	c, head := w.tunnel("ssh.test:443")
	line, err := bufio.NewReader(c).ReadString('\n')
	if line != "SSH-2.0-test\r\n" || err != nil {
		t.Errorf("after %q: %q %v", head, line, err)
	}
	if got := w.rules(1)[0]; got != "filter-tunnel" {
		t.Errorf("by %s", got)
	}
	c.Close()
	w.places.set("gone.test:443", "127.0.0.1:1")
	if _, head := w.tunnel("gone.test:443"); !strings.HasPrefix(head, "HTTP/1.1 502 ") {
		t.Errorf("nobody there: %s", head)
	}
	if got := w.rules(1)[0]; got != "filter-tunnel-failed" {
		t.Errorf("by %s", got)
	}
}

// A client that asks for another server inside than its tunnel leads to gets an
// alert, and no certificate.
func TestMisled(t *testing.T) {
	w := newWorld(t, nil)
	w.site("front.test", http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) { t.Error("the server got a request") }))
	c, _ := w.tunnel("front.test:443")
	err := tls.Client(c, &tls.Config{ServerName: "behind.test", RootCAs: w.ours.Pool()}).Handshake()
	if err == nil || !strings.Contains(err.Error(), "unrecognized name") {
		t.Errorf("got %v", err)
	}
	eventually(t, func() bool { return strings.Contains(w.log.String(), "asked=behind.test") })
	if p := w.proxy.Pinned(); len(p) > 0 {
		t.Errorf("pinned: %v", p)
	}
}

// A tunnel without a name in its handshake gets the certificate of where it leads
// to; one to an address is inspected only when that is named.
func TestNoName(t *testing.T) {
	w := newWorld(t, nil)
	w.site("www.test", http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {}))
	at, _ := w.places.get("www.test:443")
	w.places.set("WWW.test.:443", at)
	c, head := w.tunnel("WWW.test.:443")
	tc := tls.Client(c, &tls.Config{InsecureSkipVerify: true})
	if err := tc.Handshake(); err != nil {
		t.Fatal(head, err)
	}
	if names := tc.ConnectionState().PeerCertificates[0].DNSNames; !slices.Equal(names, []string{"www.test"}) {
		t.Errorf("for %q", names)
	}
	w.siteWith("127.0.0.1", http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {}), func(c *tls.Config) {
		c.Certificates[0] = w.cert("127.0.0.1", func(x *x509.Certificate) { x.DNSNames, x.IPAddresses = nil, []net.IP{net.IPv4(127, 0, 0, 1)} })
	})
	w.tunnel("127.0.0.1:443")
	named := newWorld(t, func(o *forward.Options) { o.Inspect.Hosts = []string{"127.0.0.1"} })
	named.siteWith("127.0.0.1", http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {}), func(c *tls.Config) {
		c.Certificates[0] = named.cert("127.0.0.1", func(x *x509.Certificate) { x.DNSNames, x.IPAddresses = nil, []net.IP{net.IPv4(127, 0, 0, 1)} })
	})
	get(t, named.client(true), "https://127.0.0.1/")
	if got, want := append(w.rules(2), named.rules(1)...), []string{"filter-inspected", "filter-tunnel", "filter-inspected"}; !slices.Equal(got, want) {
		t.Errorf("by %q, want %q", got, want)
	}
}

// What is in a tunnel to an inspected host and is not TLS, or TLS for something
// that is not HTTP, reaches the server as it is.
func TestNotHTTPS(t *testing.T) {
	w := newWorld(t, nil)
	w.siteWith("mail.test", http.NotFoundHandler(), func(c *tls.Config) { c.NextProtos = []string{"imap"} })
	c, _ := w.tunnel("mail.test:443")
	tc := tls.Client(c, &tls.Config{ServerName: "mail.test", RootCAs: pool(w.root), NextProtos: []string{"imap"}})
	if err := tc.Handshake(); err != nil {
		t.Error(err)
	}
	c.Close()
	w.site("www.test", http.NotFoundHandler())
	c, _ = w.tunnel("www.test:443")
	io.WriteString(c, "GET / HTTP/1.1\r\nHost: www.test\r\n\r\n")
	answer, _ := io.ReadAll(c)
	if !bytes.Contains(answer, []byte("HTTP request to an HTTPS server")) {
		t.Errorf("got %q", answer)
	}
}

// A request inside that names another server than the tunnel is misdirected, and
// reaches nobody; the ways to write the same server are all right.
func TestMisdirected(t *testing.T) {
	w := newWorld(t, nil)
	w.site("www.test", http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) { io.WriteString(rw, r.Host+r.URL.String()) }))
	for _, tt := range []struct {
		request string
		status  int
	}{
		{"GET /a HTTP/1.1\r\nHost: www.test\r\n", 200},
		{"GET /a HTTP/1.1\r\nHost: WWW.TEST:443\r\n", 200},
		{"GET /a HTTP/1.1\r\nHost: www.test.\r\n", 200},
		{"GET https://www.test/a HTTP/1.1\r\nHost: www.test\r\n", 200},
		{"GET https://www.test:443/a HTTP/1.1\r\nHost: www.test:443\r\n", 200},
		{"GET /a HTTP/1.1\r\nHost: other.test\r\n", 421},
		{"GET /a HTTP/1.1\r\nHost: www.test:8443\r\n", 421},
		{"GET /a HTTP/1.1\r\nHost: www.test.test\r\n", 421},
		{"GET https://other.test/a HTTP/1.1\r\nHost: other.test\r\n", 421},
		{"GET http://www.test/a HTTP/1.1\r\nHost: www.test\r\n", 421},
		{"GET http://127.0.0.1/a HTTP/1.1\r\nHost: www.test\r\n", 421},
		{"CONNECT www.test:443 HTTP/1.1\r\nHost: www.test:443\r\n", 421},
		{"CONNECT other.test:443 HTTP/1.1\r\nHost: other.test:443\r\n", 421},
		{"GET /a HTTP/1.1\r\nHost: [::1]\r\n", 421},
	} {
		tc := w.inside("www.test")
		io.WriteString(tc, tt.request+"Connection: close\r\n\r\n")
		resp, err := http.ReadResponse(bufio.NewReader(tc), nil)
		if err != nil {
			t.Fatalf("%q: %v", tt.request, err)
		}
		body, _ := io.ReadAll(resp.Body)
		if resp.StatusCode != tt.status || tt.status == 200 && string(body) != "www.test/a" {
			t.Errorf("%q: %s %q", tt.request, resp.Status, body)
		}
		if got := w.rules(2); tt.status == 421 && got[1] != "filter-misdirected" && got[1] != "bad-host" {
			t.Errorf("%q: by %q", tt.request, got)
		}
	}
}

// What could be read in two ways is refused inside a tunnel as outside of it.
func TestSmuggleInside(t *testing.T) {
	w := newWorld(t, nil)
	w.site("www.test", http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if body, err := io.ReadAll(r.Body); err == nil {
			t.Errorf("the server got %v with %q", r.Header, body)
		}
	}))
	for _, fields := range []string{
		"Content-Length: 4\r\nContent-Length: 5\r\n\r\nabcd",
		"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
		"Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n",
		"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
		"Transfer-Encoding: chunked\r\n\r\n 4\r\nabcd\r\n0\r\n\r\n",
		"Transfer-Encoding: chunked\r\n\r\n4;\nabcd\r\n0\r\n\r\n",
		"Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
		"Content-Length: +4\r\n\r\nabcd",
		"Host: other.test\r\n\r\n",
	} {
		tc := w.inside("www.test")
		io.WriteString(tc, "POST / HTTP/1.1\r\nHost: www.test\r\n"+fields)
		resp, err := http.ReadResponse(bufio.NewReader(tc), nil)
		if err != nil || resp.StatusCode < 400 || resp.StatusCode > 501 {
			t.Errorf("%q: %v %v", fields, resp, err)
		}
	}
}

// A WebSocket opens inside a tunnel as outside of it.
func TestWebSocketInside(t *testing.T) {
	w := newWorld(t, nil)
	w.site("www.test", http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Upgrade") != "websocket" {
			t.Errorf("the server got %v", r.Header)
		}
		rw.Header().Set("Upgrade", "websocket")
		rw.Header().Set("Connection", "Upgrade")
		rw.WriteHeader(http.StatusSwitchingProtocols)
		c, brw, err := http.NewResponseController(rw).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer c.Close()
		io.Copy(c, brw)
	}))
	tc := w.inside("www.test", "http/1.1")
	io.WriteString(tc, "GET /chat HTTP/1.1\r\nHost: www.test\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n")
	br := bufio.NewReader(tc)
	resp, err := http.ReadResponse(br, nil)
	if err != nil || resp.StatusCode != 101 {
		t.Fatal(resp, err)
	}
	for _, text := range []string{"one", "two"} {
		io.WriteString(tc, text)
		got := make([]byte, len(text))
		if _, err := io.ReadFull(br, got); err != nil || string(got) != text {
			t.Errorf("got %q, %v", got, err)
		}
	}
}

// A server that asks for a certificate of the client is left to the client.
func TestClientCertificate(t *testing.T) {
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		w := newWorld(t, nil)
		w.siteWith("www.test", http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			io.WriteString(rw, r.TLS.PeerCertificates[0].Subject.CommonName)
		}), func(c *tls.Config) { c.ClientAuth, c.MaxVersion = tls.RequireAnyClientCert, version })
		client := w.client(false)
		tr := client.Transport.(*http.Transport)
		tr.TLSClientConfig.RootCAs, tr.TLSClientConfig.Certificates = pool(w.root), []tls.Certificate{w.cert("ann", nil)}
		if _, body := get(t, client, "https://www.test/"); body != "ann" {
			t.Errorf("the server saw %q", body)
		}
		if got := w.rules(1)[0]; got != "filter-client-certificate" {
			t.Errorf("by %s", got)
		}
	}
}

// A client that refuses our certificate twice for a host is passed through to
// that host, and to no other, and only that client.
func TestPins(t *testing.T) {
	for name, refuse := range map[string]func(net.Conn) error{
		"unknown authority": func(c net.Conn) error {
			return tls.Client(c, &tls.Config{ServerName: "www.test", RootCAs: x509.NewCertPool()}).Handshake()
		},
		"pinned": func(c net.Conn) error {
			return tls.Client(c, &tls.Config{ServerName: "www.test", InsecureSkipVerify: true,
				VerifyConnection: func(tls.ConnectionState) error { return errors.New("not the one that I know") }}).Handshake()
		},
		"pinned, TLS 1.2": func(c net.Conn) error {
			return tls.Client(c, &tls.Config{ServerName: "www.test", InsecureSkipVerify: true, MaxVersion: tls.VersionTLS12,
				VerifyConnection: func(tls.ConnectionState) error { return errors.New("not the one that I know") }}).Handshake()
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, nil)
			for _, host := range []string{"www.test", "other.test"} {
				w.site(host, http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) { io.WriteString(rw, "the app's") }))
			}
			for i := range 2 {
				c, _ := w.tunnel("www.test:443")
				if err := refuse(c); err == nil {
					t.Fatal("the handshake was done")
				}
				c.Close()
				if got := w.rules(1)[0]; got != "filter-inspected" {
					t.Errorf("tunnel %d by %s", i, got)
				}
				if i == 0 {
					eventually(t, func() bool { return strings.Count(w.log.String(), "no handshake") == 1 })
				}
			}
			eventually(t, func() bool { return len(w.proxy.Pinned()) == 1 })
			p := w.proxy.Pinned()[0]
			if left := time.Until(p.Until); p.Host != "www.test" || p.Client.String() != "127.0.0.1" || left < 23*time.Hour || left > 24*time.Hour {
				t.Errorf("pinned: %+v", p)
			}
			plain := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
			if _, body := get(t, plain, "http://"+w.addr+"/"); !strings.Contains(body, "<li>www.test until ") || !strings.Contains(body, "/authority.crt") {
				t.Errorf("the page tells nothing of it: %s", body)
			}
			<-w.told
			client := w.client(false)
			client.Transport.(*http.Transport).TLSClientConfig.RootCAs = pool(w.root)
			if _, body := get(t, client, "https://www.test/"); body != "the app's" {
				t.Errorf("got %q", body)
			}
			if got := w.rules(1)[0]; got != "filter-pinned" {
				t.Errorf("by %s", got)
			}
			get(t, w.client(true), "https://other.test/")
			if got := w.rules(1)[0]; got != "filter-inspected" {
				t.Errorf("another host by %s", got)
			}
			if !w.proxy.Unpin(p.Client, p.Host) || len(w.proxy.Pinned()) != 0 {
				t.Error("still pinned")
			}
			get(t, w.client(true), "https://www.test/")
		})
	}
}

// A client that closes unused connections and makes requests over others has
// pinned nothing.
func TestUnusedAreNoPins(t *testing.T) {
	w := newWorld(t, nil)
	w.site("www.test", http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {}))
	get(t, w.client(true), "https://www.test/")
	for range 8 {
		w.inside("www.test").Close()
	}
	c := w.inside("www.test")
	if issuer := c.ConnectionState().PeerCertificates[0].Issuer.String(); issuer != w.ours.Certificate().Subject.String() {
		t.Errorf("the certificate is by %s", issuer)
	}
	if p := w.proxy.Pinned(); len(p) > 0 {
		t.Errorf("pinned: %v", p)
	}
}

// A browser that opens many tunnels has the server verified once.
func TestVerifiedOnce(t *testing.T) {
	w := newWorld(t, nil)
	w.site("www.test", http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {}))
	for range 5 {
		w.inside("www.test")
	}
	if _, n := w.places.get("www.test:443"); n != 1 {
		t.Errorf("%d connections", n)
	}
}

// A host whose certificate may not be signed is passed through.
func TestNoLeaf(t *testing.T) {
	w := newWorld(t, func(o *forward.Options) {
		o.Inspect.Leaf = func(string) (*tls.Certificate, error) { return nil, errors.New("not covered") }
	})
	w.site("www.test", http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {}))
	client := w.client(false)
	client.Transport.(*http.Transport).TLSClientConfig.RootCAs = pool(w.root)
	get(t, client, "https://www.test/")
	if got := w.rules(1)[0]; got != "filter-tunnel" {
		t.Errorf("by %s", got)
	}
}

// Tunnels that are inspected count like others, for as long as they are open.
func TestMaxTunnelsInspected(t *testing.T) {
	w := newWorld(t, func(o *forward.Options) { o.MaxTunnels = 1 })
	w.site("www.test", http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {}))
	c := w.inside("www.test")
	if _, head := w.tunnel("www.test:443"); !strings.HasPrefix(head, "HTTP/1.1 503 ") {
		t.Errorf("the second: %s", head)
	}
	c.Close()
	eventually(t, func() bool {
		c, head := w.tunnel("www.test:443")
		c.Close()
		return strings.HasPrefix(head, "HTTP/1.1 200 ")
	})
}

// A client that opens a tunnel and says nothing is let go of.
func TestSilentInside(t *testing.T) {
	w := newWorld(t, func(o *forward.Options) { o.ConnectTimeout = 2 * time.Second })
	w.site("www.test", http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {}))
	for _, begun := range []string{"", "\x16\x03\x01\x01\x00\x01\x00\x00\xfc\x03\x03"} {
		c, _ := w.tunnel("www.test:443")
		io.WriteString(c, begun)
		if n, err := io.Copy(io.Discard, c); n > 64 || err != nil && !strings.Contains(err.Error(), "reset") {
			t.Errorf("%q: %d bytes, %v", begun, n, err)
		}
	}
	if p := w.proxy.Pinned(); len(p) > 0 {
		t.Errorf("pinned: %v", p)
	}
}

// Hosts that are no hosts, and no authority, are faults.
func TestInspectionFaults(t *testing.T) {
	leaf := func(string) (*tls.Certificate, error) { return nil, nil }
	for _, tt := range []struct {
		o    forward.Inspection
		want string
	}{
		{forward.Inspection{Hosts: []string{"www.test"}}, "needs an authority"},
		{forward.Inspection{Hosts: []string{"https://www.test/"}, Leaf: leaf}, "is no host"},
		{forward.Inspection{Hosts: []string{"www.test:443"}, Leaf: leaf}, "is no host"},
		{forward.Inspection{Hosts: []string{"a.*.test"}, Leaf: leaf}, "is no host"},
		{forward.Inspection{Hosts: []string{"bücher.test"}, Leaf: leaf}, "xn--"},
		{forward.Inspection{PassThrough: []string{""}}, "is no host"},
		{forward.Inspection{MaxHandshakes: -1}, "negative"},
	} {
		if _, err := forward.New(forward.Options{Inspect: tt.o}); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%+v: %v", tt.o, err)
		}
	}
}

type inner chan httpd.Record

func (c inner) Record(r *httpd.Record) { c <- *r }

func pool(cert *x509.Certificate) *x509.CertPool {
	p := x509.NewCertPool()
	p.AddCert(cert)
	return p
}

// eventually waits for something that the proxy does by itself.
func eventually(t *testing.T, is func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !is(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("it did not happen")
		}
	}
}
