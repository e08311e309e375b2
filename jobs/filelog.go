package jobs

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"

	"freshet/internal/atrest"
	"freshet/internal/filelock"
	"freshet/internal/sealedfolder"
)

// FileLog is a Log in a folder:
//
//	lock              held while it is open
//	log-<number>      entries from that number on
//	page-<key>        a page
//
// An entry is its length and the CRC-32C of its number and itself, four bytes
// each, little-endian, and itself. What follows the last whole entry of the last
// file was never acknowledged, and is cut off. A broken entry anywhere else is an
// error: nothing that follows it is taken.
//
// With keys, entries and pages are each sealed as what they are, so that none
// stands in another's place; files are in another folder, see [OpenSealedFileLog].
// The rest is the same: lengths and checksums are those of what is sealed.
type FileLog struct {
	dir  string // where files are
	in   *sealedfolder.Folder
	lock io.Closer

	mu    sync.Mutex // guards what follows, and is held while a file is written
	file  *os.File   // the last one
	size  int64
	first []uint64 // numbers in the names of the files
	last  uint64
	buf   []byte
	room  []byte // for what is sealed
	err   error  // after a write that failed nothing more is written
}

var _ Log = (*FileLog)(nil)

const (
	entryHead     = 8
	maxEntry      = 1 << 20  // of an entry or a page
	segmentSize   = 32 << 20 // after which a new file is begun
	logPrefix     = "log-"
	pagePrefix    = "page-"
	pageTemporary = "new-page"
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// OpenFileLog opens a log in a folder, which is made if it is not there, for
// this user only. ErrFenced: another process has it open.
func OpenFileLog(dir string) (*FileLog, error) { return OpenSealedFileLog(dir, nil) }

// OpenSealedFileLog is OpenFileLog with keys: the first seals what is written, all
// open what is there. The files are in the folder beside, DIR.sealed; the lock is
// where it is without keys. A log that is not sealed is refused with
// atrest.ErrPlain, and without keys one that is sealed, with atrest.ErrSealed.
func OpenSealedFileLog(dir string, ring *atrest.Ring) (*FileLog, error) {
	lock, err := lockLog(dir)
	if err != nil {
		return nil, err
	}
	l := &FileLog{lock: lock}
	if l.in, err = sealedfolder.Open(dir, ring, logPurpose); err == nil {
		l.dir = l.in.Dir
		err = l.open()
	}
	if err != nil {
		_ = l.Close()
		return nil, fmt.Errorf("the log in %s: %w", dir, err)
	}
	return l, nil
}

// lockLog makes the folder of a log, and has it for us alone.
func lockLog(dir string) (io.Closer, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	_ = syncDir(filepath.Dir(dir)) // we may not be allowed to look at it
	lock, err := filelock.Take(filepath.Join(dir, "lock"))
	if errors.Is(err, filelock.ErrLocked) {
		err = fmt.Errorf("%w: %w", ErrFenced, err)
	}
	if err != nil {
		return nil, fmt.Errorf("the log in %s: %w", dir, err)
	}
	return lock, nil
}

func (l *FileLog) open() error {
	names, err := os.ReadDir(l.dir)
	if err != nil {
		return err
	}
	for _, e := range names {
		text, ok := strings.CutPrefix(e.Name(), logPrefix)
		if !ok {
			continue
		}
		n, err := strconv.ParseUint(text, 10, 64)
		if err != nil || n == 0 {
			return fmt.Errorf("%s is no name of a file of it", e.Name())
		}
		l.first = append(l.first, n)
	}
	slices.Sort(l.first)
	if len(l.first) == 0 {
		return l.begin(1)
	}
	return l.mend()
}

// begin begins a file for the entries from number n.
func (l *FileLog) begin(n uint64) error {
	f, err := os.OpenFile(l.path(n), os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	if err := syncDir(l.dir); err != nil {
		_ = f.Close()
		return err
	}
	if l.file != nil {
		_ = l.file.Close()
	}
	l.file, l.size, l.last = f, 0, n-1
	l.first = append(l.first, n)
	return nil
}

// mend finds the end of the last file, and cuts off what was not written whole.
func (l *FileLog) mend() error {
	n := l.first[len(l.first)-1]
	f, err := os.OpenFile(l.path(n), os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	l.file, l.last = f, n-1
	end, err := readEntries(f, n, func(n uint64, _ []byte) error { l.last = n; return nil })
	if errors.Is(err, errTorn) {
		err = l.onlyTail(end)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", filepath.Base(f.Name()), err)
	}
	if err := f.Truncate(end); err != nil {
		return err
	}
	if err := f.Sync(); err != nil {
		return err
	}
	l.size = end
	_, err = f.Seek(end, io.SeekStart)
	return err
}

// onlyTail says whether what begins at end can be one entry that was being
// written: it was not acknowledged. If it is longer, or a later entry is in it,
// the disk has changed what it had.
func (l *FileLog) onlyTail(end int64) error {
	rest, err := io.ReadAll(io.NewSectionReader(l.file, end, entryHead+maxStored+1))
	if err != nil {
		return err
	}
	damaged := fmt.Errorf("entry %d: %w, and others follow it", l.last+1, errTorn)
	if int64(len(rest)) > entryHead+maxStored {
		return damaged
	}
	for at := 1; at+entryHead < len(rest); at++ {
		size := binary.LittleEndian.Uint32(rest[at:])
		if size == 0 || int64(size) > int64(len(rest)-at-entryHead) {
			continue
		}
		entry := rest[at+entryHead:][:size]
		if l.begins(entry) && binary.LittleEndian.Uint32(rest[at+4:]) == checksum(l.last+2, entry) {
			return damaged
		}
	}
	return nil
}

func (l *FileLog) path(n uint64) string {
	return filepath.Join(l.dir, fmt.Sprintf("%s%020d", logPrefix, n))
}

// errTorn says that a file ends in something that is not an entry.
var errTorn = errors.New("an entry is broken")

// readEntries calls f with the entries of a file that begins with number n, and
// returns where the last whole one ends.
func readEntries(file io.Reader, n uint64, f func(n uint64, entry []byte) error) (end int64, err error) {
	r := bufio.NewReaderSize(file, 256<<10)
	var entry []byte
	for ; ; n++ {
		var head [entryHead]byte
		if _, err := io.ReadFull(r, head[:]); err == io.EOF {
			return end, nil
		} else if err != nil {
			return end, torn(err)
		}
		size := binary.LittleEndian.Uint32(head[:])
		if size == 0 || int64(size) > maxStored {
			return end, errTorn
		}
		entry = slices.Grow(entry[:0], int(size))[:size]
		if _, err := io.ReadFull(r, entry); err != nil {
			return end, torn(err)
		}
		if binary.LittleEndian.Uint32(head[4:]) != checksum(n, entry) {
			return end, errTorn
		}
		end += entryHead + int64(size)
		if err := f(n, entry); err != nil {
			return end, err
		}
	}
}

func torn(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return errTorn
	}
	return err
}

func checksum(n uint64, entry []byte) uint32 {
	var number [8]byte
	binary.LittleEndian.PutUint64(number[:], n)
	return crc32.Update(crc32.Checksum(number[:], castagnoli), castagnoli, entry)
}

// appendFrame appends an entry as it is in a file.
func appendFrame(dst []byte, n uint64, entry []byte) []byte {
	dst = binary.LittleEndian.AppendUint32(dst, uint32(len(entry)))
	dst = binary.LittleEndian.AppendUint32(dst, checksum(n, entry))
	return append(dst, entry...)
}

// pageHead is how long the checksum before a page is.
const pageHead = 4

// appendPage appends a page as it is in its file.
func appendPage(dst, page []byte) []byte {
	dst = binary.LittleEndian.AppendUint32(dst, crc32.Checksum(page, castagnoli))
	return append(dst, page...)
}

func isWholePage(file []byte) bool {
	return len(file) > pageHead && binary.LittleEndian.Uint32(file) == crc32.Checksum(file[pageHead:], castagnoli)
}

var errPageSum = errors.New("its checksum is wrong")

// Read calls f with the entries that were there when it was called.
func (l *FileLog) Read(ctx context.Context, after uint64, f func(n uint64, entry []byte) error) error {
	l.mu.Lock()
	first, last := slices.Clone(l.first), l.last
	l.mu.Unlock()
	errEnd := errors.New("end")
	var plain []byte
	for i, n := range first {
		if i+1 < len(first) && first[i+1] <= after+1 || n > last {
			continue
		}
		file, err := os.Open(l.path(n))
		if err != nil {
			return err
		}
		at := n
		_, err = readEntries(file, n, func(n uint64, entry []byte) error {
			if n > last {
				return errEnd
			}
			at = n + 1
			if err := ctx.Err(); err != nil || n <= after {
				return err
			}
			entry, err := openFrom(l.in, &plain, entry, entryWhat(n))
			if err != nil {
				return fmt.Errorf("entry %d: %w", n, err)
			}
			return f(n, entry)
		})
		_ = file.Close()
		until := last + 1
		if i+1 < len(first) {
			until = first[i+1]
		}
		switch {
		case errors.Is(err, errTorn) && at >= until, errors.Is(err, errEnd):
		case err != nil:
			return fmt.Errorf("%s: %w", filepath.Base(l.path(n)), err)
		case at < until:
			return fmt.Errorf("%s: it ends with entry %d, not %d: %w", filepath.Base(l.path(n)), at-1, until-1, errTorn)
		}
	}
	return nil
}

// Append writes an entry and waits until the disk has it. After an error
// other than ErrFenced, or of an entry's size, it writes nothing more: the
// folder has to be opened anew.
func (l *FileLog) Append(_ context.Context, last uint64, entry []byte) (uint64, error) {
	if len(entry) == 0 || len(entry) > maxEntry {
		return 0, fmt.Errorf("an entry of %d bytes; 1 to %d are taken", len(entry), maxEntry)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.err != nil {
		return 0, l.err
	}
	if last != l.last {
		return 0, ErrFenced
	}
	if l.size >= segmentSize {
		if l.err = l.begin(l.last + 1); l.err != nil {
			return 0, l.err
		}
	}
	n := l.last + 1
	entry = sealFor(l.in, &l.room, entry, entryWhat(n))
	l.buf = appendFrame(l.buf[:0], n, entry)
	if _, l.err = l.file.Write(l.buf); l.err != nil {
		return 0, l.err
	}
	if l.err = syncData(l.file); l.err != nil {
		return 0, l.err
	}
	l.last, l.size = n, l.size+int64(len(l.buf))
	return n, nil
}

// Trim deletes the files that hold entries up to n and no others. When those
// are all but the last entry, a new file is begun behind it first, so that the
// next Trim gets rid of the rest.
func (l *FileLog) Trim(_ context.Context, n uint64) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.err != nil {
		return l.err
	}
	if n >= l.first[len(l.first)-1] && l.size > 0 {
		if l.err = l.begin(l.last + 1); l.err != nil {
			return l.err
		}
	}
	for len(l.first) > 1 && l.first[1] <= n+1 {
		if err := os.Remove(l.path(l.first[0])); err != nil {
			return err
		}
		l.first = l.first[1:]
	}
	return nil
}

// PutPage writes a page aside and renames it into place.
func (l *FileLog) PutPage(_ context.Context, key string, page []byte) error {
	if !validKey(key) || len(page) > maxEntry {
		return fmt.Errorf("page %q of %d bytes: %w", clip(key, 80), len(page), errFormat)
	}
	l.mu.Lock()
	closed := l.lock == nil
	l.mu.Unlock()
	if closed {
		return os.ErrClosed
	}
	path := filepath.Join(l.dir, pagePrefix+key)
	if len(page) == 0 {
		if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
		return nil
	}
	page = sealFor(l.in, new([]byte), page, pageWhat(key))
	f, err := os.CreateTemp(l.dir, pageTemporary)
	if err != nil {
		return err
	}
	_, err = f.Write(appendPage(nil, page))
	if err == nil {
		err = f.Sync()
	}
	if err2 := f.Close(); err == nil {
		err = err2
	}
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		_ = os.Remove(f.Name())
		return err
	}
	return syncDir(l.dir)
}

func validKey(key string) bool {
	for _, c := range key {
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' && c != '.' {
			return false
		}
	}
	return key != "" && len(key) <= 64
}

// Pages calls f with each page. What a crash has left of a page that was being
// written is deleted.
func (l *FileLog) Pages(ctx context.Context, f func(key string, page []byte) error) error {
	names, err := os.ReadDir(l.dir)
	if err != nil {
		return err
	}
	var plain []byte
	for _, e := range names {
		if strings.HasPrefix(e.Name(), pageTemporary) {
			_ = os.Remove(filepath.Join(l.dir, e.Name()))
		}
		key, ok := strings.CutPrefix(e.Name(), pagePrefix)
		if !ok {
			continue
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		b, err := os.ReadFile(filepath.Join(l.dir, e.Name()))
		if err != nil {
			return err
		}
		if !isWholePage(b) {
			return fmt.Errorf("%s: %w", e.Name(), errPageSum)
		}
		page, err := openFrom(l.in, &plain, b[pageHead:], pageWhat(key))
		if err != nil {
			return fmt.Errorf("%s: %w", e.Name(), err)
		}
		if err := f(key, page); err != nil {
			return err
		}
	}
	return nil
}

// Close lets another process open the folder.
func (l *FileLog) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.lock == nil {
		return nil
	}
	var err error
	if l.file != nil {
		err = l.file.Close()
	}
	_ = l.lock.Close()
	l.lock = nil
	if l.err == nil {
		l.err = os.ErrClosed
	}
	return err
}
