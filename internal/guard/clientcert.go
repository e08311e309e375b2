package guard

import (
	"crypto/x509"
	"fmt"
	"net/http"
	"time"

	"freshet/internal/rule"
	"freshet/internal/who"
	"freshet/internal/why"
)

// ClientCertificate lets requests pass whose connection was made with a good
// certificate of the client. It looks at each request: what was revoked, or has
// ended, since the handshake is refused, on connections that are open and in
// sessions that are resumed.
//
// The handshake asks for certificates and refuses none ([tls.RequestClientCert]),
// so that a person is told what is missing.
type ClientCertificate struct {
	Trust    *ClientTrust
	Optional bool     // without a certificate everybody may pass, too; with a bad one nobody
	User     UserName // which name of the certificate is that of the user
}

// UserName is a kind of name in a certificate.
type UserName uint8

// The kinds.
const (
	UserNone    UserName = iota // a client is no user
	UserSubject                 // the distinguished name (RFC 4514)
	UserCommon                  // its common name, if it has one only
	UserEmail                   // the first e-mail address of subjectAltName
)

// name returns the user's name.
func (u UserName) name(c *x509.Certificate) string {
	switch u {
	case UserSubject:
		return who.Subject(c)
	case UserCommon:
		return who.CommonName(c)
	case UserEmail:
		if len(c.EmailAddresses) > 0 {
			return c.EmailAddresses[0]
		}
	}
	return ""
}

// methodCertificate is what a name was proved by.
const methodCertificate = "Certificate"

// Check implements Guard.
func (g *ClientCertificate) Check(fields http.Header, r *http.Request) (*http.Request, rule.ID) {
	shown := shownBy(r)
	if len(shown) == 0 && g.Optional {
		return r, 0
	}
	chain, refused := g.Trust.Judge(shown)
	if refused != 0 {
		if refused == rule.ClientCertificateMissing && fields != nil && r.ProtoMajor < 3 {
			// The handshake may have been before anybody was asked; the next one asks.
			// (In HTTP/2 net/http makes a GOAWAY of it.)
			fields.Set("Connection", "close")
		}
		return nil, refused
	}
	w := &who.Who{Method: methodCertificate, Certificate: shown[0]}
	on := who.WithCertificate(r, chain)
	if g.User == UserNone {
		return on.WithContext(who.With(on.Context(), w)), 0
	}
	if w.Name = g.User.name(shown[0]); !who.Valid(w.Name) {
		return nil, rule.ClientCertificateName
	}
	return who.On(on, w), 0
}

// shownBy are the certificates of the handshake, also of the one that a session
// began with which was resumed.
func shownBy(r *http.Request) []*x509.Certificate {
	if r.TLS == nil {
		return nil
	}
	return r.TLS.PeerCertificates
}

// Why implements Guard.
func (g *ClientCertificate) Why(r *http.Request) (*http.Request, *why.Explanation) {
	on, refused := g.Check(nil, r)
	e := &why.Explanation{Rule: refused}
	shown := shownBy(r)
	if len(shown) == 0 {
		e.Compare("client certificate", "none", "", refused != 0)
		return on, e
	}
	c := shown[0]
	note := fmt.Sprintf("by %s, until %s", who.Issuer(c), c.NotAfter.UTC().Format(time.DateTime)+" UTC")
	e.Compare("client certificate", who.Subject(c), note, refused != 0)
	return on, e
}
