package signature

import (
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"errors"
	"fmt"

	"freshet/internal/strength"
)

// ParseKey makes a key of the text of a key file: the first PEM block with a
// public or a private key, in any of the usual forms, openssl's for RSA-PSS
// among them. An algorithm that is Unknown is chosen by the key: rsa-pss-sha512
// of an RSA key. A file with a block that is encrypted is refused.
func ParseKey(id string, a Algorithm, text []byte) (*Key, error) {
	for {
		var block *pem.Block
		if block, text = pem.Decode(text); block == nil {
			return nil, fmt.Errorf("signature: key %q: there is no PEM block with a key", id)
		}
		key, err := parseBlock(block)
		if err != nil {
			return nil, fmt.Errorf("signature: key %q: %s: %w", id, block.Type, err)
		}
		if key == nil {
			continue // parameters of a curve, or something about the key
		}
		if a == Unknown {
			return newKeyOfAny(id, key)
		}
		return NewKey(id, a, key)
	}
}

// newKeyOfAny makes a key of the first algorithm that it fits.
func newKeyOfAny(id string, key any) (k *Key, err error) {
	for _, a := range [...]Algorithm{ECDSAP384, ECDSAP256, Ed25519, RSAPSS} {
		if k, err = NewKey(id, a, key); err == nil {
			return k, nil
		}
	}
	return nil, err
}

// parseBlock returns the key in a block; nil when there is none.
func parseBlock(b *pem.Block) (any, error) {
	if r := strength.Block(b); r != nil {
		return nil, fmt.Errorf("its key %s; %s", r.Why, successor)
	}
	switch b.Type {
	case "PUBLIC KEY":
		if key, err := x509.ParsePKIXPublicKey(b.Bytes); err == nil {
			return key, nil
		}
		return parsePSSPublic(b.Bytes)
	case "RSA PUBLIC KEY":
		return x509.ParsePKCS1PublicKey(b.Bytes)
	case "CERTIFICATE":
		c, err := x509.ParseCertificate(b.Bytes)
		if err != nil {
			return nil, err
		}
		return c.PublicKey, nil
	case "PRIVATE KEY":
		if key, err := x509.ParsePKCS8PrivateKey(b.Bytes); err == nil {
			return key, nil
		}
		return parsePSSPrivate(b.Bytes)
	case "RSA PRIVATE KEY":
		if b.Headers["DEK-Info"] != "" {
			return nil, errEncrypted
		}
		return x509.ParsePKCS1PrivateKey(b.Bytes)
	case "EC PRIVATE KEY":
		if b.Headers["DEK-Info"] != "" {
			return nil, errEncrypted
		}
		return x509.ParseECPrivateKey(b.Bytes)
	case "ENCRYPTED PRIVATE KEY":
		return nil, errEncrypted
	}
	return nil, nil
}

var errEncrypted = errors.New("the key is encrypted; decrypt it first: openssl pkey -in FILE -out OTHER")

// oidPSS says that an RSA key is for PSS alone (RFC 4055 §1.2). The standard
// library does not read such keys; within they are like others.
var oidPSS = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 10}

var errNoKey = errors.New("this is no key of a kind that can be used; " + successor)

func parsePSSPublic(der []byte) (any, error) {
	var spki struct {
		Algorithm pkix.AlgorithmIdentifier
		Key       asn1.BitString
	}
	if rest, err := asn1.Unmarshal(der, &spki); err != nil || len(rest) > 0 || !spki.Algorithm.Algorithm.Equal(oidPSS) {
		return nil, errNoKey
	}
	return x509.ParsePKCS1PublicKey(spki.Key.RightAlign())
}

func parsePSSPrivate(der []byte) (any, error) {
	var pkcs8 struct {
		Version   int
		Algorithm pkix.AlgorithmIdentifier
		Key       []byte
	}
	if _, err := asn1.Unmarshal(der, &pkcs8); err != nil || !pkcs8.Algorithm.Algorithm.Equal(oidPSS) {
		return nil, errNoKey
	}
	return x509.ParsePKCS1PrivateKey(pkcs8.Key)
}
