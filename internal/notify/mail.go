package notify

import (
	"context"
	"crypto"
	"crypto/rand"
	"crypto/x509"
	"errors"
	"fmt"
	"mime/quotedprintable"
	"net/mail"
	"strings"
	"time"

	"freshet/internal/alert"
	"freshet/internal/smime"
)

// Mail sends notices as mails to one recipient. Who is refused for now, as servers
// do with whom they do not know yet, is tried again without the others getting the
// same twice, and holds up nobody.
type Mail struct {
	SMTP *SMTP
	From string
	For  string   // the recipient
	To   []string // all who get mails of these notices, as the mail says; none: the recipient

	// Cert and Key sign mails; nil: they are not signed. Chain goes with them.
	Cert  *x509.Certificate
	Key   crypto.Signer
	Chain []*x509.Certificate

	// Readers are the certificates that mails are encrypted for; none: they are not.
	Readers []*x509.Certificate

	now func() time.Time // nil: the system's
}

// Name implements Way.
func (m *Mail) Name() string { return "mail to " + m.For }

// ID implements Way.
func (m *Mail) ID() string { return m.Name() }

// Most implements Way: what happens together is one mail.
func (m *Mail) Most() int { return 20 }

// Check reports what would keep all mails from being made.
func (m *Mail) Check() error {
	for _, address := range append([]string{m.From, m.For}, m.To...) {
		if _, err := CheckAddress(address); err != nil {
			return err
		}
	}
	_, err := m.make([]alert.Notice{alert.TestNotice("localhost", m.clock())}, 0)
	return err
}

// CheckAddress returns an address as servers get it. It is of ASCII: not all of
// them know others (RFC 6531).
func CheckAddress(text string) (string, error) {
	a, err := mail.ParseAddress(text)
	if err != nil || a.Name != "" || strings.ContainsFunc(a.Address, func(r rune) bool { return r <= ' ' || r >= 0x7f || r == '<' || r == '>' }) {
		return "", fmt.Errorf("%q is no mail address; give one such as ops@example.org, in ASCII and without a name", alert.Clean(text))
	}
	return a.Address, nil
}

func (m *Mail) clock() time.Time {
	if m.now != nil {
		return m.now()
	}
	return time.Now()
}

// Send implements Way.
func (m *Mail) Send(ctx context.Context, notices []alert.Notice, dropped int64) error {
	text, err := m.make(notices, dropped)
	if err != nil {
		return fmt.Errorf("make the mail: %w", err)
	}
	from, err := CheckAddress(m.From)
	if err != nil {
		return err
	}
	err = m.SMTP.Send(ctx, from, m.For, text)
	var r *Refusal
	if errors.As(err, &r) && r.OfMail && len(notices) > 1 {
		return fmt.Errorf("%w: %w", ErrApart, err)
	}
	return err
}

// make makes a mail.
func (m *Mail) make(notices []alert.Notice, dropped int64) ([]byte, error) {
	now := m.clock()
	text := m.plain(notices, dropped, now)
	if m.Cert == nil {
		return m.finish(text, now)
	}
	message, err := smime.NewMessage(text, smime.MessageOptions{})
	if err != nil {
		return nil, err
	}
	signed, err := message.Sign(smime.SignOptions{Cert: m.Cert, Key: m.Key, Chain: m.Chain, Time: now})
	if err != nil {
		return nil, err
	}
	return m.finish(signed, now)
}

// finish encrypts, if there are readers.
func (m *Mail) finish(text []byte, now time.Time) ([]byte, error) {
	if len(m.Readers) == 0 {
		return text, nil
	}
	message, err := smime.NewMessage(text, smime.MessageOptions{})
	if err != nil {
		return nil, err
	}
	return message.Encrypt(smime.EncryptOptions{To: m.Readers, Time: now})
}

// plain is the mail before it is signed and encrypted. Its first line of text
// says all that its subject says: a subject is signed by nobody, and one of a mail
// that is encrypted says nothing that others need not know.
func (m *Mail) plain(notices []alert.Notice, dropped int64, now time.Time) []byte {
	var b strings.Builder
	field := func(name, value string) { b.WriteString(name + ": " + value + "\r\n") }
	field("From", m.From)
	to := m.To
	if len(to) == 0 {
		to = []string{m.For}
	}
	field("To", strings.Join(to, ",\r\n "))
	field("Subject", encodeSubject(m.subject(notices)))
	field("Date", now.Format(time.RFC1123Z))
	field("Message-ID", messageID(m.From))
	field("Auto-Submitted", "auto-generated") // RFC 3834: nobody's absence is told
	field("MIME-Version", "1.0")
	field("Content-Type", "text/plain; charset=utf-8")
	text := body(notices, dropped)
	if strings.ContainsFunc(text, func(r rune) bool { return r >= 0x80 }) {
		field("Content-Transfer-Encoding", "quoted-printable")
		b.WriteString("\r\n")
		w := quotedprintable.NewWriter(&b)
		w.Write([]byte(text)) // to memory
		w.Close()
		return []byte(b.String())
	}
	field("Content-Transfer-Encoding", "7bit")
	return []byte(b.String() + "\r\n" + text)
}

// body is the text of a mail.
func body(notices []alert.Notice, dropped int64) string {
	var b strings.Builder
	for i := range notices {
		if i > 0 {
			b.WriteString("\n" + strings.Repeat("-", 72) + "\n\n")
		}
		b.WriteString(notices[i].Text())
	}
	if dropped > 0 {
		fmt.Fprintf(&b, "\nBesides, %d earlier notices could not be sent and were dropped;\nthe monitor has the latest ones.\n", dropped)
	}
	return strings.ReplaceAll(b.String(), "\n", "\r\n")
}

func (m *Mail) subject(notices []alert.Notice) string {
	switch {
	case len(m.Readers) > 0:
		return "freshet: " + plural(len(notices))
	case len(notices) == 1:
		return "freshet: " + notices[0].Title()
	}
	return fmt.Sprintf("freshet: %s and %d more", notices[0].Title(), len(notices)-1)
}

func plural(n int) string {
	if n == 1 {
		return "a notice"
	}
	return fmt.Sprintf("%d notices", n)
}

// messageID is new for each mail.
func messageID(from string) string {
	_, host, _ := strings.Cut(from, "@")
	return "<" + rand.Text() + "@" + host + ">"
}
