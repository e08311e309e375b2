package conditional

import (
	"net/http"
	"testing"

	"freshet/internal/alloctest"
	"freshet/internal/wire"
)

func TestGather(t *testing.T) {
	type lines = [][2]string
	tests := []struct {
		name  string
		lines lines
		want  Request
	}{
		{"none", nil, Request{}},
		{"others", lines{{"Accept", "*/*"}, {"If", "x"}}, Request{}},
		{"each", lines{{"If-Match", "a"}, {"If-None-Match", "b"}, {"If-Modified-Since", "c"}, {"If-Unmodified-Since", "d"}, {"If-Range", "e"}, {"Range", "f"}},
			Request{IfMatch: "a", IfNoneMatch: "b", IfModifiedSince: "c", IfUnmodifiedSince: "d", IfRange: "e", Range: "f"}},

		// RFC 9110 §5.3: lists may be spread over lines.
		{"lists", lines{{"If-Match", `"a"`}, {"If-None-Match", `"x", "y"`}, {"If-Match", `"b"`}, {"If-None-Match", `"z"`}},
			Request{IfMatch: `"a", "b"`, IfNoneMatch: `"x", "y", "z"`}},
		{"the same list twice", lines{{"If-Match", "*"}, {"If-Match", "*"}}, Request{IfMatch: "*"}},
		{"empty list", lines{{"If-Match", ""}, {"If-None-Match", ""}}, Request{IfMatch: ",", IfNoneMatch: ","}},

		// Others may not.
		{"since, equal", lines{{"If-Modified-Since", at}, {"If-Modified-Since", at}}, Request{IfModifiedSince: ","}},
		{"since, different", lines{{"If-Modified-Since", at}, {"If-Modified-Since", later}}, Request{IfModifiedSince: ","}},
		{"since, three", lines{{"If-Modified-Since", at}, {"If-Modified-Since", later}, {"If-Modified-Since", at}}, Request{IfModifiedSince: ","}},
		{"unmodified", lines{{"If-Unmodified-Since", at}, {"If-Unmodified-Since", later}}, Request{IfUnmodifiedSince: ","}},
		{"if-range", lines{{"If-Range", `"a"`}, {"If-Range", `"b"`}}, Request{IfRange: ","}},
		{"if-range, equal", lines{{"If-Range", `"a"`}, {"If-Range", `"a"`}}, Request{IfRange: ","}},
		{"if-range, empty", lines{{"If-Range", ""}}, Request{IfRange: ","}},
		{"range", lines{{"Range", "bytes=0-1"}, {"Range", "3-4"}}, Request{Range: ","}},
		{"range, equal", lines{{"Range", "bytes=0-1"}, {"Range", "bytes=0-1"}}, Request{Range: ","}},
	}
	for _, tt := range tests {
		h := http.Header{}
		head := wire.Head{Method: "GET"}
		for _, l := range tt.lines {
			h.Add(l[0], l[1])
			head.Fields = append(head.Fields, wire.Field{Name: l[0], Value: l[1], Known: known[l[0]]})
		}
		tt.want.Method = "GET"
		if got := FromLines("GET", h.Values); got != tt.want {
			t.Errorf("%s: FromLines %+v, want %+v", tt.name, got, tt.want)
		}
		if got := FromHead(&head); got != tt.want {
			t.Errorf("%s: FromHead %+v, want %+v", tt.name, got, tt.want)
		}
	}
	if got := FromLines("GET", func(string) []string { return []string{" \ta "} }); got.IfMatch != "a" || got.Range != "a" {
		t.Errorf("white space stays: %+v", got)
	}
}

var known = map[string]wire.Known{
	"Accept": wire.Accept, "If-Match": wire.IfMatch, "If-None-Match": wire.IfNoneMatch,
	"If-Modified-Since": wire.IfModifiedSince, "If-Unmodified-Since": wire.IfUnmodifiedSince,
	"If-Range": wire.IfRange, "Range": wire.Range,
}

// TestRepeated follows repeated lines to the decision.
func TestRepeated(t *testing.T) {
	tests := []struct {
		name   string
		method string
		h      http.Header
		want   string
	}{
		{"tags on two lines", "GET", http.Header{"If-None-Match": {`"x"`, `"id"`}}, "304 v2 [] not-modified-etag"},
		{"two dates", "GET", http.Header{"If-Modified-Since": {at, later}}, "200 v0 [] unconditional"},
		{"two dates for a PUT", "PUT", http.Header{"If-Unmodified-Since": {before, at}}, "200 v0 [] unconditional"},
		{"a date twice", "GET", http.Header{"If-Modified-Since": {at, at}}, "200 v0 [] unconditional"},
		{"two ranges", "GET", http.Header{"Range": {"bytes=0-1", "3-4"}}, "200 v0 [] range-whole"},
		{"two if-ranges", "GET", http.Header{"Range": {"bytes=0-1"}, "If-Range": {`"id"`, `"gz"`}}, "200 v0 [] range-whole"},
		{"an empty if-range", "GET", http.Header{"Range": {"bytes=0-1"}, "If-Range": {""}}, "200 v0 [] range-whole"},
		{"an empty if-match", "PUT", http.Header{"If-Match": {""}}, "412 v0 [] match-failed"},
		{"an empty if-none-match beside a date", "GET", http.Header{"If-None-Match": {""}, "If-Modified-Since": {at}}, "200 v0 [] unconditional"},
		{"any twice", "PUT", http.Header{"If-None-Match": {"*", "*"}}, "412 v0 [] none-match-failed"},
	}
	for _, tt := range tests {
		q := FromLines(tt.method, tt.h.Values)
		s := files()
		if got := result(Decide(&q, &s, nil)); got != tt.want {
			t.Errorf("%s: %s, want %s", tt.name, got, tt.want)
		}
	}
}

func TestFromHeadAllocations(t *testing.T) {
	head := wire.Head{Method: "GET", Fields: []wire.Field{
		{Name: "If-None-Match", Value: `"a"`, Known: wire.IfNoneMatch},
		{Name: "Range", Value: "bytes=0-1", Known: wire.Range},
		{Name: "Range", Value: "bytes=0-1", Known: wire.Range},
	}}
	if n := alloctest.PerRun(100, func() { FromHead(&head) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
