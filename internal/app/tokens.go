package app

import (
	"fmt"
	"log/slog"
	"maps"
	"strings"
	"sync"
	"time"
	"weak"

	"freshet/internal/config"
	"freshet/internal/guard"
	"freshet/internal/outbound"
	"freshet/internal/rule"
	"freshet/internal/why"
)

// tokens is what the guards of tokens of a server have in common. It outlives
// changes of the configuration. The zero value is ready; keys and guards are there
// once, for as long as a route has them.
type tokens struct {
	mu      sync.Mutex // guards what follows; a file is opened under it
	guards  map[string]weak.Pointer[guard.JWT]
	keys    map[string]weak.Pointer[guard.JWTKeys]
	fetcher *guard.KeyFetcher // nil: no keys were fetched yet
	turns   *guard.Verifying  // nil: no guard was made yet
	ended   bool
}

// open returns the guard of tokens that a command or a route names.
func (t *tokens) open(c *config.Access, w *within) (*guard.JWT, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	of := fmt.Sprintf("%q %q", c.Tokens, c.Realm)
	if g := t.guards[of].Value(); g != nil {
		return g, nil
	}
	keys, err := t.keysOf(c.Tokens.Keys, w)
	if err != nil {
		return nil, fmt.Errorf("jwt-keys: %w", err)
	}
	if t.turns == nil {
		t.turns = guard.NewVerifying()
	}
	s := &c.Tokens
	g, err := guard.NewJWT(guard.JWTOptions{
		Keys: keys, Issuers: s.Issuers, Audiences: s.Audiences, Algorithms: s.Algorithms, Type: s.Type, User: s.User, Claims: s.Claims,
		Cookie: s.Cookie, Leeway: s.Leeway, Pass: s.Pass == "on", Realm: c.Realm, Verifying: t.turns, Now: w.now,
	})
	if err != nil {
		return nil, fmt.Errorf("jwt-keys: %w", err)
	}
	maps.DeleteFunc(t.guards, func(_ string, g weak.Pointer[guard.JWT]) bool { return g.Value() == nil })
	if t.guards == nil {
		t.guards = map[string]weak.Pointer[guard.JWT]{}
	}
	t.guards[of] = weak.Make(g)
	return g, nil
}

// keysOf returns the keys of a file or an address. The caller holds mu.
func (t *tokens) keysOf(source string, w *within) (*guard.JWTKeys, error) {
	if k := t.keys[source].Value(); k != nil {
		return k, nil
	}
	failed := func(err error) { keysFailed(w.log, err) }
	var k *guard.JWTKeys
	if strings.Contains(source, "://") {
		if t.fetcher == nil {
			t.fetcher = guard.NewKeyFetcher(&outbound.Transport{})
			if t.ended {
				t.fetcher.Close()
			}
		}
		k = guard.FetchJWTKeys(source, t.fetcher, w.now, failed)
		if !w.dry {
			k.Ask()
		}
	} else {
		var err error
		if k, err = guard.OpenJWTKeys(source, failed); err != nil {
			return nil, err
		}
	}
	maps.DeleteFunc(t.keys, func(_ string, k weak.Pointer[guard.JWTKeys]) bool { return k.Value() == nil })
	if t.keys == nil {
		t.keys = map[string]weak.Pointer[guard.JWTKeys]{}
	}
	t.keys[source] = weak.Make(k)
	return k, nil
}

func keysFailed(log *slog.Logger, err error) {
	log.Error("keys of tokens cannot be had anew: those that there were go on unless it says otherwise, those of an address for a day at most", "err", err)
}

// tokensFigures are how full the tables of tokens are, and how old the oldest keys of
// an address.
type tokensFigures struct {
	held, most int
	keysAge    time.Duration
	verifying  guard.VerifyingFigures
}

func (t *tokens) figures() (f tokensFigures) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, at := range t.guards {
		if g := at.Value(); g != nil {
			f.held += g.Held()
			f.most += guard.MaxVerified
		}
	}
	for _, at := range t.keys {
		if k := at.Value(); k != nil {
			age, _ := k.Age()
			f.keysAge = max(f.keysAge, age)
		}
	}
	if t.turns != nil {
		f.verifying = t.turns.Figures()
	}
	return f
}

// used reports whether there was a guard of tokens.
func (t *tokens) used() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.turns != nil
}

// close ends what asks for keys.
func (t *tokens) close() {
	t.mu.Lock()
	t.ended = true
	f := t.fetcher
	t.mu.Unlock()
	if f != nil {
		f.Close()
	}
}

// tokenSettings are the parameters that a rule about tokens is about; nil for other
// rules.
func tokenSettings(id rule.ID) []why.Setting {
	also := ""
	switch id {
	case rule.JWTMissing:
		also = "jwt-cookie"
	case rule.JWTType:
		also = "jwt-type"
	case rule.JWTAlgorithm:
		also = "jwt-algorithms"
	case rule.JWTExpired, rule.JWTNotYet:
		also = "jwt-leeway"
	case rule.JWTIssuer:
		also = "jwt-issuer"
	case rule.JWTAudience:
		also = "jwt-audience"
	case rule.JWTClaim:
		also = "jwt-user"
	case rule.JWTDenied:
		also = "jwt-claims"
	case rule.JWTMalformed, rule.JWTUnsupported, rule.JWTKey, rule.JWTBad, rule.JWTKeys, rule.JWTBusy:
	default:
		return nil
	}
	keys := []why.Setting{{Key: "jwt-keys"}}
	if also != "" {
		keys = append(keys, why.Setting{Key: also})
	}
	return keys
}
