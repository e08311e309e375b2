package wire

import (
	"math"

	"freshet/internal/rule"
)

// Chunked decodes a body in the chunked transfer coding (RFC 9112 §7.1), in
// whatever portions it arrives. The zero value is ready; Reset makes it so
// again.
//
// It is strict: sizes of 1 to 16 hexadecimal digits, CR LF at the end of each
// line whatever Limits forgive, extensions by the grammar. One departure, to
// refuse more: no white space around the parts of an extension, though
// RFC 9112 §7.1.1 has a recipient skip it.
type Chunked struct {
	// Limits bound the trailer section as they bound a head. nil means the
	// defaults.
	Limits *Limits

	// Trailer holds the trailer fields when the body is done, in memory of its
	// own. Fields that a trailer may not have are left out; see dropTrailer.
	Trailer []Field

	state     chunkState
	digits    uint8  // of the size so far
	extension uint16 // octets of this chunk's extensions
	all       uint32 // octets of the extensions of all chunks
	left      int64  // octets of the chunk that are to come
	section   []byte // the trailer section as far as it has come
}

const (
	maxChunkExtension  = 256     // octets of one chunk's extensions
	maxChunkExtensions = 8 << 10 // octets of all extensions of a body
)

type chunkState uint8

const (
	chunkSize chunkState = iota
	chunkName            // extension name
	chunkValueStart
	chunkToken
	chunkQuoted
	chunkEscaped
	chunkQuotedEnd
	chunkLineLF
	chunkData
	chunkDataCR
	chunkDataLF
	chunkTrailer
	chunkDone
)

// Reset makes d ready for the next body. Trailer is let go, not reused.
func (d *Chunked) Reset() { *d = Chunked{Limits: d.Limits} }

// Decode consumes n octets at the start of src. body is what src holds of the
// data there: a sub-slice, empty when n covers framing only. Call it again
// with what follows until it is done, or until n is 0: then src is used up and
// more must be read. After done, src[n:] is the next request.
//
// When broken is not 0 the body is beyond repair; data returned before was
// sound.
func (d *Chunked) Decode(src []byte) (body []byte, n int, done bool, broken rule.ID) {
	for n < len(src) && d.state < chunkTrailer {
		if d.state == chunkData {
			take := int(min(d.left, int64(len(src)-n)))
			body = src[n : n+take]
			if d.left -= int64(take); d.left == 0 {
				d.state = chunkDataCR
			}
			return body, n + take, false, 0
		}
		if broken = d.step(src[n]); broken != 0 {
			return nil, n, false, broken
		}
		n++
	}
	if d.state == chunkTrailer && n < len(src) {
		var used int
		used, broken = d.trailer(src[n:])
		n += used
	}
	return nil, n, d.state == chunkDone, broken
}

// Left returns how many octets of the current chunk's data are to come; 0 when
// framing is next.
func (d *Chunked) Left() int64 {
	if d.state != chunkData {
		return 0
	}
	return d.left
}

// Took says that n octets of data, at most Left, did not go through Decode,
// because they could be read straight to where they were wanted.
func (d *Chunked) Took(n int) {
	if d.left -= int64(n); n > 0 && d.left == 0 {
		d.state = chunkDataCR
	}
}

// step takes one octet of framing.
func (d *Chunked) step(c byte) rule.ID {
	if c != '\r' && d.state >= chunkName && d.state <= chunkQuotedEnd || c == ';' && d.state == chunkSize {
		d.extension++
		d.all++
		if d.extension > maxChunkExtension || d.all > maxChunkExtensions {
			return rule.ChunkExtension
		}
	}
	switch d.state {
	case chunkSize:
		if class[c]&hexByte != 0 {
			if d.digits == 16 || d.left > math.MaxInt64>>4 {
				return rule.ChunkSize
			}
			d.digits++
			d.left = d.left<<4 | int64(hexValue(c))
			return 0
		}
		if d.digits == 0 {
			return rule.ChunkSize
		}
		return d.endPart(c, rule.ChunkSize)
	case chunkName:
		switch {
		case class[c]&tokenByte != 0:
			d.digits = 1 // the name has an octet
			return 0
		case d.digits == 0:
			return rule.ChunkExtension
		case c == '=':
			d.state = chunkValueStart
			return 0
		}
		return d.endPart(c, rule.ChunkExtension)
	case chunkValueStart:
		switch {
		case c == '"':
			d.state = chunkQuoted
		case class[c]&tokenByte != 0:
			d.state = chunkToken
		default:
			return rule.ChunkExtension
		}
	case chunkToken:
		if class[c]&tokenByte == 0 {
			return d.endPart(c, rule.ChunkExtension)
		}
	case chunkQuoted:
		switch {
		case c == '"':
			d.state = chunkQuotedEnd
		case c == '\\':
			d.state = chunkEscaped
		case class[c]&quotedByte == 0:
			return rule.ChunkExtension
		}
	case chunkEscaped:
		if class[c]&valueByte == 0 {
			return rule.ChunkExtension
		}
		d.state = chunkQuoted
	case chunkQuotedEnd:
		return d.endPart(c, rule.ChunkExtension)
	case chunkLineLF:
		if c != '\n' {
			return rule.ChunkLine
		}
		d.digits, d.extension = 0, 0
		d.state = chunkData
		if d.left == 0 {
			d.state = chunkTrailer
		}
	case chunkDataCR:
		if c != '\r' {
			return rule.ChunkEnd
		}
		d.state = chunkDataLF
	case chunkDataLF:
		if c != '\n' {
			return rule.ChunkEnd
		}
		d.state = chunkSize
	}
	return 0
}

// endPart takes the octet after a size, an extension name or its value: the
// end of the line, or the next extension. Anything else breaks the rule other.
func (d *Chunked) endPart(c byte, other rule.ID) rule.ID {
	switch c {
	case '\r':
		d.state = chunkLineLF
	case ';':
		d.digits = 0
		d.state = chunkName
	case '\n':
		return rule.ChunkLine
	default:
		return other
	}
	return 0
}

func hexValue(c byte) byte {
	if c <= '9' {
		return c - '0'
	}
	return lower(c) - 'a' + 10
}

// AppendChunkHead appends the line that precedes size octets of data.
func AppendChunkHead(dst []byte, size int) []byte {
	const digits = "0123456789abcdef"
	shift := 0
	for size>>shift > 15 {
		shift += 4
	}
	for ; shift >= 0; shift -= 4 {
		dst = append(dst, digits[size>>shift&15])
	}
	return append(dst, '\r', '\n')
}
