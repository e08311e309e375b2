package config

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strings"
	"time"

	"freshet/internal/keyfile"
)

// Tokens says which tokens (JWT, RFC 7519) let pass.
type Tokens struct {
	Keys       string // a file or an address; "" for none
	Issuers    []string
	Audiences  []string
	Algorithms []string      // none: all that there are
	Type       string        // "": those that tokens have for such a purpose
	User       string        // a claim; "": the default
	Claims     []string      // NAME=VALUE
	Cookie     string        // "": Authorization
	Leeway     time.Duration // 0: the default; negative: none
	Pass       string        // "on" leaves the token in the request
}

// tokenDocs are the sentences of the rows.
var tokenDocs = [...]string{
	"Answer those only who have a token (a JWT, RFC 7519, as Authorization: Bearer): else 401. It has to be signed with one of these keys: a file, a JWK set or public keys and certificates as PEM, read again when it changes; or an address of a JWK set, https, or http of this machine, such as the jwks_uri of an OpenID provider. 64 KiB and 100 keys at most. " +
		"What an address answers is used for as long as that says, from 30s to 24h, unsaid for 10m; while it does not answer, for a day; then it is 503. A set without a key that can be used lets nobody pass. Half of the processors verify tokens, each once; when 1024 wait for that, further ones get 503.",
	"Who has to have made the token (its claim iss), letter by letter. With several: one of them. jwt-keys needs one.",
	"Whom the token has to be for (its claim aud), letter by letter. With several: one of them. jwt-keys needs one.",
	"Algorithm that may be used; each key is for one alone. RSA keys have from 2048 to 4096 bits. Unset: RS256, ES256 and EdDSA.",
	"What the token has to say that it is (typ in its header), such as at+jwt for access tokens of RFC 9068. Unset: JWT, at+jwt, or nothing.",
	"Claim that is the name of who it is, for programs (REMOTE_USER) and origins (Remote-User). A name that begins with a slash is a JSON pointer, such as /ext/login. Unset: sub.",
	"What the token has to say besides, such as role=admin: else 403. An array has to have it, and so have the words of scope. A name that begins with a slash is a JSON pointer, such as /realm_access/roles=editor. With several: all of them.",
	"Cookie that has the token, in the place of Authorization. Two cookies of this name are refused. Unset: Authorization.",
	"By how much the clocks of the issuer and of this machine may differ. off: not at all. Unset: 30s.",
	"Leave the token in the request, for programs and origins that look at it themselves. Unset: off, it is taken off, and of Cookie this one alone.",
}

// tokenRows are the rows, of a command, a site or a route; at is where they are put.
func tokenRows(group string, at func(*sections) *Tokens) []Flag {
	keys := "FILE|URL"
	if group != groupGuards {
		keys += "|off"
	}
	rows := []Flag{
		{Name: "jwt-keys", Kind: KeySource, Value: keys, Example: "https://id.example.org/jwks.json",
			field: func(s *sections) any { return &at(s).Keys }},
		{Name: "jwt-issuer", Kind: Text, Value: "TEXT", Repeat: true, Example: "https://id.example.org",
			field: func(s *sections) any { return &at(s).Issuers }},
		{Name: "jwt-audience", Kind: Text, Value: "TEXT", Repeat: true, Example: "photos",
			field: func(s *sections) any { return &at(s).Audiences }},
		{Name: "jwt-algorithms", Kind: TokenAlgorithm, Value: "NAME", Repeat: true, Example: "ES256",
			field: func(s *sections) any { return &at(s).Algorithms }},
		{Name: "jwt-type", Kind: Text, Value: "TYPE", Example: "at+jwt",
			field: func(s *sections) any { return &at(s).Type }},
		{Name: "jwt-user", Kind: Text, Value: "CLAIM", Example: "email",
			field: func(s *sections) any { return &at(s).User }},
		{Name: "jwt-claims", Kind: TokenClaim, Value: "NAME=VALUE", Repeat: true, Example: "role=admin",
			field: func(s *sections) any { return &at(s).Claims }},
		{Name: "jwt-cookie", Kind: CookieName, Value: "NAME", Example: "id",
			field: func(s *sections) any { return &at(s).Cookie }},
		{Name: "jwt-leeway", Kind: Duration, Value: "TIME", Min: second, Max: 10 * minute, Off: true, OffIs: "none", Example: "30s",
			field: func(s *sections) any { return &at(s).Leeway }},
		{Name: "jwt-pass", Kind: OnOff, Value: "on|off", Example: "on",
			field: func(s *sections) any { return &at(s).Pass }},
	}
	for i := range rows {
		f := &rows[i]
		f.Group, f.Doc = group, tokenDocs[i]
		if group == groupRoute {
			f.Doc = asItsSite
			if i == 0 {
				f.Doc += " off: whoever asks may pass without a token. With keys of its own a route has all that follows of its own."
			}
		}
	}
	return rows
}

// inherit completes what a route does not say by what its site says. Keys are those
// of an issuer: a route with its own has nothing of the site's.
func (t *Tokens) inherit(site *Tokens) {
	if t.Keys == "" {
		own := *t
		*t = *site
		own.over(t)
	}
	if t.Keys == "off" {
		*t = Tokens{}
	}
}

// over puts what t says in the place of what is there.
func (t *Tokens) over(to *Tokens) {
	for _, list := range []struct{ own, to *[]string }{{&t.Issuers, &to.Issuers}, {&t.Audiences, &to.Audiences}, {&t.Algorithms, &to.Algorithms}, {&t.Claims, &to.Claims}} {
		if len(*list.own) > 0 {
			*list.to = *list.own
		}
	}
	for _, text := range []struct{ own, to *string }{{&t.Type, &to.Type}, {&t.User, &to.User}, {&t.Cookie, &to.Cookie}, {&t.Pass, &to.Pass}} {
		if *text.own != "" {
			*text.to = *text.own
		}
	}
	if t.Leeway != 0 {
		to.Leeway = t.Leeway
	}
}

// tokenFault says what is missing beside the keys of tokens, "" for nothing; label is how
// a row is called.
func (a *Access) tokenFault(label func(string) string) (row, text string) {
	keys := label("jwt-keys")
	switch t := &a.Tokens; {
	case t.Keys == "" || t.Keys == "off":
		return "", ""
	case len(t.Issuers) == 0:
		return "jwt-keys", keys + " needs to know whose tokens they are; give " + label("jwt-issuer") + ", the claim iss of these"
	case len(t.Audiences) == 0:
		return "jwt-keys", keys + " needs to know whom tokens are for, or those for others would pass; give " + label("jwt-audience") + ", the claim aud of these"
	case a.Users != "" && a.Users != "off" && t.Cookie == "":
		return "jwt-keys", keys + " and " + label("users") + " both need Authorization, which a request has once; leave one out, or give " + label("jwt-cookie")
	}
	return "", ""
}

// checkTokens is for a command line.
func (p *parser) checkTokens(a *Access) {
	if row, text := a.tokenFault(p.label); row != "" {
		p.faultAbout(row, "%s", text)
	}
	if p.has("jwt-keys") {
		return
	}
	for i := range p.flags {
		if name := p.flags[i].Name; strings.HasPrefix(name, "jwt-") && p.has(name) {
			p.faultAbout(name, "%s is used with --jwt-keys only; give both", p.label(name))
		}
	}
}

// checkTokens is for a route of a file, which has inherited.
func (d *decoder) checkTokens(n *node, r *Route) {
	row, text := r.Access.tokenFault(func(name string) string { return name })
	if row == "" {
		return
	}
	at := n.name
	if own := n.get(row); own != nil {
		at = own.name
	}
	d.fault(at, "%s", text)
}

// parseKeySource checks where the keys of tokens come from.
func parseKeySource(s string) (string, error) {
	if !strings.Contains(s, "://") {
		if strings.IndexByte(s, 0) >= 0 {
			return "", errors.New("it has a NUL")
		}
		return s, nil
	}
	u, err := url.Parse(s)
	switch {
	case err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" || u.User != nil || u.Fragment != "":
		return "", errors.New("give a file, or an address that begins with https://, without a name, a password and a fragment")
	case u.Scheme == "http" && !isLocal(net.JoinHostPort(u.Hostname(), "0")):
		return "", errors.New("whoever is on the way could put his own keys there; give an address that begins with https://, or one of this machine")
	}
	return s, nil
}

// parseTokenAlgorithm checks the name of an algorithm.
func parseTokenAlgorithm(s string) (string, error) {
	if slices.Contains(keyfile.TokenAlgorithms, s) {
		return s, nil
	}
	switch successor, weak := keyfile.TokenSuccessor(s); {
	case s == "none":
		return "", fmt.Errorf("anybody can make tokens that nobody has signed; use %s, and keys for it", successor)
	case weak && strings.HasPrefix(s, "HS"):
		return "", fmt.Errorf("with it whoever verifies tokens could make them; use %s, and keys for it", successor)
	case weak:
		return "", fmt.Errorf("it can be forged; use %s, and keys for it", successor)
	default:
		return "", fmt.Errorf("give %s; in the place of this one, use %s", orList(keyfile.TokenAlgorithms), successor)
	}
}

// parseTokenClaim checks a claim and its value.
func parseTokenClaim(s string) (string, error) {
	name, value, ok := strings.Cut(s, "=")
	if !ok || name == "" || value == "" || strings.IndexByte(s, 0) >= 0 {
		return "", errors.New("give NAME=VALUE, such as role=admin")
	}
	return s, nil
}

// parseCookieName checks the name of a cookie (RFC 6265 §4.1.1).
func parseCookieName(s string) (string, error) {
	if !isToken(s) {
		return "", errors.New("give the name of a cookie: letters, digits and no spaces")
	}
	return s, nil
}
