package wire

import (
	"net/textproto"
	"strings"
	"testing"

	"freshet/internal/rule"
)

func TestKnownNamesApart(t *testing.T) {
	for k := None + 1; k < numKnown; k++ {
		name := k.String()
		if name == "" {
			t.Fatalf("field %d has no name", k)
		}
		for _, s := range []string{name, strings.ToLower(name), strings.ToUpper(name)} {
			if got := LookupKnown(s); got != k {
				t.Errorf("LookupKnown(%q) = %v", s, got)
			}
		}
		if want := textproto.CanonicalMIMEHeaderKey(name); want != name {
			t.Errorf("%q is not canonical: %q", name, want)
		}
		// One octet off is another field, also one that differs in the bit that
		// letters differ by in case.
		for i := range len(name) {
			for _, bit := range []byte{0x20, 0x01, 0x80} {
				b := []byte(name)
				b[i] ^= bit
				if s := string(b); !strings.EqualFold(s, name) && LookupKnown(s) == k {
					t.Errorf("LookupKnown(%q) = %v", s, k)
				}
			}
		}
	}
	for _, s := range []string{"", "A", "Hos", "Hostt", "X-Host", "Content-Lengths", "Content_Length"} {
		if k := LookupKnown(s); k != None {
			t.Errorf("LookupKnown(%q) = %v", s, k)
		}
	}
}

func TestCanonicalName(t *testing.T) {
	for _, s := range []string{
		"", "a", "A", "-", "--a--b", "content-type", "CONTENT-TYPE", "Content-Type", "x-foo", "X-FOO", "X-Foo", "x_foo-bar",
		"etag", "ETag", "te", "www-authenticate", "X-Rate.Limit", "a b", "a\x00", "é", "x-é", "~1a-2b", "sec-ch-ua",
	} {
		if got, want := CanonicalName(s), textproto.CanonicalMIMEHeaderKey(s); got != want {
			t.Errorf("CanonicalName(%q) = %q, want %q", s, got, want)
		}
	}
}

func TestValidNamesAndValues(t *testing.T) {
	for s, want := range map[string]bool{
		"": false, "A": true, "x-y_z": true, "a b": false, "a:": false, "é": false, "a\x00": false, "!#$%&'*+-.^_`|~": true,
	} {
		if ValidFieldName(s) != want || ValidMethod(s) != want {
			t.Errorf("name %q: %v", s, !want)
		}
	}
	if ValidMethod(strings.Repeat("A", 65)) || !ValidMethod(strings.Repeat("A", 64)) {
		t.Error("the bound on methods is not 64")
	}
	for s, want := range map[string]bool{
		"": true, "a": true, "a b\tc": true, " a": false, "a ": false, "\ta": false, "\xff": true,
		"a\nb": false, "a\rb": false, "\x00": false, "12345678\x7f": false, "1234567\x7f": false, "1234567\t9": true,
	} {
		if ValidFieldValue(s) != want {
			t.Errorf("value %q: %v", s, !want)
		}
	}
}

func TestLikeName(t *testing.T) {
	for _, c := range []struct {
		name, want string
		like       bool
	}{
		{"X-Real-Ip", "x-real-ip", true}, {"x_REAL-ip", "x-real-ip", true}, {"x__real", "x--real", true},
		{"X-Real-I", "x-real-ip", false}, {"X-Real-Ipp", "x-real-ip", false}, {"X Real-Ip", "x-real-ip", false},
		{"X\rReal-Ip", "x-real-ip", false}, {"Xreal-Ip-", "x-real-ip", false}, {"", "", true},
		{"\x7f", "_", false}, {"@", "`", false}, {"[", "{", false},
	} {
		if got := LikeName(c.name, c.want); got != c.like {
			t.Errorf("LikeName(%q, %q) = %v", c.name, c.want, got)
		}
	}
}

func TestIdempotent(t *testing.T) {
	for _, m := range []string{"GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE"} {
		if !Idempotent(m) {
			t.Errorf("%s is not", m)
		}
	}
	for _, m := range []string{"", "get", "POST", "PATCH", "CONNECT", "PURGE", "GETT"} {
		if Idempotent(m) {
			t.Errorf("%q is", m)
		}
	}
}

func TestCheckFields(t *testing.T) {
	for _, c := range []struct {
		fields map[string][]string
		want   rule.ID
	}{
		{nil, 0},
		{map[string][]string{"A": nil, "b": {"", "c d"}}, 0},
		{map[string][]string{"A": {"b"}, "a b": {"c"}}, rule.BadFieldName},
		{map[string][]string{"": nil}, rule.BadFieldName},
		{map[string][]string{"A": {"b", "c\r\nd: e"}}, rule.BadFieldValue},
		{map[string][]string{"A": {" b"}}, rule.BadFieldValue},
	} {
		if got := CheckFields(c.fields); got != c.want {
			t.Errorf("CheckFields(%q) = %d, want %d", c.fields, got, c.want)
		}
	}
}

// Each octet at each place of the words that scanValue takes at a time.
func TestScanValue(t *testing.T) {
	for c := range 256 {
		for at := range 20 {
			b := []byte(strings.Repeat("\xff \t~", 5))
			b[at] = byte(c)
			want := len(b)
			if c < 0x20 && c != '\t' || c == 0x7f {
				want = at
			}
			if got := scanValue(b, 0); got != want {
				t.Fatalf("octet %#x at %d: %d, want %d", c, at, got, want)
			}
		}
	}
}
