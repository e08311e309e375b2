package smime

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	_ "crypto/sha256" // what digests names
	_ "crypto/sha512"
	"crypto/x509"
	"encoding/asn1"
	"errors"
	"fmt"

	"freshet/internal/strength"
)

// A digest is one that may sign.
type digest struct {
	name string // as micalg has it (RFC 8551 §3.5.3.2)
	hash crypto.Hash
	id   asn1.ObjectIdentifier
	rsa  asn1.ObjectIdentifier // with RSASSA-PKCS1-v1_5
	ec   asn1.ObjectIdentifier // with ECDSA
}

var digests = []digest{
	{"sha-256", crypto.SHA256, oidSHA256, oidRSASHA256, oidECSHA256},
	{"sha-384", crypto.SHA384, oidSHA384, oidRSASHA384, oidECSHA384},
	{"sha-512", crypto.SHA512, oidSHA512, oidRSASHA512, oidECSHA512},
}

// DigestNames are the digests that there are to sign with.
func DigestNames() []string {
	var names []string
	for _, d := range digests {
		names = append(names, d.name)
	}
	return names
}

const signAnew = "have it signed anew with SHA-256 or better, by an RSA key of 2048 bits or more, ECDSA or Ed25519"

func digestByID(a algorithm) (*digest, *Problem) {
	for i := range digests {
		if d := &digests[i]; a.id.Equal(d.id) && a.plain() {
			return d, nil
		}
	}
	if isWeak(a.id) {
		return nil, problem("weak-digest", signAnew, "it is signed with the digest %s, which can be forged or is too short", nameOf(a.id))
	}
	return nil, problem("unknown-digest", "have it signed with SHA-256, SHA-384 or SHA-512", "it is signed with a digest that is not known here: %s", nameOf(a.id))
}

// digestFor is what a key signs with when nothing is said: as strong as the key
// is, and SHA-512 for Ed25519 (RFC 8419 §3).
func digestFor(key crypto.PublicKey) *digest {
	switch k := key.(type) {
	case *ecdsa.PublicKey:
		if k.Curve == elliptic.P384() {
			return &digests[1]
		}
		if k.Curve == elliptic.P521() {
			return &digests[2]
		}
	case ed25519.PublicKey:
		return &digests[2]
	}
	return &digests[0]
}

// chooseDigest returns the digest of that name, the key's own for "".
func chooseDigest(name string, key crypto.PublicKey) (*digest, error) {
	own := digestFor(key)
	_, edwards := key.(ed25519.PublicKey)
	for i := range digests {
		switch d := &digests[i]; {
		case name != "" && name != d.name:
		case name == "":
			return own, nil
		case edwards && d != own:
			return nil, errors.New("Ed25519 goes with sha-512 only (RFC 8419); leave the digest out")
		default:
			return d, nil
		}
	}
	return nil, fmt.Errorf("%q is no digest; there are sha-256, sha-384 and sha-512", name)
}

// signature signs a text with a key.
func signature(key crypto.Signer, d *digest, text []byte) (alg, sig []byte, err error) {
	var id asn1.ObjectIdentifier
	var params []byte
	opts := crypto.SignerOpts(d.hash)
	switch key.Public().(type) {
	case *rsa.PublicKey:
		id, params = d.rsa, derNull
	case *ecdsa.PublicKey:
		id = d.ec
	case ed25519.PublicKey:
		id, opts = oidEd25519, crypto.Hash(0)
	default:
		return nil, nil, fmt.Errorf("a key of type %T cannot sign here; use RSA, ECDSA or Ed25519", key.Public())
	}
	if opts.HashFunc() != 0 {
		h := d.hash.New()
		h.Write(text)
		text = h.Sum(nil)
	}
	sig, err = key.Sign(rand.Reader, text, opts)
	return derAlgorithm(id, params), sig, err
}

// checkSignature says what is wrong with a signature, nil when it is right.
func checkSignature(c *x509.Certificate, a algorithm, d *digest, text, sig []byte) *Problem {
	if isWeak(a.id) {
		return problem("weak-signature", signAnew, "it is signed with %s, which can be forged or is too short", nameOf(a.id))
	}
	h := d.hash.New()
	h.Write(text)
	sum := h.Sum(nil)
	other := problem("bad-signature", "have it sent again; if it is no mistake, somebody has changed it", "the signature is not of the key in the certificate")
	unknown := problem("unknown-signature", signAnew, "it is signed in a way that is not known here, or does not go with its digest or key: %s with %s", nameOf(a.id), d.name)
	switch key := c.PublicKey.(type) {
	case *rsa.PublicKey:
		var err error
		switch {
		case (a.id.Equal(oidRSA) || a.id.Equal(d.rsa)) && a.plain():
			err = rsa.VerifyPKCS1v15(key, d.hash, sum, sig)
		case a.id.Equal(oidPSS):
			salt, ok := pssSalt(a.params, d)
			if !ok {
				return unknown
			}
			err = rsa.VerifyPSS(key, d.hash, sum, sig, &rsa.PSSOptions{SaltLength: salt, Hash: d.hash})
		default:
			return unknown
		}
		if err != nil {
			return other
		}
	case *ecdsa.PublicKey:
		// Some senders name the key in the place of the algorithm.
		switch {
		case !a.id.Equal(d.ec) && !a.id.Equal(oidEC):
			return unknown
		case !ecdsa.VerifyASN1(key, sum, sig):
			return other
		}
	case ed25519.PublicKey:
		switch {
		case !a.id.Equal(oidEd25519) || len(a.params) > 0:
			return unknown
		case !ed25519.Verify(key, text, sig):
			return other
		}
	default:
		return unknown
	}
	return nil
}

// pssSalt reads RSASSA-PSS-params (RFC 4056 §2.2): the digest has to be that of
// the message, twice; without parameters it would be SHA-1.
func pssSalt(params []byte, d *digest) (length int, ok bool) {
	all := cursor{rest: params}
	c := all.in(tagSequence)
	hash := c.in(context(0))
	mask := c.in(context(1))
	inner := mask.algorithm()
	masked := cursor{rest: inner.params}
	one, two := hash.algorithm(), masked.algorithm()
	length = 20
	if c.peek() == context(2) {
		salt := c.in(context(2))
		length = salt.integer()
		c.bad = c.bad || salt.err() != nil
	}
	if c.peek() == context(3) {
		trailer := c.in(context(3))
		c.bad = c.bad || trailer.integer() != 1 || trailer.err() != nil
	}
	for _, each := range []*cursor{&all, c, hash, mask, &masked} {
		if each.err() != nil {
			return 0, false
		}
	}
	return length, inner.id.Equal(oidMGF1) && one.id.Equal(d.id) && two.id.Equal(d.id) && one.plain() && two.plain() && length >= 0 && length <= 512
}

// weakKey says what is wrong with the key of a certificate.
func weakKey(c *x509.Certificate) *Problem {
	if r := strength.Key(c.PublicKey); r != nil {
		return problem("weak-key", r.Remedy, "the key of %s %s", subjectOf(c), r.Why)
	}
	return nil
}

// weak says what is wrong with a certificate that is to be used: its key, or how it
// is signed by somebody else.
func weak(c *x509.Certificate) *Problem {
	r := strength.Certificate(c)
	if r == nil || !r.Signed {
		return weakKey(c)
	}
	return problem("weak-certificate", r.Remedy, "the certificate of %s %s", subjectOf(c), r.Why)
}
