//go:build !nonats

package bus

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"github.com/nats-io/nats-server/v2/server"

	"freshet/internal/wholefile"
)

// NATS removes a stream that it cannot open when it starts, whatever the error was,
// and only warns. It also removes a file of messages whose key does not open, and says
// nothing; and what follows a record that is damaged it cuts off, in its place. So
// before it starts, all files of all streams get a second name, in a folder beside
// them; what it may change in its place is copied: indexes, and the last file of messages
// of each stream, which may have been torn. Who finds that folder puts it in the place of the streams: nothing
// was written by us before it went. It gets its name when it is whole, and loses it
// before anything is removed from it.
//
// A peer's streams are not kept: it goes on as soon as it starts, and gets what it has
// lost from the others.
const (
	keptFolder = "kept"
	keptPart   = "kept.part" // is being made, or removed
)

// kept is what there was in a folder of NATS before it started.
type kept struct {
	store   string
	secret  string // of NATS; "": not encrypted
	linked  bool   // all has a second name
	streams []*keptStream

	cut []string // files that NATS has cut off in their place, which their second name does not help
}

// keptStream is a stream of the account that ours are in.
type keptStream struct {
	name   string
	dir    string // where NATS has it
	blocks []keptBlock
}

// keptBlock is a file of messages that is not empty.
type keptBlock struct {
	index int
	info  fs.FileInfo
	key   fs.FileInfo // nil: there is none
}

// putBack has the streams in a folder be what they were before a start that did not
// end well, if there was one.
func putBack(store string) (done bool, err error) {
	if err := os.RemoveAll(filepath.Join(store, keptPart)); err != nil {
		return false, err
	}
	from, to := filepath.Join(store, keptFolder), filepath.Join(store, server.JetStreamStoreDir)
	if _, err := os.Lstat(from); errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err := os.RemoveAll(to); err != nil {
		return false, err
	}
	if err := os.Rename(from, to); err != nil {
		return false, err
	}
	return true, wholefile.SyncFolder(store)
}

// putBackAll does so in a folder of a server, whose streams may be in several ones.
func (s *inside) putBackAll(dir string) error {
	all, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	stores := []string{dir}
	for _, e := range all {
		if isStore(e.Name()) {
			stores = append(stores, filepath.Join(dir, e.Name()))
		}
	}
	for _, store := range stores {
		done, err := putBack(store)
		if err != nil {
			return fmt.Errorf("put back what there was in %s before a start that did not end: %w", store, err)
		}
		if done && s.log != nil {
			s.log.Info("an earlier start did not end; what there was before it is there again", "folder", store)
		}
	}
	return nil
}

// keep keeps what is in the folder where NATS is about to start.
func (s *inside) keep(o *server.Options) error {
	k := &kept{store: o.StoreDir, secret: o.JetStreamKey}
	s.kept = k
	if info, err := os.Stat(filepath.Join(k.store, server.JetStreamStoreDir)); errors.Is(err, fs.ErrNotExist) || err == nil && !info.IsDir() {
		return nil // it is new, or NATS says what is wrong
	}
	err := k.look()
	if err == nil && !s.noLinks {
		err = k.link()
	}
	if err != nil {
		return fmt.Errorf("keep the streams in %s while they are opened: %w", k.store, errors.Join(err, os.RemoveAll(k.part())))
	}
	if !k.linked && len(k.streams) > 0 && s.log != nil {
		s.log.Warn("the file system has no hard links: a stream that cannot be opened, for want of descriptors, say, is lost", "folder", k.store)
	}
	return nil
}

func (k *kept) part() string { return filepath.Join(k.store, keptPart) }

// look notes which streams there are, and which of their files have messages. What
// begins with a dot NATS had begun to remove.
func (k *kept) look() error {
	streams := filepath.Join(k.store, server.JetStreamStoreDir, server.DEFAULT_GLOBAL_ACCOUNT, "streams")
	all, err := os.ReadDir(streams)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, e := range all {
		if strings.HasPrefix(e.Name(), ".") || !e.IsDir() {
			continue
		}
		one := &keptStream{name: e.Name(), dir: filepath.Join(streams, e.Name())}
		if one.blocks, err = blocksIn(filepath.Join(one.dir, "msgs")); err != nil {
			return err
		}
		k.streams = append(k.streams, one)
	}
	return nil
}

// blocksIn are the files of messages in a folder, by their numbers.
func blocksIn(msgs string) (blocks []keptBlock, err error) {
	all, err := os.ReadDir(msgs)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	keys := map[int]fs.FileInfo{}
	for _, e := range all {
		number, ext, _ := strings.Cut(e.Name(), ".")
		index, err := strconv.Atoi(number)
		if err != nil || ext != "blk" && ext != "key" {
			continue
		}
		info, err := e.Info()
		if err != nil {
			return nil, err
		}
		switch {
		case ext == "key":
			keys[index] = info
		case info.Size() > 0:
			blocks = append(blocks, keptBlock{index: index, info: info})
		}
	}
	for i := range blocks {
		blocks[i].key = keys[blocks[i].index]
	}
	slices.SortFunc(blocks, func(a, b keptBlock) int { return a.index - b.index })
	return blocks, nil
}

// link makes the second names. When it returns, they outlive a loss of power.
func (k *kept) link() error {
	from := filepath.Join(k.store, server.JetStreamStoreDir)
	if err := os.RemoveAll(k.part()); err != nil {
		return err
	}
	if err := os.Mkdir(k.part(), 0o700); err != nil {
		return err
	}
	if !canLink(k.part()) {
		return os.RemoveAll(k.part())
	}
	last := map[string]bool{}
	for _, one := range k.streams {
		if n := len(one.blocks); n > 0 {
			last[one.blockPath(one.blocks[n-1].index)] = true
		}
	}
	var made []string
	err := filepath.WalkDir(from, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		to := filepath.Join(k.part(), path[len(from):])
		switch {
		case path == from:
		case d.IsDir() && strings.HasPrefix(d.Name(), ".") && filepath.Base(filepath.Dir(path)) == "streams":
			return fs.SkipDir // NATS had begun to remove it
		case d.IsDir():
			err = copyFolder(path, to)
		case !d.Type().IsRegular():
		case last[path] || !isReplaced(d.Name()):
			err = copyFile(path, to)
		default:
			err = os.Link(path, to)
		}
		if d.IsDir() {
			made = append(made, to)
		}
		return err
	})
	if err != nil {
		return err
	}
	for _, dir := range made {
		if err := wholefile.SyncFolder(dir); err != nil {
			return err
		}
	}
	if err := os.Rename(k.part(), filepath.Join(k.store, keptFolder)); err != nil {
		return err
	}
	k.linked = true
	return wholefile.SyncFolder(k.store)
}

// isReplaced says whether a file of NATS gets another in its place when it changes, or
// only grows. An index is written as it is.
func isReplaced(name string) bool {
	switch filepath.Ext(name) {
	case ".blk", ".key":
		return true
	}
	return strings.HasPrefix(name, "meta.")
}

// canLink says whether a file in a folder can have two names. What else may be wrong
// with a disk is told when a file of a stream is to have them.
func canLink(dir string) bool {
	name := filepath.Join(dir, "one")
	f, err := os.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return true
	}
	_ = f.Close()
	defer os.Remove(name)
	err = os.Link(name, name+"2")
	defer os.Remove(name + "2")
	return err == nil || errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) || errors.Is(err, syscall.EIO)
}

func copyFolder(from, to string) error {
	info, err := os.Stat(from)
	if err != nil {
		return err
	}
	return os.Mkdir(to, info.Mode().Perm()|0o700)
}

// copyFile copies a file, so that it outlives a loss of power.
func copyFile(from, to string) error {
	r, err := os.Open(from)
	if err != nil {
		return err
	}
	defer r.Close()
	info, err := r.Stat()
	if err != nil {
		return err
	}
	w, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, info.Mode().Perm())
	if err != nil {
		return err
	}
	_, err = io.Copy(w, r)
	return errors.Join(err, w.Sync(), w.Close())
}

// drop forgets what was kept: from when it returns, streams are what they are.
func (k *kept) drop() error {
	if !k.linked {
		return nil
	}
	if err := os.Rename(filepath.Join(k.store, keptFolder), k.part()); err != nil {
		return err
	}
	if err := wholefile.SyncFolder(k.store); err != nil {
		return err
	}
	return os.RemoveAll(k.part())
}

func (one *keptStream) blockPath(index int) string {
	return filepath.Join(one.dir, "msgs", strconv.Itoa(index)+".blk")
}

func (one *keptStream) keyPath(index int) string {
	return filepath.Join(one.dir, "msgs", strconv.Itoa(index)+".key")
}
