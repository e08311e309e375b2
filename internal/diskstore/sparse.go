package diskstore

import "fmt"

// WriteAt writes a part of a sparse body. What is there already stays as it is:
// of p only the bytes that fill holes are written, for readers may be sending
// the rest. ErrTooLarge says that the body would get more than MaxExtents
// extents; then nothing is written and the Writer goes on. Other errors are as
// with Write.
func (w *Writer) WriteAt(p []byte, off int64) (int, error) {
	f, err := w.state(true)
	if err != nil {
		return 0, err
	}
	if off < 0 || off > w.size || int64(len(p)) > w.size-off {
		return 0, fmt.Errorf("bytes %d to %d of %d: %w", off, off+int64(len(p)), w.size, errUnsound)
	}
	end := off + int64(len(p))
	if w.sealing != nil && int64(len(w.pieces)) >= maxSeals(w.size)-2 {
		return 0, fmt.Errorf("%w: %d parts", ErrTooLarge, len(w.pieces))
	}
	if w.extents() >= MaxExtents && w.isolated(off, end) {
		return 0, fmt.Errorf("%w: %d extents", ErrTooLarge, MaxExtents)
	}
	for at := off; ; {
		hole := w.pieces.missing(at, end)
		if hole.Start >= hole.End {
			return len(p), nil
		}
		if err := w.fillHole(f, p[hole.Start-off:hole.End-off], hole); err != nil {
			return int(hole.Start - off), w.fail(err)
		}
		at = hole.End
	}
}

// fillHole writes the bytes of a hole.
func (w *Writer) fillHole(f File, p []byte, hole Extent) error {
	s := w.store
	if err := s.ready(); err != nil {
		return err
	}
	if err := w.reserve(w.reserved + onDisk(hole.End) - hole.Start&^(diskBlock-1)); err != nil {
		return err
	}
	if w.sealing != nil {
		if err := w.putSealed(f, p, hole.Start); err != nil {
			return err
		}
	} else {
		if _, err := f.WriteAt(p, hole.Start); err != nil {
			return s.failed(err)
		}
		w.mu.Lock()
		w.pieces = w.pieces.add(hole.Start, p)
		w.mu.Unlock()
	}
	w.written.Add(int64(len(p)))
	return nil
}

// extents is how many extents there are now.
func (w *Writer) extents() int {
	if len(w.pieces) < MaxExtents {
		return 0 // as many as there are pieces at most
	}
	n, last := 0, int64(-1)
	for _, p := range w.pieces {
		if p.start != last {
			n++
		}
		last = p.end()
	}
	return n
}

// isolated reports whether [start, end) touches nothing that is there.
func (w *Writer) isolated(start, end int64) bool {
	i := w.pieces.after(start)
	return (i == 0 || w.pieces[i-1].end() < start) && (i == len(w.pieces) || w.pieces[i].start > end)
}
