package field

import "time"

// dateLayout is IMF-fixdate (RFC 9110 §5.6.7) in the notation of package time.
const dateLayout = "Mon, 02 Jan 2006 15:04:05 GMT"

// AppendDate appends unix, in seconds since 1970, as an IMF-fixdate:
// "Sun, 06 Nov 1994 08:49:37 GMT". The years that HTTP can write are 0 to 9999.
func AppendDate(dst []byte, unix int64) []byte {
	return time.Unix(unix, 0).UTC().AppendFormat(dst, dateLayout)
}

// pivot is the first two-digit year that ParseDate takes for one of the 1900s,
// as POSIX and net/http do.
const pivot = 69

// ParseDate reads an HTTP-date in any of its three forms (RFC 9110 §5.6.7):
//
//	Sun, 06 Nov 1994 08:49:37 GMT   IMF-fixdate
//	Sunday, 06-Nov-94 08:49:37 GMT  rfc850-date
//	Sun Nov  6 08:49:37 1994        asctime-date
//
// It follows the grammar to the letter, capitals included. The name of the
// day must be one, but not the right one: it adds nothing that the date
// does not say. A day must exist in its month; the second 60 is taken at
// 23:59 alone, where leap seconds are, and is the first of the next day.
//
// The two-digit years 69 to 99 are 1969 to 1999, those from 00 to 68 are 2000
// to 2068. [ParseDateAt] follows the rule of the RFC, which depends on when
// the date is read.
func ParseDate(s string) (unix int64, ok bool) {
	d, short, ok := splitDate(s)
	if !ok {
		return 0, false
	}
	if short {
		d.year += 1900
		if d.year < 1900+pivot {
			d.year += 100
		}
	}
	return d.unix()
}

// ParseDateAt is ParseDate, but a two-digit year is that of the latest date
// which is not more than 50 years after now.
func ParseDateAt(s string, now int64) (unix int64, ok bool) {
	d, short, ok := splitDate(s)
	if !ok {
		return 0, false
	}
	if !short {
		return d.unix()
	}
	limit := time.Unix(now, 0).UTC().AddDate(50, 0, 0)
	d.year += limit.Year() - limit.Year()%100
	// The 29th of February does not exist in each of the years tried.
	for range 8 {
		if unix, ok = d.unix(); ok && unix <= limit.Unix() {
			return unix, true
		}
		d.year -= 100
	}
	return 0, false
}

// civil is a date and a time of day as they are written.
type civil struct{ year, month, day, hour, min, sec int }

// unix checks the numbers against the calendar and the clock.
func (d civil) unix() (int64, bool) {
	if d.hour > 23 || d.min > 59 || d.sec > 60 {
		return 0, false
	}
	if d.sec == 60 && (d.hour != 23 || d.min != 59) {
		return 0, false
	}
	midnight := time.Date(d.year, time.Month(d.month), d.day, 0, 0, 0, 0, time.UTC)
	// time.Date carries a day that the month does not have into another one.
	if midnight.Day() != d.day {
		return 0, false
	}
	return midnight.Unix() + int64(d.hour*3600+d.min*60+d.sec), true
}

// splitDate takes the parts out of any of the three forms; short says that the
// year has two digits.
func splitDate(s string) (d civil, short, ok bool) {
	switch n := len(s); {
	case n == len("Sun, 06 Nov 1994 08:49:37 GMT") && s[3] == ',':
		d = civil{digits(s[12:16]), month(s[8:11]), digits(s[5:7]), digits(s[17:19]), digits(s[20:22]), digits(s[23:25])}
		ok = shortDay(s[:3]) && s[4] == ' ' && s[7] == ' ' && s[11] == ' ' && s[16] == ' ' &&
			s[19] == ':' && s[22] == ':' && s[25:] == " GMT"
	case n == len("Sun Nov  6 08:49:37 1994"):
		day := s[8:10]
		if day[0] == ' ' {
			day = day[1:]
		}
		d = civil{digits(s[20:]), month(s[4:7]), digits(day), digits(s[11:13]), digits(s[14:16]), digits(s[17:19])}
		ok = shortDay(s[:3]) && s[3] == ' ' && s[7] == ' ' && s[10] == ' ' &&
			s[13] == ':' && s[16] == ':' && s[19] == ' '
	case n > len(", 06-Nov-94 08:49:37 GMT"):
		k := n - len(", 06-Nov-94 08:49:37 GMT")
		day := s[:k]
		s, short = s[k:], true
		d = civil{digits(s[9:11]), month(s[5:8]), digits(s[2:4]), digits(s[12:14]), digits(s[15:17]), digits(s[18:20])}
		ok = longDay(day) && s[:2] == ", " && s[4] == '-' && s[8] == '-' && s[11] == ' ' &&
			s[14] == ':' && s[17] == ':' && s[20:] == " GMT"
	}
	if d.year < 0 || d.month < 0 || d.day < 0 || d.hour < 0 || d.min < 0 || d.sec < 0 {
		ok = false
	}
	return d, short, ok
}

// digits returns the value of a few decimal digits, -1 when there are others.
func digits(s string) int {
	n := 0
	for i := range len(s) {
		c := s[i] - '0'
		if c > 9 {
			return -1
		}
		n = n*10 + int(c)
	}
	return n
}

func month(s string) int {
	switch s {
	case "Jan":
		return 1
	case "Feb":
		return 2
	case "Mar":
		return 3
	case "Apr":
		return 4
	case "May":
		return 5
	case "Jun":
		return 6
	case "Jul":
		return 7
	case "Aug":
		return 8
	case "Sep":
		return 9
	case "Oct":
		return 10
	case "Nov":
		return 11
	case "Dec":
		return 12
	}
	return -1
}

func shortDay(s string) bool {
	switch s {
	case "Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun":
		return true
	}
	return false
}

func longDay(s string) bool {
	switch s {
	case "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday":
		return true
	}
	return false
}

// ParseDateFold is ParseDateAt for dates that others wrote carelessly: letters
// may be in any case. Everything else is as strict.
func ParseDateFold(s string, now int64) (unix int64, ok bool) {
	if unix, ok = ParseDateAt(s, now); ok || len(s) > len("Wednesday, 06-Nov-94 08:49:37 GMT") {
		return unix, ok
	}
	var buf [len("Wednesday, 06-Nov-94 08:49:37 GMT")]byte
	upper := true // names begin with a capital
	for i := range len(s) {
		c := Lower(s[i])
		letter := isAlpha(c)
		if letter && (upper || i >= len(s)-len("GMT")) {
			c -= 'a' - 'A'
		}
		upper = !letter
		buf[i] = c
	}
	return ParseDateAt(string(buf[:len(s)]), now)
}
