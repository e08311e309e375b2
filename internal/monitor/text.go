package monitor

import (
	"math"
	"strconv"
	"time"

	"freshet/internal/field"
	"freshet/internal/monitor/ui"
)

func number(n int) string { return strconv.Itoa(n) }

// grouped writes a number with a comma at each thousand.
func grouped(n int64) string { return field.Thousands(n) }

// span writes a length of time in two units at most: "3 d 4 h", "12.5 s".
func span(v float64) string {
	a := math.Abs(v)
	if a < 60 {
		return ui.Seconds.Format(v)
	}
	sign := ""
	if v < 0 {
		sign = "-"
	}
	n := int64(a)
	units := []struct {
		name string
		size int64
	}{{"d", 86400}, {"h", 3600}, {"min", 60}, {"s", 1}}
	for i, u := range units {
		if n < u.size {
			continue
		}
		text := sign + grouped(n/u.size) + "\u00a0" + u.name
		if i+1 < len(units) {
			if rest := n % u.size / units[i+1].size; rest > 0 {
				text += "\u00a0" + strconv.FormatInt(rest, 10) + "\u00a0" + units[i+1].name
			}
		}
		return text
	}
	return ui.Seconds.Format(v)
}

// clock writes a time in seconds since 1970.
func clock(v float64) string {
	return time.Unix(0, int64(v*1e9)).UTC().Format("2006-01-02 15:04:05")
}

// of is a share in percent, NaN of nothing.
func of(part, whole float64) float64 {
	if whole <= 0 {
		return math.NaN()
	}
	return 100 * part / whole
}
