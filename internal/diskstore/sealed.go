package diskstore

import (
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"sync/atomic"
	"syscall"

	"freshet/internal/atrest"
)

// recordPurpose says what a metadata file is, and bodyPurpose what a body is.
func recordPurpose(k *Key) string { return "record " + hex.EncodeToString(k[:]) }

func bodyPurpose(id uint64) string { return fmt.Sprintf("body %016x", id) }

// decode reads a metadata file.
func (s *Store) decode(file []byte, k *Key) (*Record, error) {
	if s.opt.Seal == nil {
		return decodeRecord(file, *k)
	}
	plain, name, err := s.opt.Seal.Open(make([]byte, 0, len(file)), file, recordPurpose(k))
	if errors.Is(err, atrest.ErrNoKey) {
		return nil, err
	} else if err != nil {
		return nil, errCorrupt
	}
	r, err := decodeRecord(plain, *k)
	if err == nil {
		r.size, r.key = int64(len(file)), name
	}
	return r, err
}

// pens open the parts of a body. The zero value opens none.
type pens struct {
	ring  *atrest.Ring
	what  string
	marks []atrest.Mark
	made  []atomic.Pointer[atrest.Pen]
}

// of makes them those of a body.
func (p *pens) of(s *Store, b *Body) {
	if b.Pens != nil {
		*p = pens{s.opt.Seal, bodyPurpose(b.ID), b.Pens, make([]atomic.Pointer[atrest.Pen], len(b.Pens))}
	}
}

// add adds one that a Writer has; it is before all else of the Writer.
func (p *pens) add(s *Store, id uint64, pen *atrest.Pen) {
	n := len(p.marks)
	*p = pens{s.opt.Seal, bodyPurpose(id), append(p.marks[:n:n], pen.Mark), make([]atomic.Pointer[atrest.Pen], n+1)}
	p.made[n].Store(pen)
}

// pen returns the i-th.
func (p *pens) pen(i uint32) (*atrest.Pen, error) {
	if pen := p.made[i].Load(); pen != nil {
		return pen, nil
	}
	if p.ring == nil {
		return nil, atrest.ErrNoKey
	}
	pen, err := p.ring.PenOf(&p.marks[i], p.what)
	if err == nil {
		p.made[i].Store(pen)
	}
	return pen, err
}

// open returns a part of a file, in room.
func (p *pens) open(f File, room *atrest.Part, part piece, seal *Seal) ([]byte, error) {
	pen, err := p.pen(seal.Pen)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrCorrupt, err)
	}
	n, err := f.ReadAt(room.Data(int(part.n)), part.start)
	switch {
	case n == int(part.n):
	case err == io.EOF, errors.Is(err, syscall.EIO):
		return nil, fmt.Errorf("%w: %d bytes from %d on: %w", ErrCorrupt, part.n, part.start, err)
	default:
		return nil, fmt.Errorf("read body: %w", err)
	}
	plain, err := pen.Open(room, n, part.start, &seal.Tag)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrCorrupt, err)
	}
	return plain, nil
}

// openBlock opens all parts of a block, to see that they are what was written.
func (f *BodyFile) openBlock(block int64) error {
	room := atrest.NewPart()
	defer room.Free()
	for i := f.pieces.after(block << blockShift); i < len(f.pieces) && f.pieces[i].start>>blockShift == block; i++ {
		if _, err := f.pens.open(f.file, room, f.pieces[i], &f.body.Seals[f.pieces[i].sum]); err != nil {
			return err
		}
	}
	return nil
}

// parts calls yield with the bytes from off to end, part by part. It returns
// how many there were. Where a hole begins it is io.EOF.
func (f *BodyFile) parts(off, end int64, yield func(part []byte) error) (n int64, err error) {
	room := atrest.NewPart()
	defer room.Free()
	for i := max(f.pieces.after(off+1)-1, 0); off < end; i++ {
		if i >= len(f.pieces) || f.pieces[i].start > off || f.pieces[i].end() <= off {
			return n, io.EOF
		}
		p := f.pieces[i]
		plain, err := f.pens.open(f.file, room, p, &f.body.Seals[p.sum])
		if err != nil {
			if errors.Is(err, ErrCorrupt) {
				f.store.rotten(f.key, f.body.ID, err)
			}
			return n, err
		}
		plain = plain[off-p.start : min(end, p.end())-p.start]
		if err := yield(plain); err != nil {
			return n, err
		}
		n, off = n+int64(len(plain)), off+int64(len(plain))
	}
	return n, nil
}

// readSealed is ReadAt of a sealed body.
func (f *BodyFile) readSealed(p []byte, off int64) (int, error) {
	if off < 0 {
		return 0, io.EOF
	}
	n, err := f.parts(off, off+int64(len(p)), func(part []byte) error {
		p = p[copy(p, part):]
		return nil
	})
	return int(n), err
}

// Sealed reports whether the body is in a file that only WriteRange and ReadAt read.
func (f *BodyFile) Sealed() bool { return f.file != nil && f.body.Pens != nil }

// WriteRange writes n bytes from off on of a body that is sealed, without a
// copy of its own; each part is opened once. It need not be verified before,
// but what an error follows has been written then.
func (f *BodyFile) WriteRange(w io.Writer, off, n int64) error {
	_, err := f.parts(off, off+n, func(part []byte) error {
		_, err := w.Write(part)
		return err
	})
	if err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	return err
}

// sealedPieces is piecesOf a sealed body.
func sealedPieces(b *Body) pieces {
	ps := make(pieces, 0, len(b.Seals))
	for _, e := range b.Extents {
		for start := e.Start; start < e.End; {
			n := b.Seals[len(ps)].N
			ps = append(ps, piece{start, n, uint32(len(ps))})
			start += int64(n)
		}
	}
	return ps
}
