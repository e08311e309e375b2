package userfile

import (
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/crypto/argon2"
	"golang.org/x/crypto/bcrypt"
	"golang.org/x/text/unicode/norm"
)

// A hash is what is kept of a password.
type hash interface {
	check(password string) bool
	String() string
}

// The parameters of argon2id for new lines: the least that OWASP recommends, for a
// server has to bear several at once.
const (
	Memory = 19 * 1024 // KiB
	Passes = 2
	Lanes  = 1
	Salt   = 16 // octets
	key    = 32
)

// Bounds of what is read, so that no line makes an attempt cost a machine.
const (
	maxMemory = 256 * 1024 // KiB
	maxPasses = 16
	maxLanes  = 16
	maxCost   = 16 // of bcrypt
	// maxBcrypt is what bcrypt looks at of a password: two that begin with the same
	// so many octets would be one.
	maxBcrypt = 72
)

// Line returns a line for a name and a password, with a salt of Salt random
// octets.
func Line(name, password string, salt []byte) (string, error) {
	name, password = norm.NFC.String(name), norm.NFC.String(password)
	if err := errors.Join(CheckName(name), CheckPassword(password)); err != nil {
		return "", err
	}
	if len(salt) != Salt {
		return "", fmt.Errorf("the salt has %d octets, not %d", len(salt), Salt)
	}
	a := argon2id{Memory, Passes, Lanes, salt, nil}
	a.sum = a.of(password, key)
	return name + ":" + a.String(), nil
}

type argon2id struct {
	memory, passes uint32
	lanes          uint8
	salt, sum      []byte
}

func (a argon2id) of(password string, n int) []byte {
	return argon2.IDKey([]byte(password), a.salt, a.passes, a.memory, a.lanes, uint32(n))
}

func (a argon2id) check(password string) bool {
	return subtle.ConstantTimeCompare(a.of(password, len(a.sum)), a.sum) == 1
}

// String is the form of the Password Hashing Competition.
func (a argon2id) String() string {
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, a.memory, a.passes, a.lanes,
		base64.RawStdEncoding.EncodeToString(a.salt), base64.RawStdEncoding.EncodeToString(a.sum))
}

type bcrypted string

func (b bcrypted) check(password string) bool {
	long := len(password) > maxBcrypt
	if long {
		password = password[:maxBcrypt]
	}
	return bcrypt.CompareHashAndPassword([]byte(b), []byte(password)) == nil && !long
}

func (b bcrypted) String() string { return string(b) }

// renew says what to do about a hash that is too weak.
const renew = `; make it anew with "freshet user add" or "htpasswd -B"`

func parseHash(s string) (hash, error) {
	for _, old := range [...]struct{ prefix, name string }{
		{"$apr1$", "MD5 (apr1)"}, {"{SHA}", "SHA-1"}, {"{SSHA}", "SHA-1"}, {"$1$", "MD5 (crypt)"},
		{"$5$", "SHA-256 (crypt)"}, {"$6$", "SHA-512 (crypt)"}, {"$argon2i$", "argon2i"}, {"$argon2d$", "argon2d"},
		{"$2$", "the first bcrypt"}, {"$2x$", "a bcrypt with a fault"},
	} {
		if strings.HasPrefix(s, old.prefix) {
			return nil, errors.New("is hashed by " + old.name + ", which is not taken any more" + renew)
		}
	}
	switch {
	case strings.HasPrefix(s, "$argon2id$"):
		return parseArgon2id(s)
	case strings.HasPrefix(s, "$2a$"), strings.HasPrefix(s, "$2b$"), strings.HasPrefix(s, "$2y$"):
		return parseBcrypt(s)
	}
	return nil, errors.New("is not hashed, or in a way that is not taken" + renew)
}

func parseArgon2id(s string) (hash, error) {
	broken := errors.New("is no hash of argon2id as it is written ($argon2id$v=19$m=…,t=…,p=…$SALT$HASH)" + renew)
	parts := strings.Split(s, "$")
	if len(parts) != 6 || parts[2] != "v="+strconv.Itoa(argon2.Version) {
		return nil, broken
	}
	var a argon2id
	if n, err := fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &a.memory, &a.passes, &a.lanes); n != 3 || err != nil {
		return nil, broken
	}
	var bad [2]error
	a.salt, bad[0] = base64.RawStdEncoding.Strict().DecodeString(parts[4])
	a.sum, bad[1] = base64.RawStdEncoding.Strict().DecodeString(parts[5])
	if errors.Join(bad[:]...) != nil || a.String() != s {
		return nil, broken
	}
	switch {
	case a.memory < 8*uint32(a.lanes) || a.memory > maxMemory || a.passes < 1 || a.passes > maxPasses || a.lanes < 1 || a.lanes > maxLanes:
		return nil, fmt.Errorf("costs more or less than it may: at most m=%d (KiB), t=%d, p=%d", maxMemory, maxPasses, maxLanes)
	case len(a.salt) < 8 || len(a.salt) > 64 || len(a.sum) < 16 || len(a.sum) > 64:
		return nil, errors.New("has a salt of less than 8 or more than 64 octets, or a hash of less than 16 or more than 64")
	}
	return a, nil
}

func parseBcrypt(s string) (hash, error) {
	cost, err := bcrypt.Cost([]byte(s))
	switch {
	case err != nil || len(s) != 60 || strings.Trim(s[7:], "./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789") != "":
		return nil, errors.New("is no hash of bcrypt as it is written" + renew)
	case cost > maxCost:
		return nil, fmt.Errorf("costs more than it may: 2^%d rounds of bcrypt, at most 2^%d", cost, maxCost)
	}
	return bcrypted(s), nil
}
