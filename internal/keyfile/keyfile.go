// Package keyfile reads files of named secrets, as guards of signed links and
// the encryption of what is stored have them: a line for each, with its name
// and its secret. It does not open files, and does not know what the secrets
// are for: who reads one says how long they have to be.
//
//	# since March
//	k2 q3Zk0oT9mRrQdC1rVwHc0v0mU9m8yq4mFZ3m8Gq7Wl0
//	k1 000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f
//
// The first is to make things with, all are to open them. Empty lines and those
// that begin with # are left out. A secret is in base64url, with or without
// padding; what has nothing but hexadecimal digits, an even number of them and
// 32 at least, is hexadecimal.
package keyfile

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"strings"
)

// MaxName is how long a name may be.
const MaxName = 64

// minHex is from how many digits on a secret may be hexadecimal: fewer are no secret.
const minHex = 32

// A Key is a line of a file.
type Key struct {
	Name   string
	Secret []byte
}

// String returns the line.
func (k Key) String() string { return k.Name + " " + base64.RawURLEncoding.EncodeToString(k.Secret) }

// Parse reads a file; each key is to pass check. An error names the line, and
// tells nothing of a secret.
func Parse(data []byte, check func(Key) error) ([]Key, error) {
	var all []Key
	n := 0
	for line := range strings.Lines(string(data)) {
		n++
		words := strings.Fields(line)
		if len(words) == 0 || words[0][0] == '#' {
			continue
		}
		if len(words) != 2 {
			return nil, fmt.Errorf("line %d: a line is a name and a secret, with a space between", n)
		}
		secret, ok := parseSecret(words[1])
		if !ok {
			return nil, fmt.Errorf("line %d: the secret is neither base64url nor hexadecimal", n)
		}
		key := Key{words[0], secret}
		if err := check(key); err != nil {
			return nil, fmt.Errorf("line %d: %w", n, err)
		}
		all = append(all, key)
	}
	return all, nil
}

func parseSecret(text string) ([]byte, bool) {
	if len(text) >= minHex {
		if secret, err := hex.DecodeString(text); err == nil {
			return secret, true
		}
	}
	secret, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(text, "="))
	return secret, err == nil
}

// ValidName reports whether a name is one: letters, digits, "-", "_" and ".".
func ValidName(name string) bool {
	if name == "" || len(name) > MaxName {
		return false
	}
	for i := range len(name) {
		c := name[i]
		if !('a' <= c|0x20 && c|0x20 <= 'z' || '0' <= c && c <= '9' || c == '-' || c == '_' || c == '.') {
			return false
		}
	}
	return true
}

// CheckName says what is wrong with a name.
func CheckName(name string) error {
	if ValidName(name) {
		return nil
	}
	return fmt.Errorf("%q is no name of a key; give letters, digits, \"-\", \"_\" and \".\", %d at most", name, MaxName)
}
