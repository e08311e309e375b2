package guard

import (
	"crypto/x509"
	"encoding/pem"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"freshet/internal/rule"
	"freshet/signature"
)

func TestSignatureKeys(t *testing.T) {
	dir := t.TempDir()
	put := func(name, text string, mode os.FileMode) string {
		t.Helper()
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, []byte(text), mode); err != nil {
			t.Fatal(err)
		}
		return file
	}
	put("shop.pub", string(pemOf(t, signers()["shop"])), 0o644)
	der, err := x509.MarshalPKCS8PrivateKey(signers()["shop"])
	if err != nil {
		t.Fatal(err)
	}
	private := string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
	put("private.pem", private, 0o600)
	put("both.pem", string(pemOf(t, signers()["shop"]))+private, 0o600)
	for _, tt := range []struct{ text, want string }{
		{"shop ed25519 shop.pub\n", ""},
		{"shop ed25519 " + filepath.Join(dir, "shop.pub"), ""},
		{"a hmac-sha256 " + batchSecret, ""},
		{"", "there is no key in it"},
		{"# nothing\n", "there is no key in it"},
		{"shop ed25519", "line 1: a line is a name, an algorithm and a key"},
		{"\nshop ed25519 shop.pub more", "line 2: a line is a name"},
		{"shop rsa shop.pub", `line 1: "rsa" is no algorithm; give ed25519`},
		{"shop ecdsa-p256-sha256 shop.pub", "is not one for ecdsa-p256-sha256"},
		{"shop rsa-pss-sha512 shop.pub", "is not one for rsa-pss-sha512"},
		{"shop ed25519 none.pub", "none.pub"},
		{"shop ed25519 .", "it is not a regular file"},
		{"shop ed25519 private.pem", "has a private key, and who verifies needs the public one"},
		{"shop ed25519 both.pem", "has a private key"},
		{"a hmac-sha256 000102", "it needs 32"},
		{"a hmac-sha256 shop.pub!", "neither base64url nor hexadecimal"},
		{"a hmac-sha256 " + batchSecret + "\na ed25519 shop.pub", "line 2: there are two keys a"},
		{"a/b ed25519 shop.pub", `"a/b" is no name of a key`},
	} {
		_, _, err := readSignatureKeys(put("signers.keys", tt.text, 0o600))
		if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%q: %v, want %q", tt.text, err, tt.want)
		}
		if err != nil && strings.Contains(err.Error(), batchSecret) {
			t.Errorf("%q: the error has the secret: %v", tt.text, err)
		}
	}
	// A file with public keys alone may be everybody's to read, one with a secret not.
	if _, _, err := readSignatureKeys(put("public.keys", "shop ed25519 shop.pub", 0o644)); err != nil {
		t.Error(err)
	}
	file := put("secret.keys", "a hmac-sha256 "+batchSecret, 0o600)
	if err := os.Chmod(file, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, _, err := readSignatureKeys(file); runtime.GOOS != "windows" && (err == nil || !strings.Contains(err.Error(), "others can read")) {
		t.Errorf("a secret that everybody reads: %v", err)
	}
	// A folder: what has the right name is a key.
	folder := filepath.Join(dir, "keys")
	if err := os.Mkdir(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	if _, _, err := readSignatureKeys(folder); err == nil || !strings.Contains(err.Error(), "there is no key in this folder") {
		t.Error(err)
	}
	for _, id := range []string{"shop", "bank", "mill"} {
		put("keys/"+id+".pem", string(pemOf(t, signers()[id])), 0o644)
	}
	put("keys/README", "no key", 0o644)
	ring, _, err := readSignatureKeys(folder)
	if err != nil || strings.Join(ring.names(), " ") != "bank mill shop" || ring["mill"].Algorithm() != signature.RSAPSS {
		t.Errorf("%v, %v", ring.names(), err)
	}
}

// TestSignatureKeysFollowed: a key that is taken away, or another one in its
// place, counts from the next look; what cannot be read changes nothing.
func TestSignatureKeysFollowed(t *testing.T) {
	s := newSignedSite(t, nil)
	get := outgoing{method: "GET", target: "/", host: "h"}
	shop := signingKey(t, "shop", signature.Ed25519, signers()["shop"])
	stranger := signingKey(t, "shop", signature.Ed25519, signers()["stranger"])
	expect := func(what string, k *signature.Key, want rule.ID) {
		t.Helper()
		s.now.Add(2 * second)
		if _, id := s.send(t, get.signed(t, k, signature.Params{Created: s.at(0)})); id != want {
			t.Errorf("%s: %v, want %v", what, id, want)
		}
	}
	pub := filepath.Join(filepath.Dir(s.keys), "shop.pub")
	put := func(file, text string) {
		t.Helper()
		if err := os.WriteFile(file+".new", []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(file+".new", file); err != nil {
			t.Fatal(err)
		}
	}
	expect("first", shop, 0)
	put(pub, string(pemOf(t, signers()["stranger"])))
	expect("another key under its name", shop, rule.SignatureBad)
	expect("that key", stranger, 0)
	put(pub, "no key")
	expect("a broken file", stranger, 0)
	expect("a broken file, later", stranger, 0)
	if len(s.faults) != 1 {
		t.Errorf("%d faults were told", len(s.faults))
	}
	put(pub, string(pemOf(t, signers()["shop"])))
	expect("mended", shop, 0)
	put(s.keys, "bank ecdsa-p256-sha256 bank.pub\n")
	expect("taken away", shop, rule.SignatureKey)
	put(s.keys, "bank ecdsa-p256-sha256 later.pub\nshop ed25519 shop.pub\n")
	expect("a file that is not there yet", shop, rule.SignatureKey)
	put(filepath.Join(filepath.Dir(s.keys), "later.pub"), string(pemOf(t, signers()["bank"])))
	expect("and now is", shop, 0)
	put(s.keys, "# none\n")
	expect("the last one taken away", shop, rule.SignatureKey)
	if told := len(s.faults); told != 3 {
		t.Errorf("%d faults were told", told)
	}
	put(s.keys, "shop ed25519 shop.pub\n")
	expect("and put back", shop, 0)
}
