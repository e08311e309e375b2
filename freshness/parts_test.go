package freshness

import (
	"fmt"
	"testing"
)

func TestParseContentRange(t *testing.T) {
	for s, want := range map[string]string{
		"bytes 0-4/10":  "0 4 10",
		"Bytes 0-4/10":  "0 4 10",
		"bytes 0-0/1":   "0 0 1",
		"bytes 5-9/*":   "5 9 -1",
		"bytes 9-9/10":  "9 9 10",
		"bytes 10-4/20": "", "bytes 4-10/10": "", "bytes */10": "", "bytes 0-4": "", "bytes 0-/10": "", "bytes -4/10": "",
		"bytes 0-4/": "", "bytes  0-4/10": "", "bytes 0-4/10 ": "", "bytes 0 -4/10": "", "bytes=0-4/10": "", "lines 0-4/10": "", "": "",
		"bytes +0-4/10": "", "bytes 0-4/1x": "", "bytes 0-4/10/10": "", "bytes 0-4-5/10": "", "bytes 0-4/-1": "",
		"bytes 0-9223372036854775806/9223372036854775807": "0 9223372036854775806 9223372036854775807",
		"bytes 0-9223372036854775807/*":                   "0 9223372036854775807 -1",
		"bytes 0-9223372036854775808/*":                   "", "bytes 0-99999999999999999999/*": "",
	} {
		got := ""
		if first, last, size, ok := ParseContentRange(s); ok {
			got = fmt.Sprint(first, last, size)
		}
		if got != want {
			t.Errorf("%q: %s, want %s", s, got, want)
		}
	}
}

func FuzzParseContentRange(f *testing.F) {
	for _, s := range []string{"bytes 0-4/10", "bytes 5-9/*", "bytes */10", "bytes 0-99999999999999999999/*"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		first, last, size, ok := ParseContentRange(s)
		if !ok {
			return
		}
		if first < 0 || last < first || size != -1 && size <= last {
			t.Errorf("%q: %d, %d, %d", s, first, last, size)
		}
		total := fmt.Sprint(size)
		if size == -1 {
			total = "*"
		}
		again := fmt.Sprintf("bytes %d-%d/%s", first, last, total)
		if f2, l2, s2, ok := ParseContentRange(again); !ok || f2 != first || l2 != last || s2 != size {
			t.Errorf("%q as %q: %d, %d, %d, %v", s, again, f2, l2, s2, ok)
		}
	})
}

func TestSameRepresentation(t *testing.T) {
	old := "Last-Modified: " + date(-1000) + "|Date: " + date(0)
	young := "Last-Modified: " + date(-59) + "|Date: " + date(0)
	for _, tt := range []struct {
		a, b string
		want bool
	}{
		{`ETag: "a"`, `ETag: "a"`, true},
		{`ETag: "a"`, `ETag: "b"`, false},
		{`ETag: W/"a"`, `ETag: W/"a"`, false},
		{`ETag: "a"`, `ETag: W/"a"`, false},
		{`ETag: "a"|` + old, `ETag: "b"|` + old, false},
		{`ETag: W/"a"|` + old, `ETag: W/"a"|` + old, false},
		{"", "", false},
		{old, old, true},
		{old, "Last-Modified: " + date(-1000) + "|Date: " + date(9), true},
		{old, "Last-Modified: " + date(-1001) + "|Date: " + date(9), false},
		{`ETag: "a"|` + old, old, true},
		{young, young, false},
		{old, "Last-Modified: " + date(-1000), false},
		{old, "Last-Modified: " + date(-1000) + "|Date: x", false},
	} {
		a, b := fields(tt.a), fields(tt.b)
		if SameRepresentation(a, b) != tt.want || SameRepresentation(b, a) != tt.want {
			t.Errorf("%s and %s: not %v", tt.a, tt.b, tt.want)
		}
	}
	for answer, want := range map[string]string{`ETag: "a"`: `"a"`, `ETag: W/"a"`: "", "": "", "ETag: a": "", `ETag: "a"|ETag: "a"`: ""} {
		if got := StrongTag(fields(answer)); got != want {
			t.Errorf("%s: %s", answer, got)
		}
	}
}
