package field

import (
	"slices"
	"strings"
	"testing"
)

func elements(list string) (all []string) {
	for {
		elem, rest, ok := NextElement(list)
		if !ok {
			return all
		}
		all = append(all, elem)
		list = rest
	}
}

func TestElements(t *testing.T) {
	for _, c := range []struct{ lines, want []string }{
		{nil, nil},
		{[]string{"", " , "}, nil},
		{[]string{"a, b", "", ",c"}, []string{"a", "b", "c"}},
		{[]string{`a="x, b`, `c", d`}, []string{`a="x, b`, `c", d`}}, // a quoted string ends with its line
	} {
		if got := slices.Collect(Elements(c.lines)); !slices.Equal(got, c.want) {
			t.Errorf("elements of %q: %q, want %q", c.lines, got, c.want)
		}
	}
	for elem := range Elements([]string{"a, b", "c"}) {
		if elem == "b" {
			break
		}
		if elem != "a" {
			t.Errorf("%q comes after the loop was left", elem)
		}
	}
}

func TestNextElement(t *testing.T) {
	tests := []struct {
		in   string
		want []string
	}{
		{"", nil},
		{" \t", nil},
		{",", nil},
		{" , ,,\t, ", nil},
		{"a", []string{"a"}},
		{"a,b", []string{"a", "b"}},
		{" a \t,\tb ", []string{"a", "b"}},
		{",a,,b,", []string{"a", "b"}}, // RFC 9110 §5.6.1.2
		{"foo ,bar,charlie", []string{"foo", "bar", "charlie"}},
		{"a b, c", []string{"a b", "c"}},
		{`a="x,y", b`, []string{`a="x,y"`, "b"}},
		{`a="x\",y", b`, []string{`a="x\",y"`, "b"}},
		{`a="x\\", b`, []string{`a="x\\"`, "b"}},
		{`a="x, b`, []string{`a="x, b`}},
		{`a="x\`, []string{`a="x\`}},
		{`a\,b`, []string{`a\`, "b"}}, // a backslash quotes nothing outside of quotes
		{`"a""b,c",d`, []string{`"a""b,c"`, "d"}},
	}
	for _, tt := range tests {
		if got := elements(tt.in); !slices.Equal(got, tt.want) {
			t.Errorf("elements of %q: %q, want %q", tt.in, got, tt.want)
		}
	}
}

func TestHasToken(t *testing.T) {
	tests := []struct {
		list, token string
		want        bool
	}{
		{"", "close", false},
		{"close", "close", true},
		{"CLOSE", "close", true},
		{"keep-alive, Close", "close", true},
		{"keep-alive,close,x", "close", true},
		{"closed", "close", false},
		{"not close", "close", false},
		{`"close"`, "close", false},
		{`x="close, close", y`, "close", false},
		{"\u212aeep-alive", "keep-alive", false}, // the Kelvin sign is no ASCII letter
	}
	for _, tt := range tests {
		if got := HasToken(tt.list, tt.token); got != tt.want {
			t.Errorf("HasToken(%q, %q) = %v", tt.list, tt.token, got)
		}
	}
}

func TestEqualFold(t *testing.T) {
	tests := []struct {
		a, b string
		want bool
	}{
		{"", "", true}, {"a", "", false}, {"aZ", "Az", true}, {"a", "b", false},
		{"[", "{", false}, {"@", "`", false}, {"K", "\u212a", false}, {"\xe4", "\xc4", false},
	}
	for _, tt := range tests {
		if got := EqualFold(tt.a, tt.b); got != tt.want {
			t.Errorf("EqualFold(%q, %q) = %v", tt.a, tt.b, got)
		}
	}
}

func TestIsToken(t *testing.T) {
	if IsToken("") {
		t.Error("the empty string is no token")
	}
	const delimiters = "\"(),/:;<=>?@[\\]{}" // RFC 9110 §5.6.2
	for c := range 256 {
		want := c > ' ' && c < 0x7f && !strings.ContainsRune(delimiters, rune(c))
		for _, s := range []string{string([]byte{byte(c)}), string([]byte{'a', byte(c), 'b'})} {
			if IsToken(s) != want {
				t.Errorf("IsToken(%q) = %v", s, !want)
			}
		}
	}
}

func TestSplit(t *testing.T) {
	for in, want := range map[string][]string{
		"":             {""},
		"a":            {"a"},
		";":            {"", ""},
		"a; b ;":       {"a", " b ", ""},
		`a;"b;c";d`:    {"a", `"b;c"`, "d"},
		`"a\";b";c`:    {`"a\";b"`, "c"},
		`a\;b`:         {`a\`, "b"}, // an escape outside of quotes is none
		`a;"b;c`:       {"a", `"b;c`},
		"a;\"b;c\\":    {"a", `"b;c\`},
		`x"a;b"y;"";z`: {`x"a;b"y`, `""`, "z"},
	} {
		if got := Split(in, ';'); !slices.Equal(got, want) {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

// FuzzNextElement proves that a list is consumed, that no element is empty or
// has white space around it, and that the elements joined are the same list.
func FuzzNextElement(f *testing.F) {
	f.Add(`a, "b,c" ,,d`)
	f.Fuzz(func(t *testing.T, list string) {
		all := elements(list)
		for _, e := range all {
			if e == "" || e != strings.Trim(e, " \t") {
				t.Errorf("element %q of %q", e, list)
			}
		}
		// A quoted string without an end may end in white space that is trimmed
		// with it, so that only what is left of the last backslash is certain.
		if again := elements(strings.Join(all, ", ")); !slices.Equal(all, again) && !strings.Contains(list, `\`) {
			t.Errorf("elements of %q: %q, joined %q", list, all, again)
		}
	})
}
