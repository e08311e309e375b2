// Package userfile reads files of names and hashed passwords, and makes lines for
// them. A line is a name, a colon and a hash: argon2id, or bcrypt as "htpasswd -B"
// writes it.
//
//	all, err := userfile.Parse(data)
//	if all.Check("ann", password) { … }
//
// It decides nothing else, and bounds nothing: an attempt costs some ten
// milliseconds and 19 MiB, so that whoever asks bounds how many there are.
package userfile

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// Bounds of a file.
const (
	MaxFile     = 16 << 20 // octets
	MaxUsers    = 100_000
	MaxPassword = 1024 // octets
)

// ErrNone says that a file has no user.
var ErrNone = errors.New("there is no user in it")

// Users are names and their hashes. They do not change.
type Users struct {
	of    map[string]hash
	dummy hash // which is compared for names that are unknown
}

// Parse reads a file. Empty lines, and those that begin with #, are left out. Its
// error names the line.
func Parse(data []byte) (*Users, error) {
	u := &Users{of: map[string]hash{}}
	if len(data) > MaxFile {
		return nil, fmt.Errorf("it is larger than %d MiB", MaxFile>>20)
	}
	n := 0
	for line := range bytes.Lines(data) {
		n++
		text := strings.TrimRight(string(line), "\r\n")
		if text == "" || text[0] == '#' {
			continue
		}
		if err := u.add(text); err != nil {
			return nil, fmt.Errorf("line %d: %w", n, err)
		}
	}
	if len(u.of) == 0 {
		return nil, ErrNone
	}
	return u, nil
}

func (u *Users) add(line string) error {
	name, text, ok := strings.Cut(line, ":")
	if !ok {
		return errors.New("it has no colon; write NAME:HASH, as \"freshet user add\" does")
	}
	if err := CheckName(name); err != nil {
		return err
	}
	if name != norm.NFC.String(name) {
		return fmt.Errorf("the name %q is not in the form that clients send (NFC); add it anew with \"freshet user add\"", name)
	}
	if _, twice := u.of[name]; twice {
		return fmt.Errorf("%s is there twice; leave one out", name)
	}
	h, err := parseHash(text)
	if err != nil {
		return fmt.Errorf("the password of %s %w", name, err)
	}
	if len(u.of) == MaxUsers {
		return fmt.Errorf("there are more than %d users", MaxUsers)
	}
	if len(u.of) == 0 {
		u.dummy = h
	}
	u.of[name] = h
	return nil
}

// Form returns the form of a name or a password, NFC, whatever a client sends (RFC
// 7617 §2.1).
func Form(s string) string { return norm.NFC.String(s) }

// Check reports whether the password is that of the name. For a name that is
// unknown it takes as long as for the first of the file.
func (u *Users) Check(name, password string) bool {
	name, password = norm.NFC.String(name), norm.NFC.String(password)
	h, known := u.of[name]
	if !known {
		h = u.dummy
	}
	if h == nil || len(password) > MaxPassword {
		return false
	}
	return h.check(password) && known
}

// Hash returns what is kept of the password of a name, which is another one
// whenever the password is; "" for an unknown name.
func (u *Users) Hash(name string) string {
	if h := u.of[norm.NFC.String(name)]; h != nil {
		return h.String()
	}
	return ""
}

// Names returns how many there are.
func (u *Users) Names() int { return len(u.of) }

// CheckName says why a name cannot be one of Basic authentication (RFC 7617 §2),
// or of a line; nil when it can.
func CheckName(name string) error {
	switch {
	case name == "":
		return errors.New("the name is empty")
	case len(name) > 255:
		return errors.New("the name has more than 255 octets")
	case strings.Contains(name, ":"):
		return errors.New("the name has a colon")
	case name[0] == '#', strings.TrimSpace(name) != name:
		return errors.New("the name begins with #, or has a space at an end")
	}
	return clean("the name", name)
}

// CheckPassword says why a password cannot be one; nil when it can.
func CheckPassword(password string) error {
	switch {
	case password == "":
		return errors.New("the password is empty")
	case len(password) > MaxPassword:
		return fmt.Errorf("the password has more than %d octets", MaxPassword)
	}
	return clean("the password", password)
}

func clean(what, s string) error {
	switch {
	case !utf8.ValidString(s):
		return fmt.Errorf("%s is not UTF-8", what)
	case strings.ContainsFunc(s, unicode.IsControl):
		return fmt.Errorf("%s has a control character", what)
	}
	return nil
}
