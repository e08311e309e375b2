package app

import (
	"fmt"
	"log/slog"
	"time"

	"freshet/internal/config"
	"freshet/internal/gateway"
	"freshet/internal/guard"
	"freshet/internal/rule"
	"freshet/internal/why"
	"freshet/signature"
)

// signatures is what the guards of signed requests of a server have in common. It
// outlives changes of the configuration.
type signatures struct {
	replays *guard.Replays
	opened  bool // there are, or were, guards that use it
	files   gateway.Files
}

func newSignatures(now func() int64) *signatures {
	if now == nil {
		now = func() int64 { return time.Now().UnixNano() }
	}
	return &signatures{replays: guard.NewReplays(now())}
}

// open opens the guard that lets signed requests pass.
func (s *signatures) open(c *config.Signatures, now func() int64, log *slog.Logger) (*guard.Signature, error) {
	o := guard.SignatureOptions{
		Keys: c.Keys, Required: c.Components, MaxAge: c.MaxAge, Label: c.Label, Tag: c.Tag,
		MaxBody: c.MaxBody, Files: &s.files, Replays: s.replays, MaxReplays: int(c.Replays), Now: now,
		Unkept: func(err error) { log.Error("the body of a signed request could not be kept aside", "err", err) },
	}
	for _, name := range c.Algorithms {
		o.Algorithms = append(o.Algorithms, signature.Named(name))
	}
	if c.Replays < 0 {
		o.Replays = nil
	}
	g, err := guard.OpenSignature(o, func(err error) {
		log.Error("keys of signatures cannot be read anew; those that there were go on", "err", err)
	})
	if err != nil {
		return nil, fmt.Errorf("signatures: %w", err)
	}
	s.opened = s.opened || o.Replays != nil
	return g, nil
}

// signature returns the guard of signed requests for a route. What reads keys is
// there once.
func (b *builder) signature(s *sites, r *config.Route) (*guard.Signature, error) {
	if s.signers == nil {
		s.signers = map[string]*guard.Signature{}
	}
	name := fmt.Sprintf("%+v", r.Signatures)
	g := s.signers[name]
	if g == nil {
		g = b.old.signers[name]
	}
	if g == nil {
		var err error
		if g, err = b.live.within.signatures.open(&r.Signatures, b.live.within.now, b.live.log); err != nil {
			return nil, err
		}
	}
	s.signers[name] = g
	return g, nil
}

// signatureSettings are the parameters that a rule about signatures is about;
// nil for other rules.
func signatureSettings(id rule.ID) []why.Setting {
	keys := func(names ...string) (all []why.Setting) {
		for _, name := range names {
			all = append(all, why.Setting{Key: name})
		}
		return all
	}
	switch id {
	case rule.SignatureMissing:
		return keys("signatures", "signature-label", "signature-tag")
	case rule.SignatureExpired, rule.SignatureNotYet:
		return keys("signatures", "signature-max-age")
	case rule.SignatureAlgorithm:
		return keys("signatures", "signature-algorithms")
	case rule.SignatureUncovered:
		return keys("signatures", "signature-components")
	case rule.SignatureReplayed, rule.SignatureTooEarly, rule.SignatureRoom:
		return keys("signatures", "signature-replays")
	case rule.SignatureBodyTooLarge:
		return keys("signatures", "signature-max-body")
	case rule.SignatureMalformed, rule.SignatureParameter, rule.SignatureKey, rule.SignatureComponent, rule.SignatureBad, rule.SignatureBody:
		return keys("signatures")
	}
	return nil
}
