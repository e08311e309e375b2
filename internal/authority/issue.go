package authority

import (
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"strings"
	"time"
)

// Lifetimes of certificates that are kept in files.
const (
	DefaultCertLife = 397 * day
	// MaxCertLife is the most that Apple's systems take from an authority that a
	// user has added.
	MaxCertLife = 825 * day
)

// CertOptions say what a certificate is for. The zero value is a server's, of
// DefaultCertLife.
type CertOptions struct {
	// Client makes it a client's, which cannot be used by a server: the first name
	// is then whom it stands for and may be any text; an e-mail address is one in
	// the certificate, too.
	Client bool

	// Life is how long it is valid. Default DefaultCertLife; less than a day or more than
	// MaxCertLife is an error; the authority's own end cuts it.
	Life time.Duration
}

// permits says whether the authority may vouch for all names of a subject. A client
// whose name is one word is somebody, and no host: where that could not be vouched
// for as a host's name, it is the common name alone, which constraints are not about.
func (a *Authority) permits(s *subject, client bool) error {
	for i, n := range s.names {
		err := a.covers(n)
		switch {
		case err == nil:
		case !client:
			return fmt.Errorf("%w; \"freshet tls ca\" says for what it does", err)
		case i == 0 && n.host == s.common && !strings.Contains(n.host, "."):
			s.names = s.names[1:]
			return a.permits(s, false)
		default:
			return fmt.Errorf("%w; a client's name may also be one word, such as ann, or an e-mail address", err)
		}
	}
	return nil
}

// A Pair is a certificate, or a request for one, and its key, both PEM.
type Pair struct {
	Cert, Key []byte
	Leaf      *x509.Certificate // nil for a request
}

// Cert makes a key and signs a certificate for hosts' names, *.domain and
// addresses.
func (a *Authority) Cert(names []string, o CertOptions) (*Pair, error) {
	life := o.Life
	switch {
	case life == 0:
		life = DefaultCertLife
	case life < day || life > MaxCertLife:
		return nil, fmt.Errorf("a certificate's life is from 1 to %d days; more is refused by some systems", MaxCertLife/day)
	}
	s, err := subjectOf(names, o.Client)
	if err != nil {
		return nil, err
	}
	if err := a.permits(s, o.Client); err != nil {
		return nil, err
	}
	key, err := newKey()
	if err != nil {
		return nil, err
	}
	template, err := a.template(name{host: s.common}, life)
	if err != nil {
		return nil, err
	}
	template.DNSNames, template.EmailAddresses = nil, s.emails
	for _, n := range s.names {
		addName(template, n)
	}
	template.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	if o.Client {
		template.ExtKeyUsage[0] = x509.ExtKeyUsageClientAuth
	}
	cert, err := sign(template, a.cert, &key.PublicKey, a.key)
	if err != nil {
		return nil, err
	}
	return newPair(key, certPEM(cert), cert)
}

// Request makes a key and a request for a certificate (RFC 2986), which another
// authority can sign. It needs no Authority.
func Request(names []string, o CertOptions) (*Pair, error) {
	s, err := subjectOf(names, o.Client)
	if err != nil {
		return nil, err
	}
	key, err := newKey()
	if err != nil {
		return nil, err
	}
	template := &x509.CertificateRequest{SignatureAlgorithm: x509.ECDSAWithSHA256, EmailAddresses: s.emails}
	if len(s.common) <= maxCommonName {
		template.Subject = pkix.Name{CommonName: s.common}
	}
	for _, n := range s.names {
		if n.addr.IsValid() {
			template.IPAddresses = append(template.IPAddresses, net.IP(n.addr.AsSlice()))
		} else {
			template.DNSNames = append(template.DNSNames, n.host)
		}
	}
	der, err := x509.CreateCertificateRequest(rand.Reader, template, key)
	if err != nil {
		return nil, fmt.Errorf("make a request: %w", err)
	}
	return newPair(key, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der}), nil)
}

func newPair(key *ecdsa.PrivateKey, public []byte, cert *x509.Certificate) (*Pair, error) {
	private, err := keyPEM(key)
	if err != nil {
		return nil, err
	}
	return &Pair{Cert: public, Key: private, Leaf: cert}, nil
}

// A subject is whom a certificate is for.
type subject struct {
	common string
	names  []name
	emails []string
}

func subjectOf(names []string, client bool) (*subject, error) {
	if len(names) == 0 {
		return nil, errors.New("give at least one name")
	}
	s := &subject{}
	for i, text := range names {
		n, err := parseWild(text)
		switch {
		case err == nil:
			s.names = append(s.names, n)
			if s.common == "" {
				s.common = n.host
			}
		case !client:
			return nil, err
		case isEmail(text):
			s.emails = append(s.emails, text)
		case i > 0:
			return nil, fmt.Errorf("%q is no name of a host, address or e-mail address; only the first name of a client may be any text", text)
		}
		if i == 0 && client {
			if s.common = text; !isText(text) || len(text) > maxCommonName {
				return nil, fmt.Errorf("%q cannot be a client's name: it must have 1 to %d bytes of ASCII text", text, maxCommonName)
			}
		}
	}
	return s, nil
}

func isText(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' {
			return false
		}
	}
	return strings.TrimSpace(s) != ""
}

// isEmail knows the plain form of addresses: rfc822Name has no other (RFC 5280
// §4.2.1.6) that anybody uses.
func isEmail(s string) bool {
	user, host, ok := strings.Cut(s, "@")
	return ok && user != "" && isText(user) && !strings.ContainsAny(user, " \"(),:;<>[\\]") && checkHost(strings.ToLower(host)) == nil
}

// Save writes the certificate, with mode 0644, and the key, with mode 0600. A
// file that is there is replaced with force only; without it the error is
// [ErrExists], and nothing was changed.
func (p *Pair) Save(certFile, keyFile string, force bool) error {
	if filepath.Clean(certFile) == filepath.Clean(keyFile) {
		return fmt.Errorf("%s: the certificate and the key need files of their own", certFile)
	}
	if err := place(keyFile, p.Key, 0o600, force); err != nil {
		return err
	}
	if err := place(certFile, p.Cert, 0o644, force); err != nil {
		if !force {
			err = errors.Join(err, removed(keyFile))
		}
		return err
	}
	return nil
}
