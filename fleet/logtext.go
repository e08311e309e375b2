package fleet

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"sync"

	"freshet/internal/atrest"
	"freshet/internal/sealedfolder"
)

// What a task writes is a file that grows. Sealed, it is parts, one for what was
// written at once, each a small file (package atrest) behind its length, in four
// bytes, big endian. A part is bound to its task and to where it begins in the
// text. What follows the last whole part was never written whole, and is cut off by
// who writes next after a start, and so is a last part that does not open.

const (
	// logsPurpose is what the folder is.
	logsPurpose = "logs of jobs"
	// textPart is how long a part is at most, before it is sealed.
	textPart = 256 << 10
	textHead = 4
	// maxTexts is of how many texts it is remembered where parts begin, and
	// everyMark how many parts are between two places that are.
	maxTexts  = 1024
	everyMark = 64
)

// partAt says what a part is of a text that is is.
func partAt(is string, at int64) string { return is + " at " + strconv.FormatInt(at, 10) }

// textIs says what the text of a task is.
func textIs(at taskOf) string { return "log " + string(at.job) + "/" + strconv.FormatInt(at.task, 10) }

// textIndex is where parts begin, as far as they were looked at.
type textIndex struct {
	marks        []textMark
	parts        int
	before, last textMark // where the last two parts begin, if there are so many
	end          textMark // behind the last part
}

type textMark struct{ plain, file int64 }

// textPeek is enough of a part to know how long it is.
var textPeek = textHead + int(atrest.MaxSealedSize(0))

// partHead reads how long the part at a place is, sealed and before that. ok: it is
// there whole.
func partHead(f io.ReaderAt, at, size int64) (sealed, plain int64, ok bool, err error) {
	head := make([]byte, min(size-at, int64(textPeek)))
	if _, err := f.ReadAt(head, at); err != nil && err != io.EOF {
		return 0, 0, false, err
	}
	if len(head) < textHead {
		return 0, 0, false, nil
	}
	sealed = int64(binary.BigEndian.Uint32(head))
	if sealed == 0 || at+textHead+sealed > size {
		return 0, 0, false, nil
	}
	plain, err = atrest.PlainSize(bytes.NewReader(head[textHead:]), sealed)
	return sealed, plain, err == nil, err
}

// scan goes on to the last whole part of a file that is so long. What follows it was
// being written; where other parts follow that, it is damaged.
func (x *textIndex) scan(f io.ReaderAt, size int64) error {
	if x.end.file > size {
		*x = textIndex{} // it is another one
	}
	for x.end.file < size {
		sealed, plain, ok, err := partHead(f, x.end.file, size)
		if errors.Is(err, atrest.ErrDamaged) {
			err = nil // a length, and nothing behind it yet
		}
		if err == nil && !ok {
			if from := x.end.file + textHead + 1; from < size {
				err = onlyTorn(io.NewSectionReader(f, from, size-from))
			}
		}
		if err != nil {
			return fmt.Errorf("the part at %d: %w", x.end.file, err)
		}
		if !ok {
			return nil
		}
		if x.parts%everyMark == 0 {
			x.marks = append(x.marks, x.end)
		}
		x.parts++
		x.before, x.last = x.last, x.end
		x.end.plain += plain
		x.end.file += textHead + sealed
	}
	return nil
}

// texts remembers where parts begin.
type texts struct {
	mu sync.Mutex // guards by, and is held while a file is looked at; a leaf
	by map[taskOf]*textIndex
}

// of is where parts of a file are now. What it has is not changed afterwards.
func (t *texts) of(at taskOf, f *os.File) (textIndex, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	info, err := f.Stat() // of now: what was cut off was forgotten after that
	if err != nil {
		return textIndex{}, err
	}
	x := t.by[at]
	if x == nil {
		if len(t.by) >= maxTexts || t.by == nil {
			t.by = map[taskOf]*textIndex{}
		}
		x = &textIndex{}
		t.by[at] = x
	}
	err = x.scan(f, info.Size())
	return *x, err
}

// forgetIf forgets texts of which is says so.
func (t *texts) forgetIf(is func(taskOf) bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for at := range t.by {
		if is(at) {
			delete(t.by, at)
		}
	}
}

// text is a text that is read, by one goroutine at a time. Close it.
type text struct {
	*io.SectionReader
	file *os.File
}

// Close closes the file.
func (t *text) Close() error { return t.file.Close() }

// reader reads a file that is open, and owns it from then on.
func (l *Logs) reader(at taskOf, f *os.File) (*text, error) {
	var r io.ReaderAt = f
	size := int64(0)
	if l.in.Sealed() {
		x, err := l.texts.of(at, f)
		if err != nil && x.end.plain == 0 {
			return nil, errors.Join(&os.PathError{Op: "open", Path: f.Name(), Err: err}, f.Close())
		}
		r, size = &partsReader{f: f, in: l.in, is: textIs(at), x: x, fault: err}, x.end.plain
		if err != nil {
			size++ // who reads to the end hears of it
		}
	} else if info, err := f.Stat(); err != nil {
		return nil, errors.Join(err, f.Close())
	} else {
		size = info.Size()
	}
	return &text{io.NewSectionReader(r, 0, size), f}, nil
}

// partsReader reads what is in parts.
type partsReader struct {
	f     *os.File
	in    *sealedfolder.Folder
	is    string
	x     textIndex
	fault error // of what follows its end

	at   int64 // of the part that was opened last
	part []byte
	room []byte
}

// ReadAt implements io.ReaderAt.
func (r *partsReader) ReadAt(b []byte, off int64) (n int, err error) {
	if off < 0 {
		return 0, errors.New("a negative offset")
	}
	for len(b) > 0 && off < r.x.end.plain {
		if off < r.at || off >= r.at+int64(len(r.part)) {
			if err := r.open(off); err != nil {
				return n, err
			}
		}
		m := copy(b, r.part[off-r.at:])
		n, b, off = n+m, b[m:], off+int64(m)
	}
	if len(b) > 0 {
		if r.fault != nil {
			return n, r.fault
		}
		return n, io.EOF
	}
	return n, nil
}

// open opens the part that an offset is in.
func (r *partsReader) open(off int64) error {
	i, found := slices.BinarySearchFunc(r.x.marks, off, func(m textMark, off int64) int {
		return int(min(max(m.plain-off, -1), 1))
	})
	if !found {
		i--
	}
	m := r.x.marks[i]
	for {
		sealed, plain, ok, err := partHead(r.f, m.file, r.x.end.file)
		if err != nil || !ok {
			return errors.Join(fmt.Errorf("%w: the part at %d", atrest.ErrDamaged, m.file), err)
		}
		if off >= m.plain+plain {
			m.plain, m.file = m.plain+plain, m.file+textHead+sealed
			continue
		}
		return r.openAt(m, sealed)
	}
}

// openAt opens the part that begins somewhere, and is so long.
func (r *partsReader) openAt(m textMark, sealed int64) (err error) {
	r.room = slices.Grow(r.room[:0], int(sealed))[:sealed]
	if _, err := r.f.ReadAt(r.room, m.file+textHead); err != nil {
		return err
	}
	r.at = m.plain
	r.part, _, err = r.in.Ring().Open(r.part[:0], r.room, r.in.What(partAt(r.is, m.plain)))
	return err
}

// cut leaves out the last part if it does not open though its key is there: the
// disk had its length, and not yet all of it, when the power went away. If the one
// before it does not open either, it was not that.
func (r *partsReader) cut() (done bool, err error) {
	if r.x.parts == 0 {
		return false, nil
	}
	err = r.openAt(r.x.last, r.x.end.file-r.x.last.file-textHead)
	if !errors.Is(err, atrest.ErrDamaged) {
		return false, err
	}
	if r.x.parts > 1 {
		if err := r.openAt(r.x.before, r.x.last.file-r.x.before.file-textHead); err != nil && !errors.Is(err, atrest.ErrNoKey) {
			return false, fmt.Errorf("the part at %d: %w", r.x.before.file, err)
		}
	}
	r.x.end, r.part = r.x.last, r.part[:0]
	return true, nil
}

// appendParts appends a text, which begins at an offset of its file, as parts.
func appendParts(dst []byte, in *sealedfolder.Folder, is string, at int64, b []byte) []byte {
	for len(b) > 0 {
		part := b[:min(len(b), textPart)]
		start := len(dst)
		dst = append(dst, make([]byte, textHead)...)
		dst = in.Ring().Seal(dst, part, in.What(partAt(is, at)))
		binary.BigEndian.PutUint32(dst[start:], uint32(len(dst)-start-textHead))
		at, b = at+int64(len(part)), b[len(part):]
	}
	return dst
}

// textIn fills the file of a text.
func textIn(in *sealedfolder.Folder, is string) filler {
	if !in.Sealed() {
		return wholeIn(in, "")
	}
	return func(to *os.File) io.WriteCloser { return &partsWriter{to: to, in: in, is: is} }
}

// partsWriter writes a text from its beginning.
type partsWriter struct {
	to   io.Writer
	in   *sealedfolder.Folder
	is   string
	at   int64
	rest []byte
	out  []byte
}

// Write implements io.Writer.
func (w *partsWriter) Write(b []byte) (n int, err error) {
	for n < len(b) && err == nil {
		m := min(textPart-len(w.rest), len(b)-n)
		w.rest = append(w.rest, b[n:n+m]...)
		if n += m; len(w.rest) == textPart {
			err = w.flush()
		}
	}
	return n, err
}

func (w *partsWriter) flush() error {
	w.out = appendParts(w.out[:0], w.in, w.is, w.at, w.rest)
	w.at, w.rest = w.at+int64(len(w.rest)), w.rest[:0]
	_, err := w.to.Write(w.out)
	return err
}

// Close writes the rest.
func (w *partsWriter) Close() error { return w.flush() }

// endOf is where more of a text is written in its file, and where that is in the
// text. What was not written whole is cut off; what is damaged is not written behind.
func (l *Logs) endOf(at taskOf, f *os.File) (end textMark, err error) {
	info, err := f.Stat()
	if err != nil {
		return textMark{}, err
	}
	if !l.in.Sealed() {
		return textMark{info.Size(), info.Size()}, nil
	}
	x, err := l.texts.of(at, f)
	if _, wrote := l.last[at]; err == nil && !wrote {
		r := partsReader{f: f, in: l.in, is: textIs(at), x: x}
		if _, err = r.cut(); errors.Is(err, atrest.ErrNoKey) {
			err = nil // whole, as far as can be said
		}
		x = r.x
	}
	if err != nil {
		return x.end, &os.PathError{Op: "write to", Path: f.Name(), Err: err}
	}
	if x.end.file < info.Size() {
		err = f.Truncate(x.end.file)
		l.texts.forgetIf(func(other taskOf) bool { return other == at })
	}
	return x.end, err
}

// onlyTorn says whether what follows the beginning of a part that is not whole can
// be the rest of it: that no part follows it.
func onlyTorn(rest io.Reader) error {
	buf := make([]byte, 0, 64<<10)
	for {
		n, err := rest.Read(buf[len(buf):cap(buf)])
		buf = buf[:len(buf)+n]
		if atrest.HasHead(buf) {
			return fmt.Errorf("%w: a part is not whole, and others follow it", atrest.ErrDamaged)
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		buf = append(buf[:0], buf[max(0, len(buf)-16):]...)
	}
}
