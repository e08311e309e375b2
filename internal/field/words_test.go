package field

import (
	"math"
	"strings"
	"testing"
)

func TestDistance(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want int
	}{
		{"", "", 0}, {"a", "", 1}, {"etag", "etag", 0}, {"etga", "etag", 1}, {"eta", "etag", 1}, {"vray", "vary", 1},
		{"abcd", "badc", 2}, {"kitten", "sitting", 3}, {"abcd", "", 4}, {"abcdef", "ghijkl", 6},
		{strings.Repeat("a", LongestWord), strings.Repeat("a", LongestWord), 0},
		{strings.Repeat("a", LongestWord+1), strings.Repeat("a", LongestWord+1), 7},
	} {
		if got := Distance(c.a, c.b, 6); got != c.want {
			t.Errorf("%q, %q: %d, want %d", c.a, c.b, got, c.want)
		}
		if got := Distance(c.b, c.a, 6); got != c.want {
			t.Errorf("%q, %q: %d, want %d", c.b, c.a, got, c.want)
		}
	}
	if got := Distance("abcdef", "a", 3); got != 4 {
		t.Errorf("beyond the most: %d", got)
	}
}

func TestThousands(t *testing.T) {
	for n, want := range map[int64]string{
		0: "0", 999: "999", 1000: "1,000", 1234567: "1,234,567", -100: "-100", -1000: "-1,000", math.MinInt64: "-9,223,372,036,854,775,808",
	} {
		if got := Thousands(n); got != want {
			t.Errorf("%d: %q, want %q", n, got, want)
		}
	}
}
