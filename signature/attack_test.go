package signature

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"math/big"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// withFields returns a message with a signature.
func withFields(m *Message, s Signed) *Message {
	out := *m
	h := m.Header.(http.Header).Clone()
	h.Add("Signature-Input", s.Input)
	h.Add("Signature", s.Signature)
	out.Header = h
	return &out
}

func decoded(t testing.TB, text string) []byte {
	raw, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

const attacked = "POST /pay/?to=alice&amount=5&note=a+b HTTP/1.1\nHost: bank.example\nContent-Type: application/json\n" +
	"Content-Digest: sha-256=:RK/0qy18MlBSVnWgjwz6lZEWjP/lF5HF9bvEF8FabDg=:\nX-List: a\nX-List: b\nX-Empty: \nX-Dict: a=1, b=(x  y);q, a=2\n\n{}"

var attackedComponents = []string{
	"@method", "@target-uri", "content-type", "content-digest", "x-list", `"@query-param";name="amount"`, `x-dict;key="b"`, "x-empty",
}

// TestAttacks: a signed request, changed in one way; what Verify says of it.
func TestAttacks(t *testing.T) {
	keys := testKeys(t)
	now := time.Unix(1700000000, 0)
	private, public := keys["test-key-ed25519.private"], keys["test-key-ed25519.public"]
	swap := func(name, from, to string) func(*Message, http.Header) {
		return func(_ *Message, h http.Header) {
			lines := h.Values(name)
			for i := range lines {
				lines[i] = strings.Replace(lines[i], from, to, 1)
			}
		}
	}
	const fine = "verified"
	for _, c := range []struct {
		name   string
		change func(m *Message, h http.Header)
		policy Policy
		want   string
		detail string
	}{
		{name: "nothing", want: fine},
		{name: "a field that is not covered", change: func(_ *Message, h http.Header) { h.Set("Accept", "*/*") }, want: fine},
		{name: "the method", change: func(m *Message, _ http.Header) { m.Method = "PUT" }, want: "bad signature"},
		{name: "the host", change: func(m *Message, _ http.Header) { m.Authority = "evil.example" }, want: "bad signature"},
		{name: "the scheme", change: func(m *Message, _ http.Header) { m.Scheme = "http" }, want: "bad signature"},
		{name: "a parameter of the query", change: func(m *Message, _ http.Header) { m.Target = strings.Replace(m.Target, "=5", "=500", 1) }, want: "bad signature"},
		{name: "the order of the query", change: func(m *Message, _ http.Header) { m.Target = "/pay/?amount=5&to=alice&note=a+b" }, want: "bad signature"},
		{name: "the coding of the query", change: func(m *Message, _ http.Header) { m.Target = "/pay/?to=alice&amount=%35&note=a+b" }, want: "bad signature"},
		{name: "a parameter twice", change: func(m *Message, _ http.Header) { m.Target += "&amount=500" }, want: "component missing", detail: `"@query-param";name="amount"`},
		{name: "the path in another coding", change: func(m *Message, _ http.Header) { m.Target = strings.Replace(m.Target, "pay", "p%61y", 1) }, want: "bad signature"},
		{name: "a covered field", change: func(_ *Message, h http.Header) { h.Set("Content-Type", "text/html") }, want: "bad signature"},
		{name: "another digest", change: func(_ *Message, h http.Header) {
			h.Set("Content-Digest", "sha-256=:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=:")
		}, want: "bad signature"},
		{name: "a second digest", change: func(_ *Message, h http.Header) {
			h.Add("Content-Digest", "sha-256=:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=:")
		}, want: "bad signature"},
		{name: "a covered field is gone", change: func(_ *Message, h http.Header) { h.Del("Content-Type") }, want: "component missing", detail: `"content-type"`},
		{name: "an empty field is gone", change: func(_ *Message, h http.Header) { h.Del("X-Empty") }, want: "component missing", detail: `"x-empty"`},
		{name: "a line more", change: func(_ *Message, h http.Header) { h.Add("X-List", "c") }, want: "bad signature"},
		{name: "lines in another order", change: func(_ *Message, h http.Header) { h["X-List"] = []string{"b", "a"} }, want: "bad signature"},
		{name: "lines joined", change: func(_ *Message, h http.Header) { h["X-List"] = []string{"a, b"} }, want: fine}, // RFC 9421 §2.1
		{name: "lines folded", change: func(_ *Message, h http.Header) { h["X-List"] = []string{"a,\r\n\t b"} }, want: fine},
		{name: "white space around lines", change: func(_ *Message, h http.Header) { h["X-List"] = []string{" a\t", "b "} }, want: fine},
		{name: "white space within", change: func(_ *Message, h http.Header) { h["X-List"] = []string{"a,  b"} }, want: "bad signature"},
		{name: "a line break that is no fold", change: func(_ *Message, h http.Header) { h["X-List"] = []string{"a\n\"@method\": GET"} }, want: "component missing", detail: `"x-list"`},
		{name: "a byte beyond ASCII", change: func(_ *Message, h http.Header) { h["X-List"] = []string{"a", "b\u00a0"} }, want: "component missing", detail: `"x-list"`},
		{name: "a member of the dictionary", change: func(_ *Message, h http.Header) { h.Set("X-Dict", "b=(x z);q") }, want: "bad signature"},
		{name: "another member", change: func(_ *Message, h http.Header) { h.Set("X-Dict", "a=7, b=( x y );q") }, want: fine},
		{name: "the member twice", change: func(_ *Message, h http.Header) { h.Add("X-Dict", "b=1") }, want: "bad signature"},
		{name: "the member is gone", change: func(_ *Message, h http.Header) { h.Set("X-Dict", "a=1") }, want: "component missing", detail: `"x-dict";key="b"`},
		{name: "no dictionary any more", change: func(_ *Message, h http.Header) { h.Set("X-Dict", "b=(x y);q,") }, want: "component missing", detail: `"x-dict";key="b"`},

		{name: "a component removed", change: swap("Signature-Input", ` "content-type"`, ""), want: "bad signature"},
		{name: "the digest removed", change: swap("Signature-Input", ` "content-digest"`, ""), want: "component not covered", detail: "content-digest"},
		{name: "the digest of nothing trusted", change: swap("Signature-Input", `"content-digest"`, `"content-digest";key="md5"`), want: "component not covered", detail: "content-digest"},
		{name: "the digest of the request", change: swap("Signature-Input", `"content-digest"`, `"content-digest";req`), want: "component not covered", detail: "content-digest"},
		{name: "no body", change: func(m *Message, h http.Header) {
			m.HasBody = false
			swap("Signature-Input", ` "content-digest"`, "")(m, h)
		}, want: "bad signature"},
		{name: "the target removed", change: swap("Signature-Input", ` "@target-uri"`, ""), want: "component not covered", detail: "@authority"},
		{name: "a component added", change: swap("Signature-Input", `"@method"`, `"@method" "@path"`), want: "bad signature"},
		{name: "components in another order", change: swap("Signature-Input", `"@method" "@target-uri"`, `"@target-uri" "@method"`), want: "bad signature"},
		{name: "a component twice", change: swap("Signature-Input", `"@method"`, `"@method" "@method"`), want: "component missing", detail: `"@method"`},
		{name: "a component twice, its parameters turned", change: swap("Signature-Input", `"x-empty"`, `"x-empty";tr;bs "x-empty";bs;tr`), want: "component missing"},
		{name: "a component in capitals", change: swap("Signature-Input", `"content-type"`, `"Content-Type"`), want: "component missing", detail: `"Content-Type"`},
		{name: "a component that nobody knows", change: swap("Signature-Input", `"x-empty"`, `"@future"`), want: "component missing", detail: `"@future"`},
		{name: "a parameter that nobody knows", change: swap("Signature-Input", `"x-empty"`, `"x-empty";lax`), want: "component missing", detail: `"x-empty";lax`},
		{name: "a flag that is false", change: swap("Signature-Input", `"x-empty"`, `"x-empty";bs=?0`), want: "component missing", detail: `"x-empty";bs=?0`},
		{name: "parameters that do not go together", change: swap("Signature-Input", `"x-dict";key="b"`, `"x-dict";key="b";bs`), want: "component missing"},
		{name: "the parameters as a component", change: swap("Signature-Input", `"x-empty"`, `"@signature-params"`), want: "component missing"},
		{name: "the status of a request", change: swap("Signature-Input", `"x-empty"`, `"@status"`), want: "component missing", detail: `"@status"`},
		{name: "a token for a name", change: swap("Signature-Input", `"x-empty"`, `x-empty`), want: "component missing", detail: "x-empty"},
		{name: "sf of what nobody knows", change: swap("Signature-Input", `"x-empty"`, `"x-empty";sf`), want: "component missing", detail: `"x-empty";sf`},
		{name: "no list", change: swap("Signature-Input", `sig1=(`, `sig1=1, x=(`), want: "malformed"},
		{name: "a broken Signature-Input", change: swap("Signature-Input", ")", ""), want: "malformed", detail: "Signature-Input"},

		{name: "created later", change: swap("Signature-Input", "created=1700000000", "created=1700000031"), want: "not yet valid", detail: "created"},
		{name: "created a little later", change: swap("Signature-Input", "created=1700000000", "created=1700000030"), want: "bad signature"},
		{name: "created earlier", change: swap("Signature-Input", "created=1700000000", "created=1699999669"), want: "expired", detail: "created"},
		{name: "created a little earlier", change: swap("Signature-Input", "created=1700000000", "created=1699999670"), want: "bad signature"},
		{name: "no created", change: swap("Signature-Input", ";created=1700000000", ""), want: "parameter missing", detail: "created"},
		{name: "created in words", change: swap("Signature-Input", "created=1700000000", `created="now"`), want: "malformed", detail: "created"},
		{name: "created in fractions", change: swap("Signature-Input", "created=1700000000", `created=1700000000.5`), want: "malformed", detail: "created"},
		{name: "expired", change: swap("Signature-Input", "expires=1700000060", "expires=1699999969"), want: "expired", detail: "expires"},
		{name: "expires later", change: swap("Signature-Input", "expires=1700000060", "expires=1800000000"), want: "bad signature"},
		{name: "another nonce", change: swap("Signature-Input", `nonce="n1"`, `nonce="n2"`), want: "bad signature"},
		{name: "no nonce", change: swap("Signature-Input", `;nonce="n1"`, ``), policy: Policy{Nonce: true}, want: "parameter missing", detail: "nonce"},
		{name: "another tag", change: swap("Signature-Input", `tag="shop"`, `tag="bank"`), want: "bad signature"},
		{name: "a tag that is not looked at", policy: Policy{Tag: "bank"}, want: "unsigned"},
		{name: "a tag that is", policy: Policy{Tag: "shop"}, want: fine},
		{name: "a label that is not looked at", policy: Policy{Label: "sig2"}, want: "unsigned"},
		{name: "created twice", change: swap("Signature-Input", "created=1700000000", "created=1;created=1700000000"), want: fine}, // one value remains, the signed one

		{name: "another key", change: swap("Signature-Input", "test-key-ed25519", "test-key-ecc-p256"), want: "algorithm mismatch", detail: `"ed25519"`},
		{name: "a key that nobody knows", change: swap("Signature-Input", "test-key-ed25519", "mallory"), want: "unknown key", detail: `"mallory"`},
		{name: "no key", change: swap("Signature-Input", `;keyid="test-key-ed25519"`, ""), want: "unknown key", detail: `""`},
		{name: "another algorithm", change: swap("Signature-Input", `alg="ed25519"`, `alg="hmac-sha256"`), want: "algorithm mismatch", detail: `"hmac-sha256"`},
		{name: "no algorithm", change: swap("Signature-Input", `;alg="ed25519"`, ``), want: "bad signature"},
		{name: "an algorithm that nobody knows", change: swap("Signature-Input", `alg="ed25519"`, `alg="none"`), want: "algorithm mismatch", detail: `"none"`},
		{name: "an algorithm that is not allowed", policy: Policy{Algorithms: []Algorithm{ECDSAP256}}, want: "algorithm refused", detail: "ed25519"},

		{name: "the signature cut", change: func(_ *Message, h http.Header) {
			h.Set("Signature", h.Get("Signature")[:40]+":")
		}, want: "bad signature"},
		{name: "the signature empty", change: func(_ *Message, h http.Header) { h.Set("Signature", "sig1=::") }, want: "bad signature"},
		{name: "the signature too long", change: func(_ *Message, h http.Header) {
			h.Set("Signature", "sig1=:"+strings.Repeat("AAAA", 400)+":")
		}, want: "malformed", detail: "Signature"},
		{name: "the signature a string", change: func(_ *Message, h http.Header) { h.Set("Signature", `sig1="x"`) }, want: "malformed", detail: "Signature"},
		{name: "the signature not base64", change: func(_ *Message, h http.Header) { h.Set("Signature", `sig1=:A:`) }, want: "malformed", detail: "Signature"},
		{name: "the signature broken", change: func(_ *Message, h http.Header) { h.Set("Signature", `sig1`+":") }, want: "malformed", detail: "Signature"},
		{name: "no signature", change: func(_ *Message, h http.Header) { h.Del("Signature") }, want: "unpaired"},
		{name: "no input", change: func(_ *Message, h http.Header) { h.Del("Signature-Input") }, want: "unpaired"},
		{name: "neither", change: func(_ *Message, h http.Header) { h.Del("Signature-Input"); h.Del("Signature") }, want: "unsigned"},
		{name: "of another label", change: swap("Signature", "sig1", "sig2"), want: "unpaired"},
		{name: "of another label, and that is looked at", change: swap("Signature", "sig1", "sig2"), policy: Policy{Label: "sig2"}, want: "unpaired"},
		{name: "the label twice", change: func(_ *Message, h http.Header) { h.Add("Signature", "sig1=:AAAA:") }, want: "duplicate label", detail: "sig1"},
		{name: "the label twice in the input", change: func(_ *Message, h http.Header) { h.Add("Signature-Input", "sig1=()") }, want: "duplicate label", detail: "sig1"},
		{name: "too many", change: func(_ *Message, h http.Header) {
			for i := range MaxSignatures {
				h.Add("Signature-Input", fmt.Sprintf("x%d=()", i))
			}
		}, want: "too many"},
		{name: "too many components", change: swap("Signature-Input", `"x-empty"`, strings.Repeat(` "x"`, MaxComponents)), want: "too many"},
		{name: "a wrong one before it", change: func(_ *Message, h http.Header) {
			h["Signature-Input"] = append([]string{`x=("@method");created=1700000000;keyid="test-key-ed25519"`}, h["Signature-Input"]...)
		}, want: fine},
		{name: "more than is required", policy: Policy{Required: []string{"@method", `"x-dict";key="b"`, `@query-param;name="amount"`}}, want: fine},
		{name: "less than is required", policy: Policy{Required: []string{"@method", `"x-dict";key="a"`}}, want: "component not covered", detail: `"x-dict";key="a"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := parseMessage(t, attacked)
			signed, err := Sign(m, private, Params{
				Components: attackedComponents, Created: now, Expires: now.Add(time.Minute), Nonce: "n1", Tag: "shop", Alg: true,
			})
			if err != nil {
				t.Fatal(err)
			}
			m = withFields(m, signed)
			if c.change != nil {
				c.change(m, m.Header.(http.Header))
			}
			v := Verify(m, KeySet(public, keys["test-key-ecc-p256.public"], keys["test-shared-secret.public"]), &c.policy, now)
			if v.Outcome.String() != c.want || c.detail != "" && v.Detail != c.detail {
				t.Errorf("%v %s, want %s %s", v.Outcome, v.Detail, c.want, c.detail)
			}
			err = v.Err()
			if (err == nil) != (c.want == fine) {
				t.Errorf("the error is %v", err)
			}
			if err != nil && (v.Covers("@method") || v.CoversDigest() || v.ID != [32]byte{}) {
				t.Error("what is not verified proves something")
			}
		})
	}
}

// TestKeyConfusion: a public key that everybody has is no secret, whatever a
// message says of its algorithm, and no configuration can make it one.
func TestKeyConfusion(t *testing.T) {
	keys := testKeys(t)
	m := parseMessage(t, "GET / HTTP/1.1\nHost: a.example\n")
	now := time.Unix(1700000000, 0)
	file, err := os.ReadFile(filepath.Join("testdata", "rfc9421", "test-key-ecc-p256.public.pem"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := NewKey("k", HMAC, file); err == nil || !strings.Contains(err.Error(), "key file") {
		t.Errorf("the text of a public key is a secret: %v", err)
	}
	block, _ := pem.Decode(file)
	for name, secret := range map[string][]byte{"der": block.Bytes, "text": file} {
		forged := &Key{id: "test-key-ecc-p256", algorithm: HMAC, secret: secret}
		for _, alg := range []bool{true, false} {
			signed, err := Sign(m, forged, Params{Components: []string{"@method", "@target-uri"}, Created: now, Alg: alg})
			if err != nil {
				t.Fatal(err)
			}
			v := Verify(withFields(m, signed), KeySet(keys["test-key-ecc-p256.public"]), &Policy{}, now)
			if v.Outcome != AlgorithmMismatch && v.Outcome != BadSignature {
				t.Errorf("%s, alg %v: %v", name, alg, v.Outcome)
			}
		}
	}
	for _, a := range []Algorithm{Ed25519, ECDSAP384, HMAC, RSAPSS, RSAv15, Unknown, 99} {
		if _, err := ParseKey("k", a, file); (err == nil) != (a == Unknown) {
			t.Errorf("a key of P-256 for %d: %v", a, err)
		}
	}
}

// TestNewKey: keys that are too weak, or of another kind, are refused, in words
// that say why.
func TestNewKey(t *testing.T) {
	weak := &rsa.PublicKey{N: new(big.Int).Lsh(big.NewInt(1), MinRSA-2), E: 65537}
	ed, _, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	p224, err := ecdsa.GenerateKey(elliptic.P224(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	huge := &rsa.PublicKey{N: new(big.Int).Lsh(big.NewInt(1), MaxRSA), E: 65537}
	for _, c := range []struct {
		a    Algorithm
		key  any
		want string
	}{
		{RSAPSS, weak, "is RSA 2047, which is too short; make a new key: Ed25519"},
		{RSAv15, weak, "is RSA 2047, which is too short; make a new key: Ed25519"},
		{RSAPSS, huge, "8193 bits"},
		{HMAC, make([]byte, 31), "31 bytes"},
		{HMAC, "a string", "is not one"},
		{HMAC, ed, "is not one"},
		{Ed25519, []byte(ed), "is a secret"},
		{Ed25519, ed[:31], "is not one"},
		{ECDSAP256, &p224.PublicKey, "is ECDSA P-224, which is too short; make a new key: Ed25519"},
		{Ed25519, nil, "is not one"},
		{Unknown, ed, "is not one"},
	} {
		if _, err := NewKey("k", c.a, c.key); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v, %T: %v, want %q", c.a, c.key, err, c.want)
		}
	}
	if _, err := NewKey("k\n", Ed25519, ed); err == nil {
		t.Error("an id with a line break")
	}
	k, err := NewKey("k", Ed25519, ed)
	if err != nil || k.CanSign() || k.ID() != "k" || k.Algorithm() != Ed25519 {
		t.Errorf("%v, %v", k, err)
	}
	if _, err := Sign(&Message{Method: "GET", Header: http.Header{}}, k, Params{}); err == nil {
		t.Error("a public key signs")
	}
}

// TestReplay: a signature has the same ID each time, and no other has it; Until
// is when Verify refuses it by itself.
func TestReplay(t *testing.T) {
	keys := testKeys(t)
	now := time.Unix(1700000000, 0)
	ids := map[[32]byte]string{}
	for _, name := range []string{"test-key-ed25519", "test-key-ecc-p256", "test-shared-secret"} {
		for _, nonce := range []string{"", "1", "2"} {
			m := parseMessage(t, "GET /a?b HTTP/1.1\nHost: a.example\n")
			signed, err := Sign(m, keys[name+".private"], Params{Components: []string{"@method", "@target-uri"}, Created: now, Nonce: nonce})
			if err != nil {
				t.Fatal(err)
			}
			m = withFields(m, signed)
			set := KeySet(keys[name+".public"])
			v := Verify(m, set, &Policy{}, now)
			if again := Verify(m, set, &Policy{}, now.Add(time.Minute)); again.ID != v.ID || v.Outcome != Verified {
				t.Errorf("%s: %v, then %x", name, v, again.ID)
			}
			if other := ids[v.ID]; other != "" {
				t.Errorf("%s has the ID of %s", name, other)
			}
			ids[v.ID] = name + nonce
			if v.Until != now.Add(DefaultMaxAge+DefaultSkew) {
				t.Errorf("until %v", v.Until)
			}
			if late := Verify(m, set, &Policy{}, v.Until); late.Outcome != Verified {
				t.Errorf("at Until: %v", late.Outcome)
			}
			if late := Verify(m, set, &Policy{}, v.Until.Add(time.Second)); late.Outcome != Expired {
				t.Errorf("after Until: %v", late.Outcome)
			}
			// An ECDSA signature has a second form, which anybody can make of the
			// first: it is right, and the same signature.
			if name != "test-key-ecc-p256" {
				continue
			}
			raw := decoded(t, strings.Trim(strings.TrimPrefix(signed.Signature, "sig1="), ":"))
			s := new(big.Int).SetBytes(raw[32:])
			s.Sub(elliptic.P256().Params().N, s).FillBytes(raw[32:])
			m.Header.(http.Header).Set("Signature", "sig1=:"+base64.StdEncoding.EncodeToString(raw)+":")
			if turned := Verify(m, set, &Policy{}, now); turned.Outcome != Verified || turned.ID != v.ID {
				t.Errorf("turned: %v, %x and %x", turned.Outcome, turned.ID, v.ID)
			}
		}
	}
}

// TestP384 is the algorithm of which the RFC has no example.
func TestP384(t *testing.T) {
	key, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	k, err := NewKey("k", ECDSAP384, key)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Unix(1700000000, 0)
	m := parseMessage(t, "GET / HTTP/1.1\nHost: a.example\n")
	for range 20 { // some have zeros in front
		signed, err := Sign(m, k, Params{Components: []string{"@method", "@target-uri"}, Created: now, Alg: true})
		if err != nil {
			t.Fatal(err)
		}
		got := withFields(m, signed)
		if v := Verify(got, KeySet(k), &Policy{}, now); v.Outcome != Verified || v.Algorithm != ECDSAP384 {
			t.Errorf("%v", v.Err())
		}
		got.Method = "PUT"
		if v := Verify(got, KeySet(k), &Policy{}, now); v.Outcome != BadSignature {
			t.Errorf("another method: %v", v.Outcome)
		}
	}
}

// TestKeyFiles: the forms in which openssl writes keys.
func TestKeyFiles(t *testing.T) {
	key, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	sec1, _ := x509.MarshalECPrivateKey(key)
	pkcs8, _ := x509.MarshalPKCS8PrivateKey(key)
	spki, _ := x509.MarshalPKIXPublicKey(&key.PublicKey)
	for _, c := range []struct {
		kind string
		der  []byte
		want string
	}{
		{"EC PRIVATE KEY", sec1, "signs"},
		{"PRIVATE KEY", pkcs8, "signs"},
		{"PUBLIC KEY", spki, ""},
		{"EC PARAMETERS", spki, "no PEM block"},
		{"ENCRYPTED PRIVATE KEY", pkcs8, "decrypt it first"},
		{"PRIVATE KEY", spki, "no key of a kind"},
		{"PUBLIC KEY", pkcs8, "no key of a kind"},
		{"RSA PRIVATE KEY", pkcs8, "RSA PRIVATE KEY"},
		{"CERTIFICATE", spki, "CERTIFICATE"},
	} {
		text := "Some words.\n" + string(pem.EncodeToMemory(&pem.Block{Type: c.kind, Bytes: c.der}))
		k, err := ParseKey("k", Unknown, []byte(text))
		switch {
		case c.want == "signs" || c.want == "":
			if err != nil || k.CanSign() != (c.want == "signs") || k.Algorithm() != ECDSAP384 {
				t.Errorf("%s: %v, %v", c.kind, k, err)
			}
		case err == nil || !strings.Contains(err.Error(), c.want):
			t.Errorf("%s: %v, want %q", c.kind, err, c.want)
		}
	}
}
