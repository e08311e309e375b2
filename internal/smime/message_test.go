package smime

import (
	"bytes"
	"encoding/hex"
	"math/rand/v2"
	"strings"
	"testing"

	"freshet/internal/wiretest"
)

// What goes in comes out, whatever it is, and mail carries it.
func TestWhatIsSignedComesBack(t *testing.T) {
	w := theWorld(t)
	all := make([]byte, 256)
	for i := range all {
		all[i] = byte(i)
	}
	for _, tt := range []struct {
		name, in string
		o        MessageOptions
		head     string // of what is signed
		want     string // its body; "" for in with the line ends of mail
	}{
		{"text", "hello\nworld\n", MessageOptions{}, "text/plain; charset=us-ascii\r\nContent-Transfer-Encoding: 7bit", ""},
		{"umlauts", "Grüße\n", MessageOptions{}, "text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable", ""},
		{"spaces at the end", "a \nb\t\n", MessageOptions{}, "quoted-printable", ""},
		{"From at the start", "From here\nFrom ütopia\n", MessageOptions{}, "quoted-printable", ""},
		{"a long line", strings.Repeat("x", 2000) + "\n", MessageOptions{}, "quoted-printable", ""},
		{"no end of line", "x", MessageOptions{}, "7bit", ""},
		{"nothing", "", MessageOptions{}, "7bit", ""},
		{"bytes", string(all), MessageOptions{Name: "a \"b\".bin"}, `octet-stream
Content-Transfer-Encoding: base64
Content-Disposition: attachment; filename="a \"b\".bin"`, string(all)},
		{"a mail as bytes", letter, MessageOptions{Binary: true, Name: "letter.eml"}, "filename=letter.eml", letter},
		{"a carriage return alone", "a\rb\n", MessageOptions{}, "octet-stream", "a\rb\n"},
		{"colons", "note: x\nb: y\n\nc\n", MessageOptions{}, "text/plain", ""},
		{"a mail", letter, MessageOptions{}, "charset=us-ascii\r\nContent-Transfer-Encoding: 7bit", "At noon?\r\nAlice\r\n"},
		{"a mail of 8 bits", "From: alice@example.org\nContent-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: 8bit\n\nGrüße\n", MessageOptions{}, "utf-8\r\nContent-Transfer-Encoding: quoted-printable", "Grüße\r\n"},
		{"a mail in base64", "From: alice@example.org\nContent-Transfer-Encoding: base64\nContent-Type: image/png\n\nAAEC\n", MessageOptions{}, "base64\r\nContent-Type: image/png", "\x00\x01\x02"},
	} {
		for _, opaque := range []bool{false, true} {
			m, err := NewMessage([]byte(tt.in), tt.o)
			if err != nil {
				t.Fatalf("%s: %v", tt.name, err)
			}
			o := w.bob.options()
			o.Opaque = opaque
			mail, err := m.Sign(o)
			if err != nil {
				t.Errorf("%s: %v", tt.name, err)
				continue
			}
			for i, line := range strings.Split(string(mail), "\n") {
				if len(line) > 998 || strings.ContainsFunc(line, func(r rune) bool { return r > '~' }) {
					t.Errorf("%s: line %d is not for mail: %q", tt.name, i, line)
				}
			}
			vo := w.verify()
			vo.AnySender = true
			r := Verify(mail, vo)
			want := tt.want
			if want == "" {
				want = strings.ReplaceAll(tt.in, "\n", "\r\n")
			}
			body, err := Body(r.Content)
			if !r.Verified || err != nil || string(body) != want {
				t.Errorf("%s, opaque %v: %s, %v: %q", tt.name, opaque, r.ids(), err, body)
			}
			if !strings.Contains(strings.ReplaceAll(string(r.Content), "\r\n", "\n"), strings.ReplaceAll(tt.head, "\r\n", "\n")) {
				t.Errorf("%s: signed was %q", tt.name, r.Content)
			}
		}
	}
}

func TestMailIsKept(t *testing.T) {
	w := theWorld(t)
	out := string(signed(t, letter, w.alice.options()))
	outer, _, _ := strings.Cut(out, "MIME-Version:")
	if want := strings.Split(letter, "MIME-Version:")[0]; outer != want {
		t.Errorf("outside is %q, want %q", outer, want)
	}
	if strings.Count(out, "MIME-Version") != 1 || strings.Contains(out, "\r") {
		t.Error(out)
	}
	if out := string(signed(t, strings.ReplaceAll(letter, "\n", "\r\n"), w.alice.options())); strings.Contains(strings.ReplaceAll(out, "\r\n", ""), "\n") {
		t.Error("mixed line ends")
	}
	m, err := NewMessage([]byte("hi\n"), MessageOptions{From: "Jörg <joerg@example.org>", To: []string{"a@example.org", "b@example.org"}, Subject: "Grüße"})
	if err != nil {
		t.Fatal(err)
	}
	if got := string(m.outside); got != "From: =?utf-8?q?J=C3=B6rg?= <joerg@example.org>\nTo: <a@example.org>, <b@example.org>\nSubject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\n" {
		t.Errorf("%q", got)
	}
	for _, bad := range []MessageOptions{{From: "x"}, {To: []string{"a@b\nBcc: c@d"}}, {Subject: "a\nBcc: x@y"}, {From: "a@b.example\r\nX: y"}} {
		if _, err := NewMessage([]byte("hi\n"), bad); err == nil {
			t.Errorf("%+v is taken", bad)
		}
	}
	if _, err := NewMessage([]byte(letter), MessageOptions{Subject: "again"}); err == nil {
		t.Error("a second subject is taken")
	}
	for _, bad := range []string{
		"From: a@b\nContent-Type: multipart/mixed; boundary=x\n\n--x\n\nGrüße\n--x--\n",
		"From: a@b\nContent-Type: multipart/mixed; boundary=x\n\n--x\n\n" + strings.Repeat("y", 1200) + "\n--x--\n",
	} {
		m := message(t, bad)
		if _, err := m.Sign(w.alice.options()); err == nil || !strings.Contains(err.Error(), "or sign it opaquely") {
			t.Error(err)
		}
		o := w.alice.options()
		o.Opaque = true
		if _, err := m.Sign(o); err != nil {
			t.Error(err)
		}
	}
	for _, bad := range []string{"From: a@b\nX: y\rBcc: c@d\n\nhi\n", "From: a@b\r\r\n\r\nhi\r\n", "From: a@b\nContent-Type: text/plain;\r\tx=y\n\nhi\n", "From: a@b\r"} {
		if _, err := NewMessage([]byte(bad), MessageOptions{}); err == nil || !strings.Contains(err.Error(), "carriage return") {
			t.Errorf("%q: %v", bad, err)
		}
	}
	if _, err := Body([]byte("Content-Type: multipart/mixed; boundary=x\r\n\r\n")); err == nil {
		t.Error("a body of several parts")
	}
}

// Encrypted mail keeps its fields outside, and gets them back.
func TestDecryptedMail(t *testing.T) {
	w := theWorld(t)
	inner := signed(t, letter, w.alice.options())
	out, err := message(t, string(inner)).Encrypt(EncryptOptions{To: w.certs("bob", "alice"), Time: now})
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(out), "Subject: lunch\n") || strings.Contains(string(out), "noon") || !strings.Contains(string(out), "smime-type=authEnveloped-data") {
		t.Errorf("%s", out)
	}
	for _, p := range []*person{w.alice, w.bob} {
		d, err := Decrypt(out, DecryptOptions{Key: p.key, Cert: p.cert})
		if err != nil || !d.Authentic {
			t.Fatal(err)
		}
		r := Verify(d.Mail(), w.verify())
		if !r.Verified || r.From[0] != "alice@example.org" {
			t.Errorf("%s: %s", r.ids(), d.Mail())
		}
	}
	// Fields inside go before those outside.
	d := &Decrypted{Content: []byte("Subject: true\r\nContent-Type: text/plain\r\n\r\nx"), head: mustHead(t, []byte("From: a@b\nSubject: false\nContent-Type: x/y\nMIME-Version: 1.0\n\n"))}
	if got := string(d.Mail()); got != "From: a@b\r\nMIME-Version: 1.0\r\nSubject: true\r\nContent-Type: text/plain\r\n\r\nx" {
		t.Errorf("%q", got)
	}
}

func TestEdwards(t *testing.T) {
	w := theWorld(t)
	mail := signed(t, letterFrom(w.dora), w.dora.options())
	if r := Verify(mail, w.verify()); !r.Verified || r.Signers[0].Digest != "sha-512" {
		t.Error(r.ids())
	}
	refused(t, "changed", bytes.Replace(mail, []byte("noon"), []byte("nine"), 1), w.verify(), "changed")
	o := w.dora.options()
	o.Digest = "sha-256"
	if _, err := message(t, letter).Sign(o); err == nil {
		t.Error("Ed25519 with SHA-256")
	}
	if _, err := message(t, letter).Encrypt(EncryptOptions{To: w.certs("dora"), Time: now}); err == nil || !strings.Contains(err.Error(), "can only sign") {
		t.Error(err)
	}
}

func TestWhoCannot(t *testing.T) {
	w := theWorld(t)
	bad := func(name, want string, edit func(o *SignOptions)) {
		o := w.alice.options()
		edit(&o)
		if _, err := message(t, letter).Sign(o); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	bad("another key", "not that of the certificate of alice@example.org", func(o *SignOptions) { o.Key = w.bob.key })
	bad("expired", "expired on", func(o *SignOptions) { o.Time = now.AddDate(2, 0, 0) })
	bad("an old digest", "is no digest", func(o *SignOptions) { o.Digest = "sha-1" })
	bad("nobody", "are needed", func(o *SignOptions) { o.Cert = nil })
	for name, o := range map[string]EncryptOptions{
		"expired on":    {To: w.certs("alice"), Time: now.AddDate(2, 0, 0)},
		"is no cipher":  {To: w.certs("alice"), Time: now, Cipher: "des3"},
		"nobody to":     {Time: now},
		"not for encry": {To: append(w.certs("bob"), issue(t, w.alice.key, w.root, template{address: "x@example.org", usage: forSigning}).cert), Time: now},
		"too short":     {To: append(w.certs("bob"), issue(t, rsaKey(t, 1024), w.root, template{address: "x@example.org"}).cert), Time: now},
	} {
		if _, err := message(t, letter).Encrypt(o); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// RFC 3394 §4.1 and §4.6: keys of 128 and 256 bits, wrapped.
func TestKeyWrapVectors(t *testing.T) {
	for _, tt := range []struct{ kek, key, want string }{
		{"000102030405060708090A0B0C0D0E0F", "00112233445566778899AABBCCDDEEFF", "1FA68B0A8112B447AEF34BD8FB5A7B829D3E862371D2CFE5"},
		{"000102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F", "00112233445566778899AABBCCDDEEFF000102030405060708090A0B0C0D0E0F", "28C9F404C4B810F4CBCCB35CFB87F8263F5786E2D80ED326CBC7F0E71A99F43BFB988B9B7A02DD21"},
	} {
		kek, _ := hex.DecodeString(tt.kek)
		key, _ := hex.DecodeString(tt.key)
		got, err := wrapKey(kek, key)
		if err != nil || strings.ToUpper(hex.EncodeToString(got)) != tt.want {
			t.Errorf("%x, %v", got, err)
		}
		back, err := unwrapKey(kek, got)
		if err != nil || !bytes.Equal(back, key) {
			t.Errorf("%x, %v", back, err)
		}
		got[3] ^= 1
		if _, err := unwrapKey(kek, got); err == nil {
			t.Error("a changed key is unwrapped")
		}
	}
}

// DER stays as it is; the same as BER comes to the same.
func TestNormalize(t *testing.T) {
	r := rand.New(rand.NewPCG(wiretest.Seed(t), 0))
	for range 300 {
		der, ber := randomValue(r, 0)
		got, rest, err := normalize(append(bytes.Clone(der), 1, 2))
		if err != nil || !bytes.Equal(got, der) || len(rest) != 2 {
			t.Fatalf("%x became %x, %v", der, got, err)
		}
		if got, rest, err = normalize(ber); err != nil || !bytes.Equal(got, der) || len(rest) != 0 {
			t.Fatalf("%x became %x, want %x, %v", ber, got, der, err)
		}
		if _, _, err := normalize(ber[:r.IntN(len(ber))]); err == nil {
			t.Fatalf("a part of %x is read", ber)
		}
	}
}

// randomValue makes a value in both forms.
func randomValue(r *rand.Rand, depth int) (der, ber []byte) {
	if depth > 5 || r.IntN(3) == 0 {
		content := bytes.Repeat([]byte{byte(r.IntN(256))}, r.IntN(200))
		tag := []byte{tagOctets, tagInteger, 0x80, tagOID}[r.IntN(4)]
		der = tlv(tag, content)
		if tag != tagOctets || r.IntN(2) == 0 {
			return der, long(r, tag, content)
		}
		cut := r.IntN(len(content) + 1)
		return der, indefinite(r, tagOctets|0x20, joined(long(r, tagOctets, content[:cut]), long(r, tagOctets, content[cut:])))
	}
	tag := []byte{tagSequence, tagSet, 0xa0, 0xa3}[r.IntN(4)]
	var a, b []byte
	for range r.IntN(4) {
		x, y := randomValue(r, depth+1)
		a, b = append(a, x...), append(b, y...)
	}
	return tlv(tag, a), indefinite(r, tag, b)
}

func joined(a, b []byte) []byte { return append(bytes.Clone(a), b...) }

// long writes a length with more bytes than need be.
func long(r *rand.Rand, tag byte, content []byte) []byte {
	n := len(content)
	if r.IntN(2) == 0 {
		return tlv(tag, content)
	}
	return append([]byte{tag, 0x83, byte(n >> 16), byte(n >> 8), byte(n)}, content...)
}

func indefinite(r *rand.Rand, tag byte, content []byte) []byte {
	if r.IntN(2) == 0 {
		return long(r, tag, content)
	}
	return append(append([]byte{tag, 0x80}, content...), 0, 0)
}
