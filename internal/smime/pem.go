package smime

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"

	"freshet/internal/strength"
)

// ParseCerts reads the certificates in a file, PEM or one as DER. Other blocks
// are left out, so that a key may stand beside them.
func ParseCerts(text []byte) ([]*x509.Certificate, error) {
	if len(text) > 0 && text[0] == tagSequence {
		c, err := x509.ParseCertificate(text)
		if err != nil {
			return nil, certError(err)
		}
		return []*x509.Certificate{c}, nil
	}
	var all []*x509.Certificate
	for len(all) < 10000 {
		block, rest := pem.Decode(text)
		if block == nil {
			break
		}
		text = rest
		if block.Type != "CERTIFICATE" && block.Type != "X509 CERTIFICATE" && block.Type != "TRUSTED CERTIFICATE" {
			continue
		}
		c, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, certError(err)
		}
		all = append(all, c)
	}
	if len(all) == 0 {
		return nil, errors.New("it has no certificate; give one or more, PEM or DER")
	}
	return all, nil
}

func certError(err error) error {
	return fmt.Errorf("it has a certificate that cannot be read: %w", err)
}

// ErrPassphrase means that a key is encrypted, and no passphrase was given.
var ErrPassphrase = errors.New("the key is encrypted")

// ParseKey reads the first private key in a file: PKCS #8 (RFC 5958), plain or
// encrypted, PKCS #1 or SEC 1, PEM or DER.
func ParseKey(text, passphrase []byte) (crypto.Signer, error) {
	if len(text) > 0 && text[0] == tagSequence {
		return parseKey("", text, passphrase)
	}
	for {
		block, rest := pem.Decode(text)
		switch {
		case block == nil:
			return nil, errors.New("it has no private key; give one, PEM or DER")
		case block.Headers["DEK-Info"] != "" || bytes.Contains([]byte(block.Headers["Proc-Type"]), []byte("ENCRYPTED")):
			return nil, errors.New("its key is encrypted in the old way of PEM, with a passphrase that MD5 protects; " +
				"encrypt it anew: openssl pkcs8 -topk8 -v2 aes-256-cbc -in FILE -out NEW")
		case bytes.HasSuffix([]byte(block.Type), []byte("PRIVATE KEY")):
			return parseKey(block.Type, block.Bytes, passphrase)
		}
		text = rest
	}
}

func parseKey(kind string, der, passphrase []byte) (crypto.Signer, error) {
	var key any
	var err error
	switch kind {
	case "RSA PRIVATE KEY":
		key, err = x509.ParsePKCS1PrivateKey(der)
	case "EC PRIVATE KEY":
		key, err = x509.ParseECPrivateKey(der)
	case "PRIVATE KEY":
		key, err = x509.ParsePKCS8PrivateKey(der)
	case "ENCRYPTED PRIVATE KEY":
		return decryptKey(der, passphrase)
	case "":
		if key, err = x509.ParsePKCS8PrivateKey(der); err == nil {
			break
		}
		if key, err = x509.ParsePKCS1PrivateKey(der); err == nil {
			break
		}
		if key, err = x509.ParseECPrivateKey(der); err == nil {
			break
		}
		if r := strength.PKCS8(der); r != nil {
			return nil, r
		}
		return decryptKey(der, passphrase)
	case "DSA PRIVATE KEY":
		return nil, strength.Block(&pem.Block{Type: kind})
	default:
		return nil, fmt.Errorf("its key is %s, which is of no use for mail; "+strength.NewKey, kind)
	}
	if err != nil {
		if r := strength.PKCS8(der); r != nil {
			return nil, r
		}
		return nil, errors.New("its key cannot be read; give PKCS #8, PKCS #1 or SEC 1")
	}
	switch k := key.(type) {
	case *rsa.PrivateKey:
		return k, nil
	case *ecdsa.PrivateKey:
		return k, nil
	case ed25519.PrivateKey:
		return k, nil
	}
	return nil, fmt.Errorf("its key is a %T, which is of no use for mail; "+strength.NewKey, key)
}
