package ui

import (
	"math"
	"testing"
)

func TestUnitFormat(t *testing.T) {
	for _, c := range []struct {
		unit  Unit
		value float64
		want  string
	}{
		{Count, 0, "0"},
		{Count, 7, "7"},
		{Count, 999.4, "999"},
		{Count, 999.6, "1k"},
		{Count, 12345, "12.3k"},
		{Count, -1500, "-1.5k"},
		{Count, -0.001, "0"},
		{Count, 5e21, "5000E"},
		{PerSecond, 0.25, "0.25/s"},
		{Bytes, 1500, "1.5\u00a0kB"},
		{Bytes, 12, "12\u00a0B"},
		{BytesPerSecond, 4.73e6, "4.73\u00a0MB/s"},
		{Seconds, 0, "0\u00a0s"},
		{Seconds, 75, "75\u00a0s"},
		{Seconds, 0.9999, "1\u00a0s"},
		{Seconds, 0.25, "250\u00a0ms"},
		{Seconds, 0.0000125, "12.5\u00a0µs"},
		{Percent, 99.95, "100\u00a0%"},
		{Percent, 87.25, "87.2\u00a0%"},
	} {
		if got := c.unit.Format(c.value); got != c.want {
			t.Errorf("%g %q: %q, want %q", c.value, c.unit, got, c.want)
		}
	}
}

func TestUnitScale(t *testing.T) {
	for _, c := range []struct {
		unit        Unit
		value, want float64
	}{
		{Count, 0, 1},
		{Count, -3, 1},
		{Count, math.NaN(), 1},
		{Seconds, 0, 0.001},
		{Count, 1, 1},
		{Count, 1.01, 1.5},
		{Count, 5, 5},
		{Count, 5.1, 6},
		{Count, 1234, 1500},
		{Count, 9e6, 1e7},
		{Seconds, 0.0031, 0.004},
		{Percent, 51, 100},
		{Percent, 3, 3},
		{Percent, 250, 300},
	} {
		if got := c.unit.scale(c.value); math.Abs(got-c.want) > 1e-9*c.want {
			t.Errorf("%g %q: %g, want %g", c.value, c.unit, got, c.want)
		}
	}
}

func TestVisible(t *testing.T) {
	for _, c := range []struct{ in, line, lines string }{
		{"plain", "plain", "plain"},
		{"größer 水", "größer 水", "größer 水"},
		{"a\tb\nc\r", "a\uFFFDb\uFFFDc\uFFFD", "a\tb\nc\uFFFD"},
		{"\u202eexe.txt\u2066", "\uFFFDexe.txt\uFFFD", "\uFFFDexe.txt\uFFFD"},
		{"\xffa\u2028", "\uFFFDa\uFFFD", "\uFFFDa\uFFFD"},
	} {
		if got := visible(c.in); got != c.line {
			t.Errorf("visible(%q) = %q, want %q", c.in, got, c.line)
		}
		if got := visibleLines(c.in); got != c.lines {
			t.Errorf("visibleLines(%q) = %q, want %q", c.in, got, c.lines)
		}
	}
}

func TestGauge(t *testing.T) {
	for _, c := range []struct {
		g       Gauge
		high    float64
		percent int
	}{
		{Gauge{Value: 50, Limit: 200}, 180, 25},
		{Gauge{Value: 300, Limit: 200, Warn: 0.5}, 100, 100},
		{Gauge{Value: -1, Limit: 200, Warn: -1}, 200, 0},
	} {
		if c.g.High() != c.high || c.g.Percent() != c.percent {
			t.Errorf("%+v: high %g, %d %%, want %g, %d %%", c.g, c.g.High(), c.g.Percent(), c.high, c.percent)
		}
	}
}

func TestTableWindow(t *testing.T) {
	rows := func(n int) []Row { return make([]Row, n) }
	for _, c := range []struct {
		table Table
		want  string
	}{
		{Table{}, ""},
		{Table{Rows: rows(3)}, ""},
		{Table{Rows: rows(1), Total: 1}, "1 row"},
		{Table{Rows: rows(3), Total: 3}, "3 rows"},
		{Table{Rows: rows(50), Total: 1234567}, "1–50 of 1,234,567"},
		{Table{Rows: rows(17), Total: 1017, Offset: 1000}, "1,001–1,017 of 1,017"},
		{Table{Total: 999, Offset: 2000}, "none of 999"},
	} {
		if got := c.table.Window(); got != c.want {
			t.Errorf("%d of %d from %d: %q, want %q", len(c.table.Rows), c.table.Total, c.table.Offset, got, c.want)
		}
	}
}
