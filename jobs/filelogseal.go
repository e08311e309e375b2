package jobs

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"freshet/internal/atrest"
	"freshet/internal/sealedfolder"
)

// logPurpose is what a sealed log is. What its entries and pages are follows from
// their numbers and keys.
const logPurpose = "ledger of jobs"

func entryWhat(n uint64) string { return "entry " + strconv.FormatUint(n, 10) }

func pageWhat(key string) string { return "page " + key }

// maxStored is how long an entry or a page can be on the disk.
var maxStored = atrest.MaxSealedSize(maxEntry)

// sealFor is an entry or a page as it is on the disk, in room if it is not itself.
func sealFor(in *sealedfolder.Folder, room *[]byte, plain []byte, what string) []byte {
	if !in.Sealed() {
		return plain
	}
	*room = in.Ring().Seal((*room)[:0], plain, in.What(what))
	return *room
}

// openFrom is what was stored. Its checksum was right, so that what does not open was
// not torn by a crash: its key is missing, or it was changed.
func openFrom(in *sealedfolder.Folder, room *[]byte, stored []byte, what string) ([]byte, error) {
	if !in.Sealed() {
		return stored, nil
	}
	plain, _, err := in.Ring().Open((*room)[:0], stored, in.What(what))
	*room = plain
	return plain, err
}

// begins reports whether what is stored begins as an entry does.
func (l *FileLog) begins(stored []byte) bool {
	if l.in.Sealed() {
		return atrest.IsSealed(stored)
	}
	return stored[0] == entryVersion
}

// SealFolder changes how a log in a folder is kept that nobody has open; ErrFenced:
// somebody has. progress, unless it is nil, is called with how many bytes of how
// many are done. If it is ended it is to be called again, be it with the same
// change or the opposite; until then the log is not opened.
func SealFolder(ctx context.Context, dir string, change *atrest.Change, progress func(done, all int64)) error {
	return sealFolder(ctx, dir, change, progress, nil)
}

func sealFolder(ctx context.Context, dir string, change *atrest.Change, progress sealedfolder.Progress, step func() error) error {
	f, err := LockFolder(dir)
	if err != nil {
		return err
	}
	defer f.Close()
	return f.seal(ctx, change, progress, step)
}

// LockedFolder is the folder of a log that nobody else opens until Close.
type LockedFolder struct {
	dir  string
	lock io.Closer
}

// LockFolder makes the folder of a log, and has it for the caller alone; ErrFenced:
// another has it.
func LockFolder(dir string) (*LockedFolder, error) {
	lock, err := lockLog(dir)
	if err != nil {
		return nil, err
	}
	return &LockedFolder{dir, lock}, nil
}

// Close lets others open it.
func (f *LockedFolder) Close() error { return f.lock.Close() }

// Seal is [SealFolder] for who has the folder.
func (f *LockedFolder) Seal(ctx context.Context, change *atrest.Change, progress func(done, all int64)) error {
	return f.seal(ctx, change, progress, nil)
}

func (f *LockedFolder) seal(ctx context.Context, change *atrest.Change, progress sealedfolder.Progress, step func() error) error {
	kind := &sealedfolder.Kind{What: logPurpose, Passing: isPageTemporary, Check: checkLogFile, Copy: copyLogFile, Step: step}
	err := sealedfolder.Check(f.dir, change, kind)
	if err == nil {
		err = mendBefore(f.dir, change.Ring)
	}
	if err != nil {
		return fmt.Errorf("the log in %s: %w", f.dir, err)
	}
	return sealedfolder.Rewrite(ctx, f.dir, change, kind, progress)
}

// SealOpens says if a log in a folder is sealed by a key that does not open it.
func SealOpens(dir string, ring *atrest.Ring) error {
	return sealedfolder.Opens(dir, ring, logPurpose)
}

func isPageTemporary(name string) bool { return strings.HasPrefix(name, pageTemporary) }

// checkLogFile says if a file is none of a log.
func checkLogFile(name string) error {
	_, err := firstOf(name)
	if strings.HasPrefix(name, pagePrefix) || err == nil {
		return nil
	}
	return err
}

// firstOf is with which entry a file begins.
func firstOf(name string) (uint64, error) {
	text, ok := strings.CutPrefix(name, logPrefix)
	first, err := strconv.ParseUint(text, 10, 64)
	if !ok || err != nil || first == 0 {
		return 0, errors.New("it is no file of a log; remove it, or move it away")
	}
	return first, nil
}

// mendBefore cuts off what was not written whole. A log of which a part was
// rewritten was mended before that; of one that is there twice, the sealed one is
// mended, as Rewrite keeps that.
func mendBefore(dir string, ring *atrest.Ring) (err error) {
	l := &FileLog{in: &sealedfolder.Folder{Dir: dir}, dir: dir}
	plain, err := hasLog(dir)
	if err != nil {
		return err
	}
	sealed, err := hasLog(sealedfolder.SealedDir(dir))
	if err != nil || !plain && !sealed {
		return err
	}
	if sealed {
		if l.in, err = sealedfolder.OpenSealed(dir, ring, logPurpose); err != nil {
			return err
		}
		l.dir = l.in.Dir
	}
	if entries, err := filepath.Glob(filepath.Join(l.dir, logPrefix+"*")); plain && sealed && len(entries) == 0 {
		return err // open would begin one
	}
	err = l.open()
	if l.file != nil {
		err = errors.Join(err, l.file.Close())
	}
	return err
}

// hasLog reports whether a folder has files of a log, and removes pages that were
// being written.
func hasLog(dir string) (has bool, err error) {
	for _, prefix := range [...]string{logPrefix, pagePrefix, pageTemporary} {
		names, err := filepath.Glob(filepath.Join(dir, prefix+"*"))
		if err != nil {
			return false, err
		}
		if prefix != pageTemporary {
			has = has || len(names) > 0
			continue
		}
		for _, name := range names {
			if err := os.Remove(name); err != nil {
				return false, err
			}
		}
	}
	return has, nil
}

// copyLogFile rewrites a file of entries, or a page.
func copyLogFile(_ context.Context, c *sealedfolder.Copying) (string, error) {
	if key, ok := strings.CutPrefix(c.Name, pagePrefix); ok {
		return copyPage(c, key)
	}
	first, err := firstOf(c.Name)
	if err != nil {
		return "", err
	}
	w := bufio.NewWriterSize(c.Out, 256<<10)
	older := c.From != c.To
	var plain, sealed, buf []byte
	_, err = readEntries(c.In, first, func(n uint64, entry []byte) error {
		older = older || !isFirst(c.To, entry)
		entry, err := openFrom(c.From, &plain, entry, entryWhat(n))
		if err != nil {
			return fmt.Errorf("entry %d: %w", n, err)
		}
		entry = sealFor(c.To, &sealed, entry, entryWhat(n))
		buf = appendFrame(buf[:0], n, entry)
		_, err = w.Write(buf)
		return err
	})
	if err == nil && !older {
		return "", nil
	}
	return c.Name, errors.Join(err, w.Flush())
}

// isFirst reports whether something is sealed by the key that seals now.
func isFirst(in *sealedfolder.Folder, stored []byte) bool {
	name, err := atrest.KeyOf(stored)
	return err == nil && name == in.Ring().First()
}

func copyPage(c *sealedfolder.Copying, key string) (name string, err error) {
	b, err := io.ReadAll(c.In)
	switch {
	case err != nil:
		return "", err
	case !isWholePage(b):
		return "", errPageSum
	case c.From == c.To && isFirst(c.To, b[pageHead:]):
		return "", nil
	}
	page, err := openFrom(c.From, new([]byte), b[pageHead:], pageWhat(key))
	if err != nil {
		return "", err
	}
	page = sealFor(c.To, new([]byte), page, pageWhat(key))
	_, err = c.Out.Write(appendPage(nil, page))
	return c.Name, err
}
