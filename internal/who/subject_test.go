package who_test

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"math/big"
	"testing"

	"freshet/internal/who"
)

// TestSubject: two subjects are never written alike, and of two common names none
// is taken.
func TestSubject(t *testing.T) {
	_, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	attribute := func(value string, id ...int) pkix.RelativeDistinguishedNameSET {
		return pkix.RelativeDistinguishedNameSET{{Type: id, Value: value}}
	}
	cn := func(value string) pkix.RelativeDistinguishedNameSET { return attribute(value, 2, 5, 4, 3) }
	o := attribute("X", 2, 5, 4, 10)
	for _, tt := range []struct {
		subject       pkix.RDNSequence
		written, name string
	}{
		{pkix.RDNSequence{o, cn("ann")}, "CN=ann,O=X", "ann"},
		{pkix.RDNSequence{cn("ann"), o}, "O=X,CN=ann", "ann"},
		{pkix.RDNSequence{o, cn("mallory"), cn("ann")}, "CN=ann,CN=mallory,O=X", ""},
		{pkix.RDNSequence{o, cn("ann,O=Y")}, `CN=ann\,O=Y,O=X`, "ann,O=Y"},
		{pkix.RDNSequence{o, cn("ann"), attribute("u", 0, 9, 2342, 19200300, 100, 1, 1)}, "0.9.2342.19200300.100.1.1=#130175,CN=ann,O=X", "ann"},
		{pkix.RDNSequence{{cn("ann")[0], o[0]}}, "O=X+CN=ann", "ann"},
	} {
		raw, err := asn1.Marshal(tt.subject)
		if err != nil {
			t.Fatal(err)
		}
		made := &x509.Certificate{SerialNumber: big.NewInt(1), RawSubject: raw}
		der, err := x509.CreateCertificate(rand.Reader, made, made, key.Public(), key)
		if err != nil {
			t.Fatal(err)
		}
		c, err := x509.ParseCertificate(der)
		if err != nil {
			t.Fatal(err)
		}
		if got := who.Subject(c); got != tt.written || who.Issuer(c) != got {
			t.Errorf("%s: written %s", tt.written, got)
		}
		if got := who.CommonName(c); got != tt.name {
			t.Errorf("%s: common name %q, want %q", tt.written, got, tt.name)
		}
	}
	if got := who.Subject(&x509.Certificate{Subject: pkix.Name{CommonName: "ann"}}); got != "CN=ann" {
		t.Errorf("made: %s", got)
	}
}
