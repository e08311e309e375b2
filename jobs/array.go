package jobs

import (
	"errors"
	"fmt"
	"math"
	"sort"
	"strconv"
	"strings"
)

// Limits of arrays.
const (
	MaxTasks    = 10_000_000 // numbers in an array
	maxSpans    = 100_000    // regular stretches in an array
	maxArray    = 256 << 10  // bytes of its text
	maxShuffled = 1_000_000  // numbers in stretches that overlap each other and differ in step
	maxNumber   = 1 << 53    // of a task, either way: JavaScript counts no further
)

// Array is a set of task numbers: ascending, each once. It is written as
// numbers and ranges between commas, a range with an optional step:
// "1-250", "1-250x10", "3,7,9", "-5-5,20". The zero Array is empty; two equal
// sets have equal texts. An Array does not change.
type Array struct {
	spans []span
}

// span is first, first+step, … up to last; before counts the numbers of the
// spans in front of it.
type span struct {
	first, last, step int64
	before            int64
}

func (s span) len() int64 { return (s.last-s.first)/s.step + 1 }

// Range is the array of all numbers from first to last.
func Range(first, last int64) Array {
	if last < first {
		return Array{}
	}
	return Array{[]span{{first: first, last: last, step: 1}}}
}

// Numbers is the array of these numbers, in whatever order they come.
func Numbers(numbers ...int64) Array {
	spans := make([]span, len(numbers))
	for i, n := range numbers {
		spans[i] = span{first: n, last: n, step: 1}
	}
	spans, _ = normalize(spans, len(numbers)+1)
	return Array{spans}
}

// ParseArray reads the text of an array. Numbers may overlap and come in any
// order. Errors: a text that is not one, more than MaxTasks numbers, or so
// many irregular ones that they do not fit 100,000 stretches.
func ParseArray(text string) (Array, error) {
	if strings.TrimSpace(text) == "" {
		return Array{}, nil
	}
	if len(text) > maxArray {
		return Array{}, fmt.Errorf("array: %d bytes; at most %d are taken", len(text), maxArray)
	}
	var spans []span
	for part := range strings.SplitSeq(text, ",") {
		s, err := parseSpan(strings.TrimSpace(part))
		if err != nil {
			return Array{}, fmt.Errorf("array: %q: %w", clip(part, 40), err)
		}
		spans = append(spans, s)
	}
	spans, err := normalize(spans, maxSpans)
	if err != nil {
		return Array{}, fmt.Errorf("array: %w", err)
	}
	a := Array{spans}
	if a.Len() > MaxTasks {
		return Array{}, fmt.Errorf("array: %d numbers; at most %d are taken", a.Len(), MaxTasks)
	}
	return a, nil
}

// parseSpan reads "n", "first-last" or "first-lastxstep".
func parseSpan(part string) (span, error) {
	first, rest, err := parseNumber(part)
	if err != nil {
		return span{}, err
	}
	s := span{first: first, last: first, step: 1}
	if rest == "" {
		return s, nil
	}
	if rest[0] != '-' {
		return span{}, errors.New("a number or a range is expected, as 1-250 or 1-250x10")
	}
	if s.last, rest, err = parseNumber(rest[1:]); err != nil {
		return span{}, err
	}
	if s.last < s.first {
		return span{}, errors.New("the range ends before it begins")
	}
	if rest != "" {
		if rest[0] != 'x' {
			return span{}, errors.New("behind a range only a step is expected, as x10")
		}
		if s.step, rest, err = parseNumber(rest[1:]); err != nil {
			return span{}, err
		}
		if s.step < 1 || rest != "" {
			return span{}, errors.New("a step is a number from 1")
		}
	}
	s.last -= (s.last - s.first) % s.step
	if s.len() > MaxTasks {
		return span{}, fmt.Errorf("%d numbers; at most %d are taken", s.len(), MaxTasks)
	}
	return s, nil
}

// parseNumber reads a number with an optional minus at the start of text.
func parseNumber(text string) (n int64, rest string, err error) {
	i := 0
	if i < len(text) && text[i] == '-' {
		i++
	}
	digits := i
	for i < len(text) && '0' <= text[i] && text[i] <= '9' {
		i++
	}
	if i == digits {
		return 0, "", errors.New("a number is expected")
	}
	n, err = strconv.ParseInt(text[:i], 10, 64)
	if err != nil || n > maxNumber || n < -maxNumber {
		return 0, "", errors.New("the number is too large")
	}
	return n, text[i:], nil
}

// normalize sorts spans and writes the set that they are in the one way that
// depends on its numbers alone.
func normalize(spans []span, most int) ([]span, error) {
	sort.Slice(spans, func(i, j int) bool { return spans[i].first < spans[j].first })
	var out joiner
	for i := 0; i < len(spans); {
		// A group: spans that reach into each other.
		last, j := spans[i].last, i+1
		for j < len(spans) && spans[j].first <= last {
			last = max(last, spans[j].last)
			j++
		}
		if err := out.group(spans[i:j]); err != nil {
			return nil, err
		}
		if i = j; len(out.spans) > most {
			return nil, fmt.Errorf("more than %d irregular stretches", most)
		}
	}
	out.flush()
	if len(out.spans) > most {
		return nil, fmt.Errorf("more than %d irregular stretches", most)
	}
	var n int64
	for i := range out.spans {
		out.spans[i].before = n
		n += out.spans[i].len()
	}
	return out.spans, nil
}

// joiner makes spans of ascending numbers: the longest regular stretch, then
// the next one. open is the stretch that may still grow.
type joiner struct {
	spans []span
	open  span
	n     int64 // numbers in open
}

// group adds spans that overlap, the first first.
func (j *joiner) group(spans []span) error {
	alike := true
	joined := spans[0]
	for _, s := range spans[1:] {
		switch {
		case s.step == joined.step && (s.first-joined.first)%s.step == 0, s.first == s.last && joined.step == 1:
			joined.last = max(joined.last, s.last)
		default:
			alike = false
		}
	}
	if alike {
		j.span(joined)
		return nil
	}
	var total int64
	for _, s := range spans {
		total += s.len()
	}
	if total > maxShuffled {
		return fmt.Errorf("ranges of different steps overlap in %d numbers; at most %d are taken", total, maxShuffled)
	}
	numbers := make([]int64, 0, total)
	for _, s := range spans {
		for n := s.first; n <= s.last; n += s.step {
			numbers = append(numbers, n)
		}
	}
	sort.Slice(numbers, func(a, b int) bool { return numbers[a] < numbers[b] })
	for i, n := range numbers {
		if i == 0 || n != numbers[i-1] {
			j.number(n)
		}
	}
	return nil
}

// span adds the numbers of s, of which all but a few need not be looked at.
func (j *joiner) span(s span) {
	for i := 0; i < 3 && s.first <= s.last; i++ {
		j.number(s.first)
		s.first += s.step
	}
	if s.first <= s.last { // the third number has joined the second in a stretch of this step
		j.n += s.len()
		j.open.last = s.last
	}
}

func (j *joiner) number(n int64) {
	switch {
	case j.n == 0:
		j.open = span{first: n, last: n, step: 1}
	case j.n == 1:
		j.open.step, j.open.last = n-j.open.first, n
	case n-j.open.last == j.open.step:
		j.open.last = n
	case j.n == 2 && j.open.step > 1: // two numbers are no stretch: the second may begin one
		second := j.open.last
		j.open = span{first: j.open.first, last: j.open.first, step: 1}
		j.spans = append(j.spans, j.open)
		j.open = span{first: second, last: n, step: n - second}
		return
	default:
		j.flush()
		j.number(n)
		return
	}
	j.n++
}

// flush ends the open stretch.
func (j *joiner) flush() {
	switch {
	case j.n == 0:
	case j.n == 2 && j.open.step > 1:
		first, last := j.open.first, j.open.last
		j.spans = append(j.spans, span{first: first, last: first, step: 1}, span{first: last, last: last, step: 1})
	default:
		j.spans = append(j.spans, j.open)
	}
	j.open, j.n = span{}, 0
}

// String is the canonical text, which ParseArray reads.
func (a Array) String() string {
	var b []byte
	for i, s := range a.spans {
		if i > 0 {
			b = append(b, ',')
		}
		b = strconv.AppendInt(b, s.first, 10)
		if s.last > s.first {
			b = append(b, '-')
			b = strconv.AppendInt(b, s.last, 10)
		}
		if s.step > 1 {
			b = append(b, 'x')
			b = strconv.AppendInt(b, s.step, 10)
		}
	}
	return string(b)
}

// MarshalText writes the canonical text.
func (a Array) MarshalText() ([]byte, error) { return []byte(a.String()), nil }

// UnmarshalText reads what ParseArray reads.
func (a *Array) UnmarshalText(text []byte) (err error) {
	*a, err = ParseArray(string(text))
	return err
}

// IsZero says whether the array is empty.
func (a Array) IsZero() bool { return len(a.spans) == 0 }

// Len is how many numbers there are.
func (a Array) Len() int64 {
	if len(a.spans) == 0 {
		return 0
	}
	s := a.spans[len(a.spans)-1]
	return s.before + s.len()
}

// Nth is the number with i smaller ones, i from 0 to Len()-1.
func (a Array) Nth(i int64) int64 {
	k := sort.Search(len(a.spans), func(k int) bool { return a.spans[k].before > i }) - 1
	return a.spans[k].first + (i-a.spans[k].before)*a.spans[k].step
}

// Index is how many smaller numbers there are than n, and whether n is there.
func (a Array) Index(n int64) (i int64, ok bool) {
	k := sort.Search(len(a.spans), func(k int) bool { return a.spans[k].first > n }) - 1
	if k < 0 {
		return 0, false
	}
	s := a.spans[k]
	if n > s.last {
		return s.before + s.len(), false
	}
	d := n - s.first
	if d%s.step != 0 {
		return s.before + d/s.step + 1, false
	}
	return s.before + d/s.step, true
}

// Has says whether n is there.
func (a Array) Has(n int64) bool {
	_, ok := a.Index(n)
	return ok
}

// All calls yield with each number, ascending, for range.
func (a Array) All(yield func(int64) bool) {
	for _, s := range a.spans {
		for n := s.first; n <= s.last && n < math.MaxInt64-s.step; n += s.step {
			if !yield(n) {
				return
			}
		}
	}
}

// clip shortens text for a message.
func clip(text string, n int) string {
	if len(text) <= n {
		return text
	}
	return strings.ToValidUTF8(text[:n], "") + "…"
}
