package who

import (
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
)

// Subject writes whom a certificate is about, as RFC 4514 does: all of its
// attributes, in their order. ([pkix.Name] sorts them and drops some, so that two
// subjects may be written alike.)
func Subject(c *x509.Certificate) string { return distinguished(c.RawSubject, &c.Subject) }

// Issuer is the same of who has signed it.
func Issuer(c *x509.Certificate) string { return distinguished(c.RawIssuer, &c.Issuer) }

func distinguished(raw []byte, parsed *pkix.Name) string {
	if len(raw) == 0 { // it was not read, but made
		return parsed.String()
	}
	var all pkix.RDNSequence
	if rest, err := asn1.Unmarshal(raw, &all); err != nil || len(rest) > 0 {
		return ""
	}
	return all.String()
}

var commonName = asn1.ObjectIdentifier{2, 5, 4, 3}

// CommonName returns the common name of a certificate; "" where there is none, or
// more than one, of which others may take another.
func CommonName(c *x509.Certificate) string {
	n := 0
	for _, a := range c.Subject.Names {
		if a.Type.Equal(commonName) {
			n++
		}
	}
	if n > 1 {
		return ""
	}
	return c.Subject.CommonName
}
