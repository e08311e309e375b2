package freshness

import "encoding/binary"

// CutSelecting cuts the part for one field off what AppendSelecting appended:
// the normalised value, and whether the request had the field. What it did not
// append gives "", false and nothing more.
func CutSelecting(selecting string) (value string, present bool, rest string) {
	if len(selecting) < 4 {
		return "", false, ""
	}
	n := binary.BigEndian.Uint32([]byte(selecting[:4]))
	rest = selecting[4:]
	if n == 0xffffffff {
		return "", false, rest
	}
	if uint64(n) > uint64(len(rest)) {
		return "", false, ""
	}
	return rest[:n], true, rest[n:]
}
