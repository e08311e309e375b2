package signedurl

import (
	"bytes"
	"errors"
	"fmt"

	"freshet/internal/keyfile"
)

// A Key signs links and verifies them. Its ID is in the links, its Secret is for
// those alone who may make some.
type Key struct {
	ID     string
	Secret []byte
}

// Keys are those that a server believes. They do not change.
type Keys struct{ all []Key }

// ErrNoKey is the error of a set without a key.
var ErrNoKey = errors.New("there is no key")

// The bounds of keys.
const (
	MinSecret = 16   // bytes
	MaxSecret = 1024 // bytes
	MaxKeys   = 64
	maxID     = keyfile.MaxName
)

// NewKeys returns a set of keys, of which the first is to sign.
func NewKeys(all ...Key) (*Keys, error) {
	if len(all) == 0 {
		return nil, ErrNoKey
	}
	if len(all) > MaxKeys {
		return nil, fmt.Errorf("there are %d keys; %d are the most", len(all), MaxKeys)
	}
	k := &Keys{}
	for _, key := range all {
		if err := key.check(); err != nil {
			return nil, err
		}
		if k.find(key.ID) >= 0 {
			return nil, fmt.Errorf("there are two keys %s; give each a name of its own", key.ID)
		}
		k.all = append(k.all, Key{key.ID, bytes.Clone(key.Secret)})
	}
	return k, nil
}

// First returns the key that is to sign.
func (k *Keys) First() Key { return k.all[0] }

// IDs returns the names of all keys.
func (k *Keys) IDs() []string {
	all := make([]string, len(k.all))
	for i := range k.all {
		all[i] = k.all[i].ID
	}
	return all
}

// find returns the index of a key, -1 without one. Names of keys stand in
// links, and so are no secret.
func (k *Keys) find(id string) int {
	for i := range k.all {
		if k.all[i].ID == id {
			return i
		}
	}
	return -1
}

// check says what is wrong with a key.
func (k *Key) check() error {
	if err := keyfile.CheckName(k.ID); err != nil {
		return err
	}
	switch {
	case len(k.Secret) < MinSecret:
		return fmt.Errorf("the secret of key %s has %d bytes; it needs %d, of a random source", k.ID, len(k.Secret), MinSecret)
	case len(k.Secret) > MaxSecret:
		return fmt.Errorf("the secret of key %s has more than %d bytes; 32 are enough", k.ID, MaxSecret)
	}
	return nil
}

// ParseKeys reads a file of keys: a line for each, with its name and its secret.
// The first is to sign, all verify. Empty lines and those that begin with # are
// left out.
//
//	# since March
//	k2 q3Zk0oT9mRrQdC1rVwHc0v0mU9m8yq4mFZ3m8Gq7Wl0
//	k1 000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f
//
// A secret is in base64url, with or without padding; what has nothing but
// hexadecimal digits, an even number of them and 32 at least, is hexadecimal. An
// error names the line, and tells nothing of a secret.
func ParseKeys(data []byte) (*Keys, error) {
	lines, err := keyfile.Parse(data, func(k keyfile.Key) error { return (&Key{k.Name, k.Secret}).check() })
	if err != nil {
		return nil, err
	}
	all := make([]Key, len(lines))
	for i, line := range lines {
		all[i] = Key{line.Name, line.Secret}
	}
	return NewKeys(all...)
}

// String returns the line of a key in a file.
func (k Key) String() string { return keyfile.Key{Name: k.ID, Secret: k.Secret}.String() }
