package smime

import (
	"bytes"
	"crypto/elliptic"
	"crypto/x509"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

var update = flag.Bool("update", false, "make the keys and mails of testdata/fixed anew")

// A fixture is keys and mails that are the same in all processes of a fuzz run.
type fixture struct {
	bob                     *person
	root                    *x509.Certificate
	now                     time.Time
	detached, opaque        []byte
	sealed, sealedCBC       []byte
	encryptedKey, plainText []byte
}

func fixed(t testing.TB) *fixture {
	t.Helper()
	if *update {
		makeFixture(t)
	}
	read := func(name string) []byte {
		b, err := os.ReadFile(filepath.Join("testdata", "fixed", name))
		if err != nil {
			t.Fatalf("%v; -update makes it", err)
		}
		return b
	}
	certs, err := ParseCerts(read("certs.pem"))
	if err != nil {
		t.Fatal(err)
	}
	key, err := ParseKey(read("bob.key"), nil)
	if err != nil {
		t.Fatal(err)
	}
	return &fixture{bob: &person{key: key, cert: certs[1], chain: certs[1:2]}, root: certs[0], now: certs[1].NotBefore.Add(time.Hour),
		detached: read("detached.eml"), opaque: read("opaque.eml"), sealed: read("sealed.eml"), sealedCBC: read("sealed-cbc.eml"),
		encryptedKey: read("encrypted.key"), plainText: read("plain.eml")}
}

func makeFixture(t testing.TB) {
	put := func(name string, data []byte, err error) {
		if err == nil {
			err = os.WriteFile(filepath.Join("testdata", "fixed", name), data, 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	root := issue(t, ecKey(t, elliptic.P256()), nil, template{address: "the root", ca: true})
	bob := issue(t, ecKey(t, elliptic.P256()), root, template{address: "bob@example.org", purpose: forMail, days: [2]int{0, 300}})
	put("certs.pem", certsPEM(root.cert, bob.cert), nil)
	put("bob.key", keyPEM(t, bob.key), nil)
	text := letterFrom(bob)
	put("plain.eml", []byte(text), nil)
	o := bob.options()
	mail, err := message(t, text).Sign(o)
	put("detached.eml", mail, err)
	o.Opaque = true
	mail, err = message(t, text).Sign(o)
	put("opaque.eml", mail, err)
	e := EncryptOptions{To: []*x509.Certificate{bob.cert}, Time: now}
	mail, err = message(t, text).Encrypt(e)
	put("sealed.eml", mail, err)
	e.Cipher = "aes-256-cbc"
	mail, err = message(t, text).Encrypt(e)
	put("sealed-cbc.eml", mail, err)
	b := newBench(t)
	b.put("bob.key", keyPEM(t, bob.key))
	put("encrypted.key", b.run("pkcs8", "-topk8", "-v2", "aes-256-cbc", "-iter", "2048", "-in", "bob.key", "-passout", "pass:sesame"), nil)
}

// FuzzVerify: whatever is made of mails that somebody signed, what verifies is
// what was signed.
func FuzzVerify(f *testing.F) {
	x := fixed(f)
	f.Add(x.detached)
	f.Add(x.opaque)
	f.Add(x.plainText)
	f.Add(bytes.Replace(x.opaque, []byte("From: "), []byte("From: \"Alice <alice@example.org>\":;, "), 1))
	o := VerifyOptions{Roots: x509.NewCertPool(), Now: x.now}
	o.Roots.AddCert(x.root)
	want := Verify(x.detached, o)
	if !want.Verified {
		f.Fatal(want.ids())
	}
	f.Fuzz(func(t *testing.T, mail []byte) {
		r := Verify(mail, o)
		switch {
		case r.Verified && !bytes.Equal(r.Content, want.Content):
			t.Errorf("this was not signed: %q", r.Content)
		case r.Verified && slices.ContainsFunc(r.From, func(a string) bool { return !sameAddress(a, "bob@example.org") }):
			t.Errorf("they have not signed: %q", r.From)
		case r.Verified && len(r.From) == 0 && hasSender(mail):
			t.Error("nobody was compared with the sender")
		case !r.Verified && r.Content != nil:
			t.Error("content that did not verify")
		case !r.Verified && r.ids() == "":
			t.Error("refused without a reason")
		}
	})
}

func hasSender(mail []byte) bool {
	h, _, ok := readHead(mail)
	if !ok {
		return false
	}
	_, n := h.get("From")
	return n > 0
}

// FuzzDecrypt: what is said to be authentic is what was encrypted.
func FuzzDecrypt(f *testing.F) {
	x := fixed(f)
	f.Add(x.sealed)
	f.Add(x.sealedCBC)
	want, err := Decrypt(x.sealed, DecryptOptions{Key: x.bob.key})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, mail []byte) {
		for _, cert := range []*x509.Certificate{nil, x.bob.cert} {
			d, err := Decrypt(mail, DecryptOptions{Key: x.bob.key, Cert: cert})
			if err == nil && d.Authentic && !bytes.Equal(d.Content, want.Content) {
				t.Errorf("nobody encrypted this: %q", d.Content)
			}
			if err == nil {
				d.Mail()
			}
		}
	})
}

// FuzzCMS: DER comes out, which is as it is; readers of it do not fail but by an
// error.
func FuzzCMS(f *testing.F) {
	x := fixed(f)
	for _, mail := range [][]byte{x.opaque, x.sealed, x.sealedCBC} {
		h, body, _ := readHead(mail)
		cms, p := decodeBody(h, body)
		if p != nil {
			f.Fatal(p)
		}
		f.Add(cms)
	}
	f.Fuzz(func(t *testing.T, cms []byte) {
		der, _, err := normalize(cms)
		if err == nil {
			again, rest, err := normalize(der)
			if err != nil || len(rest) > 0 || !bytes.Equal(again, der) {
				t.Errorf("%x became %x, and that %x, %v", cms, der, again, err)
			}
		}
		if s, p := readSigned(cms); p == nil {
			for i := range s.signers {
				s.signers[i].judge(s.content, s.certs, &VerifyOptions{Roots: x509.NewCertPool(), Certs: []*x509.Certificate{x.bob.cert}, Now: x.now})
			}
		}
		if e, p := readEnvelope(cms); p == nil {
			for i := range e.recipients {
				e.recipients[i].name()
			}
			e.open(make([]byte, e.cipher.key))
		}
	})
}

// FuzzKeys reads files of keys and certificates.
func FuzzKeys(f *testing.F) {
	x := fixed(f)
	f.Add(x.encryptedKey)
	f.Add(keyPEM(f, x.bob.key))
	f.Add(append(certsPEM(x.root, x.bob.cert), x.encryptedKey...))
	f.Fuzz(func(t *testing.T, text []byte) {
		if k, err := ParseKey(text, nil); err == nil && k.Public() == nil {
			t.Error("a key without a public one")
		}
		if all, err := ParseCerts(text); err == nil && len(all) == 0 {
			t.Error("no certificate, and no error")
		}
	})
}

// FuzzSign: whatever is signed verifies, and comes back.
func FuzzSign(f *testing.F) {
	x := fixed(f)
	f.Add(x.plainText, false, false)
	f.Add(x.detached, true, false)
	f.Add([]byte("Grüße \r\nFrom x\n"), false, true)
	o := VerifyOptions{Roots: x509.NewCertPool(), Now: x.now, AnySender: true}
	o.Roots.AddCert(x.root)
	f.Fuzz(func(t *testing.T, text []byte, opaque, binary bool) {
		m, err := NewMessage(text, MessageOptions{Binary: binary})
		if err != nil {
			return
		}
		mail, err := m.Sign(SignOptions{Cert: x.bob.cert, Chain: x.bob.chain, Key: x.bob.key, Opaque: opaque, Time: x.now})
		if err != nil {
			if binary || opaque {
				t.Error(err)
			}
			return
		}
		r := Verify(mail, o)
		if !r.Verified || !bytes.Equal(r.Content, m.entity) {
			t.Errorf("%s: %q", r.ids(), mail)
		}
		if body, err := Body(r.Content); binary && (err != nil || !bytes.Equal(body, text)) {
			t.Errorf("%q, %v", body, err)
		}
	})
}
