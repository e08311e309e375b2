//go:build !nonats

package bus

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
)

// tokenPrefix tells people, and scanners for secrets, what it is.
const tokenPrefix = "freshet-node-1-"

// maxToken bounds what is parsed.
const maxToken = 8 << 10

// token is what a node has to know: where the server is, by which key to know
// it, and its own key. Whoever has it is the node.
type token struct {
	Name      string   `json:"n"`
	Peer      bool     `json:"w,omitempty"`
	Addresses []string `json:"a"`
	Pin       []byte   `json:"p"` // SHA-256 of the server's public key, as a certificate holds it
	Seed      []byte   `json:"k"` // of the node's Ed25519 key
}

// String is the token as text.
func (t token) String() string { return seal(tokenPrefix, t) }

// seal is prefix, JSON in base64, and four bytes that find typing errors.
func seal(prefix string, what any) string {
	body, err := json.Marshal(what)
	if err != nil {
		panic(err) // it has nothing that could not be written
	}
	sum := sha256.Sum256(body)
	return prefix + base64.RawURLEncoding.EncodeToString(append(body, sum[:4]...))
}

// unseal reads what seal has written; its error is ErrToken.
func unseal(prefix, text string, what any) error {
	encoded, ok := strings.CutPrefix(strings.TrimSpace(text), prefix)
	if !ok || len(encoded) > maxToken {
		return ErrToken
	}
	raw, err := base64.RawURLEncoding.Strict().DecodeString(encoded)
	if err != nil || len(raw) < 4 {
		return ErrToken
	}
	body, check := raw[:len(raw)-4], raw[len(raw)-4:]
	if sum := sha256.Sum256(body); string(sum[:4]) != string(check) {
		return ErrToken
	}
	if err := json.Unmarshal(body, what); err != nil {
		return fmt.Errorf("%w: %w", ErrToken, err)
	}
	return nil
}

// CheckToken says whether a text can be a token; its error is ErrToken. Whether
// it is valid only its server knows.
func CheckToken(text string) error {
	_, err := parseToken(text)
	return err
}

func parseToken(s string) (token, error) {
	var t token
	if err := unseal(tokenPrefix, s, &t); err != nil {
		return token{}, err
	}
	if err := checkName("node", t.Name); err != nil {
		return token{}, fmt.Errorf("%w: %w", ErrToken, err)
	}
	if len(t.Addresses) == 0 || len(t.Pin) != sha256.Size || len(t.Seed) != ed25519.SeedSize {
		return token{}, ErrToken
	}
	return t, nil
}
