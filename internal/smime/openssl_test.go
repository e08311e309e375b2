package smime

import (
	"bytes"
	"strings"
	"testing"
)

// What we sign, OpenSSL verifies, and the other way round.

func TestOpenSSLVerifies(t *testing.T) {
	w := theWorld(t)
	b := newBench(t)
	b.put("root.pem", certsPEM(w.root.cert))
	for _, tt := range []struct {
		name   string
		p      *person
		digest string
	}{
		{"alice", w.alice, ""}, {"alice", w.alice, "sha-384"}, {"alice", w.alice, "sha-512"},
		{"bob", w.bob, ""}, {"bob", w.bob, "sha-512"}, {"carol", w.carol, ""}, {"carol", w.carol, "sha-256"},
	} {
		for _, opaque := range []bool{false, true} {
			o := tt.p.options()
			o.Digest, o.Opaque = tt.digest, opaque
			for _, eol := range []string{"\n", "\r\n"} {
				text := strings.ReplaceAll(letterFrom(tt.p), "\n", eol)
				b.put("mail", signed(t, text, o))
				want := "Content-Type: text/plain; charset=us-ascii\r\nContent-Transfer-Encoding: 7bit\r\n\r\nAt noon?\r\nAlice\r\n"
				out := b.run("cms", "-verify", "-in", "mail", "-CAfile", "root.pem", "-purpose", "smimesign")
				if got := canonical(out); string(got) != want {
					t.Errorf("%s %s opaque %v: openssl cms read %q", tt.name, tt.digest, opaque, got)
				}
				if eol == "\n" {
					continue
				}
				out = b.run("smime", "-verify", "-in", "mail", "-CAfile", "root.pem", "-purpose", "smimesign")
				if got := canonical(out); string(got) != want {
					t.Errorf("%s %s opaque %v: openssl smime read %q", tt.name, tt.digest, opaque, got)
				}
			}
		}
	}
	o := w.alice.options()
	b.put("mail", bytes.Replace(signed(t, letter, o), []byte("noon"), []byte("nine"), 1))
	if _, _, err := b.try("cms", "-verify", "-in", "mail", "-CAfile", "root.pem"); err == nil {
		t.Error("openssl verifies what was changed: the test shows nothing")
	}
}

func TestWeVerifyOpenSSL(t *testing.T) {
	w := theWorld(t)
	b := newBench(t)
	for name, p := range map[string]*person{"alice": w.alice, "bob": w.bob, "carol": w.carol, "erika": w.erika} {
		b.person(name, p)
	}
	const text = "Content-Type: text/plain\n\nAt noon?\n"
	b.put("text", []byte(text))
	want := strings.ReplaceAll(text, "\n", "\r\n")
	for _, tt := range []struct {
		who   string
		extra []string
	}{
		{"alice", nil},
		{"alice", []string{"-md", "sha512"}},
		{"alice", []string{"-nodetach"}},
		{"alice", []string{"-nodetach", "-indef"}},
		{"alice", []string{"-nodetach", "-indef", "-outform", "DER"}},
		{"alice", []string{"-nodetach", "-outform", "PEM"}},
		{"alice", []string{"-keyid"}},
		{"alice", []string{"-cades"}},
		{"alice", []string{"-crlfeol"}},
		{"alice", []string{"-keyopt", "rsa_padding_mode:pss"}},
		{"alice", []string{"-keyopt", "rsa_padding_mode:pss", "-keyopt", "rsa_pss_saltlen:32", "-md", "sha384"}},
		{"alice", []string{"-signer", "bob.pem", "-inkey", "bob.key"}},
		{"bob", nil}, {"bob", []string{"-md", "sha384", "-nodetach"}}, {"carol", nil}, {"carol", []string{"-md", "sha384"}},
		{"erika", nil},
	} {
		args := append([]string{"cms", "-sign", "-in", "text", "-from", tt.who + "@example.org", "-to", "x@example.org", "-subject", "lunch",
			"-signer", tt.who + ".pem", "-inkey", tt.who + ".key", "-certfile", tt.who + ".chain"}, tt.extra...)
		r := Verify(b.run(args...), w.verify())
		if !r.Verified || string(r.Content) != want {
			t.Errorf("%s %v: %s, content %q", tt.who, tt.extra, r.ids(), r.Content)
		}
		if n := strings.Count(strings.Join(args, " "), "-signer"); len(r.Signers) != n || r.Signers[0].SigningTime == nil || len(r.Signers[0].Chain) < 2 {
			t.Errorf("%s %v: %d signers, want %d: %+v", tt.who, tt.extra, len(r.Signers), n, r.Signers)
		}
	}
	// openssl smime, and a signature apart from what it is of.
	r := Verify(b.run("smime", "-sign", "-in", "text", "-from", "bob@example.org", "-signer", "bob.pem", "-inkey", "bob.key", "-certfile", "bob.chain"), w.verify())
	if !r.Verified || string(r.Content) != want {
		t.Errorf("openssl smime: %s, content %q", r.ids(), r.Content)
	}
	der := b.run("cms", "-sign", "-binary", "-in", "text", "-outform", "DER", "-signer", "bob.pem", "-inkey", "bob.key", "-certfile", "bob.chain")
	o := w.verify()
	if r := Verify(der, o); r.Verified || r.ids() != "no-content" {
		t.Errorf("without content: %s", r.ids())
	}
	o.Content = []byte(text)
	if r := Verify(der, o); !r.Verified || string(r.Content) != text {
		t.Errorf("with content: %s", r.ids())
	}
	o.Content = []byte(text + "!")
	if r := Verify(der, o); r.Verified || r.ids() != "changed" {
		t.Errorf("with other content: %s", r.ids())
	}
}

func TestOpenSSLDecrypts(t *testing.T) {
	w := theWorld(t)
	b := newBench(t)
	people := map[string]*person{"alice": w.alice, "bob": w.bob, "carol": w.carol, "erika": w.erika}
	var to EncryptOptions
	for _, name := range []string{"alice", "bob", "carol", "erika"} {
		b.person(name, people[name])
		to.To = append(to.To, people[name].cert)
	}
	to.Time = now
	const want = "Content-Type: text/plain; charset=us-ascii\r\nContent-Transfer-Encoding: 7bit\r\n\r\nAt noon?\r\nAlice\r\n"
	for _, cipher := range append(CipherNames(), "") {
		for _, old := range []bool{false, true} {
			to.Cipher, to.OldTransport = cipher, old
			out, err := message(t, letter).Encrypt(to)
			if err != nil {
				t.Fatal(err)
			}
			b.put("mail", out)
			for name := range people {
				got := b.run("cms", "-decrypt", "-in", "mail", "-recip", name+".pem", "-inkey", name+".key")
				if string(canonical(got)) != want {
					t.Errorf("%s, %q, old %v: openssl read %q", name, cipher, old, got)
				}
			}
		}
	}
	// The oldest there is that we can speak with: openssl smime, which is PKCS #7.
	out, err := message(t, letter).Encrypt(EncryptOptions{To: to.To[:1], Cipher: "aes-256-cbc", OldTransport: true, Time: now})
	if err != nil {
		t.Fatal(err)
	}
	b.put("mail", out)
	if got := b.run("smime", "-decrypt", "-in", "mail", "-recip", "alice.pem", "-inkey", "alice.key"); string(canonical(got)) != want {
		t.Errorf("openssl smime read %q", got)
	}
}

func TestWeDecryptOpenSSL(t *testing.T) {
	w := theWorld(t)
	b := newBench(t)
	people := map[string]*person{"alice": w.alice, "bob": w.bob, "carol": w.carol, "erika": w.erika}
	for name, p := range people {
		b.person(name, p)
	}
	const text = "Content-Type: text/plain\n\nAt noon?\n"
	b.put("text", []byte(text))
	want := strings.ReplaceAll(text, "\n", "\r\n")
	for _, tt := range []struct {
		args  string
		whose string
	}{
		{"-aes-256-gcm alice.pem", "alice"},
		{"-aes-128-gcm alice.pem", "alice"},
		{"-aes-192-gcm bob.pem", "bob"},
		{"-aes-256-gcm alice.pem bob.pem carol.pem erika.pem", "alice bob carol erika"},
		{"-aes256 alice.pem bob.pem carol.pem", "alice bob carol"},
		{"-aes128 bob.pem", "bob"},
		{"-aes192 carol.pem", "carol"},
		{"-aes256 -keyid alice.pem bob.pem", "alice bob"},
		{"-aes256 -indef alice.pem", "alice"},
		{"-aes-256-gcm -outform PEM alice.pem", "alice"},
		{"-aes-256-gcm -outform DER -indef bob.pem", "bob"},
		{"-aes256 -recip alice.pem -keyopt rsa_padding_mode:oaep", "alice"},
		{"-aes-256-gcm -recip alice.pem -keyopt rsa_padding_mode:oaep -keyopt rsa_oaep_md:sha256", "alice"},
		{"-aes-256-gcm -recip alice.pem -keyopt rsa_padding_mode:oaep -keyopt rsa_oaep_md:sha512 -keyopt rsa_mgf1_md:sha256", "alice"},
		{"-aes256 -recip bob.pem -keyopt ecdh_kdf_md:sha256", "bob"},
		{"-aes256 -recip carol.pem -keyopt ecdh_kdf_md:sha384 -keyopt ecdh_cofactor_mode:1 -aes256-wrap", "carol"},
		{"-aes-256-gcm -recip carol.pem -keyopt ecdh_kdf_md:sha512", "carol"},
	} {
		args := append([]string{"cms", "-encrypt", "-in", "text", "-to", "x@example.org", "-from", "y@example.org"}, strings.Fields(tt.args)...)
		out := b.run(args...)
		for _, name := range strings.Fields(tt.whose) {
			p := people[name]
			d, err := Decrypt(out, DecryptOptions{Key: p.key, Cert: p.cert})
			if err != nil || string(d.Content) != want || d.Authentic != strings.Contains(tt.args, "gcm") {
				t.Errorf("%s: %s: %v %+v", tt.args, name, err, d)
				continue
			}
			if d, err = Decrypt(out, DecryptOptions{Key: p.key}); err != nil || string(d.Content) != want {
				t.Errorf("%s: %s without a certificate: %v", tt.args, name, err)
			}
		}
		if _, err := Decrypt(out, DecryptOptions{Key: w.dora.key}); err == nil {
			t.Errorf("%s: a key that can only sign decrypts", tt.args)
		}
	}
}
