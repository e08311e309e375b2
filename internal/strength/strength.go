// Package strength decides what is too weak to be used: keys that can be broken,
// and signatures of certificates that can be forged. It does so for all that
// reads keys and certificates: servers, clients, mail, signatures of messages.
// What a message is signed or encrypted with is not its business.
//
//	if r := strength.Certificate(c); r != nil {
//		return fmt.Errorf("site.pem: %w", r)
//	}
//
// Each refusal says what to use in its place.
package strength

import (
	"bytes"
	"crypto"
	//lint:ignore SA1019 to know its keys, and to refuse them
	"crypto/dsa"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"fmt"
)

// The least bits that a key has to have: what has fewer can be broken.
const (
	LeastRSA   = 2048
	LeastCurve = 256
)

// What to do about what is refused.
const (
	NewKey   = "make a new key: ECDSA on P-256, or RSA of 2048 bits or more"
	SignAnew = "have the certificate signed with SHA-256 or better"
)

// oldDSA refuses keys of DSA.
func oldDSA() *Refusal { return &Refusal{Why: "is DSA, which is not used any more", Remedy: NewKey} }

// A Refusal is why something is not used.
type Refusal struct {
	Signed bool   // it is about how a certificate is signed, and not about a key
	Why    string // "is RSA 1024, which is too short"
	Remedy string // "make a new key: …"
}

// Error implements error.
func (r *Refusal) Error() string {
	about := "its key "
	if r.Signed {
		about = "it "
	}
	return about + r.Why + "; " + r.Remedy
}

// Kind returns what a public key is, and its size in bits where there is a choice;
// "" when it is not known.
func Kind(public crypto.PublicKey) (string, int) {
	switch k := public.(type) {
	case *rsa.PublicKey:
		return fmt.Sprintf("RSA %d", k.N.BitLen()), k.N.BitLen()
	case *ecdsa.PublicKey:
		return "ECDSA " + k.Curve.Params().Name, k.Curve.Params().BitSize
	case ed25519.PublicKey:
		return "Ed25519", 256
	case *dsa.PublicKey:
		return "DSA", 0
	}
	return "", 0
}

// KindOf is Kind of a certificate's key, with what x509 knows about others.
func KindOf(c *x509.Certificate) (string, int) {
	if kind, bits := Kind(c.PublicKey); kind != "" {
		return kind, bits
	}
	return c.PublicKeyAlgorithm.String(), 0
}

// Key says why a key is not used, public or private; nil when it may be.
func Key(key any) *Refusal {
	if s, ok := key.(crypto.Signer); ok {
		key = s.Public()
	}
	kind, bits := Kind(key)
	switch key.(type) {
	case *dsa.PublicKey:
		return oldDSA()
	case *rsa.PublicKey:
		if bits >= LeastRSA {
			return nil
		}
	case *ecdsa.PublicKey:
		if bits >= LeastCurve {
			return nil
		}
	default:
		return nil
	}
	return &Refusal{Why: "is " + kind + ", which is too short", Remedy: NewKey}
}

// Forgeable reports whether certificates can be forged that are signed so.
func Forgeable(a x509.SignatureAlgorithm) bool {
	switch a {
	case x509.SHA1WithRSA, x509.ECDSAWithSHA1, x509.DSAWithSHA1, x509.MD5WithRSA, x509.MD2WithRSA:
		return true
	}
	return false
}

// Certificate says why a certificate is not used: its key, or how somebody has
// signed it. What it says of itself, as roots do, is believed for another reason,
// so that its own signature does not count.
func Certificate(c *x509.Certificate) *Refusal {
	if r := Key(c.PublicKey); r != nil {
		return r
	}
	if Forgeable(c.SignatureAlgorithm) && !SelfSigned(c) {
		return &Refusal{true, fmt.Sprintf("is signed with %s, which can be forged", c.SignatureAlgorithm), SignAnew}
	}
	return nil
}

// Chains says why none of the chains that a verifier has found is used, each from
// who is asked about to a root; nil when one is. A root's own signature does not
// count, its key does.
func Chains(chains [][]*x509.Certificate) (who *x509.Certificate, r *Refusal) {
	for _, chain := range chains {
		bad, why := chainRefused(chain)
		if why == nil {
			return nil, nil
		}
		if r == nil {
			who, r = bad, why
		}
	}
	return who, r
}

func chainRefused(chain []*x509.Certificate) (*x509.Certificate, *Refusal) {
	for i, c := range chain {
		r := Key(c.PublicKey)
		if i < len(chain)-1 && r == nil {
			r = Certificate(c)
		}
		if r != nil {
			return c, r
		}
	}
	return nil, nil
}

// SelfSigned reports whether a certificate vouches for itself.
func SelfSigned(c *x509.Certificate) bool {
	return bytes.Equal(c.RawSubject, c.RawIssuer) && SignedBy(c, c)
}

// SignedBy reports whether one signed the other, by whichever algorithm, where
// that can be found out; what is too weak to be looked at counts as signed.
func SignedBy(c, by *x509.Certificate) bool {
	err := by.CheckSignature(c.SignatureAlgorithm, c.RawTBSCertificate, c.Signature)
	if _, insecure := err.(x509.InsecureAlgorithmError); insecure {
		return true
	}
	return err == nil
}

// PEM says what is refused in a text of PEM blocks: keys, and certificates,
// of which the error names the subject. What cannot be read is for who reads it.
func PEM(text []byte) error {
	for {
		var block *pem.Block
		if block, text = pem.Decode(text); block == nil {
			return nil
		}
		if block.Type == "CERTIFICATE" {
			if c, err := x509.ParseCertificate(block.Bytes); err == nil {
				if r := Certificate(c); r != nil {
					return fmt.Errorf("the certificate of %q: %w", c.Subject, r)
				}
			}
			continue
		}
		if r := Block(block); r != nil {
			return r
		}
	}
}

// Roots says what is refused in a text of PEM blocks with the certificates of
// authorities, whose own signatures do not count.
func Roots(text []byte) error {
	for {
		var block *pem.Block
		if block, text = pem.Decode(text); block == nil {
			return nil
		}
		if block.Type != "CERTIFICATE" {
			continue
		}
		c, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			continue
		}
		if err := Root(c); err != nil {
			return err
		}
	}
}

// Root says why the certificate of an authority is not trusted.
func Root(c *x509.Certificate) error {
	if r := Key(c.PublicKey); r != nil {
		return fmt.Errorf("the authority %q: %w", c.Subject, r)
	}
	return nil
}

// oidDSA is that of keys (RFC 3279 §2.3.2).
var oidDSA = asn1.ObjectIdentifier{1, 2, 840, 10040, 4, 1}

// Block says why the key in a PEM block is not used. The standard library does not
// read private keys of DSA, so that they are known by their label here.
func Block(b *pem.Block) *Refusal {
	switch b.Type {
	case "DSA PRIVATE KEY", "DSA PUBLIC KEY":
		return oldDSA()
	case "PRIVATE KEY":
		return PKCS8(b.Bytes)
	case "PUBLIC KEY":
		if key, err := x509.ParsePKIXPublicKey(b.Bytes); err == nil {
			return Key(key)
		}
	case "RSA PRIVATE KEY":
		if key, err := x509.ParsePKCS1PrivateKey(b.Bytes); err == nil {
			return Key(key)
		}
	case "EC PRIVATE KEY":
		if key, err := x509.ParseECPrivateKey(b.Bytes); err == nil {
			return Key(key)
		}
	}
	return nil
}

// PKCS8 says why a private key in PKCS #8 (RFC 5208 §5) is not used.
func PKCS8(der []byte) *Refusal {
	if key, err := x509.ParsePKCS8PrivateKey(der); err == nil {
		return Key(key)
	}
	var head struct {
		Version   int
		Algorithm pkix.AlgorithmIdentifier
		Key       []byte
	}
	if _, err := asn1.Unmarshal(der, &head); err == nil && head.Algorithm.Algorithm.Equal(oidDSA) {
		return oldDSA()
	}
	return nil
}
