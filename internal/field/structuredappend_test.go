package field

import (
	"encoding/base64"
	"fmt"
	"reflect"
	"strings"
	"testing"
)

func writeMembers(members []Member, ok bool) string {
	if !ok {
		return "malformed"
	}
	b, ok := AppendMembers(nil, members)
	if !ok {
		return "not base64"
	}
	return string(b)
}

func TestAppendMembers(t *testing.T) {
	for in, want := range map[string]string{
		"":                                   "",
		" a=1 ,\tb=-22 ":                     "a=1, b=-22",
		"a=?1, b=?0, c;x=?1;y=?0":            "a, b=?0, c;x;y=?0",
		"a=1, a=2":                           "a=1, a=2", // both are told
		"a=1;p=1;q;p=3":                      "a=1;p=3;q",
		"a=003600, b=-0":                     "a=3600, b=0",
		"a=1.50, b=-0.125, c=12.000, d=1.05": "a=1.5, b=-0.125, c=12.0, d=1.05",
		`a="x \" \\";p="y"`:                  `a="x \" \\";p="y"`,
		"a=tok/en:x*":                        "a=tok/en:x*",
		"a=:aGk:, b=:aGk=:, c=::, d=:aGk==:": "a=:aGk=:, b=:aGk=:, c=::, d=:aGk=:",
		"a=:a:":                              "not base64",
		"a;x=:a:":                            "not base64",
		"a=(1 :a:)":                          "not base64",
		"a=@1659578233":                      "a=@1659578233",
		`a=%"f%c3%bc %25%22"`:                `a=%"f%c3%bc %25%22"`,
		`a=( "x";p=1   y;q=?1 );r, b=()`:     `a=("x";p=1 y;q);r, b=()`,
		"a=(1|2)":                            "malformed",
		"a|b;x=1":                            "a, b;x=1",
		"a;P":                                "malformed",
		"é":                                  "malformed",
	} {
		if got := writeMembers(ParseMembers(strings.Split(in, "|"))); got != want {
			t.Errorf("%q: %s, want %s", in, got, want)
		}
	}
}

func TestParseValues(t *testing.T) {
	for in, want := range map[string]string{
		`"a";x=1,  (b;y  2 );z`: `"a";x=1 (b;y 2);z`,
		`1.0|tok;a=?1`:          `1.0 tok;a`,
		`"a" "b"`:               "malformed",
	} {
		got := "malformed"
		if values, ok := ParseValues(strings.Split(in, "|")); ok {
			var b []byte
			for i := range values {
				if i > 0 {
					b = append(b, ' ')
				}
				b, _ = AppendStructured(b, &values[i])
			}
			got = string(b)
		}
		if got != want {
			t.Errorf("%q: %s, want %s", in, got, want)
		}
	}
}

// TestMaxParameters: as many parameters as the limit says, and not one more.
func TestMaxParameters(t *testing.T) {
	var b strings.Builder
	b.WriteByte('a')
	for i := range MaxParameters {
		fmt.Fprintf(&b, ";p%d", i)
	}
	if members, ok := ParseMembers([]string{b.String()}); !ok || len(members[0].Params) != MaxParameters {
		t.Errorf("%d parameters: %v", MaxParameters, ok)
	}
	b.WriteString(";q")
	if _, ok := ParseMembers([]string{b.String()}); ok {
		t.Errorf("%d parameters are kept", MaxParameters+1)
	}
	if _, ok := ParseDictionary([]string{b.String()}); !ok {
		t.Error("a dictionary whose parameters are dropped is refused for them")
	}
}

// FuzzParseMembers: what is written reads as what it was made of, and so does a
// dictionary without parameters that stands for it.
func FuzzParseMembers(f *testing.F) {
	for _, s := range []string{
		`sig1=("@method" "content-digest";req;key="a");created=1618884473;keyid="x"`, "a=:aGk:, b=@1, c=?0, d=-1.05", `e=%"f%c3%bc", e;q=*`,
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		members, ok := ParseMembers([]string{s})
		if _, plain := ParseDictionary([]string{s}); ok && !plain {
			t.Fatalf("%q: ParseDictionary refuses it", s)
		}
		if !ok {
			return
		}
		written, ok := AppendMembers(nil, members)
		if !ok {
			return
		}
		again, ok := ParseMembers([]string{string(written)})
		if !ok {
			t.Fatalf("%q: written as %q, which is malformed", s, written)
		}
		twice, ok := AppendMembers(nil, again)
		if !ok || string(twice) != string(written) {
			t.Fatalf("%q: %q, and then %q", s, written, twice)
		}
		if !strings.Contains(s, ":") && !reflect.DeepEqual(members, again) {
			t.Fatalf("%q: %v became %v", s, members, again)
		}
	})
}

// FuzzDecoded: bytes are decoded as the standard library does it, but for line
// breaks, which it skips.
func FuzzDecoded(f *testing.F) {
	for _, s := range []string{"", "=", "A", "AA", "AAA=", "AAAA", "AAAAAAA", "AAAAAAAA", "//////////+/", "AAAAAAAA-AAA", "AAAA\nAAAA", "AA==AA", "AAAA====", "\xffAAA"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		want, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(s, "="))
		right := err == nil && !strings.ContainsAny(s, "\r\n")
		got, ok := AppendDecoded([]byte("before"), s)
		if ok != right || ok && string(got) != "before"+string(want) || !ok && string(got) != "before" {
			t.Fatalf("%q: %x, %v; want %x, %v", s, got, ok, want, right)
		}
	})
}
