package diskstore

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"sync"
	"sync/atomic"
)

// Writer writes one body. It ends with Finish or Abort; those who read along
// hold it with Retain until Release. Write and WriteAt are for one goroutine at
// a time, the rest may be called by all at once.
type Writer struct {
	store  *Store
	id     uint64
	sparse bool
	adder  bool // the file is a stored body's
	key    Key  // of that body
	size   int64
	base   int64 // what the body occupied before an adder came

	written atomic.Int64

	mu       sync.Mutex // guards what follows
	memory   []byte     // the body, as long as there is no file
	file     File
	pieces   pieces
	sealing  *sealing // of a sealed store
	reserved int64
	holders  int
	ended    bool  // by Finish or Abort
	discard  bool  // by Abort: the file goes with the last holder
	err      error // why nothing more can be written
}

// writeStep is by how much the reservation of a body of unknown length grows.
const writeStep = 256 << 10

var (
	errEnded   = errors.New("writer has ended")
	errAborted = errors.New("writer was aborted")
	errMethod  = errors.New("Write is for bodies from Create, WriteAt for sparse ones")
)

// Create begins a body of about sizeHint bytes; -1 if that is not known. It
// stays in memory until it is longer than Options.InlineMax. The error is
// ErrFull if sizeHint is more than the whole budget, or ErrFailing. Room is
// made as bytes come: an announcement alone evicts nothing.
func (s *Store) Create(sizeHint int64) (*Writer, error) {
	if err := s.writable(); err != nil {
		return nil, err
	}
	w := &Writer{store: s, id: rand.Uint64(), size: -1, holders: 1}
	w.sealing = s.newSealing(w.id, nil)
	if sizeHint <= int64(s.opt.InlineMax) {
		return w, nil
	}
	if sizeHint > s.opt.MaxBytes {
		return nil, ErrFull
	}
	if err := w.open(0); err != nil {
		return nil, err
	}
	return w, nil
}

// OpenSparse begins a body of that size of which parts come in any order, with
// WriteAt. Holes occupy nothing, where the file system can do that.
func (s *Store) OpenSparse(size int64) (*Writer, error) {
	if err := s.writable(); err != nil {
		return nil, err
	}
	if size < 0 {
		return nil, fmt.Errorf("sparse body of %d bytes: %w", size, errUnsound)
	}
	w := &Writer{store: s, id: rand.Uint64(), size: size, holders: 1, sparse: true}
	w.sealing = s.newSealing(w.id, nil)
	if err := w.open(0); err != nil {
		return nil, err
	}
	return w, nil
}

// AddTo begins to fill holes of the body of k with that ID; there is one such
// Writer for a body at a time, up to the Put that takes what Finish returns,
// or to Abort. ErrNotFound if there is no such body, or it lives inside the
// metadata; ErrBusy if another adds to it. Readers go on reading what they know of.
func (s *Store) AddTo(k Key, id uint64) (*Writer, error) {
	if err := s.writable(); err != nil {
		return nil, err
	}
	s.mu.Lock()
	if s.pending[id] != nil {
		s.mu.Unlock()
		return nil, ErrBusy
	}
	s.pending[id] = &pending{adder: true, key: k}
	s.mu.Unlock()
	w, err := s.openAdder(k, id)
	if err != nil {
		s.unpend(id)
		return nil, err
	}
	return w, nil
}

func (s *Store) openAdder(k Key, id uint64) (*Writer, error) {
	o, err := s.Get(k)
	if err != nil {
		return nil, err
	}
	defer o.Release()
	b := o.rec.body(id)
	if b == nil || b.Inline != nil {
		return nil, ErrNotFound
	}
	if len(b.Pens) >= maxPens {
		return nil, fmt.Errorf("%w: %d additions", ErrTooLarge, maxPens)
	}
	file, err := s.fs.OpenFile(s.bodyPath(&k, id), os.O_RDWR, 0)
	if isGone(err) {
		s.rotten(k, id, err)
		return nil, ErrNotFound
	} else if err != nil {
		return nil, s.failed(err)
	}
	s.retain(id)
	w := &Writer{
		store: s, id: id, size: b.Size, base: b.cost(), holders: 1, sparse: true, adder: true, key: k,
		file: file, pieces: piecesOf(b), sealing: s.newSealing(id, b),
	}
	for _, e := range b.Extents {
		w.written.Add(e.End - e.Start)
	}
	return w, nil
}

func (s *Store) unpend(id uint64) *pending {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.pending[id]
	delete(s.pending, id)
	return p
}

// open makes w one that has a file from the start.
func (w *Writer) open(reserve int64) (err error) {
	w.file, err = w.begin(reserve)
	return err
}

// begin reserves room and opens the temporary file.
func (w *Writer) begin(reserve int64) (File, error) {
	if err := w.reserve(reserve); err != nil {
		return nil, err
	}
	f, err := w.store.fs.OpenFile(w.store.temporary(w.id), os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		w.store.budget.give(w.reserved)
		w.reserved = 0
		return nil, w.store.failed(err)
	}
	return f, nil
}

// reserve makes the reservation at least n bytes; one that grows with each
// Write grows in steps, as long as that costs nobody his place.
func (w *Writer) reserve(n int64) error {
	more := n - w.reserved
	if more <= 0 {
		return nil
	}
	if w.store.shared != nil {
		if n > w.store.opt.MaxBytes {
			return ErrFull
		}
		w.reserved = n
		return nil
	}
	if !w.sparse && more < writeStep {
		if total, ok := w.store.budget.take(writeStep); ok {
			w.store.raiseUsage(total, 0)
			w.reserved += writeStep
			return nil
		}
	}
	if err := w.store.reserve(more); err != nil {
		return err
	}
	w.reserved += more
	return nil
}

// state returns the file, and why there is nothing to be written to it.
func (w *Writer) state(sparse bool) (File, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case w.ended && w.err == nil:
		return nil, errEnded
	case sparse != w.sparse:
		return nil, errMethod
	}
	return w.file, w.err
}

// fail ends the writing, for good.
func (w *Writer) fail(err error) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.err == nil {
		w.err = err
	}
	return err
}

// Write appends to a body from Create. After an error, which is ErrFull or
// ErrFailing, the body cannot be finished; what was written before can still be read.
func (w *Writer) Write(p []byte) (int, error) {
	f, err := w.state(false)
	if err != nil || len(p) == 0 {
		return 0, err
	}
	if f == nil {
		if len(w.memory)+len(p) <= w.store.opt.InlineMax {
			w.mu.Lock()
			w.memory = append(w.memory, p...)
			w.mu.Unlock()
			w.written.Add(int64(len(p)))
			return len(p), nil
		}
		if f, err = w.spill(); err != nil {
			return 0, w.fail(err)
		}
	}
	off := w.written.Load()
	if err := w.put(f, p, off); err != nil {
		return 0, w.fail(err)
	}
	if w.sealing == nil {
		w.pieces = w.pieces.add(off, p)
	}
	w.written.Add(int64(len(p)))
	return len(p), nil
}

// put writes p at off, within the budget.
func (w *Writer) put(f File, p []byte, off int64) error {
	if err := w.store.ready(); err != nil {
		return err
	}
	if err := w.reserve(onDisk(off + int64(len(p)))); err != nil {
		return err
	}
	if w.sealing != nil {
		return w.putSealed(f, p, off)
	}
	if _, err := f.WriteAt(p, off); err != nil {
		return w.store.failed(err)
	}
	return nil
}

// spill moves the body from memory to a file; who reads along does not notice.
func (w *Writer) spill() (File, error) {
	f, err := w.begin(onDisk(int64(len(w.memory))))
	if err != nil {
		return nil, err
	}
	err = w.put(f, w.memory, 0)
	if w.sealing == nil {
		w.pieces = w.pieces.add(0, w.memory)
	}
	w.mu.Lock()
	w.file = f
	w.mu.Unlock()
	return f, err
}

// Written is how many bytes there are, holes not counted.
func (w *Writer) Written() int64 { return w.written.Load() }

// ID is the ID that the body will have, or has.
func (w *Writer) ID() uint64 { return w.id }

// File is the file, for reading what is written by ReadAt or sendfile; nil as
// long as the body is in memory, and of one that is sealed. Only as many bytes as Written says are there;
// of a sparse body, only what was given to WriteAt.
func (w *Writer) File() *os.File {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.file == nil || w.sealing != nil {
		return nil
	}
	return w.file.OS()
}

// ReadAt reads what has been written. It returns io.EOF where that ends, for
// now or at a hole.
func (w *Writer) ReadAt(p []byte, off int64) (int, error) {
	if off < 0 {
		return 0, io.EOF
	}
	w.mu.Lock()
	f, memory, end := w.file, w.memory, w.written.Load()
	if w.sparse {
		end = w.pieces.missing(off, w.size).Start
	}
	w.mu.Unlock()
	there := max(min(end-off, int64(len(p))), 0)
	// The beginning is still in memory: where moving it to a file failed, only there.
	n, err := copy(p[:there], memory[min(off, int64(len(memory))):]), error(nil)
	if int64(n) < there && f != nil {
		var m int
		if w.sealing != nil {
			m, err = w.readSealed(f, p[n:there], off+int64(n))
		} else {
			m, err = f.ReadAt(p[n:there], off+int64(n))
		}
		n += m
	}
	if err == nil && n < len(p) {
		err = io.EOF
	}
	return n, err
}

// Finish ends the writing. The body is stored by the Put that takes it; until
// then Abort still discards it.
func (w *Writer) Finish() (Body, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.ended || w.err != nil {
		if w.err == nil {
			w.err = errEnded
		}
		return Body{}, w.err
	}
	if w.file != nil && w.sealing != nil {
		if err := w.finishSealed(); err != nil {
			w.err = err
			return Body{}, err
		}
	}
	w.ended = true
	b := Body{ID: w.id, Size: w.size}
	if !w.sparse {
		b.Size = w.written.Load()
	}
	if w.file == nil {
		b.Inline = append(make([]byte, 0, len(w.memory)), w.memory...)
		if b.Size > 0 {
			b.Extents = []Extent{{0, b.Size}}
		}
	} else {
		w.fill(&b)
		w.settle(b)
	}
	w.drop()
	return b, nil
}

// settle makes the reservation exact and offers the body to Put.
func (w *Writer) settle(b Body) {
	s := w.store
	cost := b.cost() - w.base
	s.budget.give(w.reserved - cost)
	w.reserved = cost
	s.mu.Lock()
	defer s.mu.Unlock()
	s.pending[w.id] = &pending{body: b, finished: true, reserved: cost, adder: w.adder, key: w.key}
}

// Abort gives the body up, unless a Put has taken it. It may be called at any
// time, more than once. What an adder has written into holes stays there: it is
// counted as the object's until the object goes, or the process.
func (w *Writer) Abort() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.ended {
		w.ended, w.err, w.discard = true, errAborted, true
		if w.adder {
			w.store.unpend(w.id)
		}
		w.drop()
		return
	}
	if w.file == nil || w.discard || w.store.unpend(w.id) == nil {
		return
	}
	w.discard = true
	if w.holders == 0 {
		w.remove()
	}
}

// Retain adds one who reads along; each calls Release once.
func (w *Writer) Retain() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.holders++
}

// Release ends the use of w by one who called Retain.
func (w *Writer) Release() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.drop()
}

// drop lets one holder go; the last closes the file. w.mu is held.
func (w *Writer) drop() {
	w.holders--
	if w.holders > 0 || w.file == nil {
		return
	}
	w.file.Close()
	if w.discard {
		w.remove()
	}
	if w.adder {
		w.store.release(w.id)
	}
}

// remove removes the temporary file of what was discarded.
func (w *Writer) remove() {
	if w.adder {
		l := w.store.stripe(&w.key)
		l.Lock()
		defer l.Unlock()
		w.store.charge(w.key, w.id, w.reserved)
		return
	}
	w.store.unlink(w.id, w.store.temporary(w.id), w.reserved)
}
