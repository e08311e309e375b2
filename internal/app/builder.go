package app

import (
	"fmt"
	"slices"

	"freshet/internal/config"
	"freshet/internal/follow"
	"freshet/internal/guard"
)

// A builder makes the sites of a file, from what the ones before had where
// that is the same.
type builder struct {
	live *live
	old  *sites
	kept []*backend // of the old ones
	made []*backend
}

func (b *builder) sites(f *config.File) (*sites, error) {
	s := &sites{file: f, auto: b.live.auto, named: map[string]*site{}, below: map[string]*site{}, certificates: map[keyPairFiles]*follow.KeyPair{}, signed: map[signedOf]*guard.SignedURL{}, clients: map[clientFiles]*guard.ClientTrust{}, demands: map[string]*demand{}}
	var err error
	if f.Server.TLSCert != "" {
		if s.fallback, err = b.certificate(s, f.Server.TLSCert, f.Server.TLSKey); err != nil {
			return nil, err
		}
	}
	for i := range f.Sites {
		if err := b.checkAuto(f, &f.Sites[i]); err != nil {
			return nil, err
		}
		t, err := b.site(s, &f.Sites[i])
		if err != nil {
			return nil, err
		}
		s.add(t)
		if s.fallback == nil {
			s.fallback = t.certificate
		}
	}
	return s, nil
}

func (b *builder) site(s *sites, c *config.Site) (*site, error) {
	t := &site{conf: c}
	if c.Certificate != "" {
		var err error
		if t.certificate, err = b.certificate(s, c.Certificate, c.Key); err != nil {
			return nil, b.at(c.Line, err)
		}
	}
	t.https = newHTTPSOnly(&c.HTTPS, b.live.within.securePort)
	var err error
	if t.demand, err = b.demandOf(s, c); err != nil {
		return nil, b.at(c.Line, err)
	}
	for i := range c.Routes {
		r := &c.Routes[i]
		backend, err := b.backend(r)
		if err != nil {
			return nil, b.at(r.Line, err)
		}
		guards, err := b.accessed(s, r)
		if err != nil {
			return nil, b.at(r.Line, err)
		}
		route := newRoute(r, backend, guards...)
		route.handler, route.hot = t.https.over(route.handler, route.hot)
		route.place = b.live.places.number(c, r)
		if len(guards) > 0 {
			s.guarded = true
		}
		t.group(route, guards)
		t.routes = append(t.routes, route)
	}
	return t, nil
}

// guards returns what decides who may have what a route has, in the order in which
// it is asked.
func (b *builder) guards(s *sites, r *config.Route) ([]guard.Guard, error) {
	var all []guard.Guard
	if r.SignedURLs != "" {
		signed, err := b.signedURL(s, r)
		if err != nil {
			return nil, err
		}
		all = append(all, signed)
	}
	if c := &r.Clients; c.Ask != "" {
		trust, err := b.clientTrust(s, clientFiles{c.CA, c.CRL})
		if err != nil {
			return nil, err
		}
		all = append(all, clientGuard(c, trust))
	}
	if r.Signatures.Keys != "" {
		signed, err := b.signature(s, r)
		if err != nil {
			return nil, err
		}
		all = append(all, signed)
	}
	return all, nil
}

// signedOf is what a guard of signed links is made of: the file of its keys, and the
// proxies that it believes, as text.
type signedOf struct{ file, trusted string }

// signedURL returns the guard of signed links. What reads a file of keys is there
// once for those who believe the same proxies.
func (b *builder) signedURL(s *sites, r *config.Route) (*guard.SignedURL, error) {
	trusted := trustOf(r)
	of := signedOf{r.SignedURLs, fmt.Sprint(trusted)}
	signed := s.signed[of]
	if signed == nil {
		signed = b.old.signed[of]
	}
	if signed == nil {
		var err error
		if signed, err = openSignedURL(r.SignedURLs, trusted, b.live.within.now, b.live.log); err != nil {
			return nil, fmt.Errorf("signed-urls: %w", err)
		}
	}
	s.signed[of] = signed
	return signed, nil
}

func (b *builder) at(line int, err error) error {
	return fmt.Errorf("%s: %w", config.Place(b.live.run.File, line), err)
}

// backend returns what a route needs: an old one that nobody has taken, or
// else a new one.
func (b *builder) backend(r *config.Route) (*backend, error) {
	for _, had := range b.old.backends() {
		if had.madeOf(r) && !slices.Contains(b.kept, had) {
			b.kept = append(b.kept, had)
			return had, nil
		}
	}
	made, err := newBackend(r, b.live.within, b.live.store)
	if err != nil {
		return nil, err
	}
	b.live.open.Add(1)
	made.closed = b.live.open.Done
	b.made = append(b.made, made)
	return made, nil
}

// certificate returns the pair of two files, once.
func (b *builder) certificate(s *sites, cert, key string) (*follow.KeyPair, error) {
	files := keyPairFiles{cert, key}
	pair := s.certificates[files]
	if pair == nil {
		pair = b.old.certificates[files]
	}
	if pair == nil {
		var err error
		if pair, err = openKeyPair(files, b.live.log); err != nil {
			return nil, err
		}
	}
	s.certificates[files] = pair
	return pair, nil
}
