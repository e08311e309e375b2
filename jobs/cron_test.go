package jobs

import (
	"testing"
	"time"
)

func TestScheduleNext(t *testing.T) {
	for _, c := range []struct{ schedule, zone, after, want string }{
		{"* * * * *", "", "2026-01-01T00:00:00Z", "2026-01-01T00:01:00Z"},
		{"* * * * *", "", "2026-01-01T00:00:59Z", "2026-01-01T00:01:00Z"},
		{"*/15 * * * *", "", "2026-01-01T00:01:00Z", "2026-01-01T00:15:00Z"},
		{"5/20 * * * *", "", "2026-01-01T00:26:00Z", "2026-01-01T00:45:00Z"},
		{"0 3 * * *", "", "2026-01-01T03:00:00Z", "2026-01-02T03:00:00Z"},
		{"@daily", "", "2026-12-31T12:00:00Z", "2027-01-01T00:00:00Z"},
		{"@weekly", "", "2026-11-22T00:00:00Z", "2026-11-29T00:00:00Z"},
		{"@yearly", "", "2026-01-01T00:00:00Z", "2027-01-01T00:00:00Z"},
		{"30 9 * * 1-5", "", "2026-11-20T10:00:00Z", "2026-11-23T09:30:00Z"},
		{"30 9 * * mon-fri", "", "2026-11-20T10:00:00Z", "2026-11-23T09:30:00Z"},
		{"0 0 * * 7", "", "2026-11-20T10:00:00Z", "2026-11-22T00:00:00Z"},
		{"0 0 29 feb *", "", "2026-01-01T00:00:00Z", "2028-02-29T00:00:00Z"},
		{"0 0 13 * 5", "", "2026-11-01T00:00:00Z", "2026-11-06T00:00:00Z"}, // either day
		{"0 0 31 * *", "", "2026-11-01T00:00:00Z", "2026-12-31T00:00:00Z"},
		{"0 3 * * *", "Europe/Berlin", "2026-07-01T00:00:00Z", "2026-07-01T01:00:00Z"},
		// Berlin, 2026-03-29: 02:00 to 03:00 does not exist.
		{"30 2 * * *", "Europe/Berlin", "2026-03-28T12:00:00Z", "2026-03-29T01:00:00Z"},
		{"30 2 * * *", "Europe/Berlin", "2026-03-29T01:00:00Z", "2026-03-30T00:30:00Z"},
		{"*/10 * * * *", "Europe/Berlin", "2026-03-29T00:50:00Z", "2026-03-29T01:00:00Z"},
		{"*/10 * * * *", "Europe/Berlin", "2026-03-29T01:00:00Z", "2026-03-29T01:10:00Z"},
		// Berlin, 2026-10-25: 02:00 to 03:00 comes twice.
		{"30 2 * * *", "Europe/Berlin", "2026-10-24T12:00:00Z", "2026-10-25T00:30:00Z"},
		{"30 2 * * *", "Europe/Berlin", "2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z"},
		{"0 * * * *", "Europe/Berlin", "2026-10-25T00:00:00Z", "2026-10-25T02:00:00Z"},
		// São Paulo, 2018-11-04: midnight does not exist.
		{"0 0 * * *", "America/Sao_Paulo", "2018-11-03T12:00:00Z", "2018-11-04T03:00:00Z"},
		// Apia left out 2011-12-30.
		{"0 12 30 12 *", "Pacific/Apia", "2011-12-01T00:00:00Z", "2011-12-30T10:00:00Z"},
		// Lord Howe moves by half an hour.
		{"15 2 * * *", "Australia/Lord_Howe", "2026-10-03T12:00:00Z", "2026-10-03T15:30:00Z"},
	} {
		s, err := ParseSchedule(c.schedule, c.zone)
		if err != nil {
			t.Errorf("%q %s: %v", c.schedule, c.zone, err)
			continue
		}
		after, _ := time.Parse(time.RFC3339, c.after)
		if got := s.Next(after).UTC().Format(time.RFC3339); got != c.want {
			t.Errorf("%q %s after %s: %s, want %s", c.schedule, c.zone, c.after, got, c.want)
		}
	}
}

func TestScheduleFaults(t *testing.T) {
	for _, bad := range []string{
		"", "* * * *", "* * * * * *", "60 * * * *", "* 24 * * *", "* * 0 * *", "* * 32 * *", "* * * 13 *", "* * * * 8",
		"*/0 * * * *", "5-1 * * * *", "a * * * *", "1,,2 * * * *", "@never", "0 0 30 feb *", "0 0 31 4,6,9,11 *", "-1 * * * *", "+1 * * * *", "* * * * mond",
	} {
		if s, err := ParseSchedule(bad, ""); err == nil {
			t.Errorf("%q is read as %+v", bad, s)
		}
	}
	for _, zone := range []string{"Local", "Nowhere/Town", "../etc/passwd"} {
		if _, err := ParseSchedule("@daily", zone); err == nil {
			t.Errorf("zone %q is taken", zone)
		}
	}
}

// Times ascend, fit the fields in the zone unless clocks are changed, and none
// is left out that fits.
func FuzzSchedule(f *testing.F) {
	for _, s := range []string{"* * * * *", "*/7 2,3 * * *", "0 3 1-7 * 1", "@hourly", "59 23 31 dec sun"} {
		f.Add(s, int64(1774742400))
		f.Add(s, int64(1792886400))
	}
	zone, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		f.Skip(err)
	}
	f.Fuzz(func(t *testing.T, text string, at int64) {
		s, err := ParseSchedule(text, "Europe/Berlin")
		if err != nil {
			return
		}
		now := time.Unix(at%(1<<33), 0)
		for range 20 {
			next := s.Next(now)
			if next.IsZero() {
				return
			}
			if !next.After(now) || next.Second() != 0 {
				t.Fatalf("%q after %v: %v", text, now, next)
			}
			local := next.In(zone)
			begin, _ := local.ZoneBounds()
			if !begin.Equal(next) && (s.minute&(1<<local.Minute()) == 0 || s.hour&(1<<local.Hour()) == 0) {
				t.Fatalf("%q after %v: %v does not fit", text, now, local)
			}
			now = next
		}
	})
}
