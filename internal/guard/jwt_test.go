package guard

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"math/big"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"freshet/internal/keyfile"
	"freshet/internal/rule"
	"freshet/internal/who"
)

// issuer makes tokens as somebody who is trusted does, and as others do.
type issuer struct {
	rsa   *rsa.PrivateKey
	ec    *ecdsa.PrivateKey
	ed    ed25519.PrivateKey
	other *ecdsa.PrivateKey // whom nobody knows
}

var theIssuer = sync.OnceValue(func() *issuer {
	var s issuer
	var err [4]error
	s.rsa, err[0] = rsa.GenerateKey(rand.Reader, 2048)
	s.ec, err[1] = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	s.other, err[2] = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	_, s.ed, err[3] = ed25519.GenerateKey(rand.Reader)
	for _, e := range err {
		if e != nil {
			panic(e)
		}
	}
	return &s
})

func b64(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

// jwk is a public key, by a name.
func jwk(id string, key any, more ...string) string {
	m := map[string]string{"kid": id}
	switch k := key.(type) {
	case *rsa.PrivateKey:
		m["kty"], m["n"], m["e"] = "RSA", b64(k.N.Bytes()), b64(big.NewInt(int64(k.E)).Bytes())
	case *ecdsa.PrivateKey:
		point, _ := k.PublicKey.Bytes()
		half := len(point) / 2
		m["kty"], m["crv"], m["x"], m["y"] = "EC", k.Curve.Params().Name, b64(point[1:1+half]), b64(point[1+half:])
	case ed25519.PrivateKey:
		m["kty"], m["crv"], m["x"] = "OKP", "Ed25519", b64(k.Public().(ed25519.PublicKey))
	}
	for i := 0; i < len(more); i += 2 {
		m[more[i]] = more[i+1]
	}
	text, _ := json.Marshal(m)
	return string(text)
}

func jwkSet(keys ...string) []byte { return []byte(`{"keys":[` + strings.Join(keys, ",") + `]}`) }

func (s *issuer) set() []byte { return jwkSet(jwk("r", s.rsa), jwk("e", s.ec), jwk("d", s.ed)) }

// sign signs what a token's first two parts are.
func sign(t testing.TB, signed string, key any) string {
	t.Helper()
	sum := sha256.Sum256([]byte(signed))
	var sig []byte
	var err error
	switch k := key.(type) {
	case *rsa.PrivateKey:
		sig, err = rsa.SignPKCS1v15(nil, k, crypto.SHA256, sum[:])
	case *ecdsa.PrivateKey:
		var r, s *big.Int
		if r, s, err = ecdsa.Sign(rand.Reader, k, sum[:]); err == nil {
			sig = append(r.FillBytes(make([]byte, 32)), s.FillBytes(make([]byte, 32))...)
		}
	case ed25519.PrivateKey:
		sig = ed25519.Sign(k, []byte(signed))
	case []byte:
		h := hmac.New(sha256.New, k)
		h.Write([]byte(signed))
		sig = h.Sum(nil)
	}
	if err != nil {
		t.Fatal(err)
	}
	return signed + "." + b64(sig)
}

// jwt is a token whose header and claims are written as they are given.
func jwt(t testing.TB, header, claims string, key any) string {
	t.Helper()
	return sign(t, b64([]byte(header))+"."+b64([]byte(claims)), key)
}

const (
	jwtNow    = int64(1_800_000_000)
	jwtHeader = `{"alg":"ES256","typ":"JWT","kid":"e"}`
	goodJWT   = `{"iss":"https://id.example","aud":"shop","sub":"ann","exp":1800000600,"iat":1799999990,"role":["reader","admin"],"scope":"photos.read photos.write","ok":true,"n":7,"realm_access":{"roles":["editor"]}}`
)

func with(claims, member string) string { return strings.TrimSuffix(claims, "}") + "," + member + "}" }

func lacking(t testing.TB, claims string, names ...string) string {
	t.Helper()
	m := map[string]any{}
	if err := json.Unmarshal([]byte(claims), &m); err != nil {
		t.Fatal(err)
	}
	for _, n := range names {
		delete(m, n)
	}
	m["exp"] = json.Number("1800000600")
	if slices.Contains(names, "exp") {
		delete(m, "exp")
	}
	text, _ := json.Marshal(m)
	return string(text)
}

// gate is a guard of tokens whose clock the test moves.
type gate struct {
	*JWT
	doors
}

func newGate(t testing.TB, keys []byte, o JWTOptions) *gate {
	t.Helper()
	g := &gate{}
	g.now = jwtNow * second
	g.file = filepath.Join(t.TempDir(), "keys.json")
	if err := os.WriteFile(g.file, keys, 0o644); err != nil {
		t.Fatal(err)
	}
	var err error
	if o.Keys == nil {
		if o.Keys, err = OpenJWTKeys(g.file, func(err error) { g.faults = append(g.faults, err.Error()) }); err != nil {
			t.Fatal(err)
		}
	}
	if o.Issuers == nil {
		o.Issuers = []string{"https://id.example"}
	}
	if o.Audiences == nil {
		o.Audiences = []string{"web", "shop"}
	}
	o.Now = g.clock
	if g.JWT, err = NewJWT(o); err != nil {
		t.Fatal(err)
	}
	return g
}

// ask asks with a token.
func (g *gate) ask(text string) (*http.Request, rule.ID, http.Header) {
	r := httptest.NewRequest("GET", "/", nil)
	r.RemoteAddr = ann
	r.Header.Set("Authorization", "Bearer "+text)
	fields := http.Header{}
	on, refused := g.JWT.Check(fields, r)
	return on, refused, fields
}

// A token of each algorithm lets pass, and is taken off.
func TestJWT(t *testing.T) {
	s := theIssuer()
	g := newGate(t, s.set(), JWTOptions{})
	for _, tt := range []struct {
		header string
		key    any
	}{
		{`{"alg":"RS256","kid":"r"}`, s.rsa},
		{`{"alg":"ES256","kid":"e","typ":"at+jwt"}`, s.ec},
		{`{"alg":"EdDSA","kid":"d","typ":"application/AT+JWT","x5t":"AAAA"}`, s.ed},
		{`{"alg":"ES256"}`, s.ec},
	} {
		for range 2 { // verified, and remembered
			on, refused, fields := g.ask(jwt(t, tt.header, goodJWT, tt.key))
			if refused != 0 || len(fields) > 0 {
				t.Fatalf("%s: %v, %v", tt.header, refused, fields)
			}
			if *who.Of(on) != (who.Who{Name: "ann", Method: "Bearer"}) || on.Header["Authorization"] != nil || on.Header.Get("Remote-User") != "ann" {
				t.Errorf("%s: %+v, %v", tt.header, who.Of(on), on.Header)
			}
		}
	}
	g = newGate(t, s.set(), JWTOptions{Pass: true})
	if on, refused, _ := g.ask(jwt(t, jwtHeader, goodJWT, s.ec)); refused != 0 || !strings.HasPrefix(on.Header.Get("Authorization"), "Bearer ey") || who.Of(on).Name != "ann" {
		t.Errorf("with jwt-pass: %v", refused)
	}
}

// What is wrong with a token has a rule, and an answer; nothing of it passes.
func TestJWTRefused(t *testing.T) {
	s := theIssuer()
	public, _ := x509.MarshalPKIXPublicKey(s.rsa.Public())
	publicPEM := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: public})
	good := jwt(t, jwtHeader, goodJWT, s.ec)
	parts := strings.Split(good, ".")
	ec := func(claims string) string { return jwt(t, jwtHeader, claims, s.ec) }
	head := func(header string) string { return jwt(t, header, goodJWT, s.ec) }
	// The last character of 64 octets has two bits, and four that have to be zero.
	trailing := good[:len(good)-1] + string(alphabet[strings.IndexByte(alphabet, good[len(good)-1])|1])
	for _, tt := range []struct {
		name, token string
		want        rule.ID
		says        string
	}{
		{"good", good, 0, ""},

		{"empty", "", rule.JWTMalformed, "1 parts"},
		{"a word", "x", rule.JWTMalformed, "1 parts"},
		{"two parts", parts[0] + "." + parts[1], rule.JWTMalformed, "2 parts"},
		{"four parts", good + ".AA", rule.JWTMalformed, "4 parts"},
		{"no signature", parts[0] + "." + parts[1] + ".", rule.JWTMalformed, "part 3 of it is empty"},
		{"no claims", parts[0] + ".." + parts[2], rule.JWTMalformed, "part 2 of it is empty"},
		{"encrypted", "eyJhbGciOiJkaXIiLCJlbmMiOiJBMTI4R0NNIn0..AAAA.AAAA.AAAA", rule.JWTUnsupported, "five parts"},
		{"too long", ec(with(goodJWT, `"x":"`+strings.Repeat("x", 8000)+`"`)), rule.JWTMalformed, "more than 8 KiB"},
		{"padding", good + "==", rule.JWTMalformed, "octets that base64url has not"},
		{"padding within", parts[0] + "=." + parts[1] + "." + parts[2], rule.JWTMalformed, "part 1"},
		{"a line end", parts[0] + ".\n" + parts[1] + "." + parts[2], rule.JWTMalformed, "part 2"},
		{"a space", parts[0] + ". " + parts[1] + "." + parts[2], rule.JWTMalformed, "part 2"},
		{"standard base64", strings.ReplaceAll(good, "_", "/") + "+/+/", rule.JWTMalformed, "part"},
		{"trailing bits", trailing, rule.JWTMalformed, "not base64url to its end"},
		{"header of no JSON", sign(t, b64([]byte("x"))+"."+parts[1], s.ec), rule.JWTMalformed, "not JSON"},
		{"header of an array", head(`["ES256"]`), rule.JWTMalformed, "no JSON object"},
		{"header twice", head(jwtHeader + jwtHeader), rule.JWTMalformed, "not JSON"},
		{"alg twice", head(`{"alg":"none","alg":"ES256","kid":"e"}`), rule.JWTMalformed, "two members"},
		{"alg twice, escaped", head(`{"\u0061lg":"none","alg":"ES256","kid":"e"}`), rule.JWTMalformed, "two members"},
		{"ALG", head(`{"ALG":"ES256","kid":"e"}`), rule.JWTMalformed, "has no alg"},
		{"half of a character", head(`{"alg":"ES256","kid":"\ud800"}`), rule.JWTMalformed, "half of a character"},
		{"not UTF-8", head("{\"alg\":\"ES256\",\"kid\":\"\xff\"}"), rule.JWTMalformed, "not UTF-8"},
		{"alg is a number", head(`{"alg":256,"kid":"e"}`), rule.JWTMalformed, "has no alg"},
		{"kid is a number", head(`{"alg":"ES256","kid":1}`), rule.JWTMalformed, "kid"},
		{"kid too long", head(`{"alg":"ES256","kid":"` + strings.Repeat("x", 256) + `"}`), rule.JWTMalformed, "kid"},
		{"deep", head(`{"alg":"ES256","x":` + strings.Repeat("[", 20) + strings.Repeat("]", 20) + `}`), rule.JWTMalformed, "nested"},
		{"claims twice", ec(with(goodJWT, `"sub":"root"`)), rule.JWTMalformed, "two members"},
		{"claims of no JSON", ec(`x`), rule.JWTMalformed, "not JSON"},
		{"claims are null", ec(`null`), rule.JWTMalformed, "no JSON object"},
		{"claims deep below twice", ec(with(goodJWT, `"a":[{"b":1,"b":2}]`)), rule.JWTMalformed, "two members"},

		{"crit", head(`{"alg":"ES256","kid":"e","crit":["exp"],"exp":1}`), rule.JWTUnsupported, "crit"},
		{"crit b64", head(`{"alg":"ES256","kid":"e","crit":["b64"],"b64":true}`), rule.JWTUnsupported, "crit"},
		{"crit is empty", head(`{"alg":"ES256","kid":"e","crit":[]}`), rule.JWTUnsupported, "crit"},
		{"jwk", jwt(t, `{"alg":"ES256","kid":"e","jwk":`+jwk("e", s.other)+`}`, goodJWT, s.other), rule.JWTUnsupported, "jwk"},
		{"jku", jwt(t, `{"alg":"ES256","kid":"e","jku":"https://evil.example/keys"}`, goodJWT, s.other), rule.JWTUnsupported, "jku"},
		{"x5u", jwt(t, `{"alg":"ES256","kid":"e","x5u":"https://evil.example/c"}`, goodJWT, s.other), rule.JWTUnsupported, "x5u"},
		{"x5c", jwt(t, `{"alg":"ES256","kid":"e","x5c":["AAAA"]}`, goodJWT, s.other), rule.JWTUnsupported, "x5c"},
		{"zip", head(`{"alg":"ES256","kid":"e","zip":"DEF"}`), rule.JWTUnsupported, "zip"},
		{"nested", head(`{"alg":"ES256","kid":"e","cty":"JWT"}`), rule.JWTUnsupported, "another token"},
		{"nested, spelled", head(`{"alg":"ES256","kid":"e","cty":"application/jwt"}`), rule.JWTUnsupported, "another token"},

		{"typ of another", head(`{"alg":"ES256","kid":"e","typ":"logout+jwt"}`), rule.JWTType, `"logout+jwt"`},
		{"typ is a number", head(`{"alg":"ES256","kid":"e","typ":1}`), rule.JWTMalformed, "typ"},

		{"none", b64([]byte(`{"alg":"none"}`)) + "." + parts[1] + ".AAAA", rule.JWTAlgorithm, `"none"`},
		{"none, spelled", b64([]byte(`{"alg":"nOnE","kid":"e"}`)) + "." + parts[1] + ".AAAA", rule.JWTAlgorithm, `"nOnE"`},
		{"HS256 with the public key as the secret", jwt(t, `{"alg":"HS256","kid":"r"}`, goodJWT, publicPEM), rule.JWTAlgorithm, `"HS256"`},
		{"HS256 with the key's octets", jwt(t, `{"alg":"HS256","kid":"r"}`, goodJWT, public), rule.JWTAlgorithm, `"HS256"`},
		{"PS256", jwt(t, `{"alg":"PS256","kid":"r"}`, goodJWT, s.rsa), rule.JWTAlgorithm, `"PS256"`},
		{"es256", head(`{"alg":"es256","kid":"e"}`), rule.JWTAlgorithm, `"es256"`},
		{"another key's algorithm", jwt(t, `{"alg":"RS256","kid":"e"}`, goodJWT, s.rsa), rule.JWTAlgorithm, "its key is for another one"},

		{"no such key", head(`{"alg":"ES256","kid":"x"}`), rule.JWTKey, `"x", of which there is none`},
		{"the name of no key", head(`{"alg":"ES256","kid":""}`), rule.JWTKey, `"", of which there is none`},
		{"another's signature", jwt(t, jwtHeader, goodJWT, s.other), rule.JWTBad, ""},
		{"another's signature, no kid", jwt(t, `{"alg":"ES256"}`, goodJWT, s.other), rule.JWTBad, ""},
		{"other claims", parts[0] + "." + b64([]byte(strings.Replace(goodJWT, "ann", "eve", 1))) + "." + parts[2], rule.JWTBad, ""},
		{"other header", b64([]byte(`{"alg":"ES256","kid":"e"}`)) + "." + parts[1] + "." + parts[2], rule.JWTBad, ""},
		{"signature of nothing", parts[0] + "." + parts[1] + "." + b64(make([]byte, 64)), rule.JWTBad, ""},
		{"signature too short", parts[0] + "." + parts[1] + "." + b64(make([]byte, 63)), rule.JWTBad, ""},
		{"signature in DER", parts[0] + "." + parts[1] + "." + b64(der(t, good, s.ec)), rule.JWTBad, ""},

		{"no exp", ec(lacking(t, goodJWT, "exp")), rule.JWTClaim, "when it ends"},
		{"exp is text", ec(with(lacking(t, goodJWT, "exp"), `"exp":"1800000600"`)), rule.JWTClaim, "no time"},
		{"exp in milliseconds", ec(with(lacking(t, goodJWT, "exp"), `"exp":1800000600000`)), rule.JWTClaim, "no time"},
		{"exp is huge", ec(with(lacking(t, goodJWT, "exp"), `"exp":1e400`)), rule.JWTClaim, "no time"},
		{"exp is negative", ec(with(lacking(t, goodJWT, "exp"), `"exp":-1`)), rule.JWTClaim, "no time"},
		{"exp is null", ec(with(lacking(t, goodJWT, "exp"), `"exp":null`)), rule.JWTClaim, "no time"},
		{"exp at the edge", ec(with(lacking(t, goodJWT, "exp"), `"exp":1799999970`)), rule.JWTExpired, "30s ago"},
		{"exp within the leeway", ec(with(lacking(t, goodJWT, "exp"), `"exp":1799999971`)), 0, ""},
		{"exp with a fraction", ec(with(lacking(t, goodJWT, "exp"), `"exp":1.800000600125e9`)), 0, ""},
		{"exp 0", ec(with(lacking(t, goodJWT, "exp"), `"exp":0`)), rule.JWTExpired, "ago"},
		{"exp in the year 3000", ec(with(lacking(t, goodJWT, "exp"), `"exp":32503680000`)), 0, ""},
		{"exp in the year 9999", ec(with(lacking(t, goodJWT, "exp"), `"exp":253402300799`)), 0, ""},
		{"exp in the year 10000", ec(with(lacking(t, goodJWT, "exp"), `"exp":253402300800`)), rule.JWTClaim, "no time"},
		{"nbf in the year 9999", ec(with(goodJWT, `"nbf":253402300798.5`)), rule.JWTNotYet, "nbf"},
		{"nbf ahead", ec(with(goodJWT, `"nbf":1800000031`)), rule.JWTNotYet, "nbf"},
		{"nbf within the leeway", ec(with(goodJWT, `"nbf":1800000030`)), 0, ""},
		{"nbf is text", ec(with(goodJWT, `"nbf":"x"`)), rule.JWTClaim, "nbf"},
		{"iat ahead", ec(with(lacking(t, goodJWT, "iat"), `"iat":1800000031`)), rule.JWTNotYet, "iat"},

		{"no iss", ec(lacking(t, goodJWT, "iss")), rule.JWTIssuer, "not said"},
		{"iss of another", ec(with(lacking(t, goodJWT, "iss"), `"iss":"https://evil.example"`)), rule.JWTIssuer, "evil.example"},
		{"iss with a slash more", ec(with(lacking(t, goodJWT, "iss"), `"iss":"https://id.example/"`)), rule.JWTIssuer, ""},
		{"iss is an array", ec(with(lacking(t, goodJWT, "iss"), `"iss":["https://id.example"]`)), rule.JWTIssuer, ""},
		{"no aud", ec(lacking(t, goodJWT, "aud")), rule.JWTAudience, "not said"},
		{"aud of another", ec(with(lacking(t, goodJWT, "aud"), `"aud":"shopping"`)), rule.JWTAudience, "shopping"},
		{"aud has ours", ec(with(lacking(t, goodJWT, "aud"), `"aud":["x","web"]`)), 0, ""},
		{"aud has others", ec(with(lacking(t, goodJWT, "aud"), `"aud":["x",1,["web"]]`)), rule.JWTAudience, ""},
		{"aud is empty", ec(with(lacking(t, goodJWT, "aud"), `"aud":[]`)), rule.JWTAudience, ""},

		{"no sub", ec(lacking(t, goodJWT, "sub")), rule.JWTClaim, "sub"},
		{"sub is a number", ec(with(lacking(t, goodJWT, "sub"), `"sub":7`)), rule.JWTClaim, "sub"},
		{"sub is empty", ec(with(lacking(t, goodJWT, "sub"), `"sub":""`)), rule.JWTClaim, "sub"},
		{"sub has a line end", ec(with(lacking(t, goodJWT, "sub"), `"sub":"ann\r\nX: y"`)), rule.JWTClaim, "sub"},
		{"sub too long", ec(with(lacking(t, goodJWT, "sub"), `"sub":"`+strings.Repeat("x", 256)+`"`)), rule.JWTClaim, "sub"},
	} {
		g := newGate(t, s.set(), JWTOptions{Realm: `a "b"`})
		on, refused, fields := g.ask(tt.token)
		if refused != tt.want || (on == nil) != (tt.want != 0) {
			t.Errorf("%s: %v, want %v", tt.name, refused, tt.want)
			continue
		}
		r := httptest.NewRequest("GET", "/", nil)
		r.Header.Set("Authorization", "Bearer "+tt.token)
		_, e := g.Why(r)
		text, _ := json.Marshal(e)
		if e.Rule != tt.want || !strings.Contains(e.Compared[0].Value, tt.says) {
			t.Errorf("%s: explained by %s", tt.name, text)
		}
		for _, part := range strings.Split(tt.token, ".") {
			if len(part) > 8 && strings.Contains(string(text), part) {
				t.Errorf("%s: the explanation has the token: %s", tt.name, text)
			}
		}
		if tt.want == 0 {
			continue
		}
		if want := fmt.Sprintf(`Bearer realm="a \"b\"", error="invalid_token", error_description=%q`, rule.Of(tt.want).Sentence); fields.Get("WWW-Authenticate") != want || rule.Of(tt.want).Status != 401 {
			t.Errorf("%s: %v, want %s", tt.name, fields, want)
		}
	}
}

const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

// der is the signature of a token as openssl writes it.
func der(t testing.TB, token string, key *ecdsa.PrivateKey) []byte {
	t.Helper()
	sum := sha256.Sum256([]byte(token[:strings.LastIndexByte(token, '.')]))
	sig, err := ecdsa.SignASN1(rand.Reader, key, sum[:])
	if err != nil {
		t.Fatal(err)
	}
	return sig
}

// Which Authorization has a token.
func TestJWTBearer(t *testing.T) {
	s := theIssuer()
	g := newGate(t, s.set(), JWTOptions{})
	good := jwt(t, jwtHeader, goodJWT, s.ec)
	for _, tt := range []struct {
		lines []string
		want  rule.ID
	}{
		{nil, rule.JWTMissing},
		{[]string{""}, rule.JWTMissing},
		{[]string{"Basic YW5uOng="}, rule.JWTMissing},
		{[]string{"Bearer"}, rule.JWTMalformed},
		{[]string{"Bearer " + good}, 0},
		{[]string{"bearer   " + good + " "}, 0},
		{[]string{"Bearer\t" + good}, rule.JWTMissing},
		{[]string{"Bearer " + good + ", Bearer x"}, rule.JWTMalformed},
		{[]string{"Bearer " + good, "Bearer " + good}, rule.JWTMalformed},
		{[]string{"Bearer x", "Bearer " + good}, rule.JWTMalformed},
	} {
		r := httptest.NewRequest("GET", "/?access_token="+good, nil)
		r.AddCookie(&http.Cookie{Name: "access_token", Value: good})
		r.Header["Authorization"] = tt.lines
		w := httptest.NewRecorder()
		Handler(&saw{}, g.JWT).ServeHTTP(w, r)
		if want := max(rule.Of(tt.want).Status, 0); tt.want != 0 && (w.Code != want || w.Header().Get("Cache-Control") != "no-store" || strings.Contains(w.Body.String(), good)) || tt.want == 0 && w.Code != 200 {
			t.Errorf("%.40q: %d, %v", tt.lines, w.Code, w.Header())
		}
		if tt.want == rule.JWTMissing && w.Header().Get("WWW-Authenticate") != `Bearer realm="freshet"` {
			t.Errorf("%.40q: %v", tt.lines, w.Header())
		}
	}
}

// A token in a cookie, which is taken off, and no other one.
func TestJWTCookie(t *testing.T) {
	s := theIssuer()
	g := newGate(t, s.set(), JWTOptions{Cookie: "id"})
	good := jwt(t, jwtHeader, goodJWT, s.ec)
	for _, tt := range []struct {
		lines []string
		left  []string
		want  rule.ID
	}{
		{nil, nil, rule.JWTMissing},
		{[]string{"ID=" + good + "; xid=" + good}, nil, rule.JWTMissing},
		{[]string{"id=" + good}, nil, 0},
		{[]string{"a=1; id=" + good + ";  b=\"2 3\""}, []string{"a=1;  b=\"2 3\""}, 0},
		{[]string{"id=" + good + "; a=1;b=2"}, []string{"a=1;b=2"}, 0},
		{[]string{"a = id=; b", "id=" + good, "c=3"}, []string{"a = id=; b", "c=3"}, 0},
		{[]string{"id=" + good + "; id=x"}, nil, rule.JWTMalformed},
		{[]string{"id=" + good, "id =x"}, nil, rule.JWTMalformed},
		{[]string{`id="` + good + `"`}, nil, rule.JWTMalformed},
		{[]string{"id=" + jwt(t, jwtHeader, goodJWT, s.other)}, nil, rule.JWTBad},
	} {
		r := httptest.NewRequest("GET", "/", nil)
		r.RemoteAddr = ann
		r.Header["Cookie"] = tt.lines
		r.Header.Set("Authorization", "Basic x")
		before := slices.Clone(tt.lines)
		on, refused := g.JWT.Check(http.Header{}, r)
		if refused != tt.want {
			t.Errorf("%.60q: %v, want %v", tt.lines, refused, tt.want)
			continue
		}
		if refused == 0 && (!slices.Equal(on.Header["Cookie"], tt.left) || on.Header.Get("Authorization") != "Basic x" || *who.Of(on) != (who.Who{Name: "ann", Method: "jwt"})) {
			t.Errorf("%.60q: %q is left", tt.lines, on.Header["Cookie"])
		}
		if !slices.Equal(r.Header["Cookie"], before) {
			t.Error("the request itself was changed")
		}
	}
}

// Claims that have to hold: else it is 403, with the scope that is missing.
func TestJWTClaims(t *testing.T) {
	s := theIssuer()
	for _, tt := range []struct {
		claims []string
		want   rule.ID
		asks   string
	}{
		{[]string{"role=admin"}, 0, ""},
		{[]string{"role=reader", "role=admin", "ok=true", "n=7"}, 0, ""},
		{[]string{"scope=photos.write", "scope=photos.read photos.write"}, 0, ""},
		{[]string{"/realm_access/roles=editor"}, 0, ""},
		{[]string{"role=root"}, rule.JWTDenied, `Bearer realm="freshet", error="insufficient_scope"`},
		{[]string{"scope=photos.delete", "scope=photos.read"}, rule.JWTDenied, `Bearer realm="freshet", error="insufficient_scope", scope="photos.delete photos.read"`},
		{[]string{"scope=photos"}, rule.JWTDenied, `Bearer realm="freshet", error="insufficient_scope", scope="photos"`},
		{[]string{"role=admin", "none=x"}, rule.JWTDenied, `Bearer realm="freshet", error="insufficient_scope"`},
		{[]string{"/realm_access/none/x=editor"}, rule.JWTDenied, `Bearer realm="freshet", error="insufficient_scope"`},
		{[]string{"realm_access=editor"}, rule.JWTDenied, `Bearer realm="freshet", error="insufficient_scope"`},
		{[]string{"n=7.0"}, rule.JWTDenied, `Bearer realm="freshet", error="insufficient_scope"`},
		{[]string{"Role=admin"}, rule.JWTDenied, `Bearer realm="freshet", error="insufficient_scope"`},
	} {
		g := newGate(t, s.set(), JWTOptions{Claims: tt.claims})
		for range 2 {
			_, refused, fields := g.ask(jwt(t, jwtHeader, goodJWT, s.ec))
			if refused != tt.want || fields.Get("WWW-Authenticate") != tt.asks || refused != 0 && rule.Of(refused).Status != 403 {
				t.Errorf("%q: %v, %v", tt.claims, refused, fields)
			}
		}
	}
	for _, o := range []JWTOptions{{Claims: []string{"role"}}, {Claims: []string{"=x"}}, {Issuers: []string{"x"}}} {
		if o.Issuers == nil {
			o.Issuers, o.Audiences = []string{"x"}, []string{"x"}
		}
		if _, err := NewJWT(o); err == nil {
			t.Errorf("%+v: no error", o)
		}
	}
}

// A type, an algorithm, a name and a leeway of one's own.
func TestJWTOptions(t *testing.T) {
	s := theIssuer()
	at := `{"alg":"ES256","kid":"e","typ":"at+jwt"}`
	mail := with(goodJWT, `"email":"ann@example.org","nbf":1800000010`)
	for _, tt := range []struct {
		name           string
		o              JWTOptions
		header, claims string
		want           rule.ID
		user           string
	}{
		{"typ is asked for", JWTOptions{Type: "at+jwt"}, at, goodJWT, 0, "ann"},
		{"typ is asked for, in full", JWTOptions{Type: "application/at+jwt"}, at, goodJWT, 0, "ann"},
		{"typ is another", JWTOptions{Type: "at+jwt"}, jwtHeader, goodJWT, rule.JWTType, ""},
		{"typ is missing", JWTOptions{Type: "at+jwt"}, `{"alg":"ES256","kid":"e"}`, goodJWT, rule.JWTType, ""},
		{"algorithm", JWTOptions{Algorithms: []string{keyfile.EdDSA, keyfile.RS256}}, jwtHeader, goodJWT, rule.JWTAlgorithm, ""},
		{"user", JWTOptions{User: "email"}, jwtHeader, mail, 0, "ann@example.org"},
		{"no leeway", JWTOptions{Leeway: -1}, jwtHeader, mail, rule.JWTNotYet, ""},
		{"more leeway", JWTOptions{Leeway: 10 * time.Minute}, jwtHeader, with(lacking(t, goodJWT, "exp"), `"exp":1799999500`), 0, "ann"},
	} {
		g := newGate(t, s.set(), tt.o)
		on, refused, _ := g.ask(jwt(t, tt.header, tt.claims, s.ec))
		if refused != tt.want || refused == 0 && who.Of(on).Name != tt.user {
			t.Errorf("%s: %v", tt.name, refused)
		}
	}
}

// Wrong signatures keep nobody out: neither who shares an address with whoever sends
// them, nor others when they come from more addresses than could be counted.
func TestJWTWrongSignatures(t *testing.T) {
	s := theIssuer()
	g := newGate(t, s.set(), JWTOptions{})
	wrong := jwt(t, jwtHeader, goodJWT, s.other)
	from := func(client, token string) (rule.ID, http.Header) {
		r := httptest.NewRequest("GET", "/", nil)
		r.RemoteAddr = client
		r.Header.Set("Authorization", "Bearer "+token)
		fields := http.Header{}
		_, refused := g.JWT.Check(fields, r)
		return refused, fields
	}
	for i := range 4106 { // of one /48
		if refused, fields := from(fmt.Sprintf("[2001:db8:1:%x::1]:1", i), wrong); refused != rule.JWTBad || fields.Get("Retry-After") != "" {
			t.Fatal(refused)
		}
	}
	for range 60 {
		if refused, _ := from(ann, wrong); refused != rule.JWTBad {
			t.Fatal(refused)
		}
	}
	for i, client := range []string{ann, "198.51.100.7:1", "[2001:db8:1:1::2]:1", "[2001:db8:2::1]:1", "@"} {
		if refused, _ := from(client, jwt(t, jwtHeader, with(goodJWT, fmt.Sprintf(`"jti":"%d"`, i)), s.ec)); refused != 0 {
			t.Errorf("a new token of %s: %v", client, refused)
		}
	}
}

// A token is remembered, until it ends, for the keys that have verified it, and as
// many as are allowed.
func TestJWTRemembered(t *testing.T) {
	s := theIssuer()
	g := newGate(t, s.set(), JWTOptions{})
	good := jwt(t, jwtHeader, with(goodJWT, `"nbf":1800000000`), s.ec)
	known := g.Held
	expect := func(when string, want rule.ID, n int) {
		t.Helper()
		if _, refused, _ := g.ask(good); refused != want || known() != n {
			t.Errorf("%s: %v, %d are known", when, refused, known())
		}
	}
	expect("at first", 0, 1)
	expect("again", 0, 1)
	g.pass(-31 * time.Second)
	expect("when the clock was set back", rule.JWTNotYet, 1)
	g.pass(31 * time.Second)

	// Another key of the same name: what the old one has signed is good no more.
	if err := os.WriteFile(g.file, jwkSet(jwk("e", s.other)), 0o644); err != nil {
		t.Fatal(err)
	}
	g.pass(2 * time.Second)
	expect("after another key has come", rule.JWTBad, 1)
	if err := os.WriteFile(g.file, s.set(), 0o600); err != nil {
		t.Fatal(err)
	}
	g.pass(2 * time.Second)
	expect("with the old one", 0, 1)
	if err := os.WriteFile(g.file, []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	g.pass(2 * time.Second)
	expect("with a fault in the file", 0, 1)
	if len(g.faults) != 1 || !strings.Contains(g.faults[0], "neither PEM nor a JWK set") {
		t.Errorf("told %q", g.faults)
	}

	for i := range MaxVerified {
		g.remember(g.ring, [sha256.Size]byte{1, byte(i), byte(i >> 8)}, jwtPass{until: 1 << 62})
	}
	if n := known(); n > MaxVerified || n == 0 {
		t.Errorf("%d are known", n)
	}
	g.pass(11 * time.Minute)
	if _, refused, _ := g.ask(good); refused != rule.JWTExpired {
		t.Errorf("after its end: %v", refused)
	}
}
