package smime

import (
	"crypto"
	"crypto/elliptic"
	"encoding/asn1"
	"fmt"
)

// agreementDigests are those of the key derivation, by scheme. SHA-1 is read, for
// it is what OpenSSL's default makes, and a key derivation does not need what
// SHA-1 has lost; it is not made.
var agreementDigests = map[string]crypto.Hash{
	oidECDHSHA1.String(): crypto.SHA1, oidCofactorSHA1.String(): crypto.SHA1,
	oidECDHSHA256.String(): crypto.SHA256, oidCofactorSHA256.String(): crypto.SHA256,
	oidECDHSHA384.String(): crypto.SHA384, oidCofactorSHA384.String(): crypto.SHA384,
	oidECDHSHA512.String(): crypto.SHA512, oidCofactorSHA512.String(): crypto.SHA512,
}

// maxRecipients bounds those of one message.
const maxRecipients = 1000

// An envelope is an EnvelopedData or AuthEnvelopedData that was read.
type envelope struct {
	cipher     *contentCipher
	params     []byte // of the cipher, with their head
	text, mac  []byte
	authed     []byte // attributes that the mac is of, as DER of a set; nil: none
	recipients []recipient
}

// A recipient is one way to the key of a message.
type recipient struct {
	id     identifier
	alg    algorithm
	key    []byte // the encrypted one
	agreed bool

	// Of a key agreement:
	curve  elliptic.Curve // nil when the message leaves it out
	origin []byte         // the public key of the moment
	ukm    []byte
}

// readEnvelope reads a ContentInfo with one of the two (RFC 5652 §6.1, RFC 5083 §2.1).
func readEnvelope(cms []byte) (*envelope, *Problem) {
	c, p := openCMS(cms, "encrypted")
	if p != nil {
		return nil, p
	}
	broken := problem("malformed", "have it sent again; it may have been cut off on its way", "the message cannot be read: %v", errDER)
	e := &envelope{}
	c.integer()
	c.maybe(context(0)) // what the sender has to say of itself
	list := c.in(tagSet)
	for len(list.rest) > 0 && !list.bad {
		if len(e.recipients) >= maxRecipients {
			return nil, problem("recipients", "have it sent to fewer at a time", "the message is for more than %d recipients", maxRecipients)
		}
		e.readRecipient(list)
	}
	inner := c.in(tagSequence)
	kind := inner.oid()
	alg := inner.algorithm()
	e.readText(inner)
	if attributes, ok := c.maybe(context(1)); ok {
		// In EnvelopedData these are not authenticated, and there is no mac after them.
		e.authed = tlv(tagSet, attributes)
	}
	if c.peek() == tagOctets {
		e.mac = c.take(tagOctets)
		c.maybe(context(2))
	}
	if c.err() != nil || inner.err() != nil || list.err() != nil {
		return nil, broken
	}
	if p := e.readCipher(alg); p != nil {
		return nil, p
	}
	if e.cipher.gcm != (e.mac != nil) {
		return nil, problem("malformed", "have it sent again in the form of RFC 5083", "the message has AES-GCM without authentication, or the other way round")
	}
	if !kind.Equal(oidData) {
		return nil, problem("not-data", "have the text itself encrypted", "what is encrypted is no mail but a structure of type %s", kind)
	}
	return e, nil
}

func (e *envelope) readCipher(alg algorithm) *Problem {
	for i := range contentCiphers {
		if c := &contentCiphers[i]; alg.id.Equal(c.id) {
			e.cipher, e.params = c, alg.params
			return nil
		}
	}
	const remedy = "have it encrypted with AES-256-GCM, or AES-256-CBC where that is not known"
	if isWeak(alg.id) {
		return problem("weak-cipher", remedy, "the message is encrypted with %s, which can be broken", nameOf(alg.id))
	}
	return problem("unknown-cipher", remedy, "the message is encrypted in a way that is not known here: %s", alg.id)
}

// readText takes the encrypted content, in one piece or several.
func (e *envelope) readText(inner *cursor) {
	if text, ok := inner.maybe(context(0) &^ 0x20); ok {
		e.text = text
		return
	}
	pieces := inner.in(context(0))
	for len(pieces.rest) > 0 && !pieces.bad {
		e.text = append(e.text, pieces.take(tagOctets)...)
	}
	inner.bad = inner.bad || pieces.bad
}

// readRecipient reads one RecipientInfo; kinds that are not known here are left out.
func (e *envelope) readRecipient(list *cursor) {
	switch list.peek() {
	case tagSequence:
		c := list.in(tagSequence)
		c.integer()
		r := recipient{id: readIdentifier(c), alg: c.algorithm()}
		r.key = c.take(tagOctets)
		list.bad = list.bad || c.err() != nil
		e.recipients = append(e.recipients, r)
	case context(1):
		e.readAgreement(list)
	default:
		list.any()
	}
}

// readAgreement reads a KeyAgreeRecipientInfo, of which each encrypted key is a
// recipient. One with a lasting key of the sender is left out.
func (e *envelope) readAgreement(list *cursor) {
	c := list.in(context(1))
	c.integer()
	var r recipient
	r.agreed = true
	origin := c.in(context(0))
	known := origin.peek() == context(1)
	if known {
		public := origin.in(context(1))
		alg := public.algorithm()
		r.curve, known = curveOf(alg)
		bits := public.take(tagBits)
		if len(bits) < 2 || bits[0] != 0 {
			public.bad = true
		} else {
			r.origin = bits[1:]
		}
		origin.bad = origin.bad || public.err() != nil
	} else {
		origin.any()
	}
	if ukm, ok := c.maybe(context(1)); ok {
		in := cursor{rest: ukm}
		if r.ukm = in.take(tagOctets); r.ukm == nil {
			r.ukm = []byte{}
		}
		c.bad = c.bad || in.err() != nil
	}
	r.alg = c.algorithm()
	keys := c.in(tagSequence)
	for len(keys.rest) > 0 && !keys.bad && len(e.recipients) < maxRecipients {
		one := keys.in(tagSequence)
		if id, ok := one.maybe(context(0)); ok { // RecipientKeyIdentifier
			in := cursor{rest: id}
			r.id = identifier{keyID: in.take(tagOctets)}
			one.bad = one.bad || in.bad
		} else {
			r.id = readIdentifier(one)
		}
		r.key = one.take(tagOctets)
		keys.bad = keys.bad || one.err() != nil
		if known {
			e.recipients = append(e.recipients, r)
		}
	}
	list.bad = list.bad || c.err() != nil || origin.err() != nil || keys.err() != nil
}

// curveOf reads the curve of a key; nil when it is that of the recipient.
func curveOf(a algorithm) (curve elliptic.Curve, ok bool) {
	if !a.id.Equal(oidEC) {
		return nil, false
	}
	if a.plain() {
		return nil, true
	}
	for oid, curve := range map[string]elliptic.Curve{"1.2.840.10045.3.1.7": elliptic.P256(), "1.3.132.0.34": elliptic.P384(), "1.3.132.0.35": elliptic.P521()} {
		var id asn1.ObjectIdentifier
		if _, err := asn1.Unmarshal(a.params, &id); err == nil && id.String() == oid {
			return curve, true
		}
	}
	return nil, false
}

// name says for whom a recipient is, when that can be told.
func (r *recipient) name() string {
	if len(r.id.keyID) > 0 {
		return fmt.Sprintf("the key %x", r.id.keyID)
	}
	return issuerAndSerialText(r.id.issuerAndSerial)
}
