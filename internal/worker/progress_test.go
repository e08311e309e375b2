package worker_test

import (
	"math"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"freshet/internal/worker"
	"freshet/jobs"
)

func TestParseProgress(t *testing.T) {
	for _, x := range []struct {
		line string
		want jobs.Progress
		ok   bool
	}{
		{"progress 0.4 denoising", jobs.Progress{Fraction: 0.4, Message: "denoising"}, true},
		{"  progress   40%   two  words ", jobs.Progress{Fraction: 0.4, Message: "two  words"}, true},
		{"progress 1", jobs.Progress{Fraction: 1}, true},
		{"progress 0", jobs.Progress{}, true},
		{"progress -0", jobs.Progress{}, true},
		{"progress 1e-1", jobs.Progress{Fraction: 0.1}, true},
		{"progress 0.5 a\x1b[31m\x00b", jobs.Progress{Fraction: 0.5, Message: "a[31mb"}, true},
		{"progress 1.01 x", jobs.Progress{}, false},
		{"progress -0.1", jobs.Progress{}, false},
		{"progress 101%", jobs.Progress{}, false},
		{"progress NaN", jobs.Progress{}, false},
		{"progress Inf", jobs.Progress{}, false},
		{"progress %", jobs.Progress{}, false},
		{"progress", jobs.Progress{}, false},
		{"progress ", jobs.Progress{}, false},
		{"Progress 0.4", jobs.Progress{}, false},
		{"", jobs.Progress{}, false},
	} {
		if p, ok := worker.ParseProgress(x.line); ok != x.ok || ok && p != x.want {
			t.Errorf("%q: %+v, %v", x.line, p, ok)
		}
	}
}

func TestParseFraction(t *testing.T) {
	for _, x := range []struct {
		group, after string
		want         float64
		ok           bool
	}{
		{"3/16", "", 3.0 / 16, true},
		{"3 of 16", "", 3.0 / 16, true},
		{"16/3", "", 0, false},
		{"0/0", "", 0, false},
		{"1/", "", 0, false},
		{"40", "", 0.4, true},
		{"40", "%", 0.4, true},
		{"40%", "", 0.4, true},
		{"0.5", "", 0.5, true},
		{"0.5", " %", 0.005, true},
		{"1", "", 0.01, true},
		{"1.0", "", 1, true},
		{"1.5", "", 0.015, true},
		{"101", "", 0, false},
		{"-1", "", 0, false},
		{"x", "", 0, false},
		{"", "", 0, false},
	} {
		if got, ok := worker.ParseFraction(x.group, x.after); ok != x.ok || ok && math.Abs(got-x.want) > 1e-9 {
			t.Errorf("%q %q: %v, %v", x.group, x.after, got, ok)
		}
	}
}

func FuzzProgress(f *testing.F) {
	f.Add("progress 0.4 x", "3/16", "%")
	f.Add("progress 40% \xff", "1e400", "")
	f.Fuzz(func(t *testing.T, line, group, after string) {
		p, ok := worker.ParseProgress(strings.ToValidUTF8(line, "?"))
		if ok && !(p.Fraction >= 0 && p.Fraction <= 1) || len(p.Message) > 256 || !utf8.ValidString(p.Message) || strings.ContainsAny(p.Message, "\n\r\x00\x1b") {
			t.Errorf("%+v", p)
		}
		if fraction, ok := worker.ParseFraction(group, after); ok && !(fraction >= 0 && fraction <= 1) {
			t.Errorf("%v", fraction)
		}
	})
}

func TestExpand(t *testing.T) {
	for _, x := range []struct {
		word   string
		number int64
		want   string
	}{
		{"{frame}", 7, "7"},
		{"a{task}b{frame:03}c", 7, "a7b007c"},
		{"{frame:04}", -7, "-007"},
		{"{frame:02}", 12345, "12345"},
		{"{frame:020}", 1, "00000000000000000001"},
		{"{frame:021}", 1, "{frame:021}"},
		{"{frame:00}", 1, "{frame:00}"},
		{"{frame:4}", 1, "{frame:4}"},
		{"{Frame} {frames} {} {{frame}} ${frame}", 1, "{Frame} {frames} {} {1} $1"},
		{"plain", 1, "plain"},
	} {
		if got := worker.Expand(x.word, x.number); got != x.want {
			t.Errorf("%q, %d: %q, want %q", x.word, x.number, got, x.want)
		}
	}
}

func TestShortly(t *testing.T) {
	for d, want := range map[time.Duration]string{10 * time.Minute: "10m", time.Hour: "1h", 90 * time.Second: "1m30s", 61 * time.Minute: "1h1m", 0: "0s", 30 * time.Second: "30s", 100 * time.Millisecond: "100ms"} {
		if got := worker.Shortly(d); got != want {
			t.Errorf("%v: %s, want %s", d, got, want)
		}
	}
}

func TestSplit(t *testing.T) {
	long := strings.Repeat("x", 64<<10)
	for _, x := range []struct {
		pieces string // | between them
		want   []string
	}{
		{"a\nb", []string{"a", "b"}},
		{"a|b\n|c", []string{"ab", "c"}},
		{"a\r|\nb\n", []string{"a", "b"}},
		{"a\r|b\r|\r\n", []string{"a", "b", ""}},
		{"\n\n", []string{"", ""}},
		{"", nil},
		{long + "\n", []string{long}},
		{long + "y\n", []string{long + "…", "y"}},
		{"y|" + long + "\n", []string{"y" + long[1:] + "…", "x"}},
	} {
		var pieces [][]byte
		for p := range strings.SplitSeq(x.pieces, "|") {
			pieces = append(pieces, []byte(p))
		}
		if got := worker.Split(pieces...); !slices.Equal(got, x.want) {
			t.Errorf("%.20q: %.100q", x.pieces, got)
		}
	}
}

func FuzzSplit(f *testing.F) {
	f.Add([]byte("a\r\nb\rc\n"), 3)
	f.Fuzz(func(t *testing.T, text []byte, at int) {
		if at < 0 || at > len(text) {
			return
		}
		// However it comes, the lines are the same.
		if whole, cut := worker.Split(text), worker.Split(text[:at], text[at:]); !slices.Equal(whole, cut) {
			t.Errorf("%q, cut %q", whole, cut)
		}
	})
}
