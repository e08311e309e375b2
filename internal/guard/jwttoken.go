package guard

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"

	"freshet/internal/field"
	"freshet/internal/rule"
	"freshet/internal/who"
)

// MaxJWT is how long a token may be, in octets.
const MaxJWT = 8 << 10

// A jwtRefusal is a rule that refuses a token, and what was found, in words that
// have nothing of the token in them that could be used.
type jwtRefusal struct {
	rule rule.ID
	was  string
}

func refusedJWT(id rule.ID, format string, args ...any) *jwtRefusal {
	return &jwtRefusal{id, fmt.Sprintf(format, args...)}
}

// A jwtHead is what a token says of itself before anything of it is believed: by
// which of its keys it is to be verified, and nothing else.
type jwtHead struct {
	algorithm, keyID string
	keyed            bool // it names a key
	payload          []byte
}

// unsupportedMembers are those of a header (RFC 7515 §4.1, RFC 7516 §4.1) that
// ask for something, and what that is. Whoever brings his own key is vouched for by
// nobody.
var unsupportedMembers = [...]struct{ name, asks string }{
	{"crit", "has an extension that has to be understood (crit)"},
	{"jwk", "brings its own key (jwk)"},
	{"jku", "says where its key is (jku)"},
	{"x5u", "says where its certificate is (x5u)"},
	{"x5c", "brings its own certificate (x5c)"},
	{"enc", "is encrypted (enc)"},
	{"zip", "is compressed (zip)"},
	{"b64", "has a payload that is not base64url (b64)"},
}

// readJWT reads a token in its one form: compact (RFC 7515 §7.1), of three parts in
// strict base64url. typed is the type that it has to say, "" for any of those that
// tokens have for who asks a server for something.
func readJWT(text, typed string, algorithms []string) (h jwtHead, refused *jwtRefusal) {
	if len(text) > MaxJWT {
		return h, refusedJWT(rule.JWTMalformed, "it has more than %d KiB", MaxJWT>>10)
	}
	switch n := strings.Count(text, "."); n {
	case 2:
	case 4:
		return h, refusedJWT(rule.JWTUnsupported, "it is encrypted: it has five parts")
	default:
		return h, refusedJWT(rule.JWTMalformed, "it has %d parts, and not three", n+1)
	}
	parts := strings.Split(text, ".")
	var read [3][]byte
	for i, part := range parts {
		if part == "" {
			return h, refusedJWT(rule.JWTMalformed, "part %d of it is empty", i+1)
		}
		if strings.ContainsFunc(part, notBase64) {
			return h, refusedJWT(rule.JWTMalformed, "part %d of it has octets that base64url has not", i+1)
		}
		var err error
		if read[i], err = strictBase64.DecodeString(part); err != nil {
			return h, refusedJWT(rule.JWTMalformed, "part %d of it is not base64url to its end", i+1)
		}
	}
	members, err := readObject(read[0])
	if err != nil {
		return h, refusedJWT(rule.JWTMalformed, "its header: %v", err)
	}
	h.payload = read[1]
	return h, h.take(members, typed, algorithms)
}

// notBase64 reports whether an octet is none of base64url (RFC 4648 §5). The padding
// is left out (RFC 7515 §2).
func notBase64(r rune) bool {
	return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '-' && r != '_'
}

// take looks at the members of a header.
func (h *jwtHead) take(members map[string]any, typed string, algorithms []string) *jwtRefusal {
	for _, m := range unsupportedMembers {
		if _, has := members[m.name]; has {
			return refusedJWT(rule.JWTUnsupported, "it %s", m.asks)
		}
	}
	if cty, has := members["cty"]; has {
		if s, is := cty.(string); !is || typeOfJWT(s) == "jwt" {
			return refusedJWT(rule.JWTUnsupported, "there is another token in it (cty)")
		}
	}
	typ, has := members["typ"]
	s, is := typ.(string)
	switch {
	case has && !is:
		return refusedJWT(rule.JWTMalformed, "its typ is no text")
	case typed != "" && typeOfJWT(s) != typeOfJWT(typed):
		return refusedJWT(rule.JWTType, "its typ is %s, and not %s", quoted(s), quoted(typed))
	case typed == "" && has && typeOfJWT(s) != "jwt" && typeOfJWT(s) != "at+jwt":
		return refusedJWT(rule.JWTType, "its typ is %s, and neither JWT nor at+jwt", quoted(s))
	}
	if h.algorithm, is = members["alg"].(string); !is {
		return refusedJWT(rule.JWTMalformed, "its header has no alg")
	}
	if !slices.Contains(algorithms, h.algorithm) {
		return refusedJWT(rule.JWTAlgorithm, "its alg is %s, and only %s may be used", quoted(h.algorithm), strings.Join(algorithms, ", "))
	}
	if kid, has := members["kid"]; has {
		if h.keyID, is = kid.(string); !is || len(h.keyID) > maxJWTKeyID {
			return refusedJWT(rule.JWTMalformed, "its kid is no text, or too long")
		}
		h.keyed = true
	}
	return nil
}

// typeOfJWT is the one form of a type: without "application/" (RFC 7515 §4.1.9), and
// in lower case.
func typeOfJWT(s string) string {
	s = strings.ToLower(s)
	if rest, ok := strings.CutPrefix(s, "application/"); ok && !strings.Contains(rest, "/") {
		return rest
	}
	return s
}

// maxJWTTried is how many keys a token is verified with that does not say which one
// is its own.
const maxJWTTried = 8

// find returns the keys that a token may be signed with: that of its name, or else
// those without one, of its algorithm; and why there are none.
func (ring *jwtRing) find(h *jwtHead) ([]jwtKey, *jwtRefusal) {
	var named, all []jwtKey
	others := false
	for _, k := range ring.keys {
		switch {
		case h.keyed && k.id != "" && k.id != h.keyID:
		case k.algorithm != h.algorithm:
			others = others || h.keyed && k.id == h.keyID
		case h.keyed && k.id == h.keyID:
			named = append(named, k)
		default:
			all = append(all, k)
		}
	}
	if len(named) > 0 || others {
		all = named
	}
	switch {
	case len(ring.keys) == 0:
		return nil, refusedJWT(rule.JWTKey, "there is no key: the last one was taken away")
	case len(all) == 0 && others:
		return nil, refusedJWT(rule.JWTAlgorithm, "its alg is %s, and its key is for another one", h.algorithm)
	case len(all) == 0 && h.keyed:
		return nil, refusedJWT(rule.JWTKey, "its key is %s, of which there is none", quoted(h.keyID))
	case len(all) == 0:
		return nil, refusedJWT(rule.JWTAlgorithm, "its alg is %s, and no key is for that", h.algorithm)
	case len(all) > maxJWTTried:
		return nil, refusedJWT(rule.JWTKey, "it does not say which of %d keys is its own (kid)", len(all))
	}
	return all, nil
}

// verify reports whether one of the keys has signed a token.
func (h *jwtHead) verify(text string, keys []jwtKey) bool {
	signed, err := jose.ParseSignedCompact(text, []jose.SignatureAlgorithm{jose.SignatureAlgorithm(h.algorithm)})
	if err != nil {
		return false
	}
	for _, k := range keys {
		if _, err := signed.Verify(k.public); err == nil {
			return true
		}
	}
	return false
}

// A jwtPass is what a token that was verified is good for. Times are in nanoseconds
// since 1970, with the leeway in them.
type jwtPass struct {
	name        string
	from, until int64
}

// judge looks at the claims of a token that was verified (RFC 7519 §4.1).
func (g *JWT) judge(claims map[string]any, now int64) (p jwtPass, refused *jwtRefusal) {
	if p, refused = g.times(claims, now); refused != nil {
		return p, refused
	}
	if iss, is := claims["iss"].(string); !is || !slices.Contains(g.o.Issuers, iss) {
		return p, refusedJWT(rule.JWTIssuer, "its issuer (iss) is %s", shownClaim(claims["iss"]))
	}
	if !g.meant(claims["aud"]) {
		return p, refusedJWT(rule.JWTAudience, "it is for (aud) %s", shownClaim(claims["aud"]))
	}
	name, is := claimOf(claims, g.o.User).(string)
	if !is || !who.Valid(name) {
		return p, refusedJWT(rule.JWTClaim, "its claim %s is no name", g.o.User)
	}
	p.name = name
	for _, want := range g.claims {
		if !holds(want.name, claimOf(claims, want.name), want.value) {
			return p, refusedJWT(rule.JWTDenied, "its claim %s has no %s", want.name, quoted(want.value))
		}
	}
	return p, nil
}

// times looks at when a token is good.
func (g *JWT) times(claims map[string]any, now int64) (p jwtPass, refused *jwtRefusal) {
	leeway := int64(g.o.Leeway)
	exp, has := claims["exp"]
	if !has {
		return p, refusedJWT(rule.JWTClaim, "it does not say when it ends (exp)")
	}
	until, ok := numericDate(exp)
	if !ok {
		return p, refusedJWT(rule.JWTClaim, "its end (exp) is no time in seconds since 1970")
	}
	if p.until = until + leeway; now >= p.until {
		return p, refusedJWT(rule.JWTExpired, "it has ended (exp) %v ago", ago(now-until))
	}
	for _, name := range [...]string{"nbf", "iat"} {
		v, has := claims[name]
		if !has {
			continue
		}
		from, ok := numericDate(v)
		if !ok {
			return p, refusedJWT(rule.JWTClaim, "its %s is no time in seconds since 1970", name)
		}
		if p.from = max(p.from, from-leeway); now < p.from {
			return p, refusedJWT(rule.JWTNotYet, "it begins (%s) in %v", name, ago(from-now))
		}
	}
	return p, nil
}

// meant reports whether one of the audiences is ours.
func (g *JWT) meant(aud any) bool {
	switch aud := aud.(type) {
	case string:
		return slices.Contains(g.o.Audiences, aud)
	case []any:
		for _, one := range aud {
			if s, is := one.(string); is && slices.Contains(g.o.Audiences, s) {
				return true
			}
		}
	}
	return false
}

const (
	// latest is the last second of which a time is one: what is above it is not in
	// seconds.
	latest = 253402300799 // the end of the year 9999
	// farthest is the last second that has nanoseconds, less a leeway; what is
	// later is as good as that.
	farthest = (1<<63-1)/int64(time.Second) - 24*60*60
)

// numericDate reads a time (RFC 7519 §2), which may have a fraction, in nanoseconds.
func numericDate(v any) (ns int64, ok bool) {
	s, ok := numericSeconds(v)
	return min(s, farthest) * int64(time.Second), ok
}

func numericSeconds(v any) (seconds int64, ok bool) {
	n, is := v.(json.Number)
	if !is {
		return 0, false
	}
	if i, err := strconv.ParseInt(string(n), 10, 64); err == nil {
		return i, i >= 0 && i <= latest
	}
	f, err := strconv.ParseFloat(string(n), 64)
	if err != nil || !(f >= 0 && f <= latest) {
		return 0, false
	}
	return int64(math.Floor(f)), true
}

// claimOf returns a claim. A name that begins with a slash is a JSON pointer (RFC
// 6901) to a member of one, such as /realm_access/roles.
func claimOf(claims map[string]any, name string) any {
	if !strings.HasPrefix(name, "/") {
		return claims[name]
	}
	var v any = claims
	for part := range strings.SplitSeq(name[1:], "/") {
		o, is := v.(map[string]any)
		if !is {
			return nil
		}
		v = o[strings.NewReplacer("~1", "/", "~0", "~").Replace(part)]
	}
	return v
}

// holds reports whether a claim has a value: it is that, or one of several. The
// claim scope has words with spaces between (RFC 8693 §4.2).
func holds(name string, v any, want string) bool {
	switch v := v.(type) {
	case string:
		return v == want || name == "scope" && slices.Contains(strings.Split(v, " "), want)
	case bool:
		return strconv.FormatBool(v) == want
	case json.Number:
		return string(v) == want
	case []any:
		for _, one := range v {
			if _, nested := one.([]any); !nested && holds("", one, want) {
				return true
			}
		}
	}
	return false
}

// shownClaim shows who a token is from, or for.
func shownClaim(v any) string {
	switch v := v.(type) {
	case nil:
		return "not said"
	case string:
		return quoted(v)
	case []any:
		var all []string
		for _, one := range v[:min(len(v), 3)] {
			all = append(all, shownClaim(one))
		}
		if len(v) > 3 {
			all = append(all, "others")
		}
		return strings.Join(all, ", ")
	}
	return "no text"
}

// bearer returns the token of a request's Authorization (RFC 6750 §2.1).
func bearer(lines []string) (text string, refused *jwtRefusal) {
	if len(lines) == 0 {
		return "", refusedJWT(rule.JWTMissing, "there is no Authorization")
	}
	scheme, text, _ := strings.Cut(lines[0], " ")
	switch {
	case len(lines) > 1:
		return "", refusedJWT(rule.JWTMalformed, "there are %d Authorization fields", len(lines))
	case !field.EqualFold(scheme, "Bearer"):
		return "", refusedJWT(rule.JWTMissing, "Authorization has no Bearer token")
	}
	return strings.Trim(text, " "), nil
}
