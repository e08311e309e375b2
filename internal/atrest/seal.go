package atrest

import (
	"bytes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/base64"
	"encoding/binary"
	"fmt"

	"freshet/internal/keyfile"
)

const (
	magic     = "frshseal"
	version   = 1
	chunkSize = 64 << 10
	// TagSize is by how much a sealed part is longer, its tag with it.
	TagSize   = 16
	nonceSize = 12
	fixedHead = len(magic) + 2 // before the name
)

// IsSealed reports whether a file begins as one that [Ring.Seal] has made.
func IsSealed(file []byte) bool { return bytes.HasPrefix(file, []byte(magic)) }

// HasHead reports whether what begins a sealed file stands somewhere in a text.
func HasHead(text []byte) bool { return bytes.Contains(text, []byte(magic)) }

// nonceOf is the nonce of a chunk.
func nonceOf(nonce *[nonceSize]byte, number uint64, last bool) {
	binary.BigEndian.PutUint64(nonce[3:], number)
	nonce[11] = 0
	if last {
		nonce[11] = 1
	}
}

// SealedSize is how long n bytes are that the key seals which does now.
func (r *Ring) SealedSize(n int64) int64 {
	chunks := max((n+chunkSize-1)/chunkSize, 1)
	return int64(fixedHead+len(r.First())+SaltSize) + n + chunks*TagSize
}

// MaxSealedSize is how long n bytes can be, whatever the name of the key.
func MaxSealedSize(n int64) int64 {
	chunks := max((n+chunkSize-1)/chunkSize, 1)
	return int64(fixedHead+keyfile.MaxName+SaltSize) + n + chunks*TagSize
}

// Seal appends plain, sealed by the first key. What it is has to be said to
// open it, too, and is no secret.
func (r *Ring) Seal(dst, plain []byte, what string) []byte {
	start := len(dst)
	dst, aead := newHead(dst, r.current(), what)
	head := dst[start:len(dst):len(dst)]
	var nonce [nonceSize]byte
	for number := uint64(0); ; number++ {
		part := plain[:min(len(plain), chunkSize)]
		plain = plain[len(part):]
		nonceOf(&nonce, number, len(plain) == 0)
		dst = aead.Seal(dst, nonce[:], part, head)
		if len(plain) == 0 {
			return dst
		}
	}
}

// newHead appends the head of a new file, with a salt of its own.
func newHead(dst []byte, keys *Keys, what string) (head []byte, aead cipher.AEAD) {
	name := keys.First()
	dst = append(dst, magic...)
	dst = append(dst, version, byte(len(name)))
	dst = append(dst, name...)
	dst = append(dst, make([]byte, SaltSize)...)
	salt := dst[len(dst)-SaltSize:]
	rand.Read(salt)
	return dst, newAEAD(keys.all[0].Secret, salt, what)
}

// KeyOf returns the name of the key that a file is sealed by.
func KeyOf(file []byte) (name string, err error) {
	name, _, _, err = splitHead(file)
	return name, err
}

func splitHead(file []byte) (name string, head, rest []byte, err error) {
	if len(file) < fixedHead || !IsSealed(file) {
		return "", nil, nil, fmt.Errorf("%w: no head", ErrDamaged)
	}
	if v := file[len(magic)]; v != version {
		return "", nil, nil, fmt.Errorf("sealed in form %d; this version knows form %d", v, version)
	}
	end := fixedHead + int(file[len(magic)+1])
	if len(file) < end+SaltSize+TagSize {
		return "", nil, nil, fmt.Errorf("%w: cut off", ErrDamaged)
	}
	name = string(file[fixedHead:end])
	if !keyfile.ValidName(name) {
		return "", nil, nil, fmt.Errorf("%w: no name of a key", ErrDamaged)
	}
	end += SaltSize
	return name, file[:end:end], file[end:], nil
}

// Open appends what was sealed, and returns the name of the key. After an error
// nothing of it is to be believed; dst may have changed beyond its length. dst
// and file do not overlap.
func (r *Ring) Open(dst, file []byte, what string) (plain []byte, name string, err error) {
	name, head, rest, err := splitHead(file)
	if err != nil {
		return dst, "", err
	}
	secret := r.current().find(name)
	if secret == nil {
		return dst, name, fmt.Errorf("%w: key %s", ErrNoKey, name)
	}
	aead := newAEAD(secret, head[len(head)-SaltSize:], what)
	var nonce [nonceSize]byte
	plain = dst
	for number := uint64(0); ; number++ {
		part := rest[:min(len(rest), chunkSize+TagSize)]
		rest = rest[len(part):]
		nonceOf(&nonce, number, len(rest) == 0)
		if plain, err = aead.Open(plain, nonce[:], part, head); err != nil {
			return dst, name, fmt.Errorf("%w: chunk %d", ErrDamaged, number)
		}
		if len(rest) == 0 {
			return plain, name, nil
		}
	}
}

// linePrefix begins a sealed line; no JSON does, and no hexadecimal number.
const linePrefix = "~"

// IsSealedLine reports whether a line begins as one that [Ring.SealLine] has made.
func IsSealedLine(line []byte) bool { return bytes.HasPrefix(line, []byte(linePrefix)) }

// SealLine appends plain as sealed text without an end of line.
func (r *Ring) SealLine(dst, plain []byte, what string) []byte {
	dst = append(dst, linePrefix...)
	return base64.RawStdEncoding.AppendEncode(dst, r.Seal(nil, plain, what))
}

// OpenLine appends what [Ring.SealLine] has sealed.
func (r *Ring) OpenLine(dst, line []byte, what string) (plain []byte, name string, err error) {
	if !IsSealedLine(line) {
		return dst, "", fmt.Errorf("%w: no sealed line", ErrDamaged)
	}
	file, err := base64.RawStdEncoding.Strict().AppendDecode(nil, line[len(linePrefix):])
	if err != nil || bytes.ContainsAny(line, "\r\n") {
		return dst, "", fmt.Errorf("%w: not base64", ErrDamaged)
	}
	return r.Open(dst, file, what)
}
