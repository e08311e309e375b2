package smime

import (
	"crypto/sha256"
	"crypto/subtle"
	"crypto/x509"
	"encoding/asn1"
	"encoding/hex"
	"fmt"
	"time"

	"freshet/internal/strength"
)

// A Signer is one of those who have signed, as far as their certificate was
// found.
type Signer struct {
	Subject     string     `json:"subject,omitempty"`
	Addresses   []string   `json:"addresses,omitempty"`
	Issuer      string     `json:"issuer,omitempty"`
	Serial      string     `json:"serial,omitempty"` // hexadecimal
	SHA256      string     `json:"sha256,omitempty"` // of the certificate
	Key         string     `json:"key,omitempty"`
	Digest      string     `json:"digest,omitempty"`
	SigningTime *time.Time `json:"signing_time,omitempty"` // as the signer says
	NotBefore   *time.Time `json:"not_before,omitempty"`   // of the certificate
	NotAfter    *time.Time `json:"not_after,omitempty"`
	Chain       []string   `json:"chain,omitempty"` // who vouches for whom, from the signer up
	Problems    []*Problem `json:"problems"`
}

// future is by how much the clocks of signers may be ahead.
const future = 15 * time.Minute

// signerInfo is a SignerInfo (RFC 5652 §5.3).
type signerInfo struct {
	id         identifier
	digest     algorithm
	attributes []byte // without their head; nil: there are none
	alg        algorithm
	signature  []byte
}

func readSigner(from *cursor) signerInfo {
	c := from.in(tagSequence)
	var s signerInfo
	c.integer()
	s.id = readIdentifier(c)
	s.digest = c.algorithm()
	if a, ok := c.maybe(context(0)); ok {
		s.attributes = append([]byte{}, a...)
	}
	s.alg = c.algorithm()
	s.signature = c.take(tagOctets)
	c.maybe(context(1)) // attributes that nobody has signed
	from.bad = from.bad || c.err() != nil
	return s
}

// readIdentifier reads a SignerIdentifier or RecipientIdentifier.
func readIdentifier(c *cursor) identifier {
	if id, ok := c.maybe(context(0) &^ 0x20); ok {
		return identifier{keyID: id}
	}
	if c.peek() != tagSequence {
		c.bad = true
		return identifier{}
	}
	full, _ := c.any()
	return identifier{issuerAndSerial: full}
}

// judge says what a signature of a content comes to.
func (s *signerInfo) judge(content []byte, certs []*x509.Certificate, o *VerifyOptions) Signer {
	out := Signer{Problems: []*Problem{}}
	bad := func(p *Problem) bool {
		if p != nil {
			out.Problems = append(out.Problems, p)
		}
		return p != nil
	}
	d, p := digestByID(s.digest)
	if bad(p) {
		out.Digest = nameOf(s.digest.id)
	} else {
		out.Digest = d.name
	}
	cert := s.find(certs, o.Certs)
	if cert == nil {
		bad(problem("no-certificate", "have the certificate sent with it, or give it", "the certificate of a signer is not in the message"))
		return out
	}
	out.describe(cert)
	if d == nil || bad(weakKey(cert)) {
		return out
	}
	if bad(s.check(content, cert, d, &out)) {
		return out
	}
	bad(usageProblem(cert, forSigning, "signing"))
	bad(out.timeProblem(o))
	chain, p := trust(cert, certs, o, out.at(o))
	if bad(p) && p.ID == "expired" && out.SigningTime != nil && timeProblem(cert, *out.SigningTime) == nil {
		p.Text += fmt.Sprintf(", after it was signed, if its signing time of %s is true", out.SigningTime.Format(time.DateTime))
		p.Remedy = "have it signed anew, or say that certificates have to be valid at the time of signing, if you believe that"
	}
	for _, c := range chain {
		out.Chain = append(out.Chain, nonempty(c.Subject.String()))
	}
	return out
}

func (s *signerInfo) find(lists ...[]*x509.Certificate) *x509.Certificate {
	for _, list := range lists {
		for _, c := range list {
			if s.id.of(c) {
				return c
			}
		}
	}
	return nil
}

func (out *Signer) describe(c *x509.Certificate) {
	kind, _ := strength.KindOf(c)
	sum := sha256.Sum256(c.Raw)
	before, after := c.NotBefore.UTC(), c.NotAfter.UTC()
	out.Subject, out.Addresses, out.Issuer = c.Subject.String(), Addresses(c), c.Issuer.String()
	out.Serial, out.SHA256, out.Key = c.SerialNumber.Text(16), hex.EncodeToString(sum[:]), kind
	out.NotBefore, out.NotAfter = &before, &after
}

// at is when the signer's certificate has to be valid.
func (out *Signer) at(o *VerifyOptions) time.Time {
	switch {
	case o.AtSigning && out.SigningTime != nil:
		return *out.SigningTime
	case !o.At.IsZero():
		return o.At
	}
	return o.Now
}

func (out *Signer) timeProblem(o *VerifyOptions) *Problem {
	t := out.SigningTime
	switch {
	case t == nil && o.AtSigning:
		return problem("no-signing-time", "say another time", "the signature does not say when it was made")
	case t == nil:
	case t.After(o.Now.Add(future)):
		return problem("future", "set the clock that is wrong", "it says that it was signed on %s, which is in the future", t.Format(time.DateTime))
	case t.Before(*out.NotBefore) || t.After(*out.NotAfter):
		return problem("signing-time", "have it signed with a certificate that is valid", "it says that it was signed on %s, when the certificate was not valid", t.Format(time.DateTime))
	}
	return nil
}

// check looks whether the signature is the certificate's, and of the content.
func (s *signerInfo) check(content []byte, cert *x509.Certificate, d *digest, out *Signer) *Problem {
	if s.attributes == nil {
		// Without them, the attributes of another message could be passed off as the
		// text of one.
		return problem("no-attributes", "have it signed with attributes, as S/MIME does (RFC 8551 §2.5)", "the signature has no signed attributes, so that it could be taken from another message")
	}
	a, p := readAttributes(s.attributes)
	if p != nil {
		return p
	}
	h := d.hash.New()
	h.Write(content)
	// The signature first: attributes that nobody signed are not worth a word.
	if p := checkSignature(cert, s.alg, d, tlv(tagSet, s.attributes), s.signature); p != nil {
		return p
	}
	out.SigningTime = a.time
	if subtle.ConstantTimeCompare(h.Sum(nil), a.digest) != 1 {
		return problem("changed", "have it sent again; if it is no mistake, somebody has changed it", "the text is not the one that was signed")
	}
	return nil
}

// attributes are those that S/MIME needs (RFC 5652 §11).
type attributes struct {
	digest []byte
	time   *time.Time
}

// readAttributes wants each of them once, with one value.
func readAttributes(list []byte) (*attributes, *Problem) {
	c := cursor{rest: list}
	a := &attributes{}
	seen := map[string]bool{}
	for len(c.rest) > 0 && !c.bad {
		one := c.in(tagSequence)
		id := one.oid()
		values := one.in(tagSet)
		if seen[id.String()] {
			return nil, malformed("an attribute is there twice")
		}
		seen[id.String()] = true
		switch {
		case id.Equal(oidContentType):
			if t := values.oid(); values.err() != nil || !t.Equal(oidData) {
				return nil, malformed("the type of content that was signed is another one")
			}
		case id.Equal(oidMessageDigest):
			if a.digest = values.take(tagOctets); values.err() != nil {
				return nil, malformed("it has no digest of the text")
			}
		case id.Equal(oidSigningTime):
			var t time.Time
			full, _ := values.any()
			if _, err := asn1.Unmarshal(full, &t); err != nil || values.err() != nil {
				return nil, malformed("its signing time is none")
			}
			t = t.UTC()
			a.time = &t
		}
		c.bad = c.bad || one.err() != nil
	}
	if c.err() != nil || !seen[oidContentType.String()] || a.digest == nil {
		return nil, malformed("its signed attributes are not complete")
	}
	return a, nil
}
