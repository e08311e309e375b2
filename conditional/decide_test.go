package conditional

import (
	"fmt"
	"testing"

	"freshet/internal/alloctest"
	"freshet/internal/field"
	"freshet/internal/rule"
)

const (
	modified = 784111777                       // RFC 9110 §5.6.7
	at       = "Sun, 06 Nov 1994 08:49:37 GMT" // modified
	before   = "Sun, 06 Nov 1994 08:49:36 GMT"
	later    = "Sun, 06 Nov 1994 08:49:38 GMT"
	now      = modified + 86400
)

// files is a resource with three codings.
func files() State {
	return State{
		Variants: []Variant{{Tag: `"br"`, Size: 3}, {Tag: `"gz"`, Size: 5}, {Tag: `"id"`, Size: 10}},
		Identity: 2,
		Modified: modified,
		Now:      now,
	}
}

// result is a Decision in one line: status, variant, ranges, rule.
func result(d Decision) string {
	return fmt.Sprintf("%d v%d %v %v", d.Status, d.Variant, d.Ranges, d.Rule)
}

func TestDecide(t *testing.T) {
	const (
		whole    = "200 v0 [] unconditional"
		ignored  = "200 v0 [] range-whole"
		sameID   = "304 v2 [] not-modified-etag"
		sameDate = "304 v0 [] not-modified-since"
	)
	tests := []struct {
		name string
		q    Request
		want string
	}{
		{"nothing asked", Request{Method: "GET"}, whole},

		// RFC 9110 §13.1.2: weak comparison; the variant that is confirmed.
		{"listed", Request{Method: "GET", IfNoneMatch: `"id"`}, sameID},
		{"listed, HEAD", Request{Method: "HEAD", IfNoneMatch: `"id"`}, sameID},
		{"listed weak", Request{Method: "GET", IfNoneMatch: `W/"id"`}, sameID},
		{"listed last", Request{Method: "GET", IfNoneMatch: `"x", W/"y","id"`}, sameID},
		{"two listed: ours first", Request{Method: "GET", IfNoneMatch: `"id", "gz"`}, "304 v1 [] not-modified-etag"},
		{"any", Request{Method: "GET", IfNoneMatch: "*"}, "304 v0 [] not-modified-etag"},
		{"not listed", Request{Method: "GET", IfNoneMatch: `"x"`}, whole},
		{"no tag at all", Request{Method: "GET", IfNoneMatch: "id"}, whole},
		{"behind what is no tag", Request{Method: "GET", IfNoneMatch: `id, "id"`}, whole},
		{"any among others is no tag", Request{Method: "GET", IfNoneMatch: `"x", *`}, whole},
		{"POST", Request{Method: "POST", IfNoneMatch: `"id"`}, "412 v2 [] none-match-failed"},
		{"PUT any", Request{Method: "PUT", IfNoneMatch: "*"}, "412 v0 [] none-match-failed"},
		{"method is case-sensitive", Request{Method: "get", IfNoneMatch: "*"}, "412 v0 [] none-match-failed"},

		// RFC 9110 §13.1.1: strong comparison.
		{"match", Request{Method: "PUT", IfMatch: `"x", "id"`}, whole},
		{"match any", Request{Method: "PUT", IfMatch: "*"}, whole},
		{"match fails", Request{Method: "PUT", IfMatch: `"x"`}, "412 v0 [] match-failed"},
		{"match weak", Request{Method: "PUT", IfMatch: `W/"id"`}, "412 v0 [] match-failed"},
		{"match malformed", Request{Method: "PUT", IfMatch: `id`}, "412 v0 [] match-failed"},
		{"match empty", Request{Method: "PUT", IfMatch: `,`}, "412 v0 [] match-failed"},
		{"match, GET", Request{Method: "GET", IfMatch: `"x"`}, "412 v0 [] match-failed"},

		// RFC 9110 §13.1.3.
		{"since", Request{Method: "GET", IfModifiedSince: at}, sameDate},
		{"since, HEAD", Request{Method: "HEAD", IfModifiedSince: at}, sameDate},
		{"since later", Request{Method: "GET", IfModifiedSince: later}, sameDate},
		{"since before", Request{Method: "GET", IfModifiedSince: before}, whole},
		{"since rfc850", Request{Method: "GET", IfModifiedSince: "Sunday, 06-Nov-94 08:49:37 GMT"}, sameDate},
		{"since asctime", Request{Method: "GET", IfModifiedSince: "Sun Nov  6 08:49:37 1994"}, sameDate},
		{"since the future", Request{Method: "GET", IfModifiedSince: "Fri, 06 Nov 2099 08:49:37 GMT"}, sameDate},
		{"since no date", Request{Method: "GET", IfModifiedSince: "yesterday"}, whole},
		{"since, POST", Request{Method: "POST", IfModifiedSince: at}, whole},
		{"since beside a tag that differs", Request{Method: "GET", IfNoneMatch: `"x"`, IfModifiedSince: later}, whole},
		{"since beside a list without members", Request{Method: "GET", IfNoneMatch: `,`, IfModifiedSince: later}, whole},

		// RFC 9110 §13.1.4.
		{"unmodified", Request{Method: "PUT", IfUnmodifiedSince: at}, whole},
		{"unmodified later", Request{Method: "PUT", IfUnmodifiedSince: later}, whole},
		{"unmodified before", Request{Method: "PUT", IfUnmodifiedSince: before}, "412 v0 [] unmodified-failed"},
		{"unmodified before, GET", Request{Method: "GET", IfUnmodifiedSince: before}, "412 v0 [] unmodified-failed"},
		{"unmodified no date", Request{Method: "PUT", IfUnmodifiedSince: "yesterday"}, whole},
		{"unmodified beside a tag that matches", Request{Method: "PUT", IfMatch: `"id"`, IfUnmodifiedSince: before}, whole},

		// RFC 9110 §13.2.2: the order.
		{"match fails before none-match", Request{Method: "GET", IfMatch: `"x"`, IfNoneMatch: `"id"`}, "412 v0 [] match-failed"},
		{"unmodified fails before none-match", Request{Method: "GET", IfUnmodifiedSince: before, IfNoneMatch: `"id"`}, "412 v0 [] unmodified-failed"},
		{"match holds, none-match fails", Request{Method: "GET", IfMatch: `"id"`, IfNoneMatch: `"id"`}, sameID},
		{"not modified before range", Request{Method: "GET", IfNoneMatch: `"id"`, Range: "bytes=0-1"}, sameID},
		{"not modified before unsatisfiable", Request{Method: "GET", IfModifiedSince: at, Range: "bytes=99-"}, sameDate},
		{"failed before range", Request{Method: "GET", IfMatch: `"x"`, Range: "bytes=0-1"}, "412 v0 [] match-failed"},
		{"modified, range", Request{Method: "GET", IfNoneMatch: `"x"`, Range: "bytes=0-1"}, "206 v2 [{0 2}] range-single"},

		// RFC 9110 §13.2.1: not for methods that select no representation.
		{"OPTIONS", Request{Method: "OPTIONS", IfNoneMatch: "*", IfMatch: `"x"`}, whole},
		{"TRACE", Request{Method: "TRACE", IfMatch: `"x"`}, whole},
		{"CONNECT", Request{Method: "CONNECT", IfUnmodifiedSince: before}, whole},

		// RFC 9110 §14.2.
		{"range", Request{Method: "GET", Range: "bytes=0-4"}, "206 v2 [{0 5}] range-single"},
		{"range clamps", Request{Method: "GET", Range: "bytes=5-99999999999999999999999999"}, "206 v2 [{5 5}] range-single"},
		{"ranges", Request{Method: "GET", Range: "bytes=-1,0-4"}, "206 v2 [{9 1} {0 5}] range-multiple"},
		{"one of two left", Request{Method: "GET", Range: "bytes=0-4,10-"}, "206 v2 [{0 5}] range-single"},
		{"range unsatisfiable", Request{Method: "GET", Range: "bytes=10-"}, "416 v2 [] range-unsatisfiable"},
		{"range of no bytes", Request{Method: "GET", Range: "bytes=-0"}, "416 v2 [] range-unsatisfiable"},
		{"range backwards", Request{Method: "GET", Range: "bytes=4-0"}, ignored},
		{"range malformed", Request{Method: "GET", Range: "bytes=a"}, ignored},
		{"range unit", Request{Method: "GET", Range: "lines=0-4"}, ignored},
		{"ranges too many", Request{Method: "GET", Range: "bytes=0-0,0-0,0-0,0-0,0-0,0-0,0-0,0-0,0-0,0-0,0-0,0-0,0-0,0-0,0-0,0-0,0-0"}, ignored},
		{"range, HEAD", Request{Method: "HEAD", Range: "bytes=0-4"}, whole},
		{"range, HEAD, unsatisfiable", Request{Method: "HEAD", Range: "bytes=99-"}, whole},
		{"range, POST", Request{Method: "POST", Range: "bytes=0-4"}, whole},

		// RFC 9110 §13.1.5: a tag says which variant, and is compared strongly.
		{"if-range identity", Request{Method: "GET", IfRange: `"id"`, Range: "bytes=0-4"}, "206 v2 [{0 5}] range-single"},
		{"if-range gzip", Request{Method: "GET", IfRange: `"gz"`, Range: "bytes=2-"}, "206 v1 [{2 3}] range-single"},
		{"if-range gzip, unsatisfiable", Request{Method: "GET", IfRange: `"gz"`, Range: "bytes=7-"}, "416 v1 [] range-unsatisfiable"},
		{"if-range other", Request{Method: "GET", IfRange: `"x"`, Range: "bytes=0-4"}, ignored},
		{"if-range other, unsatisfiable", Request{Method: "GET", IfRange: `"x"`, Range: "bytes=99-"}, ignored},
		{"if-range weak", Request{Method: "GET", IfRange: `W/"id"`, Range: "bytes=0-4"}, ignored},
		{"if-range list", Request{Method: "GET", IfRange: `"id", "gz"`, Range: "bytes=0-4"}, ignored},
		{"if-range list of one", Request{Method: "GET", IfRange: `, "id"`, Range: "bytes=0-4"}, ignored},
		{"if-range any", Request{Method: "GET", IfRange: "*", Range: "bytes=0-4"}, ignored},
		{"if-range malformed", Request{Method: "GET", IfRange: `id`, Range: "bytes=0-4"}, ignored},
		{"if-range date", Request{Method: "GET", IfRange: at, Range: "bytes=0-4"}, "206 v2 [{0 5}] range-single"},
		{"if-range date before", Request{Method: "GET", IfRange: before, Range: "bytes=0-4"}, ignored},
		{"if-range date later", Request{Method: "GET", IfRange: later, Range: "bytes=0-4"}, ignored},
		{"if-range without range", Request{Method: "GET", IfRange: `"x"`}, whole},
		{"if-range, range malformed", Request{Method: "GET", IfRange: `"id"`, Range: "bytes=x"}, ignored},
		{"if-range, HEAD", Request{Method: "HEAD", IfRange: `"id"`, Range: "bytes=0-4"}, whole},
	}
	for _, tt := range tests {
		s := files()
		if got := result(Decide(&tt.q, &s, nil)); got != tt.want {
			t.Errorf("%s: %s, want %s", tt.name, got, tt.want)
		}
	}
}

// TestDecideState has other resources than one with three codings.
func TestDecideState(t *testing.T) {
	get := func(q Request) Request { q.Method = "GET"; return q }
	tests := []struct {
		name   string
		change func(*State)
		q      Request
		want   string
	}{
		// RFC 9110 §13.1.1 and §13.1.2: "*" is about there being a representation.
		{"none, match any", func(s *State) { s.Variants = nil }, Request{Method: "PUT", IfMatch: "*"}, "412 v-1 [] match-failed"},
		{"none, match", func(s *State) { s.Variants = nil }, Request{Method: "PUT", IfMatch: `"id"`}, "412 v-1 [] match-failed"},
		{"none, none-match any", func(s *State) { s.Variants = nil }, Request{Method: "PUT", IfNoneMatch: "*"}, "200 v-1 [] unconditional"},
		{"none, date", func(s *State) { s.Variants = nil }, Request{Method: "PUT", IfUnmodifiedSince: before}, "200 v-1 [] unconditional"},
		{"none, range", func(s *State) { s.Variants = nil }, get(Request{Range: "bytes=0-1"}), "200 v-1 [] range-whole"},

		// Weak tags.
		{"weak, listed", func(s *State) { s.Variants[2].Weak = true }, get(Request{IfNoneMatch: `"id"`}), "304 v2 [] not-modified-etag"},
		{"weak, match", func(s *State) { s.Variants[2].Weak = true }, get(Request{IfMatch: `"id"`}), "412 v0 [] match-failed"},
		{"weak, match weak", func(s *State) { s.Variants[2].Weak = true }, get(Request{IfMatch: `W/"id"`}), "412 v0 [] match-failed"},
		{"weak, if-range", func(s *State) { s.Variants[2].Weak = true }, get(Request{IfRange: `"id"`, Range: "bytes=0-1"}), "200 v0 [] range-whole"},
		{"weak, plain range", func(s *State) { s.Variants[2].Weak = true }, get(Request{Range: "bytes=0-1"}), "206 v2 [{0 2}] range-single"},

		// No tag is no tag, not the empty one.
		{"untagged, listed", func(s *State) { s.Variants = []Variant{{Size: 4}}; s.Identity = 0 }, get(Request{IfNoneMatch: `""`}), "200 v0 [] unconditional"},
		{"untagged, any", func(s *State) { s.Variants = []Variant{{Size: 4}}; s.Identity = 0 }, get(Request{IfNoneMatch: "*"}), "304 v0 [] not-modified-etag"},
		{"untagged, match", func(s *State) { s.Variants = []Variant{{Size: 4}}; s.Identity = 0 }, get(Request{IfMatch: `"a"`}), "412 v0 [] match-failed"},

		// A refused coding is not among the variants, and its tag no tag.
		{"refused, listed", func(s *State) { s.Variants = s.Variants[2:]; s.Identity = 0 }, get(Request{IfNoneMatch: `"gz"`}), "200 v0 [] unconditional"},
		{"refused, if-range", func(s *State) { s.Variants = s.Variants[2:]; s.Identity = 0 }, get(Request{IfRange: `"gz"`, Range: "bytes=0-1"}), "200 v0 [] range-whole"},
		{"identity refused", func(s *State) { s.Variants = s.Variants[:2]; s.Identity = -1 }, get(Request{Range: "bytes=0-1"}), "200 v0 [] range-whole"},
		{"identity refused, date", func(s *State) { s.Variants = s.Variants[:2]; s.Identity = -1 }, get(Request{IfRange: at, Range: "bytes=0-1"}), "200 v0 [] range-whole"},
		{"identity refused, tag", func(s *State) { s.Variants = s.Variants[:2]; s.Identity = -1 }, get(Request{IfRange: `"gz"`, Range: "bytes=0-1"}), "206 v1 [{0 2}] range-single"},
		{"identity out of bounds", func(s *State) { s.Identity = 3 }, get(Request{Range: "bytes=0-1"}), "200 v0 [] range-whole"},

		// RFC 9110 §13.1.3, §13.1.4: without a date these fields are ignored.
		{"no date, since", func(s *State) { s.Modified = 0 }, get(Request{IfModifiedSince: later}), "200 v0 [] unconditional"},
		{"no date, unmodified", func(s *State) { s.Modified = 0 }, get(Request{IfUnmodifiedSince: before}), "200 v0 [] unconditional"},
		{"no date, if-range", func(s *State) { s.Modified = 0 }, get(Request{IfRange: "Thu, 01 Jan 1970 00:00:00 GMT", Range: "bytes=0-1"}), "200 v0 [] range-whole"},

		// RFC 9110 §8.8.2.2: a date is strong a second later.
		{"this very second", func(s *State) { s.Now = modified }, get(Request{IfRange: at, Range: "bytes=0-1"}), "200 v0 [] range-whole"},
		{"a second later", func(s *State) { s.Now = modified + 1 }, get(Request{IfRange: at, Range: "bytes=0-1"}), "206 v2 [{0 2}] range-single"},
		{"in the future", func(s *State) { s.Now = modified - 1 }, get(Request{IfRange: at, Range: "bytes=0-1"}), "200 v0 [] range-whole"},

		// Ranges that cannot be.
		{"no ranges", func(s *State) { s.NoRanges = true }, get(Request{Range: "bytes=0-1"}), "200 v0 [] range-whole"},
		{"no ranges, unsatisfiable", func(s *State) { s.NoRanges = true }, get(Request{Range: "bytes=99-"}), "200 v0 [] range-whole"},
		{"size unknown", func(s *State) { s.Variants[2].Size = -1 }, get(Request{Range: "bytes=0-1"}), "200 v0 [] range-whole"},
		{"empty", func(s *State) { s.Variants[2].Size = 0 }, get(Request{Range: "bytes=0-1"}), "416 v2 [] range-unsatisfiable"},
		{"empty, suffix", func(s *State) { s.Variants[2].Size = 0 }, get(Request{Range: "bytes=-1"}), "200 v0 [] range-whole"},
		{"at most one", func(s *State) { s.MaxRanges = 1 }, get(Request{Range: "bytes=0-1,3-4"}), "200 v0 [] range-whole"},
	}
	for _, tt := range tests {
		s := files()
		tt.change(&s)
		if got := result(Decide(&tt.q, &s, nil)); got != tt.want {
			t.Errorf("%s: %s, want %s", tt.name, got, tt.want)
		}
	}
}

// TestRuleStatus compares each decision with the row of its rule.
func TestRuleStatus(t *testing.T) {
	s := files()
	for q := range matrix {
		d := Decide(&q, &s, nil)
		if row := rule.Of(d.Rule); row.Status != d.Status {
			t.Errorf("%+v: status %d, rule %s says %d", q, d.Status, row.Name, row.Status)
		}
	}
}

func TestAllocations(t *testing.T) {
	s := files()
	var buf [field.DefaultMaxRanges]field.Range
	for _, q := range []Request{
		{Method: "GET"},
		{Method: "GET", IfNoneMatch: `W/"x", "id"`, IfModifiedSince: at},
		{Method: "GET", IfModifiedSince: "Sunday, 06-Nov-94 08:49:37 GMT"},
		{Method: "PUT", IfMatch: `"x"`},
		{Method: "GET", IfRange: at, Range: "bytes=0-1, 3-4, 0-9, -5"},
		{Method: "GET", IfRange: `"id"`, Range: "bytes=0-4"},
	} {
		if n := alloctest.PerRun(100, func() { Decide(&q, &s, buf[:]) }); n != 0 {
			t.Errorf("%+v: %v allocations", q, n)
		}
	}
}

func BenchmarkDecide(b *testing.B) {
	s := files()
	q := Request{Method: "GET", IfNoneMatch: `"id"`, IfModifiedSince: at}
	for b.Loop() {
		Decide(&q, &s, nil)
	}
}
