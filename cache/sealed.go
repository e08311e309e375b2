package cache

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"strings"
	"sync"
	"sync/atomic"

	"freshet/internal/wire"
)

// A seal keeps secrets out of the names of keys: where a rule for keys names a
// field with credentials, whoever may look at what is stored would read them
// there. The fields of a key are encrypted for its name, so that the name still
// leads to the key, in this process; one key has one name. The zero value is
// ready to use.
type seal struct {
	needed atomic.Bool // some rule for keys names a field that is secret
	once   sync.Once
	aead   cipher.AEAD
	nonces [32]byte // key of the hash that nonces are made with
}

// sealed stands between the address and what is encrypted; no printable key
// has it.
const sealed = `\sealed:`

// mind has fields sealed from now on if rules name one that is secret.
func (s *seal) mind(rules *KeyRules) {
	for _, name := range rules.Headers {
		if isSecret(wire.CanonicalName(name)) {
			s.needed.Store(true)
		}
	}
}

func (s *seal) open() cipher.AEAD {
	s.once.Do(func() {
		var key [32]byte
		rand.Read(key[:])
		rand.Read(s.nonces[:])
		block, _ := aes.NewCipher(key[:]) // the length is right
		s.aead, _ = cipher.NewGCM(block)
	})
	return s.aead
}

// name returns what a key is called: the printable key, with its fields sealed
// if need be.
func (s *seal) name(key string) string {
	address := addressOf(key)
	if !s.needed.Load() || address == key {
		return printableKey(key)
	}
	aead, fields := s.open(), []byte(key[len(address):])
	h := hmac.New(sha256.New, s.nonces[:])
	h.Write(fields)
	nonce := h.Sum(nil)[:aead.NonceSize()] // so that a key has one name
	return printableKey(address) + sealed + base64.RawURLEncoding.EncodeToString(aead.Seal(nonce, nonce, fields, []byte(address)))
}

// key undoes name.
func (s *seal) key(name string) (string, bool) {
	shown, text, is := strings.Cut(name, sealed)
	address, ok := rawKey(shown)
	if !is || !ok {
		return address, ok
	}
	aead := s.open()
	b, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil || len(b) < aead.NonceSize() {
		return "", false
	}
	fields, err := aead.Open(nil, b[:aead.NonceSize()], b[aead.NonceSize():], []byte(address))
	return address + string(fields), err == nil
}
