package atrest

import (
	"crypto/cipher"
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"sync"
)

// A Pen seals parts of a file that is written here and there. No place of the
// file is written twice with one pen: who writes there again, after whatever
// fault, takes a new one.
type Pen struct {
	// Mark says how the parts are opened again.
	Mark Mark
	aead cipher.AEAD
}

// Mark is what a pen is known by: the name of its key, and its salt.
type Mark struct {
	Key  string
	Salt [SaltSize]byte
}

// Tag is what shows that a part is what was sealed.
type Tag [TagSize]byte

// MaxPart is how long a part may be.
const MaxPart = chunkSize

// Part is room for one part, with what sealing it needs.
type Part struct {
	nonce [nonceSize]byte
	more  [4]byte // additional data: the length
	data  [MaxPart + TagSize]byte
}

var parts = sync.Pool{New: func() any { return new(Part) }}

// NewPart returns room for a part, which is to be let go.
func NewPart() *Part { return parts.Get().(*Part) }

// Free lets the room go.
func (p *Part) Free() { parts.Put(p) }

// Data is where n bytes of a part are.
func (p *Part) Data(n int) []byte { return p.data[:n:n] }

// place has the nonce be of a place in the file, and binds the length.
func (p *Part) place(off int64, n int) {
	binary.BigEndian.PutUint64(p.nonce[3:], uint64(off))
	binary.BigEndian.PutUint32(p.more[:], uint32(n))
}

// NewPen returns a pen of the first key, for a file of which what says which it is.
func (r *Ring) NewPen(what string) *Pen {
	keys := r.current()
	p := &Pen{Mark: Mark{Key: keys.First()}}
	rand.Read(p.Mark.Salt[:])
	p.aead = newAEAD(keys.all[0].Secret, p.Mark.Salt[:], what)
	return p
}

// PenOf returns the pen of a mark, to open with.
func (r *Ring) PenOf(m *Mark, what string) (*Pen, error) {
	secret := r.current().find(m.Key)
	if secret == nil {
		return nil, fmt.Errorf("%w: key %s", ErrNoKey, m.Key)
	}
	return &Pen{Mark: *m, aead: newAEAD(secret, m.Salt[:], what)}, nil
}

// Seal seals a part, which is for the place off in the file. The sealed bytes,
// as many, are in room until it is used again.
func (p *Pen) Seal(room *Part, part []byte, off int64) (sealed []byte, tag Tag) {
	room.place(off, len(part))
	out := p.aead.Seal(room.data[:0], room.nonce[:], part, room.more[:])
	copy(tag[:], out[len(part):])
	return out[:len(part)], tag
}

// Open opens the n bytes in room in place; they came from the place off.
func (p *Pen) Open(room *Part, n int, off int64, tag *Tag) ([]byte, error) {
	room.place(off, n)
	copy(room.data[n:], tag[:])
	plain, err := p.aead.Open(room.data[:0], room.nonce[:], room.data[:n+TagSize], room.more[:])
	if err != nil {
		return nil, fmt.Errorf("%w: %d bytes from %d on", ErrDamaged, n, off)
	}
	return plain, nil
}
