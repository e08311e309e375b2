// Package conditional decides what a request's preconditions and ranges make
// of a representation: 200, 206, 304, 412 or 416, which variant, which bytes,
// and why (RFC 9110 §13 and §14). It is the one place where that is decided,
// for files, caches and anyone's handlers.
//
//	q := conditional.FromLines(r.Method, r.Header.Values)
//	d := conditional.Decide(&q, &conditional.State{
//		Variants: []conditional.Variant{{Tag: `"abc"`, Size: 1000}},
//		Modified: mtime, Now: now,
//	}, nil)
//	// d.Status, d.Variant, d.Ranges, d.Rule
//
// It does no I/O, has no clock and allocates nothing. It does not negotiate:
// the caller says which variants the request accepts. Nor does it know what
// the answer would otherwise be: preconditions are for requests that would be
// answered with 2xx or 412 without them (RFC 9110 §13.2.1).
package conditional

import (
	"freshet/internal/field"
	"freshet/internal/rule"
)

// Range is a part of a representation: Length bytes (at least one) from Start.
type Range = field.Range

// Variant is one representation that the request accepts, such as one content
// coding of a file.
type Variant struct {
	Tag  string // entity-tag with its quotes, without W/; "" when it has none
	Weak bool   // the tag is weak
	Size int64  // bytes; -1 when unknown, which rules out ranges
}

// State is what is known of the resource when the request is answered.
type State struct {
	// Variants are those that the request accepts, the preferred first. Tags of
	// others are not to be listed: a client that refuses a coding cannot have
	// its tag confirmed. Empty means that there is no current representation.
	Variants []Variant

	// Identity is the index in Variants of the one whose bytes a Range selects
	// when no entity-tag says which: that without a content coding, because a
	// client that resumes blindly must never get bytes of a coding that it did
	// not have. When there is none, -1: then such a Range is ignored.
	Identity int

	// Modified is Last-Modified in seconds since 1970; 0 when unknown. It must
	// be unknown when the time is not to be believed.
	Modified int64

	// Now is the time in seconds since 1970. It tells whether Modified is far
	// enough in the past to identify bytes, and the century of short years.
	Now int64

	// NoRanges makes Range fields be ignored.
	NoRanges bool

	// MaxRanges is how many ranges a request may have; with more the Range is
	// ignored. 0 means 16.
	MaxRanges int
}

// Decision is how a request is to be answered.
type Decision struct {
	// Status is 200, 206, 304, 412 or 416; 200 stands for "go on": whatever the
	// method does, with the whole representation.
	Status int

	// Variant is the index of the variant to send, to confirm (304) or whose
	// size a 416 states; -1 when there is none.
	Variant int

	// Ranges are those of a 206, in the order they are sent in. One range
	// makes a plain answer, several a multipart one.
	Ranges []Range

	// Rule says why.
	Rule rule.ID
}

// Decide evaluates q against s in the order of RFC 9110 §13.2.2. The ranges of
// the decision are appended to buf[:0], so that with room for MaxRanges in buf
// nothing is allocated.
func Decide(q *Request, s *State, buf []Range) Decision {
	d := Decision{Status: 200, Rule: rule.Unconditional}
	if len(s.Variants) == 0 {
		d.Variant = -1
	}
	read := q.Method == "GET" || q.Method == "HEAD"
	// RFC 9110 §13.2.1: these methods do not select a representation.
	if q.Method == "OPTIONS" || q.Method == "TRACE" || q.Method == "CONNECT" {
		return d
	}

	if q.IfMatch != "" {
		if !ifMatch(q.IfMatch, s.Variants) {
			d.Status, d.Rule = 412, rule.MatchFailed
			return d
		}
	} else if after(s, q.IfUnmodifiedSince) == yes {
		d.Status, d.Rule = 412, rule.UnmodifiedFailed
		return d
	}

	if q.IfNoneMatch != "" {
		if v := listed(q.IfNoneMatch, s.Variants); v >= 0 {
			d.Status, d.Variant, d.Rule = 304, v, rule.NotModifiedETag
			if !read {
				d.Status, d.Rule = 412, rule.NoneMatchFailed
			}
			return d
		}
	} else if read && after(s, q.IfModifiedSince) == no {
		d.Status, d.Rule = 304, rule.NotModifiedSince
		return d
	}

	// RFC 9110 §14.2: of the methods there are, Range is for GET alone.
	if q.Range != "" && q.Method == "GET" {
		return decideRange(q, s, buf, d)
	}
	return d
}

// decideRange is step 5 of RFC 9110 §13.2.2: all other preconditions are met.
// whole is the decision for when the Range field is ignored.
func decideRange(q *Request, s *State, buf []Range, whole Decision) Decision {
	whole.Rule = rule.RangeWhole
	v := s.Identity
	if q.IfRange != "" {
		v = ifRange(q.IfRange, s)
	}
	if s.NoRanges || v < 0 || v >= len(s.Variants) {
		return whole
	}
	ranges, result := field.ParseRanges(buf[:0], q.Range, s.Variants[v].Size, s.MaxRanges)
	switch {
	case result == field.RangesUnsatisfiable:
		return Decision{Status: 416, Variant: v, Rule: rule.RangeUnsatisfiable}
	case result != field.RangesSatisfiable:
		return whole
	case len(ranges) == 1:
		return Decision{Status: 206, Variant: v, Ranges: ranges, Rule: rule.RangeSingle}
	}
	return Decision{Status: 206, Variant: v, Ranges: ranges, Rule: rule.RangeMultiple}
}

// ifMatch evaluates If-Match by strong comparison (RFC 9110 §13.1.1): it is
// true when one of the variants is listed, or when there is one and the field
// is "*".
func ifMatch(list string, variants []Variant) bool {
	if list == "*" {
		return len(variants) > 0
	}
	for {
		tag, weak, rest, ok := field.NextTag(list)
		if !ok {
			return false
		}
		if !weak && strongMatch(tag, variants) >= 0 {
			return true
		}
		list = rest
	}
}

// listed returns the first variant whose tag is in an If-None-Match list by
// weak comparison (RFC 9110 §13.1.2), -1 when none is; "*" lists all of them.
func listed(list string, variants []Variant) int {
	if list == "*" {
		return min(len(variants), 1) - 1
	}
	best := -1
	for {
		tag, _, rest, ok := field.NextTag(list)
		if !ok {
			return best
		}
		for i := range variants {
			if variants[i].Tag == tag && (best < 0 || i < best) {
				best = i
			}
		}
		list = rest
	}
}

// strongMatch returns the first variant with a strong tag equal to tag, or -1.
func strongMatch(tag string, variants []Variant) int {
	for i := range variants {
		if variants[i].Tag == tag && !variants[i].Weak {
			return i
		}
	}
	return -1
}

// ifRange evaluates If-Range (RFC 9110 §13.1.5) and returns the variant that
// the ranges are of, -1 when the condition is false.
func ifRange(value string, s *State) int {
	if field.ValidTag(value) {
		tag, weak, _, _ := field.NextTag(value)
		if weak {
			return -1
		}
		return strongMatch(tag, s.Variants)
	}
	date, ok := field.ParseDateAt(value, s.Now)
	// RFC 9110 §8.8.2.2: a date identifies bytes when they can no longer
	// change within its second. An earlier or later date than the right one
	// does not match, however close.
	if !ok || s.Modified == 0 || date != s.Modified || s.Modified >= s.Now {
		return -1
	}
	return s.Identity
}

// truth is the value of a condition that may be without one.
type truth uint8

const (
	unknown truth = iota
	no
	yes
)

// after tells whether the representation was modified after a date. It cannot
// be told, and the field is to be ignored, when the date is invalid or the
// representation has none (RFC 9110 §13.1.3 and §13.1.4).
func after(s *State, date string) truth {
	if date == "" || s.Modified == 0 || len(s.Variants) == 0 {
		return unknown
	}
	t, ok := field.ParseDateAt(date, s.Now)
	switch {
	case !ok:
		return unknown
	case s.Modified > t:
		return yes
	}
	return no
}
