package config

import (
	"errors"
	"fmt"
	"math"
	"mime"
	"net"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Kind is the type of a flag's value.
type Kind uint8

// The kinds.
const (
	Text Kind = iota
	Address
	Number
	Size     // a number of bytes with a unit
	Duration // as time.ParseDuration, and 30d
	Switch   // on without a value
	OnOff
	Choice // one of Choices
	Set    // some of Choices, with commas between
	FileName
	FieldText // the value of a field, or off
	CachePolicy
	MIMEType
)

// put parses text as a value of f and stores it where it belongs. Its error
// says what is allowed.
func (f *Flag) put(s *Serve, text string) error {
	if text == "" && f.Kind != Set {
		return fmt.Errorf("it is empty; give %s", f.Value)
	}
	switch p := f.field(s).(type) {
	case *string:
		v, err := f.text(text)
		*p = v
		return err
	case *[]string:
		v, err := f.text(text)
		*p = append(*p, v)
		return err
	case *bool:
		v, err := parseSwitch(text)
		*p = v
		return err
	case *int64:
		v, err := f.number(text)
		*p = v
		return err
	case *time.Duration:
		v, err := f.duration(text)
		*p = v
		return err
	case *Cache:
		v, err := f.cache(text)
		*p = v
		return err
	case *map[string]string:
		ext, typ, err := parseMIME(text)
		if *p == nil {
			*p = make(map[string]string)
		}
		(*p)[ext] = typ
		return err
	case *lenient:
		words, err := f.set(text)
		*p.lf, *p.fold = slices.Contains(words, "lf"), slices.Contains(words, "fold")
		return err
	}
	panic("config: --" + f.Name + " has a field of unknown type")
}

func (f *Flag) text(s string) (string, error) {
	switch f.Kind {
	case Address:
		return parseAddress(s)
	case Choice:
		if !slices.Contains(f.Choices, s) {
			if f.Name == "monitor" {
				return "", errors.New("there is no monitor yet, only off is accepted")
			}
			return "", fmt.Errorf("give %s", orList(f.Choices))
		}
	case FileName:
		if strings.ContainsAny(s, "/\\\x00") || s == "." || s == ".." {
			return "", errors.New("give the name of a file, without a folder")
		}
	case FieldText:
		for i := range len(s) {
			if s[i] < ' ' && s[i] != '\t' || s[i] == 0x7f {
				return "", errors.New("give text without control characters, or off")
			}
		}
		return strings.TrimSpace(s), nil
	}
	if strings.IndexByte(s, 0) >= 0 {
		return "", errors.New("it has a NUL")
	}
	return s, nil
}

// parseAddress checks an address and completes a port that stands alone.
func parseAddress(s string) (string, error) {
	const want = "give :port, host:port, a port, unix:/path or unix:@name"
	if path, ok := strings.CutPrefix(s, "unix:"); ok {
		if path == "" || path == "@" || strings.IndexByte(path, 0) >= 0 {
			return "", errors.New(want)
		}
		return s, nil
	}
	if !strings.Contains(s, ":") && strings.Trim(s, "0123456789") == "" {
		s = ":" + s
	}
	host, port, err := net.SplitHostPort(s)
	if err != nil || strings.ContainsAny(host, " /\x00") {
		return "", errors.New(want)
	}
	if _, err := strconv.ParseUint(port, 10, 16); err != nil {
		return "", errors.New("the port is not a number from 0 to 65535; " + want)
	}
	return s, nil
}

func parseSwitch(s string) (bool, error) {
	switch strings.ToLower(s) {
	case "on", "true", "yes", "1":
		return true, nil
	case "off", "false", "no", "0":
		return false, nil
	}
	return false, errors.New("give on or off")
}

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

func (f *Flag) cache(s string) (Cache, error) {
	switch s {
	case "no-cache":
		return Cache{}, nil
	case "auto":
		return Cache{Mode: CacheAuto}, nil
	case "off":
		return Cache{Mode: CacheOff}, nil
	}
	d, err := f.duration(s)
	if err != nil {
		return Cache{}, fmt.Errorf("give no-cache, auto, off or %s", f.allowed())
	}
	return Cache{Mode: CacheFor, For: d}, nil
}

func parseMIME(s string) (ext, typ string, err error) {
	ext, typ, _ = strings.Cut(s, "=")
	media, _, bad := mime.ParseMediaType(typ)
	if len(ext) < 2 || ext[0] != '.' || strings.ContainsAny(ext, "/\\") || bad != nil || !strings.Contains(media, "/") {
		return "", "", errors.New("give .extension=type/subtype, such as .gmi=text/gemini")
	}
	return strings.ToLower(ext), typ, nil
}

func (f *Flag) set(s string) ([]string, error) {
	if s == "" {
		return nil, nil
	}
	words := strings.Split(s, ",")
	for _, w := range words {
		if !slices.Contains(f.Choices, w) {
			return nil, fmt.Errorf("give %s, or some with commas between", orList(f.Choices))
		}
	}
	return words, nil
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
		what += ", or off for no limit"
	}
	return what
}

// orList joins words as a sentence does: a, b or c.
func orList(words []string) string {
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	last := len(words) - 1
	return strings.Join(words[:last], ", ") + " or " + words[last]
}
