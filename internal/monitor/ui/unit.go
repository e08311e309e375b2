package ui

import (
	"math"
	"strconv"
)

// Unit is what the numbers of a chart count. The script knows the same ones.
type Unit string

const (
	Count          Unit = ""
	PerSecond      Unit = "/s"
	Bytes          Unit = "B"
	BytesPerSecond Unit = "B/s"
	Seconds        Unit = "s"
	Percent        Unit = "%"
)

// Format writes a value in about three digits: "12.3k/s", "1.5 MB", "250 ms".
func (u Unit) Format(v float64) string {
	switch u {
	case Bytes, BytesPerSecond:
		s, prefix := scaled(v)
		return s + "\u00a0" + prefix + string(u)
	case Seconds:
		switch a := math.Abs(v); {
		case a == 0 || a >= 0.9995:
			return digits(v) + "\u00a0s"
		case a >= 0.9995e-3:
			return digits(v*1e3) + "\u00a0ms"
		default:
			return digits(v*1e6) + "\u00a0µs"
		}
	case Percent:
		return digits(v) + "\u00a0%"
	}
	s, prefix := scaled(v)
	return s + prefix + string(u)
}

// scaled writes v with a prefix of powers of 1000.
func scaled(v float64) (text, prefix string) {
	unit := 0
	for math.Abs(v) >= 999.5 && unit < len("kMGTPE") {
		v, unit = v/1000, unit+1
	}
	if unit > 0 {
		prefix = "kMGTPE"[unit-1 : unit]
	}
	return digits(v), prefix
}

// digits writes three digits, or all those before the point.
func digits(v float64) string {
	decimals := 0
	switch a := math.Abs(v); {
	case a < 9.995:
		decimals = 2
	case a < 99.95:
		decimals = 1
	}
	s := strconv.FormatFloat(v, 'f', decimals, 64)
	if decimals > 0 {
		for s[len(s)-1] == '0' {
			s = s[:len(s)-1]
		}
		if s[len(s)-1] == '.' {
			s = s[:len(s)-1]
		}
	}
	if s == "-0" {
		return "0"
	}
	return s
}

// tops are what scales may end at, within a power of ten: half of each is a
// number that can be read, too.
var tops = [...]float64{1, 1.5, 2, 3, 4, 5, 6, 8, 10}

// scale returns the top of a scale that holds v. Percentages end at 100.
func (u Unit) scale(v float64) float64 {
	if u == Percent && v <= 100 && v > 50 {
		return 100
	}
	if !(v > 0) {
		if u == Seconds {
			return 0.001
		}
		return 1
	}
	power := math.Pow(10, math.Floor(math.Log10(v)))
	for _, step := range tops {
		if v <= step*power*(1+1e-9) {
			return step * power
		}
	}
	return v
}
