package signing

import (
	"bytes"
	"fmt"
	"path/filepath"
	"strings"

	"freshet/internal/authority"
	"freshet/internal/keyfile"
	"freshet/signature"
)

// Open returns a signer with the key in a file that nobody else can read.
func Open(file string, o Options) (*Signer, error) {
	key, err := ReadKey(file)
	if err != nil {
		return nil, err
	}
	return New(key, o)
}

// ReadKey reads a key to sign with. The file has a private key, PEM: then its
// name, without what follows the first dot, is the key's name, and the algorithm
// is the one that such keys are for. Or it has a line, as those of servers: the
// name, the algorithm, and the file of the private key, seen from there, or the
// secret of hmac-sha256. Of several lines the first signs.
func ReadKey(file string) (*signature.Key, error) {
	text, err := authority.ReadKey(file)
	if err != nil {
		return nil, fmt.Errorf("read the key to sign with: %w", err)
	}
	var key *signature.Key
	if bytes.Contains(text, []byte("-----BEGIN")) {
		name, _, _ := strings.Cut(filepath.Base(file), ".")
		key, err = signature.ParseKey(name, signature.Unknown, text)
	} else {
		key, err = lineKey(text, filepath.Dir(file))
	}
	switch {
	case err != nil:
		return nil, fmt.Errorf("%s: %w", file, err)
	case key.Algorithm() == signature.RSAv15:
		return nil, fmt.Errorf("%s: rsa-v1_5-sha256 is only verified; sign with rsa-pss-sha512, the key is the same", file)
	case !key.CanSign():
		return nil, fmt.Errorf("%s has a public key, and who signs needs the private one", file)
	}
	return key, nil
}

// lineKey reads the first line of a file of keys.
func lineKey(text []byte, dir string) (*signature.Key, error) {
	for line := range strings.Lines(string(text)) {
		words := strings.Fields(line)
		if len(words) == 0 || words[0][0] == '#' {
			continue
		}
		if len(words) != 3 {
			return nil, fmt.Errorf("a line is a name, an algorithm and a key, with spaces between, and a private key is PEM")
		}
		if err := keyfile.CheckName(words[0]); err != nil {
			return nil, err
		}
		switch a := signature.Named(words[1]); a {
		case signature.Unknown:
			return nil, fmt.Errorf("%q is no algorithm; give ed25519, ecdsa-p256-sha256, ecdsa-p384-sha384, rsa-pss-sha512 or hmac-sha256", words[1])
		case signature.HMAC:
			keys, err := keyfile.Parse([]byte(words[0]+" "+words[2]), func(keyfile.Key) error { return nil })
			if err != nil {
				return nil, fmt.Errorf("the secret of key %s is neither base64url nor hexadecimal", words[0])
			}
			return signature.NewKey(words[0], a, keys[0].Secret)
		default:
			name := words[2]
			if !filepath.IsAbs(name) {
				name = filepath.Join(dir, name)
			}
			pem, err := authority.ReadKey(name)
			if err != nil {
				return nil, err
			}
			return signature.ParseKey(words[0], a, pem)
		}
	}
	return nil, fmt.Errorf("there is no key in it; give a private key, PEM, or a line with a name, an algorithm and a key")
}
