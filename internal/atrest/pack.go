package atrest

import (
	"encoding/base64"
	"errors"
)

// What is kept of what must not be mixed: with keys all of it is sealed, without
// keys nothing is. "freshet seal" rewrites what there is.
var (
	// ErrSealed: it is sealed, and there are no keys.
	ErrSealed = errors.New("it is sealed, and no key was given: --encrypt FILE names the file of keys, and \"freshet seal --plain\" makes it plain")
	// ErrPlain: it is not sealed, and there are keys.
	ErrPlain = errors.New("it is not sealed, and a file of keys was given: \"freshet seal\" seals what there is, while nobody uses it; or leave --encrypt out")
)

// Pack is what is to be stored of plain: sealed by the first key, or as it is
// without keys, when r is nil.
func (r *Ring) Pack(plain []byte, what string) []byte {
	if r == nil {
		return plain
	}
	return r.Seal(nil, plain, what)
}

// Unpack is what [Ring.Pack] was given, and the name of the key that it was sealed
// by. With keys what is plain is refused, for anybody can have put it there, and
// without keys, when r is nil, what is sealed. The result may be file itself.
func (r *Ring) Unpack(file []byte, what string) (plain []byte, name string, err error) {
	switch {
	case r == nil && IsSealed(file):
		return nil, "", ErrSealed
	case r == nil:
		return file, "", nil
	case !IsSealed(file):
		return nil, "", ErrPlain
	}
	return r.Open(nil, file, what)
}

// KeyOfLine returns the name of the key that a line is sealed by.
func KeyOfLine(line []byte) (name string, err error) {
	if !IsSealedLine(line) {
		return "", ErrPlain
	}
	file, err := base64.RawStdEncoding.AppendDecode(nil, line[len(linePrefix):])
	if err != nil {
		return "", ErrDamaged
	}
	return KeyOf(file)
}

// A Change rewrites what is stored: from plain, or sealed by any of the keys, to
// sealed by the first one, or to plain.
type Change struct {
	Ring  *Ring // never nil
	Plain bool  // to plain
}

// Repack is how a file is to be stored; done says that it is stored so already.
// What does not open, whatever it is stored as, is an error.
func (c *Change) Repack(file []byte, what string) (next []byte, done bool, err error) {
	plain, name := file, ""
	if IsSealed(file) {
		if plain, name, err = c.Ring.Open(nil, file, what); err != nil {
			return nil, false, err
		}
	}
	switch {
	case c.Plain:
		return plain, name == "", nil
	case name == c.Ring.First():
		return file, true, nil
	}
	return c.Ring.Seal(nil, plain, what), false, nil
}
