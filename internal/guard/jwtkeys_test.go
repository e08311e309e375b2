package guard

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"math/big"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"freshet/freshness"
	"freshet/internal/keyfile"
)

// Which keys of a set are used, and for what; a file with one that is not safe is
// refused, and of an address it is passed over.
func TestJWTKeySets(t *testing.T) {
	s := theIssuer()
	short, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	p384, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(s.ec)
	if err != nil {
		t.Fatal(err)
	}
	good := jwk("g", s.ed)
	for _, tt := range []struct {
		name, key    string
		file, weak   bool // a good one beside it is used all the same; it is not safe
		says, forAlg string
	}{
		{"RSA", jwk("k", s.rsa), true, false, "", keyfile.RS256},
		{"EC", jwk("k", s.ec, "alg", "ES256", "use", "sig"), true, false, "", keyfile.ES256},
		{"Ed25519", jwk("k", s.ed, "alg", "EdDSA"), true, false, "", keyfile.EdDSA},
		{"no object", `"x"`, true, false, "it is no object", ""},
		{"short", jwk("k", short), false, true, "of 1024 bits, which can be broken; use one of 2048", ""},
		{"exponent 1", strings.Replace(jwk("k", s.rsa), `"e":"AQAB"`, `"e":"AQ"`, 1), true, false, "cannot be read", ""},
		{"exponent 4", strings.Replace(jwk("k", s.rsa), `"e":"AQAB"`, `"e":"BA"`, 1), false, true, "exponent", ""},
		{"for HS256", jwk("k", s.rsa, "alg", "HS256"), false, true, `it is for "HS256"; use RS256, ES256 or EdDSA`, ""},
		{"for none", jwk("k", s.ec, "alg", "none"), false, true, "use RS256", ""},
		{"for PS256", jwk("k", s.rsa, "alg", "PS256"), true, false, `"PS256", and not for RS256`, ""},
		{"for another kind", jwk("k", s.rsa, "alg", "ES256"), true, false, `"ES256", and not for RS256`, ""},
		{"P-384", jwk("k", p384), true, false, "P-384", ""},
		{"not on the curve", strings.Replace(jwk("k", s.ec), `"y":"`, `"y":"AAAA`, 1), true, false, "cannot be read", ""},
		{"another curve's name", jwk("k", s.ec, "crv", "P-384"), true, false, "cannot be read", ""},
		{"X25519", jwk("k", s.ed, "crv", "X25519"), true, false, "cannot be read", ""},
		{"to encrypt", jwk("k", s.rsa, "use", "enc"), true, false, "not for signatures", ""},
		{"to sign with", strings.Replace(good, `{`, `{"key_ops":["sign"],`, 1), true, false, "not to verify with", ""},
		{"to verify with", strings.Replace(jwk("k", s.ed), `{`, `{"key_ops":["verify"],`, 1), true, false, "", keyfile.EdDSA},
		{"private", jwk("k", s.ec, "d", "AAAA"), false, true, "private key", ""},
		{"a secret", `{"kty":"oct","k":"AAAA"}`, false, true, "whoever verifies could make tokens", ""},
		{"unknown", `{"kty":"XYZ"}`, true, false, "cannot be read", ""},
		{"no kind", `{"kid":"k"}`, true, false, "cannot be read", ""},
		{"a name that is a number", `{"kty":"RSA","kid":1}`, true, false, "its kid is no text", ""},
		{"a name that is long", jwk(strings.Repeat("k", 256), s.ed), true, false, "255 octets", ""},
		{"padding", strings.Replace(jwk("k", s.rsa), `"AQAB"`, `"AQAB="`, 1), true, false, "its e is not base64url", ""},
		{"line ends", strings.Replace(jwk("k", s.rsa), `"AQAB"`, `"AQ\nAB"`, 1), true, false, "its e is not base64url", ""},
		{"a certificate that nobody looks at", strings.Replace(jwk("k", s.ed), `{`, `{"x5c":["!"],"x5u":"://",`, 1), true, false, "", keyfile.EdDSA},
	} {
		beside, err := parseJWTKeys(jwkSet(tt.key, good), true)
		if (err == nil) != tt.file || err != nil && !strings.Contains(err.Error(), tt.says) {
			t.Errorf("%s, in a file: %v", tt.name, err)
		}
		if tt.file && (tt.forAlg != "") != (len(beside.keys) == 2) {
			t.Errorf("%s, in a file: %d keys", tt.name, len(beside.keys))
		}
		if beside, err = parseJWTKeys(jwkSet(tt.key, good), false); err != nil || !slices.ContainsFunc(beside.keys, func(k jwtKey) bool { return k.id == "g" }) {
			t.Errorf("%s, of an address: %v", tt.name, err)
		}
		alone, err := parseJWTKeys(jwkSet(tt.key), false)
		if tt.forAlg == "" && (err == nil || !strings.Contains(err.Error(), tt.says)) {
			t.Errorf("%s, alone: %v", tt.name, err)
		}
		if tt.forAlg != "" && (err != nil || alone.keys[0].algorithm != tt.forAlg) {
			t.Errorf("%s, alone: %v, %+v", tt.name, err, alone)
		}
	}
	long, err := x509.MarshalPKIXPublicKey(&rsa.PublicKey{N: new(big.Int).SetBit(big.NewInt(1), 8191, 1), E: 65537})
	if err != nil {
		t.Fatal(err)
	}
	many := make([]string, maxJWTKeys+1)
	for i := range many {
		many[i] = jwk(fmt.Sprint(i), s.ed)
	}
	for text, says := range map[string]string{
		string(jwkSet(many...)): "more than 100 keys", string(jwkSet()): "there is no key in it", `{}`: "no JWK set", `[]`: "no JSON object",
		`{"keys":{}}`: "no JWK set", `{"keys":[],"keys":[]}`: "two members", "": "not JSON", strings.Repeat(" ", maxJWTKeySet+1): "more than 64 KiB",
		"-----BEGIN X-----\n": "there is no key",
		string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private})):         "openssl pkey -in FILE -pubout",
		string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: []byte("broken")})): "no key that can be used",
		string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: long})):             "an RSA key of 8192 bits, which takes too long to verify with; use one of 4096 at most",
	} {
		if _, err := parseJWTKeys([]byte(text), true); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%.40q: %v", text, err)
		}
	}
	if ring, err := parseJWTKeys(jwkSet(many[:maxJWTKeys]...), true); err != nil || len(ring.keys) != maxJWTKeys {
		t.Errorf("as many as are allowed: %v", err)
	}
}

// How long keys of an address are fresh.
func TestJWTKeysLifetime(t *testing.T) {
	now := jwtNow * second
	date := func(after time.Duration) string {
		return time.Unix(jwtNow, 0).Add(after).UTC().Format(http.TimeFormat)
	}
	for _, tt := range []struct {
		fields http.Header
		want   time.Duration
	}{
		{http.Header{}, 10 * time.Minute},
		{http.Header{"Cache-Control": {"public"}}, 10 * time.Minute},
		{http.Header{"Cache-Control": {"max-age=300"}}, 5 * time.Minute},
		{http.Header{"Cache-Control": {"max-age=300, s-maxage=900"}}, 5 * time.Minute},
		{http.Header{"Cache-Control": {"max-age=300"}, "Age": {"200"}}, 100 * time.Second},
		{http.Header{"Cache-Control": {"max-age=1"}}, 30 * time.Second},
		{http.Header{"Cache-Control": {"max-age=0"}}, 30 * time.Second},
		{http.Header{"Cache-Control": {"no-store"}}, 30 * time.Second},
		{http.Header{"Cache-Control": {"no-cache, max-age=300"}}, 30 * time.Second},
		{http.Header{"Cache-Control": {"max-age=31536000"}}, 24 * time.Hour},
		{http.Header{"Expires": {date(time.Hour)}, "Date": {date(0)}}, time.Hour},
		// Its clock and ours differ.
		{http.Header{"Cache-Control": {"max-age=300"}, "Date": {date(-time.Hour)}}, 5 * time.Minute},
		{http.Header{"Cache-Control": {"max-age=300"}, "Date": {date(20000 * time.Hour)}}, 5 * time.Minute},
		{http.Header{"Cache-Control": {"max-age=300"}, "Date": {"Fri, 31 Dec 9999 23:59:59 GMT"}}, 5 * time.Minute},
		{http.Header{"Cache-Control": {"max-age=300"}, "Age": {"200"}, "Date": {date(-time.Hour)}}, 100 * time.Second},
		{http.Header{"Expires": {date(-time.Hour)}, "Date": {date(-2 * time.Hour)}}, time.Hour},
		{http.Header{"Expires": {"0"}, "Date": {date(0)}}, 30 * time.Second},
		{http.Header{"Last-Modified": {date(-1000 * time.Hour)}, "Date": {date(0)}}, 10 * time.Minute},
	} {
		if got := keysLifetime(&freshness.Response{Status: 200, Fields: tt.fields, Requested: now, Received: now}); time.Duration(got) != tt.want {
			t.Errorf("%v: %v, want %v", tt.fields, time.Duration(got), tt.want)
		}
	}
}
