package config

import (
	"errors"
	"math"
	"strconv"
	"strings"
	"time"
)

func (f *Flag) number(s string) (int64, error) {
	if f.Off && s == "off" {
		return -1, nil
	}
	parse := parseCount
	if f.Kind == Size {
		parse = parseSize
	}
	n, ok := parse(s)
	if !ok || n < f.Min || (f.Max > 0 && n > f.Max) {
		return 0, errors.New("give " + f.allowed())
	}
	return n, nil
}

func parseCount(s string) (int64, bool) {
	n, err := strconv.ParseInt(s, 10, 64)
	return n, err == nil
}

// units of sizes, in lower case. One letter is a power of 1024, as other
// servers have it.
var units = map[string]int64{
	"": 1, "b": 1,
	"k": 1 << 10, "kib": 1 << 10, "kb": 1e3,
	"m": 1 << 20, "mib": 1 << 20, "mb": 1e6,
	"g": 1 << 30, "gib": 1 << 30, "gb": 1e9,
	"t": 1 << 40, "tib": 1 << 40, "tb": 1e12,
}

func parseSize(s string) (int64, bool) {
	digits := len(s) - len(strings.TrimLeft(s, "0123456789"))
	n, err := strconv.ParseInt(s[:digits], 10, 64)
	unit, ok := units[strings.ToLower(strings.TrimSpace(s[digits:]))]
	if err != nil || !ok || n > math.MaxInt64/unit {
		return 0, false
	}
	return n * unit, true
}

// ParseSize reads a size, as flags have it: 20MiB.
func ParseSize(s string) (n int64, ok bool) { return parseSize(s) }

func formatSize(n int64) string {
	for _, u := range []struct {
		size int64
		name string
	}{{1 << 40, "TiB"}, {1 << 30, "GiB"}, {1 << 20, "MiB"}, {1 << 10, "KiB"}} {
		if n >= u.size && n%u.size == 0 {
			return strconv.FormatInt(n/u.size, 10) + u.name
		}
	}
	return strconv.FormatInt(n, 10)
}

func (f *Flag) duration(s string) (time.Duration, error) {
	if f.Off && s == "off" {
		return -1, nil
	}
	d, ok := parseDuration(s)
	if seconds, err := strconv.ParseFloat(s, 64); f.Kind == Seconds && err == nil && seconds >= 0 && seconds < 1e9 {
		d, ok = time.Duration(seconds*1e9), true
	}
	if !ok || int64(d) < f.Min || (f.Max > 0 && int64(d) > f.Max) {
		return 0, errors.New("give " + f.allowed())
	}
	return d, nil
}

func parseDuration(s string) (time.Duration, bool) {
	if days, ok := strings.CutSuffix(s, "d"); ok {
		n, err := strconv.ParseUint(days, 10, 16)
		return time.Duration(n) * 24 * time.Hour, err == nil
	}
	d, err := time.ParseDuration(s)
	return d, err == nil
}

func formatDuration(d time.Duration) string {
	if d >= 24*time.Hour && d%(24*time.Hour) == 0 {
		return strconv.FormatInt(int64(d/(24*time.Hour)), 10) + "d"
	}
	s := d.String()
	if rest, ok := strings.CutSuffix(s, "m0s"); ok {
		s = rest + "m"
	}
	if rest, ok := strings.CutSuffix(s, "h0m"); ok {
		s = rest + "h"
	}
	return s
}

// allowed says in words which values a flag with bounds takes.
func (f *Flag) allowed() string {
	var what string
	show := func(n int64) string { return strconv.FormatInt(n, 10) }
	switch f.Kind {
	case Number:
		what = "a number of " + f.Unit
	case Size:
		what, show = "a size such as 64k, 256MiB or 1GB", formatSize
	default:
		what = "a duration such as 500ms, 10s, 5m or 2h"
		if f.Kind == Seconds {
			what = "a number of seconds, or a duration such as 500ms or 5m"
		}
		show = func(n int64) string { return formatDuration(time.Duration(n)) }
	}
	switch {
	case f.Min > 0 && f.Max > 0:
		what += " from " + show(f.Min) + " to " + show(f.Max)
	case f.Max > 0:
		what += ", at most " + show(f.Max)
	case f.Min > 0:
		what += ", at least " + show(f.Min)
	}
	if f.Off {
		what += ", or off for " + f.offIs()
	}
	return what
}
