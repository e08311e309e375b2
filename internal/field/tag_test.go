package field

import (
	"strings"
	"testing"
)

func TestNextTag(t *testing.T) {
	type tag struct {
		tag  string
		weak bool
	}
	tests := []struct {
		in   string
		want []tag
	}{
		{"", nil},
		{" , ,", nil},
		{`"xyzzy"`, []tag{{`"xyzzy"`, false}}},
		{`W/"xyzzy"`, []tag{{`"xyzzy"`, true}}},
		{`""`, []tag{{`""`, false}}},
		{`W/""`, []tag{{`""`, true}}},
		{`"xyzzy", "r2d2xxxx", "c3piozzzz"`, []tag{{`"xyzzy"`, false}, {`"r2d2xxxx"`, false}, {`"c3piozzzz"`, false}}},
		{`"a",W/"b"`, []tag{{`"a"`, false}, {`"b"`, true}}},
		{` ,, "a" , ,"b",`, []tag{{`"a"`, false}, {`"b"`, false}}},
		{`"a,b", "c"`, []tag{{`"a,b"`, false}, {`"c"`, false}}},
		{`"a\", "b"`, []tag{{`"a\"`, false}, {`"b"`, false}}}, // RFC 9110 §8.8.3: no quoted-string
		{"\"\x80\xff\"", []tag{{"\"\x80\xff\"", false}}},      // obs-text
		{"\"!#~\"", []tag{{"\"!#~\"", false}}},

		// What is malformed ends the list, and nothing behind it counts.
		{`*`, nil},
		{`"a", *, "b"`, []tag{{`"a"`, false}}},
		{`xyzzy`, nil},
		{`xyzzy, "a"`, nil},
		{`'a'`, nil},
		{`w/"a"`, nil},
		{`W/`, nil},
		{`W/a`, nil},
		{`W /"a"`, nil},
		{`W/ "a"`, nil},
		{`W/W/"a"`, nil},
		{`"`, nil},
		{`"a`, nil},
		{`"a"b`, nil},
		{`"a""b"`, nil},
		{`"a" "b"`, nil},
		{`"a";q=1`, nil},
		{`"a b"`, nil},
		{"\"a\tb\"", nil},
		{"\"a\x00b\"", nil},
		{"\"a\x7fb\"", nil},
		{`"ok", "a b", "c"`, []tag{{`"ok"`, false}}},
	}
	for _, tt := range tests {
		var got []tag
		for list := tt.in; ; {
			s, weak, rest, ok := NextTag(list)
			if !ok {
				break
			}
			got = append(got, tag{s, weak})
			list = rest
		}
		if len(got) != len(tt.want) {
			t.Errorf("tags of %q: %v, want %v", tt.in, got, tt.want)
			continue
		}
		for i := range got {
			if got[i] != tt.want[i] {
				t.Errorf("tags of %q: %v, want %v", tt.in, got, tt.want)
			}
		}
	}
}

func TestValidTag(t *testing.T) {
	for _, s := range []string{`""`, `"a"`, `W/"a"`, `"a,b\"`} {
		if !ValidTag(s) {
			t.Errorf("ValidTag(%q) = false", s)
		}
	}
	for _, s := range []string{``, `a`, `"`, `"a`, `"a" `, ` "a"`, `"a","b"`, `"a",`, `w/"a"`, `*`, "\"\n\""} {
		if ValidTag(s) {
			t.Errorf("ValidTag(%q) = true", s)
		}
	}
}

// FuzzNextTag proves that each tag is a valid one that stands in the list in
// front of what is left of it.
func FuzzNextTag(f *testing.F) {
	f.Add(`W/"a,b", "c"`)
	f.Fuzz(func(t *testing.T, list string) {
		tag, weak, rest, ok := NextTag(list)
		if !ok {
			if tag != "" || weak || rest != "" {
				t.Errorf("NextTag(%q) = %q, %v, %q, false", list, tag, weak, rest)
			}
			if ValidTag(list) {
				t.Errorf("%q is a valid tag, but NextTag finds none", list)
			}
			return
		}
		written := tag
		if weak {
			written = "W/" + tag
		}
		if tag[0] != '"' || !ValidTag(tag) || !ValidTag(written) {
			t.Errorf("NextTag(%q) = %q", list, tag)
		}
		if !strings.HasSuffix(list, rest) {
			t.Fatalf("NextTag(%q) leaves %q", list, rest)
		}
		if taken := strings.Trim(list[:len(list)-len(rest)], ", \t"); taken != written {
			t.Errorf("NextTag(%q) takes %q for %q", list, taken, written)
		}
	})
}
