package app

import (
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"
)

// keyPairFiles name a certificate and its key.
type keyPairFiles struct{ cert, key string }

// checkCertificateEvery is how often, at most, a handshake looks whether the
// files have changed.
const checkCertificateEvery = time.Second

// A keyPair is a certificate and its key that follow their files.
type keyPair struct {
	files keyPairFiles
	log   *slog.Logger

	mu      sync.Mutex // guards what follows
	current *tls.Certificate
	stamps  [2]fileStamp
	checked time.Time
}

type fileStamp struct {
	size int64
	mod  time.Time
}

func openKeyPair(files keyPairFiles, log *slog.Logger) (*keyPair, error) {
	c := &keyPair{files: files, log: log}
	if err := c.load(); err != nil {
		return nil, err
	}
	return c, nil
}

// load reads both files. After a fault the current certificate stays, and the
// same files are not read again until they change.
func (c *keyPair) load() error {
	c.stamps = c.stat()
	pair, err := tls.LoadX509KeyPair(c.files.cert, c.files.key)
	if err != nil {
		return fmt.Errorf("certificate %s with key %s: %w; give a PEM chain and its key", c.files.cert, c.files.key, err)
	}
	c.current = &pair
	return nil
}

func (c *keyPair) stat() (st [2]fileStamp) {
	for i, name := range []string{c.files.cert, c.files.key} {
		if info, err := os.Stat(name); err == nil {
			st[i] = fileStamp{info.Size(), info.ModTime()}
		}
	}
	return st
}

func (c *keyPair) get() *tls.Certificate {
	c.mu.Lock()
	defer c.mu.Unlock()
	if now := time.Now(); now.Sub(c.checked) >= checkCertificateEvery {
		c.checked = now
		if c.stat() != c.stamps {
			if err := c.load(); err != nil {
				c.log.Error("serving the previous certificate", "err", err)
			}
		}
	}
	return c.current
}

// isFor reports whether the certificate is good for a host.
func (c *keyPair) isFor(host string) bool {
	var buf [256]byte
	name, ok := hostName(buf[:0], host)
	leaf := c.get().Leaf
	return ok && leaf != nil && leaf.VerifyHostname(string(name)) == nil
}

// certificateFor returns the certificate for a name in a handshake: that of
// the name's site, else that of the server, else the first; nil without any.
func (s *sites) certificateFor(serverName string) *keyPair {
	if found := s.find(serverName); found != nil && found.certificate != nil {
		return found.certificate
	}
	return s.fallback
}

var errNoCertificate = errors.New("no certificate is configured")

// getCertificate is for tls.Config.
func (l *live) getCertificate(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	c := l.sites().certificateFor(hello.ServerName)
	if c == nil {
		return nil, errNoCertificate
	}
	return c.get(), nil
}
