//go:build !nonats

package bus

import (
	"crypto/ed25519"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"time"
)

// nodes is who may join. It holds public keys, no secrets.
type nodes struct {
	place place
	now   func() time.Time
	again time.Duration // how often it is looked whether tokens have ended, at least

	writing sync.Mutex // held while a place is asked, which may take its time; taken before mu

	mu    sync.Mutex       // guards known; a leaf
	known map[string]*node // replaced, never changed
}

// place is where a server's key and its nodes are kept.
type place interface {
	// nodes reads all rows.
	nodes() (map[string]*node, error)
	// keep makes next the rows, durable on return. It differs from what was
	// before by added (nil: nothing) and by the names that are gone.
	keep(next map[string]*node, added *node, gone []string) error
	// key is the server's key as text, nil when there is none yet, and what to
	// call where it is.
	key() (text []byte, name string, err error)
	keepKey(text []byte) error
}

// node is a row.
type node struct {
	Name   string            `json:"name"`
	Key    ed25519.PublicKey `json:"key"`
	Peer   bool              `json:"peer,omitempty"`
	Serves bool              `json:"serves,omitempty"`
	Made   time.Time         `json:"made"`
	Until  time.Time         `json:"until,omitzero"`
}

func (n *node) ended(now time.Time) bool { return !n.Until.IsZero() && !now.Before(n.Until) }

// valid says whether a row that was read is a node.
func (n *node) valid() bool {
	return n != nil && checkName("node", n.Name) == nil && len(n.Key) == ed25519.PublicKeySize
}

func openNodes(p place) (*nodes, error) {
	known, err := p.nodes()
	if err != nil {
		return nil, err
	}
	return &nodes{place: p, now: time.Now, again: lookAgain, known: known}, nil
}

// add takes a node in. What has ended makes room.
func (n *nodes) add(row *node) error {
	n.writing.Lock()
	defer n.writing.Unlock()
	known, now := n.rows()
	if other := known[row.Name]; other != nil && !other.ended(now) {
		return fmt.Errorf("%w: revoke that one first", ErrTaken)
	}
	next := map[string]*node{row.Name: row}
	var gone []string
	for name, other := range known {
		switch {
		case name == row.Name:
		case other.ended(now):
			gone = append(gone, name)
		default:
			next[name] = other
		}
	}
	if len(next) > MaxNodes {
		return fmt.Errorf("%d nodes: %w", MaxNodes, ErrFull)
	}
	return n.keep(next, row, gone)
}

func (n *nodes) remove(name string) error {
	n.writing.Lock()
	defer n.writing.Unlock()
	known, _ := n.rows()
	if known[name] == nil {
		return ErrNotFound
	}
	next := map[string]*node{}
	for other, row := range known {
		if other != name {
			next[other] = row
		}
	}
	return n.keep(next, nil, []string{name})
}

// keep makes next the rows, where they are kept first; n.writing is held.
func (n *nodes) keep(next map[string]*node, added *node, gone []string) error {
	if err := n.place.keep(next, added, gone); err != nil {
		return err
	}
	n.mu.Lock()
	n.known = next
	n.mu.Unlock()
	return nil
}

func (n *nodes) rows() (map[string]*node, time.Time) {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.known, n.now()
}

// key is the server's key. It is made the first time.
func (n *nodes) key() (ed25519.PrivateKey, error) {
	n.writing.Lock()
	defer n.writing.Unlock()
	text, name, err := n.place.key()
	if err != nil {
		return nil, err
	}
	if text != nil {
		key, err := parseKey(text)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		return key, nil
	}
	key, text, err := makeKey()
	if err != nil {
		return nil, err
	}
	if err := n.place.keepKey(text); err != nil {
		return nil, err
	}
	return key, nil
}

// find is the node with a key, if it may join now.
func (n *nodes) find(key ed25519.PublicKey) (*node, bool) {
	known, now := n.rows()
	for _, row := range known {
		if row.Key.Equal(key) {
			return row, !row.ended(now)
		}
	}
	return nil, false
}

// lookAgain is how late it may be noticed that the clock has passed the end of a
// token because it was set.
const lookAgain = 10 * time.Second

// expire closes a connection when the token of its node has ended, unless over is
// closed before.
func (n *nodes) expire(row *node, conn io.Closer, over <-chan struct{}) {
	for {
		_, now := n.rows()
		if row.ended(now) {
			_ = conn.Close()
			return
		}
		look := time.NewTimer(min(row.Until.Sub(now), n.again))
		select {
		case <-look.C:
		case <-over:
			look.Stop()
			return
		}
	}
}

func (n *nodes) list() []*node {
	known, _ := n.rows()
	return sorted(known)
}

func sorted(known map[string]*node) []*node {
	rows := make([]*node, 0, len(known))
	for _, row := range known {
		rows = append(rows, row)
	}
	slices.SortFunc(rows, func(a, b *node) int { return strings.Compare(a.Name, b.Name) })
	return rows
}
