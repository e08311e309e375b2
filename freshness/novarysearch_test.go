package freshness

import (
	"net/url"
	"slices"
	"strings"
	"testing"
)

func TestParseNoVarySearch(t *testing.T) {
	for _, s := range []string{
		"", "unknown-key", `key-order="not a boolean"`, `params="not a boolean or inner list"`, "params=(not-a-string)",
		`params=("a"), except=("x")`, "params=(), except=()", `params=?0, except=("x")`, "params, except=(not-a-string)",
		`params, except="not an inner list"`, "params, except=?1", `except=("x")`, "except=()",
		"params=?0", "params=()", "key-order=?0", "key-order, ", "key-order, params=5", `params=("a"), key-order=1`,
	} {
		if n := ParseNoVarySearch([]string{s}); !n.IsDefault() {
			t.Errorf("%s: %+v", s, n)
		}
	}
	for _, s := range []string{
		"params", `params=("a")`, `params, except=("x")`, "params=?1", "key-order=?1", `params, key-order, except=("x")`,
		`except=("x"), params`, "params, except=()", "key-order, other=5", `params=("a"), params=("b")`,
	} {
		if n := ParseNoVarySearch([]string{s}); n.IsDefault() {
			t.Errorf("%s is as none", s)
		}
	}
	if n := ParseNoVarySearch(nil); !n.IsDefault() {
		t.Error("no field")
	}
}

func TestNoVarySearchKey(t *testing.T) {
	for _, tt := range []struct {
		field, a, b string
		same        bool
	}{
		{"", "a=1", "a=1", true},
		{"", "a=1", "%61=1", false},
		{"", "", "a", false},

		{"key-order", "", "&&", true},
		{"key-order", "a=x", "%61=%78", true},
		{"key-order", "a=é", "a=%C3%A9", true},
		{"key-order", "a=x&&&&", "a=x", true},
		{"key-order", "a=", "a", true},
		{"key-order", "a=%20", "a=+", true},
		{"key-order", "a= &", "a=+", true},
		{"key-order", "a=1&b=2", "b=2&a=1", true},
		{"key-order", "a=1&a=2", "a=2&a=1", false},
		{"key-order", "a=1&b=2&a=3", "a=1&a=3&b=2", true},
		{"key-order", "a=1", "a=2", false},
		{"key-order", "a=1&b=2", "a=1", false},
		{"key-order", "a=b=c", "a=b%3dc", true},
		{"key-order", "a=b&c", "a=b%26c", false},
		{"key-order", "a=%zz", "a=%25zz", true},
		{"key-order", "a=%2", "a=%252", true},
		{"key-order", "a=1%26b=2", "a=1&b=2", false},

		{`params=("x" "y")`, "a=1&x=2", "y=5&a=1", true},
		{`params=("x" "y")`, "a=1&x=2", "a=1&z=2", false},
		{`params=("x")`, "a=1&b=2", "b=2&a=1", false},
		{`params=("x")`, "X=1", "X=2", false},
		{`params=("x")`, "%78=1&a", "a=", true},
		{`params=("%C3%A9+%E6%B0%97")`, "é 気=1", "%C3%A9%20%E6%B0%97=4", true},
		{`params=("%C3%A9+%E6%B0%97")`, "é+気=1", "", true},

		{"params", "a=1", "b=2&c", true},
		{`params, except=("id")`, "id=1&x=2", "y=3&id=1", true},
		{`params, except=("id")`, "id=1", "id=2", false},
		{`params, except=("a" "b")`, "a=1&b=2", "b=2&a=1", false},
		{`params, except=("a" "b"), key-order`, "a=1&b=2", "b=2&x&a=1", true},
	} {
		n := ParseNoVarySearch([]string{tt.field})
		a, b := string(n.AppendKey(nil, tt.a)), string(n.AppendKey(nil, tt.b))
		if (a == b) != tt.same {
			t.Errorf("%s: %q gives %q, %q gives %q", tt.field, tt.a, a, tt.b, b)
		}
	}
}

// FuzzNoVarySearch compares with net/url, and checks that a key is its own key.
func FuzzNoVarySearch(f *testing.F) {
	for _, s := range []string{"key-order", "params", `params=("a" "%C3%A9")`, `params, except=("id"), key-order`, "params=("} {
		f.Add(s, "a=1&b=%20+&id&&c=%zz")
	}
	f.Fuzz(func(t *testing.T, value, query string) {
		n := ParseNoVarySearch([]string{value})
		key := string(n.AppendKey(nil, query))
		if again := string(n.AppendKey(nil, key)); again != key {
			t.Errorf("%s: %q gives %q, that %q", value, query, key, again)
		}
		if n.IsDefault() {
			return
		}
		got, err := url.ParseQuery(key)
		if err != nil {
			t.Fatalf("%s: %q gives %q: %v", value, query, key, err)
		}
		want, err := url.ParseQuery(query)
		if err != nil {
			return // net/url is stricter
		}
		for name := range want {
			if !n.counts(name) {
				delete(want, name)
			}
		}
		for name, values := range want {
			if !slices.Equal(got[name], values) {
				t.Errorf("%s: %q gives %q: %s is %q, want %q", value, query, key, name, got[name], values)
			}
		}
		if len(got) != len(want) {
			t.Errorf("%s: %q gives %q", value, query, key)
		}
		if n.anyOrder && strings.Count(query, "&") == 1 {
			a, b, _ := strings.Cut(query, "&")
			an, _, _ := strings.Cut(a, "=")
			bn, _, _ := strings.Cut(b, "=")
			if string(appendDecoded(nil, an)) != string(appendDecoded(nil, bn)) {
				if other := string(n.AppendKey(nil, b+"&"+a)); other != key {
					t.Errorf("%s: %q gives %q, in the other order %q", value, query, key, other)
				}
			}
		}
	})
}
