package smime

import (
	"errors"
	"strings"
	"testing"
)

func TestKeysOfOpenSSL(t *testing.T) {
	w := theWorld(t)
	b := newBench(t)
	b.person("alice", w.alice)
	b.person("bob", w.bob)
	b.person("dora", w.dora)
	b.run("dsaparam", "-genkey", "-out", "dsa.key", "1024")
	for _, tt := range []struct {
		args, want string // "" for the key of the one whose it is
	}{
		{"pkcs8 -topk8 -nocrypt -in NAME.key", ""},
		{"pkcs8 -topk8 -nocrypt -in NAME.key -outform DER", ""},
		{"pkey -traditional -in NAME.key", ""},
		{"pkey -in NAME.key -text", ""},
		{"pkcs8 -topk8 -in NAME.key -passout pass:sesame", ""},
		{"pkcs8 -topk8 -in NAME.key -passout pass:sesame -outform DER", ""},
		{"pkcs8 -topk8 -in NAME.key -passout pass:sesame -v2 aes-128-cbc -v2prf hmacWithSHA512", ""},
		{"pkcs8 -topk8 -in NAME.key -passout pass:sesame -v2 aes-192-cbc -v2prf hmacWithSHA384 -iter 10", ""},
		{"pkcs8 -topk8 -in NAME.key -passout pass:sesame -v2 aes-256-cbc -v2prf hmacWithSHA1", ""},
		{"pkcs8 -topk8 -in NAME.key -passout pass:sesame -v2 des3", "encrypted with Triple DES, which can be broken"},
		{"pkcs8 -topk8 -in NAME.key -passout pass:sesame -v2 aes-256-cbc -v2prf hmacWithSHA224", "not known here"},
		{"pkcs8 -topk8 -in NAME.key -passout pass:sesame -v1 PBE-SHA1-3DES", "SHA-1 with Triple DES"},
		{"pkcs8 -topk8 -in NAME.key -passout pass:sesame -scrypt", "made of the passphrase by 1.3.6.1.4.1.11591.4.11"},
		{"pkcs8 -topk8 -in NAME.key -passout pass:simsim", "not that of the key"},
		{"rsa -in alice.key -aes128 -traditional -passout pass:sesame", "old way of PEM"},
		{"ec -in bob.key -aes128 -passout pass:sesame", "old way of PEM"},
		{"pkcs8 -topk8 -nocrypt -in dsa.key", "DSA, which is not used any more; make a new key"},
		{"pkey -traditional -in dsa.key", "DSA, which is not used any more"},
		{"pkey -in alice.key -pubout", "it has no private key"},
	} {
		for name, p := range map[string]*person{"alice": w.alice, "bob": w.bob, "dora": w.dora} {
			if name == "dora" && strings.Contains(tt.args, "-traditional") || !strings.Contains(tt.args, "NAME") && name != "alice" {
				continue
			}
			text := b.run(strings.Fields(strings.ReplaceAll(tt.args, "NAME", name))...)
			key, err := ParseKey(text, []byte("sesame"))
			switch {
			case tt.want == "" && (err != nil || !fits(key.Public(), p.cert)):
				t.Errorf("%s: %s: %v", tt.args, name, err)
			case tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)):
				t.Errorf("%s: %s: %v, want %q", tt.args, name, err, tt.want)
			}
		}
	}
	sealed := b.run("pkcs8", "-topk8", "-in", "bob.key", "-passout", "pass:sesame")
	if _, err := ParseKey(sealed, nil); !errors.Is(err, ErrPassphrase) {
		t.Error(err)
	}
	params := tlv(tagSequence, derOctets([]byte("salt")), derInt(maxIterations+1))
	if _, err := readPBKDF2(params, 32); err == nil || !strings.Contains(err.Error(), "more than 10000000 is not counted here") {
		t.Error(err)
	}
	// What stands around it does not matter, and the first key counts.
	text := append(certsPEM(w.bob.cert), append(keyPEM(t, w.bob.key), keyPEM(t, w.alice.key)...)...)
	if key, err := ParseKey(text, nil); err != nil || !fits(key.Public(), w.bob.cert) {
		t.Error(err)
	}
	if certs, err := ParseCerts(append(text, certsPEM(w.root.cert)...)); err != nil || len(certs) != 2 {
		t.Error(certs, err)
	}
	if certs, err := ParseCerts(w.bob.cert.Raw); err != nil || len(certs) != 1 {
		t.Error(certs, err)
	}
}
