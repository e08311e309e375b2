package acme

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"

	"github.com/mholt/acmez/v3"
	"github.com/mholt/acmez/v3/acme"
)

// ChallengePath is where an authority asks by HTTP (RFC 8555 §8.3); a token
// follows.
const ChallengePath = "/.well-known/acme-challenge/"

// proofs are the challenges that are open. Each is in the folder, too, where
// other processes find it: a balancer may send the authority to any of them.
type proofs struct {
	folder storage

	mu   sync.Mutex // guards open
	open map[string]proof
}

// A proof is a challenge, and the certificate that answers it by TLS.
type proof struct {
	acme.Challenge
	certificate *tls.Certificate
}

// keyOf is what a challenge is found by: by HTTP the token, by TLS the name.
func keyOf(c acme.Challenge) string {
	if c.Type == acme.ChallengeTypeTLSALPN01 {
		return "challenges/tls/" + c.Identifier.Value
	}
	return "challenges/http/" + c.Token
}

// sound says what is wrong with a challenge, of which the authority chooses all:
// what it is found by is the name of a file.
func sound(c acme.Challenge) error {
	switch c.Type {
	case acme.ChallengeTypeHTTP01:
		if !isToken(c.Token) {
			return errors.New("the authority's token is none (RFC 8555 §8.3)")
		}
	case acme.ChallengeTypeTLSALPN01:
		if err := CheckName(c.Identifier.Value, false); err != nil {
			return fmt.Errorf("the authority asks for %q: %w", c.Identifier.Value, err)
		}
	default:
		return fmt.Errorf("nobody answers challenges of the type %q here", c.Type)
	}
	return nil
}

// Present implements acmez.Solver.
func (p *proofs) Present(ctx context.Context, c acme.Challenge) error {
	if err := sound(c); err != nil {
		return err
	}
	made := proof{Challenge: c}
	if c.Type == acme.ChallengeTypeTLSALPN01 {
		var err error
		if made.certificate, err = acmez.TLSALPN01ChallengeCert(c); err != nil {
			return err
		}
	}
	p.mu.Lock()
	p.open[keyOf(c)] = made
	p.mu.Unlock()
	data, err := json.Marshal(c)
	if err != nil {
		return err
	}
	return p.folder.Store(ctx, keyOf(c), data)
}

// CleanUp implements acmez.Solver.
func (p *proofs) CleanUp(_ context.Context, c acme.Challenge) error {
	if err := sound(c); err != nil {
		return err
	}
	p.mu.Lock()
	delete(p.open, keyOf(c))
	p.mu.Unlock()
	return p.folder.remove(keyOf(c))
}

// find returns an open challenge, of this process or another one.
func (p *proofs) find(ctx context.Context, key string) (proof, bool) {
	p.mu.Lock()
	found, ok := p.open[key]
	p.mu.Unlock()
	if ok {
		return found, true
	}
	data, err := p.folder.Load(ctx, key)
	if err != nil || json.Unmarshal(data, &found.Challenge) != nil || keyOf(found.Challenge) != key {
		return proof{}, false
	}
	return found, true
}

// answer answers a request for the content of a token, if it is for the name
// that the token was given for: another's page that leads a browser here under
// its own name learns nothing.
func (p *proofs) answer(w http.ResponseWriter, r *http.Request) bool {
	token, ok := strings.CutPrefix(r.URL.Path, ChallengePath)
	if !ok || !isToken(token) || r.Method != http.MethodGet && r.Method != http.MethodHead {
		return false
	}
	found, ok := p.find(r.Context(), "challenges/http/"+token)
	if !ok || !strings.EqualFold(hostOf(r.Host), found.Identifier.Value) {
		return false
	}
	w.Header().Set("Content-Type", "application/octet-stream")
	w.Header().Set("Cache-Control", "no-store")
	io.WriteString(w, found.KeyAuthorization)
	return true
}

// certificate returns the certificate that answers a challenge by TLS.
func (p *proofs) certificate(ctx context.Context, host string) (*tls.Certificate, error) {
	if CheckName(host, false) == nil {
		found, ok := p.find(ctx, "challenges/tls/"+host)
		switch {
		case ok && found.certificate != nil:
			return found.certificate, nil
		case ok:
			return acmez.TLSALPN01ChallengeCert(found.Challenge)
		}
	}
	return nil, fmt.Errorf("no challenge is open for %q", host)
}

// isToken reports whether s is a token: the alphabet of base64url, so that it
// names no other file than its own (RFC 8555 §8.3).
func isToken(s string) bool {
	return s != "" && len(s) <= 128 && !strings.ContainsFunc(s, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '-' && r != '_'
	})
}

func hostOf(authority string) string {
	if host, _, err := net.SplitHostPort(authority); err == nil {
		return host
	}
	return authority
}
