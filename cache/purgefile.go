package cache

import (
	"bytes"
	"encoding/json"
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
	"time"

	"freshet/internal/atrest"
	"freshet/internal/diskstore"
)

// purgeFile remembers purges beside the objects: without it a restart would
// bring back what was purged. Lines are appended, each with its sum before it;
// one that a crash cut off was never acknowledged. When there are many more
// lines than hold, the file is written anew, aside, and renamed.
type purgeFile struct {
	store *Store
	path  string
	ring  *atrest.Ring // nil: lines are not sealed

	mu     sync.Mutex  // guards all below; held while the file is read or written
	known  os.FileInfo // the file that was read; nil: none
	size   int64       // of it, up to the end of the last line that counts
	lines  int
	broken bool // the last write failed: it is to be written anew
}

// A purgeLine is one line of the file; one of its parts is there. A line of which
// a version knows none, because another has written it, is skipped, and gone when
// the file is written anew; a purge that is not known is a fault.
type purgeLine struct {
	Generation uint64     `json:"generation,omitempty"` // the first line: no number was higher
	Epoch      *epochLine `json:"epoch,omitempty"`
	Receipt    *Receipt   `json:"receipt,omitempty"`
	Due        int        `json:"due,omitempty"`   // with a receipt: how many epochs of it follow
	Undo       string     `json:"undo,omitempty"`  // the receipt of a purge that does not hold any more
	Swept      []uint64   `json:"swept,omitempty"` // epochs
	Mark       *string    `json:"mark,omitempty"`  // see SetMark; printable
}

type epochLine struct {
	Number uint64 `json:"number"`
	What   string `json:"what"`
	Value  string `json:"value,omitempty"` // printable
	Soft   bool   `json:"soft,omitempty"`
	At     int64  `json:"at"` // nanoseconds since 1970
	By     string `json:"by,omitempty"`
	Swept  bool   `json:"swept,omitempty"`
}

func lineOf(e *epoch) purgeLine {
	l := &epochLine{Number: e.number, What: selectorNames[e.sel.kind], Value: printableKey(e.sel.value), Soft: e.soft, At: e.at, Swept: e.swept}
	if e.by != nil {
		l.By = e.by.id
	}
	return purgeLine{Epoch: l}
}

// epochOf is the epoch of a line.
func (l *epochLine) epochOf(by *receipt) (*epoch, error) {
	e := &epoch{number: l.Number, soft: l.Soft, at: l.At, by: by, swept: l.Swept}
	value, ok := rawKey(l.Value)
	kind := slices.Index(selectorNames[:], l.What)
	if kind < 0 || !ok {
		return nil, fmt.Errorf("a purge of %q is not known", l.What)
	}
	e.sel = Selector{kind: selectorKind(kind), value: value}
	if e.sel.kind == selectWhere {
		var err error
		if e.sel, err = ParseWhere(value); err != nil {
			return nil, err
		}
	}
	return e, nil
}

const purgeSums = 8 + 1 // hexadecimal digits and a space before each line

func appendLine(dst []byte, l purgeLine) ([]byte, error) {
	text, err := json.Marshal(l)
	if err != nil {
		return dst, err
	}
	dst = fmt.Appendf(dst, "%08x ", crc32.ChecksumIEEE(text))
	return append(append(dst, text...), '\n'), nil
}

var errPurgeLine = errors.New("a line is not what was written")

func parseLine(line []byte) (l purgeLine, err error) {
	var sum uint32
	if len(line) < purgeSums || line[purgeSums-1] != ' ' {
		return l, errPurgeLine
	}
	if _, err := fmt.Sscanf(string(line[:purgeSums-1]), "%08x", &sum); err != nil || sum != crc32.ChecksumIEEE(line[purgeSums:]) {
		return l, errPurgeLine
	}
	err = json.Unmarshal(line[purgeSums:], &l)
	return l, err
}

// Sealed, a line is bound to where it begins, so that the order of lines is
// sealed, too.
func linePurpose(at int64) string { return "purges.log at " + strconv.FormatInt(at, 10) }

// appendLine appends a line that begins at that place of the file.
func (f *purgeFile) appendLine(dst []byte, at int64, l purgeLine) ([]byte, error) {
	if f.ring == nil {
		return appendLine(dst, l)
	}
	text, err := json.Marshal(l)
	if err != nil {
		return dst, err
	}
	return append(f.ring.SealLine(dst, text, linePurpose(at)), '\n'), nil
}

// parseLine reads the line that begins at that place.
func (f *purgeFile) parseLine(line []byte, at int64) (l purgeLine, err error) {
	if f.ring == nil {
		return parseLine(line)
	}
	text, _, err := f.ring.OpenLine(nil, line, linePurpose(at))
	if err != nil {
		return l, fmt.Errorf("%w: %w", errPurgeLine, err)
	}
	err = json.Unmarshal(text, &l)
	return l, err
}

// read reads what the file says. What cannot be read makes everything that is
// stored stale. f.mu is held.
func (f *purgeFile) read() {
	f.known, f.size, f.lines = nil, 0, 0
	t := new(epochs)
	file, err := os.Open(f.path)
	if err == nil {
		defer file.Close()
		if f.known, err = file.Stat(); err == nil {
			err = f.apply(file, t)
		}
	}
	if err != nil && !os.IsNotExist(err) {
		f.store.forgetful(t, err)
	}
	f.store.epochs.become(t)
}

// apply reads lines from where reading ended the last time.
func (f *purgeFile) apply(file *os.File, t *epochs) error {
	text, err := io.ReadAll(io.NewSectionReader(file, f.size, 1<<62))
	if err != nil {
		return err
	}
	var faults []error
	for {
		at := f.size
		line, rest, whole := bytes.Cut(text, []byte("\n"))
		if !whole {
			break // nothing, or what a crash cut off
		}
		f.size += int64(len(line)) + 1
		f.lines++
		text = rest
		l, err := f.parseLine(line, at)
		if err == nil {
			err = f.store.recall(&l, t)
		}
		if err != nil && len(faults) < 3 {
			faults = append(faults, err)
		}
	}
	return errors.Join(faults...)
}

// refresh reads what other processes have written.
func (f *purgeFile) refresh() {
	info, err := os.Stat(f.path)
	if err != nil {
		return // nothing was ever purged
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.catchUp(info)
}

func (f *purgeFile) catchUp(info os.FileInfo) {
	if f.known == nil || !os.SameFile(f.known, info) || info.Size() < f.size {
		f.read()
		return
	}
	if info.Size() == f.size {
		return
	}
	file, err := os.Open(f.path)
	if err != nil {
		return
	}
	defer file.Close()
	if err := f.apply(file, &f.store.epochs); err != nil {
		f.store.forgetful(&f.store.epochs, err)
	}
}

// locked calls what with the file to itself, in this process and, of a folder
// that is shared, among processes, and with all that others wrote known.
func (f *purgeFile) locked(what func() error) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.store.shared {
		lock, err := diskstore.Lock(f.path+".lock", 10*time.Second)
		if err != nil {
			// What follows holds for this process; the others may not hear of it.
			return errors.Join(err, what())
		}
		defer lock.Close()
		if info, err := os.Stat(f.path); err == nil {
			f.catchUp(info)
		}
	}
	return what()
}

// append adds lines, and with sync has them on the disk when it returns. f.mu is
// held.
func (f *purgeFile) append(sync bool, lines ...purgeLine) error {
	if f.broken || f.known == nil || f.lines > 4*f.store.holding()+4*maxReceipts {
		return f.rewrite()
	}
	var b []byte
	for _, l := range lines {
		var err error
		if b, err = f.appendLine(b, f.size+int64(len(b)), l); err != nil {
			return err
		}
	}
	file, err := os.OpenFile(f.path, os.O_RDWR, 0)
	if err != nil {
		f.broken = true
		return err
	}
	defer file.Close()
	// At the end of the last line: what a crash cut off goes.
	err = file.Truncate(f.size)
	if err == nil {
		_, err = file.WriteAt(b, f.size)
	}
	if err == nil && sync {
		err = file.Sync()
	}
	if err != nil {
		f.broken = true
		return err
	}
	f.size += int64(len(b))
	f.lines += len(lines)
	return nil
}

// rewrite writes what holds, and no more. f.mu is held.
func (f *purgeFile) rewrite() error {
	lines := f.store.recollect()
	var b []byte
	var err error
	for _, l := range lines {
		if b, err = f.appendLine(b, int64(len(b)), l); err != nil {
			return err
		}
	}
	f.broken = true
	aside := f.path + ".new"
	if err := writeSynced(aside, b); err != nil {
		return err
	}
	if err := os.Rename(aside, f.path); err != nil {
		return err
	}
	if err := syncFolder(filepath.Dir(f.path)); err != nil {
		return err
	}
	f.known, err = os.Stat(f.path)
	f.size, f.lines, f.broken = int64(len(b)), len(lines), err != nil
	return err
}

func writeSynced(name string, content []byte) error {
	file, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = file.Write(content)
	if err == nil {
		err = file.Sync()
	}
	return errors.Join(err, file.Close())
}

// syncFolder has a renamed file on the disk, where folders can be synced.
func syncFolder(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	if err := d.Sync(); err != nil && !errors.Is(err, errors.ErrUnsupported) && !cannotSync(err) {
		return err
	}
	return nil
}

// cannotSync reports whether a system says that folders are not synced there.
func cannotSync(err error) bool {
	return os.IsPermission(err) || strings.Contains(err.Error(), "invalid argument") || strings.Contains(err.Error(), "Access is denied")
}

// recollect returns the lines that say all that holds.
func (s *Store) recollect() []purgeLine {
	lines := []purgeLine{{Generation: s.generation.Load()}}
	for _, r := range s.receipts.all() {
		if r.cut() {
			continue
		}
		snapshot := r.snapshot()
		lines = append(lines, purgeLine{Receipt: &snapshot})
	}
	s.epochs.mu.RLock()
	defer s.epochs.mu.RUnlock()
	for _, e := range s.epochs.all {
		lines = append(lines, lineOf(e))
	}
	if s.epochs.mark != "" {
		lines = append(lines, markLine(s.epochs.mark))
	}
	return lines
}

// holding returns how many lines recollect would return.
func (s *Store) holding() int {
	s.epochs.mu.RLock()
	defer s.epochs.mu.RUnlock()
	return len(s.epochs.all) + len(s.receipts.all())
}

// recall has a line of the file hold in t.
func (s *Store) recall(l *purgeLine, t *epochs) error {
	switch {
	case l.Receipt != nil:
		s.receipts.restore(l.Receipt, l.Due)
	case l.Epoch != nil:
		return s.recallEpoch(l.Epoch, t)
	case l.Undo != "":
		s.undo(l.Undo, t)
	case l.Mark != nil:
		return t.recallMark(*l.Mark)
	case len(l.Swept) > 0:
		t.mu.Lock()
		defer t.mu.Unlock()
		for _, number := range l.Swept {
			if e := t.find(number); e != nil {
				e.swept = true
			}
		}
	default:
		s.raise(l.Generation)
	}
	return nil
}

func (s *Store) recallEpoch(l *epochLine, t *epochs) error {
	by := s.receipts.find(l.By)
	e, err := l.epochOf(by)
	if err != nil {
		return err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if n := len(t.all); n > 0 && t.all[n-1].number >= e.number {
		return fmt.Errorf("purge %d comes after %d", e.number, t.all[n-1].number)
	}
	if by != nil {
		by.mu.Lock()
		if by.due = max(0, by.due-1); !e.swept {
			by.left++
		}
		by.mu.Unlock()
	}
	t.add(e)
	s.raise(e.number)
	return nil
}

// become makes the epochs those of another table, at once for who compares.
func (t *epochs) become(other *epochs) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.all, t.hard, t.soft, t.mark = other.all, other.hard, other.soft, other.mark
}

// forgetful has everything that is stored validated: what was purged before is
// not known.
func (s *Store) forgetful(t *epochs, err error) {
	s.opt.ErrorLog.Warn("cache: what was purged before is not known, so everything is validated", "err", err)
	t.mu.Lock()
	defer t.mu.Unlock()
	number := s.generation.Load() + 1<<40 // beyond all numbers that may have been lost
	t.add(&epoch{number: number, soft: true, at: s.now(), swept: true})
	s.raise(number)
}

// readPurges has the purges hold that are remembered beside the objects. before
// is the file of a version before; used says that there may be objects.
func (t *diskTier) readPurges(before string, used bool) {
	f := t.purges
	f.mu.Lock()
	defer f.mu.Unlock()
	f.recallAll(before, used)
	t.store.receipts.dropCut()
	// What was swept is not forgotten for that: when the power went, a file that
	// was removed may be back (TestSweptComesBack).
	if err := f.rewrite(); err != nil {
		t.log.Error("cache: keep what was purged", "err", err)
	}
}

// readShared is readPurges of a folder that is shared: one of those who come to
// a new one makes the file.
func (t *diskTier) readShared(before, objects string) {
	f := t.purges
	err := f.locked(func() error {
		if f.known != nil {
			return nil
		}
		_, err := os.Stat(filepath.Join(objects, "objects"))
		if f.recallAll(before, err == nil); f.known != nil {
			return nil
		}
		return f.rewrite()
	})
	if err != nil {
		t.log.Error("cache: keep what was purged", "err", err)
	}
}

// recallAll reads the file, or that of a version before. Without either, objects
// that are there may have been purged. f.mu is held.
func (f *purgeFile) recallAll(before string, used bool) {
	f.read()
	if f.known != nil {
		return
	}
	switch _, err := os.Stat(before); {
	case err == nil:
		f.store.readGenerations(before)
	case used:
		f.store.forgetful(&f.store.epochs, os.ErrNotExist)
	}
}
