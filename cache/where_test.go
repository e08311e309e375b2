package cache

import (
	"errors"
	"strings"
	"testing"

	"freshet/freshness"
)

func TestParseWhere(t *testing.T) {
	for _, tt := range []struct {
		text  string
		at    int // of the fault; -1: none
		fault string
	}{
		{"type=text/html age>1h", -1, ""}, {"  status=404\tsize<10MiB ", -1, ""}, {`path~"/a b/*"`, -1, ""}, {"host=[::1]:8080", -1, ""},
		{"stored-before 2026-01-31", -1, ""}, {"stored-before=2026-01-31T12:00:00+01:00 age<1w2d3h4m5s", -1, ""}, {"status=5XX", -1, ""},
		{"", 0, "there is none"}, {"   ", 0, "there is none"},
		{"colour=red", 0, `"colour=red" is none of type`}, {"type=a Status=404", 7, `"Status=404" is none of`},
		{"type>a", 4, "after type comes ="}, {"age=1h", 3, "after age comes > or <"}, {"stored-before", 13, "after stored-before comes a time"},
		{"type=", 5, "a value is missing"}, {"type= x", 5, "a value is missing"}, {`type="a`, 5, "the quotes have no end"}, {`type="a"b`, 8, "behind the quotes comes a space"}, {`type=""`, 5, "a type is missing"},
		{"status=abc", 7, "is no status"}, {"status=600", 7, "is no status"}, {"status=4", 7, "is no status"}, {"status=+04", 7, "is no status"},
		{"age>1", 4, "is no time"}, {"age>h", 4, "is no time"}, {"age>1y", 4, "is no time"}, {"age>99999999999999999999s", 4, "is no time"}, {"age>-1h", 4, "is no time"}, {"age>9999999w", 4, "is no time"},
		{"size>x", 5, "is no size"}, {"size>9223372036854775807KB", 5, "is no size"}, {"size>1XB", 5, "is no size"},
		{"host=a/b", 5, "is no host"}, {`tag=""`, 4, "a tag is empty"}, {"stored-before soon", 14, "is no time"}, {"stored-before 1815-06-18", 14, "is no time"},
		{strings.Repeat("tag=a ", 33), 192, "more than 32 terms"}, {"path~" + strings.Repeat("a", MaxWhere), 0, "4101 bytes"},
	} {
		s, err := ParseWhere(tt.text)
		var fault *WhereError
		switch {
		case tt.at < 0 && (err != nil || s.value != tt.text):
			t.Errorf("%q: %v", tt.text, err)
		case tt.at >= 0 && (!errors.As(err, &fault) || fault.Offset != tt.at || !strings.Contains(fault.Fault, tt.fault)):
			t.Errorf("%q: %+v", tt.text, err)
		}
	}
	if _, err := ParseWhere("type=a age>1"); err == nil || err.Error() != `condition, position 12: "1" is no time: 90s, 15m, 1h30m, 2d, 1w` {
		t.Error(err)
	}
}

func TestGlob(t *testing.T) {
	for _, tt := range []struct {
		pattern, text string
		want          bool
	}{
		{"", "", true}, {"*", "", true}, {"a", "", false}, {"/a*", "/abc", true}, {"*c", "/abc", true}, {"*b", "/abc", false}, {"/?bc", "/abc", true}, {"/*/*.png", "/a/b/c.png", true},
		{"**", "x", true}, {"a*a*a", "aaa", true}, {"a*a*a", "aa", false}, {strings.Repeat("*a", 200) + "b", strings.Repeat("a", 4000), false},
	} {
		if got := glob(tt.pattern, tt.text); got != tt.want {
			t.Errorf("%.20q %.20q: %v", tt.pattern, tt.text, got)
		}
	}
}

func TestSelectors(t *testing.T) {
	for _, text := range []string{"", "example.org", "ftp://example.org/", "http://", "http:///a", "%"} {
		if _, err := ByPrefix(text); err == nil {
			t.Errorf("prefix %q", text)
		}
	}
	for _, text := range []string{"", "http://example.org", "a b", "a/b", "user@host"} {
		if _, err := ByHost(text); err == nil {
			t.Errorf("host %q", text)
		}
	}
	for _, text := range []string{"", strings.Repeat("a", MaxTagLength+1)} {
		if _, err := ByTag(text); err == nil {
			t.Errorf("tag %.20q", text)
		}
	}
	for key, want := range map[string][2]string{
		"http://e/a?b\nx": {"e", "e"}, "https://e:8443/": {"e:8443", "e"}, "http://[::1]/": {"[::1]", "[::1]"}, "http://[::1]:81/": {"[::1]:81", "[::1]"},
	} {
		if a := authorityOf(key); a != want[0] || hostOf(a) != want[1] {
			t.Errorf("%q: %q %q", key, a, hostOf(a))
		}
	}
}

// Whatever is a condition can be kept in a file and read again, and asks every
// object without harm.
func FuzzParseWhere(f *testing.F) {
	for _, seed := range []string{"type=text/* age>1h", `path~"/a ?*" size<1KiB`, "stored-before 2026-01-31T00:00:00Z status=4xx", `tag="a" host=e:1`, "age>", "stored-before"} {
		f.Add(seed)
	}
	o := newObject(200, freshness.Fields{"Content-Type": {"text/html; charset=x"}, "Cache-Tag": {"a,b"}}, freshness.Terms{}, 0, body{size: 3})
	f.Fuzz(func(t *testing.T, text string) {
		s, err := ParseWhere(text)
		if err != nil {
			var fault *WhereError
			if !errors.As(err, &fault) || fault.Offset < 0 || fault.Offset > len(text) {
				t.Fatalf("%q: %v", text, err)
			}
			return
		}
		line, err := appendLine(nil, lineOf(&epoch{number: 7, sel: s, at: 9}))
		if err != nil {
			t.Fatal(err)
		}
		l, err := parseLine(line[:len(line)-1])
		if err != nil {
			t.Fatal(err)
		}
		e, err := l.Epoch.epochOf(nil)
		if err != nil || e.sel.value != text || e.number != 7 || len(e.sel.where.terms) != len(s.where.terms) {
			t.Fatalf("%q: %+v %v", text, e, err)
		}
		for _, key := range []string{"http://e/a", "https://e:8443/?x\ny", "http://[::1]/"} {
			if s.about(key, o, 1e18) != e.sel.about(key, o, 1e18) {
				t.Errorf("%q: %s", text, key)
			}
		}
	})
}
