package smime

import (
	"crypto/rsa"
	"crypto/x509"
	"time"
)

// VerifyOptions say who is believed.
type VerifyOptions struct {
	// Roots are the authorities that are trusted. nil: those of the system.
	Roots *x509.CertPool

	// Certs may be signers, or vouch for them, beside those in the message.
	Certs []*x509.Certificate

	// AnyPurpose takes certificates that are not for mail.
	AnyPurpose bool

	// From are the addresses that have to be those of signers. nil: those in the
	// From field of the mail.
	From []string

	// AnySender does not compare addresses.
	AnySender bool

	// Now is the time.
	Now time.Time

	// At is when certificates have to have been valid; zero means Now. AtSigning
	// takes the signer's word for it.
	At        time.Time
	AtSigning bool

	// Content is what was signed, when the message is a bare signature of it.
	Content []byte
}

// Limits of what is read of one message. Longer keys take minutes to compute with.
const (
	maxSigners = 16
	maxCerts   = 100
	maxRSABits = 16384
)

// A Report says what a message comes to.
type Report struct {
	Verified bool       `json:"verified"`
	Kind     string     `json:"kind,omitempty"` // "multipart/signed" or "signed-data"
	From     []string   `json:"from,omitempty"` // whose addresses it has to be
	Bytes    int        `json:"bytes"`          // that were signed
	Beside   int        `json:"beside"`         // bytes of a mail's body that were not signed, and are in no result
	Signers  []Signer   `json:"signers"`
	Problems []*Problem `json:"problems"`

	// Content is what was signed, nil if it did not verify. Text has the line ends
	// of mail.
	Content []byte `json:"-"`
}

// Verify looks at a mail, or at CMS alone, DER or PEM. Whatever is wrong is in
// the report.
func Verify(message []byte, o VerifyOptions) *Report {
	r := &Report{Signers: []Signer{}, Problems: []*Problem{}}
	m, p := openSigned(message)
	if p == nil {
		r.Kind, r.Beside = m.kind, m.beside
		p = r.look(m, &o)
	}
	if p != nil {
		r.Problems = append(r.Problems, p)
	}
	r.Verified = len(r.Problems) == 0 && len(r.Signers) > 0
	for i := range r.Signers {
		r.Verified = r.Verified && len(r.Signers[i].Problems) == 0
	}
	if !r.Verified {
		r.Content = nil
	}
	return r
}

// look fills in what the signed part comes to.
func (r *Report) look(m *signedMessage, o *VerifyOptions) *Problem {
	s, p := readSigned(m.cms)
	if p != nil {
		return p
	}
	content := m.content
	switch {
	case m.detached && s.content != nil:
		return problem("two-contents", "have it signed anew", "the signature brings a text of its own, beside the one that it stands under")
	case m.detached && o.Content != nil:
		return problem("two-contents", "leave the content out", "the mail has the text beside its signature, and another one was given")
	case m.detached:
	case s.content != nil && o.Content != nil:
		return problem("two-contents", "leave the content out", "the signature has a text inside, and another one was given")
	case s.content != nil:
		content = s.content
	case o.Content != nil:
		content = o.Content
	default:
		return problem("no-content", "give what was signed", "the message is a signature alone, without what was signed")
	}
	if r.Content, r.Bytes = content, len(content); len(s.signers) == 0 {
		return problem("unsigned", "have it signed", "nobody has signed the message; it brings certificates only")
	}
	for i := range s.signers {
		r.Signers = append(r.Signers, s.signers[i].judge(content, s.certs, o))
	}
	return r.names(m, o)
}

// signedData is a SignedData that was read.
type signedData struct {
	content []byte // nil: it is elsewhere
	certs   []*x509.Certificate
	signers []signerInfo
}

func malformed(what string) *Problem {
	return problem("malformed", "have it sent again; it may have been cut off on its way", "the signature cannot be read: %s", what)
}

// readSigned reads a ContentInfo with a SignedData (RFC 5652 §3, §5.1).
func readSigned(cms []byte) (*signedData, *Problem) {
	c, p := openCMS(cms, "signed")
	if p != nil {
		return nil, p
	}
	s := &signedData{}
	c.integer()
	c.take(tagSet) // digests, which each signer names again
	inner := c.in(tagSequence)
	if id := inner.oid(); !inner.bad && !id.Equal(oidData) {
		return nil, problem("not-data", "have the text itself signed", "what is signed is no mail but a structure of type %s", id)
	}
	if e := inner.peek(); e != 0 {
		explicit := inner.in(context(0))
		if s.content = explicit.take(tagOctets); s.content == nil {
			s.content = []byte{}
		}
		inner.bad = inner.bad || explicit.err() != nil
	}
	if list, ok := c.maybe(context(0)); ok {
		s.readCerts(list)
	}
	c.maybe(context(1)) // revocations; see the package's comment
	infos := c.in(tagSet)
	for len(infos.rest) > 0 && !infos.bad {
		if len(s.signers) == maxSigners {
			return nil, malformed("it has too many signers")
		}
		s.signers = append(s.signers, readSigner(infos))
	}
	if c.err() != nil || inner.err() != nil || infos.err() != nil {
		return nil, malformed(errDER.Error())
	}
	return s, nil
}

// readCerts takes the certificates that can be read; a signer whose own cannot is
// told so.
func (s *signedData) readCerts(list []byte) {
	c := cursor{rest: list}
	for n := 0; len(c.rest) > 0 && !c.bad && n < maxCerts; n++ {
		full, _ := c.any()
		cert, err := x509.ParseCertificate(full)
		if err != nil {
			continue
		}
		if k, ok := cert.PublicKey.(*rsa.PublicKey); !ok || k.N.BitLen() <= maxRSABits {
			s.certs = append(s.certs, cert)
		}
	}
}

// openCMS returns the inside of a ContentInfo that has to be of a kind.
func openCMS(cms []byte, want string) (*cursor, *Problem) {
	der, rest, err := normalize(cms)
	if err != nil || len(trimmed(rest)) > 0 {
		if err == nil {
			err = errDER
		}
		return nil, malformed(err.Error())
	}
	all := cursor{rest: der}
	info := all.in(tagSequence)
	id := info.oid()
	explicit := info.in(context(0))
	content := explicit.in(tagSequence)
	if all.err() != nil || info.err() != nil || explicit.err() != nil {
		return nil, malformed(errDER.Error())
	}
	is := map[string]string{oidSigned.String(): "signed", oidEnveloped.String(): "encrypted", oidAuthEnveloped.String(): "encrypted"}[id.String()]
	switch {
	case is == want:
		return content, nil
	case is != "":
		return nil, problem("not-"+want, "use the command for it", "the message is not %s but %s", want, is)
	}
	return nil, problem("not-"+want, "have it sent in another form", "the message is not %s but CMS of type %s", want, id)
}

// trimmed takes off what some programs leave after DER.
func trimmed(b []byte) []byte {
	for len(b) > 0 && (b[0] == '\r' || b[0] == '\n') {
		b = b[1:]
	}
	return b
}
