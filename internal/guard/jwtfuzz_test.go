package guard

import (
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	josejwt "github.com/go-jose/go-jose/v4/jwt"

	"freshet/internal/keyfile"
	"freshet/internal/rule"
	"freshet/internal/who"
)

// FuzzJWT: what passes was signed by the key, and is of the one form; what a claim
// makes of anything is a name that may be told.
func FuzzJWT(f *testing.F) {
	s := theIssuer()
	for _, header := range []string{jwtHeader, `{"alg":"none"}`, `{"alg":"ES256","kid":"e","crit":["x"]}`, `{"alg":"ES256","alg":"ES256"}`, `{"alg":"ES256","typ":"at+JWT","kid":null}`} {
		f.Add(header, goodJWT, "")
	}
	for _, claims := range []string{`{}`, `{"exp":1e999}`, with(goodJWT, `"sub":"x"`), `{"iss":"https://id.example","aud":["shop"],"sub":"a","exp":1800000600.5}`, `[[[[[[[[[[[[[[[[[[[[`, `{"exp":-0}`} {
		f.Add(jwtHeader, claims, "")
	}
	f.Add("", "", "a.b.c")
	f.Add("", "", jwt(f, jwtHeader, goodJWT, s.ec)+"=")
	g := newGate(f, s.set(), JWTOptions{Claims: []string{"/realm_access/roles=editor"}})
	for _, end := range []string{`1800000600.0000000001`, `18000006e2`, `0.18000006e10`, `-0`, `1e-400`, `"1800000600"`, `-1`, `1800000600000`, `9e99`, strings.Repeat("9", 400), `0x6b49d200`, `1_800_000_600`, `01800000600`, `1800000600.`, `NaN`, `[1800000600]`, `true`} {
		f.Add(jwtHeader, with(lacking(f, goodJWT, "exp"), `"exp":`+end), "")
		f.Add(jwtHeader, with(goodJWT, `"nbf":`+end), "")
	}
	for _, member := range []string{`"b64":false,"crit":["b64"]`, `"b64":false`, `"crit":[]`, `"cty":"JWT"`, `"zip":"DEF"`, `"kid":"d"`, `"kid":"e"`, `"\u006bid":"e"`, `"KID":"d"`, `"typ":"application/JWT"`, `"epk":{}`, `"jwk":{}`} {
		f.Add(with(`{"alg":"ES256","kid":"e"}`, member), goodJWT, "")
	}
	f.Fuzz(func(t *testing.T, header, claims, raw string) {
		oneForm(t, raw)
		// A token that nobody has signed, whatever is in it.
		if on, refused, _ := g.ask(raw); refused == 0 || on != nil {
			if raw != jwt(t, jwtHeader, goodJWT, s.ec) && !verifies(raw) {
				t.Fatalf("%q passes", raw)
			}
		}
		// One that the issuer has signed, whatever he has put into it.
		token := jwt(t, header, claims, s.ec)
		on, refused, fields := g.ask(token)
		if (refused == 0) != (on != nil) || refused != 0 && rule.Of(refused).Status == 0 {
			t.Fatalf("%q, %q: %v", header, claims, refused)
		}
		for _, line := range fields["Www-Authenticate"] {
			if strings.ContainsAny(line, "\r\n\x00") {
				t.Fatalf("%q", line)
			}
		}
		if refused != 0 {
			return
		}
		var h struct{ Alg string }
		if err := json.Unmarshal([]byte(header), &h); err != nil || h.Alg != keyfile.ES256 || !json.Valid([]byte(claims)) || !who.Valid(who.Of(on).Name) || on.Header["Authorization"] != nil {
			t.Fatalf("%q, %q passes as %+v", header, claims, who.Of(on))
		}
		readByOthers(t, token, who.Of(on).Name)
	})
}

// oneForm finds a text that is read, and that its parts are not written as.
func oneForm(t *testing.T, text string) {
	if _, refused := readJWT(text, "", keyfile.TokenAlgorithms); refused != nil {
		return
	}
	var again []string
	for part := range strings.SplitSeq(text, ".") {
		octets, err := base64.RawURLEncoding.DecodeString(part)
		if err != nil {
			t.Fatalf("%q is read: %v", text, err)
		}
		again = append(again, b64(octets))
	}
	if strings.Join(again, ".") != text {
		t.Fatalf("%q is read, and is written as %q", text, again)
	}
}

// readByOthers has a token that has passed read by the library that reads it for many
// an origin: it must say the same of whom it is.
func readByOthers(t *testing.T, token, name string) {
	read, err := josejwt.ParseSigned(token, []jose.SignatureAlgorithm{jose.ES256})
	if err != nil {
		t.Fatalf("%s passes: %v", token, err)
	}
	var claims josejwt.Claims
	if err := read.Claims(theIssuer().ec.Public(), &claims); err != nil {
		t.Fatalf("%s passes: %v", token, err)
	}
	want := josejwt.Expected{Issuer: "https://id.example", AnyAudience: josejwt.Audience{"web", "shop"}, Time: time.Unix(jwtNow, 0)}
	if err := claims.ValidateWithLeeway(want, DefaultLeeway); err != nil || claims.Subject != name || claims.Expiry == nil {
		t.Fatalf("%s passes: %v, of %q, and not %q", token, err, claims.Subject, name)
	}
}

// verifies reports whether a token is one of the issuer's.
func verifies(text string) bool {
	h, refused := readJWT(text, "", keyfile.TokenAlgorithms)
	if refused != nil {
		return false
	}
	ring, err := parseJWTKeys(theIssuer().set(), true)
	return err == nil && h.verify(text, ring.keys)
}

// FuzzJWTKeys: a set that is read has keys, each for the algorithm that it fits; a
// file is never taken that an address is not.
func FuzzJWTKeys(f *testing.F) {
	s := theIssuer()
	f.Add(string(s.set()))
	for _, text := range []string{"", `{"keys":[]}`, `{"keys":[{"kty":"oct","k":"AA"}]}`, `{"keys":[{"kty":"EC","crv":"P-256","x":"AA","y":"AA"}]}`, "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n", `{"keys":[{"kty":"RSA","n":"AQAB","e":"AQAB","x5c":["AA"]}]}`} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		strict, err := parseJWTKeys([]byte(text), true)
		lax, fault := parseJWTKeys([]byte(text), false)
		if err == nil && (fault != nil || len(lax.keys) != len(strict.keys)) {
			t.Fatalf("a file has it, and an address not: %v", fault)
		}
		if fault != nil {
			return
		}
		if len(lax.keys) == 0 || len(lax.keys) > maxJWTKeys {
			t.Fatalf("%d keys", len(lax.keys))
		}
		for _, k := range lax.keys {
			again := jwtKey{public: k.public}
			if err := again.fits(); err != nil || again.algorithm != k.algorithm {
				t.Fatalf("%+v: %v", k, err)
			}
			h := jwtHead{algorithm: k.algorithm, keyID: k.id, keyed: true, payload: []byte("{}")}
			if (&h).verify("e30.e30.AAAA", []jwtKey{k}) {
				t.Fatal("it verifies anything")
			}
		}
	})
}
