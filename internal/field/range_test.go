package field

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const huge = "99999999999999999999999999"

func TestParseRanges(t *testing.T) {
	type rs = []Range
	tests := []struct {
		in   string
		size int64
		res  RangeResult
		want []Range
	}{
		// RFC 9110 §14.1.2.
		{"bytes=0-499", 10000, RangesSatisfiable, rs{{0, 500}}},
		{"bytes=500-999", 10000, RangesSatisfiable, rs{{500, 500}}},
		{"bytes=-500", 10000, RangesSatisfiable, rs{{9500, 500}}},
		{"bytes=9500-", 10000, RangesSatisfiable, rs{{9500, 500}}},
		{"bytes=0-0,-1", 10000, RangesSatisfiable, rs{{0, 1}, {9999, 1}}},
		{"bytes= 0-999, 4500-5499, -1000", 10000, RangesSatisfiable, rs{{0, 1000}, {4500, 1000}, {9000, 1000}}},
		{"bytes=500-600,601-999", 10000, RangesSatisfiable, rs{{500, 101}, {601, 399}}},
		{"bytes=500-700,601-999", 10000, RangesSatisfiable, rs{{500, 201}, {601, 399}}},

		// Ends of the representation.
		{"bytes=0-9", 10, RangesSatisfiable, rs{{0, 10}}},
		{"bytes=0-10", 10, RangesSatisfiable, rs{{0, 10}}},
		{"bytes=9-9", 10, RangesSatisfiable, rs{{9, 1}}},
		{"bytes=9-", 10, RangesSatisfiable, rs{{9, 1}}},
		{"bytes=10-", 10, RangesUnsatisfiable, nil},
		{"bytes=10-10", 10, RangesUnsatisfiable, nil},
		{"bytes=10-20,30-40", 10, RangesUnsatisfiable, nil},
		{"bytes=10-20,0-1,30-40", 10, RangesSatisfiable, rs{{0, 2}}},
		{"bytes=-10", 10, RangesSatisfiable, rs{{0, 10}}},
		{"bytes=-11", 10, RangesSatisfiable, rs{{0, 10}}},
		{"bytes=-0", 10, RangesUnsatisfiable, nil},
		{"bytes=-000", 10, RangesUnsatisfiable, nil},
		{"bytes=-0,0-0", 10, RangesSatisfiable, rs{{0, 1}}},
		{"bytes=-1,5-4", 10, RangesNone, nil},

		// An empty representation has no bytes to point at.
		{"bytes=0-", 0, RangesUnsatisfiable, nil},
		{"bytes=0-0", 0, RangesUnsatisfiable, nil},
		{"bytes=-0", 0, RangesUnsatisfiable, nil},
		{"bytes=-1", 0, RangesNone, nil},
		{"bytes=0-0,-1", 0, RangesNone, nil},
		{"bytes=0-0", -1, RangesNone, nil},

		// Numbers clamp.
		{"bytes=50-" + huge, 100, RangesSatisfiable, rs{{50, 50}}},
		{"bytes=-" + huge, 100, RangesSatisfiable, rs{{0, 100}}},
		{"bytes=" + huge + "-", 100, RangesUnsatisfiable, nil},
		{"bytes=" + huge + "-" + huge, 100, RangesUnsatisfiable, nil},
		{"bytes=" + huge + "8-" + huge + "7", 100, RangesNone, nil},
		{"bytes=" + huge + "7-" + huge + "8", 100, RangesUnsatisfiable, nil},
		{"bytes=9223372036854775806-9223372036854775807", 1<<63 - 1, RangesSatisfiable, rs{{1<<63 - 2, 1}}},
		{"bytes=0-9223372036854775808", 1<<63 - 1, RangesSatisfiable, rs{{0, 1<<63 - 1}}},
		{"bytes=000000000000000000000000000001-0000000000000000000000000000000002", 10, RangesSatisfiable, rs{{1, 2}}},

		// Units: names are case-insensitive (RFC 9110 §14.1), others are ignored.
		{"BYTES=0-1", 10, RangesSatisfiable, rs{{0, 2}}},
		{"Bytes=0-1", 10, RangesSatisfiable, rs{{0, 2}}},
		{"items=0-1", 10, RangesNone, nil},
		{"byte=0-1", 10, RangesNone, nil},
		{"bytes-0-1", 10, RangesNone, nil},

		// White space and empty elements belong to lists, and nowhere else.
		{"bytes=0-1 , \t3-4", 10, RangesSatisfiable, rs{{0, 2}, {3, 2}}},
		{"bytes=,0-1,,3-4,", 10, RangesSatisfiable, rs{{0, 2}, {3, 2}}},
		{"bytes=0-1 3-4", 10, RangesNone, nil},
		{"bytes =0-1", 10, RangesNone, nil},
		{" bytes=0-1", 10, RangesNone, nil},
		{"bytes=0 -1", 10, RangesNone, nil},
		{"bytes=0- 1", 10, RangesNone, nil},
		{"bytes=- 1", 10, RangesNone, nil},

		// Malformed.
		{"", 10, RangesNone, nil},
		{"bytes", 10, RangesNone, nil},
		{"bytes=", 10, RangesNone, nil},
		{"bytes=,", 10, RangesNone, nil},
		{"bytes=-", 10, RangesNone, nil},
		{"bytes=1", 10, RangesNone, nil},
		{"bytes=a-b", 10, RangesNone, nil},
		{"bytes=0-x", 10, RangesNone, nil},
		{"bytes=x-0", 10, RangesNone, nil},
		{"bytes=--1", 10, RangesNone, nil},
		{"bytes=0--1", 10, RangesNone, nil},
		{"bytes=+0-1", 10, RangesNone, nil},
		{"bytes=0x0-1", 10, RangesNone, nil},
		{"bytes=0-1-2", 10, RangesNone, nil},
		{"bytes=1.0-2", 10, RangesNone, nil},
		{"bytes=5-4", 10, RangesNone, nil}, // RFC 9110 §14.1.1
		{"bytes=0-1,5-4", 10, RangesNone, nil},
		{"bytes=20-19", 10, RangesNone, nil},
		{"bytes=0-1;bytes=2-3", 10, RangesNone, nil},
		{"bytes=0-4, bytes=5-9", 10, RangesNone, nil},
		{`bytes="0-4"`, 10, RangesNone, nil},

		// Overlaps: two may stand, more become one (RFC 9110 §14.2).
		{"bytes=0-5,3-9", 10, RangesSatisfiable, rs{{0, 6}, {3, 7}}},
		{"bytes=0-,0-", 10, RangesSatisfiable, rs{{0, 10}, {0, 10}}},
		{"bytes=0-,0-,0-", 10, RangesSatisfiable, rs{{0, 10}}},
		{"bytes=0-3,2-5,4-9", 10, RangesSatisfiable, rs{{0, 10}}},
		{"bytes=4-9,8-8,0-1,2-5", 10, RangesSatisfiable, rs{{2, 8}, {0, 2}}},
		{"bytes=0-1,4-5,8-9,1-4", 10, RangesSatisfiable, rs{{0, 6}, {8, 2}}},
		{"bytes=8-9,4-5,0-1,1-4", 10, RangesSatisfiable, rs{{8, 2}, {0, 6}}},
		{"bytes=0-1,1-2,5-6,6-7", 10, RangesSatisfiable, rs{{0, 3}, {5, 3}}},
		{"bytes=9-9,7-7,5-5,3-3,1-1", 10, RangesSatisfiable, rs{{9, 1}, {7, 1}, {5, 1}, {3, 1}, {1, 1}}},
		{"bytes=0-1,2-3,4-5", 10, RangesSatisfiable, rs{{0, 2}, {2, 2}, {4, 2}}},
	}
	for _, tt := range tests {
		before := rs{{7, 7}} // what is in dst stays
		got, res := ParseRanges(before, tt.in, tt.size, 0)
		if res != tt.res || got[0] != before[0] || !slices.Equal(got[1:], tt.want) {
			t.Errorf("ParseRanges(%q, %d) = %v, %d; want %v, %d", tt.in, tt.size, got[1:], res, tt.want, tt.res)
		}
	}
}

func TestParseRangesMax(t *testing.T) {
	set := func(n int) string {
		return "bytes=" + strings.TrimSuffix(strings.Repeat("1-1,", n), ",")
	}
	tests := []struct {
		n, max int
		want   RangeResult
	}{
		{DefaultMaxRanges, 0, RangesSatisfiable},
		{DefaultMaxRanges + 1, 0, RangesTooMany},
		{1, 1, RangesSatisfiable},
		{2, 1, RangesTooMany},
		{100, 100, RangesSatisfiable},
		{100000, 100, RangesTooMany},
	}
	for _, tt := range tests {
		got, res := ParseRanges(nil, set(tt.n), 10, tt.max)
		if res != tt.want || res == RangesTooMany && len(got) != 0 {
			t.Errorf("%d ranges, at most %d: %d, want %d", tt.n, tt.max, res, tt.want)
		}
	}
	// Ranges that are not satisfiable count too.
	if _, res := ParseRanges(nil, "bytes=50-,60-,0-1", 10, 2); res != RangesTooMany {
		t.Errorf("three ranges, at most two: %d", res)
	}
	// As do ranges of which only one is left in the end.
	if got, _ := ParseRanges(nil, set(3), 10, 0); fmt.Sprint(got) != "[{1 1}]" {
		t.Errorf("one range three times: %v", got)
	}
}

// FuzzRanges proves that ranges lie within the representation, that their sum
// is bounded, and, against a plain reading of the field, that they are those
// that were sent, in their order.
func FuzzRanges(f *testing.F) {
	f.Add("bytes=0-5, 3-, -2", int64(10), 0)
	f.Fuzz(func(t *testing.T, value string, size int64, most int) {
		size %= 1 << 40
		got, res := ParseRanges(nil, value, size, most)
		if (res == RangesSatisfiable) != (len(got) > 0) {
			t.Fatalf("%q of %d: %v, %d", value, size, got, res)
		}
		if most <= 0 {
			most = DefaultMaxRanges
		}
		if len(got) > most {
			t.Errorf("%q of %d: %d ranges, at most %d", value, size, len(got), most)
		}
		var sum int64
		for _, r := range got {
			if r.Start < 0 || r.Length <= 0 || r.Start+r.Length > size {
				t.Errorf("%q of %d: %v", value, size, r)
			}
			sum += r.Length
		}
		if sum > max(0, 2*size) {
			t.Errorf("%q of %d: %d bytes", value, size, sum)
		}
		if res != RangesSatisfiable {
			return
		}
		sent := readRanges(value, size)
		if overlapping(sent) <= 2 {
			if !slices.Equal(got, sent) {
				t.Errorf("%q of %d: %v, sent %v", value, size, got, sent)
			}
			return
		}
		// Coalesced: nothing overlaps, each range begins and ends where ranges
		// that were sent do, and each of those is inside of exactly one.
		if overlapping(got) > 0 {
			t.Errorf("%q of %d: %v overlap", value, size, got)
		}
		last := -1
		for _, r := range got {
			first := slices.IndexFunc(sent, func(s Range) bool { return s.overlaps(r) })
			if first <= last {
				t.Errorf("%q of %d: %v is out of order", value, size, got)
			}
			last = first
		}
		for _, s := range sent {
			if !slices.ContainsFunc(got, func(r Range) bool { return r.Start <= s.Start && s.Start+s.Length <= r.Start+r.Length }) {
				t.Errorf("%q of %d: %v is not in %v", value, size, s, got)
			}
		}
		if union := covered(sent, size); union != sum {
			t.Errorf("%q of %d: %v are %d bytes, sent were %d", value, size, got, sum, union)
		}
	})
}

// covered returns how many bytes are in at least one of the ranges.
func covered(rs []Range, size int64) (n int64) {
	for at := int64(0); at < size; {
		begin := size
		for _, r := range rs {
			if r.Start+r.Length > at {
				begin = min(begin, max(r.Start, at))
			}
		}
		at = begin
		for _, r := range rs {
			if r.Start <= begin {
				at = max(at, r.Start+r.Length)
			}
		}
		n += at - begin
	}
	return n
}

// readRanges reads a field that is known to be well-formed, the plain way.
func readRanges(value string, size int64) (rs []Range) {
	for spec := range strings.SplitSeq(value[len("bytes="):], ",") {
		spec = strings.Trim(spec, " \t")
		if spec == "" {
			continue
		}
		a, b, _ := strings.Cut(spec, "-")
		first, last := number(a, 0), number(b, size-1)
		switch {
		case a == "":
			first, last = max(0, size-last), size-1
		case last >= size:
			last = size - 1
		}
		if first <= last {
			rs = append(rs, Range{first, last - first + 1})
		}
	}
	return rs
}

func number(s string, none int64) int64 {
	if s == "" {
		return none
	}
	s = strings.TrimLeft(s, "0")
	if len(s) > 15 {
		return 1 << 50
	}
	n, _ := strconv.ParseInt("0"+s, 10, 64)
	return n
}
