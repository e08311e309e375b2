package guard

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"freshet/internal/authority"
	"freshet/internal/keyfile"
	"freshet/signature"
)

// emptied is about keys that were read without a fault, and of which there are none.
// At a start that is one; later somebody has taken the last one away, and what it has
// signed is good no more.
type emptied struct{ error }

// isEmptied reports whether the error is that alone.
func isEmptied(err error) bool { return errors.As(err, new(emptied)) }

// MaxSignatureKeys is how many keys a file or a folder may have.
const MaxSignatureKeys = 4096

// maxKeyFile is how long a file of a key may be, in octets.
const maxKeyFile = 1 << 20

// A signatureRing is the keys by which messages may be signed.
type signatureRing map[string]*signature.Key

func (r *signatureRing) key(id string) *signature.Key { return (*r)[id] }

// names returns the keys' names, in order.
func (r signatureRing) names() []string {
	all := make([]string, 0, len(r))
	for id := range r {
		all = append(all, id)
	}
	slices.Sort(all)
	return all
}

// readSignatureKeys reads the keys that messages are verified with. path is a
// file, with a line for each key: its name, its algorithm, and the file of its
// public key, PEM, as seen from that file; of hmac-sha256 the secret itself.
//
//	# name  algorithm          key
//	shop    ed25519            shop.pem
//	bank    ecdsa-p256-sha256  keys/bank.pem
//	batch   hmac-sha256        q3Zk0oT9mRrQdC1rVwHc0v0mU9m8yq4mFZ3m8Gq7Wl0
//
// Or it is a folder: each file NAME.pem in it is the public key of that name, of
// the algorithm that such keys are for. read has what was read, or
// was to be, for who looks whether it has changed.
func readSignatureKeys(path string) (ring signatureRing, read []string, err error) {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return nil, nil, fmt.Errorf("read the keys of signatures: %w", err)
	case info.IsDir():
		return readKeyFolder(path)
	}
	text, err := readShort(path)
	if err != nil {
		return nil, nil, fmt.Errorf("read the keys of signatures: %w", err)
	}
	ring, read, secret, err := parseSignatureKeys(text, filepath.Dir(path))
	read = append(read, path)
	if err == nil && secret {
		// Only now is it known that it is to be nobody else's to read.
		var private []byte
		if private, err = authority.ReadKey(path); err == nil && !bytes.Equal(private, text) {
			err = errors.New("it changed while it was read")
		}
	}
	if err != nil {
		return nil, read, fmt.Errorf("%s: %w", path, err)
	}
	return ring, read, nil
}

// parseSignatureKeys parses a file of keys; dir is where it is. secret says that
// a line has one.
func parseSignatureKeys(text []byte, dir string) (ring signatureRing, read []string, secret bool, err error) {
	ring = signatureRing{}
	n := 0
	for line := range strings.Lines(string(text)) {
		n++
		words := strings.Fields(line)
		if len(words) == 0 || words[0][0] == '#' {
			continue
		}
		if len(words) != 3 {
			return nil, nil, false, fmt.Errorf("line %d: a line is a name, an algorithm and a key, with spaces between", n)
		}
		a := signature.Named(words[1])
		var key *signature.Key
		switch {
		case a == signature.Unknown:
			err = fmt.Errorf("%q is no algorithm; give ed25519, ecdsa-p256-sha256, ecdsa-p384-sha384, rsa-pss-sha512, rsa-v1_5-sha256 or hmac-sha256", words[1])
		case a == signature.HMAC:
			secret = true
			key, err = secretKey(words[0], words[2])
		default:
			file := words[2]
			if !filepath.IsAbs(file) {
				file = filepath.Join(dir, file)
			}
			read = append(read, file)
			key, err = publicKey(words[0], a, file)
		}
		if err == nil {
			err = ring.add(key)
		}
		if err != nil {
			return nil, read, false, fmt.Errorf("line %d: %w", n, err)
		}
	}
	if len(ring) == 0 {
		return nil, nil, false, emptied{errors.New("there is no key in it; a line is a name, an algorithm and a key")}
	}
	return ring, read, secret, nil
}

func readKeyFolder(dir string) (ring signatureRing, read []string, err error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, nil, fmt.Errorf("read the keys of signatures: %w", err)
	}
	ring, read = signatureRing{}, []string{dir}
	for _, e := range entries {
		name, ok := strings.CutSuffix(e.Name(), ".pem")
		if !ok || e.IsDir() {
			continue
		}
		file := filepath.Join(dir, e.Name())
		read = append(read, file)
		key, err := publicKey(name, signature.Unknown, file)
		if err == nil {
			err = ring.add(key)
		}
		if err != nil {
			return nil, read, err
		}
	}
	if len(ring) == 0 {
		return nil, read, emptied{fmt.Errorf("%s: there is no key in this folder; a public key is a file NAME.pem in it", dir)}
	}
	return ring, read, nil
}

func (r signatureRing) add(k *signature.Key) error {
	switch {
	case keyfile.CheckName(k.ID()) != nil:
		return keyfile.CheckName(k.ID())
	case r[k.ID()] != nil:
		return fmt.Errorf("there are two keys %s; give one another name", k.ID())
	case len(r) == MaxSignatureKeys:
		return fmt.Errorf("there are more than %d keys", MaxSignatureKeys)
	}
	r[k.ID()] = k
	return nil
}

// secretKey makes a key of the text of a secret, as files of named secrets have it.
func secretKey(name, text string) (*signature.Key, error) {
	keys, err := keyfile.Parse([]byte(name+" "+text), func(keyfile.Key) error { return nil })
	if err != nil || len(keys) != 1 {
		return nil, fmt.Errorf("the secret of key %s is neither base64url nor hexadecimal", name)
	}
	return signature.NewKey(name, signature.HMAC, keys[0].Secret)
}

// publicKey reads a public key. A private one there would be in one place more
// than it has to be.
func publicKey(name string, a signature.Algorithm, file string) (*signature.Key, error) {
	text, err := readShort(file)
	if err != nil {
		return nil, err
	}
	key, err := signature.ParseKey(name, a, text)
	switch {
	case err != nil:
		return nil, fmt.Errorf("%s: %w", file, err)
	case key.CanSign(), bytes.Contains(text, []byte("PRIVATE KEY-----")):
		return nil, fmt.Errorf("%s has a private key, and who verifies needs the public one: openssl pkey -in FILE -pubout -out OTHER", file)
	}
	return key, nil
}

// readShort reads a file that is not waited for, and not long.
func readShort(file string) ([]byte, error) {
	info, err := os.Stat(file)
	switch {
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular():
		return nil, &fs.PathError{Op: "read", Path: file, Err: errors.New("it is not a regular file")}
	case info.Size() > maxKeyFile:
		return nil, &fs.PathError{Op: "read", Path: file, Err: fmt.Errorf("it has more than %d bytes and is no key", maxKeyFile)}
	}
	return os.ReadFile(file)
}
