package app

import (
	"bytes"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"freshet/internal/authority"
	"freshet/internal/config"
)

// tls makes certificates, or says what a peer offers.
func (e *Env) tls(args []string) int {
	c, err := config.ParseTLS(args, e.Environ)
	if err != nil {
		return e.misused("tls", err)
	}
	switch c.Verb {
	case "ca":
		return e.result(e.tlsAuthority(c))
	case "cert":
		return e.result(e.tlsCert(c))
	case "trust":
		return e.result(e.tlsTrust(c))
	}
	return e.tlsProbe(c)
}

// authorityFolder returns the folder of the authority: the one that was named,
// else the user's own for the data of programs.
func authorityFolder(dir string, environ []string) (string, error) {
	if dir != "" {
		return filepath.Abs(dir) // what is printed is used elsewhere
	}
	if folder := userFolder(environ, "XDG_DATA_HOME", ".local/share"); folder != "" {
		return filepath.Join(folder, "authority"), nil
	}
	return "", errors.New("there is no folder for an authority: set HOME or XDG_DATA_HOME, or give --dir")
}

// openAuthority opens the authority that there is.
func (e *Env) openAuthority(c *config.TLS) (*authority.Authority, error) {
	dir, err := authorityFolder(c.Dir, e.Environ)
	if err != nil {
		return nil, err
	}
	ring, err := openRing(c.Encrypt, slog.New(slog.DiscardHandler))
	if err != nil {
		return nil, err
	}
	a, err := authority.Open(dir, ring)
	if errors.Is(err, authority.ErrNone) {
		return nil, fmt.Errorf("there is no authority in %s; make one with \"freshet tls ca\", or name its folder with --dir", dir)
	}
	return a, err
}

func (e *Env) tlsAuthority(c *config.TLS) error {
	if c.Print {
		a, err := e.openAuthority(c)
		if err == nil {
			e.Stdout.Write(a.PEM())
		}
		return err
	}
	dir, err := authorityFolder(c.Dir, e.Environ)
	if err != nil {
		return err
	}
	ring, err := openRing(c.Encrypt, slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	o := authority.Options{Seal: ring, Name: c.Name, Permit: c.Permit, Exclude: c.Exclude, Life: time.Duration(c.Days) * 24 * time.Hour, Force: c.Force}
	a, err := authority.Create(dir, o)
	verb := "made"
	if errors.Is(err, authority.ErrExists) {
		if c.Name != "" || len(c.Permit)+len(c.Exclude) > 0 || c.Days != 0 {
			return fmt.Errorf("there is an authority in %s already; --force makes a new one, which has to be trusted anew everywhere", dir)
		}
		a, err = authority.Open(dir, ring)
		verb = "there is one already; nothing has changed"
	}
	if err != nil {
		return err
	}
	cert := a.Certificate()
	fmt.Fprintf(e.Stdout, "Authority    %s (%s)\nVouches for  %s\nCertificate  %s\nSHA-256      %s\nValid until  %s\n",
		cert.Subject.CommonName, verb, vouches(cert), a.File(), authority.Fingerprint(cert), cert.NotAfter.Format(time.DateOnly))
	fmt.Fprintf(e.Stdout, "\nIts key is in the same folder: whoever can read that can be any such host to those\n"+
		"who trust the authority. \"freshet tls trust\" prints how it comes to be trusted,\n"+
		"and does it for this machine with --apply.\n")
	return nil
}

// vouches says for what an authority vouches.
func vouches(c *x509.Certificate) string {
	texts := func(domains []string, ranges int, show func(int) string) []string {
		for i := range ranges {
			domains = append(domains, show(i))
		}
		return domains
	}
	permitted := texts(append([]string(nil), c.PermittedDNSDomains...), len(c.PermittedIPRanges), func(i int) string { return c.PermittedIPRanges[i].String() })
	if len(permitted) > 0 {
		return strings.Join(permitted, ", ") + " only"
	}
	excluded := texts(append([]string(nil), c.ExcludedDNSDomains...), len(c.ExcludedIPRanges), func(i int) string { return c.ExcludedIPRanges[i].String() })
	if len(excluded) > 0 {
		return "any name but " + strings.Join(excluded, ", ")
	}
	return "any name"
}

func (e *Env) tlsTrust(c *config.TLS) error {
	a, err := e.openAuthority(c)
	switch {
	case err != nil:
		return err
	case c.Apply:
		return e.applyTrust(a)
	}
	io.WriteString(e.Stdout, a.TrustText())
	return nil
}

func (e *Env) tlsCert(c *config.TLS) error {
	for _, name := range c.Names {
		if isRequest(name) {
			return fmt.Errorf("%q is a file with a request: %s", name, config.SignsNames)
		}
	}
	o := authority.CertOptions{Client: c.Client, Life: time.Duration(c.Days) * 24 * time.Hour}
	out, key := c.Out, c.Key
	if out == "" {
		out = fileFor(c.Names[0]) + ".pem"
		if c.CSR {
			out = fileFor(c.Names[0]) + ".csr"
		}
	}
	if key == "" {
		key = fileFor(c.Names[0]) + ".key"
	}
	var pair *authority.Pair
	var err error
	if c.CSR {
		pair, err = authority.Request(c.Names, o)
	} else {
		var a *authority.Authority
		if a, err = e.openAuthority(c); err == nil {
			pair, err = a.Cert(c.Names, o)
		}
	}
	if err != nil {
		return err
	}
	switch err := pair.Save(out, key, c.Force); {
	case errors.Is(err, authority.ErrExists):
		return fmt.Errorf("%w; --force replaces it, or name other files with --out and --key", err)
	case err != nil:
		return fmt.Errorf("write %s and %s: %w; name other files with --out and --key", out, key, cause(err))
	}
	if pair.Leaf == nil {
		fmt.Fprintf(e.Stdout, "Request      %s\nKey          %s\n", out, key)
		return nil
	}
	fmt.Fprintf(e.Stdout, "Certificate  %s\nKey          %s\nFor          %s\nValid until  %s\n", out, key, strings.Join(c.Names, ", "), pair.Leaf.NotAfter.Format(time.DateOnly))
	return nil
}

// isRequest reports whether a name is that of a file with a request for a
// certificate, PEM.
func isRequest(name string) bool {
	info, err := os.Stat(name)
	if err != nil || !info.Mode().IsRegular() || info.Size() > 1<<20 {
		return false
	}
	text, err := os.ReadFile(name)
	return err == nil && bytes.Contains(text, []byte("CERTIFICATE REQUEST-----"))
}

// fileFor makes a file's name of one in a certificate.
func fileFor(name string) string {
	name = strings.Trim(strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' || r == '.' || r == '_':
			return r
		case r == '*':
			return '_'
		}
		return '-'
	}, name), ".-")
	if name == "" {
		return "certificate"
	}
	return name
}

func (e *Env) tlsProbe(c *config.TLS) int {
	o := authority.ProbeOptions{ServerName: c.SNI}
	if c.CA != "" {
		text, err := os.ReadFile(c.CA)
		if err != nil {
			return e.fault(fmt.Errorf("--ca %s: %w; name a file that exists", c.CA, cause(err)))
		}
		if o.Roots = x509.NewCertPool(); !o.Roots.AppendCertsFromPEM(text) {
			return e.fault(fmt.Errorf("--ca %s: it has no certificate; give one or more, PEM", c.CA))
		}
	}
	ctx, stop := e.untilSignal()
	defer stop()
	p, err := authority.Probe(ctx, c.Peer, o)
	if err != nil {
		return e.fault(err)
	}
	if c.JSON {
		text, err := p.JSON()
		if err != nil {
			return e.fault(err)
		}
		e.Stdout.Write(text)
	} else {
		io.WriteString(e.Stdout, p.Text())
	}
	if !p.Verified {
		return exitFault
	}
	return exitOK
}
