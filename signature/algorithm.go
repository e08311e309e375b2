package signature

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"errors"
	"fmt"
	"strings"

	"freshet/internal/strength"
)

// Algorithm is a way to sign (RFC 9421 §3.3, §6.2.2).
type Algorithm uint8

// The algorithms. RSAv15 (rsa-v1_5-sha256) is verified, for signers that have
// nothing newer, and never used to sign: rsa-pss-sha512 takes the same keys and
// has a proof. ECDSAP384 is there because whole organizations are bound to that
// curve, and costs nothing. The JOSE algorithms of RFC 9421 §3.3.7 have no names
// that a signature could state, and are left out.
const (
	Unknown Algorithm = iota
	Ed25519
	ECDSAP256
	ECDSAP384
	RSAPSS
	RSAv15
	HMAC
	algorithms // how many there are
)

var algorithmNames = [algorithms]string{
	Ed25519: "ed25519", ECDSAP256: "ecdsa-p256-sha256", ECDSAP384: "ecdsa-p384-sha384",
	RSAPSS: "rsa-pss-sha512", RSAv15: "rsa-v1_5-sha256", HMAC: "hmac-sha256",
}

// String returns the registered name; "" of Unknown.
func (a Algorithm) String() string {
	if a >= algorithms {
		return ""
	}
	return algorithmNames[a]
}

// Named returns the algorithm with a registered name, or Unknown.
func Named(name string) Algorithm {
	for a := Ed25519; a < algorithms; a++ {
		if algorithmNames[a] == name {
			return a
		}
	}
	return Unknown
}

// Limits of keys.
const (
	// MinSecret is how long the secret of hmac-sha256 has to be, in bytes: as
	// long as what it makes (RFC 2104 §3).
	MinSecret = 32
	// MinRSA and MaxRSA are how many bits an RSA key has: fewer can be broken,
	// more take a server too long for whoever sends any signature.
	MinRSA, MaxRSA = strength.LeastRSA, 8192
)

// successor is what to use in place of a key that can be broken, or is of a kind
// that nothing here is signed with.
const successor = "make a new key: Ed25519 (openssl genpkey -algorithm ed25519 -out FILE)"

// Key is a key of one algorithm, for verifying and, if it has a private part,
// for signing. It does not change, and may be used by several goroutines.
type Key struct {
	id        string
	algorithm Algorithm
	ed        ed25519.PublicKey
	ec        *ecdsa.PublicKey
	rsa       *rsa.PublicKey
	secret    []byte
	signer    crypto.Signer // nil: only for verifying
}

// NewKey returns a key. id is what a signature says in keyid. key is a
// [crypto.PublicKey] of the standard library, a [crypto.Signer] with such a
// public key, or, for HMAC alone, a secret of type []byte. The error says why a
// key does not fit its algorithm, or is too weak.
func NewKey(id string, a Algorithm, key any) (*Key, error) {
	k := &Key{id: id, algorithm: a}
	if !printable(id) {
		return nil, fmt.Errorf("signature: the id %q of a key has what a string of a field cannot have", id)
	}
	if secret, ok := key.([]byte); ok {
		return k.withSecret(secret)
	}
	public := key
	if s, ok := key.(crypto.Signer); ok {
		k.signer = s
		public = s.Public()
	}
	if r := strength.Key(public); r != nil {
		return nil, fmt.Errorf("signature: key %q %s; %s", id, r.Why, successor)
	}
	ok := false
	switch p := public.(type) {
	case ed25519.PublicKey:
		k.ed, ok = p, a == Ed25519 && len(p) == ed25519.PublicKeySize
	case *ecdsa.PublicKey:
		k.ec = p
		ok = a == ECDSAP256 && p.Curve == elliptic.P256() || a == ECDSAP384 && p.Curve == elliptic.P384()
	case *rsa.PublicKey:
		if n := p.N.BitLen(); n > MaxRSA {
			return nil, fmt.Errorf("signature: key %q has %d bits; RSA keys have %d to %d", id, n, MinRSA, MaxRSA)
		}
		k.rsa, ok = p, a == RSAPSS || a == RSAv15
	}
	if !ok {
		return nil, unfit(id, a, public)
	}
	return k, nil
}

// unfit is about a key that is strong, and not one for the algorithm.
func unfit(id string, a Algorithm, public any) error {
	if kind, _ := strength.Kind(public); kind != "" {
		return fmt.Errorf("signature: key %q is %s, which is not one for %s; give one that is, or %s", id, kind, a, successor)
	}
	return fmt.Errorf("signature: key %q, a %T, is not one for %s; %s", id, public, a, successor)
}

// withSecret makes a key of a secret. One that is the text of a key file is a
// mistake that would let everybody sign who has read that file, which of a
// public key is everybody.
func (k *Key) withSecret(secret []byte) (*Key, error) {
	switch {
	case k.algorithm != HMAC:
		return nil, fmt.Errorf("signature: key %q is a secret, which is not one for %s", k.id, k.algorithm)
	case len(secret) < MinSecret:
		return nil, fmt.Errorf("signature: the secret of key %q has %d bytes; it needs %d", k.id, len(secret), MinSecret)
	case strings.Contains(string(secret), "-----BEGIN"):
		return nil, fmt.Errorf("signature: the secret of key %q is the text of a key file; a secret is known to two sides alone", k.id)
	}
	k.secret = append([]byte(nil), secret...)
	return k, nil
}

// ID is what signatures say in keyid.
func (k *Key) ID() string { return k.id }

// Algorithm is the one that the key is of.
func (k *Key) Algorithm() Algorithm { return k.algorithm }

// CanSign reports whether the key can sign.
func (k *Key) CanSign() bool {
	return k.algorithm != RSAv15 && (k.secret != nil || k.signer != nil)
}

// Keys finds the key that a signature names; nil when there is none. id is ""
// for a signature without keyid.
type Keys func(id string) *Key

// KeySet returns a few keys as Keys.
func KeySet(keys ...*Key) Keys {
	return func(id string) *Key {
		for _, k := range keys {
			if k.id == id {
				return k
			}
		}
		return nil
	}
}

// errCannotSign is why a key does not sign.
var errCannotSign = errors.New("signature: the key is only for verifying")
