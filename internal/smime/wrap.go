package smime

import (
	"crypto/aes"
	"crypto/subtle"
	"encoding/binary"
	"errors"
	"hash"
)

// wrapIV is the value that shows that a key was unwrapped whole (RFC 3394 §2.2.3.1).
var wrapIV = [8]byte{0xa6, 0xa6, 0xa6, 0xa6, 0xa6, 0xa6, 0xa6, 0xa6}

var errWrap = errors.New("wrong key")

// wrapKey encrypts a key with a key (RFC 3394 §2.2.1).
func wrapKey(kek, key []byte) ([]byte, error) {
	block, err := aes.NewCipher(kek)
	if err != nil || len(key)%8 != 0 || len(key) < 16 {
		return nil, errWrap
	}
	n := len(key) / 8
	out := append(append(make([]byte, 0, len(key)+8), wrapIV[:]...), key...)
	var b [16]byte
	copy(b[:8], out)
	for j := range 6 {
		for i := 1; i <= n; i++ {
			copy(b[8:], out[i*8:])
			block.Encrypt(b[:], b[:])
			t := binary.BigEndian.Uint64(b[:8]) ^ uint64(n*j+i)
			binary.BigEndian.PutUint64(b[:8], t)
			copy(out[i*8:], b[8:])
		}
	}
	copy(out, b[:8])
	return out, nil
}

// unwrapKey undoes wrapKey, and knows a wrong key (RFC 3394 §2.2.2).
func unwrapKey(kek, wrapped []byte) ([]byte, error) {
	block, err := aes.NewCipher(kek)
	if err != nil || len(wrapped)%8 != 0 || len(wrapped) < 24 || len(wrapped) > 72 {
		return nil, errWrap
	}
	n := len(wrapped)/8 - 1
	out := append([]byte(nil), wrapped...)
	var b [16]byte
	copy(b[:8], out)
	for j := 5; j >= 0; j-- {
		for i := n; i >= 1; i-- {
			t := binary.BigEndian.Uint64(b[:8]) ^ uint64(n*j+i)
			binary.BigEndian.PutUint64(b[:8], t)
			copy(b[8:], out[i*8:])
			block.Decrypt(b[:], b[:])
			copy(out[i*8:], b[8:])
		}
	}
	if subtle.ConstantTimeCompare(b[:8], wrapIV[:]) != 1 {
		return nil, errWrap
	}
	return out[8:], nil
}

// deriveKey makes a key of a shared secret: the KDF of ANSI X9.63, as SEC 1 §3.6.1
// has it.
func deriveKey(h hash.Hash, secret, info []byte, length int) []byte {
	var out []byte
	for i := uint32(1); len(out) < length; i++ {
		h.Reset()
		h.Write(secret)
		h.Write(binary.BigEndian.AppendUint32(nil, i))
		h.Write(info)
		out = h.Sum(out)
	}
	return out[:length]
}

// sharedInfo is ECC-CMS-SharedInfo (RFC 5753 §7.2).
func sharedInfo(wrap, ukm []byte, length int) []byte {
	var user []byte
	if ukm != nil {
		user = tlv(context(0), derOctets(ukm))
	}
	bits := binary.BigEndian.AppendUint32(nil, uint32(length*8))
	return tlv(tagSequence, wrap, user, tlv(context(2), derOctets(bits)))
}
