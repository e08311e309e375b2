package smime_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"fmt"
	"math/big"
	"time"

	"freshet/internal/smime"
)

func Example() {
	now := time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC)
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err)
	}
	der, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{
		SerialNumber: big.NewInt(7), EmailAddresses: []string{"alice@example.org"}, NotBefore: now, NotAfter: now.AddDate(1, 0, 0),
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageEmailProtection},
	}, &x509.Certificate{}, &key.PublicKey, key)
	if err != nil {
		panic(err)
	}
	certs, err := smime.ParseCerts(der)
	if err != nil {
		panic(err)
	}

	m, err := smime.NewMessage([]byte("At noon?\n"), smime.MessageOptions{From: "alice@example.org", Subject: "lunch"})
	if err != nil {
		panic(err)
	}
	mail, err := m.Sign(smime.SignOptions{Cert: certs[0], Key: key, Time: now})
	if err != nil {
		panic(err)
	}

	trusted := x509.NewCertPool()
	trusted.AddCert(certs[0])
	report := smime.Verify(mail, smime.VerifyOptions{Roots: trusted, Now: now})
	fmt.Println(report.Verified, report.From, report.Signers[0].Digest)
	body, err := smime.Body(report.Content)
	fmt.Printf("%q %v\n", body, err)
	// Output:
	// true [alice@example.org] sha-256
	// "At noon?\r\n" <nil>
}
