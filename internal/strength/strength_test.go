package strength_test

import (
	"crypto"
	//lint:ignore SA1019 what is to be refused
	"crypto/dsa"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"math/big"
	"strings"
	"testing"
	"time"

	"freshet/internal/strength"
)

func rsaKey(t *testing.T, bits int) *rsa.PrivateKey {
	t.Helper()
	k, err := rsa.GenerateKey(rand.Reader, bits)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func curveKey(t *testing.T, c elliptic.Curve) *ecdsa.PrivateKey {
	t.Helper()
	k, err := ecdsa.GenerateKey(c, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func TestKey(t *testing.T) {
	for _, tt := range []struct {
		key  any
		want string // "": it may be used
	}{
		{rsaKey(t, 2048), ""},
		{&rsaKey(t, 2048).PublicKey, ""},
		{rsaKey(t, 2047), "its key is RSA 2047, which is too short; make a new key: ECDSA on P-256"},
		{&rsaKey(t, 1024).PublicKey, "its key is RSA 1024, which is too short"},
		{curveKey(t, elliptic.P224()), "its key is ECDSA P-224, which is too short"},
		{curveKey(t, elliptic.P256()), ""},
		{&curveKey(t, elliptic.P521()).PublicKey, ""},
		{ed25519.PublicKey(make([]byte, 32)), ""},
		{&dsa.PublicKey{}, "its key is DSA, which is not used any more; make a new key: ECDSA on P-256"},
		{"no key", ""},
	} {
		got := ""
		if r := strength.Key(tt.key); r != nil {
			got = r.Error()
		}
		if !strings.HasPrefix(got, tt.want) || (got == "") != (tt.want == "") {
			t.Errorf("%T: %q, want %q", tt.key, got, tt.want)
		}
	}
}

// issued makes a certificate for a key, signed by another, or by itself.
func issued(t *testing.T, name string, public crypto.PublicKey, by *x509.Certificate, signer crypto.Signer, how ...x509.SignatureAlgorithm) *x509.Certificate {
	t.Helper()
	c := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, NotBefore: time.Unix(0, 0), NotAfter: time.Unix(1<<31, 0),
		IsCA: true, BasicConstraintsValid: true,
	}
	if len(how) > 0 {
		c.SignatureAlgorithm = how[0]
	}
	if by == nil {
		by = c
	}
	der, err := x509.CreateCertificate(rand.Reader, c, by, public, signer)
	if err == nil {
		c, err = x509.ParseCertificate(der)
	}
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestChains(t *testing.T) {
	key, short := curveKey(t, elliptic.P256()), curveKey(t, elliptic.P224())
	root := issued(t, "root", key.Public(), nil, key)
	weakRoot := issued(t, "weak root", short.Public(), nil, short)
	between := issued(t, "between", key.Public(), root, key)
	leaf := issued(t, "leaf", key.Public(), between, key)
	sha1 := issued(t, "between", key.Public(), root, key, x509.ECDSAWithSHA1)
	rootBySHA1 := issued(t, "root", key.Public(), nil, key, x509.ECDSAWithSHA1)
	good := []*x509.Certificate{leaf, between, root}
	for _, tt := range []struct {
		name   string
		chains [][]*x509.Certificate
		who    string // "": nobody is refused
	}{
		{"good", [][]*x509.Certificate{good}, ""},
		{"none", nil, ""},
		{"a root that is signed by SHA-1", [][]*x509.Certificate{{leaf, between, rootBySHA1}}, ""},
		{"a root alone", [][]*x509.Certificate{{rootBySHA1}}, ""},
		{"what is trusted itself", [][]*x509.Certificate{{sha1}}, ""},
		{"one between that is signed by SHA-1", [][]*x509.Certificate{{leaf, sha1, root}}, "between"},
		{"a root whose key is short", [][]*x509.Certificate{{leaf, weakRoot}}, "weak root"},
		{"one of two", [][]*x509.Certificate{{leaf, weakRoot}, good}, ""},
		{"both", [][]*x509.Certificate{{leaf, sha1, root}, {leaf, weakRoot}}, "between"},
	} {
		who, r := strength.Chains(tt.chains)
		if (r == nil) != (tt.who == "") || r != nil && who.Subject.CommonName != tt.who {
			t.Errorf("%s: %v, %v", tt.name, who, r)
		}
	}
	if r := strength.Certificate(sha1); r == nil || r.Error() != "it is signed with ECDSA-SHA1, which can be forged; have the certificate signed with SHA-256 or better" {
		t.Error(r)
	}
	if r := strength.Certificate(rootBySHA1); r != nil {
		t.Errorf("one that vouches for itself: %v", r)
	}
}

func TestPEM(t *testing.T) {
	block := func(kind string, der []byte, err error) string {
		if err != nil {
			t.Fatal(err)
		}
		return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
	}
	of := func(key any) string {
		der, err := x509.MarshalPKCS8PrivateKey(key)
		return block("PRIVATE KEY", der, err)
	}
	short, fine := rsaKey(t, 1024), curveKey(t, elliptic.P256())
	spki, err := x509.MarshalPKIXPublicKey(&short.PublicKey)
	certificate := block("CERTIFICATE", issued(t, "short", &short.PublicKey, nil, short).Raw, nil)
	sec1, sec1Err := x509.MarshalECPrivateKey(curveKey(t, elliptic.P224()))
	for name, tt := range map[string]struct{ text, want string }{
		"nothing":          {"", ""},
		"a good key":       {of(fine), ""},
		"PKCS 8":           {of(short), "its key is RSA 1024"},
		"behind another":   {of(fine) + of(short), "its key is RSA 1024"},
		"PKCS 1":           {block("RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(short), nil), "its key is RSA 1024"},
		"SEC 1":            {block("EC PRIVATE KEY", sec1, sec1Err), "its key is ECDSA P-224"},
		"public":           {block("PUBLIC KEY", spki, err), "its key is RSA 1024"},
		"a certificate":    {certificate, `the certificate of "CN=short": its key is RSA 1024`},
		"DSA":              {block("DSA PRIVATE KEY", nil, nil), "its key is DSA"},
		"DSA, PKCS 8":      {dsaKey, "its key is DSA, which is not used any more; make a new key: "},
		"what is not read": {block("PRIVATE KEY", []byte("x"), nil) + block("CERTIFICATE", nil, nil), ""},
	} {
		err := strength.PEM([]byte(tt.text))
		if got := new(strength.Refusal); tt.want != "" && (err == nil || !strings.HasPrefix(err.Error(), tt.want) || !errors.As(err, &got)) || tt.want == "" && err != nil {
			t.Errorf("%s: %v, want %q", name, err, tt.want)
		}
	}
	if err := strength.Roots([]byte(of(short) + certificate)); err == nil || !strings.HasPrefix(err.Error(), `the authority "CN=short": its key is RSA 1024`) {
		t.Errorf("roots: %v", err)
	}
}

// dsaKey is by "openssl genpkey -paramfile FILE", of 1024 bits. Nobody uses it.
const dsaKey = `-----BEGIN PRIVATE KEY-----
MIIBWgIBADCCATMGByqGSM44BAEwggEmAoGBAOCrQYWH9zdmReyOZd0KkAIaTwxt
9wwaUr6DhS/Tfn6dL8bT4efNg4WH7kii3VRAzFqAG0ih19mo741ATbU3qAJHo3Ar
VkW2Wa3Fk/3zSbMVy0AsCsLwhojvYl+KfxNeCGsvD4Php9+zgt1mQNdw68EVUbUa
EgPG8NUZEQTAukGfAh0A6g6umPPEUaoWSq8Gq0x97JlJ9dhbKZA9A+s0mQKBgGdz
BqxikxYPBOUD1LmtO2yEL9uKRztw/lGEE16qIZCJjzuWI6/980jXnk8Z13WlmNx6
cQNOIQoV84ifRhbEVKIwdqAUkH/DnyOqlCWPMCbCM1eJxWEqZRRdggFgMUyu0nyj
bCt+JBv0rCYrFSYWJAXRjsDDquDzsARUvKaU6kvXBB4CHCkGpyoTXKXzHMV6fTAr
crNIBNVwWmhUruUJUuM=
-----END PRIVATE KEY-----
`
