package app

import (
	"crypto/tls"
	"errors"
	"log/slog"
	"strings"

	"freshet/internal/follow"
)

// keyPairFiles name a certificate and its key.
type keyPairFiles struct{ cert, key string }

// openKeyPair loads a certificate; what is wrong with it later is logged.
func openKeyPair(files keyPairFiles, log *slog.Logger) (*follow.KeyPair, error) {
	return follow.OpenKeyPair(files.cert, files.key, func(err error) {
		log.Error("serving the previous certificate", "err", err)
	})
}

// isFor reports whether the certificate is good for a host.
func isFor(pair *follow.KeyPair, host string) bool {
	var buf [256]byte
	name, ok := hostName(buf[:0], host)
	leaf := pair.Current().Leaf
	return ok && leaf != nil && leaf.VerifyHostname(string(name)) == nil
}

// certificateFor returns the certificate for a name in a handshake: that of
// the name's site, else that of the server, else the first; nil without any.
func (s *sites) certificateFor(serverName string) *follow.KeyPair {
	if found := s.find(serverName); found != nil && found.certificate != nil {
		return found.certificate
	}
	return s.fallback
}

// askedFor is the name that a client asks for, as certificates have it; "": none.
func askedFor(hello *tls.ClientHelloInfo) string {
	return strings.TrimSuffix(strings.ToLower(hello.ServerName), ".")
}

// isGood reports whether a certificate is there, and is for a name.
func isGood(c *tls.Certificate, name string) bool {
	return c != nil && c.Leaf != nil && c.Leaf.VerifyHostname(name) == nil
}

var errNoCertificate = errors.New("no certificate is configured")

// getCertificate is for tls.Config.
func (l *live) getCertificate(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	c := l.sites().certificateFor(hello.ServerName)
	if c == nil {
		return nil, errNoCertificate
	}
	return c.Current(), nil
}
