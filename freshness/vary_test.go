package freshness

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
)

func TestParseVary(t *testing.T) {
	star := Vary{Any: true}
	for _, tt := range []struct {
		lines string
		want  Vary
	}{
		{"", Vary{}},
		{",", Vary{}},
		{"foo", Vary{Names: []string{"Foo"}}},
		{"foo, BAR ,accept-encoding|Foo", Vary{Names: []string{"Accept-Encoding", "Bar", "Foo"}}},
		{"*", star}, {"*, *", star}, {"*|*", star}, {", *", star}, {"|*", star}, {"*, Foo", star}, {"Foo, *", star}, {"Foo|Bar,*", star},
		{"foo bar", star}, {`"foo"`, star}, {"foo:", star},
	} {
		if got := ParseVary(strings.Split(tt.lines, "|")); !reflect.DeepEqual(got, tt.want) {
			t.Errorf("%q: %+v, want %+v", tt.lines, got, tt.want)
		}
	}
	if got := ParseVary(nil); got.Any || got.Names != nil {
		t.Errorf("no Vary: %+v", got)
	}
}

// part is what a request field adds to a key; lines are separated by "|".
func part(name, lines string) string {
	return string(AppendSelecting(nil, name, strings.Split(lines, "|")))
}

func TestAppendSelecting(t *testing.T) {
	for _, tt := range []struct {
		name, a, b string
		same       bool
	}{
		// Unknown fields: white space around commas, lines.
		{"Foo", "1,2", " 1, 2 ", true},
		{"Foo", "1, 2", "1|2", true},
		{"Foo", "1,,2,", "|1|2", true},
		{"Foo", "1,2", "2,1", false},
		{"Foo", "1 2", "1  2", false},
		{"Foo", "a", "A", false},
		{"Foo", "", ",", true},
		{"Foo", `"1,2"`, `"1, 2"`, false},
		{"Foo", "1", "1,2", false},
		{"Foo", "12", "1,2", false},

		{"Accept-Language", "en, de", "de, en", true},
		{"Accept-Language", "en, de", "eN, De", true},
		{"Accept-Language", "en, de", " en ,   de", true},
		{"Accept-Language", "en, de", "de|en", true},
		{"Accept-Language", "en, de", "de, en;q=1.000", true},
		{"Accept-Language", "en;q=0.5, de", "de, en;Q=0.50", true},
		{"Accept-Language", "en;q=0.5, de", "de, en;q=0.6", false},
		{"Accept-Language", "en;q=0.5, de;q=0.6", "en;q=0.6, de;q=0.5", false},
		{"Accept-Language", "en, de", "en", false},
		{"Accept-Language", "en, en", "en", true},
		{"Accept-Language", "en", "en;q=0", false},
		{"Accept-Language", "en;500", "en;q=0.5", false},
		{"Accept-Language", `z, "a,b`, `"a,b,z`, false},

		{"Accept-Encoding", "gzip, br", "BR,gzip", true},
		{"Accept-Encoding", "x-gzip", "gzip", true},
		{"Accept-Encoding", "gzip", "gzip, deflate", false},
		{"Accept-Encoding", "gzip;q=1.0, *;q=0", "*;q=0.000,gzip", true},

		{"Accept", "text/html;q=0.5, */*", "Text/HTML ; q=0.5,*/*", true},
		{"Accept", "text/html;charset=A", "text/html;charset=a", false},
		{"Accept", `a/b;x="1 ; 2"`, `a/b;x="1;2"`, false},
		{"Accept", `a/b;x="\" ; "`, `a/b;x="\";"`, false},
		{"Accept", "a/b, c/d", "c/d, a/b", false},
		{"Accept", "a /b", "a/b", false},
	} {
		if a, b := part(tt.name, tt.a), part(tt.name, tt.b); (a == b) != tt.same {
			t.Errorf("%s: %q gives %q, %q gives %q", tt.name, tt.a, a, tt.b, b)
		}
	}
	for _, name := range []string{"Foo", "Accept", "Accept-Language"} {
		if string(AppendSelecting(nil, name, nil)) == part(name, "") {
			t.Errorf("%s: absent is as empty", name)
		}
	}
}

// TestSelectingTellsItsEnd: parts that follow each other cannot be taken for
// others.
func TestSelectingTellsItsEnd(t *testing.T) {
	values := [][]string{nil, {""}, {"a"}, {"a,b"}, {"\x00"}, {"\x00\x00\x00\x01a"}, {"\xff\xff\xff\xff"}, {"b"}}
	seen := map[string]string{}
	for _, a := range values {
		for _, b := range values {
			key := string(AppendSelecting(AppendSelecting(nil, "A", a), "B", b))
			what := fmt.Sprintf("%q, %q", a, b)
			if other, twice := seen[key]; twice {
				t.Errorf("%s and %s have one key", other, what)
			}
			seen[key] = what
		}
	}
}

// TestManyElements: lists that are too long to be sorted keep their order.
func TestManyElements(t *testing.T) {
	var names []string
	for i := range maxWeighted + 1 {
		names = append(names, fmt.Sprintf("x%02d", i))
	}
	reversed := func(n int) string {
		var r []string
		for i := range n {
			r = append(r, names[n-1-i])
		}
		return strings.Join(r, ", ")
	}
	for n, want := range map[int]bool{maxWeighted: true, maxWeighted + 1: false} {
		a, b := part("Accept-Language", strings.Join(names[:n], ",")), part("Accept-Language", reversed(n))
		if (a == b) != want {
			t.Errorf("%d elements in two orders: equal %v", n, a == b)
		}
	}
}

func FuzzAppendSelecting(f *testing.F) {
	for _, s := range []string{"en, de;q=0.5", "gzip;q=1.0, *;q=0", `a/b ; x="1 ; 2", */*`, `"a,b`, ",,", "x;y;z", "\x00"} {
		f.Add(s, "tail", uint8(1))
	}
	f.Fuzz(func(t *testing.T, a, b string, which uint8) {
		if strings.ContainsAny(a+b, "\r\n") {
			return
		}
		name := []string{"Foo", "Accept", "Accept-Language", "Accept-Encoding"}[which%4]
		key := AppendSelecting(nil, name, []string{a})
		// The normal form is its own normal form: so no two requests of
		// different meaning have it, as long as it has the meaning of each.
		if again := AppendSelecting(nil, name, []string{string(key[4:])}); string(again) != string(key) {
			t.Errorf("%s: %q gives %q, that %q", name, a, key, again)
		}
		// White space around, and empty elements, change nothing.
		if strings.Count(a, `"`) == 0 {
			spaced := strings.ReplaceAll(" \t"+a+" ", ",", " ,,\t")
			if again := AppendSelecting(nil, name, []string{"", spaced}); string(again) != string(key) {
				t.Errorf("%s: %q gives %q, %q gives %q", name, a, key, spaced, again)
			}
			// Two lines are one list.
			if two, one := AppendSelecting(nil, name, []string{a, b}), AppendSelecting(nil, name, []string{a + "," + b}); string(two) != string(one) {
				t.Errorf("%s: %q, %q: %q, joined %q", name, a, b, two, one)
			}
		}
		v := ParseVary([]string{a, b})
		if !reflect.DeepEqual(ParseVary(v.Names), Vary{Names: v.Names}) {
			t.Errorf("Vary %q: %+v", a, v)
		}
	})
}

func TestSelectLanguage(t *testing.T) {
	for _, tt := range []struct {
		accept   string
		variants string
		want     int
	}{
		{"fr;q=0.5, de;q=1.0", "de", 0},
		{"fr;q=0.5, de", "en|fr|de", 2},
		{"de-AT, de;q=0.5", "de|DE-at", 1},
		{"de", "de-AT", 0},
		{"de-AT", "de", -1},
		{"d", "de", -1},
		{"en, *;q=0.1", "fr", 0},
		{"en, *;q=0", "fr", -1},
		{"*, en;q=0", "en|fr", 1},
		{"en;q=x, fr;q=0.1", "en|fr", 1},
		{"en, fr", "fr|en", 0},
		{"en", "fr, en|en, fr", 1},
		{"en", "", -1},
		{"", "en", -1},
	} {
		if got := SelectLanguage(tt.accept, strings.Split(tt.variants, "|")); got != tt.want {
			t.Errorf("%q, %q: %d, want %d", tt.accept, tt.variants, got, tt.want)
		}
	}
}
