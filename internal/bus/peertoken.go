//go:build !nonats

package bus

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
)

// peerPrefix is tokenPrefix of peers' tokens.
const peerPrefix = "freshet-peer-1-"

// peerToken is what a peer has to know: which it is, its key, and all peers,
// itself among them. Whoever has it is the peer.
type peerToken struct {
	Name  string    `json:"n"`
	Seed  []byte    `json:"k"` // of its Ed25519 key
	Peers []peerRow `json:"p"`
}

// peerRow is a peer as all know it.
type peerRow struct {
	Name    string `json:"n"`
	Address string `json:"a"`
	Pin     []byte `json:"p"` // SHA-256 of its public key, as a certificate holds it
}

// NewPeers makes a token for each of a set of peers, in their order: all that a
// peer needs to find the others, and to be known by them. They are secrets, and
// the only copies.
func NewPeers(places []PeerPlace) ([]string, error) {
	rows := make([]peerRow, len(places))
	seeds := make([][]byte, len(places))
	for i, p := range places {
		seeds[i] = make([]byte, ed25519.SeedSize)
		_, _ = rand.Read(seeds[i]) // crypto/rand ends the program rather than fail
		own, err := certificate(ed25519.NewKeyFromSeed(seeds[i]))
		if err != nil {
			return nil, err
		}
		rows[i] = peerRow{p.Name, p.Address, pinOf(own.Leaf)}
	}
	if err := checkPeers(rows); err != nil {
		return nil, err
	}
	tokens := make([]string, len(places))
	for i := range places {
		tokens[i] = seal(peerPrefix, peerToken{places[i].Name, seeds[i], rows})
	}
	return tokens, nil
}

// checkPeers says what is wrong with a set of peers.
func checkPeers(rows []peerRow) error {
	if len(rows) < MinPeers || len(rows) > MaxPeers {
		return fmt.Errorf("%d peers: a fleet has %d to %d", len(rows), MinPeers, MaxPeers)
	}
	for i, p := range rows {
		if err := checkName("peer", p.Name); err != nil {
			return err
		}
		if !IsAddress(p.Address) {
			return fmt.Errorf("%q of peer %s is no address; give host:port", p.Address, p.Name)
		}
		for _, other := range rows[:i] {
			switch {
			case other.Name == p.Name:
				return fmt.Errorf("two peers are called %s; give each a name of its own", p.Name)
			case other.Address == p.Address:
				return fmt.Errorf("peers %s and %s have the same address, %s", other.Name, p.Name, p.Address)
			}
		}
	}
	return nil
}

// PeerName is the name of the peer whose token a text is; its error is ErrToken.
func PeerName(text string) (string, error) {
	t, err := parsePeerToken(text)
	return t.Name, err
}

func parsePeerToken(text string) (peerToken, error) {
	var t peerToken
	if err := unseal(peerPrefix, text, &t); err != nil {
		return peerToken{}, err
	}
	if err := checkPeers(t.Peers); err != nil {
		return peerToken{}, fmt.Errorf("%w: %w", ErrToken, err)
	}
	for _, p := range t.Peers {
		if len(p.Pin) != sha256.Size {
			return peerToken{}, ErrToken
		}
	}
	if len(t.Seed) != ed25519.SeedSize || !slices.ContainsFunc(t.Peers, func(p peerRow) bool { return p.Name == t.Name }) {
		return peerToken{}, ErrToken
	}
	return t, nil
}

// row is the peer itself.
func (t *peerToken) row() peerRow {
	return t.Peers[slices.IndexFunc(t.Peers, func(p peerRow) bool { return p.Name == t.Name })]
}

// set is a name of the set of peers that nobody else's has: a hash of their keys.
func (t *peerToken) set() string {
	var pins [][]byte
	for _, p := range t.Peers {
		pins = append(pins, p.Pin)
	}
	slices.SortFunc(pins, slices.Compare[[]byte])
	sum := sha256.Sum256(slices.Concat(pins...))
	return hex.EncodeToString(sum[:16])
}
