package digest

import (
	"crypto/sha256"
	"crypto/sha512"
	"hash"
)

// Algorithm is a way to make a digest (RFC 9530 §5).
type Algorithm uint8

// The algorithms that are made and trusted. None is no algorithm.
const (
	None Algorithm = iota
	SHA256
	SHA512
	algorithms // how many there are
)

var names = [algorithms]string{SHA256: "sha-256", SHA512: "sha-512"}

// String returns the name by which the algorithm is registered; "" of None.
func (a Algorithm) String() string {
	if a >= algorithms {
		return ""
	}
	return names[a]
}

// Size is how many bytes a digest has; 0 of None.
func (a Algorithm) Size() int { return [...]int{0, sha256.Size, sha512.Size}[a] }

// New returns a hash that makes digests; nil for None.
func (a Algorithm) New() hash.Hash {
	switch a {
	case SHA256:
		return sha256.New()
	case SHA512:
		return sha512.New()
	}
	return nil
}

// broken are the registered algorithms that are not to be used: a forger, or for
// the last four a moment of chance, finds other bytes with the same digest.
var broken = [...]string{"md5", "sha", "unixsum", "unixcksum", "adler", "crc32c"}

// A NameError is why an algorithm cannot be used.
type NameError struct {
	Name      string
	Successor string // what to use in its place; "" when the name is not registered
}

func (e *NameError) Error() string {
	if e.Successor == "" {
		return "digest algorithm " + e.Name + " is not known; use sha-256 or sha-512"
	}
	return "digest algorithm " + e.Name + " protects from no forger; use " + e.Successor
}

// Named returns the algorithm with a name, as fields write it: in lower case.
// The error is a *NameError.
func Named(name string) (Algorithm, error) {
	for a := SHA256; a < algorithms; a++ {
		if names[a] == name {
			return a, nil
		}
	}
	for _, b := range broken {
		if b == name {
			return None, &NameError{name, "sha-256"}
		}
	}
	return None, &NameError{Name: name}
}
