package field

import (
	"net/http"
	"strings"
	"testing"
	"time"
)

func TestParseDate(t *testing.T) {
	const example = 784111777 // RFC 9110 §5.6.7: all three forms are this instant
	tests := []struct {
		in   string
		unix int64
		ok   bool
	}{
		{"Sun, 06 Nov 1994 08:49:37 GMT", example, true},
		{"Sunday, 06-Nov-94 08:49:37 GMT", example, true},
		{"Sun Nov  6 08:49:37 1994", example, true},
		{"Sun Nov 06 08:49:37 1994", example, true},
		{"Thu, 01 Jan 1970 00:00:00 GMT", 0, true},
		{"Wed, 31 Dec 1969 23:59:59 GMT", -1, true},
		{"Sat, 01 Jan 0000 00:00:00 GMT", -62167219200, true},
		{"Fri, 31 Dec 9999 23:59:59 GMT", 253402300799, true},
		{"Wednesday, 01-Jan-69 00:00:00 GMT", -31536000, true},
		{"Sunday, 01-Jan-68 00:00:00 GMT", 3092601600, true},
		{"Saturday, 01-Jan-00 00:00:00 GMT", 946684800, true},

		// The day's name must be a name, of the right length, not the right one.
		{"Mon, 06 Nov 1994 08:49:37 GMT", example, true},
		{"Xyz, 06 Nov 1994 08:49:37 GMT", 0, false},
		{"Sunday, 06 Nov 1994 08:49:37 GMT", 0, false},
		{"Sun, 06-Nov-94 08:49:37 GMT", 0, false},
		{"Sunday Nov  6 08:49:37 1994", 0, false},

		// RFC 9110 §5.6.7: HTTP-date is case-sensitive.
		{"sun, 06 Nov 1994 08:49:37 GMT", 0, false},
		{"Sun, 06 nov 1994 08:49:37 GMT", 0, false},
		{"Sun, 06 NOV 1994 08:49:37 GMT", 0, false},
		{"Sun, 06 Nov 1994 08:49:37 gmt", 0, false},

		// Calendar and clock.
		{"Thu, 29 Feb 1996 00:00:00 GMT", 825552000, true},
		{"Wed, 29 Feb 1995 00:00:00 GMT", 0, false},
		{"Thu, 29 Feb 1900 00:00:00 GMT", 0, false},
		{"Tue, 29 Feb 2000 00:00:00 GMT", 951782400, true},
		{"Sun, 00 Nov 1994 08:49:37 GMT", 0, false},
		{"Sun, 31 Nov 1994 08:49:37 GMT", 0, false},
		{"Sun, 32 Dec 1994 08:49:37 GMT", 0, false},
		{"Sun, 06 Nov 1994 24:00:00 GMT", 0, false},
		{"Sun, 06 Nov 1994 08:60:00 GMT", 0, false},
		{"Sun, 06 Nov 1994 08:49:60 GMT", 0, false},
		{"Sun, 06 Nov 1994 08:59:60 GMT", 0, false},
		{"Sun, 06 Nov 1994 23:49:60 GMT", 0, false},
		{"Sat, 31 Dec 2016 23:59:60 GMT", 1483228800, true},
		{"Saturday, 31-Dec-16 23:59:60 GMT", 1483228800, true},
		{"Sat, 31 Dec 2016 23:59:61 GMT", 0, false},

		// Grammar.
		{"", 0, false},
		{"0", 0, false},
		{"784111777", 0, false},
		{" Sun, 06 Nov 1994 08:49:37 GMT", 0, false},
		{"Sun, 06 Nov 1994 08:49:37 GMT ", 0, false},
		{"Sun,  6 Nov 1994 08:49:37 GMT", 0, false},
		{"Sun, 6 Nov 1994 08:49:37 GMT", 0, false},
		{"Sun, 06 Nov 1994 8:49:37 GMT", 0, false},
		{"Sun, 06 Nov 1994 08:49 GMT", 0, false},
		{"Sun, 06 Nov 1994 08:49:37", 0, false},
		{"Sun, 06 Nov 1994 08:49:37 UTC", 0, false},
		{"Sun, 06 Nov 1994 08:49:37 +00", 0, false},
		{"Sun, +6 Nov 1994 08:49:37 GMT", 0, false},
		{"Sun, 06 Nov -994 08:49:37 GMT", 0, false},
		{"Sun, 06-Nov-1994 08:49:37 GMT", 0, false},
		{"Sunday, 06-Nov-94 08:49:37 EST", 0, false},
		{"Sunday, 06 Nov 94 08:49:37 GMT", 0, false},
		{"Someday, 06-Nov-94 08:49:37 GMT", 0, false},
		{"Sun Nov 6  08:49:37 1994", 0, false},
		{"Sun Nov 6 08:49:37 1994", 0, false},
		{"Sun Nov    08:49:37 1994", 0, false},
		{"Sun, 06 Nov 1994 08:49:37 GMT; length=5", 0, false},
	}
	for _, tt := range tests {
		unix, ok := ParseDate(tt.in)
		if unix != tt.unix || ok != tt.ok {
			t.Errorf("ParseDate(%q) = %d, %v; want %d, %v", tt.in, unix, ok, tt.unix, tt.ok)
		}
	}
	// No character of any form may be another one, and none may be missing.
	for _, s := range []string{"Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994"} {
		for i := range s {
			for _, broken := range []string{s[:i] + "x" + s[i+1:], s[:i] + s[i+1:], s[:i]} {
				if _, ok := ParseDate(broken); ok {
					t.Errorf("ParseDate(%q) is ok", broken)
				}
			}
		}
	}
}

// TestParseDateAt proves the rule for two-digit years of RFC 9110 §5.6.7.
func TestParseDateAt(t *testing.T) {
	at := func(year int) int64 { return time.Date(year, 7, 1, 0, 0, 0, 0, time.UTC).Unix() }
	tests := []struct {
		now  int64
		in   string
		year int
	}{
		{at(2026), "Sunday, 06-Nov-94 08:49:37 GMT", 1994},
		{at(2026), "Sunday, 06-Nov-26 08:49:37 GMT", 2026},
		{at(2026), "Sunday, 06-Nov-75 08:49:37 GMT", 2075},
		{at(2026), "Sunday, 01-Jul-76 00:00:00 GMT", 2076}, // 50 years, not more
		{at(2026), "Sunday, 01-Jul-76 00:00:01 GMT", 1976},
		{at(2026), "Sunday, 06-Nov-77 08:49:37 GMT", 1977},
		{at(2080), "Sunday, 06-Nov-10 08:49:37 GMT", 2110},
		{at(1994), "Sunday, 06-Nov-94 08:49:37 GMT", 1994},
		{at(1994), "Sunday, 06-Nov-10 08:49:37 GMT", 2010},
		{at(1994), "Sunday, 06-Nov-50 08:49:37 GMT", 1950},
		{at(2055), "Monday, 29-Feb-00 08:49:37 GMT", 2000}, // 2100 is no leap year
		{at(2026), "Sun, 06 Nov 2094 08:49:37 GMT", 2094},  // four digits mean what they say
		{at(2026), "Sun Nov  6 08:49:37 2094", 2094},
	}
	for _, tt := range tests {
		unix, ok := ParseDateAt(tt.in, tt.now)
		if year := time.Unix(unix, 0).UTC().Year(); !ok || year != tt.year {
			t.Errorf("ParseDateAt(%q, %d) = %d (year %d), %v; want %d", tt.in, tt.now, unix, year, ok, tt.year)
		}
	}
	for _, in := range []string{"", "Sunday, 31-Feb-94 08:49:37 GMT", "Sunday, 29-Feb-95 08:49:37 GMT"} {
		if _, ok := ParseDateAt(in, at(2026)); ok {
			t.Errorf("ParseDateAt(%q) is ok", in)
		}
	}
}

func TestAppendDate(t *testing.T) {
	for _, unix := range []int64{0, 1, -1, 784111777, 951782399, 951782400, 1483228799, 4102444800, -62167219200, 253402300799} {
		want := time.Unix(unix, 0).UTC().Format(http.TimeFormat)
		got := string(AppendDate([]byte("x"), unix))
		if got != "x"+want {
			t.Errorf("AppendDate(%d) = %q, want %q", unix, got, want)
		}
		if back, ok := ParseDate(want); !ok || back != unix {
			t.Errorf("ParseDate(%q) = %d, %v, want %d", want, back, ok, unix)
		}
	}
}

// FuzzParseDate compares with net/http, which accepts more: other cases, other
// zones, fractions. What both accept they must read alike, and each canonical
// date that net/http accepts must be accepted here.
func FuzzParseDate(f *testing.F) {
	for _, s := range []string{"Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994"} {
		f.Add(s, int64(1794000000))
	}
	f.Fuzz(func(t *testing.T, s string, now int64) {
		unix, ok := ParseDate(s)
		std, err := http.ParseTime(s)
		switch leap := strings.Contains(s, "23:59:60"); {
		case ok && err != nil && !leap:
			t.Errorf("ParseDate(%q) = %d, net/http says %v", s, unix, err)
		case ok && !leap && unix != std.Unix():
			t.Errorf("ParseDate(%q) = %d, net/http says %d", s, unix, std.Unix())
		case !ok && err == nil:
			for _, layout := range []string{http.TimeFormat, time.ANSIC} {
				if std.UTC().Format(layout) == s {
					t.Errorf("ParseDate(%q) is not ok", s)
				}
			}
		}
		now %= 1 << 36
		if at, okAt := ParseDateAt(s, now); okAt {
			if limit := time.Unix(now, 0).UTC().AddDate(50, 0, 0).Unix(); at > limit && at != unix {
				t.Errorf("ParseDateAt(%q, %d) = %d, after %d", s, now, at, limit)
			}
		}
		if ok && unix >= -62167219200 && unix <= 253402300799 {
			if back, ok := ParseDate(string(AppendDate(nil, unix))); !ok || back != unix {
				t.Errorf("%d does not survive: %d, %v", unix, back, ok)
			}
		}
	})
}

func TestParseDateFold(t *testing.T) {
	for in, want := range map[string]bool{
		"Thu, 18 Aug 2050 02:01:18 GMT":       true,
		"THU, 18 Aug 2050 02:01:18 GMT":       true,
		"Thu, 18 AUG 2050 02:01:18 GMT":       true,
		"thu, 18 aug 2050 02:01:18 gMT":       true,
		"thursday, 18-AUG-50 02:01:18 gmt":    true,
		"WEDNESDAY, 18-AUG-50 02:01:18 GMT":   true,
		"tHU aUG 18 02:01:18 2050":            true,
		"Thu, 18 Aug 2050 02:01:18 UTC":       false,
		"Thu, 18 Aug 2050 02:01:18 AEST":      false,
		"Thu, 18 Aug 50 02:01:18 GMT":         false,
		"Thu 18 Aug 2050 02:01:18 GMT":        false,
		"Thu, 18  Aug  2050 02:01:18 GMT":     false,
		"Thu, 18-Aug-2050 02:01:18 GMT":       false,
		"Thu, 18 Aug 2050 02.01.18 GMT":       false,
		"Thu, 18 Aug 2050 2:01:18 GMT":        false,
		"Wednesdayy, 18-AUG-50 02:01:18 GMT!": false,
		"0":                                   false,
		"":                                    false,
	} {
		unix, ok := ParseDateFold(in, 1794000000)
		if ok != want || ok && unix != 2544400878 {
			t.Errorf("ParseDateFold(%q) = %d, %v; want %v", in, unix, ok, want)
		}
	}
}

// FuzzParseDateFold: the case of letters changes nothing, and what ParseDateAt
// reads is read alike.
func FuzzParseDateFold(f *testing.F) {
	for _, s := range []string{"Sun, 06 Nov 1994 08:49:37 GMT", "SUNDAY, 06-nov-94 08:49:37 gMT", "sun nov  6 08:49:37 1994"} {
		f.Add(s, int64(1794000000))
	}
	f.Fuzz(func(t *testing.T, s string, now int64) {
		now %= 1 << 36
		unix, ok := ParseDateFold(s, now)
		if strict, strictOK := ParseDateAt(s, now); strictOK && (!ok || strict != unix) {
			t.Errorf("%q: %d, strictly %d", s, unix, strict)
		}
		b := []byte(s)
		for i := range b {
			b[i] = Lower(b[i])
		}
		if l, lok := ParseDateFold(string(b), now); l != unix || lok != ok {
			t.Errorf("%q: %d, %v; in lower case %d, %v", s, unix, ok, l, lok)
		}
	})
}
