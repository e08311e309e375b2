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

	"freshet/internal/atrest"
	"freshet/internal/wholefile"
)

// placeOf is where a server with these options keeps its key and its nodes.
func placeOf(o Options) place {
	if o.Records != nil {
		return &recordsPlace{records: o.Records}
	}
	return folderPlace{o.Dir, o.Seal}
}

// The files of a folder.
const (
	keyFile   = "server.key"
	nodesFile = "nodes.json"
)

// folderPlace keeps these, sealed if there are keys.
type folderPlace struct {
	dir  string
	ring *atrest.Ring
}

// read reads one; it is nil when there is none.
func (p folderPlace) read(file string) (text []byte, name string, err error) {
	name = filepath.Join(p.dir, file)
	text, err = os.ReadFile(name)
	if errors.Is(err, os.ErrNotExist) {
		return nil, name, nil
	}
	if err == nil {
		text, _, err = p.ring.Unpack(text, ownWhat(file))
		if err != nil {
			return nil, name, fmt.Errorf("%s: %w", name, err)
		}
	}
	if err == nil && text == nil {
		text = []byte{} // there is one, and it is empty
	}
	return text, name, err
}

func (p folderPlace) write(file string, text []byte) error {
	return wholefile.Write(filepath.Join(p.dir, file), p.ring.Pack(text, ownWhat(file)))
}

func (p folderPlace) nodes() (map[string]*node, error) {
	known := map[string]*node{}
	text, name, err := p.read(nodesFile)
	if text == nil {
		return known, err
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
	return p.write(nodesFile, append(text, '\n'))
}

func (p folderPlace) key() ([]byte, string, error) { return p.read(keyFile) }

func (p folderPlace) keepKey(text []byte) error { return p.write(keyFile, text) }

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
