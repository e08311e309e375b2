package digest

import (
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"errors"
	"fmt"
	"hash"

	"freshet/internal/field"
)

// Digest is a digest by an algorithm. Equal digests are ==. The zero value is
// none.
type Digest struct {
	Algorithm Algorithm
	size      uint8 // of the sum as it was stated
	sum       [sha512.Size]byte
}

// Of returns the digest of a content; the zero Digest for None.
func Of(a Algorithm, content []byte) (d Digest) {
	d.Algorithm, d.size = a, uint8(a.Size())
	switch a {
	case SHA256:
		sum := sha256.Sum256(content)
		copy(d.sum[:], sum[:])
	case SHA512:
		d.sum = sha512.Sum512(content)
	}
	return d
}

// FromSum returns the digest with a sum that was made elsewhere. With a sum of
// the wrong size it is a digest of nothing: no content has it.
func FromSum(a Algorithm, sum []byte) (d Digest) {
	d.Algorithm = a
	if len(sum) <= len(d.sum) {
		d.size = uint8(copy(d.sum[:], sum))
	}
	return d
}

// made returns what a hash has come to.
func made(a Algorithm, h hash.Hash) (d Digest) {
	d.Algorithm, d.size = a, uint8(a.Size())
	h.Sum(d.sum[:0])
	return d
}

// Sum returns the bytes.
func (d Digest) Sum() []byte { return d.sum[:d.size] }

// Append appends the digest as a member of a field:
//
//	sha-256=:X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE=:
func (d Digest) Append(dst []byte) []byte {
	dst = append(dst, d.Algorithm.String()...)
	dst = append(dst, "=:"...)
	dst = base64.StdEncoding.AppendEncode(dst, d.sum[:d.size])
	return append(dst, ':')
}

// String is what Append appends.
func (d Digest) String() string { return string(d.Append(nil)) }

// Append appends the value of a field with these digests.
func Append(dst []byte, digests ...Digest) []byte {
	for i, d := range digests {
		if i > 0 {
			dst = append(dst, ", "...)
		}
		dst = d.Append(dst)
	}
	return dst
}

// Field is a Content-Digest or a Repr-Digest.
type Field struct {
	Digests []Digest // those that can be compared, at most one by an algorithm
	Ignored []error  // why the other members cannot be
}

// ErrMalformed is why a field says nothing: it is no dictionary.
var ErrMalformed = errors.New("digest: the field is not a dictionary of algorithms")

// Parse reads a Content-Digest or a Repr-Digest; lines are the field's lines. A
// member whose algorithm is not trusted, or whose value is not a sequence of
// bytes, is set aside. A sum of the wrong size stays: no content has it.
func Parse(lines []string) (f Field, err error) {
	members, ok := field.ParseDictionary(lines)
	if !ok {
		return Field{}, ErrMalformed
	}
	var raw [2 * sha512.Size]byte
	for i := range members {
		m := &members[i]
		a, err := Named(m.Key)
		if err != nil {
			f.Ignored = append(f.Ignored, err)
			continue
		}
		sum, ok := raw[:0], m.Kind == field.Bytes
		if ok {
			sum, ok = field.AppendDecoded(sum, m.Text)
		}
		if !ok {
			f.Ignored = append(f.Ignored, fmt.Errorf("digest: %s is not a sequence of bytes", m.Key))
			continue
		}
		f.Digests = append(f.Digests, FromSum(a, sum))
	}
	return f, nil
}

// Applies says which digests of a response are of the bytes that come with it:
// Content-Digest is of any content; Repr-Digest is of a content that is the
// whole representation of what was asked for. Others speak of something else:
// that of a part of the whole, that of an answer to HEAD and of a 304 of what a
// GET would bring, and that of an answer to PUT, POST or PATCH may be of another
// resource (RFC 9530 §3.1).
func Applies(method string, status int) (content, repr bool) {
	switch {
	case method == "HEAD", method == "CONNECT" && status/100 == 2, status < 200, status == 204, status == 304:
		return false, false
	}
	return true, method == "GET" && status != 206
}
