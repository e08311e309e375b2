package smime

import "errors"

// CMS may be BER (RFC 5652 §2): lengths that are not known, or longer than need
// be, and octet strings in pieces. What is signed and what is compared is DER, so
// the first step is to make DER of it; of DER it makes the same bytes.

var errBER = errors.New("it is no BER, or was cut off")

const (
	// maxDepth bounds how deep values are nested; certificates in CMS need less than half.
	maxDepth = 40
	// maxTag bounds the bytes of a tag.
	maxTag = 4
)

// normalize returns the first value of in as DER, and what follows it.
func normalize(in []byte) (der, rest []byte, err error) {
	b := berReader{in: in, out: make([]byte, 0, len(in))}
	if !b.value(len(in), 0) {
		return nil, nil, errBER
	}
	return b.out, in[b.at:], nil
}

type berReader struct {
	in  []byte
	at  int
	out []byte
}

// value copies the value at b.at, which ends before end.
func (b *berReader) value(end, depth int) bool {
	start := b.at
	tag, length, definite, ok := b.head(end)
	if !ok || depth > maxDepth {
		return false
	}
	constructed := b.in[start]&0x20 != 0
	switch {
	case !constructed && !definite:
		return false
	case !constructed:
		b.out = appendLength(append(b.out, tag...), length)
		b.out = append(b.out, b.in[b.at:b.at+length]...)
		b.at += length
		return true
	case tag[0] == tagOctets|0x20:
		return b.pieces(length, definite, end, depth)
	case tag[0]&0xc0 == 0 && tag[0] != tagSequence && tag[0] != tagSet:
		return false // another string in pieces, which nobody sends
	}
	b.out = append(b.out, tag...)
	from := len(b.out)
	if !b.inside(length, definite, end, func(end int) bool { return b.value(end, depth+1) }) {
		return false
	}
	b.insertLength(from)
	return true
}

// pieces joins an octet string.
func (b *berReader) pieces(length int, definite bool, end, depth int) bool {
	b.out = append(b.out, tagOctets)
	from := len(b.out)
	if !b.inside(length, definite, end, func(end int) bool { return b.piece(end, depth+1) }) {
		return false
	}
	b.insertLength(from)
	return true
}

// piece copies what is in an octet string, without its head.
func (b *berReader) piece(end, depth int) bool {
	tag, length, definite, ok := b.head(end)
	switch {
	case !ok || depth > maxDepth:
		return false
	case tag[0] == tagOctets|0x20:
		return b.inside(length, definite, end, func(end int) bool { return b.piece(end, depth+1) })
	case tag[0] != tagOctets || !definite:
		return false
	}
	b.out = append(b.out, b.in[b.at:b.at+length]...)
	b.at += length
	return true
}

// inside calls each for the values that a constructed one has.
func (b *berReader) inside(length int, definite bool, end int, each func(end int) bool) bool {
	if definite {
		end = b.at + length
	}
	for {
		switch {
		case definite && b.at == end:
			return true
		case !definite && end-b.at >= 2 && b.in[b.at] == 0 && b.in[b.at+1] == 0:
			b.at += 2
			return true
		case b.at >= end || !each(end):
			return false
		}
	}
}

// head reads a tag and a length, of which as many bytes are there.
func (b *berReader) head(end int) (tag []byte, length int, definite, ok bool) {
	start := b.at
	next := func() (c byte, ok bool) {
		if b.at >= end {
			return 0, false
		}
		b.at++
		return b.in[b.at-1], true
	}
	c, ok := next()
	if ok && c&0x1f == 0x1f {
		for c = 0x80; ok && c&0x80 != 0 && b.at-start <= maxTag; {
			c, ok = next()
		}
		ok = ok && c&0x80 == 0
	}
	if tag = b.in[start:b.at]; !ok || tag[0] == 0 {
		return nil, 0, false, false // what is 0 here ends nothing
	}
	c, ok = next()
	switch {
	case !ok:
		return nil, 0, false, false
	case c == 0x80:
		return tag, 0, false, true
	case c < 0x80:
		length = int(c)
	default:
		n := int(c & 0x7f)
		if n > 8 {
			return nil, 0, false, false
		}
		for range n {
			if c, ok = next(); !ok || length > len(b.in) {
				return nil, 0, false, false
			}
			length = length<<8 | int(c)
		}
	}
	return tag, length, true, length <= end-b.at
}

// insertLength puts the length of what was written since from before it.
func (b *berReader) insertLength(from int) {
	var room [9]byte
	length := appendLength(room[:0], len(b.out)-from)
	b.out = append(b.out, length...)
	copy(b.out[from+len(length):], b.out[from:])
	copy(b.out[from:], length)
}

// appendLength appends a length as DER has it.
func appendLength(dst []byte, n int) []byte {
	if n < 0x80 {
		return append(dst, byte(n))
	}
	size := 1
	for n>>(8*size) != 0 {
		size++
	}
	dst = append(dst, 0x80|byte(size))
	for size--; size >= 0; size-- {
		dst = append(dst, byte(n>>(8*size)))
	}
	return dst
}
