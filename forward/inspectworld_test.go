package forward_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"freshet/forward"
	"freshet/httpd"
	"freshet/internal/authority"
	"freshet/internal/outbound"
)

// world is a web of servers by name, an authority that the proxy trusts, one
// that its clients trust, and the proxy.
type world struct {
	t      testing.TB
	root   *x509.Certificate // of the web
	key    *ecdsa.PrivateKey
	ours   *authority.Authority
	places places
	told   rules // records of tunnels and of what is inside
	log    logged
	proxy  *forward.Handler
	addr   string
}

// places are where names lead to, and how often.
type places struct {
	mu    sync.Mutex
	at    map[string]string // host:port to address
	dials map[string]int
}

func (p *places) set(hostport, addr string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.at[hostport] = addr
}

func (p *places) dial(hostport string) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.dials[hostport]++
	return p.at[hostport]
}

func (p *places) get(hostport string) (addr string, dials int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.at[hostport], p.dials[hostport]
}

// logged is a log that tests read.
type logged struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logged) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logged) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func newWorld(t testing.TB, change func(*forward.Options)) *world {
	t.Helper()
	w := &world{t: t, places: places{at: map[string]string{}, dials: map[string]int{}}, told: make(rules, 1<<16)}
	w.root, w.key = newRoot(t)
	var err error
	if w.ours, err = authority.Create(filepath.Join(t.TempDir(), "authority"), authority.Options{}); err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(w.root)
	dial := func(ctx context.Context, network, hostport string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "tcp", w.places.dial(hostport))
	}
	transport := &outbound.Transport{Dial: dial, TLS: &tls.Config{RootCAs: pool}, HTTP2: true}
	t.Cleanup(transport.CloseIdleConnections)
	o := forward.Options{
		Transport: transport,
		Dial:      func(ctx context.Context, hostport string) (net.Conn, error) { return dial(ctx, "tcp", hostport) },
		Roots:     pool,
		ErrorLog:  slog.New(slog.NewTextHandler(&w.log, nil)),
		Inspect:   forward.Inspection{Hosts: []string{"*"}, Leaf: w.ours.Leaf, Certificate: w.ours.PEM(), Engine: &httpd.Server{Sink: w.told}},
	}
	if change != nil {
		change(&o)
	}
	w.addr, w.proxy = w.serve(o)
	return w
}

func (w *world) serve(o forward.Options) (string, *forward.Handler) {
	w.t.Helper()
	h, err := forward.New(o)
	if err != nil {
		w.t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		w.t.Fatal(err)
	}
	srv := &httpd.Server{Handler: h, Sink: w.told}
	done := make(chan struct{})
	go func() { defer close(done); srv.Serve(l) }()
	w.t.Cleanup(func() { srv.Close(); <-done; h.Close() })
	return l.Addr().String(), h
}

func newRoot(t testing.TB) (*x509.Certificate, *ecdsa.PrivateKey) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "the web"}, NotBefore: time.Now().Add(-time.Hour),
		NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}
	return signed(t, template, template, key, key), key
}

func signed(t testing.TB, template, by *x509.Certificate, key, byKey *ecdsa.PrivateKey) *x509.Certificate {
	t.Helper()
	der, err := x509.CreateCertificate(rand.Reader, template, by, &key.PublicKey, byKey)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return cert
}

// cert returns a certificate of the web's authority for a name.
func (w *world) cert(name string, change func(*x509.Certificate)) tls.Certificate {
	w.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		w.t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: name}, DNSNames: []string{name}, NotBefore: time.Now().Add(-time.Hour),
		NotAfter: time.Now().Add(time.Hour), KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}}
	if change != nil {
		change(template)
	}
	return tls.Certificate{Certificate: [][]byte{signed(w.t, template, w.root, key, w.key).Raw}, PrivateKey: key}
}

// site serves a handler over TLS for a name, on port 443 as far as the proxy
// knows.
func (w *world) site(name string, h http.Handler) { w.siteWith(name, h, nil) }

func (w *world) siteWith(name string, h http.Handler, change func(*tls.Config)) {
	w.t.Helper()
	config := &tls.Config{Certificates: []tls.Certificate{w.cert(name, nil)}}
	if change != nil {
		change(config)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		w.t.Fatal(err)
	}
	srv := &http.Server{Handler: h, TLSConfig: config, ErrorLog: slog.NewLogLogger(slog.DiscardHandler, 0)}
	done := make(chan struct{})
	go func() { defer close(done); srv.ServeTLS(l, "", "") }()
	w.t.Cleanup(func() { srv.Close(); <-done })
	w.places.set(net.JoinHostPort(name, "443"), l.Addr().String())
}

// client returns a client that uses the proxy and trusts its authority; it
// speaks HTTP/2 if asked for.
func (w *world) client(h2 bool) *http.Client {
	tr := &http.Transport{
		Proxy:             http.ProxyURL(&url.URL{Scheme: "http", Host: w.addr}),
		TLSClientConfig:   &tls.Config{RootCAs: w.ours.Pool()},
		ForceAttemptHTTP2: h2,
	}
	if !h2 {
		tr.TLSClientConfig.NextProtos = []string{"http/1.1"}
	}
	w.t.Cleanup(tr.CloseIdleConnections)
	return &http.Client{Transport: tr}
}

// tunnel opens a tunnel and returns it with the answer of the proxy.
func (w *world) tunnel(hostport string) (net.Conn, string) {
	w.t.Helper()
	c, err := net.Dial("tcp", w.addr)
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { c.Close() })
	c.SetDeadline(time.Now().Add(time.Minute))
	if _, err := c.Write([]byte("CONNECT " + hostport + " HTTP/1.1\r\nHost: " + hostport + "\r\n\r\n")); err != nil {
		w.t.Fatal(err)
	}
	var head []byte
	one := make([]byte, 1)
	for !bytes.HasSuffix(head, []byte("\r\n\r\n")) {
		if _, err := c.Read(one); err != nil {
			w.t.Fatalf("after %q: %v", head, err)
		}
		head = append(head, one...)
	}
	return c, string(head)
}

// inside opens an inspected tunnel and does the handshake.
func (w *world) inside(host string, protocols ...string) *tls.Conn {
	w.t.Helper()
	c, head := w.tunnel(host + ":443")
	if !strings.HasPrefix(head, "HTTP/1.1 200 ") {
		w.t.Fatalf("the tunnel: %s", head)
	}
	tc := tls.Client(c, &tls.Config{ServerName: host, RootCAs: w.ours.Pool(), NextProtos: protocols})
	if err := tc.Handshake(); err != nil {
		w.t.Fatal(err)
	}
	return tc
}

// rules returns the next n rules that were recorded.
func (w *world) rules(n int) (all []string) {
	w.t.Helper()
	for range n {
		select {
		case r := <-w.told:
			all = append(all, r)
		case <-time.After(time.Minute):
			w.t.Fatalf("only %q", all)
		}
	}
	return all
}
