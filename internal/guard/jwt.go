package guard

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"freshet/internal/field"
	"freshet/internal/keyfile"
	"freshet/internal/rule"
	"freshet/internal/who"
	"freshet/internal/why"
)

// JWTOptions say which tokens are good. The zero value of all but Keys, Issuers and
// Audiences is the default.
type JWTOptions struct {
	Keys       *JWTKeys
	Issuers    []string      // one of which a token has to be from
	Audiences  []string      // one of which it has to be for
	Algorithms []string      // which may be used; nil: all of keyfile.TokenAlgorithms
	Type       string        // typ of the header; "": JWT, at+jwt or none
	User       string        // claim that is the name of who it is; "": sub
	Claims     []string      // NAME=VALUE that have to hold, all of them
	Cookie     string        // that has the token; "": it is in Authorization
	Leeway     time.Duration // negative: none; 0: DefaultLeeway
	Pass       bool          // leave the token in the request
	Realm      string
	Verifying  *Verifying   // nil: one of its own
	Now        func() int64 // nanoseconds since 1970; nil: the system's clock
}

// DefaultLeeway is by how much clocks may differ.
const DefaultLeeway = 30 * time.Second

// MaxVerified is how many tokens a guard remembers that were verified; beyond it all
// are forgotten.
const MaxVerified = 4096

// JWT lets requests pass that have a token (RFC 7519), signed by a key that it
// knows, from an issuer and for an audience that were named. It is believed in
// nothing until it is verified, and what it says of how that is to be done only
// chooses among what was named (RFC 8725).
type JWT struct {
	o         JWTOptions
	claims    []jwtClaim
	challenge string // of a request without a token
	key       [32]byte

	mu       sync.Mutex // guards what follows; a leaf
	ring     *jwtRing   // which has verified these
	verified map[[sha256.Size]byte]jwtPass
}

type jwtClaim struct{ name, value string }

// NewJWT returns a guard.
func NewJWT(o JWTOptions) (*JWT, error) {
	if o.Now == nil {
		o.Now = func() int64 { return time.Now().UnixNano() }
	}
	if o.Verifying == nil {
		o.Verifying = NewVerifying()
	}
	if o.Leeway == 0 {
		o.Leeway = DefaultLeeway
	}
	o.Leeway = max(o.Leeway, 0)
	if o.User == "" {
		o.User = "sub"
	}
	if o.Realm == "" {
		o.Realm = DefaultRealm
	}
	if o.Algorithms == nil {
		o.Algorithms = keyfile.TokenAlgorithms
	}
	if len(o.Issuers) == 0 || len(o.Audiences) == 0 {
		return nil, errors.New("tokens need an issuer and an audience")
	}
	g := &JWT{o: o, challenge: `Bearer realm="` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(o.Realm) + `"`}
	for _, c := range o.Claims {
		name, value, ok := strings.Cut(c, "=")
		if !ok || name == "" {
			return nil, fmt.Errorf("%q is no claim; give NAME=VALUE", c)
		}
		g.claims = append(g.claims, jwtClaim{name, value})
	}
	rand.Read(g.key[:]) // does not fail; see crypto/rand
	return g, nil
}

// A jwtVerdict is what came of a token.
type jwtVerdict struct {
	*jwtRefusal // nil: the request may pass
	wait        time.Duration
	pass        jwtPass
}

// turnedAway is the verdict of a refusal: whose keys cannot be had, or whose turn does
// not come, may try again.
func turnedAway(refused *jwtRefusal) jwtVerdict {
	switch refused.rule {
	case rule.JWTKeys:
		return jwtVerdict{jwtRefusal: refused, wait: keysAgain}
	case rule.JWTBusy:
		return jwtVerdict{jwtRefusal: refused, wait: verifyingAgainIn}
	}
	return jwtVerdict{jwtRefusal: refused}
}

// token returns the token of a request.
func (g *JWT) token(r *http.Request) (string, *jwtRefusal) {
	if g.o.Cookie == "" {
		return bearer(r.Header["Authorization"])
	}
	text, n := field.Cookie(r.Header["Cookie"], g.o.Cookie)
	switch {
	case n == 0:
		return "", refusedJWT(rule.JWTMissing, "there is no cookie %s", g.o.Cookie)
	case n > 1:
		return "", refusedJWT(rule.JWTMalformed, "there are %d cookies %s", n, g.o.Cookie)
	}
	return text, nil
}

// decide looks at a request. Wrong signatures are not counted: nobody guesses one,
// and whoever shares an address with a client, or is as many as he likes, could keep
// others out.
func (g *JWT) decide(r *http.Request) (v jwtVerdict) {
	text, refused := g.token(r)
	if refused != nil {
		return turnedAway(refused)
	}
	h, refused := readJWT(text, g.o.Type, g.o.Algorithms)
	if refused != nil {
		return turnedAway(refused)
	}
	now := g.o.Now()
	ring, keys, refused := g.o.Keys.find(r.Context(), &h, now)
	if refused != nil {
		return turnedAway(refused)
	}
	sum := g.sum(text)
	if p, is := g.remembers(ring, sum, now); is {
		return jwtVerdict{pass: p}
	}
	good, refused := g.signed(r.Context(), text, &h, ring, keys)
	if refused == nil && !good {
		// Its issuer may have another key by now, which has the name of an old one, or
		// none.
		if ring = g.o.Keys.newer(r.Context(), ring); ring != nil {
			if keys, refused = ring.find(&h); refused == nil {
				good, refused = g.signed(r.Context(), text, &h, ring, keys)
			}
		}
	}
	switch {
	case refused != nil:
		return turnedAway(refused)
	case !good:
		return turnedAway(refusedJWT(rule.JWTBad, "no key of that name has signed it"))
	}
	claims, err := readObject(h.payload)
	if err != nil {
		return turnedAway(refusedJWT(rule.JWTMalformed, "its claims: %v", err))
	}
	if v.pass, v.jwtRefusal = g.judge(claims, now); v.jwtRefusal == nil {
		g.remember(ring, sum, v.pass)
	}
	return v
}

// sum is what is remembered of a token: nobody makes another one of the same.
func (g *JWT) sum(text string) [sha256.Size]byte {
	h := hmac.New(sha256.New, g.key[:])
	h.Write([]byte(text))
	return [sha256.Size]byte(h.Sum(nil))
}

// remembers returns what a token is good for that was verified by these keys before,
// if it is good now.
func (g *JWT) remembers(ring *jwtRing, sum [sha256.Size]byte, now int64) (jwtPass, bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.ring != ring {
		return jwtPass{}, false
	}
	p, is := g.verified[sum]
	return p, is && p.from <= now && now < p.until
}

func (g *JWT) remember(ring *jwtRing, sum [sha256.Size]byte, p jwtPass) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.ring != ring || g.verified == nil || len(g.verified) >= MaxVerified {
		g.ring, g.verified = ring, map[[sha256.Size]byte]jwtPass{}
	}
	g.verified[sum] = p
}

// Held returns how many tokens are remembered that were verified.
func (g *JWT) Held() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return len(g.verified)
}

// passed returns a request as its user's, without the token.
func (g *JWT) passed(r *http.Request, p jwtPass) *http.Request {
	by := &who.Who{Name: p.name, Method: "Bearer"} // the scheme (RFC 3875 §4.1.1)
	if g.o.Cookie != "" {
		by.Method = "jwt"
	}
	switch {
	case g.o.Pass:
		return who.On(r, by)
	case g.o.Cookie == "":
		return who.On(r, by, "Authorization")
	}
	on := who.On(r, by, "Cookie")
	if rest := field.WithoutCookie(r.Header["Cookie"], g.o.Cookie); len(rest) > 0 {
		on.Header["Cookie"] = rest
	}
	return on
}

// Check implements Guard.
func (g *JWT) Check(fields http.Header, r *http.Request) (*http.Request, rule.ID) {
	v := g.decide(r)
	if v.jwtRefusal == nil {
		return g.passed(r, v.pass), 0
	}
	if v.wait > 0 {
		fields.Set("Retry-After", strconv.FormatInt(int64((v.wait+time.Second-1)/time.Second), 10))
		return nil, v.rule
	}
	fields.Set("WWW-Authenticate", g.challengeOf(v.rule))
	return nil, v.rule
}

// challengeOf says why a token would not do (RFC 6750 §3); of one that is not there
// nothing.
func (g *JWT) challengeOf(id rule.ID) string {
	switch id {
	case rule.JWTMissing:
		return g.challenge
	case rule.JWTDenied:
		var scopes []string
		for _, c := range g.claims {
			if c.name == "scope" && !strings.ContainsAny(c.value, ` "\`) {
				scopes = append(scopes, c.value)
			}
		}
		if len(scopes) > 0 {
			return g.challenge + `, error="insufficient_scope", scope="` + strings.Join(scopes, " ") + `"`
		}
		return g.challenge + `, error="insufficient_scope"`
	}
	return g.challenge + `, error="invalid_token", error_description="` + rule.Of(id).Sentence + `"`
}

// Why implements Guard. It tells nothing of the token by which it could be used.
func (g *JWT) Why(r *http.Request) (*http.Request, *why.Explanation) {
	v := g.decide(r)
	e := &why.Explanation{}
	if v.jwtRefusal != nil {
		e.Rule = v.rule
		e.Compare("token", v.was, g.wants(v.rule), true)
		return nil, e
	}
	e.Compare("token", "of "+v.pass.name, "good until "+time.Unix(0, v.pass.until).UTC().Format(time.DateTime)+" UTC", false)
	return g.passed(r, v.pass), e
}

// wants says what a token has to be, as far as a rule is about that.
func (g *JWT) wants(id rule.ID) string {
	switch id {
	case rule.JWTIssuer:
		return "from " + few(g.o.Issuers)
	case rule.JWTAudience:
		return "for " + few(g.o.Audiences)
	case rule.JWTKey:
		names := g.o.Keys.names(g.o.Now())
		if len(names) == 0 {
			return "there are no keys"
		}
		return "the keys are " + few(names)
	case rule.JWTKeys:
		return "keys are asked for again every 30s"
	}
	return ""
}

// ago is a time between, in whole seconds.
func ago(ns int64) time.Duration { return time.Duration(ns).Round(time.Second) }
