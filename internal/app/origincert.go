package app

import (
	"crypto/tls"
	"fmt"
	"log/slog"

	"freshet/internal/config"
)

// showCertificate has connections to origins show the certificate of a
// configuration, when they are asked for one. No session is resumed then: an
// origin goes on with who began it, who may have had another certificate.
func showCertificate(to *tls.Config, c *config.Origins, log *slog.Logger) error {
	pair, err := openKeyPair(keyPairFiles{c.OriginCert, c.OriginKey}, log)
	if err != nil {
		return fmt.Errorf("origin-cert: %w", err)
	}
	to.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return pair.Current(), nil }
	to.ClientSessionCache = noSessions{}
	return nil
}

// noSessions keeps none.
type noSessions struct{}

// Get implements tls.ClientSessionCache.
func (noSessions) Get(string) (*tls.ClientSessionState, bool) { return nil, false }

// Put implements tls.ClientSessionCache.
func (noSessions) Put(string, *tls.ClientSessionState) {}
