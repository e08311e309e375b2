package freshness

import (
	"reflect"
	"slices"
	"strings"
	"testing"
)

// lines writes fields as the tests do.
func lines(f Fields) string {
	var s []string
	for name, values := range f {
		for _, v := range values {
			s = append(s, name+": "+v)
		}
	}
	slices.Sort(s)
	return strings.Join(s, "|")
}

func TestStoredFields(t *testing.T) {
	in := fields("A: 1|Connection: close, x-hop, a-b|Connection: C|X-Hop: 1|A-B: 2|C: 3|D: 4|D: 5|Keep-Alive: 5|Proxy-Authenticate: x|" +
		"Proxy-Authentication-Info: x|Proxy-Authorization: x|Proxy-Connection: x|TE: x|Trailer: x|Transfer-Encoding: chunked|Upgrade: h2c|Set-Cookie: x")
	before := len(in)
	if got := lines(StoredFields(in)); got != "A: 1|D: 4|D: 5|Set-Cookie: x" {
		t.Error(got)
	}
	if len(in) != before {
		t.Error("the argument was changed")
	}
	if got := StoredFields(nil); got == nil || len(got) != 0 {
		t.Errorf("of nothing: %v", got)
	}
}

func TestUpdate(t *testing.T) {
	for _, tt := range []struct{ stored, newer, want string }{
		{"A: 1|B: 2", "B: 3|B: 4|C: 5", "A: 1|B: 3|B: 4|C: 5"},
		{"Content-Length: 36", "Content-Length: 10", "Content-Length: 36"},
		{"Content-Encoding: gzip|Content-Range: bytes 0-1/2", "Content-Encoding: br|Content-Range: x", "Content-Encoding: gzip|Content-Range: bytes 0-1/2"},
		{"A: 1", "Content-Length: 0", "A: 1"},
		{"Content-Type: a/b|Content-Foo: x", "Content-Type: c/d|Content-Foo: y", "Content-Foo: y|Content-Type: c/d"},
		{"A: 1", "Connection: B|B: 2|Transfer-Encoding: chunked|Keep-Alive: 1", "A: 1"},
		{"Age: 500|Date: x", "", ""},
		{"Age: 500|Date: x", "Age: 1|Date: y", "Age: 1|Date: y"},
		{"Cache-Control: max-age=1", "Cache-Control: max-age=2", "Cache-Control: max-age=2"},
	} {
		stored, newer := fields(tt.stored), fields(tt.newer)
		if got := lines(Update(stored, newer)); got != tt.want {
			t.Errorf("%s, %s: %s, want %s", tt.stored, tt.newer, got, tt.want)
		}
		if !reflect.DeepEqual(stored, fields(tt.stored)) || !reflect.DeepEqual(newer, fields(tt.newer)) {
			t.Errorf("%s, %s: the arguments were changed", tt.stored, tt.newer)
		}
	}
	// What a 304 without Date and Age freshens is fresh.
	var c Cache
	f := Update(fields("Cache-Control: max-age=60|Age: 60|Date: "+date(-600)), fields(`ETag: "x"`))
	terms := c.Terms(&Response{Status: 200, Fields: f, Requested: t0, Received: t0})
	if terms.TTL(t0) != 60*second {
		t.Errorf("TTL %d s", terms.TTL(t0)/second)
	}
}

func TestConfirms(t *testing.T) {
	when := "Last-Modified: " + date(-1000)
	for _, tt := range []struct {
		stored, answer string
		several, only  bool
	}{
		{`ETag: "a"`, `ETag: "a"`, true, true},
		{`ETag: "a"`, `ETag: "b"`, false, false},
		{`ETag: "a"`, `ETag: W/"a"`, true, true},
		{`ETag: W/"a"`, `ETag: W/"a"`, true, true},
		{`ETag: W/"a"`, `ETag: "a"`, false, false}, // a strong validator selects by strong comparison
		{`ETag: W/"a"`, `ETag: W/"b"`, false, false},
		{"", `ETag: "a"`, false, false},
		{"", `ETag: W/"a"`, false, false},
		{when, when, true, true},
		{when, "Last-Modified: " + date(-999), false, false},
		{"", when, false, false},
		{`ETag: "a"|` + when, when, true, true},
		{`ETag: "a"|` + when, `ETag: "b"|` + when, false, false},
		{"Last-Modified: Thursday, 01-Jan-15 00:00:00 GMT", "Last-Modified: Thu, 01 Jan 2015 00:00:00 GMT", true, true},
		{`ETag: "a"`, "", false, true},
		{"", "", false, true},
		{`ETag: "a"`, "ETag: a", false, true},
	} {
		for _, only := range []bool{false, true} {
			want := tt.several
			if only {
				want = tt.only
			}
			if got := Confirms(fields(tt.stored), fields(tt.answer), only); got != want {
				t.Errorf("%s, %s, only %v: %v", tt.stored, tt.answer, only, got)
			}
		}
	}
}

func TestUpdateFromHead(t *testing.T) {
	for _, tt := range []struct {
		stored string
		length int64
		head   string
		want   string
		ok     bool
	}{
		{"A: 1|B: 2", 5, "A: 3", "A: 3|B: 2", true},
		{`ETag: "a"|A: 1`, 5, `ETag: "a"|A: 2`, `A: 2|Etag: "a"`, true},
		{`ETag: "a"`, 5, `ETag: "b"`, "", false},
		{"", 5, `ETag: "b"`, "", false},
		{"Last-Modified: x", 5, "Last-Modified: y", "", false},
		{"Content-Length: 5", 5, "Content-Length: 5", "Content-Length: 5", true},
		{"Content-Length: 5", 5, "Content-Length: 6", "", false},
		{"", 5, "Content-Length: 6", "", false},
		{"", 5, "Content-Length: x", "", false},
		{"", -1, "Content-Length: 6", "", true},
	} {
		got, ok := UpdateFromHead(fields(tt.stored), tt.length, fields(tt.head))
		if ok != tt.ok || ok && lines(got) != tt.want {
			t.Errorf("%s, %s: %s, %v", tt.stored, tt.head, lines(got), ok)
		}
	}
}

func TestSetValidators(t *testing.T) {
	when := date(-1000)
	const client = `If-Match: "x"|If-None-Match: "x"|If-Modified-Since: x|If-Unmodified-Since: x|If-Range: x|Foo: 1`
	for _, tt := range []struct {
		stored []string
		want   string
	}{
		{nil, "Foo: 1"},
		{[]string{""}, "Foo: 1"},
		{[]string{`ETag: "a"|Last-Modified: ` + when}, `Foo: 1|If-Modified-Since: ` + when + `|If-None-Match: "a"`},
		{[]string{`ETag: W/"a"`}, `Foo: 1|If-None-Match: W/"a"`},
		{[]string{"Last-Modified: " + when}, "Foo: 1|If-Modified-Since: " + when},
		{[]string{`ETag: a|Last-Modified: yesterday`}, "Foo: 1"},
		{[]string{`ETag: "a"|Last-Modified: ` + when, `ETag: "b"`, `ETag: "a"`, ""}, `Foo: 1|If-None-Match: "a", "b"`},
		{[]string{"Last-Modified: " + when, "Last-Modified: " + when}, "Foo: 1"},
	} {
		var stored []Fields
		for _, s := range tt.stored {
			stored = append(stored, fields(s))
		}
		request := fields(client)
		SetValidators(request, stored)
		if got := lines(request); got != tt.want {
			t.Errorf("%q: %s, want %s", tt.stored, got, tt.want)
		}
	}
}
