package smime

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/asn1"
	"errors"
	"fmt"
	"time"
)

// EncryptOptions say for whom a message is encrypted, and how. The zero value of
// the rest is the best that there is.
type EncryptOptions struct {
	To []*x509.Certificate

	// Cipher is aes-256-gcm, the default, aes-128-gcm or aes-256-cbc, which does not
	// notice changes, and is what programs understand that know S/MIME 3 only.
	Cipher string

	// OldTransport gives RSA recipients the key by PKCS #1 v1.5, for programs that do
	// not know OAEP.
	OldTransport bool

	// AnyPurpose takes certificates that are not for mail.
	AnyPurpose bool

	// Time is when it is encrypted: certificates have to be valid then.
	Time time.Time
}

// A contentCipher encrypts texts.
type contentCipher struct {
	name  string // "" : is read, and not made
	id    asn1.ObjectIdentifier
	key   int // its length in bytes
	gcm   bool
	wrap  asn1.ObjectIdentifier // what wraps keys of its length
	wraps int
}

var contentCiphers = []contentCipher{
	{"aes-256-gcm", oidAES256GCM, 32, true, oidAES256Wrap, 32},
	{"aes-128-gcm", oidAES128GCM, 16, true, oidAES128Wrap, 16},
	{"aes-256-cbc", oidAES256CBC, 32, false, oidAES256Wrap, 32},
	{"", oidAES192GCM, 24, true, oidAES192Wrap, 24},
	{"", oidAES192CBC, 24, false, oidAES192Wrap, 24},
	{"", oidAES128CBC, 16, false, oidAES128Wrap, 16},
}

// CipherNames are the ciphers that there are to encrypt with.
func CipherNames() []string {
	var names []string
	for _, c := range contentCiphers {
		if c.name != "" {
			names = append(names, c.name)
		}
	}
	return names
}

func chooseCipher(name string) (*contentCipher, error) {
	for i := range contentCiphers {
		if c := &contentCiphers[i]; name == c.name || name == "" {
			return c, nil
		}
	}
	return nil, fmt.Errorf("%q is no cipher; there are aes-256-gcm, aes-128-gcm and aes-256-cbc", name)
}

// Encrypt makes an encrypted mail.
func (m *Message) Encrypt(o EncryptOptions) ([]byte, error) {
	der, c, err := encryptCMS(m.entity, &o)
	if err != nil {
		return nil, err
	}
	kind := "enveloped-data"
	if c.gcm {
		kind = "authEnveloped-data"
	}
	return m.write("Content-Type: application/pkcs7-mime; smime-type="+kind+"; name=smime.p7m\r\n"+
		"Content-Transfer-Encoding: base64\r\nContent-Disposition: attachment; filename=smime.p7m\r\n", base64Lines(der)), nil
}

// encryptCMS makes an AuthEnvelopedData (RFC 5083 §2.1), or an EnvelopedData (RFC
// 5652 §6.1).
func encryptCMS(content []byte, o *EncryptOptions) ([]byte, *contentCipher, error) {
	c, err := chooseCipher(o.Cipher)
	if err != nil {
		return nil, nil, err
	}
	if len(o.To) == 0 {
		return nil, nil, errors.New("there is nobody to encrypt for")
	}
	key := make([]byte, c.key)
	rand.Read(key) // never fails
	var recipients [][]byte
	version := 0
	for _, to := range o.To {
		r, agreed, err := recipientFor(to, key, c, o)
		if err != nil {
			return nil, nil, err
		}
		if recipients = append(recipients, r); agreed && !c.gcm {
			version = 2
		}
	}
	params, text, mac, err := c.seal(key, content)
	if err != nil {
		return nil, nil, err
	}
	inner := tlv(tagSequence, derOID(oidData), derAlgorithm(c.id, params), tlv(context(0)&^0x20, text))
	id := oidEnveloped
	parts := [][]byte{derInt(version), setOf(tagSet, recipients...), inner}
	if c.gcm {
		id = oidAuthEnveloped
		parts = append(parts, derOctets(mac))
	}
	return tlv(tagSequence, derOID(id), tlv(context(0), tlv(tagSequence, parts...))), c, nil
}

// seal encrypts a text; params are those of the algorithm, with their head.
func (c *contentCipher) seal(key, text []byte) (params, out, mac []byte, err error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, nil, nil, err
	}
	if c.gcm {
		aead, err := cipher.NewGCM(block)
		if err != nil {
			return nil, nil, nil, err
		}
		nonce := make([]byte, aead.NonceSize()) // of a key that is used once
		rand.Read(nonce)
		out = aead.Seal(make([]byte, 0, len(text)+aead.Overhead()), nonce, text, nil)
		end := len(out) - aead.Overhead()
		return tlv(tagSequence, derOctets(nonce), derInt(aead.Overhead())), out[:end], out[end:], nil
	}
	iv := make([]byte, aes.BlockSize)
	rand.Read(iv)
	pad := aes.BlockSize - len(text)%aes.BlockSize
	out = append(make([]byte, 0, len(text)+pad), text...)
	for range pad {
		out = append(out, byte(pad))
	}
	cipher.NewCBCEncrypter(block, iv).CryptBlocks(out, out)
	return derOctets(iv), out, nil, nil
}

// recipientFor gives one recipient the key; agreed says that it was by a key
// agreement.
func recipientFor(to *x509.Certificate, key []byte, c *contentCipher, o *EncryptOptions) (r []byte, agreed bool, err error) {
	usage := forEncrypter
	_, agreed = to.PublicKey.(*ecdsa.PublicKey)
	if agreed {
		usage = forAgreement
	}
	for _, p := range []*Problem{weak(to), usageProblem(to, usage, "encrypting"), timeProblem(to, o.Time)} {
		if p != nil {
			return nil, false, p
		}
	}
	if !o.AnyPurpose {
		if p := purposeProblem(to); p != nil {
			return nil, false, p
		}
	}
	switch public := to.PublicKey.(type) {
	case *rsa.PublicKey:
		r, err = transport(to, public, key, o.OldTransport)
	case *ecdsa.PublicKey:
		r, err = agreement(to, public, key, c)
	default:
		err = fmt.Errorf("the key of %s can only sign (%s); use RSA or a curve of NIST", subjectOf(to), to.PublicKeyAlgorithm)
	}
	if err != nil {
		return nil, false, fmt.Errorf("encrypt for %s: %w", subjectOf(to), err)
	}
	return r, agreed, nil
}

// transport makes a KeyTransRecipientInfo (RFC 5652 §6.2.1, RFC 3560).
func transport(to *x509.Certificate, public *rsa.PublicKey, key []byte, old bool) ([]byte, error) {
	if old {
		//lint:ignore SA1019 asked for by who knows that the recipient has nothing better
		sealed, err := rsa.EncryptPKCS1v15(rand.Reader, public, key)
		return tlv(tagSequence, derInt(0), issuerAndSerial(to), derAlgorithm(oidRSA, derNull), derOctets(sealed)), err
	}
	sealed, err := rsa.EncryptOAEP(sha256.New(), rand.Reader, public, key, nil)
	hash := derAlgorithm(oidSHA256, derNull)
	params := tlv(tagSequence, tlv(context(0), hash), tlv(context(1), derAlgorithm(oidMGF1, hash)))
	return tlv(tagSequence, derInt(0), issuerAndSerial(to), derAlgorithm(oidOAEP, params), derOctets(sealed)), err
}

// agreement makes a KeyAgreeRecipientInfo with a key of the moment (RFC 5753 §3.1).
func agreement(to *x509.Certificate, public *ecdsa.PublicKey, key []byte, c *contentCipher) ([]byte, error) {
	theirs, err := public.ECDH()
	if err != nil {
		return nil, errors.New("its curve is none of P-256, P-384 and P-521")
	}
	ours, err := theirs.Curve().GenerateKey(rand.Reader)
	if err != nil {
		return nil, err
	}
	secret, err := ours.ECDH(theirs)
	if err != nil {
		return nil, err
	}
	scheme := oidECDHSHA256
	switch public.Curve {
	case elliptic.P384():
		scheme = oidECDHSHA384
	case elliptic.P521():
		scheme = oidECDHSHA512
	}
	wrap := derAlgorithm(c.wrap, nil)
	kek := deriveKey(agreementDigests[scheme.String()].New(), secret, sharedInfo(wrap, nil, c.wraps), c.wraps)
	wrapped, err := wrapKey(kek, key)
	if err != nil {
		return nil, err
	}
	origin := tlv(context(1), derAlgorithm(oidEC, nil), derBits(ours.PublicKey()))
	list := tlv(tagSequence, tlv(tagSequence, issuerAndSerial(to), derOctets(wrapped)))
	return tlv(context(1), derInt(3), tlv(context(0), origin), derAlgorithm(scheme, wrap), list), nil
}

func derBits(k *ecdh.PublicKey) []byte { return tlv(tagBits, []byte{0}, k.Bytes()) }
