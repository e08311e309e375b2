package app

import (
	"bytes"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync/atomic"

	"freshet/internal/config"
	"freshet/internal/guard"
	"freshet/internal/rule"
	"freshet/internal/why"
)

// clientFiles name authorities of clients, and what they have revoked.
type clientFiles struct{ ca, crl string }

func openClientTrust(files clientFiles, now func() int64, log *slog.Logger) (*guard.ClientTrust, error) {
	trust, err := guard.OpenClientTrust(files.ca, files.crl, now, func(err error) {
		log.Error("certificates of clients", "err", err)
	})
	if err != nil {
		return nil, fmt.Errorf("certificates of clients: %w", err)
	}
	return trust, nil
}

// userNames are the words for which name of a certificate is the user's.
var userNames = map[string]guard.UserName{
	"subject":     guard.UserSubject,
	"common-name": guard.UserCommon,
	"email":       guard.UserEmail,
}

// clientGuard returns the guard that a setting asks for.
func clientGuard(c *config.Clients, trust *guard.ClientTrust) guard.Guard {
	return &guard.ClientCertificate{Trust: trust, Optional: c.Ask == "optional", User: userNames[c.User]}
}

// A demand is what sites want of the handshake: certificates of clients, by these
// authorities. Sites that want the same share one; nil wants nothing.
type demand struct {
	trusts []*guard.ClientTrust
	made   atomic.Pointer[demandConfig]
}

// demandConfig is how a handshake asks for what is wanted.
type demandConfig struct {
	sum  [sha256.Size]byte
	conf *tls.Config
}

// demandFor is the demand of one trust.
func demandFor(t *guard.ClientTrust) *demand { return &demand{trusts: []*guard.ClientTrust{t}} }

// clientSettings are the keys that a rule about certificates of clients comes from;
// nil for other rules.
func clientSettings(id rule.ID) []why.Setting {
	switch id {
	case rule.ClientCertificateMissing:
		return []why.Setting{{Key: "client-certificate"}, {Key: "client-ca"}}
	case rule.ClientCertificateUntrusted, rule.ClientCertificateExpired, rule.ClientCertificatePurpose:
		return []why.Setting{{Key: "client-ca"}}
	case rule.ClientCertificateRevoked, rule.ClientRevocationUnknown:
		return []why.Setting{{Key: "client-crl"}}
	case rule.ClientCertificateName:
		return []why.Setting{{Key: "client-user"}}
	}
	return nil
}

// demandOf returns what the routes of a site want, together: of several
// authorities a client may choose, and the guard of the route decides.
func (b *builder) demandOf(s *sites, c *config.Site) (*demand, error) {
	var all []clientFiles
	for i := range c.Routes {
		if clients := &c.Routes[i].Clients; clients.Ask != "" {
			all = append(all, clientFiles{clients.CA, clients.CRL})
		}
	}
	if len(all) == 0 {
		return nil, nil
	}
	slices.SortFunc(all, func(a, b clientFiles) int { return strings.Compare(a.ca+"\x00"+a.crl, b.ca+"\x00"+b.crl) })
	all = slices.Compact(all)
	name := fmt.Sprintf("%q", all)
	if d := s.demands[name]; d != nil {
		return d, nil
	}
	d := &demand{}
	for _, files := range all {
		trust, err := b.clientTrust(s, files)
		if err != nil {
			return nil, err
		}
		d.trusts = append(d.trusts, trust)
	}
	s.demands[name] = d
	return d, nil
}

// clientTrust returns what is made of two files, once.
func (b *builder) clientTrust(s *sites, files clientFiles) (*guard.ClientTrust, error) {
	trust := s.clients[files]
	if trust == nil {
		trust = b.old.clients[files]
	}
	if trust == nil {
		var err error
		if trust, err = openClientTrust(files, b.live.within.now, b.live.log); err != nil {
			return nil, err
		}
	}
	s.clients[files] = trust
	return trust, nil
}

// demandFor returns what the site wants that a connection was made for.
func (s *sites) demandFor(serverName string) *demand {
	if found := s.find(serverName); found != nil {
		return found.demand
	}
	return nil
}

// sum is the same for what wants the same, on all servers; zero for nothing.
func (d *demand) sum() (sum [sha256.Size]byte) {
	if d == nil {
		return sum
	}
	var all [][]byte
	for _, t := range d.trusts {
		one := t.Sum()
		all = append(all, one[:])
	}
	slices.SortFunc(all, bytes.Compare)
	return sha256.Sum256(bytes.Join(slices.CompactFunc(all, bytes.Equal), nil))
}

// authorities are those whose names the handshake tells.
func (d *demand) authorities() *x509.CertPool {
	if len(d.trusts) == 1 {
		return d.trusts[0].Pool()
	}
	pool := x509.NewCertPool()
	for _, t := range d.trusts {
		for _, c := range t.Authorities() {
			pool.AddCert(c)
		}
	}
	return pool
}
