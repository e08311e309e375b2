//go:build !nonats

package bus

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"math/big"
	"time"
)

// Both sides of a connection are known by their Ed25519 keys alone. The
// certificates that TLS wants are made anew each time, signed by the key
// itself, and nothing else in them is looked at.

// certificate wraps a key for TLS.
func certificate(key ed25519.PrivateKey) (tls.Certificate, error) {
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1),
		Subject:      pkix.Name{CommonName: "freshet"},
		NotBefore:    time.Unix(0, 0),
		NotAfter:     time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC), // RFC 5280 §4.1.2.5: it does not end
		KeyUsage:     x509.KeyUsageDigitalSignature,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return tls.Certificate{}, err
	}
	leaf, err := x509.ParseCertificate(der)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}, err
}

// peerKey is the key that the other side of a connection has proven to have.
func peerKey(state tls.ConnectionState) (ed25519.PublicKey, *x509.Certificate, error) {
	if len(state.PeerCertificates) == 0 {
		return nil, nil, errors.New("no certificate")
	}
	c := state.PeerCertificates[0]
	key, ok := c.PublicKey.(ed25519.PublicKey)
	if !ok {
		return nil, nil, errors.New("another kind of key than ours")
	}
	return key, c, nil
}

func pinOf(c *x509.Certificate) []byte {
	sum := sha256.Sum256(c.RawSubjectPublicKeyInfo)
	return sum[:]
}

// keyKind is what a key is called where it is kept.
const keyKind = "PRIVATE KEY"

// parseKey reads a server's key.
func parseKey(text []byte) (ed25519.PrivateKey, error) {
	block, _ := pem.Decode(text)
	if block == nil || block.Type != keyKind {
		return nil, errors.New("it holds no private key")
	}
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, err
	}
	key, ok := parsed.(ed25519.PrivateKey)
	if !ok {
		return nil, errors.New("it holds another kind of key than Ed25519")
	}
	return key, nil
}

// makeKey makes a server's key, and the text from which parseKey gets it.
func makeKey() (ed25519.PrivateKey, []byte, error) {
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, nil, err
	}
	var out bytes.Buffer
	err = pem.Encode(&out, &pem.Block{Type: keyKind, Bytes: der})
	return key, out.Bytes(), err
}
