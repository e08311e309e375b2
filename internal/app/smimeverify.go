package app

import (
	"crypto/x509"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"freshet/internal/config"
	"freshet/internal/field"
	"freshet/internal/smime"
)

// smimeVerify prints what was signed if it verifies, and says by whom; with
// --json the report is what is printed.
func (e *Env) smimeVerify(c *config.SMIME, text []byte) int {
	o, err := e.smimeTrust(c)
	if err != nil {
		return e.usage(err.Error())
	}
	r := smime.Verify(text, *o)
	out := r.Content
	if r.Verified && c.Body {
		if out, err = smime.Body(r.Content); err != nil {
			return e.fault(fmt.Errorf("--body: %w", err))
		}
	}
	if r.Verified && (!c.JSON || c.Out != "") {
		if err := e.smimeOutput(c, out, 0o644); err != nil {
			return e.usage(err.Error())
		}
	}
	if c.JSON {
		b, err := json.MarshalIndent(r, "", "  ")
		if err != nil {
			return e.fault(err)
		}
		e.Stdout.Write(field.EscapeJSON(append(b, '\n')))
	} else {
		e.tellSigned(r)
	}
	if !r.Verified {
		return exitFault
	}
	return exitOK
}

// smimeTrust says who is believed.
func (e *Env) smimeTrust(c *config.SMIME) (*smime.VerifyOptions, error) {
	o := &smime.VerifyOptions{Now: e.clock(), At: c.AtTime, AtSigning: c.At == "signing", AnySender: c.AnySender, AnyPurpose: c.Purpose == "any"}
	if c.CA != "" {
		certs, err := readCerts("ca", c.CA)
		if err != nil {
			return nil, err
		}
		o.Roots = x509.NewCertPool()
		for _, cert := range certs {
			o.Roots.AddCert(cert)
		}
	}
	for _, name := range c.Certs {
		certs, err := readCerts("certs", name)
		if err != nil {
			return nil, err
		}
		o.Certs = append(o.Certs, certs...)
	}
	if c.From != "" {
		address, err := smime.ParseAddress(c.From)
		if err != nil {
			return nil, fmt.Errorf("--from %w", err)
		}
		o.From = []string{address}
	}
	if c.Content != "" {
		var err error
		if o.Content, err = readBounded(c.Content, c.MaxBytes); err != nil {
			return nil, fmt.Errorf("--content %w", err)
		}
	}
	return o, nil
}

// tellSigned tells a person what a report says.
func (e *Env) tellSigned(r *smime.Report) {
	for _, p := range r.Problems {
		e.tell("freshet: not verified: %v", p)
	}
	for i := range r.Signers {
		s := &r.Signers[i]
		for _, p := range s.Problems {
			e.tell("freshet: not verified: %v", p)
		}
		if r.Verified {
			e.tell("%s", signedBy(s))
		}
	}
	if r.Verified && len(r.From) == 0 {
		e.tell("note: nothing says who it should be from; look at who signed it, or give --from ADDRESS")
	}
	if r.Beside > 0 {
		e.tell("note: the mail has %d bytes beside what was signed; they are left out", r.Beside)
	}
}

func signedBy(s *smime.Signer) string {
	who := strings.Join(s.Addresses, ", ")
	if who == "" {
		who = s.Subject
	}
	when := "at a time that it does not say"
	if s.SigningTime != nil {
		when = "on " + s.SigningTime.Format(time.DateTime) + " UTC, as it says"
	}
	by := s.Issuer
	if by == "" {
		by = "an authority without a name"
	}
	return fmt.Sprintf("signed by %s %s; vouched for by %s; %s, %s; certificate %s", who, when, by, s.Key, s.Digest, s.SHA256)
}
