package app

import (
	"bytes"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"slices"
	"strings"
	"time"

	"freshet/internal/authority"
	"freshet/internal/config"
	"freshet/internal/notify"
	"freshet/internal/signing"
	"freshet/internal/smime"
	"freshet/internal/strength"
	"freshet/signature"
)

// alertWays are the ways that a configuration names, each as a function that
// makes one, which tells a trace of what is said.
func alertWays(c *config.Alerts, e *Env) ([]func(trace func(string)) notify.Way, error) {
	var all []func(func(string)) notify.Way
	if len(c.Mail) > 0 {
		m, err := alertMail(c)
		if err != nil {
			return nil, err
		}
		for _, address := range m.To {
			all = append(all, func(trace func(string)) notify.Way {
				way, server := *m, *m.SMTP
				server.Trace = trace
				way.SMTP, way.For = &server, address
				return &way
			})
		}
	}
	var key *signature.Key
	if c.WebhookKey != "" {
		var err error
		if key, err = signing.ReadKey(c.WebhookKey); err != nil {
			return nil, fmt.Errorf("--alert-webhook-key: %w", err)
		}
	}
	for _, address := range once(c.Webhooks) {
		u, err := url.Parse(address)
		if err != nil {
			return nil, fmt.Errorf("--alert-webhook: it is no address")
		}
		client := notify.NewClient()
		all = append(all, func(func(string)) notify.Way {
			return &notify.Webhook{URL: u, Key: key, Agent: "freshet/" + version(), Client: client}
		})
	}
	for _, path := range once(c.Programs) {
		all = append(all, func(func(string)) notify.Way { return &notify.Program{Path: path, Environ: e.Environ} })
	}
	return all, nil
}

// once leaves out what stands twice in a list: nobody is told twice.
func once(list []string) (all []string) {
	for _, s := range list {
		if !slices.Contains(all, s) {
			all = append(all, s)
		}
	}
	return all
}

// alertMail is the way by mail.
func alertMail(c *config.Alerts) (*notify.Mail, error) {
	to, fault := config.ParseSMTP(c.SMTP)
	if fault != "" {
		return nil, fmt.Errorf("--alert-smtp: %s", fault)
	}
	m := &notify.Mail{From: c.From, For: c.Mail[0], To: once(c.Mail), SMTP: &notify.SMTP{Host: to.Host, Port: to.Port, Implicit: to.Implicit, User: to.User, TLS: notify.TLSMode(c.TLS)}}
	var err error
	if m.SMTP.Password, err = alertPassword(c.Password); err != nil {
		return nil, err
	}
	if c.CA != "" {
		certs, err := readCerts("alert-smtp-ca", c.CA)
		if err != nil {
			return nil, err
		}
		m.SMTP.Roots = x509.NewCertPool()
		for _, cert := range certs {
			if err := strength.Root(cert); err != nil {
				return nil, fmt.Errorf("--alert-smtp-ca %s: %w", c.CA, err)
			}
			m.SMTP.Roots.AddCert(cert)
		}
	}
	if c.SignCert != "" {
		certs, err := readCerts("alert-sign-cert", c.SignCert)
		if err != nil {
			return nil, err
		}
		text, err := authority.ReadKey(c.SignKey)
		if err != nil {
			return nil, fmt.Errorf("--alert-sign-key %s: %w", c.SignKey, cause(err))
		}
		if m.Key, err = smime.ParseKey(text, nil); err != nil {
			return nil, fmt.Errorf("--alert-sign-key %s: %w; it must not be encrypted, for nobody is there to give its passphrase", c.SignKey, err)
		}
		m.Cert, m.Chain = certs[0], certs[1:]
		if err := signsMail(m); err != nil {
			return nil, fmt.Errorf("--alert-sign-cert %s: %w", c.SignCert, err)
		}
	}
	for _, file := range c.Readers {
		certs, err := readCerts("alert-encrypt-cert", file)
		if err != nil {
			return nil, err
		}
		if err := readsMail(certs[0]); err != nil {
			return nil, fmt.Errorf("--alert-encrypt-cert %s: %w", file, err)
		}
		m.Readers = append(m.Readers, certs[0])
	}
	if err := m.Check(); err != nil {
		return nil, fmt.Errorf("--alert-mail: no mail could be made: %w", err)
	}
	return m, nil
}

// signsMail says why no mail could be signed, so that the flag is named that it is
// about.
func signsMail(m *notify.Mail) error {
	message, err := smime.NewMessage(trialMail, smime.MessageOptions{})
	if err == nil {
		_, err = message.Sign(smime.SignOptions{Cert: m.Cert, Key: m.Key, Chain: m.Chain, Time: time.Now()})
	}
	return err
}

// readsMail says why no mail could be encrypted for the owner of a certificate.
func readsMail(c *x509.Certificate) error {
	message, err := smime.NewMessage(trialMail, smime.MessageOptions{})
	if err == nil {
		_, err = message.Encrypt(smime.EncryptOptions{To: []*x509.Certificate{c}, Time: time.Now()})
	}
	return err
}

var trialMail = []byte("Content-Type: text/plain\r\n\r\nA trial.\r\n")

// alertPassword reads the password for the mail server, "" for none.
func alertPassword(s config.Secret) (string, error) {
	if s.File == "" {
		return s.Text, nil
	}
	text, err := authority.ReadKey(s.File)
	if errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("--alert-smtp-password %s: %w; write the password on its first line, and let nobody else read it (chmod 600)", s.File, cause(err))
	}
	if err != nil {
		return "", fmt.Errorf("--alert-smtp-password %s: %w", s.File, cause(err))
	}
	line, _, _ := bytes.Cut(text, []byte("\n"))
	password := strings.TrimSuffix(string(line), "\r")
	if password == "" {
		return "", fmt.Errorf("--alert-smtp-password %s: its first line is empty; write the password there", s.File)
	}
	return password, nil
}
