package smime

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/x509"
	"errors"
	"slices"
	"strings"
	"time"

	"freshet/internal/strength"
)

// Addresses returns the mail addresses that a certificate is for: its alternative
// names, or without any the old place in the subject (RFC 8550 §3).
func Addresses(c *x509.Certificate) []string {
	if len(c.EmailAddresses) > 0 {
		return c.EmailAddresses
	}
	var all []string
	for _, n := range c.Subject.Names {
		if s, ok := n.Value.(string); ok && n.Type.Equal(oidSubjectMailName) {
			all = append(all, s)
		}
	}
	return all
}

// sameAddress compares as RFC 5280 §7.5 says: the host without regard to case,
// what stands before it as it is.
func sameAddress(a, b string) bool {
	i, j := strings.LastIndexByte(a, '@'), strings.LastIndexByte(b, '@')
	return i > 0 && j > 0 && a[:i] == b[:j] && strings.EqualFold(a[i:], b[j:])
}

const (
	forSigning   = x509.KeyUsageDigitalSignature | x509.KeyUsageContentCommitment
	forEncrypter = x509.KeyUsageKeyEncipherment
	forAgreement = x509.KeyUsageKeyAgreement
)

// purposeProblem says why a certificate is not one for mail (RFC 8550 §4.4.4).
func purposeProblem(c *x509.Certificate) *Problem {
	if len(c.ExtKeyUsage)+len(c.UnknownExtKeyUsage) == 0 ||
		slices.Contains(c.ExtKeyUsage, x509.ExtKeyUsageEmailProtection) || slices.Contains(c.ExtKeyUsage, x509.ExtKeyUsageAny) {
		return nil
	}
	return problem("wrong-purpose", "use one with the extended key usage emailProtection, or say that any purpose will do",
		"the certificate of %s is not for mail", subjectOf(c))
}

// usageProblem says why the key of a certificate is not for what is done with it
// (RFC 8550 §4.4.2).
func usageProblem(c *x509.Certificate, usage x509.KeyUsage, what string) *Problem {
	if c.KeyUsage == 0 || c.KeyUsage&usage != 0 {
		return nil
	}
	return problem("wrong-usage", "use one whose key usage allows it", "the certificate of %s is not for %s", subjectOf(c), what)
}

// timeProblem says why a certificate is not valid at a time.
func timeProblem(c *x509.Certificate, at time.Time) *Problem {
	switch {
	case at.After(c.NotAfter):
		return problem("expired", "renew the certificate", "the certificate of %s expired on %s", subjectOf(c), c.NotAfter.UTC().Format(time.DateTime))
	case at.Before(c.NotBefore):
		return problem("not-yet-valid", "wait, or set the clock", "the certificate of %s is not valid before %s", subjectOf(c), c.NotBefore.UTC().Format(time.DateTime))
	}
	return nil
}

// trust finds a chain from a certificate to who is trusted, and says what is
// wrong with it.
func trust(c *x509.Certificate, others []*x509.Certificate, o *VerifyOptions, at time.Time) (chain []*x509.Certificate, bad *Problem) {
	if p := timeProblem(c, at); p != nil {
		return nil, p
	}
	between := x509.NewCertPool()
	for _, other := range slices.Concat(others, o.Certs) {
		between.AddCert(other)
	}
	use := x509.ExtKeyUsageEmailProtection
	if o.AnyPurpose {
		use = x509.ExtKeyUsageAny
	} else if p := purposeProblem(c); p != nil {
		return nil, p
	}
	chains, err := c.Verify(x509.VerifyOptions{Roots: o.Roots, Intermediates: between, CurrentTime: at, KeyUsages: []x509.ExtKeyUsage{use}})
	if err != nil {
		return nil, untrusted(c, err)
	}
	for _, chain := range chains {
		if bad = weakChain(chain); bad == nil {
			return chain, nil
		}
	}
	return nil, bad
}

// weakChain says what can be forged on the way to who is trusted, whose own
// signature says nothing.
func weakChain(chain []*x509.Certificate) *Problem {
	for i, c := range chain {
		look := weak
		if i == len(chain)-1 {
			look = weakKey
		}
		if p := look(c); p != nil {
			return p
		}
	}
	return nil
}

func untrusted(c *x509.Certificate, err error) *Problem {
	var unknown x509.UnknownAuthorityError
	var invalid x509.CertificateInvalidError
	var insecure x509.InsecureAlgorithmError
	switch {
	case strength.Forgeable(c.SignatureAlgorithm) || errors.As(err, &insecure):
		return problem("weak-certificate", strength.SignAnew, "the certificate of %s, or one that vouches for it, is signed in a way that can be forged", subjectOf(c))
	case errors.As(err, &unknown):
		return problem("unknown-authority", "name the authority that vouches for it, if you trust that", "no trusted authority vouches for the certificate of %s; its issuer is %s", subjectOf(c), nonempty(c.Issuer.String()))
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return problem("expired-issuer", "renew the certificate of the authority", "a certificate that vouches for %s is not valid at that time", subjectOf(c))
	}
	return problem("untrusted", "see what the verifier says", "the certificate of %s does not verify: %s", subjectOf(c), strings.TrimPrefix(err.Error(), "x509: "))
}

func nonempty(s string) string {
	if s == "" {
		return "(no name)"
	}
	return s
}

// fits reports whether a key is that of a certificate.
func fits(public any, c *x509.Certificate) bool {
	switch k := public.(type) {
	case *rsa.PublicKey:
		return k.Equal(c.PublicKey)
	case *ecdsa.PublicKey:
		return k.Equal(c.PublicKey)
	case ed25519.PublicKey:
		return k.Equal(c.PublicKey)
	}
	return false
}

// identifier is how a message names a certificate: by issuer and number, or by
// the identifier of its key.
type identifier struct {
	issuerAndSerial []byte // DER, with its head
	keyID           []byte
}

func (id identifier) of(c *x509.Certificate) bool {
	if len(id.keyID) > 0 {
		return bytes.Equal(id.keyID, c.SubjectKeyId)
	}
	return bytes.Equal(id.issuerAndSerial, issuerAndSerial(c))
}

// issuerAndSerial makes an IssuerAndSerialNumber of the bytes in the certificate.
func issuerAndSerial(c *x509.Certificate) []byte {
	return tlv(tagSequence, c.RawIssuer, derSerial(c))
}

func derSerial(c *x509.Certificate) []byte {
	b := c.SerialNumber.Bytes()
	if len(b) == 0 || b[0] >= 0x80 {
		b = append([]byte{0}, b...)
	}
	return tlv(tagInteger, b)
}
