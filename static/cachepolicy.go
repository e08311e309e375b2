package static

import (
	"strconv"
	"strings"
	"time"
)

// CachePolicy says for how long an answer may be reused without asking. A
// positive policy is a lifetime: CachePolicy(10 * time.Minute).
type CachePolicy time.Duration

const (
	// Revalidate sends no-cache: keep it, but ask before each use. It is the
	// policy for people who edit what they serve.
	Revalidate CachePolicy = 0

	// Auto goes by the name: pages revalidate, fingerprinted names
	// (app.3f2a91bc.js) may be kept for a year without asking, everything else
	// for a minute.
	Auto CachePolicy = -1

	// NoPolicy sends no Cache-Control: clients guess.
	NoPolicy CachePolicy = -2
)

const (
	autoAge      = 60       // seconds, what Auto gives neither to pages nor to fingerprinted names
	immutableAge = 31536000 // seconds, a year, the most that anybody honours
)

// cacheControl returns the value of Cache-Control for a file ("" for none)
// and the lifetime in it, in seconds.
func (p CachePolicy) cacheControl(name, mediaType string) (value string, age int64) {
	switch {
	case p == NoPolicy:
		return "", 0
	case p == Auto && fingerprinted(name) && !isHTML(mediaType):
		return "max-age=" + strconv.Itoa(immutableAge) + ", immutable", immutableAge
	case p == Auto && !isHTML(mediaType):
		return "max-age=" + strconv.Itoa(autoAge), autoAge
	case p > 0:
		age = int64(time.Duration(p) / time.Second)
		return "max-age=" + strconv.FormatInt(age, 10), age
	}
	return "no-cache", 0
}

func isHTML(mediaType string) bool {
	t, _, _ := strings.Cut(mediaType, ";")
	return t == "text/html" || t == "application/xhtml+xml"
}

// fingerprinted reports whether a name has a part that only a build tool
// gives: the hash of the content. The parts of a name are what stands between
// dots, hyphens and underscores; the extension is none.
//
//	app.3f2a91bc.js  index-BkTqX9a2.css  5e884898da28047151d0e56f8dc62927.png
//
// A wrong guess would freeze a file for a year in every browser that saw it.
// So a part that people write (20240131, 01feb2024, AnnualReport2024, iPhone12Pro,
// 10x20x30cm) must not count, and a hash that looks like one is not recognised.
func fingerprinted(name string) bool {
	name = name[strings.LastIndexByte(name, '/')+1:]
	dot := strings.LastIndexByte(name, '.')
	if dot < 0 {
		return false
	}
	for start, i := 0, 0; i <= dot; i++ {
		if i < dot && name[i] != '.' && name[i] != '-' && name[i] != '_' {
			continue
		}
		if part := name[start:i]; looksHashed(part) && (start > 0 || len(part) >= 16) {
			return true
		}
		start = i + 1
	}
	return false
}

// looksHashed reports whether s is random-looking: at least eight letters and
// digits, both among them, in one of the alphabets that build tools write
// hashes in.
//
//   - lower-case hexadecimal, with two changes between digits and letters, and
//     more than a date with a month whose name is hexadecimal too;
//   - base 32 in upper case (A-Z, 2-7), with four changes;
//   - base 62, upper and lower case, with four changes of kind and no three
//     lower-case letters in a row, as words have them.
func looksHashed(s string) bool {
	if len(s) < 8 {
		return false
	}
	const (
		digit = iota
		lower
		upper
		kinds
	)
	var count [kinds]int
	hex, base32, word := true, true, false
	changes, run, last := 0, 0, -1
	for i := range len(s) {
		kind := lower
		switch c := s[i]; {
		case '0' <= c && c <= '9':
			kind = digit
			base32 = base32 && '2' <= c && c <= '7'
		case 'a' <= c && c <= 'z':
			hex = hex && c <= 'f'
		case 'A' <= c && c <= 'Z':
			kind = upper
		default:
			return false
		}
		count[kind]++
		if kind != last {
			changes, run = changes+1, 0
		}
		run++
		word = word || kind == lower && run == 3
		last = kind
	}
	changes-- // the first character is none
	switch {
	case count[digit] == 0:
		return false
	case count[upper] == 0:
		return hex && changes >= 2 && !hexMonth(strings.Trim(s, "0123456789"))
	case count[lower] == 0:
		return base32 && changes >= 4
	}
	return changes >= 4 && !word
}

// hexMonth reports whether s is the short name of a month in letters that are
// hexadecimal digits.
func hexMonth(s string) bool { return s == "dec" || s == "feb" }
