package freshness

import (
	"math"
	"strings"

	"freshet/internal/field"
)

// Age returns the age of the stored response at a time (current_age, RFC 9111
// §4.2.3). It is never negative; to a clock that went back before the response
// was received it is InitialAge.
func (t *Terms) Age(now int64) int64 {
	return addClamped(t.InitialAge, max(subClamped(now, t.Received), 0))
}

// TTL returns for how long the stored response stays fresh; it is 0 or negative
// when it is stale: then its negation is the time since.
func (t *Terms) TTL(now int64) int64 {
	return subClamped(t.Lifetime, t.Age(now))
}

// initialAge is corrected_initial_age (RFC 9111 §4.2.3). Responses without a
// Date that can be read count as generated when they were received (RFC 9110
// §6.6.1).
func initialAge(r *Response) int64 {
	apparent, value, delay := AgeTerms(r)
	return min(max(apparent, addClamped(value, delay)), maxSeconds*second)
}

// AgeTerms returns what the age of a response began with (RFC 9111 §4.2.3):
// apparent_age, age_value and response_delay. The larger of the first and the sum
// of the others is Terms.InitialAge.
func AgeTerms(r *Response) (apparent, value, delay int64) {
	if date, ok := dateOf(r); ok {
		apparent = max(sinceDate(r.Received, date), 0)
	}
	if r.Requested != 0 {
		delay = max(subClamped(r.Received, r.Requested), 0)
	}
	return apparent, ageValue(r.Fields["Age"]), delay
}

// ageValue reads Age: the first member of the first line counts, and if that
// is not a number the field says nothing (RFC 9111 §5.1).
func ageValue(lines []string) int64 {
	if len(lines) == 0 {
		return 0
	}
	first, _, _ := strings.Cut(lines[0], ",")
	age, _ := deltaSeconds(strings.Trim(first, " \t"))
	return age
}

// dateOf returns the Date of a response in seconds since 1970.
func dateOf(r *Response) (int64, bool) {
	lines := r.Fields["Date"]
	if len(lines) == 0 {
		return 0, false
	}
	return field.ParseDateFold(lines[0], seconds(r.Received))
}

// sinceDate is the time from a date, in seconds, to a time, clamped to 2^31
// seconds on either side: dates have more years than nanoseconds do.
func sinceDate(now, date int64) int64 {
	whole := subClamped(seconds(now), date)
	part := now - seconds(now)*second
	return min(max(whole, -maxSeconds), maxSeconds)*second + part
}

// seconds rounds a time down.
func seconds(t int64) int64 {
	s := t / second
	if t%second < 0 {
		s--
	}
	return s
}

func addClamped(a, b int64) int64 {
	switch s := a + b; {
	case a > 0 && b > 0 && s < 0:
		return math.MaxInt64
	case a < 0 && b < 0 && s >= 0:
		return math.MinInt64
	default:
		return s
	}
}

func subClamped(a, b int64) int64 {
	if b == math.MinInt64 {
		b++
	}
	return addClamped(a, -b)
}
