package smime

import (
	"crypto/x509"
	"fmt"
)

// A Problem is why something is refused.
type Problem struct {
	ID     string `json:"id"`     // kebab-case, stable
	Text   string `json:"text"`   // a sentence without full stop
	Remedy string `json:"remedy"` // what to do
}

// Error makes it an error.
func (p *Problem) Error() string { return p.Text + "; " + p.Remedy }

func problem(id, remedy, format string, args ...any) *Problem {
	return &Problem{id, fmt.Sprintf(format, args...), remedy}
}

// subjectOf names a certificate in sentences.
func subjectOf(c *x509.Certificate) string {
	if a := Addresses(c); len(a) > 0 {
		return a[0]
	}
	if s := c.Subject.String(); s != "" {
		return s
	}
	return "a certificate without a name"
}
