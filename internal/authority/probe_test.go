package authority

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"errors"
	"math/big"
	"net"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf8"

	"freshet/internal/wiretest"
)

// peer is a TLS server that ends with the test.
func peer(t testing.TB, config *tls.Config) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	all.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			all.Go(func() {
				defer c.Close()
				c.SetDeadline(time.Now().Add(time.Minute))
				s := tls.Server(c, config)
				if s.Handshake() == nil {
					s.Read(make([]byte, 1))
				}
			})
		}
	})
	t.Cleanup(func() {
		l.Close()
		all.Wait()
	})
	return l.Addr().String()
}

func probed(t *testing.T, address string, o ProbeOptions) *Peer {
	t.Helper()
	p, err := Probe(t.Context(), address, o)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func (p *Peer) ids() []string {
	ids := []string{}
	for _, w := range p.Weaknesses {
		ids = append(ids, w.ID)
	}
	return ids
}

func leafFor(t *testing.T, a *Authority, names ...string) tls.Certificate {
	t.Helper()
	p, err := a.Cert(names, CertOptions{})
	if err != nil {
		t.Fatal(err)
	}
	c, err := tls.X509KeyPair(p.Cert, p.Key)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestProbeGood(t *testing.T) {
	a := made(t, Options{})
	addr := peer(t, &tls.Config{GetCertificate: a.GetCertificate("127.0.0.1"), NextProtos: []string{"h2", "http/1.1"}})
	p := probed(t, addr, ProbeOptions{Roots: a.Pool(), ServerName: "www.test"})
	if !p.Verified || !p.NameMatches || !p.InTime || len(p.Chain) != 2 {
		t.Errorf("%s", p.Text())
	}
	if ids := p.ids(); !slices.Equal(ids, []string{"expires-soon"}) && len(ids) != 0 {
		t.Errorf("weaknesses: %v", ids)
	}
	if p.Chosen.Name != "TLS 1.3" || !strings.HasPrefix(p.Chosen.Suite, "TLS_") || p.Chosen.Group == "" || p.Chosen.ALPN != "h2" {
		t.Errorf("%+v", p.Chosen)
	}
	accepted := []bool{}
	for _, v := range p.Versions {
		accepted = append(accepted, v.Accepted)
	}
	if !slices.Equal(accepted, []bool{true, true, false, false}) || p.Weak != nil {
		t.Errorf("%v %+v", accepted, p.Weak)
	}
	if c := p.Chain[0]; c.Key != "ECDSA P-256" || c.Names[0] != "www.test" || c.DaysLeft != 6 || c.Authority {
		t.Errorf("%+v", c)
	}
	// An address is verified as one.
	if p := probed(t, addr, ProbeOptions{Roots: a.Pool()}); !p.Verified || p.ServerName != "127.0.0.1" {
		t.Errorf("%s", p.Text())
	}
	text, err := p.JSON()
	var again Peer
	if err != nil || json.Unmarshal(text, &again) != nil || again.Chain[0].SHA256 != p.Chain[0].SHA256 {
		t.Errorf("%v %s", err, text)
	}
}

func TestProbeWeaknesses(t *testing.T) {
	a := made(t, Options{})
	other := made(t, Options{Name: "another"})
	good := leafFor(t, a, "127.0.0.1", "www.test")
	now := time.Now()
	tests := []struct {
		name   string
		config *tls.Config
		o      ProbeOptions
		want   []string // all that are not the rest of another
	}{
		{"old versions", &tls.Config{Certificates: []tls.Certificate{good}, MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS12}, ProbeOptions{},
			[]string{"old-version", "old-version", "no-tls13"}},
		{"only old", &tls.Config{Certificates: []tls.Certificate{good}, MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS10}, ProbeOptions{},
			[]string{"old-version", "no-tls13"}},
		{"name", &tls.Config{Certificates: []tls.Certificate{good}}, ProbeOptions{ServerName: "other.test"}, []string{"name-mismatch"}},
		{"authority that was sent", &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{good.Certificate[0], a.cert.Raw}, PrivateKey: good.PrivateKey}}}, ProbeOptions{Roots: other.Pool()},
			[]string{"unknown-authority"}},
		{"intermediate", &tls.Config{Certificates: []tls.Certificate{good}}, ProbeOptions{Roots: other.Pool()}, []string{"missing-intermediate"}},
		{"itself", &tls.Config{Certificates: []tls.Certificate{signed(t, &x509.Certificate{IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}}, nil, nil)}}, ProbeOptions{}, []string{"self-signed"}},
		{"no names", &tls.Config{Certificates: []tls.Certificate{signed(t, &x509.Certificate{Subject: pkix.Name{CommonName: "127.0.0.1"}}, a, nil)}}, ProbeOptions{}, []string{"no-alternative-name"}},
		{"expired", &tls.Config{Certificates: []tls.Certificate{good}}, ProbeOptions{Now: func() time.Time { return now.Add(400 * day) }}, []string{"expired"}},
		{"expired before its issuer was made", &tls.Config{Certificates: []tls.Certificate{signed(t, &x509.Certificate{IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, NotBefore: now.Add(-40 * day), NotAfter: now.Add(-10 * day)}, a, nil)}}, ProbeOptions{}, []string{"expired"}},
		{"expired, of somebody else", &tls.Config{Certificates: []tls.Certificate{good}}, ProbeOptions{Roots: other.Pool(), Now: func() time.Time { return now.Add(400 * day) }}, []string{"expired", "missing-intermediate"}},
		{"soon", &tls.Config{Certificates: []tls.Certificate{good}}, ProbeOptions{Now: func() time.Time { return now.Add(390 * day) }}, []string{"expires-soon"}},
		{"early", &tls.Config{Certificates: []tls.Certificate{good}}, ProbeOptions{Now: func() time.Time { return now.Add(-20 * day) }}, []string{"not-yet-valid"}},
		{"long", &tls.Config{Certificates: []tls.Certificate{signed(t, &x509.Certificate{IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, NotAfter: now.Add(1000 * day)}, a, nil)}}, ProbeOptions{}, []string{"long-life"}},
		{"needless", &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{good.Certificate[0], a.cert.Raw, other.cert.Raw}, PrivateKey: good.PrivateKey}}}, ProbeOptions{}, []string{"needless-certificates"}},
		{"order", &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{good.Certificate[0], other.cert.Raw, a.cert.Raw}, PrivateKey: good.PrivateKey}}}, ProbeOptions{}, []string{"wrong-order"}},
		{"must staple", &tls.Config{Certificates: []tls.Certificate{signed(t, &x509.Certificate{IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
			ExtraExtensions: []pkix.Extension{{Id: oidFeature, Value: []byte{0x30, 3, 2, 1, 5}}}}, a, nil)}}, ProbeOptions{}, []string{"no-staple"}},
		{"short", &tls.Config{Certificates: []tls.Certificate{signed(t, &x509.Certificate{IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}}, a, rsaKey(t, 1024))}}, ProbeOptions{}, []string{"short-key"}},
		{"weak suites", &tls.Config{Certificates: []tls.Certificate{signed(t, &x509.Certificate{IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, KeyUsage: x509.KeyUsageKeyEncipherment | x509.KeyUsageDigitalSignature}, a, rsaKey(t, 2048))},
			CipherSuites: []uint16{tls.TLS_RSA_WITH_AES_128_CBC_SHA}, MaxVersion: tls.VersionTLS12}, ProbeOptions{}, []string{"no-usual-client", "no-tls13", "weak-cipher"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if tt.o.Roots == nil {
				tt.o.Roots = a.Pool()
			}
			p := probed(t, peer(t, tt.config), tt.o)
			if got := p.ids(); !slices.Equal(got, tt.want) {
				t.Errorf("%v, want %v\n%s", got, tt.want, p.Text())
			}
			for _, w := range p.Weaknesses {
				if w.Text == "" || w.Remedy == "" || strings.HasSuffix(w.Text, ".") || !strings.Contains(p.Text(), w.Text) {
					t.Errorf("%+v", w)
				}
			}
		})
	}
}

// TestProbeAges: the age of a certificate is the same in each line.
func TestProbeAges(t *testing.T) {
	a := made(t, Options{})
	good := leafFor(t, a, "127.0.0.1")
	ends := good.Leaf.NotAfter
	for after, want := range map[time.Duration]string{
		30 * time.Second: "30 seconds ago", 90 * time.Minute: "1 hour ago", 23 * time.Hour: "23 hours ago", 36 * time.Hour: "1 day ago", 10*day + time.Hour: "10 days ago",
		-30 * time.Second: "30 seconds", -time.Minute: "1 minute", -36 * time.Hour: "1 day", -10*day - time.Hour: "10 days",
	} {
		p := probed(t, peer(t, &tls.Config{Certificates: []tls.Certificate{good}}), ProbeOptions{Roots: a.Pool(), Now: func() time.Time { return ends.Add(after) }})
		lines := []string{"expired " + want, "expired on " + ends.Format(time.DateOnly) + ", " + want}
		if after < 0 {
			lines = []string{want + " left", "expires on " + ends.Format(time.DateOnly) + ", in " + want}
		}
		for _, line := range lines {
			if !strings.Contains(p.Text(), line+"\n") && !strings.Contains(p.Text(), line+" (") {
				t.Errorf("%v: no %q in\n%s", after, line, p.Text())
			}
		}
	}
}

func rsaKey(t *testing.T, bits int) *rsa.PrivateKey {
	t.Helper()
	t.Setenv("GODEBUG", "rsa1024min=0")
	key, err := rsa.GenerateKey(rand.Reader, bits)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// signed makes what this package would not sign.
func signed(t *testing.T, template *x509.Certificate, by *Authority, with *rsa.PrivateKey) tls.Certificate {
	t.Helper()
	own, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template.SerialNumber = big.NewInt(7)
	if template.NotBefore.IsZero() {
		template.NotBefore = time.Now().Add(-time.Hour)
	}
	if template.NotAfter.IsZero() {
		template.NotAfter = time.Now().Add(100 * day)
	}
	parent, signer := template, own
	if by != nil {
		parent, signer = by.cert, by.key
	}
	var public, private any = &own.PublicKey, own
	if with != nil {
		public, private = &with.PublicKey, with
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, public, signer)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: private}
}

func TestProbeClientCertificate(t *testing.T) {
	a := made(t, Options{})
	good := leafFor(t, a, "127.0.0.1")
	p := probed(t, peer(t, &tls.Config{Certificates: []tls.Certificate{good}, ClientAuth: tls.RequireAnyClientCert}), ProbeOptions{Roots: a.Pool()})
	if !p.ClientCert || !p.Verified || !strings.Contains(p.Text(), "asks for a certificate of the client") {
		t.Errorf("%s", p.Text())
	}
}

func TestProbeTimestampsAndStaple(t *testing.T) {
	a := made(t, Options{})
	good := leafFor(t, a, "127.0.0.1")
	good.SignedCertificateTimestamps = [][]byte{{1}, {2}, {3}}
	good.OCSPStaple = []byte("nonsense")
	p := probed(t, peer(t, &tls.Config{Certificates: []tls.Certificate{good}}), ProbeOptions{Roots: a.Pool()})
	if p.SCTs != 3 || p.OCSP == nil || p.OCSP.Status != "unreadable" || !slices.Contains(p.ids(), "bad-staple") {
		t.Errorf("%s", p.Text())
	}
}

func TestProbeFails(t *testing.T) {
	l, err := net.Listen("tcp", wiretest.Reserve(t)) // which nobody else gets once it is closed
	if err != nil {
		t.Fatal(err)
	}
	var done sync.WaitGroup
	done.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			c.Write([]byte("HTTP/1.1 400 Bad Request\r\n\r\n"))
			c.Close()
		}
	})
	if _, err := Probe(t.Context(), l.Addr().String(), ProbeOptions{}); err == nil || !strings.Contains(err.Error(), "does not speak TLS") {
		t.Errorf("%v", err)
	}
	l.Close()
	done.Wait()
	if _, err := Probe(t.Context(), l.Addr().String(), ProbeOptions{}); err == nil || !strings.Contains(err.Error(), "connect to") {
		t.Errorf("%v", err)
	}
	if _, err := Probe(t.Context(), "nowhere", ProbeOptions{}); err == nil {
		t.Error("no port")
	}
	silent := func(context.Context, string, string) (net.Conn, error) { return nil, errors.New("no route") }
	if _, err := Probe(t.Context(), "a.test:443", ProbeOptions{Dial: silent}); err == nil || !strings.Contains(err.Error(), "no route") {
		t.Errorf("%v", err)
	}
}

// What certificates say is not obeyed by the terminal that shows it.
func TestProbeIsPlain(t *testing.T) {
	c := signed(t, &x509.Certificate{Subject: pkix.Name{CommonName: "a\x1b[2Jb\n\u202ec"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}}, nil, nil)
	p := probed(t, peer(t, &tls.Config{Certificates: []tls.Certificate{c}}), ProbeOptions{})
	text, err := p.JSON()
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range []string{p.Text(), string(text)} {
		if strings.ContainsAny(s, "\x1b\u202e") || !utf8.ValidString(s) {
			t.Errorf("%q", s)
		}
	}
}

func TestEmbeddedTimestamps(t *testing.T) {
	for value, want := range map[string]int{
		"\x04\x0a\x00\x08\x00\x02ab\x00\x02cd": 2,
		"\x04\x06\x00\x04\x00\x02ab":           1,
		"\x04\x06\x00\x04\x00\xffab":           0,
		"\x04\x02\x00\x00":                     0,
		"\x04\x01\x00":                         0,
		"":                                     0,
	} {
		c := &x509.Certificate{Extensions: []pkix.Extension{{Id: oidSCTs, Value: []byte(value)}}}
		if got := embeddedSCTs(c); got != want {
			t.Errorf("%x: %d, want %d", value, got, want)
		}
	}
}

// The answers were made by OpenSSL 3.0.
func TestStaple(t *testing.T) {
	for _, status := range []string{"good", "revoked"} {
		der, err := os.ReadFile("testdata/ocsp-" + status + ".der")
		if err != nil {
			t.Fatal(err)
		}
		if s := parseStaple(der); s.Status != status || s.NextUpdate.Sub(s.ThisUpdate) != 3*day {
			t.Errorf("%+v", s)
		}
	}
}

func FuzzStaple(f *testing.F) {
	f.Add([]byte{0x30, 3, 0x0a, 1, 6})
	for _, status := range []string{"good", "revoked"} {
		der, err := os.ReadFile("testdata/ocsp-" + status + ".der")
		if err != nil {
			f.Fatal(err)
		}
		f.Add(der)
	}
	f.Fuzz(func(t *testing.T, der []byte) {
		if s := parseStaple(der); s.Bytes != len(der) || s.Status == "" {
			t.Errorf("%+v", s)
		}
	})
}

func TestTrustText(t *testing.T) {
	a := made(t, Options{Name: "it's mine"})
	text := a.TrustText()
	for _, part := range []string{"update-ca-certificates", "update-ca-trust", "security add-trusted-cert", "certutil -user -addstore Root", "certutil -d sql:", "Firefox", Fingerprint(a.cert), a.File(), `'it'\''s mine `} {
		if !strings.Contains(text, part) {
			t.Errorf("no %q in\n%s", part, text)
		}
	}
	for in, want := range map[string]string{"/a/b.crt": "/a/b.crt", "/a b": "'/a b'", "$x": "'$x'", "": "''", "a'b": `'a'\''b'`} {
		if got := shellQuoted(in); got != want {
			t.Errorf("%q: %s", in, got)
		}
	}
}
