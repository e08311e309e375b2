//go:build !nonats

package bus

import (
	"context"
	"errors"
	"fmt"

	"io/fs"
	"os"
	"path/filepath"

	"github.com/nats-io/nats-server/v2/server"

	"freshet/internal/atrest"
	"freshet/internal/wholefile"
)

// ErrPeerStore: what several peers keep together cannot be rewritten by one.
var ErrPeerStore = errors.New("a peer's streams are also the others', and are not rewritten: while they run, and are whole, stop this one, remove its folder, and start it with the keys, or without them; it gets all from them. Then the next one")

// SealFolder rewrites the folder of a server that nobody has open, as change says:
// streams to new files beside the old ones, which take their place by one rename.
// It needs room for both. Who is killed leaves the one or the other, and what is
// unfinished, which the next call ends; until then nobody opens it. progress, which
// may be nil, is told how many bytes are done, of how many. Of a peer's folder only
// what is no stream is rewritten; when that is not enough, the error is [ErrPeerStore].
// A folder that is not there, or empty, is left alone.
func SealFolder(ctx context.Context, dir string, change *atrest.Change, progress func(done, total int64)) error {
	r := resealing{dir: dir, change: change, progress: progress}
	return r.run(ctx)
}

// NeedsSeal says what SealFolder would do with a folder, in words; "": nothing.
func NeedsSeal(dir string, change *atrest.Change) (string, error) {
	m, by, err := readMarker(dir, change.Ring)
	if err != nil {
		return "", err
	}
	switch rest, err := leftovers(dir, m); {
	case errors.Is(err, fs.ErrNotExist):
		return "", nil
	case err != nil:
		return "", err
	case m == nil && !change.Plain && Holds(dir):
		return "plain", nil
	case m != nil && (change.Plain || by != change.Ring.First()):
		return "sealed by " + by, nil
	case m != nil && m.Made != change.Ring.First():
		return "made under " + m.Made, nil
	case m != nil && !m.Contents && !isPeer(dir) && holds(m.folder(dir)):
		return "plain in what NATS encrypts", nil
	case len(rest) > 0 || !change.Plain && !wholefile.IsTidy(dir):
		return "unfinished", nil
	}
	for _, file := range ownFiles {
		text, err := os.ReadFile(filepath.Join(dir, file))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return "", err
		}
		if _, done, err := change.Repack(text, ownWhat(file)); err != nil || !done {
			return "other files", err
		}
	}
	return "", nil
}

// resealing is one call of SealFolder.
type resealing struct {
	dir      string
	change   *atrest.Change
	progress func(done, total int64)
	before   func(step string) // of tests: is told before each change of names; may be nil
}

func (r *resealing) step(what string) {
	if r.before != nil {
		r.before(what)
	}
}

func (r *resealing) run(ctx context.Context) error {
	if _, err := os.Stat(r.dir); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	var held inside
	held.prepare(nil, 0)
	if err := held.take(r.dir); err != nil {
		return err
	}
	err := r.streams(ctx)
	for _, file := range ownFiles {
		if err == nil || errors.Is(err, ErrPeerStore) {
			err = errors.Join(err, r.file(file))
		}
	}
	if err == nil || errors.Is(err, ErrPeerStore) {
		err = errors.Join(err, wholefile.Tidy(r.dir))
	}
	return errors.Join(err, held.Close())
}

// file rewrites one of the other files.
func (r *resealing) file(file string) error {
	name := filepath.Join(r.dir, file)
	text, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	next, done, err := r.change.Repack(text, ownWhat(file))
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	if done {
		return nil
	}
	r.step("write " + file)
	return wholefile.Write(name, next)
}

// streams rewrites the streams, if that is necessary, and the marker.
func (r *resealing) streams(ctx context.Context) error {
	ring := r.change.Ring
	m, by, err := readMarker(r.dir, ring)
	if err != nil {
		return err
	}
	if err := r.tidy(m); err != nil {
		return err
	}
	peer, full := isPeer(r.dir), holds(m.folder(r.dir))
	switch {
	case m == nil && (r.change.Plain || !full):
		return nil // a folder that is empty is sealed when it is opened
	case m != nil && !r.change.Plain && (m.Made == ring.First() && m.Contents || peer || !full):
		if by == ring.First() && (m.Contents || peer) {
			return nil
		}
		m.Contents = m.Contents || !peer
		r.step("write the marker")
		return m.write(r.dir, ring)
	case peer && full:
		return ErrPeerStore
	}
	next := newMarker(ring)
	if full {
		to := next
		if r.change.Plain {
			to = &marker{Store: next.Store}
		}
		if err := r.rewrite(ctx, m, to); err != nil {
			return errors.Join(err, os.RemoveAll(next.folder(r.dir)))
		}
	}
	if r.change.Plain {
		err = r.turnPlain(next.folder(r.dir), full)
	} else {
		r.step("write the marker")
		err = next.write(r.dir, ring)
	}
	if err != nil {
		return err
	}
	if r.change.Plain {
		next = nil
	}
	return r.tidy(next)
}

// isPeer says whether a folder is a peer's.
func isPeer(dir string) bool {
	_, none := os.Stat(filepath.Join(dir, peerFile))
	return none == nil
}

// turnPlain has what was made in a folder, if anything, be what there is.
func (r *resealing) turnPlain(made string, full bool) error {
	if full {
		r.step("rename streams")
		if err := os.Rename(filepath.Join(made, server.JetStreamStoreDir), filepath.Join(r.dir, server.JetStreamStoreDir)); err != nil {
			return err
		}
		if err := wholefile.SyncFolder(r.dir); err != nil {
			return err
		}
	}
	r.step("remove the marker")
	if err := os.Remove(filepath.Join(r.dir, markerFile)); err != nil {
		return err
	}
	return wholefile.SyncFolder(r.dir)
}

// tidy removes streams that the marker does not name: of a rewriting that was cut
// off, or those before one that was not.
func (r *resealing) tidy(m *marker) error {
	rest, err := leftovers(r.dir, m)
	for _, name := range rest {
		if err == nil {
			r.step("remove " + filepath.Base(name))
			err = os.RemoveAll(name)
		}
	}
	if err == nil && m != nil { // what is empty there is no leftover
		if empty := filepath.Join(r.dir, server.JetStreamStoreDir); !holds(r.dir) {
			err = os.RemoveAll(empty)
		}
	}
	return err
}

// rewrite copies all streams into new files, and returns when they outlive a loss of power.
func (r *resealing) rewrite(ctx context.Context, from, to *marker) error {
	source, err := openCopy(r.dir, from, r.change.Ring)
	if err != nil {
		return err
	}
	defer source.Close()
	ring := r.change.Ring
	if r.change.Plain {
		ring = nil
	}
	target, err := openCopy(r.dir, to, ring)
	if err != nil {
		return err
	}
	err = copyStreams(ctx, source, target, r.progress)
	if err = errors.Join(err, target.Close()); err != nil {
		return err
	}
	r.step("sync")
	return syncAll(to.folder(r.dir))
}

// syncAll returns when a folder, with all that is in it, outlives a loss of power.
func syncAll(dir string) error {
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir():
			return wholefile.SyncFolder(path)
		}
		f, err := os.OpenFile(path, os.O_RDWR, 0)
		if err != nil {
			return err
		}
		return errors.Join(f.Sync(), f.Close())
	})
	return errors.Join(err, wholefile.SyncFolder(filepath.Dir(dir)))
}

// copyName is what the connections of a copy are called.
const copyName = "seal"

// openCopy starts NATS for streams that are copied. What it writes is synced at the end.
func openCopy(dir string, m *marker, ring *atrest.Ring) (*inside, error) {
	s := &inside{}
	s.prepare(nil, 1<<60)
	s.seal = ring
	o := &server.Options{ServerName: copyName, DontListen: true, CustomClientAuthentication: gate{s, func(string) (*node, bool) { return nil, false }}}
	s.stores(o, dir, m)
	o.SyncAlways = false
	said := &serverLog{broken: s.breaks}
	err := s.keep(o)
	if err == nil {
		err = s.begin(o, said)
	}
	if err == nil && !s.ns.ReadyForConnections(closePatience) {
		err = errors.New("it does not get ready")
	}
	if err == nil {
		err = s.allOpen(said)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open the streams in %s: %w", m.folder(dir), err), s.Close())
	}
	return s, nil
}
