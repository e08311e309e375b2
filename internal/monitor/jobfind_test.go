package monitor

import (
	"context"
	"strings"
	"testing"
	"time"

	"freshet/internal/wiretest"
	"freshet/jobs"
)

// What is found first in a text of any case.
func TestIndexFold(t *testing.T) {
	for _, c := range []struct {
		text, part string
		want       int
	}{
		{"", "a", -1}, {"a", "a", 0}, {"A", "a", 0}, {"xAb", "ab", 1}, {"xaB", "ab", 1}, {"aaAaAB", "ab", 4}, {"AAaAab", "ab", 4},
		{"aaaa", "ab", -1}, {"AAAA", "ab", -1}, {"ba", "ab", -1}, {"a", "ab", -1}, {"1-2", "-2", 1}, {"--2", "-2", 1}, {"É é", "é", 0},
	} {
		if got := indexFold([]byte(c.text), c.part); got != c.want {
			t.Errorf("%q in %q: %d, want %d", c.part, c.text, got, c.want)
		}
	}
}

// finderOf looks in the output of a task, and calls read before each part of it.
func finderOf(part, text string, read func()) *finder {
	return &finder{part: part, m: &Monitor{o: Options{ReadJobLog: func(_ jobs.ID, _, from int64, n int) ([]byte, int64, error) {
		read()
		text := text[min(int(from), len(text)):]
		text = text[:min(n, len(text))]
		return []byte(text), from + int64(len(text)), nil
	}}}}
}

// A text of nothing but the first letter of what is looked for takes no longer
// than others of its length: not the square of it, which is a minute.
func TestFindIsLinear(t *testing.T) {
	for _, letter := range []string{"a", "A", "aA"} {
		f := finderOf("ab", strings.Repeat(letter, 8<<20/len(letter)), func() {})
		took := wiretest.Busy(func() {
			if err := f.task(t.Context(), "j", 1); err != nil || len(f.hits) > 0 || f.bytes != 8<<20 {
				t.Errorf("%s: %v, %d hits in %d bytes", letter, err, len(f.hits), f.bytes)
			}
		})
		if took > 15*time.Second {
			t.Errorf("%s: %v", letter, took)
		}
	}
}

// A search ends with the time there is for it, and says so.
func TestFindEnds(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	reads := 0
	f := finderOf("b", strings.Repeat("a\n", 4*searchPart), func() {
		if reads++; reads == 2 {
			cancel()
		}
	})
	if err := f.task(ctx, "j", 1); err != nil || reads != 2 || !f.full() || !strings.Contains(f.stopped(1), "first 524") {
		t.Errorf("%v, after %d parts: %q", err, reads, f.stopped(1))
	}
}
