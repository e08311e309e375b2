package app

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"log/slog"
	"os"

	"freshet/internal/config"
	"freshet/internal/signing"
	"freshet/internal/strength"
	"freshet/proxy"
)

// originOptions says to the proxy what a configuration says; -1 there is "none"
// here too.
func originOptions(c *config.Origins, log *slog.Logger) (proxy.Options, error) {
	o := proxy.Options{
		Origins:        c.To,
		Balance:        balances[c.Balance],
		HTTP2:          c.HTTP2,
		MaxConns:       int(c.MaxConnections),
		Trusted:        c.Trust,
		ConnectTimeout: c.ConnectTimeout,
		HeadTimeout:    c.OriginHeadTimeout,
		BodyTimeout:    c.OriginBodyTimeout,
		MaxFails:       int(c.MaxFails),
		FailTimeout:    c.FailTimeout,
		Name:           c.Name,
		ShowNextHop:    c.ShowNextHop,
		Retries:        int(c.Retries),
		UpgradeIdle:    c.UpgradeTimeout,
	}
	switch c.Host {
	case "origin":
	case "client":
		o.Host = proxy.HostClient
	default:
		o.Host, o.HostName = proxy.HostFixed, c.Host
	}
	if c.OriginSign != "" {
		var err error
		if o.Sign, err = signing.Open(c.OriginSign, signing.Options{}); err != nil {
			return o, fmt.Errorf("origin-sign: %w", err)
		}
	}
	if c.OriginCA == "" && c.OriginCert == "" {
		return o, nil
	}
	o.TLS = &tls.Config{}
	if c.OriginCA != "" {
		var err error
		if o.TLS.RootCAs, err = certificatesIn(c.OriginCA); err != nil {
			return o, err
		}
	}
	if c.OriginCert == "" {
		return o, nil
	}
	return o, showCertificate(o.TLS, c, log)
}

// certificatesIn reads the certificates that origins are believed by.
func certificatesIn(file string) (*x509.CertPool, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("origin-ca %s: %v; give a file of certificates, PEM", file, cause(err))
	}
	if err := strength.Roots(data); err != nil {
		return nil, fmt.Errorf("origin-ca %s: %w", file, err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(data) {
		return nil, fmt.Errorf("origin-ca %s: there is no certificate in it; give a file of certificates, PEM", file)
	}
	return pool, nil
}

// balances are the words for the ways to choose an origin.
var balances = map[string]proxy.Balance{
	"round-robin":       proxy.RoundRobin,
	"least-connections": proxy.LeastConnections,
	"hash":              proxy.HashClient,
	"hash-url":          proxy.HashURL,
}
