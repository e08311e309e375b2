package notify

import (
	"bytes"
	"context"
	"crypto/x509"
	"io"
	"mime"
	"net/mail"
	"os/exec"
	"strings"
	"testing"
	"time"

	"freshet/internal/alert"
	"freshet/internal/mailtest"
	"freshet/internal/smime"
)

// notice is one of an alert about a subject.
func notice(t testing.TB, subject string) alert.Notice {
	t.Helper()
	m := alert.New(alert.Options{Rules: alert.Rules(), Server: "edge-1"})
	for i := range 2 {
		look := alert.Look{"origin_down": {{Subject: subject, Value: 1, Detail: subject}}}
		if told := m.Step(time.Now().Add(time.Duration(i-1)*time.Minute), look); len(told) == 1 {
			return told[0]
		}
	}
	t.Fatal("no notice")
	return alert.Notice{}
}

// sends returns the mail that a server gets.
func sends(t testing.TB, m *Mail, notices ...alert.Notice) []byte {
	t.Helper()
	s := mailtest.Serve(t, mailtest.Options{})
	m.SMTP = &SMTP{Host: "127.0.0.1", Port: s.Port()}
	if err := m.Check(); err != nil {
		t.Fatal(err)
	}
	if err := m.Send(context.Background(), notices, 0); err != nil {
		t.Fatal(err)
	}
	return s.Mail(t).Text
}

func openssl(t testing.TB, in []byte, args ...string) []byte {
	t.Helper()
	c := exec.Command("openssl", args...)
	var out, said bytes.Buffer
	c.Stdin, c.Stdout, c.Stderr = bytes.NewReader(in), &out, &said
	if err := c.Run(); err != nil {
		t.Fatalf("openssl %v: %v: %s", args, err, said.String())
	}
	return out.Bytes()
}

func TestMailPlain(t *testing.T) {
	text := sends(t, &Mail{From: "freshet@example.org", For: "ops@example.org", To: []string{"ops@example.org", "two@example.org"}}, notice(t, "http://192.0.2.1"), notice(t, "b"))
	m, err := mail.ReadMessage(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	subject, err := new(mime.WordDecoder).DecodeHeader(m.Header.Get("Subject"))
	if want := "freshet: critical: origin-down (http://192.0.2.1) at edge-1 and 1 more"; err != nil || subject != want {
		t.Errorf("%q %v", subject, err)
	}
	if date, err := m.Header.Date(); err != nil || time.Since(date) > time.Hour {
		t.Error(date, err)
	}
	for name, want := range map[string]string{"Auto-Submitted": "auto-generated", "From": "freshet@example.org", "To": "ops@example.org, two@example.org"} {
		if got := m.Header.Get(name); got != want {
			t.Errorf("%s: %q", name, got)
		}
	}
	body, _ := io.ReadAll(m.Body)
	if n := strings.Count(string(body), "Why       What it alone has"); n != 2 {
		t.Errorf("%d notices in\n%s", n, body)
	}
}

// What we sign OpenSSL verifies, and what we encrypt it decrypts; what is changed
// it does not verify.
func TestMailSignedAndEncrypted(t *testing.T) {
	a := mailtest.NewAuthority(t)
	dir := t.TempDir()
	root := mailtest.Write(t, dir, "root.pem", a.Cert)
	cert, key := a.Person("freshet@example.org")
	reader, readerKey := a.Person("ops@example.org")
	m := &Mail{From: "freshet@example.org", For: "ops@example.org", Cert: cert, Key: key}
	n := notice(t, "http://origin.example")

	signed := sends(t, m, n)
	verify := []string{"cms", "-verify", "-CAfile", root, "-purpose", "smimesign"}
	out := openssl(t, signed, verify...)
	if !strings.Contains(string(out), "origin-down (http://origin.example)") || !strings.Contains(string(signed), "Subject: freshet: critical") {
		t.Errorf("%s", out)
	}
	changed := exec.Command("openssl", verify...)
	changed.Stdin = bytes.NewReader(bytes.Replace(signed, []byte("origin.example"), []byte("origin.exampel"), 2))
	if changed.Run() == nil {
		t.Error("openssl verifies what was changed")
	}

	m.Readers = []*x509.Certificate{reader}
	sealed := sends(t, m, n)
	if bytes.Contains(sealed, []byte("origin")) {
		t.Errorf("others can read of it:\n%s", sealed)
	}
	d, err := smime.Decrypt(sealed, smime.DecryptOptions{Cert: reader, Key: readerKey})
	if err != nil {
		t.Fatal(err)
	}
	if out := openssl(t, d.Content, verify...); !strings.Contains(string(out), "origin-down (http://origin.example)") {
		t.Errorf("%s", out)
	}
	keyFile, certFile := mailtest.Write(t, dir, "key.pem", readerKey), mailtest.Write(t, dir, "cert.pem", reader)
	inner := openssl(t, sealed, "cms", "-decrypt", "-inkey", keyFile, "-recip", certFile)
	if out := openssl(t, inner, verify...); !strings.Contains(string(out), "origin-down (http://origin.example)") {
		t.Errorf("%s", out)
	}
}

// Names that others choose add no field and no recipient.
func TestMailHostileNames(t *testing.T) {
	for _, name := range []string{"a\r\nBcc: evil@example.org\r\n\r\nText", "a\nBcc: evil@example.org", "a\rBcc: x", "\u2028Bcc: x", "=?utf-8?q?a=0D=0ABcc:_x?=",
		strings.Repeat("ü", 5000), strings.Repeat("x", 5000), "\xff\xfe\x00", ".\r\n.\r\nMAIL FROM:<x>", "пример.испытание"} {
		raw := sends(t, &Mail{From: "freshet@example.org", For: "ops@example.org"}, notice(t, name))
		m, err := mail.ReadMessage(bytes.NewReader(raw))
		if err != nil {
			t.Fatalf("%q: %v\n%s", name, err, raw)
		}
		if len(m.Header["Bcc"]) > 0 || len(m.Header) != 9 {
			t.Errorf("%q: fields %v", name, m.Header)
		}
		for line := range strings.Lines(string(raw)) {
			if len(line) > 1000 {
				t.Errorf("%q: a line of %d bytes", name, len(line))
			}
		}
		subject, err := new(mime.WordDecoder).DecodeHeader(m.Header.Get("Subject"))
		if err != nil || strings.ContainsAny(subject, "\r\n") || !strings.HasPrefix(subject, "freshet: critical: origin-down (") {
			t.Errorf("%q: subject %q %v", name, subject, err)
		}
	}
	for _, bad := range []string{"a@b\r\nBcc: x@y", "Name <a@b>", "a@b, c@d", "", "ü@example.org", "a"} {
		if _, err := CheckAddress(bad); err == nil {
			t.Errorf("%q is an address", bad)
		}
	}
}

func FuzzSubject(f *testing.F) {
	f.Add("plain")
	f.Add(strings.Repeat("ü=?_ ", 30))
	f.Fuzz(func(t *testing.T, text string) {
		field := encodeSubject(text)
		unfolded := strings.ReplaceAll(field, "\r\n ", " ")
		if strings.ContainsAny(unfolded, "\r\n") || strings.ContainsFunc(field, func(r rune) bool { return r > '~' }) {
			t.Fatalf("%q", field)
		}
		for _, line := range strings.Split(field, "\r\n") {
			if len(line) > 400 {
				t.Errorf("a line of %d bytes", len(line))
			}
		}
	})
}

// A recipient who is refused for now gets the mail later, and nobody gets it twice.
func TestRecipientsApart(t *testing.T) {
	s := mailtest.Serve(t, mailtest.Options{Later: map[string]int{"two@example.org": 2}, Answers: map[string]string{"RCPT gone@example.org": "550 no such user"}})
	all := []string{"one@example.org", "two@example.org", "gone@example.org"}
	var senders []*Sender
	for _, address := range all {
		m := &Mail{From: "freshet@example.org", For: address, To: all, SMTP: &SMTP{Host: "127.0.0.1", Port: s.Port()}}
		sender := NewSender(m, Options{Retry: time.Millisecond})
		sender.Add(oneOf(notice(t, "a")))
		sender.Start()
		defer sender.Close()
		senders = append(senders, sender)
	}
	got := map[string]int{}
	for range 2 {
		m := s.Mail(t)
		if len(m.To) != 1 || !bytes.Contains(m.Text, []byte("To: one@example.org,\r\n two@example.org,\r\n gone@example.org\r\n")) {
			t.Errorf("%q %s", m.To, m.Text)
		}
		got[m.To[0]]++
	}
	for _, sender := range senders {
		for len(sender.Waiting()) > 0 {
			time.Sleep(time.Millisecond)
		}
		sender.Close()
	}
	s.None(t)
	if got["one@example.org"] != 1 || got["two@example.org"] != 1 {
		t.Errorf("%v", got)
	}
	for i, want := range []State{{Sent: 1}, {Sent: 1, Failed: 2}, {Failed: 1, Dropped: 1}} {
		if is := senders[i].State(); is.Sent != want.Sent || is.Failed != want.Failed || is.Dropped != want.Dropped {
			t.Errorf("%s: %+v", all[i], is)
		}
	}
}

// A mail with something in it that the server never takes holds up no other: its
// notices are sent one by one, and the one is given up.
func TestMailApart(t *testing.T) {
	s := mailtest.Serve(t, mailtest.Options{Refuse: "poison"})
	m := &Mail{From: "freshet@example.org", For: "ops@example.org", SMTP: &SMTP{Host: "127.0.0.1", Port: s.Port()}}
	sender := NewSender(m, Options{Retry: time.Hour})
	for _, subject := range []string{"first", "poison", "third"} {
		sender.Add(oneOf(notice(t, subject)))
	}
	sender.Start()
	defer sender.Close()
	for _, want := range []string{"first", "third"} {
		if got := s.Mail(t); !bytes.Contains(got.Text, []byte("Where     "+want)) {
			t.Errorf("%s: %s", want, got.Text)
		}
	}
	for sender.State().Sent < 2 {
		time.Sleep(time.Millisecond)
	}
	if is := sender.State(); is.Sent != 2 || is.Failed != 2 || is.Dropped != 1 || is.Waiting != 0 {
		t.Errorf("%+v", is)
	}
}
