package diskstore

import (
	"hash/crc32"
	"slices"
)

// piece is the part of a body that lies within one block and that one sum covers.
type piece struct {
	start int64
	n     uint32
	sum   uint32 // of a sealed body: the index of its seal
}

func (p piece) end() int64 { return p.start + int64(p.n) }

// pieces are sorted by offset. Neighbours within one block are joined, so that
// at most one sum covers what is stored on one side of a hole.
type pieces []piece

// add enters what was written at off, of which nothing was there before.
func (ps pieces) add(off int64, data []byte) pieces {
	for len(data) > 0 {
		part := data[:min(int64(len(data)), blockSize-off&(blockSize-1))]
		ps = ps.addPart(off, part)
		off, data = off+int64(len(part)), data[len(part):]
	}
	return ps
}

func (ps pieces) addPart(off int64, part []byte) pieces {
	i := ps.after(off)
	if i > 0 && ps[i-1].end() == off && off&(blockSize-1) != 0 {
		ps[i-1].sum = crc32.Update(ps[i-1].sum, castagnoli, part)
		ps[i-1].n += uint32(len(part))
	} else {
		ps = slices.Insert(ps, i, piece{off, uint32(len(part)), crc32.Checksum(part, castagnoli)})
		i++
	}
	if i < len(ps) && ps[i].start == ps[i-1].end() && ps[i].start&(blockSize-1) != 0 {
		ps[i-1].sum = combine(ps[i-1].sum, ps[i].sum, ps[i].n)
		ps[i-1].n += ps[i].n
		ps = slices.Delete(ps, i, i+1)
	}
	return ps
}

// after is the position of the first piece that begins at off or later.
func (ps pieces) after(off int64) int {
	if n := len(ps); n == 0 || ps[n-1].start < off {
		return n
	}
	i, _ := slices.BinarySearchFunc(ps, off, func(p piece, off int64) int {
		if p.start < off {
			return -1
		}
		return 1
	})
	return i
}

// missing returns the first part of [start, end) that no piece covers.
func (ps pieces) missing(start, end int64) Extent {
	i := ps.after(start)
	if i > 0 {
		start = max(start, ps[i-1].end())
	}
	for ; i < len(ps) && ps[i].start <= start; i++ {
		start = ps[i].end()
	}
	if i < len(ps) {
		end = min(end, ps[i].start)
	}
	return Extent{start, max(start, end)}
}

// fill gives b the extents and sums of ps.
func (ps pieces) fill(b *Body) {
	for _, p := range ps {
		if n := len(b.Extents); n > 0 && b.Extents[n-1].End == p.start {
			b.Extents[n-1].End = p.end()
		} else {
			b.Extents = append(b.Extents, Extent{p.start, p.end()})
		}
		b.Sums = append(b.Sums, p.sum)
	}
}

// piecesOf is what fill has made b of.
func piecesOf(b *Body) pieces {
	if b.Pens != nil {
		return sealedPieces(b)
	}
	ps := make(pieces, 0, len(b.Sums))
	for _, e := range b.Extents {
		for start := e.Start; start < e.End; {
			end := min(e.End, start&^(blockSize-1)+blockSize)
			ps = append(ps, piece{start, uint32(end - start), b.Sums[len(ps)]})
			start = end
		}
	}
	return ps
}

// combine returns the CRC-32C of two strings set one after the other, from the
// sums of both and the length of the second. A CRC is a polynomial over GF(2)
// modulo P; appending n bytes multiplies it by x^(8n), and the inversions
// before and after cancel out.
func combine(first, second uint32, n uint32) uint32 {
	shift := uint32(1) << 31       // the polynomial 1: bits are reflected
	power := uint32(1) << (31 - 8) // x^8
	for ; n > 0; n >>= 1 {
		if n&1 != 0 {
			shift = multiply(shift, power)
		}
		power = multiply(power, power)
	}
	return multiply(first, shift) ^ second
}

// multiply is a·b modulo P, reflected.
func multiply(a, b uint32) uint32 {
	product := uint32(0)
	for ; a != 0; a <<= 1 {
		if a&(1<<31) != 0 {
			product ^= b
		}
		carry := b & 1
		b >>= 1
		if carry != 0 {
			b ^= crc32.Castagnoli
		}
	}
	return product
}
