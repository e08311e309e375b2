package check

import (
	"strings"
	"time"
)

// parseCookieDate reads the date of a cookie as browsers do, who take it apart
// into tokens and look for a time, a day, a month and a year (RFC 6265bis
// §5.1.1):
//
//	Wed, 21-Oct-2026 07:28:00 GMT
func parseCookieDate(s string) (unix int64, ok bool) {
	var clock, day, month, year = -1, -1, -1, -1
	for _, tok := range strings.FieldsFunc(s, isDateDelimiter) {
		switch {
		case clock < 0 && cookieClock(tok) >= 0:
			clock = cookieClock(tok)
		case day < 0 && leadingNumber(tok, 1, 2) >= 0:
			day = leadingNumber(tok, 1, 2)
		case month < 0 && cookieMonth(tok) > 0:
			month = cookieMonth(tok)
		case year < 0 && leadingNumber(tok, 2, 4) >= 0:
			year = leadingNumber(tok, 2, 4)
		}
	}
	switch {
	case 70 <= year && year <= 99:
		year += 1900
	case 0 <= year && year <= 69:
		year += 2000
	}
	if clock < 0 || day < 1 || day > 31 || month < 1 || year < 1601 {
		return 0, false
	}
	t := time.Date(year, time.Month(month), day, 0, 0, 0, 0, time.UTC)
	return t.Unix() + int64(clock), t.Day() == day
}

// isDateDelimiter reports whether a character divides the tokens of a date.
func isDateDelimiter(r rune) bool {
	switch {
	case r == '\t', ' ' <= r && r <= '/', ';' <= r && r <= '@', '[' <= r && r <= '`', '{' <= r && r <= '~':
		return true
	}
	return false
}

// leadingNumber reads a number of least to most digits, behind which anything
// but a digit may follow; -1 if there is none.
func leadingNumber(s string, least, most int) int {
	n, i := 0, 0
	for i < len(s) && isDigit(s[i]) {
		if i == most {
			return -1
		}
		n = n*10 + int(s[i]-'0')
		i++
	}
	if i < least {
		return -1
	}
	return n
}

// cookieMonth returns the number of a month by its first three letters, 0 if it
// is none.
func cookieMonth(s string) int {
	const names = "janfebmaraprmayjunjulaugsepoctnovdec"
	if len(s) < 3 {
		return 0
	}
	i := strings.Index(names, strings.ToLower(s[:3]))
	if i < 0 || i%3 != 0 {
		return 0
	}
	return i/3 + 1
}

// cookieClock reads hh:mm:ss as seconds of the day, -1 if it is none.
func cookieClock(s string) int {
	h, rest, ok := strings.Cut(s, ":")
	m, sec, ok2 := strings.Cut(rest, ":")
	if !ok || !ok2 || len(h) > 2 || len(m) > 2 {
		return -1
	}
	hours, minutes, seconds := leadingNumber(h, 1, 2), leadingNumber(m, 1, 2), leadingNumber(sec, 1, 2)
	if hours < 0 || hours > 23 || minutes < 0 || minutes > 59 || seconds < 0 || seconds > 59 {
		return -1
	}
	return (hours*60+minutes)*60 + seconds
}
