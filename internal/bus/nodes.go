//go:build !nonats

package bus

import (
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"
)

// nodes is who may join: the file nodes.json of the server's folder. It holds
// public keys, no secrets.
type nodes struct {
	file string
	now  func() time.Time

	mu    sync.Mutex // held while the file is written
	known map[string]*node
}

// node is a row of the file.
type node struct {
	Name  string            `json:"name"`
	Key   ed25519.PublicKey `json:"key"`
	Peer  bool              `json:"peer,omitempty"`
	Made  time.Time         `json:"made"`
	Until time.Time         `json:"until,omitzero"`
}

func (n *node) ended(now time.Time) bool { return !n.Until.IsZero() && !now.Before(n.Until) }

func readNodes(dir string) (*nodes, error) {
	n := &nodes{file: filepath.Join(dir, "nodes.json"), now: time.Now, known: map[string]*node{}}
	text, err := os.ReadFile(n.file)
	if errors.Is(err, os.ErrNotExist) {
		return n, nil
	}
	if err != nil {
		return nil, err
	}
	var rows []*node
	if err := json.Unmarshal(text, &rows); err != nil {
		return nil, fmt.Errorf("%s: %w", n.file, err)
	}
	for _, row := range rows {
		if row == nil || checkName("node", row.Name) != nil || len(row.Key) != ed25519.PublicKeySize {
			return nil, fmt.Errorf("%s: a row is no node", n.file)
		}
		n.known[row.Name] = row
	}
	return n, nil
}

// add takes a node in. What has ended makes room.
func (n *nodes) add(row *node) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	now := n.now()
	if other := n.known[row.Name]; other != nil && !other.ended(now) {
		return fmt.Errorf("%w: revoke that one first", ErrTaken)
	}
	next := map[string]*node{row.Name: row}
	for name, other := range n.known {
		if name != row.Name && !other.ended(now) {
			next[name] = other
		}
	}
	if len(next) > MaxNodes {
		return fmt.Errorf("%d nodes: %w", MaxNodes, ErrFull)
	}
	return n.write(next)
}

func (n *nodes) remove(name string) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.known[name] == nil {
		return ErrNotFound
	}
	next := map[string]*node{}
	for other, row := range n.known {
		if other != name {
			next[other] = row
		}
	}
	return n.write(next)
}

// write makes next the rows, on the disk first; n.mu is held.
func (n *nodes) write(next map[string]*node) error {
	rows := make([]*node, 0, len(next))
	for _, row := range next {
		rows = append(rows, row)
	}
	slices.SortFunc(rows, func(a, b *node) int { return strings.Compare(a.Name, b.Name) })
	text, err := json.MarshalIndent(rows, "", "\t")
	if err == nil {
		err = writeFile(n.file, append(text, '\n'))
	}
	if err == nil {
		n.known = next
	}
	return err
}

// find is the node with a key, if it may join now.
func (n *nodes) find(key ed25519.PublicKey) (*node, bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, row := range n.known {
		if row.Key.Equal(key) {
			return row, !row.ended(n.now())
		}
	}
	return nil, false
}

func (n *nodes) list() []*node {
	n.mu.Lock()
	defer n.mu.Unlock()
	rows := make([]*node, 0, len(n.known))
	for _, row := range n.known {
		rows = append(rows, row)
	}
	slices.SortFunc(rows, func(a, b *node) int { return strings.Compare(a.Name, b.Name) })
	return rows
}
