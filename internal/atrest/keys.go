package atrest

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"errors"
	"fmt"

	"freshet/internal/keyfile"
)

const (
	// SecretSize is how long the secret of a key is.
	SecretSize = 32
	// MaxKeys is how many keys there may be.
	MaxKeys = 64
	// SaltSize is how long a salt is.
	SaltSize = 32
)

// What opening says, wrapped or not.
var (
	// ErrNoKey: it is sealed by a key that is not there.
	ErrNoKey = errors.New("the key that it was sealed by is not in the file of keys")
	// ErrDamaged: it is not what was sealed.
	ErrDamaged = errors.New("not what was sealed")
	// ErrOtherSecret: a name of a key was given to another secret.
	ErrOtherSecret = errors.New("give a new secret a name of its own, and put the old line back")
)

// Keys are keys of which the first seals and all open. They do not change.
type Keys struct{ all []keyfile.Key }

// ParseKeys reads a file of keys, as package keyfile describes it. Each secret
// has [SecretSize] bytes.
func ParseKeys(file []byte) (*Keys, error) {
	all, err := keyfile.Parse(file, checkKey)
	if err != nil {
		return nil, err
	}
	if len(all) == 0 {
		return nil, errors.New("there is no key")
	}
	if len(all) > MaxKeys {
		return nil, fmt.Errorf("there are %d keys; %d are the most", len(all), MaxKeys)
	}
	k := &Keys{}
	for _, key := range all {
		if k.find(key.Name) != nil {
			return nil, fmt.Errorf("there are two keys %s; give each a name of its own", key.Name)
		}
		k.all = append(k.all, key)
	}
	return k, nil
}

func checkKey(k keyfile.Key) error {
	if err := keyfile.CheckName(k.Name); err != nil {
		return err
	}
	if len(k.Secret) != SecretSize {
		return fmt.Errorf("the secret of key %s has %d bytes; it needs %d, of a random source", k.Name, len(k.Secret), SecretSize)
	}
	return nil
}

// First is the name of the key that seals.
func (k *Keys) First() string { return k.all[0].Name }

// find returns the secret of a key, nil without one.
func (k *Keys) find(name string) []byte {
	for i := range k.all {
		if k.all[i].Name == name {
			return k.all[i].Secret
		}
	}
	return nil
}

// Seen remembers which secret each name has had. It is for one goroutine at a time.
type Seen struct{ secrets map[string][]byte }

// Add remembers keys. If one of them has another secret than a key of its name had
// before, it is an error, and nothing is remembered: what the one has sealed the
// other does not open, and nobody could say which of them is needed.
func (s *Seen) Add(k *Keys) error {
	for _, key := range k.all {
		secret, hadSecret := seenAs(key), s.secrets[key.Name]
		if hadSecret != nil && !hmac.Equal(hadSecret, secret) {
			return fmt.Errorf("key %s has another secret than it had: %w", key.Name, ErrOtherSecret)
		}
	}
	if s.secrets == nil {
		s.secrets = map[string][]byte{}
	}
	for _, key := range k.all {
		s.secrets[key.Name] = seenAs(key)
	}
	return nil
}

// seenAs is what is remembered of a secret, from which it cannot be made.
func seenAs(key keyfile.Key) []byte { return derive(key.Secret, nil, "seen") }

// Ring is keys that may change while they are used. It is for all goroutines.
type Ring struct{ current func() *Keys }

// NewRing returns a ring of the keys that current returns when it is asked.
func NewRing(current func() *Keys) *Ring { return &Ring{current} }

// First is the name of the key that seals now.
func (r *Ring) First() string { return r.current().First() }

// Has reports whether there is a key of that name.
func (r *Ring) Has(name string) bool { return r.current().find(name) != nil }

// Derive returns a secret of 32 bytes that is made of a key, by its name, for
// one purpose; nil without that key.
func (r *Ring) Derive(name, purpose string) []byte {
	secret := r.current().find(name)
	if secret == nil {
		return nil
	}
	return derive(secret, nil, purpose)
}

// labels stands before each purpose.
const labels = "freshet at rest 1: "

func derive(secret, salt []byte, purpose string) []byte {
	key, err := hkdf.Key(sha256.New, secret, salt, labels+purpose, SecretSize)
	if err != nil {
		panic(err) // of lengths that are constants
	}
	return key
}

func newAEAD(secret, salt []byte, purpose string) cipher.AEAD {
	block, err := aes.NewCipher(derive(secret, salt, purpose))
	if err == nil {
		var aead cipher.AEAD
		if aead, err = cipher.NewGCM(block); err == nil {
			return aead
		}
	}
	panic(err) // as above
}
