package field

import (
	"fmt"
	"strings"
	"testing"
)

// show writes a value so that a test can compare it.
func show(v Structured) string {
	switch v.Kind {
	case Boolean:
		return fmt.Sprint(v.Bool)
	case Integer:
		return fmt.Sprint(v.Int)
	case Decimal:
		return fmt.Sprintf("%d/1000", v.Int)
	case Date:
		return fmt.Sprintf("@%d", v.Int)
	case String:
		return fmt.Sprintf("%q", v.Text)
	case Bytes:
		return ":" + v.Text + ":"
	case Display:
		return fmt.Sprintf("%%%q", v.Text)
	case Inner:
		var s []string
		for _, item := range v.List {
			s = append(s, show(item))
		}
		return "(" + strings.Join(s, " ") + ")"
	}
	return v.Text
}

func showDictionary(members []Member, ok bool) string {
	if !ok {
		return "malformed"
	}
	var s []string
	for _, m := range members {
		s = append(s, m.Key+"="+show(m.Structured))
	}
	return strings.Join(s, " ")
}

func TestParseDictionary(t *testing.T) {
	for in, want := range map[string]string{
		"":                                "",
		"  ":                              "",
		"a":                               "a=true",
		"a=1":                             "a=1",
		" a=1 ,\tb=-22 ":                  "a=1 b=-22",
		"a=1|b":                           "a=1 b=true", // two lines
		"a=1,b=2,a=3":                     "a=3 b=2",    // the last counts
		"*a_-.*9":                         "*a_-.*9=true",
		"a=1.5, b=-0.125, c=12.0":         "a=1500/1000 b=-125/1000 c=12000/1000",
		"a=123456789012345":               "a=123456789012345",
		"a=1234567890123456":              "malformed",
		"a=123456789012.123":              "a=123456789012123/1000",
		"a=1234567890123.1":               "malformed",
		"a=1.1234":                        "malformed",
		"a=1.":                            "malformed",
		"a=.1":                            "malformed",
		"a=-":                             "malformed",
		"a=+1":                            "malformed",
		"a=--1":                           "malformed",
		"a=003600":                        "a=3600",
		`a="x, \"y\" \\"`:                 `a="x, \"y\" \\"`,
		`a="x\y"`:                         "malformed",
		`a="x`:                            "malformed",
		`a="x\`:                           "malformed",
		"a=\"x\ty\"":                      "malformed",
		"a=tok/en:x*":                     "a=tok/en:x*",
		"a=*":                             "a=*",
		"a=?1, b=?0":                      "a=true b=false",
		"a=?2":                            "malformed",
		"a=?":                             "malformed",
		"a=:aGk=:":                        "a=:aGk=:",
		"a=:a-b:":                         "malformed",
		"a=:aGk=":                         "malformed",
		"a=@1659578233":                   "a=@1659578233",
		"a=@1.5":                          "malformed",
		"a=@x":                            "malformed",
		`a=%"f%c3%bc"`:                    `a=%"fü"`,
		`a=%"f%C3%BC"`:                    "malformed",
		`a=%"f%c3"`:                       "malformed",
		`a=%"f%c`:                         "malformed",
		`a=%"f`:                           "malformed",
		`a=%f`:                            "malformed",
		`a=("x" "y"), b=(), c=( 1  2 )`:   `a=("x" "y") b=() c=(1 2)`,
		`a=("x";p=1 y;q);r`:               `a=("x" y)`,
		`a=("x"`:                          "malformed",
		`a=("x""y")`:                      "malformed",
		"a=(1,2)":                         "malformed",
		"a=((1))":                         "malformed",
		"a;p;q=1; r=\"x\", b=2;*p=?0":     "a=true b=2",
		"a;P":                             "malformed",
		"a;p=":                            "malformed",
		"a ;p":                            "malformed",
		"a =1":                            "malformed",
		"a= 1":                            "malformed",
		"a=":                              "malformed",
		"a,":                              "malformed",
		",a":                              "malformed",
		"a,,b":                            "malformed",
		"a b":                             "malformed",
		"A":                               "malformed",
		"1":                               "malformed",
		"=1":                              "malformed",
		"\ta":                             "malformed",
		"a=ü":                             "malformed",
		"max-age=10000, &&&&&":            "malformed",
		"max-age=60|,private":             "malformed",
		"a=1;p=2;p=3, b=(a;x=1 b);y=:AA:": "a=1 b=(a b)",
	} {
		members, ok := ParseDictionary(strings.Split(in, "|"))
		if got := showDictionary(members, ok); got != want {
			t.Errorf("%q: %s, want %s", in, got, want)
		}
	}
	if members, ok := ParseDictionary(nil); len(members) != 0 || !ok {
		t.Errorf("no lines: %v, %v", members, ok)
	}
}

func TestParseList(t *testing.T) {
	for in, want := range map[string]string{
		"":                      "()",
		`"a", "b";x=1|tok`:      `("a" "b" tok)`,
		`("a" 1), ?0`:           `(("a" 1) false)`,
		`"a",`:                  "malformed",
		`"a" "b"`:               "malformed",
		`a, "`:                  "malformed",
		`%"x", @5, 1.5, :YQ==:`: `(%"x" @5 1500/1000 :YQ==:)`,
	} {
		values, ok := ParseList(strings.Split(in, "|"))
		got := show(Structured{Kind: Inner, List: values})
		if !ok {
			got = "malformed"
		}
		if got != want {
			t.Errorf("%q: %s, want %s", in, got, want)
		}
	}
}

// TestMaxMembers: as many members as the limit says, and not one more.
func TestMaxMembers(t *testing.T) {
	keys := make([]string, MaxMembers+1)
	for i := range keys {
		keys[i] = fmt.Sprintf("k%d", i)
	}
	for n, want := range map[int]bool{MaxMembers: true, MaxMembers + 1: false} {
		if _, ok := ParseDictionary(keys[:n]); ok != want {
			t.Errorf("a dictionary of %d members: %v", n, ok)
		}
		if _, ok := ParseList(keys[:n]); ok != want {
			t.Errorf("a list of %d members: %v", n, ok)
		}
		if _, ok := ParseList([]string{"(" + strings.Join(keys[:n], " ") + ")"}); ok != want {
			t.Errorf("an inner list of %d members: %v", n, ok)
		}
	}
}

func FuzzParseDictionary(f *testing.F) {
	for _, s := range []string{
		"max-age=60, private", `no-cache="a, b";x`, `params=("a" "b"), key-order`, "a=:aGk=:, b=@1, c=?0, d=-1.5", `e=%"f%c3%bc"`,
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		members, ok := ParseDictionary([]string{s})
		if !ok {
			return
		}
		// What is well-formed stays so beside another well-formed member, on a
		// line of its own, and means the same.
		if len(members) == MaxMembers || len(members) == 0 {
			return
		}
		again, ok := ParseDictionary([]string{s, "*zz-9"})
		if !ok || !strings.HasPrefix(showDictionary(again, ok), showDictionary(members, true)) && members[0].Key != "*zz-9" {
			for _, m := range members {
				if m.Key == "*zz-9" {
					return
				}
			}
			t.Errorf("%q: %v, with another member %v, %v", s, members, again, ok)
		}
		// The values are members of a list, too.
		if _, value, found := strings.Cut(s, "="); found && !strings.Contains(s, ",") && members[0].Kind != Boolean {
			if values, ok := ParseList([]string{value}); !ok || len(values) != 1 || show(values[0]) != show(members[0].Structured) {
				t.Errorf("%q: as a list %v, %v", value, values, ok)
			}
		}
	})
}
