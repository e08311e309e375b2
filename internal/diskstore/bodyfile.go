package diskstore

import (
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
)

// BodyFile is an open body. Its methods may be called at once; the descriptor
// is closed when the last holder has released it.
type BodyFile struct {
	store  *Store
	key    Key
	body   *Body
	pieces pieces
	file   File // nil if the body is inline
	pens   pens // of a sealed body
	refs   atomic.Int32
}

// openBody opens a body that the caller holds.
func (s *Store) openBody(k Key, b *Body) (*BodyFile, error) {
	f := &BodyFile{store: s, key: k, body: b}
	f.refs.Store(1)
	if b.Inline != nil {
		return f, nil
	}
	file, err := s.fs.OpenFile(s.bodyPath(&k, b.ID), os.O_RDONLY, 0)
	if err != nil {
		if isGone(err) || errors.Is(err, syscall.EIO) {
			s.rotten(k, b.ID, err)
			return nil, ErrNotFound
		}
		return nil, fmt.Errorf("open body: %w", err)
	}
	f.file, f.pieces = file, piecesOf(b)
	f.pens.of(s, b)
	s.retain(b.ID)
	return f, nil
}

// Body is what is open.
func (f *BodyFile) Body() *Body { return f.body }

// File is the file, for sendfile; nil if the body is inline, or sealed. It must
// not be used after Release, and only what Verify has let pass may be sent.
func (f *BodyFile) File() *os.File {
	if f.file == nil || f.body.Pens != nil {
		return nil
	}
	return f.file.OS()
}

// ReadAt reads without comparing sums: call Verify before.
func (f *BodyFile) ReadAt(p []byte, off int64) (int, error) {
	if f.file != nil && f.body.Pens != nil {
		return f.readSealed(p, off)
	}
	if f.file != nil {
		return f.file.ReadAt(p, off)
	}
	if off < 0 || off > f.body.Size {
		return 0, io.EOF
	}
	n := copy(p, f.body.Inline[off:])
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

// Retain adds a holder; each calls Release once.
func (f *BodyFile) Retain() { f.refs.Add(1) }

// Release ends the use of f.
func (f *BodyFile) Release() {
	if f.refs.Add(-1) > 0 || f.file == nil {
		return
	}
	f.file.Close()
	f.store.release(f.body.ID)
}

var blockBuffers = sync.Pool{New: func() any { return new([blockSize]byte) }}

// Verify compares all blocks that n bytes from off on touch with their sums,
// except those that were compared before in this life of the process. If one
// is not what was written the object is removed and the error is ErrCorrupt; if
// some of the bytes are not stored it is ErrNotFound.
func (f *BodyFile) Verify(off, n int64) error {
	if !f.body.Has(off, n) {
		return ErrNotFound
	}
	if f.file == nil || n == 0 {
		return nil // the metadata's checksum covers it
	}
	seen, id := &f.store.seen, f.body.ID
	block, last := off>>blockShift, (off+n-1)>>blockShift
	for {
		var some bool
		if block, some = seen.unseen(id, block, last); !some {
			return nil
		}
		if err := f.verifyBlock(block); err != nil {
			if errors.Is(err, ErrCorrupt) {
				f.store.rotten(f.key, id, err)
			}
			return err
		}
		seen.mark(id, block, (f.body.Size+blockSize-1)>>blockShift)
	}
}

// verifyBlock compares all pieces of a block, whatever was compared before.
func (f *BodyFile) verifyBlock(block int64) error {
	if f.body.Pens != nil {
		return f.openBlock(block)
	}
	buf := blockBuffers.Get().(*[blockSize]byte)
	defer blockBuffers.Put(buf)
	for i := f.pieces.after(block << blockShift); i < len(f.pieces) && f.pieces[i].start>>blockShift == block; i++ {
		p := f.pieces[i]
		n, err := f.file.ReadAt(buf[:p.n], p.start)
		switch {
		case n == int(p.n):
		case err == io.EOF, errors.Is(err, syscall.EIO):
			return fmt.Errorf("%w: %d bytes from %d on: %w", ErrCorrupt, p.n, p.start, err)
		default:
			return fmt.Errorf("verify body: %w", err)
		}
		if crc32.Checksum(buf[:n], castagnoli) != p.sum {
			return fmt.Errorf("%w: %d bytes from %d on", ErrCorrupt, p.n, p.start)
		}
	}
	return nil
}
