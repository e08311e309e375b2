package app

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"os"
	"time"

	"freshet/client"
	"freshet/internal/follow"
	"freshet/internal/outbound"
	"freshet/internal/strength"
)

// getPatience bounds the wait for the head of an answer, and for the next bytes
// of a body, unless --max-time bounds everything.
const getPatience = 5 * time.Minute

// openWay makes what sends requests.
func (g *getting) openWay() error {
	c := g.conf
	way := &outbound.Transport{
		HTTP2:          !c.HTTP11 && !c.HTTP10,
		ConnectTimeout: c.ConnectTimeout, TLSTimeout: c.ConnectTimeout,
		HeadTimeout: getPatience, ReadTimeout: getPatience, WriteTimeout: getPatience,
	}
	if c.MaxTime > 0 {
		way.HeadTimeout, way.ReadTimeout, way.WriteTimeout = -1, -1, -1
	}
	overrides, err := g.overrides()
	if err != nil {
		return err
	}
	way.Dial = overrides.DialContext
	if way.TLS, err = g.tlsConfig(); err != nil {
		return err
	}
	way.ParentTLS = &tls.Config{RootCAs: way.TLS.RootCAs, InsecureSkipVerify: c.Insecure}
	refuseWeak(way.ParentTLS)
	proxies, err := g.proxies()
	if err != nil {
		return err
	}
	if proxies != nil && overrides.Unix == "" {
		way.Parents = proxies.parents
	}
	if g.talk.on() {
		way.Watch = func(nc net.Conn) net.Conn { return client.Watch(nc, g.talk.event) }
	}
	g.wire = &getWire{talk: g.talk, next: way}
	if c.HTTP10 {
		g.wire = &getWire{talk: g.talk, next: g.oldWay(way)}
	}
	g.close = append(g.close, way.CloseIdleConnections)
	return nil
}

// oldWay makes what sends requests of HTTP/1.0.
func (g *getting) oldWay(way *outbound.Transport) *getOld {
	o := client.DialOptions{HTTP10: true, SkipAcceptEncoding: true, HeadTimeout: way.HeadTimeout, ReadTimeout: way.ReadTimeout, WriteTimeout: way.WriteTimeout}
	if g.talk.on() {
		o.Trace = g.talk.event
	}
	return &getOld{way: way, tls: way.TLS, talk: g.talk, o: o}
}

// overrides makes what dials.
func (g *getting) overrides() (*outbound.Overrides, error) {
	c := g.conf
	o := &outbound.Overrides{Unix: c.Unix}
	if c.Unix != "" && c.Unix[0] == '@' {
		o.Unix = "./" + c.Unix // a file, for there is a flag for the other
	}
	if c.Abstract != "" {
		o.Unix = "@" + c.Abstract
	}
	network := "tcp"
	switch {
	case c.IPv4:
		network = "tcp4"
	case c.IPv6:
		network = "tcp6"
	}
	o.Dial = func(ctx context.Context, _, addr string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, addr)
	}
	for _, s := range c.Resolve {
		if err := o.Resolve(s); err != nil {
			return nil, getFaultf(exitUsage, "--resolve: %w", err)
		}
	}
	for _, s := range c.ConnectTo {
		if err := o.ConnectTo(s); err != nil {
			return nil, getFaultf(exitUsage, "--connect-to: %w", err)
		}
	}
	return o, nil
}

var tlsVersions = map[string]uint16{
	"1.2": tls.VersionTLS12, "1.3": tls.VersionTLS13,
}

// tlsConfig makes the configuration for connections to servers.
func (g *getting) tlsConfig() (*tls.Config, error) {
	c := g.conf
	cfg := &tls.Config{InsecureSkipVerify: c.Insecure, MinVersion: tlsVersions[c.TLSMin], MaxVersion: tlsVersions[c.TLSMax]}
	if cfg.MinVersion == 0 {
		cfg.MinVersion = tls.VersionTLS12
	}
	if c.CA != "" {
		text, err := os.ReadFile(c.CA)
		if err != nil {
			return nil, getFaultf(getBadAuthorities, "--cacert %s: %w; name a file that exists", c.CA, cause(err))
		}
		if err := strength.Roots(text); err != nil {
			return nil, getFaultf(getBadAuthorities, "--cacert %s: %w", c.CA, err)
		}
		if cfg.RootCAs = x509.NewCertPool(); !cfg.RootCAs.AppendCertsFromPEM(text) {
			return nil, getFaultf(getBadAuthorities, "--cacert %s: it has no certificate; give one or more, PEM", c.CA)
		}
	}
	if c.Cert != "" {
		key := c.Key
		if key == "" {
			key = c.Cert
		}
		pair, err := follow.LoadKeyPair(c.Cert, key)
		if refused := new(strength.Refusal); errors.As(err, &refused) {
			return nil, getFaultf(getBadCertificate, "--cert %s: %w", c.Cert, err)
		} else if err != nil {
			return nil, getFaultf(getBadCertificate, "--cert %s: %w; give a certificate and its key, PEM", c.Cert, cause(err))
		}
		cfg.Certificates = []tls.Certificate{pair}
	} else if c.Key != "" {
		return nil, getFaultf(getBadCertificate, "--key is the key of --cert; give both")
	}
	if err := client.PinKeys(cfg, c.Pinned); err != nil {
		return nil, getFaultf(exitUsage, "--pinnedpubkey: %w", err)
	}
	if verify := cfg.VerifyConnection; verify != nil {
		cfg.VerifyConnection = func(st tls.ConnectionState) error {
			if err := verify(st); err != nil {
				return &getFault{getWrongKey, err}
			}
			return nil
		}
	}
	refuseWeak(cfg)
	return cfg, nil
}

// refuseWeak adds to cfg, whose VerifyConnection goes first, that no key on the way
// from a server's certificate to who is trusted can be broken. Without verification
// there is no such way, and nothing is added.
func refuseWeak(cfg *tls.Config) {
	before := cfg.VerifyConnection
	cfg.VerifyConnection = func(st tls.ConnectionState) error {
		if before != nil {
			if err := before(st); err != nil {
				return err
			}
		}
		if c, refused := strength.Chains(st.VerifiedChains); refused != nil {
			return &tls.CertificateVerificationError{UnverifiedCertificates: st.PeerCertificates, Err: fmt.Errorf("the certificate of %q: %w", c.Subject, refused)}
		}
		return nil
	}
}
