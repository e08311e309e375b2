package signature

import (
	"encoding/base64"
	"net/http"
	"net/textproto"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// testKeys are the keys of RFC 9421, appendix B.1.
func testKeys(t testing.TB) map[string]*Key {
	t.Helper()
	keys := map[string]*Key{}
	for name, a := range map[string]Algorithm{
		"test-key-rsa": RSAv15, "test-key-rsa-pss": RSAPSS, "test-key-ecc-p256": ECDSAP256, "test-key-ed25519": Ed25519,
	} {
		for _, part := range []string{"public", "private"} {
			text, err := os.ReadFile(filepath.Join("testdata", "rfc9421", name+"."+part+".pem"))
			if err != nil {
				t.Fatal(err)
			}
			k, err := ParseKey(name, a, text)
			if err != nil {
				t.Fatal(err)
			}
			keys[name+"."+part] = k
		}
	}
	text, err := os.ReadFile(filepath.Join("testdata", "rfc9421", "test-shared-secret.txt"))
	if err != nil {
		t.Fatal(err)
	}
	secret, err := base64.StdEncoding.DecodeString(strings.TrimSpace(string(text)))
	if err != nil {
		t.Fatal(err)
	}
	k, err := NewKey("test-shared-secret", HMAC, secret)
	if err != nil {
		t.Fatal(err)
	}
	keys["test-shared-secret.public"], keys["test-shared-secret.private"] = k, k
	return keys
}

// parseMessage reads a message as it is printed.
func parseMessage(t testing.TB, text string) *Message {
	t.Helper()
	head, _, hasBody := strings.Cut(text, "\n\n")
	first, rest, _ := strings.Cut(head, "\n")
	h := http.Header{}
	for _, line := range strings.Split(strings.TrimSuffix(rest, "\n"), "\n") {
		name, value, ok := strings.Cut(line, ":")
		if !ok {
			t.Fatalf("no field: %q", line)
		}
		h.Add(textproto.CanonicalMIMEHeaderKey(name), strings.TrimSpace(value))
	}
	m := &Message{Header: h, Scheme: "https", HasBody: hasBody}
	words := strings.SplitN(first, " ", 3)
	if strings.HasPrefix(first, "HTTP/") {
		m.Status, _ = strconv.Atoi(words[1])
		return m
	}
	m.Method, m.Target, m.Authority = words[0], words[1], h.Get("Host")
	h.Del("Host")
	return m
}

// vector is an example of the RFC.
type vector struct {
	file, label, key, outcome string
	message                   *Message
	base                      string
}

func readVectors(t testing.TB) (all []vector) {
	files, err := filepath.Glob(filepath.Join("testdata", "rfc9421", "*.txt"))
	if err != nil || len(files) < 20 {
		t.Fatalf("%d examples, %v", len(files), err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasPrefix(string(text), "where: ") {
			continue // the secret
		}
		v := vector{file: filepath.Base(file)}
		parts := strings.Split(string(text), "\n-- ")
		for _, line := range strings.Split(parts[0], "\n") {
			name, value, _ := strings.Cut(line, ": ")
			switch name {
			case "label":
				v.label = value
			case "key":
				v.key = value
			case "outcome":
				v.outcome = value
			}
		}
		var request *Message
		for _, part := range parts[1:] {
			name, body, _ := strings.Cut(part, " --\n")
			switch name {
			case "request":
				request = parseMessage(t, body)
			case "message":
				v.message = parseMessage(t, body)
			case "base":
				v.base = strings.TrimSuffix(body, "\n")
			}
		}
		v.message.Request = request
		all = append(all, v)
	}
	return all
}

// anyTime takes signatures as the RFC's examples are: of long ago, and covering
// what they do.
var anyTime = Policy{Required: []string{}, MaxAge: -1, UnsignedBody: true}

// TestVectors: the examples of RFC 9421 that are signed, of its text and of its
// appendix B, verify, or do not, as it says, with the signature base that it
// prints; each key's signature is no other's.
func TestVectors(t *testing.T) {
	keys := testKeys(t)
	for _, v := range readVectors(t) {
		t.Run(v.file, func(t *testing.T) {
			if v.base != "" {
				base, err := Base(v.message, v.label)
				if err != nil || string(base) != v.base {
					t.Errorf("the base is\n%s\nnot\n%s\n%v", base, v.base, err)
				}
			}
			p := anyTime
			p.Label = v.label
			now := time.Unix(1618884500, 0)
			for _, part := range []string{".public", ".private"} {
				got := Verify(v.message, KeySet(keys[v.key+part]), &p, now)
				if got.Outcome.String() != v.outcome || got.KeyID != v.key || got.Label != v.label {
					t.Errorf("with the %s key: %v, want %s", part, got.Outcome, v.outcome)
				}
			}
			if v.outcome != "verified" {
				return
			}
			// Nobody else's key verifies it, whatever the key is called.
			for name, k := range keys {
				if strings.HasPrefix(name, v.key+".") {
					continue
				}
				other := *k
				other.id = v.key
				if got := Verify(v.message, KeySet(&other), &p, now); got.Outcome != BadSignature && got.Outcome != AlgorithmMismatch {
					t.Errorf("with key %s: %v", name, got.Outcome)
				}
			}
		})
	}
}

// TestVectorsSigned: what is signed anew, with the components and parameters of
// the RFC's examples, verifies, has the same base, and is the same where the
// algorithm has no chance in it.
func TestVectorsSigned(t *testing.T) {
	keys := testKeys(t)
	for _, v := range readVectors(t) {
		if v.base == "" || v.outcome != "verified" {
			continue
		}
		t.Run(v.file, func(t *testing.T) {
			inputs, signatures, _ := v.message.signatures()
			old := find(inputs, v.label)
			s, _ := readParameters(old.Params)
			p := Params{Label: v.label, Created: time.Unix(s.created, 0), Nonce: s.nonce, Alg: s.hasAlg, Tag: s.tag}
			if s.hasExpires {
				p.Expires = time.Unix(s.expires, 0)
			}
			for i := range old.List {
				p.Components = append(p.Components, componentText(&old.List[i]))
			}
			m := *v.message
			h := m.Header.(http.Header).Clone()
			h.Del("Signature")
			h.Del("Signature-Input")
			m.Header = h
			k := keys[v.key+".private"]
			signed, err := Sign(&m, k, p)
			if k.Algorithm() == RSAv15 {
				if err == nil || !strings.Contains(err.Error(), "rsa-pss-sha512") {
					t.Errorf("signed by what is only verified: %v", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			h.Set("Signature-Input", signed.Input)
			h.Set("Signature", signed.Signature)
			if v := Verify(&m, KeySet(keys[v.key+".public"]), &anyTime, time.Unix(s.created, 0)); v.Outcome != Verified {
				t.Errorf("what was signed: %v", v.Err())
			}
			if a := k.Algorithm(); a == Ed25519 || a == HMAC {
				// The order of created, keyid and nonce is that of the examples.
				if want := v.label + "=:" + find(signatures, v.label).Text + ":"; s.nonce == "" && signed.Signature != want {
					t.Errorf("%s, want %s", signed.Signature, want)
				}
			}
		})
	}
}
