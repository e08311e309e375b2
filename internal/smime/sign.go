package smime

import (
	"crypto"
	"crypto/x509"
	"encoding/asn1"
	"errors"
	"fmt"
	"time"
)

// SignOptions say who signs, and how.
type SignOptions struct {
	Cert  *x509.Certificate
	Key   crypto.Signer       // of Cert
	Chain []*x509.Certificate // that vouch for Cert, and go with it

	// Digest is sha-256, sha-384 or sha-512. Default: as strong as the key.
	Digest string

	// Opaque puts the text into the signature, where nothing on the way can change
	// its line ends, and nobody reads it without S/MIME. Default: the text stays
	// readable, and the signature is a second part.
	Opaque bool

	// AnyPurpose takes a certificate that is not for mail.
	AnyPurpose bool

	// Time is when it is signed; it goes into the signature.
	Time time.Time
}

func (o *SignOptions) check() error {
	switch {
	case o.Cert == nil || o.Key == nil:
		return errors.New("a certificate and its key are needed")
	case !fits(o.Key.Public(), o.Cert):
		return fmt.Errorf("the key is not that of the certificate of %s; give the two that belong together", subjectOf(o.Cert))
	}
	for _, p := range []*Problem{weak(o.Cert), usageProblem(o.Cert, forSigning, "signing"), timeProblem(o.Cert, o.Time)} {
		if p != nil {
			return p
		}
	}
	for _, c := range o.Chain {
		if p := weak(c); p != nil {
			return p
		}
	}
	if !o.AnyPurpose {
		if p := purposeProblem(o.Cert); p != nil {
			return p
		}
	}
	return nil
}

// signCMS makes a SignedData (RFC 5652 §5) of a content, with it or without.
func signCMS(content []byte, o *SignOptions) (der []byte, d *digest, err error) {
	if err := o.check(); err != nil {
		return nil, nil, err
	}
	if d, err = chooseDigest(o.Digest, o.Key.Public()); err != nil {
		return nil, nil, err
	}
	h := d.hash.New()
	h.Write(content)
	when, err := derTime(o.Time)
	if err != nil {
		return nil, nil, err
	}
	attributes := [][]byte{
		attribute(oidContentType, derOID(oidData)),
		attribute(oidMessageDigest, derOctets(h.Sum(nil))),
		attribute(oidSigningTime, when),
		attribute(oidCapabilities, derCapabilities()),
	}
	// What is signed has the tag of a set, what is sent has not (RFC 5652 §5.4).
	alg, sig, err := signature(o.Key, d, setOf(tagSet, attributes...))
	if err != nil {
		return nil, nil, fmt.Errorf("sign: %w", err)
	}
	digestAlg := derAlgorithm(d.id, nil)
	signer := tlv(tagSequence, derInt(1), issuerAndSerial(o.Cert), digestAlg,
		setOf(context(0), attributes...), alg, derOctets(sig))
	inner := derOID(oidData)
	if o.Opaque {
		inner = append(inner, tlv(context(0), derOctets(content))...)
	}
	certs := [][]byte{o.Cert.Raw}
	for _, c := range o.Chain {
		if !c.Equal(o.Cert) {
			certs = append(certs, c.Raw)
		}
	}
	data := tlv(tagSequence, derInt(1), tlv(tagSet, digestAlg), tlv(tagSequence, inner),
		setOf(context(0), certs...), tlv(tagSet, signer))
	return tlv(tagSequence, derOID(oidSigned), tlv(context(0), data)), d, nil
}

func attribute(id asn1.ObjectIdentifier, value []byte) []byte {
	return tlv(tagSequence, derOID(id), tlv(tagSet, value))
}

// derTime writes a time as RFC 5652 §11.3 says: with two digits of the year until
// 2049.
func derTime(t time.Time) ([]byte, error) {
	b, err := asn1.MarshalWithParams(t.UTC().Truncate(time.Second), "")
	if err != nil {
		return nil, fmt.Errorf("the time %v: %w", t, err)
	}
	return b, nil
}

// derCapabilities tells what can be decrypted here (RFC 8551 §2.5.2), the best
// first, so that answers need nothing weaker.
func derCapabilities() []byte {
	var all [][]byte
	for _, id := range []asn1.ObjectIdentifier{oidAES256GCM, oidAES128GCM, oidAES256CBC, oidAES128CBC} {
		all = append(all, derAlgorithm(id, nil))
	}
	return tlv(tagSequence, all...)
}
