package guard

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"testing"
	"time"

	"freshet/internal/rule"
)

// signedBy makes a certificate of an authority; parent nil: it vouches for itself.
func signedBy(t *testing.T, name string, until time.Time, parent *x509.Certificate, by *ecdsa.PrivateKey) (*x509.Certificate, *ecdsa.PrivateKey) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name}, NotBefore: time.Unix(0, 0), NotAfter: until,
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign}
	if parent == nil {
		parent, by = c, key
	}
	der, err := x509.CreateCertificate(rand.Reader, c, parent, &key.PublicKey, by)
	if err != nil {
		t.Fatal(err)
	}
	if c, err = x509.ParseCertificate(der); err != nil {
		t.Fatal(err)
	}
	return c, key
}

// TestRefusalsAreRemembered: what is refused costs one verification a minute, and a
// list is hashed once for each authority. What is remembered is looked for by
// changing it: a verification would say something else.
func TestRefusalsAreRemembered(t *testing.T) {
	now := time.Unix(1_900_000_000, 0)
	end := now.Add(24 * time.Hour)
	root, key := signedBy(t, "root", end, nil, nil)
	stranger, _ := signedBy(t, "stranger", end, nil, nil)
	good, _ := signedBy(t, "good", end, root, key)
	ca := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: root.Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	trust, err := OpenClientTrust(ca, "", func() int64 { return now.UnixNano() }, func(err error) { t.Error(err) })
	if err != nil {
		t.Fatal(err)
	}
	expect := func(what string, want rule.ID, shown ...*x509.Certificate) {
		t.Helper()
		if _, got := trust.Judge(shown); got != want {
			t.Errorf("%s: %q, want %q", what, got, want)
		}
	}
	expect("refused", rule.ClientCertificateUntrusted, stranger)
	k := trust.known.Load()
	for name, v := range k.bad {
		v.refused = rule.ClientCertificatePurpose
		k.bad[name] = v
	}
	now = now.Add(refusedFor - 1)
	expect("refused again", rule.ClientCertificatePurpose, stranger)
	now = now.Add(1)
	expect("a minute later", rule.ClientCertificateUntrusted, stranger)
	now = now.Add(-time.Hour)
	expect("with a clock that was set back", rule.ClientCertificateUntrusted, stranger)

	shown := []*x509.Certificate{good}
	for range maxBetween {
		shown = append(shown, stranger)
	}
	expect("8 between", 0, shown...)
	expect("9 between", rule.ClientCertificateUntrusted, append(shown, stranger)...)
	for i := range maxKnown {
		k.bad[[32]byte{byte(i), byte(i >> 8), 1}] = judgement{}
	}
	expect("one more refusal than there is room for", rule.ClientCertificateUntrusted, stranger, stranger)
	if len(k.bad) != 1 || len(k.good) != 1 {
		t.Errorf("%d refusals and %d good ones are remembered", len(k.bad), len(k.good))
	}
}

// TestListIsCheckedOnce: who has signed a list is found out when it is read.
func TestListIsCheckedOnce(t *testing.T) {
	now := time.Unix(1_900_000_000, 0)
	root, key := signedBy(t, "root", now.Add(time.Hour), nil, nil)
	der, err := x509.CreateRevocationList(rand.Reader, &x509.RevocationList{Number: big.NewInt(1), ThisUpdate: now, NextUpdate: now.Add(time.Hour)}, root, key)
	if err != nil {
		t.Fatal(err)
	}
	l, err := parseList(der, []*x509.Certificate{root})
	if err != nil {
		t.Fatal(err)
	}
	l.Signature = nil // nobody can check it any more
	if !l.isOf(root) {
		t.Error("the list is checked anew")
	}
	forger, _ := signedBy(t, "root", now.Add(time.Hour), nil, nil)
	for range 2 { // looked at, and remembered
		if l.isOf(forger) {
			t.Error("another authority of that name has signed it")
		}
	}
}
