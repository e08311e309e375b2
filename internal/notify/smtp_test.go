package notify

import (
	"context"
	"crypto/tls"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"freshet/internal/mailtest"
)

const letter = "From: a@example.org\r\nSubject: x\r\n\r\n.a dot\r\nText\r\n"

// client is a client of a server on this machine, by address, or by name.
func client(s *mailtest.Server, a *mailtest.Authority) *SMTP {
	return &SMTP{Host: "127.0.0.1", Port: s.Port(), TLS: TLSRequired, Roots: a.Pool()}
}

func offers(cert tls.Certificate) *tls.Config {
	return &tls.Config{Certificates: []tls.Certificate{cert}}
}

func send(c *SMTP) error {
	return c.Send(context.Background(), "a@example.org", "b@example.org", []byte(letter))
}

func TestSMTP(t *testing.T) {
	a := mailtest.NewAuthority(t)
	good := offers(a.Server("127.0.0.1", time.Now().Add(time.Hour)))
	for _, c := range []struct {
		name string
		o    mailtest.Options
		set  func(*SMTP)
		tls  bool
		user string
	}{
		{"starttls", mailtest.Options{TLS: good}, nil, true, ""},
		{"from the start", mailtest.Options{TLS: good, Implicit: true}, func(c *SMTP) { c.Implicit = true }, true, ""},
		{"plain", mailtest.Options{TLS: good, User: "u", Password: "geheim"}, func(c *SMTP) { c.User, c.Password = "u", "geheim" }, true, "u"},
		{"login", mailtest.Options{TLS: good, User: "u", Password: "geheim", Login: true}, func(c *SMTP) { c.User, c.Password = "u", "geheim" }, true, "u"},
		{"this machine needs none", mailtest.Options{}, func(c *SMTP) { c.TLS = TLSAuto }, false, ""},
		{"off", mailtest.Options{TLS: good}, func(c *SMTP) { c.TLS = TLSOff }, false, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := mailtest.Serve(t, c.o)
			to := client(s, a)
			if c.set != nil {
				c.set(to)
			}
			if err := send(to); err != nil {
				t.Fatal(err)
			}
			m := s.Mail(t)
			if string(m.Text) != letter || m.TLS != c.tls || m.User != c.user || m.From != "a@example.org" || strings.Join(m.To, " ") != "b@example.org" {
				t.Errorf("%+v %q", m, m.Text)
			}
		})
	}
}

// Whatever is wrong with TLS, the server gets neither the mail nor the password,
// and no error or trace has one.
func TestSMTPRefuses(t *testing.T) {
	a, other := mailtest.NewAuthority(t), mailtest.NewAuthority(t)
	valid := time.Now().Add(time.Hour)
	good := offers(a.Server("127.0.0.1", valid))
	login := func(o mailtest.Options) mailtest.Options {
		o.User, o.Password = "user", "geheim"
		return o
	}
	for _, c := range []struct {
		name string
		o    mailtest.Options
		want string
	}{
		{"no offer", login(mailtest.Options{}), "no STARTTLS"},
		{"the offer is taken out", login(mailtest.Options{TLS: good, Strip: true}), "no STARTTLS"},
		{"text behind the answer", login(mailtest.Options{TLS: good, Inject: "250 ok"}), "behind the answer"},
		{"another name", login(mailtest.Options{TLS: offers(a.Server("mail.example.org", valid))}), "certificate"},
		{"another authority", login(mailtest.Options{TLS: offers(other.Server("127.0.0.1", valid))}), "certificate"},
		{"too old", login(mailtest.Options{TLS: offers(a.Server("127.0.0.1", time.Now().Add(-time.Hour)))}), "expired"},
		{"an old version", login(mailtest.Options{TLS: &tls.Config{Certificates: good.Certificates, MaxVersion: tls.VersionTLS11, MinVersion: tls.VersionTLS10}}), "TLS"},
		{"another password", mailtest.Options{TLS: good, User: "user", Password: "anders"}, "535"},
		{"no AUTH", mailtest.Options{TLS: good}, "neither AUTH"},
		{"no mail from there", login(mailtest.Options{TLS: good, Answers: map[string]string{"MAIL": "550 5.7.1 not you\x1b[2J"}}), "550 5.7.1 not you?[2J"},
		{"for nobody", login(mailtest.Options{TLS: good, Answers: map[string]string{"RCPT": "550 nobody"}}), "550 nobody"},
		{"no data", login(mailtest.Options{TLS: good, Answers: map[string]string{"DATA": "451 later"}}), "451 later"},
		{"not taken", login(mailtest.Options{TLS: good, Answers: map[string]string{".": "552 too much"}}), "552 too much"},
		{"hangs up", login(mailtest.Options{TLS: good, Answers: map[string]string{".": ""}}), "EOF"},
		{"busy", login(mailtest.Options{Answers: map[string]string{"220": "421 busy"}}), "421 busy"},
		{"no server", login(mailtest.Options{Answers: map[string]string{"220": "SSH-2.0-x"}}), "no answer"},
		{"no end of a line", login(mailtest.Options{Answers: map[string]string{"220": "220 " + strings.Repeat("x", 1<<20)}}), "bytes"},
		{"no end of an answer", login(mailtest.Options{Answers: map[string]string{"220": strings.Repeat("220-x\n", 1000) + "220 x"}}), "lines"},
		{"two codes", login(mailtest.Options{Answers: map[string]string{"220": "220-x\n250 x"}}), "no answer"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := mailtest.Serve(t, c.o)
			to := client(s, a)
			var trace []string
			to.User, to.Password, to.Trace = "user", "geheim", func(line string) { trace = append(trace, line) }
			err := send(to)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v", err)
			}
			s.None(t)
			for _, secret := range []string{"geheim", "AGdlaGVpb", "Z2VoZWlt", "dXNlcgBnZWhlaW0"} {
				if strings.Contains(err.Error(), secret) || strings.Contains(strings.Join(trace, "\n"), secret) {
					t.Errorf("a secret is told: %v %q", err, trace)
				}
			}
			for _, line := range s.Heard() {
				if word, _, _ := strings.Cut(line, " "); word != "EHLO" && word != "STARTTLS" && word != "tls" {
					t.Errorf("it says in clear: %q", line)
				}
			}
		})
	}
}

// Who is refused for good is not tried again, who is refused for now is (RFC 5321
// §4.2.1).
func TestSMTPRecipientRefused(t *testing.T) {
	a := mailtest.NewAuthority(t)
	for _, c := range []struct {
		answer string
		final  bool
	}{{"550 5.1.1 no such user", true}, {"553 no such name", true}, {"450 4.2.0 greylisted", false}, {"451 try again", false}, {"452 too many", false}} {
		s := mailtest.Serve(t, mailtest.Options{Answers: map[string]string{"RCPT b@example.org": c.answer}})
		to := client(s, a)
		to.TLS = TLSAuto
		if err := send(to); err == nil || errors.Is(err, ErrRefused) != c.final || !strings.Contains(err.Error(), c.answer) {
			t.Errorf("%s: %v", c.answer, err)
		}
		s.None(t)
	}
}

// A mail that is refused for good is not tried again; that nobody may send from an
// address is not of the mail.
func TestSMTPMailRefused(t *testing.T) {
	a := mailtest.NewAuthority(t)
	for _, c := range []struct {
		word, answer string
		final        bool
	}{{".", "554 5.7.1 spam", true}, {".", "552 too much", true}, {".", "451 later", false}, {"DATA", "554 no", true}, {"DATA", "451 later", false}, {"MAIL", "550 not you", false}} {
		s := mailtest.Serve(t, mailtest.Options{Answers: map[string]string{c.word: c.answer}})
		to := client(s, a)
		to.TLS = TLSAuto
		err := send(to)
		var r *Refusal
		if !errors.As(err, &r) || errors.Is(err, ErrRefused) != c.final || r.OfMail != c.final || !strings.Contains(err.Error(), c.answer) {
			t.Errorf("%s: %v", c.answer, err)
		}
		s.None(t)
	}
}

// A server that repeats what is secret, whole or in part, has it shown to nobody.
func TestSMTPRepeats(t *testing.T) {
	a := mailtest.NewAuthority(t)
	good := offers(a.Server("127.0.0.1", time.Now().Add(time.Hour)))
	const token = "AHVzZXIAZ2VoZWltZXMgV29ydA=="
	for _, word := range []string{"AUTH", "MAIL"} {
		for _, answer := range []string{
			"535 5.7.8 AUTH PLAIN " + token, "535 you said " + strings.ToLower(token[8:]), "535 AHVz ZXIA Z2Vo ZWlt ZXMg",
			"535-" + token[:14] + "\n535 " + token[14:], "535 password geheimes Wort is wrong", "535 GEHEIMES?",
		} {
			s := mailtest.Serve(t, mailtest.Options{TLS: good, User: "user", Password: "geheimes Wort", Answers: map[string]string{word: answer}})
			to := client(s, a)
			var trace []string
			to.User, to.Password, to.Trace = "user", "geheimes Wort", func(line string) { trace = append(trace, line) }
			err := send(to)
			if err == nil || !strings.Contains(err.Error(), "535 (not shown") {
				t.Errorf("%q: %v", answer, err)
				continue
			}
			for _, shown := range append(trace, err.Error()) {
				for _, secret := range []string{token[:8], token[8:14], token[14:20], "geheim", "z2vo"} {
					if strings.Contains(strings.ToLower(shown), strings.ToLower(secret)) {
						t.Errorf("%q: %q", answer, shown)
					}
				}
			}
		}
	}
	k := &talk{told: []string{"geheim", "", "abc"}}
	for line, want := range map[string]string{"535 5.7.8 who are you?": "535 5.7.8 who are you?", "250 A b C": "250 (not", "geh": "geh", "geheim": "(not", "535-abc": "535-(not"} {
		if got := k.shown(line); !strings.HasPrefix(got, want) {
			t.Errorf("%q is shown as %q", line, got)
		}
	}
}

// An address that is several lines says nothing to the server.
func TestSMTPInjection(t *testing.T) {
	s := mailtest.Serve(t, mailtest.Options{})
	to := client(s, mailtest.NewAuthority(t))
	to.TLS = TLSAuto
	for _, bad := range []string{"x@example.org>\r\nRCPT TO:<evil@example.org", "x@example.org\n"} {
		if err := to.Send(context.Background(), "a@example.org", bad, []byte(letter)); err == nil || !strings.Contains(err.Error(), "several lines") {
			t.Errorf("%q: %v", bad, err)
		}
	}
	s.None(t)
}

// A password goes to this machine, or over TLS, and to nobody else.
func TestSMTPPasswordInClear(t *testing.T) {
	k := &talk{s: &SMTP{User: "u", Password: "geheim"}, conn: far{}}
	if err := k.login(); err == nil || !strings.Contains(err.Error(), "over TLS only") {
		t.Error(err)
	}
	if !k.wantsTLS() {
		t.Error("another machine gets mails in clear")
	}
}

// A server that takes its time is left when the context ends.
func TestSMTPCancelled(t *testing.T) {
	never := make(chan struct{})
	var once sync.Once
	defer once.Do(func() { close(never) })
	s := mailtest.Serve(t, mailtest.Options{Wait: never})
	a := mailtest.NewAuthority(t)
	to := client(s, a)
	to.TLS = TLSAuto
	ctx, cancel := context.WithCancel(context.Background())
	sent := make(chan error, 1)
	to.Trace = func(line string) {
		if strings.HasPrefix(line, "C: (a mail") {
			cancel()
		}
	}
	go func() { sent <- to.Send(ctx, "a@example.org", "b@example.org", []byte(letter)) }()
	if err := <-sent; err == nil {
		t.Error("sent")
	}
	once.Do(func() { close(never) })
}
