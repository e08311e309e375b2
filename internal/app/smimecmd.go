package app

import (
	"bytes"
	"crypto"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"
	"unicode/utf8"

	"freshet/internal/authority"
	"freshet/internal/config"
	"freshet/internal/field"
	"freshet/internal/smime"
)

// smime signs, verifies, encrypts or decrypts one mail. What is wrong with files
// and flags is exit status 2, what is wrong with a mail 1.
func (e *Env) smime(args []string) int {
	c, err := config.ParseSMIME(args, e.Environ)
	if err != nil {
		return e.misused("smime", err)
	}
	text, err := e.smimeInput(c)
	if err != nil {
		return e.usage(err.Error())
	}
	switch c.Verb {
	case "sign":
		err = e.smimeSign(c, text)
	case "encrypt":
		err = e.smimeEncrypt(c, text)
	case "verify":
		return e.smimeVerify(c, text)
	case "decrypt":
		return e.smimeDecrypt(c, text)
	}
	if err != nil {
		return e.usage(err.Error())
	}
	return exitOK
}

// clock is the time, which tests set.
func (e *Env) clock() time.Time {
	if e.Now != nil {
		return time.Unix(0, e.Now())
	}
	return time.Now()
}

func (e *Env) smimeInput(c *config.SMIME) ([]byte, error) {
	if c.In != "" && c.In != "-" {
		return readBounded(c.In, c.MaxBytes)
	}
	if e.Stdin == nil {
		return nil, errors.New("there is no standard input; name a file")
	}
	return readAtMost(e.Stdin, "standard input", c.MaxBytes)
}

// readBounded reads a file of a command line.
func readBounded(name string, most int64) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, fmt.Errorf("%s: %w; name a file that can be read", name, cause(err))
	}
	defer f.Close()
	return readAtMost(f, name, most)
}

func readAtMost(r io.Reader, name string, most int64) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(r, most+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("read %s: %w", name, cause(err))
	case int64(len(data)) > most:
		return nil, fmt.Errorf("%s has more than %d bytes; --max-bytes allows more", name, most)
	}
	return data, nil
}

// maxCertFile bounds files of certificates.
const maxCertFile = 8 << 20

// readCerts reads the certificates in a file that a flag names.
func readCerts(flag, name string) ([]*x509.Certificate, error) {
	text, err := readBounded(name, maxCertFile)
	if err != nil {
		return nil, fmt.Errorf("--%s %w", flag, err)
	}
	certs, err := smime.ParseCerts(text)
	if err != nil {
		return nil, fmt.Errorf("--%s %s: %w", flag, name, err)
	}
	return certs, nil
}

// smimeKey reads the key, and its passphrase if it is encrypted.
func smimeKey(c *config.SMIME) (crypto.Signer, error) {
	text, err := authority.ReadKey(c.Key)
	if err != nil {
		return nil, fmt.Errorf("--key %s: %w", c.Key, cause(err))
	}
	var passphrase []byte
	if c.Passphrase != "" {
		line, err := authority.ReadKey(c.Passphrase)
		if err != nil {
			return nil, fmt.Errorf("--passphrase-file %s: %w", c.Passphrase, cause(err))
		}
		line, _, _ = bytes.Cut(line, []byte("\n"))
		if passphrase = bytes.TrimSuffix(line, []byte("\r")); len(passphrase) == 0 {
			return nil, fmt.Errorf("--passphrase-file %s: its first line is empty", c.Passphrase)
		}
	}
	key, err := smime.ParseKey(text, passphrase)
	if errors.Is(err, smime.ErrPassphrase) {
		err = errors.New("it is encrypted; give a file with its passphrase: --passphrase-file FILE")
	}
	if err != nil {
		return nil, fmt.Errorf("--key %s: %w", c.Key, err)
	}
	return key, nil
}

// smimeMessage makes what is to be signed or encrypted.
func smimeMessage(c *config.SMIME, text []byte) (*smime.Message, error) {
	o := smime.MessageOptions{Binary: c.Binary, From: c.From, Subject: c.Subject}
	if c.Verb == "sign" {
		o.To = c.To
	}
	if c.In != "" && c.In != "-" {
		o.Name = filepath.Base(c.In)
	}
	return smime.NewMessage(text, o)
}

func (e *Env) smimeSign(c *config.SMIME, text []byte) error {
	certs, err := readCerts("cert", c.Cert)
	if err != nil {
		return err
	}
	key, err := smimeKey(c)
	if err != nil {
		return err
	}
	m, err := smimeMessage(c, text)
	if err != nil {
		return err
	}
	mail, err := m.Sign(smime.SignOptions{Cert: certs[0], Chain: certs[1:], Key: key, Digest: c.Digest, Opaque: c.Opaque, AnyPurpose: c.Purpose == "any", Time: e.clock()})
	if err != nil {
		return err
	}
	return e.smimeOutput(c, mail, 0o644)
}

func (e *Env) smimeEncrypt(c *config.SMIME, text []byte) error {
	o := smime.EncryptOptions{Cipher: c.Cipher, OldTransport: c.OldTransport, AnyPurpose: c.Purpose == "any", Time: e.clock()}
	for _, name := range c.To {
		certs, err := readCerts("to", name)
		if err != nil {
			return err
		}
		// What follows vouches for it.
		o.To = append(o.To, certs[0])
	}
	m, err := smimeMessage(c, text)
	if err != nil {
		return err
	}
	mail, err := m.Encrypt(o)
	if err != nil {
		return err
	}
	return e.smimeOutput(c, mail, 0o644)
}

func (e *Env) smimeDecrypt(c *config.SMIME, text []byte) int {
	var o smime.DecryptOptions
	if c.Cert != "" {
		certs, err := readCerts("cert", c.Cert)
		if err != nil {
			return e.usage(err.Error())
		}
		o.Cert = certs[0]
	}
	key, err := smimeKey(c)
	if err != nil {
		return e.usage(err.Error())
	}
	o.Key = key
	d, err := smime.Decrypt(text, o)
	if err != nil {
		return e.fault(err)
	}
	out := d.Content
	switch {
	case c.Mail:
		out = d.Mail()
	case c.Body:
		if out, err = smime.Body(d.Content); err != nil {
			return e.fault(fmt.Errorf("--body: %w", err))
		}
	}
	if err := e.smimeOutput(c, out, 0o600); err != nil {
		return e.usage(err.Error())
	}
	if !d.Authentic {
		e.tell("note: it was encrypted with AES-CBC, by which nobody notices when it is changed on its way; ask for AES-GCM, and believe what is signed")
	}
	return exitOK
}

// smimeOutput writes a result where it goes.
func (e *Env) smimeOutput(c *config.SMIME, data []byte, mode os.FileMode) error {
	if c.Out == "-" || c.Out == "" {
		if _, _, terminal := e.screen()(); terminal && c.Out == "" && upsets(data) {
			return errors.New("it has characters that a terminal would obey; give --out FILE, or --out - to have it anyway")
		}
		if _, err := e.Stdout.Write(data); err != nil {
			return fmt.Errorf("write standard output: %w", cause(err))
		}
		return nil
	}
	if err := writeWhole(c.Out, data, mode); err != nil {
		return fmt.Errorf("write %s: %w; name another file with --out", c.Out, cause(err))
	}
	return nil
}

// upsets reports whether text has more for terminals than lines.
func upsets(text []byte) bool {
	return !utf8.Valid(text) || bytes.ContainsFunc(text, func(r rune) bool {
		return r != '\n' && r != '\r' && r != '\t' && field.Obeyed(r)
	})
}

// writeWhole puts a file in the place of what is there; it appears whole, or not
// at all. What is no file, such as a pipe, is written to.
func writeWhole(name string, data []byte, mode os.FileMode) error {
	if info, err := os.Stat(name); err == nil && !info.Mode().IsRegular() {
		return os.WriteFile(name, data, mode)
	}
	if to, err := filepath.EvalSymlinks(name); err == nil {
		name = to
	}
	f, err := os.CreateTemp(filepath.Dir(name), "."+strings.TrimPrefix(filepath.Base(name), ".")+"-*") // mode 0600
	if err != nil {
		return err
	}
	if _, err = f.Write(data); err == nil && mode != 0o600 {
		err = f.Chmod(mode)
	}
	if err == nil {
		err = f.Sync() // after a crash the name must not lead to an empty file
	}
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(f.Name(), name)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return nil
}
