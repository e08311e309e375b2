//go:build !nonats

package bus

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/nats-io/nats-server/v2/server"

	"freshet/internal/atrest"
	"freshet/internal/wholefile"
)

// A folder whose files are sealed has a marker, the file sealed, itself sealed by
// one of the keys. It says in which folder below NATS keeps its streams, and has the
// secret that NATS encrypts them with. Another key seals the marker anew, and
// streams stay as they are: NATS would rewrite their files in their place, which a
// loss of power may tear. Rewriting them is [SealFolder]'s, which makes a folder
// with a secret of its own beside the old one; the marker then changes from the one
// to the other by one rename. Without a marker nothing is sealed.
const (
	markerFile  = "sealed"
	markerWhat  = "fleet sealed"
	storePrefix = "store-"
	secretSize  = 32
)

// marker is what the file says.
type marker struct {
	Store  string `json:"store"`  // the folder of streams
	Secret []byte `json:"secret"` // of NATS
	Made   string `json:"made"`   // the first key when that was made
	// Contents says that all that is in streams of ours was sealed from the beginning
	// of the folder, before NATS got it. A peer gets what others have.
	Contents bool `json:"contents,omitempty"`
}

// ownFiles are the other files of a server or a peer, and ownWhat is what they are
// sealed as.
var ownFiles = []string{keyFile, nodesFile, peerFile}

func ownWhat(name string) string { return "fleet " + name }

// errUnfinished is that a rewriting was cut off.
var errUnfinished = errors.New("an earlier \"freshet seal\" of this folder did not end: run it again")

func newMarker(ring *atrest.Ring) *marker {
	var name [8]byte
	_, _ = rand.Read(name[:])
	m := &marker{Store: storePrefix + hex.EncodeToString(name[:]), Secret: make([]byte, secretSize), Made: ring.First(), Contents: true}
	_, _ = rand.Read(m.Secret)
	return m
}

// readMarker reads the marker of a folder, and by which key it is sealed; nil: it has none.
func readMarker(dir string, ring *atrest.Ring) (*marker, string, error) {
	name := filepath.Join(dir, markerFile)
	text, err := os.ReadFile(name)
	if errors.Is(err, os.ErrNotExist) {
		return nil, "", nil
	}
	if err != nil {
		return nil, "", err
	}
	text, by, err := ring.Unpack(text, markerWhat)
	if err != nil {
		return nil, "", fmt.Errorf("%s: %w", name, err)
	}
	var m marker
	if err := json.Unmarshal(text, &m); err != nil || len(m.Secret) != secretSize || !isStore(m.Store) {
		return nil, "", fmt.Errorf("%s: it is not what says how a folder is sealed", name)
	}
	return &m, by, nil
}

func isStore(name string) bool {
	return strings.HasPrefix(name, storePrefix) && !strings.ContainsAny(name, `/\`)
}

func (m *marker) write(dir string, ring *atrest.Ring) error {
	text, err := json.Marshal(m)
	if err != nil {
		return err
	}
	return wholefile.Write(filepath.Join(dir, markerFile), ring.Pack(text, markerWhat))
}

// folder is where NATS keeps the streams of a folder that has this marker.
func (m *marker) folder(dir string) string {
	if m == nil {
		return dir
	}
	return filepath.Join(dir, m.Store)
}

// encrypt has NATS encrypt what it keeps.
func (m *marker) encrypt(o *server.Options) {
	if m != nil {
		o.JetStreamKey, o.JetStreamCipher = base64.RawStdEncoding.EncodeToString(m.Secret), server.AES
	}
}

// dropUnkeyed removes files of messages that are empty and have no key. NATS makes the
// file first and then its key; who is killed between the two has a file that NATS takes
// for one that is not encrypted, cannot read, and removes with all of its stream.
func dropUnkeyed(o *server.Options) error {
	if !o.JetStream || o.JetStreamKey == "" {
		return nil
	}
	// Of streams, and of what peers agree on.
	folder := filepath.Join(o.StoreDir, server.JetStreamStoreDir)
	blocks, _ := fs.Glob(os.DirFS(folder), "*/*/*/msgs/*.blk") // its pattern is right
	for _, name := range blocks {
		name = filepath.Join(folder, name)
		if info, err := os.Stat(name); err != nil || info.Size() > 0 {
			continue
		}
		_, err := os.Stat(strings.TrimSuffix(name, ".blk") + ".key")
		if errors.Is(err, os.ErrNotExist) {
			err = os.Remove(name)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// openMarker looks that a folder is sealed if there are keys, and that it is not if
// there are none. One that is empty is sealed from now on; what is sealed by an
// older key is sealed by the first one.
func openMarker(dir string, ring *atrest.Ring) (*marker, error) {
	m, by, err := readMarker(dir, ring)
	if err != nil {
		return nil, err
	}
	rest, err := leftovers(dir, m)
	if err != nil {
		return nil, err
	}
	if m == nil && ring != nil && Holds(dir) {
		return nil, atrest.ErrPlain
	}
	if len(rest) > 0 {
		return nil, errUnfinished
	}
	if err := wholefile.Tidy(dir); err != nil { // it may be plain
		return nil, err
	}
	for _, name := range ownFiles {
		if err := freshen(filepath.Join(dir, name), ring, ownWhat(name)); err != nil {
			return nil, err
		}
	}
	switch {
	case m == nil && ring != nil:
		m = newMarker(ring)
	case m == nil || by == ring.First():
		return m, nil
	}
	return m, m.write(dir, ring)
}

// freshen looks at a file, and seals it by the first key.
func freshen(name string, ring *atrest.Ring, what string) error {
	text, err := os.ReadFile(name)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	plain, by, err := ring.Unpack(text, what)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	if ring == nil || by == ring.First() {
		return nil
	}
	return wholefile.Write(name, ring.Pack(plain, what))
}

// errOthers is that the streams which a folder goes by are not there, but others are:
// of a copy that was not put back whole, say. A rewriting that was cut off leaves
// always those that it copied from, or all of the copy.
var errOthers = errors.New("take the folder from a copy, or remove those streams if they may be lost")

// leftovers are folders of streams that are not those that the marker names. It is
// an error when they have streams and those that it names are not there.
func leftovers(dir string, m *marker) ([]string, error) {
	all, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var rest []string
	for _, e := range all {
		switch name := e.Name(); {
		case m == nil && isStore(name), m != nil && isStore(name) && name != m.Store, m != nil && name == server.JetStreamStoreDir && holds(dir):
			rest = append(rest, filepath.Join(dir, name))
		}
	}
	return rest, lost(dir, m, rest)
}

// lost says that the streams that a folder goes by are not there, while others are.
func lost(dir string, m *marker, others []string) error {
	if keeps(m.folder(dir)) {
		return nil
	}
	for _, other := range others {
		store := other
		if filepath.Base(other) == server.JetStreamStoreDir {
			store = dir // those that are not sealed
		}
		switch {
		case !keeps(store):
		case m == nil:
			return fmt.Errorf("its file %q is missing, without which the streams in %s cannot be opened: %w", markerFile, other, errOthers)
		default:
			return fmt.Errorf("%s is missing, which its file %q names, while streams are in %s: %w", m.folder(dir), markerFile, other, errOthers)
		}
	}
	return nil
}

// keeps says whether there is a stream in a folder of NATS that it can find, or
// messages of one. What it began to make, or to remove, is none.
func keeps(store string) bool {
	for _, folder := range [...]string{server.JetStreamStoreDir, keptFolder} {
		for _, what := range [...]string{"meta.inf", "msgs/*.blk"} {
			if all, _ := fs.Glob(os.DirFS(store), folder+"/*/streams/[^.]*/"+what); len(all) > 0 {
				return true
			}
		}
	}
	return false
}

// Holds says whether a folder has streams, of a [Server] or of a [Peer].
func Holds(dir string) bool {
	all, _ := os.ReadDir(dir)
	for _, e := range all {
		if isStore(e.Name()) && holds(filepath.Join(dir, e.Name())) {
			return true
		}
	}
	return holds(dir)
}

// holds says whether NATS keeps streams in a folder.
func holds(store string) bool {
	for _, folder := range [...]string{server.JetStreamStoreDir, keptFolder} {
		accounts, _ := os.ReadDir(filepath.Join(store, folder))
		for _, a := range accounts {
			streams, _ := os.ReadDir(filepath.Join(store, folder, a.Name(), "streams"))
			if len(streams) > 0 {
				return true
			}
		}
	}
	return false
}
