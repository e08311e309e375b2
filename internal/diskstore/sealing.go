package diskstore

import (
	"slices"

	"freshet/internal/atrest"
)

// The file of a sealed body is as long as the body and has holes where that has
// them; what is in it is sealed part by part, each within one block and in its
// place. Tags are in the record, which is sealed, too.

// sealing is what a Writer has that seals. What it is given waits in memory, in
// tail, until its block is whole or what comes next belongs elsewhere. The
// Writer's pieces have it from the start; [Writer.mu] is held while they, seals
// or tail change.
type sealing struct {
	pen    *atrest.Pen
	pens   pens // of the body: those before, and pen
	seals  []Seal
	tail   []byte
	tailAt int64
}

// unsealed is, in place of the index of a seal, that of a piece that is in tail.
const unsealed = ^uint32(0)

// newSealing returns what a Writer seals a body with, to which is added when it
// is not nil; nil where nothing is sealed.
func (s *Store) newSealing(id uint64, b *Body) *sealing {
	if s.opt.Seal == nil {
		return nil
	}
	g := &sealing{pen: s.opt.Seal.NewPen(bodyPurpose(id))}
	if b != nil {
		g.pens.of(s, b)
		g.seals = slices.Clone(b.Seals)
	}
	g.pens.add(s, id, g.pen)
	return g
}

// putSealed takes bytes for the file at off, where nothing is.
func (w *Writer) putSealed(f File, p []byte, off int64) error {
	g := w.sealing
	for len(p) > 0 {
		part := p[:min(int64(len(p)), blockSize-off&(blockSize-1))]
		if end := g.tailAt + int64(len(g.tail)); len(g.tail) > 0 && end != off {
			if err := w.flush(f); err != nil {
				return err
			}
		}
		w.mu.Lock()
		if len(g.tail) == 0 {
			g.tailAt = off
			w.pieces = slices.Insert(w.pieces, w.pieces.after(off), piece{off, 0, unsealed})
		}
		g.tail = append(g.tail, part...)
		w.pieces[w.pieces.after(g.tailAt)].n = uint32(len(g.tail))
		w.mu.Unlock()
		off, p = off+int64(len(part)), p[len(part):]
		if off&(blockSize-1) == 0 {
			if err := w.flush(f); err != nil {
				return err
			}
		}
	}
	return nil
}

// flush writes what waits.
func (w *Writer) flush(f File) error {
	seal, err := w.writeTail(f)
	if err != nil {
		return err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.tailWritten(seal)
	return nil
}

// writeTail writes tail; who reads along still finds it in memory.
func (w *Writer) writeTail(f File) (Seal, error) {
	g := w.sealing
	room := atrest.NewPart()
	defer room.Free()
	sealed, tag := g.pen.Seal(room, g.tail, g.tailAt)
	if _, err := f.WriteAt(sealed, g.tailAt); err != nil {
		return Seal{}, w.store.failed(err)
	}
	return Seal{uint32(len(g.tail)), uint32(len(g.pens.marks) - 1), tag}, nil
}

// tailWritten has what was in tail found in the file from now on; w.mu is held.
func (w *Writer) tailWritten(seal Seal) {
	g := w.sealing
	w.pieces[w.pieces.after(g.tailAt)].sum = uint32(len(g.seals))
	g.seals = append(g.seals, seal)
	g.tail = g.tail[:0]
}

// finishSealed writes what still waits; w.mu is held.
func (w *Writer) finishSealed() error {
	if len(w.sealing.tail) == 0 {
		return nil
	}
	seal, err := w.writeTail(w.file)
	if err != nil {
		return err
	}
	w.tailWritten(seal)
	w.sealing.tail = nil
	return nil
}

// fill gives b what was written; w.mu is held.
func (w *Writer) fill(b *Body) {
	w.pieces.fill(b)
	g := w.sealing
	if g == nil {
		return
	}
	b.Sums = nil
	b.Seals = make([]Seal, len(w.pieces))
	used := false
	for i, p := range w.pieces {
		b.Seals[i] = g.seals[p.sum]
		used = used || int(b.Seals[i].Pen) == len(g.pens.marks)-1
	}
	b.Pens = g.pens.marks
	if n := len(b.Pens) - 1; n > 0 && !used {
		b.Pens = b.Pens[:n:n]
	}
}

// readSealed reads what is in memory or in the file; all of p is there.
func (w *Writer) readSealed(f File, p []byte, off int64) (n int, err error) {
	room := atrest.NewPart()
	defer room.Free()
	for n < len(p) {
		part, err := w.openAt(f, room, off+int64(n), int64(len(p)-n))
		if err != nil {
			return n, err
		}
		n += copy(p[n:], part)
	}
	return n, nil
}

// openAt returns bytes from off on, most at most.
func (w *Writer) openAt(f File, room *atrest.Part, off, most int64) ([]byte, error) {
	g := w.sealing
	w.mu.Lock()
	p := w.pieces[w.pieces.after(off+1)-1]
	if p.sum == unsealed {
		part := g.tail[off-p.start:]
		n := copy(room.Data(int(min(int64(len(part)), most))), part)
		w.mu.Unlock()
		return room.Data(n), nil
	}
	seal := g.seals[p.sum]
	w.mu.Unlock()
	part, err := g.pens.open(f, room, p, &seal)
	if err != nil {
		return nil, err
	}
	return part[off-p.start:], nil
}
