package jobs

import (
	"errors"
	"fmt"
	"math/bits"
	"strconv"
	"strings"
	"time"
)

// Schedule is a set of minutes in a time zone, in the notation of cron:
//
//	┌ minute 0–59
//	│ ┌ hour 0–23
//	│ │ ┌ day of the month 1–31
//	│ │ │ ┌ month 1–12 or jan–dec
//	│ │ │ │ ┌ day of the week 0–7 or sun–sat; 0 and 7 are Sunday
//	0 3 * * 1-5
//
// A field is "*", numbers, ranges "1-5", steps "*/15" and "10-50/20", and lists
// of these. When both days are restricted a day that fits one of them fits, as
// ever in cron. Names: @hourly, @daily (@midnight), @weekly, @monthly, @yearly
// (@annually).
//
// When clocks are put forward, minutes that do not exist are made up for in the
// first minute that does, once; when they are put back, a minute that comes
// twice counts the first time, also for schedules of every minute or hour.
type Schedule struct {
	text                              string
	minute, hour, day, month, weekday uint64 // bit n: n fits
	eitherDay                         bool   // both days are restricted
	zone                              *time.Location
}

var scheduleNames = map[string]string{
	"@hourly": "0 * * * *", "@daily": "0 0 * * *", "@midnight": "0 0 * * *", "@weekly": "0 0 * * 0",
	"@monthly": "0 0 1 * *", "@yearly": "0 0 1 1 *", "@annually": "0 0 1 1 *",
}

// maxSchedule is how many bytes of a schedule are read.
const maxSchedule = 256

// ParseSchedule reads a schedule and the name of its time zone; an empty one
// is UTC. A schedule that never comes, as 30 February, is an error.
func ParseSchedule(text, zone string) (*Schedule, error) {
	if len(text) > maxSchedule {
		return nil, fmt.Errorf("schedule: %d bytes; at most %d are taken", len(text), maxSchedule)
	}
	if zone == "Local" {
		return nil, errors.New("zone: \"Local\" means another one on each machine")
	}
	location, err := time.LoadLocation(zone)
	if err != nil {
		return nil, fmt.Errorf("zone: %w", err)
	}
	s := &Schedule{text: text, zone: location}
	line := text
	if strings.HasPrefix(text, "@") {
		var known bool
		if line, known = scheduleNames[text]; !known {
			return nil, fmt.Errorf("schedule: %q is not known", text)
		}
	}
	fields := strings.Fields(line)
	if len(fields) != 5 {
		return nil, fmt.Errorf("schedule: %q has %d fields, not 5: minute hour day month weekday", text, len(fields))
	}
	for i, f := range []struct {
		name   string
		lo, hi int
		names  string
		to     *uint64
	}{
		{"minute", 0, 59, "", &s.minute},
		{"hour", 0, 23, "", &s.hour},
		{"day", 1, 31, "", &s.day},
		{"month", 1, 12, "jan feb mar apr may jun jul aug sep oct nov dec", &s.month},
		{"weekday", 0, 7, "sun mon tue wed thu fri sat", &s.weekday},
	} {
		if *f.to, err = parseField(fields[i], f.lo, f.hi, f.names); err != nil {
			return nil, fmt.Errorf("schedule: %s %q: %w", f.name, fields[i], err)
		}
	}
	s.weekday |= s.weekday >> 7 & 1
	s.eitherDay = fields[2][0] != '*' && fields[4][0] != '*'
	if s.Next(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)).IsZero() {
		return nil, fmt.Errorf("schedule: %q never comes", text)
	}
	return s, nil
}

// parseField reads a list of numbers, ranges and steps as bits.
func parseField(field string, lo, hi int, names string) (set uint64, err error) {
	for part := range strings.SplitSeq(field, ",") {
		part, stepText, stepped := strings.Cut(part, "/")
		first, last, step := lo, hi, 1
		if part != "*" {
			from, to, isRange := strings.Cut(part, "-")
			if first, err = parseValue(from, lo, hi, names); err != nil {
				return 0, err
			}
			switch {
			case isRange:
				if last, err = parseValue(to, lo, hi, names); err != nil {
					return 0, err
				}
			case !stepped:
				last = first
			}
			if last < first {
				return 0, errors.New("a range ends before it begins")
			}
		} else if names != "" && lo == 0 {
			last = 6 // 7 is Sunday again, and no step leads to it
		}
		if stepped {
			if step, err = strconv.Atoi(stepText); err != nil || step < 1 || step > hi {
				return 0, fmt.Errorf("a step is a number from 1 to %d", hi)
			}
		}
		for n := first; n <= last; n += step {
			set |= 1 << n
		}
	}
	return set, nil
}

func parseValue(text string, lo, hi int, names string) (int, error) {
	if i := strings.Index(names, strings.ToLower(text)); len(text) == 3 && i >= 0 && i%4 == 0 {
		return lo + i/4, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < lo || n > hi || text[0] == '+' {
		return 0, fmt.Errorf("%q is not a number from %d to %d", text, lo, hi)
	}
	return n, nil
}

// String is the text that was parsed.
func (s *Schedule) String() string { return s.text }

// Next is the first minute of the schedule after t; the zero time when there
// is none within 30 years.
func (s *Schedule) Next(t time.Time) time.Time {
	local := t.In(s.zone)
	y, m, d := local.Date()
	// A day earlier, for what did not exist yesterday comes today where a
	// zone left out a whole day.
	for i := -1; i < 30*366; i++ {
		day := time.Date(y, m, d+i, 0, 0, 0, 0, time.UTC) // the calendar's day, no instant
		if s.month&(1<<day.Month()) == 0 || !s.fitsDay(day) {
			continue
		}
		for hours := s.hour; hours != 0; hours &= hours - 1 {
			for minutes := s.minute; minutes != 0; minutes &= minutes - 1 {
				at := s.instant(day, bits.TrailingZeros64(hours), bits.TrailingZeros64(minutes))
				if at.After(t) {
					return at
				}
			}
		}
	}
	return time.Time{}
}

func (s *Schedule) fitsDay(day time.Time) bool {
	inMonth, inWeek := s.day&(1<<day.Day()) != 0, s.weekday&(1<<day.Weekday()) != 0
	if s.eitherDay {
		return inMonth || inWeek
	}
	return inMonth && inWeek
}

// instant is when the clocks of the zone show a minute for the first time, or
// the first minute behind a gap that it falls into.
func (s *Schedule) instant(day time.Time, hour, minute int) time.Time {
	y, m, d := day.Date()
	at := time.Date(y, m, d, hour, minute, 0, 0, s.zone)
	if at.Hour() != hour || at.Minute() != minute || at.Day() != d {
		// In a gap time.Date uses the offset of before or after it: the gap's
		// end is where the offset changes, within a day.
		begin, end := at.ZoneBounds()
		if near := at.Sub(begin); !begin.IsZero() && near < 25*time.Hour {
			return begin.In(s.zone)
		}
		return end.In(s.zone)
	}
	// Twice: the same reading with the offset of before the change.
	if begin, _ := at.ZoneBounds(); !begin.IsZero() {
		_, now := at.Zone()
		_, before := begin.Add(-time.Second).In(s.zone).Zone()
		if earlier := at.Add(time.Duration(now-before) * time.Second); before > now && earlier.Before(begin) {
			return earlier
		}
	}
	return at
}
