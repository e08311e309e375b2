package guard

import (
	"encoding/asn1"
	"fmt"
	"math/big"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"freshet/internal/keyfile"
	"freshet/internal/rule"
	"freshet/internal/who"
)

// The examples of RFC 7515, appendix A, and of RFC 8037, appendix A.4. Those of the
// algorithms that there are verify: what is missing in them is said to be, and with
// another payload their signature is wrong.
func TestJWTVectors(t *testing.T) {
	const (
		joe   = "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ"
		rsaN  = "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ"
		inRSA = "cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw"
		inEC  = "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q"
		inEd  = "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg"
		in512 = "AdwMgeerwtHoh-l192l60hp9wAHZFVJbLfD_UxMi70cwnZOYaRI1bKPWROc-mZZqwqT2SI-KGDKB34XO0aw_7XdtAG8GaSwFKdCAPZgoXD2YBJZCPEX3xKpRwcdOO8KpEHwJjyqOgzDO7iKvU8vcnwNrmxYbSW9ERBXukOXolLzeO_Jn"
	)
	keys := jwkSet(`{"kty":"RSA","n":"`+rsaN+`","e":"AQAB"}`,
		`{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}`,
		`{"kty":"EC","crv":"P-521","x":"AekpBQ8ST8a8VcfVOTNl353vSrDCLLJXmPk06wTjxrrjcBpXp5EOnYG_NjFZ6OvLFV1jSfS9tsz4qUxcWceqwQGk","y":"ADSmRA43Z1DSNx_RvcLI87cdL07l6jQyyBXMoxVg_l2Th-x3S1WDhjDly79ajL4Kkd0AZMaZmh9ubmf63e3kyMj2"}`,
		`{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}`)
	for _, tt := range []struct {
		name, head, payload, signature string
		want                           rule.ID
	}{
		{"A.1 HS256", "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9", joe, "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk", rule.JWTAlgorithm},
		{"A.2 RS256", "eyJhbGciOiJSUzI1NiJ9", joe, inRSA, rule.JWTAudience},
		{"A.3 ES256", "eyJhbGciOiJFUzI1NiJ9", joe, inEC, rule.JWTAudience},
		{"A.4 ES512", "eyJhbGciOiJFUzUxMiJ9", "UGF5bG9hZA", in512, rule.JWTAlgorithm},
		{"A.5 none", "eyJhbGciOiJub25lIn0", joe, "", rule.JWTMalformed},
		{"RFC 8037 EdDSA", "eyJhbGciOiJFZERTQSJ9", "RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc", inEd, rule.JWTMalformed}, // its payload is no JSON
	} {
		g := newGate(t, keys, JWTOptions{Issuers: []string{"joe"}})
		g.now = 1300819000 * second
		if _, refused, _ := g.ask(tt.head + "." + tt.payload + "." + tt.signature); refused != tt.want {
			t.Errorf("%s: %v, want %v", tt.name, refused, tt.want)
		}
		if verified := tt.want == rule.JWTAudience || tt.name == "RFC 8037 EdDSA"; verified {
			if _, refused, _ := g.ask(tt.head + "." + b64([]byte(`{"iss":"joe"}`)) + "." + tt.signature); refused != rule.JWTBad {
				t.Errorf("%s, with another payload: %v", tt.name, refused)
			}
		}
	}
}

// outside runs another program and returns what it prints.
func outside(t *testing.T, stdin string, command ...string) []byte {
	t.Helper()
	cmd := exec.Command(command[0], command[1:]...)
	cmd.Stdin = strings.NewReader(stdin)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v: %v\n%s", command, err, stderr.String())
	}
	return out
}

// Tokens whose keys and signatures openssl has made; the keys are PEM.
func TestJWTOfOpenSSL(t *testing.T) {
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	var pems []byte
	for name, args := range map[string][]string{
		"rsa": {"RSA", "-pkeyopt", "rsa_keygen_bits:2048"}, "ec": {"EC", "-pkeyopt", "ec_paramgen_curve:P-256"}, "ed": {"ED25519"},
	} {
		outside(t, "", append([]string{"openssl", "genpkey", "-out", at(name), "-algorithm"}, args...)...)
		pems = append(pems, outside(t, "", "openssl", "pkey", "-in", at(name), "-pubout")...)
	}
	g := newGate(t, pems, JWTOptions{})
	for alg, signs := range map[string]func(file string) []byte{
		keyfile.RS256: func(file string) []byte {
			return outside(t, "", "openssl", "dgst", "-sha256", "-sign", at("rsa"), file)
		},
		keyfile.EdDSA: func(file string) []byte {
			return outside(t, "", "openssl", "pkeyutl", "-sign", "-rawin", "-inkey", at("ed"), "-in", file)
		},
		keyfile.ES256: func(file string) []byte {
			var sig struct{ R, S *big.Int }
			if _, err := asn1.Unmarshal(outside(t, "", "openssl", "dgst", "-sha256", "-sign", at("ec"), file), &sig); err != nil {
				t.Fatal(err)
			}
			return append(sig.R.FillBytes(make([]byte, 32)), sig.S.FillBytes(make([]byte, 32))...)
		},
	} {
		for _, kid := range []string{"", `,"kid":"whatever"`} { // the keys have no names
			signed := b64([]byte(`{"alg":"`+alg+`"`+kid+`}`)) + "." + b64([]byte(goodJWT))
			if err := os.WriteFile(at("signed"), []byte(signed), 0o600); err != nil {
				t.Fatal(err)
			}
			token := signed + "." + b64(signs(at("signed")))
			on, refused, _ := g.ask(token)
			if refused != 0 || who.Of(on).Name != "ann" {
				t.Errorf("%s%s: %v", alg, kid, refused)
			}
			if _, refused, _ = g.ask(strings.Replace(token, ".", "."+b64([]byte(" {}"))+".", 1)); refused == 0 {
				t.Errorf("%s: one that was changed passes", alg)
			}
		}
	}
}

// Tokens and key sets of PyJWT.
func TestJWTOfPyJWT(t *testing.T) {
	python := "/usr/bin/python3" // Debian's, which has Debian's packages
	if _, err := os.Stat(python); err != nil {
		python = "python3"
	}
	const program = `
import json, sys, jwt
from jwt.algorithms import RSAAlgorithm, OKPAlgorithm
from cryptography.hazmat.primitives.asymmetric import rsa, ec, ed25519
claims = json.loads(sys.argv[1])
r = rsa.generate_private_key(public_exponent=65537, key_size=2048)
d = ed25519.Ed25519PrivateKey.generate()
def named(jwk, kid):
    return dict(jwk if isinstance(jwk, dict) else json.loads(jwk), kid=kid)
print(json.dumps({"keys": [named(RSAAlgorithm.to_jwk(r.public_key()), "r"), named(OKPAlgorithm.to_jwk(d.public_key()), "d")]}))
print(jwt.encode(claims, r, algorithm="RS256", headers={"kid": "r"}))
print(jwt.encode(claims, d, algorithm="EdDSA", headers={"kid": "d"}))
print(jwt.encode(claims, "secret" * 8, algorithm="HS256", headers={"kid": "r"}))
e = ec.generate_private_key(ec.SECP256R1())
n = e.public_key().public_numbers()
b = lambda i: jwt.utils.base64url_encode(i.to_bytes(32, "big")).decode()
print(json.dumps({"keys": [{"kty": "EC", "crv": "P-256", "x": b(n.x), "y": b(n.y)}]}))
print(jwt.encode(claims, e, algorithm="ES256"))
`
	lines := strings.Fields(strings.NewReplacer(", ", ",", ": ", ":").Replace(string(outside(t, "", python, "-c", program, goodJWT))))
	if len(lines) != 6 {
		t.Fatalf("%q", lines)
	}
	named, other := newGate(t, []byte(lines[0]), JWTOptions{}), newGate(t, []byte(lines[4]), JWTOptions{})
	for i, tt := range []struct {
		g     *gate
		token string
		want  rule.ID
	}{{named, lines[1], 0}, {named, lines[2], 0}, {named, lines[3], rule.JWTAlgorithm}, {other, lines[5], 0}, {other, lines[1], rule.JWTKey}} {
		if _, refused, _ := tt.g.ask(tt.token); refused != tt.want {
			t.Error(fmt.Sprint(i, ": ", refused))
		}
	}
}
