package worker

import (
	"math"
	"regexp"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"freshet/jobs"
)

// maxMessage bounds what is told of a message, in bytes.
const maxMessage = 256

// parseProgress reads a line of the progress descriptor:
//
//	progress 0.4 denoising
//	progress 40% denoising
//
// ok is false for what is none.
func parseProgress(line string) (p jobs.Progress, ok bool) {
	words, ok := strings.CutPrefix(strings.TrimSpace(line), "progress ")
	if !ok {
		return p, false
	}
	number, message, _ := strings.Cut(strings.TrimSpace(words), " ")
	if text, percent := strings.CutSuffix(number, "%"); percent {
		p.Fraction, ok = share(text, "100")
	} else {
		p.Fraction, ok = share(text, "1")
	}
	p.Message = oneLine(message)
	return p, ok
}

// parseFraction reads what the group of Spec.Progress found; after is what
// follows it in the line:
//
//   - "3/16" and "3 of 16" are shares,
//   - a number with % in or right behind the group is percent,
//   - a number with a point that is not above 1 is a fraction,
//   - other numbers are percent.
func parseFraction(group, after string) (fraction float64, ok bool) {
	group = strings.TrimSpace(group)
	for _, between := range []string{"/", " of "} {
		if part, whole, found := strings.Cut(group, between); found {
			return share(strings.TrimSpace(part), strings.TrimSpace(whole))
		}
	}
	text, percent := strings.CutSuffix(group, "%")
	percent = percent || strings.HasPrefix(strings.TrimLeft(after, " "), "%")
	if v, valid := share(strings.TrimSpace(text), "1"); valid && !percent && strings.Contains(text, ".") {
		return v, true
	}
	return share(strings.TrimSpace(text), "100")
}

// share is part of whole, both in decimal, if that is between 0 and 1.
func share(part, whole string) (float64, bool) {
	p, err := strconv.ParseFloat(part, 64)
	w, other := strconv.ParseFloat(whole, 64)
	f := p / w
	// NaN is not between anything.
	return math.Abs(f), err == nil && other == nil && f >= 0 && f <= 1
}

// seeker finds progress in lines of output.
type seeker struct{ pattern *regexp.Regexp }

func (s seeker) find(line []byte) (p jobs.Progress, ok bool) {
	at := s.pattern.FindSubmatchIndex(line)
	if len(at) < 4 || at[2] < 0 {
		return p, false
	}
	after := line[at[3]:min(len(line), at[3]+8)]
	p.Fraction, ok = parseFraction(string(line[at[2]:at[3]]), string(after))
	return p, ok
}

// oneLine is text without control characters, valid, and short.
func oneLine(text string) string {
	text = strings.Map(func(r rune) rune {
		switch {
		case r == utf8.RuneError:
			return '?'
		case unicode.IsSpace(r):
			return ' '
		case !unicode.IsPrint(r):
			return -1
		}
		return r
	}, text)
	return clip(strings.TrimSpace(text), maxMessage)
}

// clip is text of most bytes at most, cut between characters.
func clip(text string, most int) string {
	if len(text) <= most {
		return text
	}
	for !utf8.RuneStart(text[most]) {
		most--
	}
	return text[:most]
}
