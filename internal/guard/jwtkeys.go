package guard

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/go-jose/go-jose/v4"

	"freshet/internal/keyfile"
	"freshet/internal/strength"
)

// The bounds of a set of keys.
const (
	maxJWTKeySet = 64 << 10 // octets
	maxJWTKeys   = 100
	maxJWTKeyID  = 255 // octets of a key's name
)

// A jwtKey is a public key, and the one algorithm that it is for.
type jwtKey struct {
	id        string // "": it has no name
	algorithm string
	public    any
}

// A jwtRing is the keys of a set. It is not changed once it is made.
type jwtRing struct {
	keys    []jwtKey
	sum     [sha256.Size]byte // of what it was read from
	skipped []string          // why keys of the set are not used
}

// errWeak is about a key that can be broken, or that would let its holders make
// tokens themselves. A file with such a key is refused, for somebody wants it used;
// of a set that is fetched it is passed over.
var errWeak = errors.New("it is not safe to use")

// parseJWTKeys reads a JWK set (RFC 7517 §5), or public keys and certificates as
// PEM. Keys for something else are passed over (RFC 7517 §5), but one is needed.
func parseJWTKeys(text []byte, strict bool) (*jwtRing, error) {
	if len(text) > maxJWTKeySet {
		return nil, fmt.Errorf("it has more than %d KiB", maxJWTKeySet>>10)
	}
	ring := &jwtRing{sum: sha256.Sum256(text)}
	var err error
	isPEM := !bytes.HasPrefix(bytes.TrimLeft(text, " \t\r\n"), []byte("{")) && bytes.Contains(text, []byte("-----BEGIN "))
	if isPEM {
		err = ring.readPEM(text, strict)
	} else {
		err = ring.readSet(text, strict)
	}
	switch {
	case err != nil:
		return nil, err
	case len(ring.keys) > 0:
		return ring, nil
	case len(ring.skipped) > 0:
		err = fmt.Errorf("it has no key that can be used: %s", strings.Join(ring.skipped[:min(3, len(ring.skipped))], "; "))
		if !isPEM {
			err = emptied{err}
		}
		return nil, err
	case isPEM: // half a file, maybe
		return nil, errors.New("there is no key in it")
	}
	return nil, emptied{errors.New("there is no key in it")}
}

// add adds a key, or says why it is not used; what is an error in a file that
// somebody has named.
func (ring *jwtRing) add(n int, k jwtKey, err error, strict bool) error {
	if err == nil {
		err = k.fits()
	}
	if err == nil {
		ring.keys = append(ring.keys, k)
		return nil
	}
	err = fmt.Errorf("key %d: %w", n, err)
	if strict && errors.Is(err, errWeak) {
		return err
	}
	ring.skipped = append(ring.skipped, err.Error())
	return nil
}

// fits finds what a key is for; algorithm is what was said of it, "" for nothing.
func (k *jwtKey) fits() error {
	var is string
	switch public := k.public.(type) {
	case *rsa.PublicKey:
		if public.N.BitLen() < strength.LeastRSA {
			return fmt.Errorf("it is an RSA key of %d bits, which can be broken; use one of 2048 or more, or an Ed25519 key: %w", public.N.BitLen(), errWeak)
		}
		if public.N.BitLen() > jose.MaxRSAModulusBits { // as the library, which reads those of sets
			return fmt.Errorf("it is an RSA key of %d bits, which takes too long to verify with; use one of %d at most", public.N.BitLen(), jose.MaxRSAModulusBits)
		}
		if public.E < 3 || public.E%2 == 0 {
			return fmt.Errorf("its exponent is no odd number above 1: %w", errWeak)
		}
		is = keyfile.RS256
	case *ecdsa.PublicKey:
		if public.Curve != elliptic.P256() {
			return fmt.Errorf("it is of the curve %s, and ES256 is with P-256", public.Curve.Params().Name)
		}
		is = keyfile.ES256
	case ed25519.PublicKey:
		is = keyfile.EdDSA
	default:
		return errors.New("it is of a kind that signs no tokens here; use RSA, P-256 or Ed25519")
	}
	if k.algorithm != "" && k.algorithm != is {
		if _, weak := keyfile.TokenSuccessor(k.algorithm); weak {
			return fmt.Errorf("it is for %s; %s: %w", quoted(k.algorithm), mustUse, errWeak)
		}
		return fmt.Errorf("it is for %s, and not for %s", quoted(k.algorithm), is)
	}
	k.algorithm = is
	return nil
}

const mustUse = "use RS256, ES256 or EdDSA"

// readPEM reads public keys, and those of certificates. They have no names.
func (ring *jwtRing) readPEM(text []byte, strict bool) error {
	for n := 1; ; n++ {
		var block *pem.Block
		if block, text = pem.Decode(text); block == nil {
			return nil
		}
		if n > maxJWTKeys {
			return fmt.Errorf("it has more than %d keys", maxJWTKeys)
		}
		var k jwtKey
		var err error
		switch block.Type {
		case "PUBLIC KEY":
			k.public, err = x509.ParsePKIXPublicKey(block.Bytes)
		case "RSA PUBLIC KEY":
			k.public, err = x509.ParsePKCS1PublicKey(block.Bytes)
		case "CERTIFICATE":
			var c *x509.Certificate
			if c, err = x509.ParseCertificate(block.Bytes); err == nil {
				k.public = c.PublicKey
			}
		default:
			err = fmt.Errorf("it is %s; who verifies needs the public key: openssl pkey -in FILE -pubout -out OTHER: %w", block.Type, errWeak)
		}
		if err := ring.add(n, k, err, strict); err != nil {
			return err
		}
	}
}

// readSet reads a JWK set.
func (ring *jwtRing) readSet(text []byte, strict bool) error {
	set, err := readObject(text)
	if err != nil {
		return fmt.Errorf("it is neither PEM nor a JWK set: %w", err)
	}
	list, is := set["keys"].([]any)
	if !is {
		return errors.New(`it is no JWK set: {"keys":[…]}`)
	}
	if len(list) > maxJWTKeys {
		return fmt.Errorf("it has more than %d keys", maxJWTKeys)
	}
	for i, member := range list {
		k, err := readJWK(member)
		if err := ring.add(i+1, k, err, strict); err != nil {
			return err
		}
	}
	return nil
}

// jwkMembers are the members of public keys that say what the key is (RFC 7518 §6,
// RFC 8037 §2). The library sees no others: it would parse certificates that nobody
// looks at.
var jwkMembers = []string{"kty", "n", "e", "crv", "x", "y"}

// readJWK reads a public key (RFC 7517 §4).
func readJWK(member any) (k jwtKey, err error) {
	m, is := member.(map[string]any)
	if !is {
		return k, errors.New("it is no object")
	}
	for _, name := range [...]string{"d", "p", "q", "dp", "dq", "qi", "oth"} {
		if _, private := m[name]; private {
			return k, fmt.Errorf("it is a private key, and who verifies needs the public one: %w", errWeak)
		}
	}
	if m["kty"] == "oct" || m["k"] != nil {
		return k, fmt.Errorf("it is a secret, with which whoever verifies could make tokens, too; %s: %w", mustUse, errWeak)
	}
	if use, said := m["use"]; said && use != "sig" {
		return k, errors.New("it is not for signatures")
	}
	if ops, said := m["key_ops"]; said {
		if list, is := ops.([]any); !is || !slices.Contains(list, any("verify")) {
			return k, errors.New("it is not to verify with")
		}
	}
	for name, to := range map[string]*string{"kid": &k.id, "alg": &k.algorithm} {
		if v, said := m[name]; said {
			if *to, is = v.(string); !is {
				return k, fmt.Errorf("its %s is no text", name)
			}
		}
	}
	if len(k.id) > maxJWTKeyID {
		return k, fmt.Errorf("its name has more than %d octets", maxJWTKeyID)
	}
	what := map[string]string{}
	for _, name := range jwkMembers {
		if s, is := m[name].(string); is {
			what[name] = s
			if name != "kty" && name != "crv" {
				if _, err := strictBase64.DecodeString(s); err != nil || strings.ContainsAny(s, "\r\n") {
					return k, fmt.Errorf("its %s is not base64url", name)
				}
			}
		}
	}
	text, err := json.Marshal(what)
	if err != nil {
		return k, err
	}
	var read jose.JSONWebKey
	if err := read.UnmarshalJSON(text); err != nil {
		return k, fmt.Errorf("it cannot be read: %w", err)
	}
	k.public = read.Key
	return k, nil
}

// strictBase64 is the one form of base64url without padding, but for line ends,
// which the package skips.
var strictBase64 = base64.RawURLEncoding.Strict()

// quoted shows what somebody else has written, if it is short.
func quoted(s string) string {
	const most = 64
	if len(s) > most {
		s = s[:most] + "…"
	}
	return fmt.Sprintf("%q", s)
}
