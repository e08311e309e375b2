package field

type Range struct{ Start, Length int64 }

type RangeResult uint8

const (
	RangesNone RangeResult = iota
	RangesSatisfiable
	RangesUnsatisfiable
	RangesTooMany
)

func ParseRanges(dst []Range, value string, size int64, max int) ([]Range, RangeResult) {
	return dst, RangesNone
}
