package cookierule

import (
	"strings"
	"time"
)

// parseDate reads the value of Expires as browsers do (RFC 6265bis §5.1.1): in
// any order, a time, a day, a month and a year. Years of two digits are of 1970
// to 2069.
func parseDate(s string) (unix int64, void bool) {
	var hour, minute, second, day, month, year int
	var hasTime, hasDay, hasMonth, hasYear bool
	for token := range strings.FieldsFuncSeq(s, isDelimiter) {
		if !hasTime {
			if h, m, sec, is := clockOf(token); is {
				hour, minute, second, hasTime = h, m, sec, true
				continue
			}
		}
		if !hasDay {
			if n, is := numberOf(token, 1, 2); is {
				day, hasDay = n, true
				continue
			}
		}
		if !hasMonth {
			if n := monthOf(token); n > 0 {
				month, hasMonth = n, true
				continue
			}
		}
		if !hasYear {
			if n, is := numberOf(token, 2, 4); is {
				year, hasYear = n, true
			}
		}
	}
	switch {
	case year >= 70 && year <= 99:
		year += 1900
	case year <= 69:
		year += 2000
	}
	if !hasTime || !hasDay || !hasMonth || !hasYear || day < 1 || day > 31 || year < 1601 || hour > 23 || minute > 59 || second > 59 {
		return 0, true
	}
	t := time.Date(year, time.Month(month), day, hour, minute, second, 0, time.UTC)
	if t.Day() != day { // 30 February
		return 0, true
	}
	return t.Unix(), false
}

// isDelimiter is of the grammar cookie-date.
func isDelimiter(r rune) bool {
	return r == '\t' || r >= 0x20 && r <= 0x2f || r >= 0x3b && r <= 0x40 || r >= 0x5b && r <= 0x60 || r >= 0x7b && r <= 0x7e
}

// numberOf returns the digits at the beginning of a token, if they are as many
// as that, and what follows is no digit.
func numberOf(token string, least, most int) (n int, ok bool) {
	i := 0
	for i < len(token) && '0' <= token[i] && token[i] <= '9' {
		if i < most {
			n = n*10 + int(token[i]-'0')
		}
		i++
	}
	return n, i >= least && i <= most
}

// clockOf returns a time of the form 1:2:3, after which anything may follow that
// is no digit.
func clockOf(token string) (hour, minute, second int, ok bool) {
	h, rest, ok1 := strings.Cut(token, ":")
	m, s, ok2 := strings.Cut(rest, ":")
	if !ok1 || !ok2 || !onlyDigits(h) || !onlyDigits(m) {
		return 0, 0, 0, false
	}
	hour, ok1 = numberOf(h, 1, 2)
	minute, ok2 = numberOf(m, 1, 2)
	second, ok = numberOf(s, 1, 2)
	return hour, minute, second, ok && ok1 && ok2
}

func onlyDigits(s string) bool { return s != "" && strings.Trim(s, "0123456789") == "" }

const months = "janfebmaraprmayjunjulaugsepoctnovdec"

// monthOf returns the number of the month that a token begins with, 0 for none.
func monthOf(token string) int {
	if len(token) < 3 {
		return 0
	}
	if i := strings.Index(months, strings.ToLower(token[:3])); i >= 0 && i%3 == 0 {
		return i/3 + 1
	}
	return 0
}
