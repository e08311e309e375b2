// Package follow follows files that somebody writes over while they are used:
// it tells that a file has changed, and keeps a TLS certificate that is as new
// as its files.
//
//	pair, err := follow.OpenKeyPair("site.pem", "site.key", func(err error) { log.Print(err) })
//	config := &tls.Config{GetCertificate: pair.Get}
//
// It has no goroutine and watches no folder: files are looked at when somebody
// asks. What does not load is never used; what was loaded before it stays.
package follow

import (
	"crypto/tls"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"freshet/internal/strength"
)

// checkEvery is how often, at most, a handshake looks whether the files have
// changed.
const checkEvery = time.Second

// KeyPair is a certificate and its key, as their files have them. It may be used
// by many goroutines at once.
type KeyPair struct {
	cert, key string
	failed    func(error)

	mu      sync.Mutex // guards what follows; the files are read under it
	current *tls.Certificate
	stamps  [2]Stamp
	checked time.Time
}

// OpenKeyPair loads the certificate chain and the key, both PEM. failed is told what
// is wrong with files that have changed since and do not load, once for each
// change; it must not use the KeyPair.
func OpenKeyPair(certFile, keyFile string, failed func(error)) (*KeyPair, error) {
	p := &KeyPair{cert: certFile, key: keyFile, failed: failed}
	if err := p.load(); err != nil {
		return nil, err
	}
	return p, nil
}

// Current returns the certificate. When the last look at the files is a second
// ago or longer it looks again, and loads what has changed.
func (p *KeyPair) Current() *tls.Certificate {
	p.mu.Lock()
	defer p.mu.Unlock()
	if now := time.Now(); now.Sub(p.checked) >= checkEvery {
		p.checked = now
		if p.stat() != p.stamps {
			if err := p.load(); err != nil {
				p.failed(err)
			}
		}
	}
	return p.current
}

// Get is Current, for tls.Config.GetCertificate.
func (p *KeyPair) Get(*tls.ClientHelloInfo) (*tls.Certificate, error) { return p.Current(), nil }

// load reads both files. After a fault the current certificate stays, and the
// same files are not read again until they change.
func (p *KeyPair) load() error {
	p.stamps = p.stat()
	loaded, err := LoadKeyPair(p.cert, p.key)
	if refused := new(strength.Refusal); errors.As(err, &refused) {
		return fmt.Errorf("certificate %s with key %s: %w", p.cert, p.key, err)
	} else if err != nil {
		return fmt.Errorf("certificate %s with key %s: %w; give a PEM chain and its key", p.cert, p.key, err)
	}
	p.current = &loaded
	return nil
}

// stat returns the stamps of both files.
func (p *KeyPair) stat() [2]Stamp { return [2]Stamp{StampOf(p.cert), StampOf(p.key)} }

// LoadKeyPair reads a certificate chain and its key, both PEM. What is too weak is
// refused: a [strength.Refusal] is within the error then.
func LoadKeyPair(certFile, keyFile string) (pair tls.Certificate, err error) {
	cert, err := os.ReadFile(certFile)
	if err != nil {
		return pair, err
	}
	key, err := os.ReadFile(keyFile)
	if err != nil {
		return pair, err
	}
	for _, text := range [][]byte{cert, key} {
		if err := strength.PEM(text); err != nil {
			return pair, err
		}
	}
	return tls.X509KeyPair(cert, key)
}
