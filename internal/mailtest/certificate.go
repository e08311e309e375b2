package mailtest

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// An Authority signs certificates for a test.
type Authority struct {
	t    testing.TB
	Cert *x509.Certificate
	key  *ecdsa.PrivateKey
	next int64
}

// NewAuthority makes one.
func NewAuthority(t testing.TB) *Authority {
	t.Helper()
	a := &Authority{t: t, next: 2}
	a.key = newKey(t)
	now := time.Now()
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "root of a test"}, NotBefore: now.Add(-time.Hour), NotAfter: now.AddDate(1, 0, 0),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign}
	a.Cert = create(t, template, template, a.key.Public(), a.key)
	return a
}

// Pool has its certificate.
func (a *Authority) Pool() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(a.Cert)
	return pool
}

// Server makes a certificate for a host or an address, good until a time.
func (a *Authority) Server(host string, until time.Time) tls.Certificate {
	a.t.Helper()
	template := a.template(until)
	template.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	if ip := net.ParseIP(host); ip != nil {
		template.IPAddresses = []net.IP{ip}
	} else {
		template.DNSNames = []string{host}
	}
	key := newKey(a.t)
	cert := create(a.t, template, a.Cert, key.Public(), a.key)
	return tls.Certificate{Certificate: [][]byte{cert.Raw}, PrivateKey: key, Leaf: cert}
}

// Person makes a certificate for mail.
func (a *Authority) Person(address string) (*x509.Certificate, crypto.Signer) {
	a.t.Helper()
	template := a.template(time.Now().AddDate(0, 6, 0))
	template.EmailAddresses, template.ExtKeyUsage = []string{address}, []x509.ExtKeyUsage{x509.ExtKeyUsageEmailProtection}
	template.KeyUsage = x509.KeyUsageDigitalSignature | x509.KeyUsageKeyAgreement
	key := newKey(a.t)
	return create(a.t, template, a.Cert, key.Public(), a.key), key
}

func (a *Authority) template(until time.Time) *x509.Certificate {
	a.next++
	from := until.AddDate(0, 0, -90)
	if now := time.Now().Add(-time.Hour); from.After(now) {
		from = now
	}
	return &x509.Certificate{SerialNumber: big.NewInt(a.next), Subject: pkix.Name{CommonName: "a test"}, NotBefore: from, NotAfter: until, KeyUsage: x509.KeyUsageDigitalSignature}
}

func newKey(t testing.TB) *ecdsa.PrivateKey {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func create(t testing.TB, template, parent *x509.Certificate, public any, key *ecdsa.PrivateKey) *x509.Certificate {
	der, err := x509.CreateCertificate(rand.Reader, template, parent, public, key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return cert
}

// Write writes PEM into a folder, for its owner alone: certificates, or a key.
func Write(t testing.TB, dir, name string, what ...any) string {
	t.Helper()
	var text []byte
	for _, one := range what {
		block := &pem.Block{Type: "CERTIFICATE"}
		switch one := one.(type) {
		case *x509.Certificate:
			block.Bytes = one.Raw
		case string:
			text = append(text, one...)
			continue
		default:
			der, err := x509.MarshalPKCS8PrivateKey(one)
			if err != nil {
				t.Fatal(err)
			}
			block.Type, block.Bytes = "PRIVATE KEY", der
		}
		text = append(text, pem.EncodeToMemory(block)...)
	}
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// Offers is a configuration with a certificate.
func Offers(cert tls.Certificate) *tls.Config {
	return &tls.Config{Certificates: []tls.Certificate{cert}}
}
