package cache

import (
	"freshet/internal/diskstore"
)

// spill gives a body that outgrows memory a file to go on in; nil when there is
// none: then it is relayed, and not stored.
func (x *fill) spill() spillFile {
	t := x.h.store.disk
	if t == nil {
		return nil
	}
	w, err := t.files.Create(x.body.size)
	if err != nil {
		return nil
	}
	x.file = &spilled{w: w, left: x.h.opt.MaxObject}
	return x.file
}

// spilled is a growing body on disk.
type spilled struct {
	w    *diskstore.Writer
	left int64 // of what may be stored
}

func (s *spilled) Write(p []byte) (int, error) {
	if int64(len(p)) > s.left {
		return 0, diskstore.ErrTooLarge
	}
	s.left -= int64(len(p))
	return s.w.Write(p)
}

// Retain and Release implement spillFile.
func (s *spilled) Retain()  { s.w.Retain() }
func (s *spilled) Release() { s.w.Release() }

// ReadAt implements io.ReaderAt.
func (s *spilled) ReadAt(p []byte, off int64) (int, error) { return s.w.ReadAt(p, off) }

// complete returns the body that has arrived as what is stored of it; ok is
// false when it is not to be stored.
func (x *fill) complete() (b body, ok bool) {
	g := x.body
	g.seal()
	b = x.object.body
	b.size = g.n
	switch {
	case g.relay:
		x.discard()
		return b, false
	case x.file == nil:
		b.data = g.bytes()
		return b, true
	}
	stored, err := x.file.w.Finish()
	if err != nil {
		x.file.w.Abort()
		return b, false
	}
	return onDisk(x.h.store.disk, x.h.store.disk.files.KeyOf(x.q.key), &stored), true
}

// discard throws away what was gathered of a body that is not to be stored.
func (x *fill) discard() {
	if x.file != nil {
		x.body.seal()
		x.file.w.Abort()
	}
}
