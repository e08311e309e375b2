package authority

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"freshet/internal/field"
)

// JSON returns what was seen, indented, in a form that can be shown on a
// terminal.
func (p *Peer) JSON() ([]byte, error) {
	b, err := json.MarshalIndent(p, "", "  ")
	return field.EscapeJSON(append(b, '\n')), err
}

// Text returns what was seen for people.
func (p *Peer) Text() string {
	var b strings.Builder
	line := func(term, format string, args ...any) {
		fmt.Fprintf(&b, "%-13s %s\n", term, plain(fmt.Sprintf(format, args...)))
	}
	line("peer", "%s", p.Address)
	if p.Remote != p.Address {
		line("", "at %s", p.Remote)
	}
	line("verdict", "%s", p.verdict())
	if c := p.Chosen; c.Accepted {
		line("chosen", "%s, %s", c.Name, c.detail())
		line("handshake", "%v", p.Handshake.Round(100*time.Microsecond))
	} else {
		line("chosen", "nothing: %s", c.Error)
	}
	for i, v := range p.Versions {
		term := ""
		if i == 0 {
			term = "versions"
		}
		switch {
		case v.Accepted:
			line(term, "%s  yes  %s", v.Name, v.detail())
		case v.Unreached:
			line(term, "%s  ?    %s", v.Name, v.Error)
		default:
			line(term, "%s  no", v.Name)
		}
	}
	if p.ClientCert {
		line("client", "it asks for a certificate of the client")
	}
	for i, c := range p.Chain {
		b.WriteByte('\n')
		term := "certificate"
		if i > 0 {
			term = fmt.Sprintf("issuer %d", i)
		}
		line(term, "%s", orNone(c.Subject))
		if len(c.Names) > 0 {
			line("  for", "%s", strings.Join(c.Names, ", "))
		}
		line("  signed by", "%s (%s)", orNone(c.Issuer), c.Signature)
		line("  key", "%s", c.Key)
		line("  valid", "%s to %s, %s", c.NotBefore.Format(time.DateOnly), c.NotAfter.Format(time.DateOnly), left(c.NotAfter.Sub(p.Time)))
		line("  SHA-256", "%s", c.SHA256)
	}
	b.WriteByte('\n')
	line("transparency", "%s", count(p.SCTs, "signed timestamp", "signed timestamps"))
	if s := p.OCSP; s != nil {
		until := ""
		if !s.NextUpdate.IsZero() {
			until = ", until " + s.NextUpdate.Format(time.DateTime)
		}
		line("OCSP", "stapled, %s%s", s.Status, until)
	} else {
		line("OCSP", "nothing stapled")
	}
	if len(p.Weaknesses) == 0 {
		line("weaknesses", "none")
	}
	for _, w := range p.Weaknesses {
		b.WriteByte('\n')
		term := "note"
		if w.Bad {
			term = "bad"
		}
		line(term, "%s (%s)", w.Text, w.ID)
		line("", "%s", w.Remedy)
	}
	return b.String()
}

func (p *Peer) verdict() string {
	if p.Verified {
		return "verified: it is " + p.ServerName
	}
	var not []string
	if !p.Trusted {
		not = append(not, "it leads to no trusted authority")
	}
	if !p.InTime {
		not = append(not, "it is out of time")
	}
	if !p.NameMatches {
		not = append(not, "it is for another name than "+p.ServerName)
	}
	return "not verified: " + strings.Join(not, "; ")
}

func (v *Version) detail() string {
	parts := []string{v.Suite}
	if v.Group != "" {
		parts = append(parts, v.Group)
	}
	if v.ALPN != "" {
		parts = append(parts, "ALPN "+v.ALPN)
	}
	return strings.Join(parts, ", ")
}

func left(d time.Duration) string {
	if d < 0 {
		return "expired " + span(-d) + " ago"
	}
	return span(d) + " left"
}

// span is a time in the largest unit of which it has a whole one, rounded down.
func span(d time.Duration) string {
	switch {
	case d >= day:
		return count(int(d/day), "day", "days")
	case d >= time.Hour:
		return count(int(d/time.Hour), "hour", "hours")
	case d >= time.Minute:
		return count(int(d/time.Minute), "minute", "minutes")
	}
	return count(int(d/time.Second), "second", "seconds")
}

func count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

func orNone(s string) string {
	if s == "" {
		return "(no name)"
	}
	return s
}

// plain makes text of others harmless for terminals.
func plain(s string) string {
	return strings.Map(func(r rune) rune {
		if field.Obeyed(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, "?"))
}
