package guard_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"fmt"
	"math/big"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"freshet/internal/guard"
	"freshet/internal/rule"
	"freshet/internal/who"
)

// issuer signs certificates and lists, of any kind.
type issuer struct {
	t    *testing.T
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

var start = time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)

var serials int64

// make signs a certificate; parent nil: it vouches for itself.
func (parent *issuer) make(t *testing.T, name string, change func(*x509.Certificate)) *issuer {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	serials++
	c := &x509.Certificate{
		SerialNumber: big.NewInt(serials), Subject: pkix.Name{CommonName: name, Organization: []string{"Test"}},
		NotBefore: start.Add(-time.Hour), NotAfter: start.Add(24 * time.Hour),
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}
	if change != nil {
		change(c)
	}
	made := &issuer{t: t, key: key}
	signer, signed, public := key, c, any(&key.PublicKey)
	if parent != nil {
		signer, signed = parent.key, parent.cert
	}
	if c.PublicKey != nil {
		public = c.PublicKey
	}
	der, err := x509.CreateCertificate(rand.Reader, c, signed, public, signer)
	if err != nil {
		t.Fatal(err)
	}
	if made.cert, err = x509.ParseCertificate(der); err != nil {
		t.Fatal(err)
	}
	return made
}

func isCA(c *x509.Certificate) {
	c.IsCA, c.BasicConstraintsValid, c.ExtKeyUsage = true, true, nil
	c.KeyUsage = x509.KeyUsageCertSign | x509.KeyUsageCRLSign
}

// list signs a list of revoked certificates.
func (i *issuer) list(from, until time.Time, extra []pkix.Extension, revoked ...*issuer) []byte {
	i.t.Helper()
	l := &x509.RevocationList{Number: big.NewInt(1), ThisUpdate: from, NextUpdate: until, ExtraExtensions: extra}
	for _, r := range revoked {
		l.RevokedCertificateEntries = append(l.RevokedCertificateEntries, x509.RevocationListEntry{SerialNumber: r.cert.SerialNumber, RevocationTime: from})
	}
	der, err := x509.CreateRevocationList(rand.Reader, l, i.cert, i.key)
	if err != nil {
		i.t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "X509 CRL", Bytes: der})
}

func (i *issuer) pem() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: i.cert.Raw})
}

func write(t *testing.T, path string, parts ...[]byte) string {
	t.Helper()
	var all []byte
	for _, p := range parts {
		all = append(all, p...)
	}
	if err := os.WriteFile(path, all, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func chainOf(all ...*issuer) (certs []*x509.Certificate) {
	for _, i := range all {
		certs = append(certs, i.cert)
	}
	return certs
}

// TestJudge: who may pass, and by which rule the others may not.
func TestJudge(t *testing.T) {
	dir := t.TempDir()
	var none *issuer
	root := none.make(t, "root", isCA)
	between := root.make(t, "between", isCA)
	other := none.make(t, "other", isCA)
	sameName := none.make(t, "root", isCA)
	narrow := root.make(t, "narrow", func(c *x509.Certificate) {
		isCA(c)
		c.PermittedDNSDomainsCritical, c.PermittedDNSDomains = true, []string{"inside.example"}
	})
	notCA := root.make(t, "leaf that signs", nil)
	good, viaBetween := root.make(t, "good", nil), between.make(t, "via", nil)
	now := start
	trust, err := guard.OpenClientTrust(write(t, filepath.Join(dir, "ca.pem"), root.pem()), "", func() int64 { return now.UnixNano() }, func(err error) { t.Error(err) })
	if err != nil {
		t.Fatal(err)
	}
	short, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	ended := between.make(t, "ended authority", func(c *x509.Certificate) { isCA(c); c.NotAfter = start.Add(-time.Minute) })
	for _, tt := range []struct {
		name  string
		shown []*x509.Certificate
		want  rule.ID
	}{
		{"good", chainOf(good), 0},
		{"by one between", chainOf(viaBetween, between), 0},
		{"with the root, and others", chainOf(viaBetween, other, root, between), 0},
		{"any use", chainOf(root.make(t, "any", func(c *x509.Certificate) { c.ExtKeyUsage = nil })), 0},
		{"none", nil, rule.ClientCertificateMissing},
		{"one between is missing", chainOf(viaBetween), rule.ClientCertificateUntrusted},
		{"another authority", chainOf(other.make(t, "x", nil), other), rule.ClientCertificateUntrusted},
		{"an authority of the same name", chainOf(sameName.make(t, "x", nil), sameName), rule.ClientCertificateUntrusted},
		{"self-signed", chainOf(none.make(t, "good", nil)), rule.ClientCertificateUntrusted},
		{"signed by what is no authority", chainOf(notCA.make(t, "x", nil), notCA), rule.ClientCertificateUntrusted},
		{"a server's", chainOf(root.make(t, "x", func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth} })), rule.ClientCertificatePurpose},
		{"an authority for servers", chainOf(root.make(t, "servers", func(c *x509.Certificate) {
			isCA(c)
			c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
		})), rule.ClientCertificatePurpose},
		{"ended", chainOf(root.make(t, "x", func(c *x509.Certificate) { c.NotAfter = start.Add(-time.Second) })), rule.ClientCertificateExpired},
		{"not yet valid", chainOf(root.make(t, "x", func(c *x509.Certificate) { c.NotBefore = start.Add(time.Second) })), rule.ClientCertificateExpired},
		{"its authority has ended", chainOf(ended.make(t, "x", nil), ended, between), rule.ClientCertificateExpired},
		{"permitted names", chainOf(narrow.make(t, "x", func(c *x509.Certificate) { c.DNSNames = []string{"a.inside.example"} }), narrow), 0},
		{"names outside of what is permitted", chainOf(narrow.make(t, "x", func(c *x509.Certificate) { c.DNSNames = []string{"a.outside.example"} }), narrow), rule.ClientCertificateUntrusted},
		{"a short key", chainOf(root.make(t, "x", func(c *x509.Certificate) { c.PublicKey = &short.PublicKey })), rule.ClientCertificateUntrusted},
	} {
		for range 2 { // made, and remembered
			chain, got := trust.Judge(tt.shown)
			if got != tt.want || (chain != nil) != (got == 0) {
				t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
			}
			if chain != nil && !chain.Certificates[len(chain.Certificates)-1].Equal(root.cert) {
				t.Errorf("%s: the chain ends elsewhere", tt.name)
			}
		}
	}
	now = now.Add(25 * time.Hour)
	if _, got := trust.Judge(chainOf(good)); got != rule.ClientCertificateExpired {
		t.Errorf("remembered after its end: %q", got)
	}
	now = start
	write(t, filepath.Join(dir, "ca.pem"), other.pem(), other.pem())
	now = now.Add(2 * time.Second)
	if _, got := trust.Judge(chainOf(good)); got != rule.ClientCertificateUntrusted {
		t.Errorf("when the authority was taken out of the file: %q", got)
	}
}

// TestRevocations: lists, old, forged, missing, and exchanged while they are used.
func TestRevocations(t *testing.T) {
	dir := t.TempDir()
	var none *issuer
	root := none.make(t, "root", isCA)
	between := root.make(t, "between", isCA)
	forger := none.make(t, "root", isCA)
	good, bad := root.make(t, "good", nil), root.make(t, "bad", nil)
	via := between.make(t, "via", nil)
	ca, crl := write(t, filepath.Join(dir, "ca.pem"), root.pem()), filepath.Join(dir, "crl.pem")
	day := start.Add(24 * time.Hour)
	current, empty := root.list(start, day, nil, bad), root.list(start, day, nil)
	now := start
	var told []string
	open := func() (*guard.ClientTrust, error) {
		return guard.OpenClientTrust(ca, crl, func() int64 { return now.UnixNano() }, func(err error) { told = append(told, err.Error()) })
	}
	critical := func(id ...int) []pkix.Extension {
		return []pkix.Extension{{Id: id, Critical: true, Value: []byte{0x30, 0}}}
	}
	for name, parts := range map[string][][]byte{
		"is not signed by":                        {forger.list(start, day, nil, bad)},
		"critical extension 2.5.29.28":            {root.list(start, day, critical(2, 5, 29, 28), bad)},
		"critical extension 2.5.29.27":            {root.list(start, day, critical(2, 5, 29, 27), bad)},
		"there is no list in it":                  {root.pem(), []byte("-----BEGIN X-----\n-----END X-----\n")},
		"read the revocations of clients: " + crl: {[]byte("no list")},
	} {
		write(t, crl, parts...)
		if _, err := open(); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
	der, _ := pem.Decode(current)
	write(t, crl, der.Bytes)
	if _, err := open(); err != nil {
		t.Errorf("DER: %v", err)
	}
	write(t, crl, current)
	trust, err := open()
	if err != nil {
		t.Fatal(err)
	}
	expect := func(what string, shown []*x509.Certificate, want rule.ID) {
		t.Helper()
		if _, got := trust.Judge(shown); got != want {
			t.Errorf("%s: %q, want %q", what, got, want)
		}
	}
	put := func(parts ...[]byte) {
		write(t, crl, parts...)
		now = now.Add(time.Second)
	}
	expect("good", chainOf(good), 0)
	expect("revoked", chainOf(bad), rule.ClientCertificateRevoked)
	expect("an authority without a list", chainOf(via, between), rule.ClientRevocationUnknown)
	if len(told) != 1 || !strings.Contains(told[0], "has no list that is signed by CN=between") {
		t.Errorf("told %q", told)
	}
	put(current, between.list(start, day, nil))
	expect("with both lists", chainOf(via, between), 0)
	put(root.list(start, day, nil, between), between.list(start, day, nil))
	expect("its authority was revoked", chainOf(via, between), rule.ClientCertificateRevoked)
	put(root.list(start, day, nil, good))
	expect("revoked since it was found good", chainOf(good), rule.ClientCertificateRevoked)
	put(current, root.list(start.Add(time.Minute), day, nil))
	expect("the newer list counts", chainOf(bad), rule.ClientRevocationUnknown) // it begins later
	now = start.Add(time.Hour)
	expect("the newer list counts, now that it holds", chainOf(bad), 0)
	put(empty)
	told = nil
	put([]byte("cut off"))
	expect("a list that cannot be read leaves the last", chainOf(bad), 0)
	if len(told) != 1 || !strings.Contains(told[0], crl) {
		t.Errorf("told %q", told)
	}
	told = nil
	put(root.list(start, start.Add(2*time.Hour), nil, bad))
	expect("good again", chainOf(good), 0)
	now = start.Add(2 * time.Hour)
	for range 3 {
		expect("an old list", chainOf(good), rule.ClientRevocationUnknown)
	}
	expect("revoked by an old list", chainOf(bad), rule.ClientCertificateRevoked)
	if len(told) != 1 || !strings.Contains(told[0], crl+": the list of CN=root,O=Test has ended at 2030-01-01T02:00:00Z; put a newer one there") {
		t.Errorf("told %q", told)
	}
	now = now.Add(time.Minute)
	expect("a minute later", chainOf(good), rule.ClientRevocationUnknown)
	if len(told) != 2 {
		t.Errorf("told %d times, want once a minute", len(told))
	}
}

// TestMissingCloses: who could not be asked for a certificate on this connection is
// asked on the next.
func TestMissingCloses(t *testing.T) {
	var none *issuer
	root := none.make(t, "root", isCA)
	trust, err := guard.OpenClientTrust(write(t, filepath.Join(t.TempDir(), "ca.pem"), root.pem()), "", func() int64 { return start.UnixNano() }, func(err error) { t.Error(err) })
	if err != nil {
		t.Fatal(err)
	}
	g := &guard.ClientCertificate{Trust: trust}
	for _, tt := range []struct {
		shown []*x509.Certificate
		major int
		want  string
	}{{nil, 1, "close"}, {nil, 2, "close"}, {nil, 3, ""}, {chainOf(root.make(t, "ann", nil)), 1, ""}, {chainOf(none.make(t, "x", nil)), 1, ""}} {
		r := httptest.NewRequest("GET", "https://x/", nil)
		r.TLS, r.ProtoMajor = &tls.ConnectionState{PeerCertificates: tt.shown}, tt.major
		w := httptest.NewRecorder()
		guard.Handler(http.NotFoundHandler(), g).ServeHTTP(w, r)
		if got := w.Header().Get("Connection"); got != tt.want {
			t.Errorf("HTTP/%d, %d certificates: Connection %q, want %q", tt.major, len(tt.shown), got, tt.want)
		}
	}
}

// TestClientCertificate: what goes on.
func TestClientCertificate(t *testing.T) {
	dir := t.TempDir()
	var none *issuer
	root := none.make(t, "root", isCA)
	ann := root.make(t, "ann", func(c *x509.Certificate) { c.EmailAddresses = []string{"ann@example.org"} })
	nameless := root.make(t, "", func(c *x509.Certificate) { c.Subject = pkix.Name{} })
	twoNames := root.make(t, "", func(c *x509.Certificate) {
		name := func(value string, id ...int) pkix.RelativeDistinguishedNameSET {
			return pkix.RelativeDistinguishedNameSET{{Type: id, Value: value}}
		}
		raw, err := asn1.Marshal(pkix.RDNSequence{name("X", 2, 5, 4, 10), name("mallory", 2, 5, 4, 3), name("ann", 2, 5, 4, 3)})
		if err != nil {
			t.Fatal(err)
		}
		c.RawSubject = raw
	})
	stranger := none.make(t, "ann", nil)
	trust, err := guard.OpenClientTrust(write(t, filepath.Join(dir, "ca.pem"), root.pem()), "", func() int64 { return start.UnixNano() }, func(err error) { t.Error(err) })
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name     string
		optional bool
		user     guard.UserName
		shown    []*x509.Certificate
		plain    bool
		refused  rule.ID
		says     string // name, number of certificates, fields
	}{
		{"no user", false, guard.UserNone, chainOf(ann), false, 0, `"" 2 1 1 []`},
		{"common name", false, guard.UserCommon, chainOf(ann), false, 0, `"ann" 2 1 1 [ann]`},
		{"subject", false, guard.UserSubject, chainOf(ann), false, 0, `"CN=ann,O=Test" 2 1 1 [CN=ann,O=Test]`},
		{"email", false, guard.UserEmail, chainOf(ann), false, 0, `"ann@example.org" 2 1 1 [ann@example.org]`},
		{"two common names", false, guard.UserCommon, chainOf(twoNames), false, rule.ClientCertificateName, ""},
		{"subject with two", false, guard.UserSubject, chainOf(twoNames), false, 0, `"CN=ann,CN=mallory,O=X" 2 1 1 [CN=ann,CN=mallory,O=X]`},
		{"no such name", false, guard.UserCommon, chainOf(nameless), false, rule.ClientCertificateName, ""},
		{"none needed, none there", true, guard.UserCommon, nil, false, 0, "nobody"},
		{"none needed, a bad one", true, guard.UserCommon, chainOf(stranger), false, rule.ClientCertificateUntrusted, ""},
		{"needed, none there", false, guard.UserCommon, nil, false, rule.ClientCertificateMissing, ""},
		{"without TLS", false, guard.UserCommon, nil, true, rule.ClientCertificateMissing, ""},
	} {
		r := httptest.NewRequest("GET", "https://x/", nil)
		r.TLS = &tls.ConnectionState{PeerCertificates: tt.shown}
		if tt.plain {
			r.TLS = nil
		}
		g := &guard.ClientCertificate{Trust: trust, Optional: tt.optional, User: tt.user}
		on, refused := g.Check(nil, r)
		explained, e := g.Why(r)
		if refused != tt.refused || e.Rule != refused || (explained == nil) != (refused != 0) {
			t.Errorf("%s: %q, %q in its explanation; want %q", tt.name, refused, e.Rule, tt.refused)
		}
		if refused != 0 {
			continue
		}
		says := "nobody"
		if w, chain := who.Of(on), who.Certificate(on); w != nil && chain != nil && w.Certificate == chain.Certificates[0] && w.Method == "Certificate" {
			says = fmt.Sprintf("%q %d %d %d %v", w.Name, len(chain.Certificates), len(on.Header["Client-Cert"]), len(on.Header["Client-Cert-Chain"]), on.Header["Remote-User"])
		}
		if says != tt.says {
			t.Errorf("%s: %s, want %s", tt.name, says, tt.says)
		}
		if len(r.Header) > 0 {
			t.Errorf("%s: the fields of the request before it are %v", tt.name, r.Header)
		}
	}
}
