//go:build !nonats

package bus

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// placeOf is where a server with these options keeps its key and its nodes.
func placeOf(o Options) place {
	if o.Records != nil {
		return &recordsPlace{records: o.Records}
	}
	return folderPlace{o.Dir}
}

// folderPlace keeps the files server.key and nodes.json of a folder.
type folderPlace struct{ dir string }

func (p folderPlace) nodes() (map[string]*node, error) {
	name := filepath.Join(p.dir, "nodes.json")
	known := map[string]*node{}
	text, err := os.ReadFile(name)
	if errors.Is(err, os.ErrNotExist) {
		return known, nil
	}
	if err != nil {
		return nil, err
	}
	var rows []*node
	if err := json.Unmarshal(text, &rows); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	for _, row := range rows {
		if !row.valid() {
			return nil, fmt.Errorf("%s: a row is no node", name)
		}
		known[row.Name] = row
	}
	return known, nil
}

func (p folderPlace) keep(next map[string]*node, _ *node, _ []string) error {
	text, err := json.MarshalIndent(sorted(next), "", "\t")
	if err != nil {
		return err
	}
	return writeFile(filepath.Join(p.dir, "nodes.json"), append(text, '\n'))
}

func (p folderPlace) key() ([]byte, string, error) {
	name := filepath.Join(p.dir, "server.key")
	text, err := os.ReadFile(name)
	if errors.Is(err, os.ErrNotExist) {
		return nil, name, nil
	}
	if err == nil && text == nil {
		text = []byte{} // there is one, and it is none
	}
	return text, name, err
}

func (p folderPlace) keepKey(text []byte) error {
	return writeFile(filepath.Join(p.dir, "server.key"), text)
}

// Names of records.
const (
	recordKey  = "server.key"
	recordNode = "node." // and the node's name: each is a record of its own, because all of them would be too long for one
)

// recordsPlace keeps the key and each node as a record.
type recordsPlace struct {
	records Records
	text    []byte // the key, once it is known
}

func (p *recordsPlace) nodes() (map[string]*node, error) {
	known := map[string]*node{}
	err := p.records.Load(func(name string, content []byte) error {
		if name == recordKey {
			p.text = slices.Clone(content)
			return nil
		}
		of, ok := strings.CutPrefix(name, recordNode)
		if !ok {
			return nil
		}
		var row *node
		if err := json.Unmarshal(content, &row); err != nil {
			return fmt.Errorf("record %s: %w", name, err)
		}
		if !row.valid() || row.Name != of {
			return fmt.Errorf("record %s is no node", name)
		}
		known[of] = row
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read who may join: %w", err)
	}
	return known, nil
}

// keep stores who came first: when that fails, nothing was changed. That a node
// went that has ended anyway need not succeed: it comes back with the next
// Load, and goes with the next node that comes.
func (p *recordsPlace) keep(_ map[string]*node, added *node, gone []string) error {
	if added != nil {
		text, err := json.Marshal(added)
		if err == nil {
			err = p.records.Store(recordNode+added.Name, text)
		}
		if err != nil {
			return err
		}
	}
	for _, name := range gone {
		if err := p.records.Store(recordNode+name, nil); err != nil {
			if added != nil {
				return nil
			}
			return err
		}
	}
	return nil
}

func (p *recordsPlace) key() ([]byte, string, error) { return p.text, "record " + recordKey, nil }

func (p *recordsPlace) keepKey(text []byte) error {
	if err := p.records.Store(recordKey, text); err != nil {
		return fmt.Errorf("keep the server's key: %w", err)
	}
	p.text = text
	return nil
}
