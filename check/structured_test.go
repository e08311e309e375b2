package check

import (
	"fmt"
	"strings"
	"testing"

	"freshet/internal/field"
)

// showSF writes a value so that a test can compare it.
func showSF(m sfMember) string {
	var s string
	switch m.Kind {
	case field.Boolean:
		s = fmt.Sprint(m.Bool)
	case field.Integer:
		s = fmt.Sprint(m.Int)
	case field.Decimal:
		s = fmt.Sprintf("%d/1000", m.Int)
	case field.Date:
		s = fmt.Sprintf("@%d", m.Int)
	case field.String:
		s = fmt.Sprintf("%q", m.Text)
	case field.Bytes:
		s = fmt.Sprintf(":%x:", m.Text)
	case field.Display:
		s = fmt.Sprintf("%%%q", m.Text)
	case field.Token:
		s = m.Text
	case field.Inner:
		s = "(" + showMembers(m.List) + ")"
	}
	for _, p := range m.Params {
		s += ";" + showSF(p)
	}
	if m.Key != "" {
		s = m.Key + "=" + s
	}
	return s
}

func showMembers(members []sfMember) string {
	var all []string
	for _, m := range members {
		all = append(all, showSF(m))
	}
	return strings.Join(all, " ")
}

func showField(f sfField) string {
	if f.Fault != nil {
		return "! " + f.Fault.String()
	}
	s := showMembers(f.Members)
	for _, key := range f.Twice {
		s += " twice:" + key
	}
	return s
}

func TestStructured(t *testing.T) {
	const value = `a value (number, "string", token, :bytes:, ?0 or ?1, @date)`
	for _, c := range []struct {
		t        sfType
		in, want string // lines divided by |
	}{
		{sfItem, "", "! byte 1: the end where there should be " + value},
		{sfItem, "  7 ", "7"},
		{sfItem, "7, 8", "! byte 2: ',' where there should be the end"},
		{sfItem, `"a \"b\" \\";x;y=2.5;z=?0`, `"a \"b\" \\";x=true;y=2500/1000;z=false`},
		{sfItem, `'a'`, `! byte 1: '\'' where there should be ` + value},
		{sfItem, `"a`, `! byte 3: the end where there should be the closing quotation mark`},
		{sfItem, `"a\b"`, `! byte 4: 'b' where there should be \" or \\`},
		{sfItem, `"é"`, `! byte 2: 'é' where there should be printable ASCII within a string`},
		{sfItem, "\"\xff\"", `! byte 2: the byte 0xff where there should be printable ASCII within a string`},
		{sfItem, "?1", "true"},
		{sfItem, "?true", "! byte 2: 't' where there should be 0 or 1 behind the question mark"},
		{sfItem, "true", "true"}, // a token
		{sfItem, ":aGk=:", ":6869:"},
		{sfItem, ":aGk:", ":6869:"},
		{sfItem, ":aGkx:", ":686931:"},
		{sfItem, ":a:", "! byte 2: 'a' where there should be base64 of whole bytes"},
		{sfItem, ":a-b:", "! byte 3: '-' where there should be base64 or a closing colon"},
		{sfItem, "@1700000000", "@1700000000"},
		{sfItem, "@1.5", "! byte 2: '1' where there should be a whole number of seconds"},
		{sfItem, "@0.=0", "! byte 4: '=' where there should be a digit behind the point"},
		{sfList, "@0.=0", "! byte 4: '=' where there should be a digit behind the point"},
		{sfItem, "@now", "! byte 2: 'n' where there should be a digit"},
		{sfItem, `%"f%c3%bc"`, `%"fü"`},
		{sfItem, `%"%C3"`, `! byte 4: 'C' where there should be two hexadecimal digits in lower case behind the percent sign`},
		{sfItem, `%"%c3"`, `! byte 3: '%' where there should be UTF-8 in percent-coding`},
		{sfItem, `%a`, `! byte 2: 'a' where there should be a quotation mark behind the percent sign`},
		{sfItem, "-", "! byte 2: the end where there should be a digit"},
		{sfItem, "1234567890123456", "! byte 1: '1' where there should be a number of at most 15 digits"},
		{sfItem, "1234567890123.1", "! byte 1: '1' where there should be at most 12 digits before the point"},
		{sfItem, "1.2345", "! byte 6: '5' where there should be at most 3 digits behind the point"},
		{sfItem, "1.", "! byte 3: the end where there should be a digit behind the point"},
		{sfItem, "a;X", "! byte 3: 'X' where there should be the key of a parameter (lower-case letter or *)"},
		{sfItem, "a;x=1;x=2", "a;x=2 twice:x"},
		{sfItem, "?1|?1", "! byte 3: another line where there should be the end"},
		{sfList, "", ""},
		{sfList, "a, 1;q=0.5,\t(b;x c);y", "a 1;q=500/1000 (b;x=true c);y=true"},
		{sfList, "a|b", "a b"},
		{sfList, "()", "()"},
		{sfList, "( a  b )", "(a b)"},
		{sfList, "a,", "! byte 3: the end where there should be a member behind the comma"},
		{sfList, "a b", "! byte 3: 'b' where there should be a comma or the end"},
		{sfList, "a|b c|d", "! byte 3 of line 2: 'c' where there should be a comma or the end"},
		{sfList, "a|;b", "! byte 1 of line 2: ';' where there should be " + value},
		{sfList, "(a", "! byte 3: the end where there should be a space or a closing parenthesis"},
		{sfList, "(a, b)", "! byte 3: ',' where there should be a space or a closing parenthesis"},
		{sfDictionary, "a=1, b;x=1, c=(1 2), a=3", "a=3 b=true;x=1 c=(1 2) twice:a"},
		{sfDictionary, "Max-Age=1", "! byte 1: 'M' where there should be a key (lower-case letter or *)"},
		{sfDictionary, "a=", "! byte 3: the end where there should be " + value},
		{sfDictionary, "a = 1", "! byte 3: '=' where there should be a comma or the end"},
		{sfDictionary, "a=1; b=2", "a=1;b=2"}, // the semicolon makes it a parameter
		{sfList, strings.Repeat("a,", 1023) + "b", strings.Repeat("a ", 1023) + "b"},
		{sfList, strings.Repeat("a,", 1024) + "b", "! byte 2048: ',' where there should be the end, as there are 1024 members"},
		{sfList, "(" + strings.Repeat("a ", 1025) + ")",
			"! byte 2050: 'a' where there should be the end of the inner list, as it has 1024 members"},
	} {
		got := showField(parseSF(c.t, strings.Split(c.in, "|")))
		if got != c.want {
			t.Errorf("%v %.60q: %.200s\nwant %.200s", c.t, c.in, got, c.want)
		}
	}
}

// What the reader accepts is what the caches accept, and a fault lies within the
// lines.
func FuzzStructured(f *testing.F) {
	f.Fuzz(func(t *testing.T, in string) {
		lines := strings.Split(in, "\n")
		for _, kind := range []sfType{sfItem, sfList, sfDictionary} {
			got := parseSF(kind, lines)
			var ok bool
			switch kind {
			case sfItem:
				continue
			case sfList:
				_, ok = field.ParseList(lines)
			case sfDictionary:
				_, ok = field.ParseDictionary(lines)
			}
			if ok && got.Fault != nil && strings.HasPrefix(got.Fault.Want, "base64") {
				continue // the caches do not decode it
			}
			if ok != (got.Fault == nil) {
				t.Fatalf("%v %q: the caches say %v, and this %s", kind, in, ok, showField(got))
			}
			if at := got.Fault; at != nil && (at.Line < 1 || at.Line > len(lines) ||
				at.Column < 1 || at.Column > len(lines[at.Line-1])+1) {
				t.Fatalf("%v %q: a fault at %d:%d", kind, in, at.Line, at.Column)
			}
		}
	})
}
