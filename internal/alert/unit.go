package alert

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// Unit is what a figure counts.
type Unit string

// The units. What has none is a plain number.
const (
	Plain   Unit = ""
	Percent Unit = "percent"
	Seconds Unit = "seconds"
	Bytes   Unit = "bytes"
)

// suffixes are how units are written, the longer ones first.
var suffixes = []struct {
	text  string
	unit  Unit
	times float64
}{
	{"KiB", Bytes, 1 << 10}, {"MiB", Bytes, 1 << 20}, {"GiB", Bytes, 1 << 30}, {"TiB", Bytes, 1 << 40},
	{"%", Percent, 1}, {"ms", Seconds, 1e-3}, {"s", Seconds, 1}, {"m", Seconds, 60}, {"h", Seconds, 3600}, {"d", Seconds, 86400},
}

// parseValue reads a number with or without a unit: 5, 5%, 500ms, 14d, 2GiB.
func parseValue(s string) (float64, Unit, error) {
	number, unit, times := s, Plain, 1.0
	for _, x := range suffixes {
		if rest, ok := strings.CutSuffix(s, x.text); ok {
			number, unit, times = rest, x.unit, x.times
			break
		}
	}
	v, err := strconv.ParseFloat(number, 64)
	if err != nil || math.IsNaN(v) || math.IsInf(v*times, 0) || number == "" || strings.ContainsAny(number, "xXpP_") {
		return 0, "", fmt.Errorf("%q is no bound; give a number, perhaps with %%, ms, s, m, h, d, KiB, MiB or GiB", clean(s, 40))
	}
	return v * times, unit, nil
}

// parseSpan reads a length of time: 30s, 5m, 1h30m, 2d.
func parseSpan(s string) (time.Duration, error) {
	if days, ok := strings.CutSuffix(s, "d"); ok {
		if n, err := strconv.ParseUint(days, 10, 16); err == nil {
			return time.Duration(n) * 24 * time.Hour, nil
		}
	}
	d, err := time.ParseDuration(s)
	if err != nil || d < 0 {
		return 0, fmt.Errorf("%q is no length of time; give one such as 30s, 5m, 2h or 1d", clean(s, 40))
	}
	return d, nil
}

// Format writes a value for people.
func (u Unit) Format(v float64) string {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return "not known"
	}
	switch u {
	case Percent:
		return trimmed(v, 1) + " %"
	case Seconds:
		return span(v)
	case Bytes:
		for i, name := range []string{"TiB", "GiB", "MiB", "KiB"} {
			if size := math.Pow(1024, float64(4-i)); math.Abs(v) >= size {
				return trimmed(v/size, 1) + " " + name
			}
		}
		return trimmed(v, 0) + " B"
	}
	return trimmed(v, 3)
}

// trimmed writes a number with so many decimals at most.
func trimmed(v float64, decimals int) string {
	s := strconv.FormatFloat(v, 'f', decimals, 64)
	if strings.Contains(s, ".") {
		s = strings.TrimRight(strings.TrimRight(s, "0"), ".")
	}
	if s == "-0" {
		return "0"
	}
	return s
}

// span writes seconds in their two largest units.
func span(s float64) string {
	sign := ""
	if s < 0 {
		sign, s = "-", -s
	}
	switch {
	case s < 1:
		return sign + trimmed(s*1e3, 1) + " ms"
	case s < 60:
		return sign + trimmed(s, 1) + " s"
	case s < 3600:
		return sign + twoParts(s, 60, "m", 1, "s")
	case s < 86400:
		return sign + twoParts(s, 3600, "h", 60, "m")
	}
	return sign + twoParts(s, 86400, "d", 3600, "h")
}

func twoParts(s, large float64, largeName string, small float64, smallName string) string {
	whole := math.Floor(s / large)
	text := strconv.FormatFloat(whole, 'f', 0, 64) + largeName
	if rest := math.Floor((s - whole*large) / small); rest > 0 {
		text += strconv.FormatFloat(rest, 'f', 0, 64) + smallName
	}
	return text
}
