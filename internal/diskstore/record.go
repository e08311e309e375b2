package diskstore

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"math"
	"slices"

	"freshet/internal/atrest"
	"freshet/internal/keyfile"
)

// Key names an object. It must be a hash of what the cache calls its key (its
// digits become paths, and are taken to be spread evenly).
type Key [32]byte

// Extent is the half-open range [Start, End) of bytes of a representation.
type Extent struct{ Start, End int64 }

// Body is one stored body. It is a value that a [Writer] or a [Record] gave;
// callers pass it on and change nothing in it.
type Body struct {
	// ID is unique in the store's life and names the file.
	ID uint64
	// Size is the full length of the representation in bytes.
	Size int64
	// Extents are the parts that are stored: sorted, merged, none empty. One
	// [0, Size) when the body is complete; none when Size is 0.
	Extents []Extent
	// Sums are CRC-32C, one for each part of an extent that lies within one
	// block of 64 KiB, counted from the start of the representation; in order
	// of offset. So a complete body has one for each block, and a block with a
	// hole has one for each side of it. None for a body that is Inline.
	Sums []uint32
	// Inline is the body itself if it lives inside the metadata file, under
	// whose checksum it then is; otherwise nil.
	Inline []byte
	// Seals, in place of Sums in a sealed store, are one for each part of an
	// extent that was sealed by itself, in order of offset: it lies within one
	// block. Pens are what they were sealed with.
	Seals []Seal
	Pens  []atrest.Mark
}

// Seal is what opens a part of a body.
type Seal struct {
	N   uint32 // how long it is
	Pen uint32 // the index in Pens
	Tag atrest.Tag
}

// Complete reports whether all Size bytes are stored.
func (b *Body) Complete() bool { return b.Size == 0 || b.Has(0, b.Size) }

// Has reports whether the n bytes from off on are all stored.
func (b *Body) Has(off, n int64) bool {
	if off < 0 || n < 0 || off > b.Size || n > b.Size-off {
		return false
	}
	if n == 0 {
		return true
	}
	i, found := slices.BinarySearchFunc(b.Extents, off, func(e Extent, off int64) int {
		switch {
		case e.End <= off:
			return -1
		case e.Start > off:
			return 1
		}
		return 0
	})
	return found && off+n <= b.Extents[i].End
}

// Record is all that is stored for one key.
type Record struct {
	// Meta is the caller's; at most [Options.MaxMeta] bytes.
	Meta []byte
	// Bodies are at most [MaxBodies].
	Bodies []Body

	size int64  // of its file, when that is known; sealed, it is longer
	key  string // that it is sealed by; of one that was read
}

// MaxBodies is how many bodies a record can have.
const MaxBodies = 256

// MaxExtents is how many extents a body can have.
const MaxExtents = 4096

const (
	// maxPens is how many Writers can have added to a sealed body.
	maxPens = 1024
	// sealSize is a Seal in the metadata file.
	sealSize = 4 + 4 + atrest.TagSize
	// maxPen is the most that a Mark takes there.
	maxPen = 1 + keyfile.MaxName + atrest.SaltSize
)

// maxSeals is how many parts a sealed body of that size can have.
func maxSeals(size int64) int64 { return (size+blockSize-1)>>blockShift + 4*MaxExtents }

const (
	blockShift = 16
	blockSize  = 1 << blockShift // what one sum covers at most
	diskBlock  = 4096            // what the disk gives out
)

// The metadata file, little endian: a head of 64 bytes; for each body 32 bytes,
// its extents and its sums; then Meta; then the inline bodies.
const (
	magic    = "frshobj\n"
	version  = 1
	headSize = 64 // magic 8, version 4, CRC-32C 4 (of all that follows), length 8, key 32, length of Meta 4, bodies 4
	bodySize = 32 // ID 8, size 8, extents 4, sums 4, length if inline 4, flags 4

	flagInline = 1
	flagSealed = 2 // seals in place of sums, and pens, whose number is where the length if inline is
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// errCorrupt is why a metadata file is not believed.
var errCorrupt = errors.New("not what was written")

var le = binary.LittleEndian

// encodedSize is the length of r's metadata file.
func encodedSize(r *Record) int64 {
	if r.size > 0 {
		return r.size
	}
	return plainSize(r)
}

// plainSize is how long what appendRecord appends is.
func plainSize(r *Record) int64 {
	n := int64(headSize + len(r.Meta))
	for i := range r.Bodies {
		b := &r.Bodies[i]
		n += bodySize + int64(len(b.Inline))
		if b.Inline == nil {
			n += int64(16*len(b.Extents) + 4*len(b.Sums) + sealSize*len(b.Seals))
			for j := range b.Pens {
				n += int64(1 + len(b.Pens[j].Key) + atrest.SaltSize)
			}
		}
	}
	return n
}

// appendRecord appends the metadata file of r, which check has passed.
func appendRecord(dst []byte, k Key, r *Record) []byte {
	start := len(dst)
	dst = append(dst, magic...)
	dst = le.AppendUint32(dst, version)
	dst = le.AppendUint32(dst, 0)
	dst = le.AppendUint64(dst, uint64(plainSize(r)))
	dst = append(dst, k[:]...)
	dst = le.AppendUint32(dst, uint32(len(r.Meta)))
	dst = le.AppendUint32(dst, uint32(len(r.Bodies)))
	for i := range r.Bodies {
		b := &r.Bodies[i]
		dst = le.AppendUint64(dst, b.ID)
		dst = le.AppendUint64(dst, uint64(b.Size))
		if b.Inline != nil {
			dst = le.AppendUint64(dst, 0)
			dst = le.AppendUint32(dst, uint32(len(b.Inline)))
			dst = le.AppendUint32(dst, flagInline)
			continue
		}
		dst = le.AppendUint32(dst, uint32(len(b.Extents)))
		if b.Pens != nil {
			dst = appendSeals(dst, b)
			continue
		}
		dst = le.AppendUint32(dst, uint32(len(b.Sums)))
		dst = le.AppendUint64(dst, 0)
		for _, e := range b.Extents {
			dst = le.AppendUint64(dst, uint64(e.Start))
			dst = le.AppendUint64(dst, uint64(e.End))
		}
		for _, sum := range b.Sums {
			dst = le.AppendUint32(dst, sum)
		}
	}
	dst = append(dst, r.Meta...)
	for i := range r.Bodies {
		dst = append(dst, r.Bodies[i].Inline...)
	}
	le.PutUint32(dst[start+12:], crc32.Checksum(dst[start+16:], castagnoli))
	return dst
}

// decodeRecord reads the metadata file of k. The record's Meta and inline
// bodies are parts of file.
func decodeRecord(file []byte, k Key) (*Record, error) {
	if len(file) < headSize || string(file[:8]) != magic || le.Uint32(file[8:]) != version ||
		le.Uint64(file[16:]) != uint64(len(file)) || Key(file[24:56]) != k ||
		crc32.Checksum(file[16:], castagnoli) != le.Uint32(file[12:]) {
		return nil, errCorrupt
	}
	metaLen, bodies := int(le.Uint32(file[56:])), int(le.Uint32(file[60:]))
	if bodies > MaxBodies {
		return nil, errCorrupt
	}
	r := &Record{}
	rest := file[headSize:]
	if bodies > 0 {
		r.Bodies = make([]Body, bodies)
	}
	inline := make([]int, bodies)
	for i := range r.Bodies {
		var err error
		if rest, err = decodeBody(rest, &r.Bodies[i], &inline[i]); err != nil {
			return nil, err
		}
	}
	if metaLen > len(rest) {
		return nil, errCorrupt
	}
	r.Meta, rest = rest[:metaLen:metaLen], rest[metaLen:]
	for i, n := range inline {
		if n < 0 {
			continue
		}
		if n > len(rest) {
			return nil, errCorrupt
		}
		r.Bodies[i].Inline, rest = rest[:n:n], rest[n:]
	}
	if len(rest) != 0 || r.check(math.MaxInt) != nil {
		return nil, errCorrupt
	}
	return r, nil
}

// decodeBody reads one body's entry from the start of file and returns what
// follows; inline is the length of its bytes, or -1.
func decodeBody(file []byte, b *Body, inline *int) ([]byte, error) {
	if len(file) < bodySize {
		return nil, errCorrupt
	}
	b.ID, b.Size = le.Uint64(file), int64(le.Uint64(file[8:]))
	extents, sums := int(le.Uint32(file[16:])), int(le.Uint32(file[20:]))
	*inline = int(le.Uint32(file[24:]))
	flags := le.Uint32(file[28:])
	file = file[bodySize:]
	if flags == flagInline && extents == 0 && sums == 0 {
		if b.Size > 0 {
			b.Extents = []Extent{{0, b.Size}}
		}
		return file, nil
	}
	if flags == flagSealed {
		pens := *inline
		*inline = -1
		return decodeSeals(file, b, extents, sums, pens)
	}
	if flags != 0 || *inline != 0 || extents > MaxExtents || sums > len(file)/4 || 16*extents > len(file)-4*sums {
		return nil, errCorrupt
	}
	*inline = -1
	for range extents {
		b.Extents = append(b.Extents, Extent{int64(le.Uint64(file)), int64(le.Uint64(file[8:]))})
		file = file[16:]
	}
	if sums > 0 {
		b.Sums = make([]uint32, sums)
	}
	for i := range b.Sums {
		b.Sums[i] = le.Uint32(file[4*i:])
	}
	return file[4*sums:], nil
}

// check says what makes r unfit to be stored.
func (r *Record) check(maxMeta int) error {
	if len(r.Meta) > maxMeta || len(r.Meta) > math.MaxUint32 {
		return fmt.Errorf("%w: %d bytes of metadata", ErrTooLarge, len(r.Meta))
	}
	if len(r.Bodies) > MaxBodies {
		return fmt.Errorf("%w: %d bodies", ErrTooLarge, len(r.Bodies))
	}
	for i := range r.Bodies {
		if !r.Bodies[i].sound() {
			return fmt.Errorf("body %d: %w", i, errUnsound)
		}
		for j := range i {
			if r.Bodies[j].ID == r.Bodies[i].ID {
				return fmt.Errorf("body %d is body %d: %w", i, j, errUnsound)
			}
		}
	}
	return nil
}

var errUnsound = errors.New("not a body that a Writer finished")

// sound reports whether b's fields agree with each other.
func (b *Body) sound() bool {
	if b.Size < 0 || len(b.Extents) > MaxExtents {
		return false
	}
	if b.Pens != nil {
		return b.soundSeals()
	}
	if len(b.Seals) > 0 {
		return false
	}
	if b.Inline != nil {
		whole := b.Size == 0 && len(b.Extents) == 0 || len(b.Extents) == 1 && b.Extents[0] == Extent{0, b.Size} && b.Size > 0
		return whole && len(b.Sums) == 0 && int64(len(b.Inline)) == b.Size && b.Size <= math.MaxUint32
	}
	sums, last := int64(0), int64(-1)
	for _, e := range b.Extents {
		if e.Start <= last || e.End <= e.Start || e.End > b.Size {
			return false
		}
		sums += e.sums()
		last = e.End
	}
	return sums == int64(len(b.Sums))
}

// sums is how many blocks e touches.
func (e Extent) sums() int64 { return (e.End-1)>>blockShift - e.Start>>blockShift + 1 }

// onDisk rounds n up to what a file of that length occupies.
func onDisk(n int64) int64 { return (n + diskBlock - 1) &^ (diskBlock - 1) }

// cost is what b's file occupies.
func (b *Body) cost() int64 {
	if b.Inline != nil {
		return 0
	}
	n, last := int64(0), int64(0)
	for _, e := range b.Extents {
		start := max(e.Start&^(diskBlock-1), last)
		end := onDisk(e.End)
		n += max(end-start, 0)
		last = end
	}
	return n
}

// cost is what the files of r occupy.
func (r *Record) cost() int64 {
	n := onDisk(encodedSize(r))
	for i := range r.Bodies {
		n += r.Bodies[i].cost()
	}
	return n
}

// files reports whether r has bodies in files of their own.
func (r *Record) files() bool {
	return slices.ContainsFunc(r.Bodies, func(b Body) bool { return b.Inline == nil })
}

// body returns the body with that ID, or nil.
func (r *Record) body(id uint64) *Body {
	if r == nil {
		return nil
	}
	for i := range r.Bodies {
		if r.Bodies[i].ID == id {
			return &r.Bodies[i]
		}
	}
	return nil
}
