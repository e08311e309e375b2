package conditional

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"freshet/internal/field"
	"freshet/internal/rule"
)

// model is a second implementation of RFC 9110 §13.2.2, which follows the
// numbered steps with the tools of the standard library and knows only what the
// matrix below contains.
func model(q Request, s State) Decision {
	exists := len(s.Variants) > 0
	goOn := Decision{Status: 200, Rule: rule.Unconditional}
	if !exists {
		goOn.Variant = -1
	}
	stop := func(status int, r rule.ID) Decision { return Decision{Status: status, Variant: goOn.Variant, Rule: r} }
	if slices.Contains([]string{"OPTIONS", "TRACE", "CONNECT"}, q.Method) {
		return goOn
	}
	dateOf := func(value string) (time.Time, bool) {
		d, err := http.ParseTime(value)
		return d, err == nil && s.Modified != 0 && exists
	}
	modified := time.Unix(s.Modified, 0)
	listed := func(list string, weak bool) int {
		for i, v := range s.Variants {
			if list == "*" {
				return i
			}
			for _, elem := range strings.Split(list, ", ") {
				opaque, elemWeak := strings.CutPrefix(elem, "W/")
				if v.Tag != "" && opaque == v.Tag && (weak || !elemWeak && !v.Weak) {
					return i
				}
			}
		}
		return -1
	}
	isRead := q.Method == "GET" || q.Method == "HEAD"

	// Steps 1 and 2.
	if q.IfMatch != "" {
		if listed(q.IfMatch, false) < 0 {
			return stop(412, rule.MatchFailed)
		}
	} else if d, ok := dateOf(q.IfUnmodifiedSince); ok && modified.After(d) {
		return stop(412, rule.UnmodifiedFailed)
	}
	// Steps 3 and 4.
	if q.IfNoneMatch != "" {
		if v := listed(q.IfNoneMatch, true); v >= 0 && isRead {
			return Decision{Status: 304, Variant: v, Rule: rule.NotModifiedETag}
		} else if v >= 0 {
			return Decision{Status: 412, Variant: v, Rule: rule.NoneMatchFailed}
		}
	} else if d, ok := dateOf(q.IfModifiedSince); ok && isRead && !modified.After(d) {
		return stop(304, rule.NotModifiedSince)
	}
	// Step 5.
	if q.Method != "GET" || q.Range == "" {
		return goOn
	}
	v := s.Identity
	if q.IfRange != "" {
		v = -1
		if q.IfRange[0] == '"' && !strings.Contains(q.IfRange, ",") {
			v = listed(q.IfRange, false)
		} else if d, ok := dateOf(q.IfRange); ok && d.Equal(modified) && s.Now-s.Modified >= 1 {
			v = s.Identity
		}
	}
	if v < 0 || v >= len(s.Variants) || s.NoRanges {
		return stop(200, rule.RangeWhole)
	}
	// The few ranges of the matrix.
	size := s.Variants[v].Size
	switch {
	case size < 0:
	case q.Range == "bytes=1-2" && size > 1:
		return Decision{Status: 206, Variant: v, Ranges: []field.Range{{Start: 1, Length: min(2, size-1)}}, Rule: rule.RangeSingle}
	case q.Range == "bytes=0-0,-1" && size > 0:
		return Decision{Status: 206, Variant: v, Ranges: []field.Range{{Start: 0, Length: 1}, {Start: size - 1, Length: 1}}, Rule: rule.RangeMultiple}
	case q.Range == "bytes=99-" || q.Range == "bytes=1-2":
		return Decision{Status: 416, Variant: v, Rule: rule.RangeUnsatisfiable}
	}
	return stop(200, rule.RangeWhole)
}

// matrix yields all combinations of methods and of fields that are absent,
// true, false and invalid.
func matrix(yield func(Request) bool) {
	for _, method := range []string{"GET", "HEAD", "PUT", "OPTIONS"} {
		for _, ifMatch := range []string{"", `"x", "gz"`, `W/"id"`, `"x"`, "*", "junk"} {
			for _, ifNoneMatch := range []string{"", `"id", W/"gz"`, `"x"`, "*", "junk"} {
				for _, ifModifiedSince := range []string{"", before, at, "junk"} {
					for _, ifUnmodifiedSince := range []string{"", before, at, "junk"} {
						for _, ifRange := range []string{"", `"id"`, `"gz"`, `W/"id"`, `"x"`, before, at, "junk"} {
							for _, ranges := range []string{"", "bytes=1-2", "bytes=0-0,-1", "bytes=99-", "bytes=2-1", "junk"} {
								if !yield(Request{method, ifMatch, ifNoneMatch, ifModifiedSince, ifUnmodifiedSince, ifRange, ranges}) {
									return
								}
							}
						}
					}
				}
			}
		}
	}
}

// TestModel compares Decide with the model for every request of the matrix and
// resources of every kind.
func TestModel(t *testing.T) {
	states := map[string]func(*State){
		"three codings":     func(s *State) {},
		"no representation": func(s *State) { s.Variants = nil; s.Identity = -1 },
		"weak":              func(s *State) { s.Variants[1].Weak, s.Variants[2].Weak = true, true },
		"no validators":     func(s *State) { s.Variants = []Variant{{Size: 10}}; s.Identity = 0; s.Modified = 0 },
		"just modified":     func(s *State) { s.Now = s.Modified },
		"identity refused":  func(s *State) { s.Variants = s.Variants[:2]; s.Identity = -1 },
		"one byte":          func(s *State) { s.Variants[2].Size = 1 },
		"size unknown":      func(s *State) { s.Variants[1].Size, s.Variants[2].Size = -1, -1 },
		"no ranges":         func(s *State) { s.NoRanges = true },
	}
	for name, change := range states {
		s := files()
		change(&s)
		var buf [field.DefaultMaxRanges]field.Range
		for q := range matrix {
			got, want := Decide(&q, &s, buf[:]), model(q, s)
			if got.Status != want.Status || got.Variant != want.Variant || got.Rule != want.Rule || !slices.Equal(got.Ranges, want.Ranges) {
				t.Fatalf("%s: %+v: %s, want %s", name, q, result(got), result(want))
			}
		}
	}
}

// FuzzDecide proves for any request and state that a decision is one that can
// be carried out.
func FuzzDecide(f *testing.F) {
	f.Add("GET", `"a"`, `W/"b", "c"`, at, at, `"a"`, "bytes=0-1", `"a"`, `"c"`, int64(10), int64(5), int64(modified), int64(now), 0, uint8(0))
	f.Fuzz(func(t *testing.T, method, ifMatch, ifNoneMatch, since, unmodified, ifRange, ranges, tag0, tag1 string,
		size0, size1, modified, now int64, identity int, flags uint8) {
		q := Request{method, ifMatch, ifNoneMatch, since, unmodified, ifRange, ranges}
		s := State{
			Variants: []Variant{{tag0, flags&1 != 0, size0 % (1 << 40)}, {tag1, flags&2 != 0, size1 % (1 << 40)}}[:flags>>4%3],
			Identity: identity, Modified: modified % (1 << 36), Now: now % (1 << 36),
			NoRanges: flags&4 != 0, MaxRanges: int(flags & 8),
		}
		d := Decide(&q, &s, nil)
		if row := rule.Of(d.Rule); row.Status != d.Status {
			t.Errorf("status %d, rule %s", d.Status, row.Name)
		}
		if (d.Status == 206) != (len(d.Ranges) > 0) || (d.Rule == rule.RangeSingle) != (len(d.Ranges) == 1) {
			t.Errorf("status %d, rule %v, ranges %v", d.Status, d.Rule, d.Ranges)
		}
		if len(s.Variants) == 0 {
			if d.Variant != -1 || d.Status != 200 && d.Status != 412 {
				t.Errorf("%s without a representation", result(d))
			}
			return
		}
		if d.Variant < 0 || d.Variant >= len(s.Variants) {
			t.Fatalf("variant %d of %d", d.Variant, len(s.Variants))
		}
		v := s.Variants[d.Variant]
		for _, r := range d.Ranges {
			if r.Start < 0 || r.Length < 1 || r.Start+r.Length > v.Size {
				t.Errorf("range %v of %d bytes", r, v.Size)
			}
		}
		switch {
		case (d.Status == 206 || d.Status == 416) && method != "GET",
			d.Status == 304 && method != "GET" && method != "HEAD",
			d.Status == 304 && ifNoneMatch == "" && since == "",
			d.Status == 412 && ifMatch == "" && ifNoneMatch == "" && unmodified == "",
			d.Status == 206 && (ifMatch == "" && ranges == "" || s.NoRanges),
			d.Status == 206 && ifRange != "" && ifRange != v.Tag && ifRange[0] == '"':
			t.Errorf("%s for %+v", result(d), q)
		}
		if d.Rule == rule.NotModifiedETag && ifNoneMatch != "*" && !strings.Contains(ifNoneMatch, v.Tag) {
			t.Errorf("304 confirms %q, asked for %q", v.Tag, ifNoneMatch)
		}
	})
}
