package signature

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/asn1"
	"errors"
	"fmt"
	"hash"
	"math/big"
)

// This file is the two primitives of RFC 9421 §3.3.

// pssOptions are those of RFC 9421 §3.3.1.
var pssOptions = rsa.PSSOptions{SaltLength: 64, Hash: crypto.SHA512}

// verify reports whether sig is the signature of a base.
func (k *Key) verify(base, sig []byte, macs *macs) bool {
	switch k.algorithm {
	case Ed25519:
		return len(sig) == ed25519.SignatureSize && ed25519.Verify(k.ed, base, sig)
	case ECDSAP256:
		sum := sha256.Sum256(base)
		return verifyECDSA(k.ec, sum[:], sig, 32)
	case ECDSAP384:
		sum := sha512.Sum384(base)
		return verifyECDSA(k.ec, sum[:], sig, 48)
	case RSAPSS:
		sum := sha512.Sum512(base)
		return rsa.VerifyPSS(k.rsa, crypto.SHA512, sum[:], sig, &pssOptions) == nil
	case RSAv15:
		sum := sha256.Sum256(base)
		return rsa.VerifyPKCS1v15(k.rsa, crypto.SHA256, sum[:], sig) == nil
	case HMAC:
		return hmac.Equal(macs.sum(k, base), sig)
	}
	return false
}

// macs are hashes that know their keys: with a short message half of an HMAC is
// to begin with the key. The zero value is ready.
type macs struct {
	of   [4]keyedHash // the one that came last stands first
	last [sha256.Size]byte
}

type keyedHash struct {
	key *Key
	hash.Hash
}

// sum is the code of a base by a key, until the next one.
func (m *macs) sum(k *Key, base []byte) []byte {
	h := m.hash(k)
	h.Reset()
	h.Write(base)
	return h.Sum(m.last[:0])
}

func (m *macs) hash(k *Key) hash.Hash {
	for i := range m.of {
		if m.of[i].key == k {
			return m.of[i].Hash
		}
	}
	copy(m.of[1:], m.of[:])
	m.of[0] = keyedHash{k, hmac.New(sha256.New, k.secret)}
	return m.of[0].Hash
}

// verifyECDSA verifies r and s, each of size bytes, one behind the other (RFC
// 9421 §3.3.4). The standard library wants them in DER.
func verifyECDSA(key *ecdsa.PublicKey, sum, sig []byte, size int) bool {
	if len(sig) != 2*size {
		return false
	}
	var buf [2 * (48 + 4)]byte
	der := append(buf[:0], 0x30, 0) // a sequence; its length is below 128
	der = appendInteger(der, sig[:size])
	der = appendInteger(der, sig[size:])
	der[1] = byte(len(der) - 2)
	return ecdsa.VerifyASN1(key, sum, der)
}

// appendInteger appends a number that is not negative in DER.
func appendInteger(dst, n []byte) []byte {
	for len(n) > 1 && n[0] == 0 {
		n = n[1:]
	}
	if n[0]&0x80 != 0 {
		dst = append(dst, 2, byte(len(n)+1), 0)
	} else {
		dst = append(dst, 2, byte(len(n)))
	}
	return append(dst, n...)
}

// sign returns the signature of a base.
func (k *Key) sign(base []byte) ([]byte, error) {
	if !k.CanSign() {
		if k.algorithm == RSAv15 {
			return nil, errors.New("signature: rsa-v1_5-sha256 is only verified; sign with rsa-pss-sha512, the key is the same")
		}
		return nil, errCannotSign
	}
	var sig []byte
	var err error
	switch k.algorithm {
	case HMAC:
		return new(macs).sum(k, base), nil
	case Ed25519:
		sig, err = k.signer.Sign(rand.Reader, base, crypto.Hash(0))
	case ECDSAP256:
		sum := sha256.Sum256(base)
		sig, err = signECDSA(k.signer, sum[:], crypto.SHA256, 32)
	case ECDSAP384:
		sum := sha512.Sum384(base)
		sig, err = signECDSA(k.signer, sum[:], crypto.SHA384, 48)
	case RSAPSS:
		sum := sha512.Sum512(base)
		sig, err = k.signer.Sign(rand.Reader, sum[:], &pssOptions)
	}
	if err != nil {
		return nil, fmt.Errorf("signature: sign with key %q: %w", k.id, err)
	}
	return sig, nil
}

// signECDSA signs, and turns what comes, in DER, into r and s of size bytes.
func signECDSA(s crypto.Signer, sum []byte, h crypto.Hash, size int) ([]byte, error) {
	der, err := s.Sign(rand.Reader, sum, h)
	if err != nil {
		return nil, err
	}
	var pair struct{ R, S *big.Int }
	if rest, err := asn1.Unmarshal(der, &pair); err != nil || len(rest) > 0 ||
		pair.R.Sign() < 0 || pair.S.Sign() < 0 || pair.R.BitLen() > 8*size || pair.S.BitLen() > 8*size {
		return nil, errors.New("the signer made no signature")
	}
	out := make([]byte, 2*size)
	pair.R.FillBytes(out[:size])
	pair.S.FillBytes(out[size:])
	return out, nil
}
