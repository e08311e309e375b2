package app

import (
	"crypto/tls"
	"errors"
	"slices"
	"time"

	"freshet/httpd"
	"freshet/internal/acme"
	"freshet/internal/authority"
)

// secure makes handshakes ask what the site wants that a client names, and keeps
// sessions of one site from being resumed at another.
type secure struct {
	base    *tls.Config // certificates and protocols
	tickets *tickets
	wanted  func(serverName string) *demand
	nothing *tls.Config // for sites that want nothing
}

// newSecure completes a configuration that has the certificates.
func newSecure(certificates *tls.Config, t *tickets, wanted func(string) *demand) *secure {
	base := certificates.Clone()
	httpd.CompleteTLS(base)
	base.GetCertificate = recognizing(base.GetCertificate)
	x := &secure{base: base, tickets: t, wanted: wanted}
	x.nothing = base.Clone()
	t.bind(x.nothing, (*demand)(nil).sum())
	return x
}

// errNotForName are the errors of who gives certificates that are about the name.
var errNotForName = []error{errNoCertificate, errNotLocal, authority.ErrNotFor, acme.ErrNoName, acme.ErrNo}

// recognizing has a client be told that its name is not known here (the alert
// unrecognized_name, RFC 6066 §3), where it is that which is wrong: crypto/tls
// says so when there is no certificate and no error. Any other error is
// internal_error, as for a name whose certificate is still on its way.
func recognizing(get func(*tls.ClientHelloInfo) (*tls.Certificate, error)) func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	if get == nil {
		return nil
	}
	return func(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
		c, err := get(hello)
		if err != nil && slices.ContainsFunc(errNotForName, func(about error) bool { return errors.Is(err, about) }) {
			return nil, nil
		}
		return c, err
	}
}

// wanted returns what says what a site wants.
func (s *service) wanted() func(string) *demand {
	if live := s.content.live; live != nil {
		return func(name string) *demand { return live.sites().demandFor(name) }
	}
	return func(string) *demand { return s.content.demand }
}

// clock is that of the environment, for what counts in hours.
func (s *service) clock() func() time.Time {
	if s.env.Now == nil {
		return time.Now
	}
	return func() time.Time { return time.Unix(0, s.env.Now()) }
}

// config is for a server.
func (x *secure) config() *tls.Config {
	c := x.nothing.Clone()
	c.GetConfigForClient = x.configFor
	return c
}

// configFor is for tls.Config. No client is refused for want of a certificate:
// guards do that, in a way that people can read.
func (x *secure) configFor(hello *tls.ClientHelloInfo) (*tls.Config, error) {
	d := x.wanted(hello.ServerName)
	if d == nil || acme.IsChallenge(hello) {
		return x.nothing, nil
	}
	sum := d.sum()
	if made := d.made.Load(); made != nil && made.sum == sum {
		return made.conf, nil
	}
	c := x.base.Clone()
	c.ClientAuth, c.ClientCAs = tls.RequestClientCert, d.authorities()
	x.tickets.bind(c, sum)
	d.made.Store(&demandConfig{sum, c})
	return c, nil
}
