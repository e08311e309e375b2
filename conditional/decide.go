// Package conditional decides preconditions and ranges.
package conditional

import (
	"freshet/internal/field"
	"freshet/internal/rule"
)

type Request struct {
	Method                                                                   string
	IfMatch, IfNoneMatch, IfModifiedSince, IfUnmodifiedSince, IfRange, Range string
}

func FromLines(method string, lines func(name string) []string) Request { return Request{} }

type Variant struct {
	Tag  string
	Weak bool
	Size int64
}

type State struct {
	Variants  []Variant
	Identity  int
	Modified  int64
	Now       int64
	NoRanges  bool
	MaxRanges int
}

type Decision struct {
	Status  int
	Variant int
	Ranges  []field.Range
	Rule    rule.ID
}

func Decide(q *Request, s *State, buf []field.Range) Decision {
	return Decision{Status: 200, Rule: rule.Unconditional}
}
func AppendContentRange(dst []byte, r field.Range, size int64) []byte { return dst }
func AppendUnsatisfied(dst []byte, size int64) []byte                 { return dst }
func MultipartLength(ranges []field.Range, size int64, boundary, contentType string) int64 {
	return 0
}
func AppendPartHead(dst []byte, boundary, contentType string, r field.Range, size int64, first bool) []byte {
	return dst
}
func AppendMultipartEnd(dst []byte, boundary string) []byte { return dst }
