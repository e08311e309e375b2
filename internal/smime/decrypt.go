package smime

import (
	"crypto"
	"crypto/aes"
	"crypto/cipher"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/rsa"
	_ "crypto/sha1" // of key derivation and OAEP, see agreementDigests
	"crypto/subtle"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"fmt"
	"math/big"
	"strings"
)

// DecryptOptions say who reads a message.
type DecryptOptions struct {
	Key crypto.PrivateKey

	// Cert is the certificate of Key, by which the message may name it. Without it
	// every recipient is tried.
	Cert *x509.Certificate
}

// A Decrypted is what was encrypted.
type Decrypted struct {
	Content []byte

	// Authentic is whether a change on the way would have been noticed. It says
	// nothing about who sent it.
	Authentic bool

	head *head
}

// maxTries bounds how many recipients are tried with a key.
const maxTries = 100

// errDecrypt is the one error for whatever is wrong with a key, a padding or a
// text: the difference would be an oracle (RFC 3218 §2.3).
var errDecrypt = problem("undecryptable", "use the key of the recipient; if it is that one, the message was changed on its way",
	"it cannot be decrypted with this key")

// Decrypt opens a mail, or CMS alone, DER or PEM.
func Decrypt(message []byte, o DecryptOptions) (*Decrypted, error) {
	cms, h, p := openEncrypted(message)
	if p != nil {
		return nil, p
	}
	e, p := readEnvelope(cms)
	if p != nil {
		return nil, p
	}
	tries, p := e.candidates(&o)
	if p != nil {
		return nil, p
	}
	for _, r := range tries {
		key, known := r.contentKey(o.Key, e.cipher)
		if text, ok := e.open(key); ok && known {
			return &Decrypted{Content: text, Authentic: e.cipher.gcm, head: h}, nil
		}
	}
	return nil, errDecrypt
}

// Mail returns the content with the fields of the mail around it before it, but
// for those that it has itself. Nobody has vouched for them.
func (d *Decrypted) Mail() []byte {
	inner, _, ok := readHead(d.Content)
	if d.head == nil || !ok {
		return d.Content
	}
	var out []byte
	for _, f := range d.head.fields {
		if _, n := inner.get(f.name); n == 0 && !isContent(f.name) && !strings.EqualFold(f.name, "MIME-Version") {
			out = append(out, canonical(f.lines)...)
		}
	}
	if _, n := inner.get("MIME-Version"); n == 0 {
		out = append(out, "MIME-Version: 1.0\r\n"...)
	}
	return append(out, d.Content...)
}

// openEncrypted finds the envelope in a mail, or takes the message for one.
func openEncrypted(message []byte) ([]byte, *head, *Problem) {
	if cms, ok := bare(message); ok {
		return cms, nil, nil
	}
	h, body, ok := readHead(message)
	if !ok || !h.isMail() {
		return nil, nil, problem("not-smime", "give a mail, or CMS as DER or PEM", "it is no mail, and no CMS")
	}
	kind, params, p := h.contentType()
	switch t := strings.ToLower(params["smime-type"]); {
	case p != nil:
		return nil, nil, p
	case !isSMIME(kind, "mime"):
		return nil, nil, problem("not-encrypted", "read it as it is", "the mail is not encrypted; its type is %s", kind)
	case t != "" && t != "enveloped-data" && t != "authenveloped-data":
		return nil, nil, problem("not-encrypted", "verify it, if it is signed", "the mail is not encrypted but %s", t)
	}
	cms, p := decodeBody(h, body)
	return cms, h, p
}

// candidates are the recipients that the key may be of.
func (e *envelope) candidates(o *DecryptOptions) ([]*recipient, *Problem) {
	_, isRSA := o.Key.(*rsa.PrivateKey)
	_, isEC := o.Key.(*ecdsa.PrivateKey)
	if !isRSA && !isEC {
		return nil, problem("wrong-key", "use an RSA key, or one on a curve of NIST", "a key of type %T decrypts nothing", o.Key)
	}
	var all []*recipient
	var others []string
	old := 0
	for i := range e.recipients {
		r := &e.recipients[i]
		if o.Cert != nil && !r.id.of(o.Cert) || r.agreed != isEC {
			others = append(others, r.name())
			continue
		}
		if all = append(all, r); r.alg.id.Equal(oidRSA) {
			old++
		}
	}
	switch {
	case len(all) == 0 && o.Cert != nil:
		return nil, problem("absent", "use the certificate and key of one of them", "the message is not for the certificate of %s, but for %s", subjectOf(o.Cert), some(others))
	case len(all) == 0:
		return nil, problem("absent", "use the key of one of them", "the message is for nobody with a key of this kind, but for %s", some(others))
	case o.Cert == nil && (len(all) > maxTries || old > 1 && !e.cipher.gcm):
		// A wrong key cannot be told from a right one there, but by luck.
		return nil, problem("which", "give the certificate of the key, too", "the message is for %d recipients, and which of them the key is of cannot be told", len(e.recipients))
	}
	return all, nil
}

func some(names []string) string {
	if len(names) == 0 {
		return "nobody"
	}
	if len(names) > 5 {
		return strings.Join(names[:5], ", ") + fmt.Sprintf(" and %d more", len(names)-5)
	}
	return strings.Join(names, ", ")
}

// issuerAndSerialText shows an IssuerAndSerialNumber.
func issuerAndSerialText(der []byte) string {
	var v struct {
		Issuer pkix.RDNSequence
		Serial *big.Int
	}
	if _, err := asn1.Unmarshal(der, &v); err != nil {
		return "somebody who is not named properly"
	}
	var name pkix.Name
	name.FillFromRDNSequence(&v.Issuer)
	return fmt.Sprintf("number %x of %s", v.Serial, nonempty(name.String()))
}

// contentKey returns the key of the text. Where that fails it returns one that
// nobody knows, so that what follows takes as long. By PKCS #1 v1.5 nobody may
// know that it has failed (RFC 3218 §2.3.2), so that it is known always there; an
// unknown key of AES-CBC would fit by luck, once in 256 times.
func (r *recipient) contentKey(private crypto.PrivateKey, c *contentCipher) (key []byte, known bool) {
	key = make([]byte, c.key)
	rand.Read(key)
	switch k := private.(type) {
	case *rsa.PrivateKey:
		if r.alg.id.Equal(oidRSA) && r.alg.plain() {
			//lint:ignore SA1019 most S/MIME is encrypted so; the key stays random when the padding is wrong
			if rsa.DecryptPKCS1v15SessionKey(nil, k, r.key, key) != nil {
				rand.Read(key)
			}
			return key, true
		}
		o, ok := oaepOptions(r.alg)
		if !ok {
			return key, false
		}
		if got, err := k.Decrypt(nil, r.key, o); err == nil && len(got) == c.key {
			return got, true
		}
	case *ecdsa.PrivateKey:
		if got, ok := r.agreedKey(k); ok && len(got) == c.key {
			return got, true
		}
	}
	return key, false
}

// oaepOptions reads RSAES-OAEP-params (RFC 4055 §4.1), whose defaults are SHA-1.
func oaepOptions(a algorithm) (o *rsa.OAEPOptions, ok bool) {
	o = &rsa.OAEPOptions{Hash: crypto.SHA1, MGFHash: crypto.SHA1}
	if !a.id.Equal(oidOAEP) {
		return nil, false
	}
	if len(a.params) == 0 {
		return o, true
	}
	all := cursor{rest: a.params}
	c := all.in(tagSequence)
	hash := func(in *cursor) (h crypto.Hash) {
		alg := in.algorithm()
		for _, d := range append(digests, digest{hash: crypto.SHA1, id: oidSHA1}) {
			if alg.id.Equal(d.id) && alg.plain() && in.err() == nil {
				return d.hash
			}
		}
		c.bad = true
		return 0
	}
	if c.peek() == context(0) {
		o.Hash = hash(c.in(context(0)))
	}
	if c.peek() == context(1) {
		in := c.in(context(1))
		mgf := in.algorithm()
		c.bad = c.bad || in.err() != nil || !mgf.id.Equal(oidMGF1)
		o.MGFHash = hash(&cursor{rest: mgf.params})
	}
	// A label ([2]) is used by nobody.
	return o, c.err() == nil && all.err() == nil
}

// agreedKey unwraps a key (RFC 5753 §3.1.3).
func (r *recipient) agreedKey(private *ecdsa.PrivateKey) ([]byte, bool) {
	ours, err := private.ECDH()
	if err != nil || r.curve != nil && r.curve != private.Curve {
		return nil, false
	}
	var theirs *ecdh.PublicKey
	if theirs, err = ours.Curve().NewPublicKey(r.origin); err != nil {
		return nil, false
	}
	secret, err := ours.ECDH(theirs)
	hash, known := agreementDigests[r.alg.id.String()]
	if err != nil || !known {
		return nil, false
	}
	params := cursor{rest: r.alg.params}
	wrap := params.algorithm()
	size := 0
	for _, c := range contentCiphers {
		if wrap.id.Equal(c.wrap) {
			size = c.wraps
		}
	}
	if size == 0 || params.err() != nil {
		return nil, false
	}
	kek := deriveKey(hash.New(), secret, sharedInfo(wrap.full, r.ukm, size), size)
	key, err := unwrapKey(kek, r.key)
	return key, err == nil
}

// open decrypts the text; it is not ok for any fault.
func (e *envelope) open(key []byte) ([]byte, bool) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, false
	}
	c := cursor{rest: e.params}
	if !e.cipher.gcm {
		iv := c.take(tagOctets)
		if c.err() != nil || len(iv) != aes.BlockSize || len(e.text) == 0 || len(e.text)%aes.BlockSize != 0 {
			return nil, false
		}
		out := make([]byte, len(e.text))
		cipher.NewCBCDecrypter(block, iv).CryptBlocks(out, e.text)
		return unpad(out)
	}
	p := c.in(tagSequence) // GCMParameters (RFC 5084 §3.2)
	nonce, size := p.take(tagOctets), 12
	if len(p.rest) > 0 {
		size = p.integer()
	}
	if c.err() != nil || p.err() != nil || len(nonce) != 12 || size < 12 || size > 16 || len(e.mac) != size {
		return nil, false
	}
	aead, err := cipher.NewGCMWithTagSize(block, size)
	if err != nil {
		return nil, false
	}
	sealed := append(append(make([]byte, 0, len(e.text)+size), e.text...), e.mac...)
	out, err := aead.Open(sealed[:0], nonce, sealed, e.authed)
	return out, err == nil
}

// unpad takes off padding (RFC 5652 §6.3), looking at as many bytes whatever is
// wrong.
func unpad(b []byte) ([]byte, bool) {
	n := int(b[len(b)-1])
	good := subtle.ConstantTimeLessOrEq(1, n) & subtle.ConstantTimeLessOrEq(n, aes.BlockSize)
	for i := 1; i <= aes.BlockSize; i++ {
		in := subtle.ConstantTimeLessOrEq(i, n)
		good &= subtle.ConstantTimeSelect(in, subtle.ConstantTimeByteEq(b[len(b)-i], byte(n)), 1)
	}
	if good != 1 {
		return nil, false
	}
	return b[:len(b)-n], true
}
