package field

import "math"

// Range is a part of a representation: Length bytes (at least one) from Start.
type Range struct{ Start, Length int64 }

// RangeResult says what a Range field asks for.
type RangeResult uint8

// The results of ParseRanges.
const (
	RangesNone          RangeResult = iota // nothing that can be followed: ignore the field
	RangesSatisfiable                      // at least one range
	RangesUnsatisfiable                    // none of the ranges overlaps the representation: 416
	RangesTooMany                          // more ranges than allowed: ignore the field
)

// DefaultMaxRanges is how many ranges one Range field may have when ParseRanges
// is told no other number.
const DefaultMaxRanges = 16

// ParseRanges reads a Range field (RFC 9110 §14.2) for a representation of size
// bytes and appends its satisfiable ranges to dst in the order they were sent.
// Ranges are appended only when the result is RangesSatisfiable.
//
//	ParseRanges(nil, "bytes=0-1,-3", 10, 0)  // {0 2} {7 3}
//
// The field is to be ignored (RangesNone) when it is empty or malformed, when
// its unit is not bytes, when any of its ranges ends before it begins (RFC
// 9110 §14.1.1 and §14.1.2), or when size is negative, which means unknown.
// It is to be ignored as well (RangesTooMany) when it has more than max
// ranges; 0 means DefaultMaxRanges. Numbers may have any number of digits:
// what is too large for an int64 is as large as one can be.
//
// Ranges that are not satisfiable are dropped when another one is. A suffix of
// zero bytes is not satisfiable. One of more bytes always is: it is the whole
// of a shorter representation. Of an empty one that would be zero bytes, which
// no Content-Range can describe, so the field is to be ignored.
//
// More than two overlapping ranges are what RFC 9110 §14.2 calls egregious:
// then ranges that overlap become one, in the place of the first of them. So
// an answer never has more than twice the bytes of the representation.
func ParseRanges(dst []Range, value string, size int64, max int) ([]Range, RangeResult) {
	if max <= 0 {
		max = DefaultMaxRanges
	}
	const unit = "bytes="
	if size < 0 || len(value) < len(unit) || !EqualFold(value[:len(unit)], unit) {
		return dst, RangesNone
	}
	set := value[len(unit):]
	base, count, wholeOfNothing := len(dst), 0, false
	for {
		spec, rest, ok := NextElement(set)
		if !ok {
			break
		}
		set = rest
		if count++; count > max {
			return dst[:base], RangesTooMany
		}
		r, ok := parseRange(spec, size)
		switch {
		case !ok:
			return dst[:base], RangesNone
		case r.Length > 0:
			dst = append(dst, r)
		case r.Length == 0:
			wholeOfNothing = true
		}
	}
	switch {
	case count == 0 || wholeOfNothing:
		return dst[:base], RangesNone
	case len(dst) == base:
		return dst, RangesUnsatisfiable
	}
	if overlapping(dst[base:]) > 2 {
		dst = dst[:base+coalesce(dst[base:])]
	}
	return dst, RangesSatisfiable
}

// parseRange reads one range-spec. Its Length is negative when it is not
// satisfiable, and zero only for a suffix of an empty representation.
func parseRange(spec string, size int64) (r Range, ok bool) {
	dash := 0
	for dash < len(spec) && spec[dash] != '-' {
		dash++
	}
	if dash == len(spec) {
		return Range{}, false
	}
	first, last := spec[:dash], spec[dash+1:]
	none := Range{Length: -1}
	if first == "" {
		n, ok := parsePos(last)
		if n == 0 {
			return none, ok
		}
		n = min(n, size)
		return Range{Start: size - n, Length: n}, ok
	}
	start, ok := parsePos(first)
	if !ok {
		return Range{}, false
	}
	end := int64(math.MaxInt64)
	if last != "" {
		if end, ok = parsePos(last); !ok || below(last, first) {
			return Range{}, false
		}
	}
	if start >= size {
		return none, true
	}
	return Range{Start: start, Length: min(end, size-1) - start + 1}, true
}

// parsePos reads decimal digits; what overflows is the largest int64.
func parsePos(s string) (n int64, ok bool) {
	for i := range len(s) {
		c := int64(s[i]) - '0'
		if c < 0 || c > 9 {
			return 0, false
		}
		if n > (math.MaxInt64-c)/10 {
			n = math.MaxInt64
			continue
		}
		n = n*10 + c
	}
	return n, s != ""
}

// below compares two strings of digits as numbers, however long they are.
func below(a, b string) bool {
	for a != "" && a[0] == '0' {
		a = a[1:]
	}
	for b != "" && b[0] == '0' {
		b = b[1:]
	}
	if len(a) != len(b) {
		return len(a) < len(b)
	}
	return a < b
}

func (r Range) overlaps(o Range) bool {
	return r.Start < o.Start+o.Length && o.Start < r.Start+r.Length
}

// overlapping returns how many of the ranges overlap another one.
func overlapping(rs []Range) (n int) {
	for i, r := range rs {
		for j, o := range rs {
			if i != j && r.overlaps(o) {
				n++
				break
			}
		}
	}
	return n
}

// coalesce joins ranges that overlap and returns how many are left at the start
// of rs.
func coalesce(rs []Range) (n int) {
	for _, r := range rs {
		// r may touch several of those before it, which do not touch each
		// other: it swallows them all and goes to the place of the first.
		at, kept := -1, 0
		for i := range n {
			o := rs[i]
			if !o.overlaps(r) {
				rs[kept] = o
				kept++
				continue
			}
			end := max(r.Start+r.Length, o.Start+o.Length)
			r.Start = min(r.Start, o.Start)
			r.Length = end - r.Start
			if at < 0 {
				at = kept
				kept++
			}
		}
		if at < 0 {
			at = kept
			kept++
		}
		rs[at] = r
		n = kept
	}
	return n
}
