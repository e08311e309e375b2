package origin

import (
	"hash/fnv"
	"strconv"
	"strings"
)

// MissBody is the body of /miss/, /many/, /held/ and /private/: 1 KiB of text.
var MissBody = Text(1 << 10)

// StreamBlock is what the bodies of /stream/ repeat. Its length is odd, so that
// it falls on no boundary of anybody's buffers.
var StreamBlock = Text(65521)

// ObjectSize is the length of every body of /object/.
const ObjectSize = 2000

// ObjectBody returns the body of /object/n, which no other has.
func ObjectBody(n int64) []byte {
	b := make([]byte, ObjectSize)
	copy(b, padding)
	strconv.AppendInt(b[:0], n, 10)
	return b
}

var padding = Text(ObjectSize)

// Text returns n bytes of lines.
func Text(n int) []byte {
	const line = "the quick brown fox jumps over the lazy dog while nobody looks\n"
	return []byte(strings.Repeat(line, n/len(line)+1)[:n])
}

func hash(b []byte) uint64 {
	h := fnv.New64a()
	h.Write(b)
	return h.Sum64()
}
