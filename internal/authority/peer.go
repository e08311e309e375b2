package authority

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/asn1"
	"errors"
	"math"
	"slices"
	"time"

	"freshet/internal/strength"
)

// A Cert is what a certificate says.
type Cert struct {
	Subject   string    `json:"subject"`
	Issuer    string    `json:"issuer"`
	Names     []string  `json:"names,omitempty"` // that it is for
	Key       string    `json:"key"`             // kind and size
	KeyBits   int       `json:"keyBits,omitempty"`
	Signature string    `json:"signature"`
	NotBefore time.Time `json:"notBefore"`
	NotAfter  time.Time `json:"notAfter"`
	DaysLeft  int       `json:"daysLeft"` // whole ones, rounded down: negative when it has expired
	Authority bool      `json:"authority"`
	SHA256    string    `json:"sha256"`
}

func certOf(c *x509.Certificate, now time.Time) Cert {
	kind, bits := strength.KindOf(c)
	return Cert{
		Subject: c.Subject.String(), Issuer: c.Issuer.String(), Names: namesOf(c),
		Key: kind, KeyBits: bits, Signature: c.SignatureAlgorithm.String(),
		NotBefore: c.NotBefore, NotAfter: c.NotAfter, DaysLeft: daysLeft(c, now),
		Authority: c.IsCA, SHA256: Fingerprint(c),
	}
}

func daysLeft(c *x509.Certificate, now time.Time) int {
	return int(math.Floor(c.NotAfter.Sub(now).Hours() / 24))
}

func namesOf(c *x509.Certificate) []string {
	names := append([]string(nil), c.DNSNames...)
	for _, ip := range c.IPAddresses {
		names = append(names, ip.String())
	}
	names = append(names, c.EmailAddresses...)
	for _, u := range c.URIs {
		names = append(names, u.String())
	}
	return names
}

// judge fills in what the certificates come to.
func (p *Peer) judge(state *tls.ConnectionState, roots *x509.CertPool) {
	p.certs = state.PeerCertificates
	for _, c := range p.certs {
		p.Chain = append(p.Chain, certOf(c, p.Time))
	}
	leaf := p.certs[0]
	p.SCTs = len(state.SignedCertificateTimestamps) + embeddedSCTs(leaf)
	if len(state.OCSPResponse) > 0 {
		p.OCSP = parseStaple(state.OCSPResponse)
	}
	p.InTime = !p.Time.After(leaf.NotAfter) && !p.Time.Before(leaf.NotBefore)
	p.trustErr = p.leadsTo(roots)
	if p.Trusted = p.trustErr == nil; !p.Trusted {
		p.TrustError = p.trustErr.Error()
	}
	p.NameMatches = leaf.VerifyHostname(p.ServerName) == nil
	p.Verified = p.Trusted && p.InTime && p.NameMatches
	p.Weaknesses = []Weakness{}
	p.findWeaknesses()
}

// leadsTo says whether what was sent leads to a root. That the peer's own certificate
// is out of time is another fault: then it is asked for the time when it was valid,
// and, since its issuer may be newer than that, whether it would lead to one now.
func (p *Peer) leadsTo(roots *x509.CertPool) error {
	verify := func(at time.Time, as func(*x509.Certificate) *x509.Certificate) error {
		between := x509.NewCertPool()
		for _, c := range p.certs[1:] {
			between.AddCert(as(c))
		}
		_, err := as(p.certs[0]).Verify(x509.VerifyOptions{Roots: roots, Intermediates: between, CurrentTime: at})
		return err
	}
	itself := func(c *x509.Certificate) *x509.Certificate { return c }
	if p.InTime {
		return verify(p.Time, itself)
	}
	was := p.certs[0].NotAfter
	if p.Time.Before(was) {
		was = p.certs[0].NotBefore
	}
	if verify(was, itself) == nil {
		return nil
	}
	return verify(p.Time, func(c *x509.Certificate) *x509.Certificate {
		timely := *c // what is signed stays as it is
		timely.NotBefore, timely.NotAfter = p.Time.Add(-day), p.Time.Add(day)
		return &timely
	})
}

// lateIssuer is the issuer because of which the certificate does not verify, since
// it is out of time; nil: that is not what is wrong.
func (p *Peer) lateIssuer() *x509.Certificate {
	var invalid x509.CertificateInvalidError
	if errors.As(p.trustErr, &invalid) && invalid.Reason == x509.Expired {
		return invalid.Cert
	}
	return nil
}

// maxPath bounds a chain: each step may have to look at all that was sent.
const maxPath = 10

// path follows the issuers from the peer's own certificate through what was
// sent, and returns it in order.
func (p *Peer) path() []*x509.Certificate {
	path := p.certs[:1:1]
	for len(path) < maxPath {
		last := path[len(path)-1]
		if strength.SelfSigned(last) {
			return path
		}
		found := false
		for _, c := range p.certs {
			if bytes.Equal(c.RawSubject, last.RawIssuer) && !slices.ContainsFunc(path, c.Equal) && strength.SignedBy(last, c) {
				path, found = append(path, c), true
				break
			}
		}
		if !found {
			break
		}
	}
	return path
}

// oidSCTs is the list of signed certificate timestamps (RFC 6962 §3.3).
var oidSCTs = asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 11129, 2, 4, 2}

// embeddedSCTs counts the timestamps in a certificate.
func embeddedSCTs(c *x509.Certificate) int {
	for _, e := range c.Extensions {
		if !e.Id.Equal(oidSCTs) {
			continue
		}
		var list []byte
		if rest, err := asn1.Unmarshal(e.Value, &list); err != nil || len(rest) > 0 || len(list) < 2 {
			return 0
		}
		n := 0
		for list = list[2:]; len(list) >= 2; n++ {
			size := int(list[0])<<8 | int(list[1])
			if size+2 > len(list) {
				return n
			}
			list = list[2+size:]
		}
		return n
	}
	return 0
}
