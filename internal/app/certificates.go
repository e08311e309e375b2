package app

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"freshet/internal/acme"
	"freshet/internal/monitor"
	"freshet/internal/why"
)

// byACME is where a certificate is from that is in no file of the configuration.
const byACME = "ACME"

// A getCertificate is for tls.Config.
type getCertificate func(*tls.ClientHelloInfo) (*tls.Certificate, error)

// monitorCertificates are those that handshakes may get: by ACME, and in files.
func (s *service) monitorCertificates() []monitor.Certificate {
	var all []monitor.Certificate
	if own := s.certificates(); own != nil {
		for _, n := range own.State() {
			all = append(all, ofACME(&n))
		}
	}
	if l := s.content.live; l != nil {
		for files, pair := range l.sites().certificates {
			all = append(all, ofFile(files.cert, pair.Current().Leaf))
		}
	} else if c := s.fileFor(""); c != nil {
		all = append(all, ofFile(s.conf.TLSCert, c.Leaf))
	}
	slices.SortStableFunc(all, func(a, b monitor.Certificate) int { return strings.Compare(a.Names, b.Names) })
	return all
}

func ofACME(n *acme.State) monitor.Certificate {
	c := monitor.Certificate{Names: n.Name, From: byACME, Issuer: n.Issuer, Until: n.Until, Due: n.Due, Failed: n.Failed, Next: n.Next}
	if n.Err != nil {
		c.Error = n.Err.Error()
	}
	return c
}

func ofFile(name string, leaf *x509.Certificate) monitor.Certificate {
	c := monitor.Certificate{From: name}
	if leaf != nil {
		c.Names, c.Issuer, c.Until = namesOf(leaf), leaf.Issuer.CommonName, leaf.NotAfter
	}
	return c
}

// namesOf are the names and addresses that a certificate is for.
func namesOf(leaf *x509.Certificate) string {
	all := slices.Clone(leaf.DNSNames)
	for _, ip := range leaf.IPAddresses {
		all = append(all, ip.String())
	}
	if len(all) == 0 {
		return leaf.Subject.CommonName
	}
	return strings.Join(all, ", ")
}

// fileFor is what a handshake for a name would get of files; nil: nothing.
func (s *service) fileFor(name string) *tls.Certificate {
	if s.inFiles == nil {
		return nil
	}
	c, err := s.inFiles(&tls.ClientHelloInfo{ServerName: name})
	if err != nil {
		return nil
	}
	return c
}

// certificateOf is what a handshake for a name gets, and whether it gets it:
// one by ACME, or one of a file; nil when neither is known here. See autoTLS.get.
func (s *service) certificateOf(name string) (c *monitor.Certificate, given bool) {
	file := s.fileFor(name)
	if own := s.certificates(); own != nil && own.Has(name) && !isGood(file, name) {
		for _, n := range own.State() {
			if acme.Covers(n.Name, name) {
				c := ofACME(&n)
				return &c, !n.Until.IsZero()
			}
		}
	}
	if file == nil || file.Leaf == nil || s.local != nil {
		return nil, false
	}
	from := s.conf.TLSCert
	if l := s.content.live; l != nil {
		for files, pair := range l.sites().certificates {
			if current := pair.Current().Leaf; current != nil && current.Equal(file.Leaf) {
				from = files.cert
			}
		}
	}
	found := ofFile(from, file.Leaf)
	return &found, true
}

// addCertificate says with which certificate a request could come by TLS, or
// that none can come so far.
func (s *service) addCertificate(r *http.Request, e *why.Explanation) {
	if r.TLS == nil || r.TLS.ServerName == "" {
		return
	}
	name := strings.TrimSuffix(strings.ToLower(r.TLS.ServerName), ".")
	c, given := s.certificateOf(name)
	if c == nil {
		return
	}
	at := func(t time.Time) string { return t.UTC().Format(time.RFC3339) }
	found := why.Comparison{What: "certificate", Value: "none"}
	if given {
		found.Value = fmt.Sprintf("by %q, valid until %s", c.Issuer, at(c.Until))
	}
	var notes []string
	switch {
	case given && c.From != byACME:
		notes = append(notes, "in "+c.From)
	case given:
		notes = append(notes, "by ACME, renewed from "+at(c.Due)+" on")
	default:
		notes = append(notes, "it is asked for by ACME; until there is one, handshakes for "+name+" are refused")
		found.Fails = true
		e.Sentence = "Nothing comes so far: a handshake for " + name + " is refused, for it has no certificate yet. With one: " + e.Sentence
	}
	if c.Error != "" {
		notes = append(notes, "last failure, "+at(c.Failed)+": "+c.Error, "tried again "+at(c.Next))
	}
	if given && !time.Now().Before(c.Until) {
		notes, found.Fails = append(notes, "it is over: clients do not take it"), true
	}
	found.Note = strings.Join(notes, "; ")
	e.Compared = append([]why.Comparison{found}, e.Compared...)
}
