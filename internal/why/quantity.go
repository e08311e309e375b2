package why

import (
	"strconv"
	"time"

	"freshet/internal/field"
)

// Duration says how long something took, in nanoseconds, to three or four
// digits and with its unit: "86 µs", "2.29 ms", "3.003 s".
func Duration(ns int64) string {
	d, unit, name, digits := time.Duration(ns), time.Microsecond, " µs", 0
	switch {
	case d >= time.Second:
		unit, name, digits = time.Second, " s", 3
	case d >= time.Millisecond:
		unit, name, digits = time.Millisecond, " ms", 2
	}
	return strconv.FormatFloat(float64(d)/float64(unit), 'f', digits, 64) + name
}

// Count says how many of what there are: "1 byte", "1,024 bytes".
func Count(n int64, one string) string {
	if n != 1 {
		one += "s"
	}
	return field.Thousands(n) + " " + one
}
