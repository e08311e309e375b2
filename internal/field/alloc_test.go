package field

import (
	"testing"

	"freshet/internal/alloctest"
)

// TestAllocations holds what a server calls per request to zero allocations.
func TestAllocations(t *testing.T) {
	dates := []string{"Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994", "yesterday"}
	var (
		dateBuf  [64]byte
		rangeBuf [DefaultMaxRanges]Range
		all      = allCodings()
		lines    = []string{`a, "b,c"`, "", ", d"}
		sink     int64
	)
	tests := map[string]func(){
		"ParseDate": func() {
			for _, s := range dates {
				n, _ := ParseDate(s)
				sink += n
			}
		},
		"ParseDateAt": func() {
			for _, s := range dates {
				n, _ := ParseDateAt(s, 1794000000)
				sink += n
			}
		},
		"AppendDate": func() { sink += int64(len(AppendDate(dateBuf[:0], 784111777))) },
		"HasToken": func() {
			if HasToken("keep-alive, Upgrade", "upgrade") {
				sink++
			}
		},
		"Elements": func() {
			for elem := range Elements(lines) {
				sink += int64(len(elem))
			}
		},
		"NextTag": func() {
			for list, ok := `W/"a", "b", x`, true; ok; {
				_, _, list, ok = NextTag(list)
			}
		},
		"ParseAcceptEncoding": func() {
			order, n := ParseAcceptEncoding("gzip, deflate;q=0.5, br, zstd, *;q=0.1", true).Order(all)
			sink += int64(n) + int64(order[0])
		},
		"BestType": func() { sink += int64(BestType("text/html, */*;q=0.8", "text/plain", "text/html;charset=utf-8")) },
		"ParseRanges": func() {
			rs, _ := ParseRanges(rangeBuf[:0], "bytes=0-1,3-4,0-9,-5", 10, 0)
			sink += int64(len(rs))
		},
	}
	for name, f := range tests {
		if n := alloctest.PerRun(100, f); n != 0 {
			t.Errorf("%s allocates %v times", name, n)
		}
	}
}

func BenchmarkParseDate(b *testing.B) {
	for b.Loop() {
		ParseDate("Sun, 06 Nov 1994 08:49:37 GMT")
	}
}

func BenchmarkAcceptEncoding(b *testing.B) {
	all := allCodings()
	for b.Loop() {
		ParseAcceptEncoding("gzip, deflate, br, zstd", true).Order(all)
	}
}

func BenchmarkParseRanges(b *testing.B) {
	var buf [4]Range
	for b.Loop() {
		ParseRanges(buf[:0], "bytes=100-199", 1000, 0)
	}
}
