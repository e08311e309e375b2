package signedurl

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"hash"
	"net/netip"
)

// Verdict says whether a link may be used.
type Verdict uint8

// The verdicts. All but Valid mean no.
const (
	Missing      Verdict = iota // there is no signature
	Malformed                   // our parameters are not as Sign writes them
	UnknownKey                  // it was signed with a key that is not there
	BadSignature                // the signature is not the one of this link
	Expired                     // it was good until a moment that is over
	WrongAddress                // it is for other addresses than the client's
	Outside                     // it is for what is below a path, and this is not
	Valid
)

var verdicts = [...]string{"missing", "malformed", "unknown key", "bad signature", "expired", "not for this address", "not for this path", "valid"}

// String returns the verdict in words.
func (v Verdict) String() string {
	if int(v) < len(verdicts) {
		return verdicts[v]
	}
	return "unknown"
}

// A Checker checks links, one at a time: it has the memory for that, so that
// nothing is allocated. Many may have the same keys.
type Checker struct {
	keys    *Keys
	macs    []hash.Hash // of the keys; nil until one is used
	message []byte
	prefix  []byte
	sum     [sha256.Size]byte
	want    [signatureLen]byte
	got     [signatureLen]byte
}

// NewChecker returns a Checker of the keys.
func (k *Keys) NewChecker() *Checker {
	return &Checker{keys: k, macs: make([]hash.Hash, len(k.all)), message: make([]byte, 0, 512)}
}

// maxKeptMessage bounds the memory that a Checker keeps.
const maxKeptMessage = 64 << 10

// Check says whether a request may be answered: for that host, as the Host field
// has it, that path and that query, both as they were sent, of a client at that
// address, at now, in seconds since 1970. When it may, rest is the query without
// our parameters, for whoever answers.
//
// What a signature says is told of good signatures alone: Expired, WrongAddress
// and Outside are of links that were made by somebody with a key. Whichever of
// its bytes differs, a signature is BadSignature, after the same time.
func (c *Checker) Check(host, path, query string, client netip.Addr, now int64) (rest string, v Verdict) {
	var l link
	if v := l.parse(query); v != Valid {
		return "", v
	}
	i := c.keys.find(l.key)
	if i < 0 {
		return "", UnknownKey
	}
	if !c.verify(i, &l, host, path) {
		return "", BadSignature
	}
	switch {
	case now >= l.expires:
		return "", Expired
	case l.addresses.IsValid() && !l.addresses.Contains(client.Unmap().WithZone("")):
		return "", WrongAddress
	case l.prefix != "":
		if v := c.within(l.prefix, path); v != Valid {
			return "", v
		}
	}
	return l.rest, Valid
}

// verify reports whether the signature is that of the link. Texts are compared,
// and not bytes: of those that mean the same bytes one is right.
func (c *Checker) verify(key int, l *link, host, path string) bool {
	c.message = l.appendMessage(c.message[:0], host, path)
	c.sign(key)
	copy(c.got[:], l.signature)
	if cap(c.message) > maxKeptMessage {
		c.message = nil
	}
	return subtle.ConstantTimeCompare(c.got[:], c.want[:]) == 1
}

// sign makes the signature of the message.
func (c *Checker) sign(key int) {
	mac := c.macs[key]
	if mac == nil {
		mac = hmac.New(sha256.New, c.keys.all[key].Secret)
		c.macs[key] = mac
	}
	mac.Reset()
	mac.Write(c.message)
	encoding.Encode(c.want[:], mac.Sum(c.sum[:0]))
}

// within says whether the path is one that a prefix opens.
func (c *Checker) within(prefix, path string) Verdict {
	c.message = append(c.message[:0], prefix...)
	if n := encoding.DecodedLen(len(prefix)); cap(c.prefix) < n {
		c.prefix = make([]byte, n)
	}
	n, err := encoding.Decode(c.prefix[:cap(c.prefix)], c.message)
	switch p := c.prefix[:n]; {
	case err != nil || n == 0 || p[0] != '/' || p[n-1] != '/':
		return Malformed
	case !below(path, p):
		return Outside
	}
	return Valid
}
