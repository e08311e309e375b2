package who

import (
	"context"
	"crypto/x509"
	"encoding/base64"
	"net/http"
)

// Fields that tell origins of a client's certificate (RFC 9440 §2).
const (
	CertificateField = "Client-Cert"
	ChainField       = "Client-Cert-Chain"
)

// A Chain is a client's certificate that was found to be good, and those that
// vouch for it, up to the authority. It is not changed once it is made.
type Chain struct {
	Certificates []*x509.Certificate // the client's first

	cert, chain []string // values of the fields
}

// NewChain returns a chain, which has one certificate at least.
func NewChain(certificates []*x509.Certificate) *Chain {
	c := &Chain{Certificates: certificates}
	c.cert = []string{byteSequence(certificates[0])}
	for _, between := range certificates[1:] {
		c.chain = append(c.chain, byteSequence(between))
	}
	return c
}

// byteSequence writes a certificate as a structured field (RFC 8941 §3.3.5).
func byteSequence(c *x509.Certificate) string {
	return ":" + base64.StdEncoding.EncodeToString(c.Raw) + ":"
}

type chainKey struct{}

// Certificate returns the client's certificate that a guard has found to be good,
// and those that vouch for it; nil for none.
func Certificate(r *http.Request) *Chain {
	c, _ := r.Context().Value(chainKey{}).(*Chain)
	return c
}

// WithCertificate returns a request whose client has shown a certificate, in the
// context and in the fields of RFC 9440. The fields of r stay as they are.
func WithCertificate(r *http.Request, c *Chain) *http.Request {
	on := r.WithContext(context.WithValue(r.Context(), chainKey{}, c))
	on.Header = make(http.Header, len(r.Header)+2)
	for name, values := range r.Header {
		on.Header[name] = values
	}
	on.Header[CertificateField] = c.cert
	delete(on.Header, ChainField)
	if len(c.chain) > 0 {
		on.Header[ChainField] = c.chain
	}
	return on
}
