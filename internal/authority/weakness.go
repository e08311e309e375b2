package authority

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/asn1"
	"fmt"
	"slices"
	"strings"
	"time"

	"freshet/internal/strength"
)

// A Weakness is something that is wrong with a peer.
type Weakness struct {
	ID     string `json:"id"`     // kebab-case, stable
	Bad    bool   `json:"bad"`    // clients refuse it, or somebody can make use of it
	Text   string `json:"text"`   // a sentence without full stop
	Remedy string `json:"remedy"` // what the peer's owner does
}

func (p *Peer) weak(id string, bad bool, remedy, format string, args ...any) {
	p.Weaknesses = append(p.Weaknesses, Weakness{id, bad, fmt.Sprintf(format, args...), remedy})
}

// findWeaknesses looks at everything, the worst first.
func (p *Peer) findWeaknesses() {
	leaf, path := p.certs[0], p.path()
	p.weakTime(leaf)
	p.weakNames(leaf)
	p.weakTrust(path)
	p.weakKeys(path)
	p.weakProtocol()
	p.weakStaple(leaf)
	p.weakOrder(path)
	// Stable, so that within those the order above holds.
	slices.SortStableFunc(p.Weaknesses, func(a, b Weakness) int {
		switch {
		case a.Bad == b.Bad:
			return 0
		case a.Bad:
			return -1
		}
		return 1
	})
}

const renew = "renew the certificate"

// soon is when a certificate should have been renewed: in its last third, and
// in the last two weeks.
func soon(c *x509.Certificate) time.Duration {
	return min(14*day, c.NotAfter.Sub(c.NotBefore)/3)
}

func (p *Peer) weakTime(leaf *x509.Certificate) {
	left := leaf.NotAfter.Sub(p.Time)
	switch {
	case left < 0:
		p.weak("expired", true, renew, "the certificate expired on %s, %s ago", leaf.NotAfter.Format(time.DateOnly), span(-left))
	case p.Time.Before(leaf.NotBefore):
		p.weak("not-yet-valid", true, "set the clock of the machine that signed it, or wait", "the certificate is not valid before %s", leaf.NotBefore.Format(time.DateTime))
	case left < soon(leaf):
		p.weak("expires-soon", false, renew+" now, and find out why that does not happen by itself", "the certificate expires on %s, in %s", leaf.NotAfter.Format(time.DateOnly), span(left))
	}
	for _, c := range p.certs[1:] {
		if p.Time.After(c.NotAfter) && !c.Equal(p.lateIssuer()) { // which is bad; see weakTrust
			p.weak("expired-issuer", false, "send the issuers that came with the certificate when it was made", "a certificate that was sent with it has expired: %s", c.Subject)
		}
	}
	if life := leaf.NotAfter.Sub(leaf.NotBefore); life > MaxCertLife+day {
		p.weak("long-life", false, "have it signed for less", "the certificate lives %d days; Apple's systems take %d at most, public authorities sign for much less", life/day, MaxCertLife/day)
	}
}

func (p *Peer) weakNames(leaf *x509.Certificate) {
	switch {
	case len(leaf.DNSNames) == 0 && len(leaf.IPAddresses) == 0:
		p.weak("no-alternative-name", true, "have it signed with the name as a subject alternative name", "the certificate has no subject alternative name; clients do not look at its common name (RFC 9525 §6.3)")
	case !p.NameMatches:
		p.weak("name-mismatch", true, "have it signed for that name, too, or ask for another one", "the certificate is not for %s but for %s", p.ServerName, some(namesOf(leaf)))
	}
}

// some lists the first names of many.
func some(names []string) string {
	if len(names) > 5 {
		return strings.Join(names[:5], ", ") + fmt.Sprintf(" and %d more", len(names)-5)
	}
	return strings.Join(names, ", ")
}

func (p *Peer) weakTrust(path []*x509.Certificate) {
	if p.Trusted {
		return
	}
	if late := p.lateIssuer(); late != nil {
		p.weak("expired-issuer", true, "send an issuer's certificate that is valid now, or have the peer's signed anew", "the certificate of an issuer is valid from %s to %s only: %s",
			late.NotBefore.Format(time.DateOnly), late.NotAfter.Format(time.DateOnly), late.Subject)
		return
	}
	switch last := path[len(path)-1]; {
	case len(path) == 1 && strength.SelfSigned(last):
		p.weak("self-signed", true, "have it signed by an authority that clients trust", "the certificate vouches for itself, and is not trusted here")
	case strength.SelfSigned(last):
		p.weak("unknown-authority", true, "give its certificate to who should trust it, or have the peer's signed by another one", "the authority is not trusted here: %s", last.Subject)
	case len(path) == 1:
		from := ""
		if len(last.IssuingCertificateURL) > 0 {
			from = " (it is at " + last.IssuingCertificateURL[0] + ")"
		}
		p.weak("missing-intermediate", true, "send the certificate of the issuer after the peer's own"+from+", or trust that issuer, when it is an authority of one's own", "the issuer was not sent and is not trusted here: %s", last.Issuer)
	default:
		p.weak("unknown-authority", true, "give its certificate to who should trust it, or have the peer's signed by another one", "the chain ends at an issuer that was not sent and is not trusted here: %s", last.Issuer)
	}
	if !strings.Contains(p.TrustError, "unknown authority") {
		p.weak("untrusted", true, "see what the verifier says", "the chain does not verify: %s", p.TrustError)
	}
}

func (p *Peer) weakKeys(path []*x509.Certificate) {
	for i, c := range path {
		// What a root says of itself is believed for another reason.
		if !(strength.SelfSigned(c) && i > 0) {
			if strength.Forgeable(c.SignatureAlgorithm) {
				p.weak("sha1-signature", true, strength.SignAnew, "%s is signed with %s, which can be forged", describe(i, c), c.SignatureAlgorithm)
			}
		}
		if r := strength.Key(c.PublicKey); r != nil {
			p.weak("short-key", true, r.Remedy, "%s has a key that %s", describe(i, c), r.Why)
		}
	}
}

func describe(i int, c *x509.Certificate) string {
	if i == 0 {
		return "the certificate"
	}
	return "the issuer " + c.Subject.String()
}

func (p *Peer) weakProtocol() {
	accepted := map[string]bool{}
	for _, v := range p.Versions {
		accepted[v.Name] = v.Accepted
		if v.Unreached {
			p.weak("not-known", false, "look again", "whether it takes %s could not be found out: %s", v.Name, v.Error)
			accepted[v.Name] = v.Name == tls.VersionName(tls.VersionTLS13)
		}
	}
	if !p.Chosen.Accepted {
		p.weak("no-usual-client", true, "allow ECDHE suites with AES-GCM or ChaCha20", "a usual client finds nothing to agree on: %s", p.Chosen.Error)
	}
	if !accepted[tls.VersionName(tls.VersionTLS13)] {
		p.weak("no-tls13", false, "allow TLS 1.3", "it does not speak TLS 1.3")
	}
	for _, v := range []uint16{tls.VersionTLS11, tls.VersionTLS10} {
		if name := tls.VersionName(v); accepted[name] {
			p.weak("old-version", true, "allow TLS 1.2 and TLS 1.3 only", "it speaks %s, which must not be used (RFC 8996 §2)", name)
		}
	}
	if p.Weak != nil {
		p.weak("weak-cipher", false, "allow ECDHE suites with AES-GCM or ChaCha20 only", "it agrees to %s with %s when nothing better is offered", p.Weak.Suite, p.Weak.Name)
	}
}

// oidFeature is TLS Feature (RFC 7633), which asks for a staple when it has
// status_request.
var oidFeature = asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 1, 24}

func (p *Peer) weakStaple(leaf *x509.Certificate) {
	for _, e := range leaf.Extensions {
		var features []int
		if !e.Id.Equal(oidFeature) || p.OCSP != nil {
			continue
		}
		if _, err := asn1.Unmarshal(e.Value, &features); err == nil && slices.Contains(features, 5) {
			p.weak("no-staple", true, "staple OCSP answers, or have it signed without that demand", "the certificate demands a stapled OCSP answer, and there is none")
		}
	}
	switch s := p.OCSP; {
	case s == nil:
	case s.Status == "revoked":
		p.weak("revoked", true, renew+" with a new key", "the stapled OCSP answer says that the certificate was revoked")
	case s.Status != "good":
		p.weak("bad-staple", false, "staple a good answer, or none", "the stapled OCSP answer is of no use: its status is %s", s.Status)
	case !s.NextUpdate.IsZero() && p.Time.After(s.NextUpdate):
		p.weak("old-staple", true, "fetch OCSP answers before they run out", "the stapled OCSP answer was good until %s", s.NextUpdate.Format(time.DateTime))
	}
}

// weakOrder looks at what was sent beside the path, and how.
func (p *Peer) weakOrder(path []*x509.Certificate) {
	for i, c := range path {
		if !bytes.Equal(p.certs[i].Raw, c.Raw) {
			p.weak("wrong-order", false, "send each certificate before that of its issuer", "the certificates were sent in another order than that of their issuers")
			return
		}
	}
	if n := len(p.certs) - len(path); n > 0 {
		p.weak("needless-certificates", false, "leave them out", "certificates were sent that lead nowhere: %d", n)
	}
}
