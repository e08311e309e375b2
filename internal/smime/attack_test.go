package smime

import (
	"bytes"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"math/big"
	"strings"
	"testing"
	"time"
)

// refused wants a message not to verify, for the reason, and nothing of it to
// come out.
func refused(t *testing.T, name string, mail []byte, o VerifyOptions, want string) *Report {
	t.Helper()
	r := Verify(mail, o)
	if r.Verified || r.Content != nil || r.ids() != want {
		t.Errorf("%s: verified %v, content %q, problems %q, want %q", name, r.Verified, r.Content, r.ids(), want)
	}
	return r
}

// change replaces a text that has to be there.
func change(t *testing.T, mail []byte, old, with string) []byte {
	t.Helper()
	if !bytes.Contains(mail, []byte(old)) {
		t.Fatalf("%q is not in %s", old, mail)
	}
	return bytes.Replace(mail, []byte(old), []byte(with), 1)
}

// resign takes the CMS out of an opaque mail, has it changed, and puts it back.
func resign(t *testing.T, mail []byte, edit func(cms []byte) []byte) []byte {
	t.Helper()
	h, body, _ := readHead(mail)
	cms, p := decodeBody(h, body)
	if p != nil {
		t.Fatal(p)
	}
	head := mail[:len(mail)-len(body)]
	return append(bytes.Clone(head), base64Lines(edit(bytes.Clone(cms)))...)
}

func replaced(t *testing.T, in, old, with []byte) []byte {
	t.Helper()
	if bytes.Count(in, old) == 0 {
		t.Fatalf("%x is not there", old)
	}
	return bytes.Replace(in, old, with, 1)
}

func TestAttacks(t *testing.T) {
	w := theWorld(t)
	o := w.verify()
	good := signed(t, letter, w.alice.options())
	ao := w.alice.options()
	ao.Opaque = true
	opaque := signed(t, letter, ao)
	for _, mail := range [][]byte{good, opaque} {
		if r := Verify(mail, o); !r.Verified || r.From[0] != "alice@example.org" {
			t.Fatalf("the mail that is attacked does not verify: %s", r.ids())
		}
	}
	_, params, _ := mustHead(t, good).contentType()
	mark := "--" + params["boundary"]
	evil := "--evil\nContent-Type: text/html\n\n<img src=http://evil.example/\n"

	for _, tt := range []struct {
		name string
		mail []byte
		want string
	}{
		{"a changed body", change(t, good, "At noon?", "At nine?"), "changed"},
		{"a changed type of the body", change(t, good, "Content-Type: text/plain", "Content-Type: text/html "), "changed"},
		{"a line more", change(t, good, "Alice\n\n--", "Alice\n\n\n--"), "changed"},
		{"another digest", resign(t, opaque, func(cms []byte) []byte {
			cms[bytes.Index(cms, derOID(oidMessageDigest))+len(derOID(oidMessageDigest))+4]++
			return cms
		}), "bad-signature"},
		{"an attribute twice", resign(t, opaque, func(cms []byte) []byte {
			return replaced(t, cms, derOID(oidCapabilities), derOID(oidSigningTime))
		}), "malformed"},
		{"another signing time", resign(t, opaque, func(cms []byte) []byte {
			i := bytes.Index(cms, derOID(oidSigningTime))
			cms[i+len(derOID(oidSigningTime))+4]++
			return cms
		}), "bad-signature"},
		{"another text inside", resign(t, opaque, func(cms []byte) []byte { return replaced(t, cms, []byte("noon"), []byte("nine")) }), "changed"},
		{"a bit of the signature", resign(t, opaque, func(cms []byte) []byte { cms[len(cms)-1] ^= 1; return cms }), "bad-signature"},
		{"cut off in the text", good[:bytes.Index(good, []byte("noon"))], "cut-off"},
		{"cut off in the signature", good[:len(good)-200], "cut-off"},
		{"a character less in the signature", change(t, good, "\nMII", "\nMI"), "bad-coding"},
		{"opaque, cut off", resign(t, opaque, func(cms []byte) []byte { return cms[:len(cms)-50] }), "malformed"},
		{"opaque, with something after it", resign(t, opaque, func(cms []byte) []byte { return append(cms, 5, 0) }), "malformed"},
		{"a part between", change(t, good, "\n"+mark+"\nContent-Type: application/pkcs7-signature", "\n"+mark+"\n"+evil+"\n"+mark+"\nContent-Type: application/pkcs7-signature"), "parts"},
		{"a part after", change(t, good, mark+"--", mark+"\n"+evil+mark+"--"), "parts"},
		{"in another multipart", []byte("From: alice@example.org\nMIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=evil\n\n--evil\n" + string(good) + "\n" + evil + "--evil--\n"), "not-signed"},
		{"its signature stripped", change(t, change(t, good, "multipart/signed", "multipart/mixed"), "protocol", "x"), "not-signed"},
		{"its text as a plain mail", []byte(letter), "not-signed"},
		{"two types", change(t, good, "MIME-Version: 1.0\n", "MIME-Version: 1.0\nContent-Type: text/plain\n"), "two-fields"},
		{"two senders", append([]byte("From: bob@example.org\n"), good...), "two-senders"},
		{"another sender", change(t, good, "alice@example.org", "bob@example.org"), "other-sender"},
		{"a sender more", change(t, good, "From: Alice", "From: Bob <bob@example.org>, Alice"), "other-sender"},
		{"a sender that reads like her", change(t, good, "From: Alice <alice@example.org>", "From: \"alice@example.org\" <mallory@example.org>"), "other-sender"},
		{"a sender that cannot be read", change(t, good, "From: Alice <alice@example.org>", "From: Alice <alice@example.org"), "bad-sender"},
		{"an empty group for a sender", change(t, good, "From: Alice <alice@example.org>", "From: \"Alice <alice@example.org>\":;"), "bad-sender"},
		{"an empty group beside the sender", change(t, good, "From: Alice <alice@example.org>", "From: \"Bob <bob@example.org>\":;, alice@example.org"), "bad-sender"},
		{"a group with the sender", change(t, good, "From: Alice <alice@example.org>", "From: Bob: alice@example.org;"), "bad-sender"},
		{"a group with a comment", change(t, good, "From: Alice <alice@example.org>", "From: (\\)\":) Bob (;): (nobody) ;"), "bad-sender"},
		{"an empty sender", change(t, good, "From: Alice <alice@example.org>", "From:"), "bad-sender"},
		{"a comment for a sender", change(t, good, "From: Alice <alice@example.org>", "From: (Alice <alice@example.org>)"), "bad-sender"},
		{"another protocol", change(t, good, "application/pkcs7-signature", "application/pgp-signature"), "not-smime"},
		{"a text for a signature", change(t, good, "Content-Type: application/pkcs7-signature", "Content-Type: text/plain"), "parts"},
		{"said to be encrypted", change(t, opaque, "smime-type=signed-data", "smime-type=enveloped-data"), "not-signed"},
		{"a carriage return alone in a field", change(t, good, "Subject: lunch", "Subject: lunch\rFrom: bob@example.org"), "bare-cr"},
		{"a carriage return alone before the body", change(t, good, "\n\n", "\n\r\r\n"), "bare-cr"},
		{"no boundary", change(t, good, "boundary", "bounday"), "parts"},
		{"nothing", nil, "not-signed"},
		{"text", []byte("hello"), "not-smime"},
	} {
		if tt.name == "nothing" {
			tt.want = "not-smime"
		}
		refused(t, tt.name, tt.mail, o, tt.want)
	}

	// What stands around the parts is not signed, is told, and does not come out.
	around := change(t, good, mark+"\n", "Pay at once!\n"+mark+"\n")
	around = append(around, evil...)
	r := Verify(around, o)
	if !r.Verified || bytes.Contains(r.Content, []byte("Pay")) || bytes.Contains(r.Content, []byte("evil")) || r.Beside != len("Pay at once!")+len(strings.TrimSpace(evil)) {
		t.Errorf("around: %s, %d beside, %q", r.ids(), r.Beside, r.Content)
	}
	// Fields of the mail are signed by nobody.
	if r := Verify(change(t, good, "lunch", "dinner"), o); !r.Verified || bytes.Contains(r.Content, []byte("dinner")) {
		t.Errorf("outer fields: %s %q", r.ids(), r.Content)
	}
	// Line ends change on the way.
	if r := Verify(bytes.ReplaceAll(good, []byte("\n"), []byte("\r\n")), o); !r.Verified {
		t.Errorf("with other line ends: %s", r.ids())
	}
	// A detached signature that brings a text, too, would be read in two ways.
	h, body, _ := readHead(opaque)
	cms, _ := decodeBody(h, body)
	sig := good[bytes.Index(good, []byte("filename=smime.p7s\n"))+20 : bytes.LastIndex(good, []byte(mark))]
	both := bytes.Replace(good, sig, bytes.ReplaceAll(base64Lines(cms), []byte("\r\n"), []byte("\n")), 1)
	refused(t, "two contents", both, o, "two-contents")
	given := o
	given.Content = []byte("At nine?\r\n")
	refused(t, "a text beside a mail of two parts", good, given, "two-contents")
	refused(t, "a text beside an opaque mail", opaque, given, "two-contents")
	given.Content = []byte{}
	refused(t, "an empty text beside a mail of two parts", good, given, "two-contents")
}

func mustHead(t *testing.T, mail []byte) *head {
	t.Helper()
	h, _, ok := readHead(mail)
	if !ok {
		t.Fatalf("no head: %s", mail)
	}
	return h
}

func TestCertificatesThatDoNotDo(t *testing.T) {
	w := theWorld(t)
	o := w.verify()
	key := ecKey(t, elliptic.P256())
	make := func(by *person, tp template) *person {
		tp.address = "frank@example.org"
		return issue(t, key, by, tp)
	}
	// sign does not look at what the certificate may do.
	sign := func(p *person) []byte {
		loose := *p.cert
		loose.KeyUsage, loose.NotAfter, loose.NotBefore = 0, now.Add(time.Hour), now.Add(-time.Hour)
		so := SignOptions{Cert: &loose, Key: p.key, Chain: p.chain, Time: now, AnyPurpose: true}
		return signed(t, letterFrom(p), so)
	}
	mallory := issue(t, ecKey(t, elliptic.P256()), nil, template{address: "the root", ca: true})
	short := issue(t, rsaKey(t, 1024), w.root, template{address: "frank@example.org", purpose: forMail})
	for name, tt := range map[string]struct {
		p    *person
		want string
	}{
		"good":            {make(w.between, template{purpose: forMail}), ""},
		"any purpose":     {make(w.between, template{purpose: []x509.ExtKeyUsage{x509.ExtKeyUsageAny}}), ""},
		"no purpose":      {make(w.between, template{}), ""},
		"for signing":     {make(w.between, template{usage: x509.KeyUsageDigitalSignature}), ""},
		"expired":         {make(w.between, template{days: [2]int{-20, -1}}), "signing-time expired"},
		"not yet valid":   {make(w.between, template{days: [2]int{1, 20}}), "signing-time not-yet-valid"},
		"for servers":     {make(w.between, template{purpose: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}}), "wrong-purpose"},
		"for encrypting":  {make(w.between, template{usage: x509.KeyUsageKeyAgreement}), "wrong-usage"},
		"other authority": {make(mallory, template{purpose: forMail}), "unknown-authority"},
		"self-signed":     {make(nil, template{purpose: forMail}), "unknown-authority"},
		"by no authority": {make(w.bob, template{purpose: forMail}), "unknown-authority"},
	} {
		mail := sign(tt.p)
		r := Verify(mail, o)
		if r.Verified != (tt.want == "") {
			t.Errorf("%s: verified %v: %s", name, r.Verified, r.ids())
		}
		if r.ids() != tt.want {
			t.Errorf("%s: %q, want %q", name, r.ids(), tt.want)
		}
	}
	any := o
	any.AnyPurpose = true
	if r := Verify(sign(make(w.between, template{purpose: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}})), any); !r.Verified {
		t.Errorf("any purpose was asked for: %s", r.ids())
	}
	// A short key cannot be made to sign here; the parts are put together by hand.
	if _, err := message(t, letter).Sign(short.options()); err == nil || !strings.Contains(err.Error(), "is RSA 1024, which is too short; make a new key: ECDSA on P-256") {
		t.Errorf("short key: %v", err)
	}
	// Without the one in the middle nobody vouches, unless it is given.
	so := w.alice.options()
	so.Chain = nil
	mail := signed(t, letter, so)
	refused(t, "without the chain", mail, o, "unknown-authority")
	more := o
	more.Certs = []*x509.Certificate{w.between.cert}
	if r := Verify(mail, more); !r.Verified {
		t.Errorf("the chain was given: %s", r.ids())
	}
	// Names in the old place count when there is no other.
	old := issue(t, key, w.root, template{name: "grete@Example.org"})
	if r := Verify(signed(t, strings.ReplaceAll(letter, "alice@", "grete@"), old.options()), o); !r.Verified {
		t.Errorf("an address in the subject: %s", r.ids())
	}
	other := issue(t, key, w.root, template{address: "hans@example.org", name: "grete@example.org"})
	refused(t, "an address in the subject beside others", signed(t, strings.ReplaceAll(letter, "alice@", "grete@"), other.options()), o, "other-sender")
}

func TestSigningTime(t *testing.T) {
	w := theWorld(t)
	day := 24 * time.Hour
	mail := signed(t, letter, w.alice.options())
	later := w.verify()
	later.Now = now.Add(400 * day)
	r := refused(t, "later", mail, later, "expired")
	if p := r.Signers[0].Problems[0]; !strings.Contains(p.Text, "after it was signed, if its signing time of") {
		t.Error(p)
	}
	later.AtSigning = true
	if r := Verify(mail, later); !r.Verified {
		t.Errorf("at signing: %s", r.ids())
	}
	later.AtSigning, later.At = false, now.Add(5*day)
	if r := Verify(mail, later); !r.Verified {
		t.Errorf("at a day: %s", r.ids())
	}
	before := w.verify()
	before.Now = now.Add(-day)
	refused(t, "from the future", mail, before, "future")
	before.Now = now.Add(-time.Minute)
	if r := Verify(mail, before); !r.Verified {
		t.Errorf("a clock that is late: %s", r.ids())
	}
}

func TestAddresses(t *testing.T) {
	w := theWorld(t)
	mail := signed(t, letter, w.alice.options())
	o := w.verify()
	for _, tt := range []struct {
		from, mail string
		want       string
	}{
		{"alice@EXAMPLE.org", "", ""}, {"Alice@example.org", "", "other-sender"}, {"bob@example.org", "", "other-sender"},
		{"alice@example.org.evil.example", "", "other-sender"}, {"@example.org", "", "other-sender"}, {"", "", "other-sender"},
	} {
		o.From = []string{tt.from}
		if r := Verify(mail, o); r.ids() != tt.want {
			t.Errorf("%s: %q, want %q", tt.from, r.ids(), tt.want)
		}
	}
	o.AnySender = true
	if r := Verify(mail, o); !r.Verified {
		t.Error(r.ids())
	}
	// Colons in names and comments make no group.
	for _, name := range []string{`"Alice: at; work" <alice@example.org>`, `"\":" <alice@example.org>`, `Alice (\):;) <alice@example.org>`} {
		if r := Verify(change(t, mail, "Alice <alice@example.org>", name), w.verify()); !r.Verified {
			t.Errorf("%s: %s", name, r.ids())
		}
	}
	// An encoded name says nothing, in whatever charset.
	o = w.verify()
	if r := Verify(change(t, mail, "From: Alice", "From: =?koi8-r?B?4czJ08E=?="), o); !r.Verified {
		t.Error(r.ids())
	}
	if r := Verify(change(t, mail, "From: Alice <alice@example.org>\n", ""), o); !r.Verified || len(r.From) != 0 {
		t.Error(r.ids())
	}
}

func TestSeveralSigners(t *testing.T) {
	w := theWorld(t)
	b := newBench(t)
	b.person("alice", w.alice)
	b.person("bob", w.bob)
	b.put("text", []byte("Content-Type: text/plain\n\nWe agree.\n"))
	b.put("chain", certsPEM(w.between.cert))
	mail := b.run("cms", "-sign", "-in", "text", "-from", "Both: alice@example.org, bob@example.org;", "-signer", "alice.pem", "-inkey", "alice.key", "-signer", "bob.pem", "-inkey", "bob.key", "-certfile", "chain", "-nodetach")
	mail = change(t, mail, "Both: alice@example.org, bob@example.org;", "alice@example.org, bob@example.org")
	r := Verify(mail, w.verify())
	if !r.Verified || len(r.Signers) != 2 {
		t.Fatalf("%s", r.ids())
	}
	// One that is wrong spoils it, whoever the other is.
	broken := resign(t, mail, func(cms []byte) []byte {
		der, _, err := normalize(cms)
		if err != nil {
			t.Fatal(err)
		}
		der[len(der)-1] ^= 1
		return der
	})
	r = Verify(broken, w.verify())
	if r.Verified || r.Content != nil || !strings.Contains(r.ids(), "bad-signature") {
		t.Errorf("one signature is broken: %v %s", r.Verified, r.ids())
	}
}

// What OpenSSL signs weakly is refused, and told what to use.
func TestWeak(t *testing.T) {
	w := theWorld(t)
	b := newBench(t)
	b.person("alice", w.alice)
	b.person("bob", w.bob)
	short := issue(t, rsaKey(t, 1024), w.root, template{address: "alice@example.org", purpose: forMail})
	b.person("short", short)
	b.put("text", []byte("hello\n"))
	b.run("dsaparam", "-genkey", "-out", "dsa.key", "1024")
	b.run("req", "-new", "-x509", "-key", "dsa.key", "-subj", "/CN=dsa", "-days", "2", "-out", "dsa.pem")
	for _, tt := range []struct{ args, want, says string }{
		{"-md sha1 -signer alice.pem -inkey alice.key", "weak-digest", "SHA-1"},
		{"-md md5 -signer alice.pem -inkey alice.key", "weak-digest", "MD5"},
		{"-md sha224 -signer bob.pem -inkey bob.key", "weak-digest", "SHA-224"},
		{"-signer short.pem -inkey short.key", "weak-key", "RSA 1024"},
		{"-signer dsa.pem -inkey dsa.key", "weak-key", "DSA"},
		{"-noattr -signer alice.pem -inkey alice.key", "no-attributes", ""},
		{"-nocerts -signer alice.pem -inkey alice.key", "no-certificate", ""},
	} {
		mail := b.run(append([]string{"cms", "-sign", "-in", "text", "-from", "alice@example.org", "-certfile", "alice.chain"}, strings.Fields(tt.args)...)...)
		r := refused(t, tt.args, mail, w.verify(), tt.want)
		if p := r.Signers[0].Problems[0]; !strings.Contains(p.Text, tt.says) {
			t.Errorf("%s: %v", tt.args, p)
		}
	}
	for cipher, says := range map[string]string{"-des3": "Triple DES", "-camellia256": "1.2.392"} {
		mail := b.run("cms", "-encrypt", "-in", "text", "-from", "alice@example.org", cipher, "alice.pem")
		_, err := Decrypt(mail, DecryptOptions{Key: w.alice.key, Cert: w.alice.cert})
		if err == nil || !strings.Contains(err.Error(), says) || !strings.Contains(err.Error(), "AES-256-GCM") {
			t.Errorf("%s: %v", cipher, err)
		}
	}
	for _, cipher := range []string{"-des", "-rc2"} {
		mail, _, err := b.try("cms", "-encrypt", "-provider", "legacy", "-provider", "default", "-in", "text", "-from", "alice@example.org", cipher, "alice.pem")
		if err != nil {
			t.Fatalf("openssl %s: %v", cipher, err)
		}
		_, err = Decrypt(mail, DecryptOptions{Key: w.alice.key})
		if err == nil || !strings.Contains(err.Error(), "which can be broken") {
			t.Errorf("%s: %v", cipher, err)
		}
	}
}

// Whatever is changed in what was encrypted, the error is the same, or the
// structure is none any more.
func TestFlippedBits(t *testing.T) {
	w := theWorld(t)
	for _, o := range []EncryptOptions{{}, {OldTransport: true}, {Cipher: "aes-256-cbc"}, {Cipher: "aes-256-cbc", OldTransport: true}} {
		o.To, o.Time = []*x509.Certificate{w.alice.cert, w.bob.cert}, now
		der, c, err := encryptCMS([]byte(letter), &o)
		if err != nil {
			t.Fatal(err)
		}
		e, p := readEnvelope(der)
		if p != nil {
			t.Fatal(p)
		}
		for _, who := range []*person{w.alice, w.bob} {
			for name, part := range map[string][]byte{"key 0": e.recipients[0].key, "key 1": e.recipients[1].key, "text": e.text, "mac": e.mac} {
				if part == nil {
					continue
				}
				at := bytes.Index(der, part)
				for i := range 8 {
					bad := bytes.Clone(der)
					where := at + i*(len(part)-1)/7
					bad[where] ^= 1 << i
					d, err := Decrypt(bad, DecryptOptions{Key: who.key, Cert: who.cert})
					switch {
					case err == nil && string(d.Content) == letter:
						// Another recipient's key.
						if !strings.HasPrefix(name, "key") {
							t.Errorf("%s: %s: byte %d makes no difference", c.name, name, where)
						}
					case err == nil && !c.gcm && name == "text":
						// CBC does not notice; Authentic says so.
						if d.Authentic {
							t.Errorf("%s: said to be authentic", c.name)
						}
					case err == nil && !c.gcm && o.OldTransport && name[:3] == "key" && who == w.alice:
						// A random key makes a padding by luck, once in 256 times; by the old way
						// alone that cannot be told.
					case err == nil:
						t.Errorf("%s: %s: byte %d: %q", c.name, name, where, d.Content)
					case err != error(errDecrypt):
						t.Errorf("%s: %s: byte %d: another error: %v", c.name, name, where, err)
					}
				}
			}
		}
	}
}

func TestNotForThisKey(t *testing.T) {
	w := theWorld(t)
	out, err := message(t, letter).Encrypt(EncryptOptions{To: []*x509.Certificate{w.alice.cert, w.bob.cert}, Time: now})
	if err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		o    DecryptOptions
		want string
	}{
		"another certificate":         {DecryptOptions{Key: w.erika.key, Cert: w.erika.cert}, "the message is not for the certificate of erika@example.org, but for number "},
		"another key":                 {DecryptOptions{Key: w.erika.key}, errDecrypt.Error()},
		"another curve":               {DecryptOptions{Key: w.carol.key}, errDecrypt.Error()},
		"alice's certificate, erikas": {DecryptOptions{Key: w.erika.key, Cert: w.alice.cert}, errDecrypt.Error()},
		"a key that can only sign":    {DecryptOptions{Key: w.dora.key}, "decrypts nothing"},
	} {
		d, err := Decrypt(out, tt.o)
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, %+v", name, err, d)
		}
	}
	// By the old way a wrong key cannot be told, so that it has to be said whose it is.
	out, err = message(t, letter).Encrypt(EncryptOptions{To: []*x509.Certificate{w.alice.cert, w.erika.cert}, Time: now, Cipher: "aes-256-cbc", OldTransport: true})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Decrypt(out, DecryptOptions{Key: w.erika.key}); err == nil || !strings.Contains(err.Error(), "give the certificate") {
		t.Error(err)
	}
	d, err := Decrypt(out, DecryptOptions{Key: w.erika.key, Cert: w.erika.cert})
	if err != nil || d.Authentic {
		t.Errorf("%v %+v", err, d)
	}
	// GCM without its mac is AES-CTR, which anybody can change.
	for _, mail := range [][]byte{[]byte(letter), signed(t, letter, w.alice.options())} {
		if _, err := Decrypt(mail, DecryptOptions{Key: w.alice.key}); err == nil || !strings.Contains(err.Error(), "not encrypted") {
			t.Error(err)
		}
	}
}

// The same key and text as EnvelopedData with AES-GCM, without a mac, or as
// AES-CBC with one.
func TestMixedEnvelopes(t *testing.T) {
	w := theWorld(t)
	der, _, err := encryptCMS([]byte(letter), &EncryptOptions{To: []*x509.Certificate{w.alice.cert}, Time: now})
	if err != nil {
		t.Fatal(err)
	}
	e, _ := readEnvelope(der)
	mac := derOctets(e.mac)
	c, _ := openCMS(der, "encrypted")
	inside := bytes.TrimSuffix(c.rest, mac)
	wrapped := func(id []byte, parts ...[]byte) []byte {
		return tlv(tagSequence, id, tlv(context(0), tlv(tagSequence, parts...)))
	}
	for name, bad := range map[string][]byte{
		"no mac":          wrapped(derOID(oidEnveloped), inside),
		"no mac, as auth": wrapped(derOID(oidAuthEnveloped), inside),
		"CBC with a mac":  wrapped(derOID(oidAuthEnveloped), bytes.Replace(inside, derOID(oidAES256GCM), derOID(oidAES256CBC), 1), mac),
	} {
		if _, err := Decrypt(bad, DecryptOptions{Key: w.alice.key}); err == nil || !strings.Contains(err.Error(), "without authentication") {
			t.Errorf("%s: %v", name, err)
		}
	}
	shortMac := wrapped(derOID(oidAuthEnveloped), inside, derOctets(e.mac[:12]))
	if _, err := Decrypt(shortMac, DecryptOptions{Key: w.alice.key}); err != error(errDecrypt) {
		t.Errorf("a mac that is cut: %v", err)
	}
}

func TestLimits(t *testing.T) {
	deep := bytes.Repeat([]byte{0x30, 0x80}, 1<<20)
	if _, _, err := normalize(deep); err == nil {
		t.Error("deep nesting is read")
	}
	if r := Verify(deep, VerifyOptions{Now: now}); r.ids() != "malformed" {
		t.Error(r.ids())
	}
	var many [][]byte
	for range maxSigners + 1 {
		many = append(many, tlv(tagSequence, derInt(1), tlv(tagSequence), derAlgorithm(oidSHA256, nil), derAlgorithm(oidRSA, nil), derOctets(nil)))
	}
	cms := tlv(tagSequence, derOID(oidSigned), tlv(context(0), tlv(tagSequence, derInt(1), tlv(tagSet), tlv(tagSequence, derOID(oidData), tlv(context(0), derOctets([]byte("x")))), tlv(tagSet, many...))))
	if r := Verify(cms, VerifyOptions{Now: now}); r.ids() != "malformed" || !strings.Contains(r.Problems[0].Text, "too many signers") {
		t.Error(r.ids())
	}
	w := theWorld(t)
	n := new(big.Int).Lsh(big.NewInt(1), maxRSABits+1)
	long, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: now}, w.root.cert, &rsa.PublicKey{N: n.Add(n, big.NewInt(1)), E: 65537}, w.root.key)
	if err != nil {
		t.Fatal(err)
	}
	s := &signedData{}
	if s.readCerts(append(long, w.bob.cert.Raw...)); len(s.certs) != 1 || !s.certs[0].Equal(w.bob.cert) {
		t.Errorf("%d certificates, with one whose key is very long", len(s.certs))
	}
	fields := strings.Repeat("A: b\n", maxFields+1) + "From: a@b\n\n"
	if r := Verify([]byte(fields), VerifyOptions{Now: now}); r.ids() != "not-smime" {
		t.Error(r.ids())
	}
	if _, err := decodeBase64([]byte("QUI")); err == nil {
		t.Error("base64 that was cut off is read")
	}
	if got, err := decodeBase64([]byte(fmt.Sprintf(" %s\r\n", base64.StdEncoding.EncodeToString([]byte("abcd"))))); err != nil || string(got) != "abcd" {
		t.Error(got, err)
	}
}

// With AES-CBC an unknown key makes a text by luck, once in 256 times. Where it
// is known that it is none, there is none.
func TestUnknownKeysMakeNothing(t *testing.T) {
	w := theWorld(t)
	der, _, err := encryptCMS([]byte(letter), &EncryptOptions{To: w.certs("bob"), Time: now, Cipher: "aes-256-cbc"})
	if err != nil {
		t.Fatal(err)
	}
	e, p := readEnvelope(der)
	if p != nil {
		t.Fatal(p)
	}
	at := bytes.Index(der, e.recipients[0].key)
	der[at] ^= 1
	for range 3000 {
		if d, err := Decrypt(der, DecryptOptions{Key: w.bob.key}); err == nil {
			t.Fatalf("it is said to be %q", d.Content)
		}
	}
}
