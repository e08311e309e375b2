package diskstore

import (
	"freshet/internal/atrest"
	"freshet/internal/keyfile"
)

// appendSeals appends what follows the number of extents of a sealed body: the
// numbers of seals and pens, the flag, the extents, the seals, the pens.
func appendSeals(dst []byte, b *Body) []byte {
	dst = le.AppendUint32(dst, uint32(len(b.Seals)))
	dst = le.AppendUint32(dst, uint32(len(b.Pens)))
	dst = le.AppendUint32(dst, flagSealed)
	for _, e := range b.Extents {
		dst = le.AppendUint64(dst, uint64(e.Start))
		dst = le.AppendUint64(dst, uint64(e.End))
	}
	for i := range b.Seals {
		dst = le.AppendUint32(dst, b.Seals[i].N)
		dst = le.AppendUint32(dst, b.Seals[i].Pen)
		dst = append(dst, b.Seals[i].Tag[:]...)
	}
	for i := range b.Pens {
		dst = append(dst, byte(len(b.Pens[i].Key)))
		dst = append(dst, b.Pens[i].Key...)
		dst = append(dst, b.Pens[i].Salt[:]...)
	}
	return dst
}

// decodeSeals reads that from after the flag on, and returns what follows.
func decodeSeals(file []byte, b *Body, extents, seals, pens int) ([]byte, error) {
	if extents > MaxExtents || pens == 0 || pens > maxPens || seals > len(file)/sealSize || 16*extents > len(file)-sealSize*seals {
		return nil, errCorrupt
	}
	for range extents {
		b.Extents = append(b.Extents, Extent{int64(le.Uint64(file)), int64(le.Uint64(file[8:]))})
		file = file[16:]
	}
	b.Seals = make([]Seal, seals)
	for i := range b.Seals {
		s := &b.Seals[i]
		s.N, s.Pen, s.Tag = le.Uint32(file), le.Uint32(file[4:]), atrest.Tag(file[8:sealSize])
		file = file[sealSize:]
	}
	b.Pens = make([]atrest.Mark, pens)
	for i := range b.Pens {
		if len(file) == 0 || len(file) < 1+int(file[0])+atrest.SaltSize {
			return nil, errCorrupt
		}
		n := int(file[0])
		b.Pens[i].Key = string(file[1 : 1+n])
		copy(b.Pens[i].Salt[:], file[1+n:])
		file = file[1+n+atrest.SaltSize:]
	}
	return file, nil
}

// soundSeals is sound of a sealed body.
func (b *Body) soundSeals() bool {
	if b.Inline != nil || len(b.Sums) > 0 || len(b.Pens) == 0 || len(b.Pens) > maxPens || int64(len(b.Seals)) > maxSeals(b.Size) {
		return false
	}
	for i := range b.Pens {
		if !keyfile.ValidName(b.Pens[i].Key) {
			return false
		}
	}
	i, last := 0, int64(-1)
	for _, e := range b.Extents {
		if e.Start <= last || e.End <= e.Start || e.End > b.Size {
			return false
		}
		for last = e.Start; last < e.End; i++ {
			if i == len(b.Seals) || int(b.Seals[i].Pen) >= len(b.Pens) {
				return false
			}
			n := int64(b.Seals[i].N)
			if n == 0 || n > blockSize-last&(blockSize-1) || n > e.End-last {
				return false
			}
			last += n
		}
	}
	return i == len(b.Seals)
}
