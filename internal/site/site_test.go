package site

import (
	"testing"

	"golang.org/x/net/publicsuffix"

	"freshet/internal/alloctest"
)

func TestOf(t *testing.T) {
	for host, want := range map[string]string{
		"www.example.co.uk":     "example.co.uk",
		"example.com":           "example.com",
		"co.uk":                 "co.uk",
		"a.b.github.io":         "b.github.io",
		"github.io":             "github.io",
		"localhost":             "localhost",
		"x.y.unheard-of":        "y.unheard-of",
		"xn--bcher-kva.example": "xn--bcher-kva.example",
		"127.0.0.1":             "127.0.0.1",
		"a.b.7":                 "a.b.7",
		"::1":                   "::1",
		"[::1]":                 "[::1]",
		"":                      "",
		".":                     ".",
	} {
		got := Of(host)
		if got != want {
			t.Errorf("%q: %q, want %q", host, got, want)
		}
		if one, err := publicsuffix.EffectiveTLDPlusOne(host); err == nil && !IsAddress(host) && one != got {
			t.Errorf("%q: %q, but %q says the list's package", host, got, one)
		}
	}
}

func TestSame(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want bool
	}{
		{"a.example.com", "b.example.com", true},
		{"example.com", "www.example.com", true},
		{"a.co.uk", "b.co.uk", false},
		{"x.a.co.uk", "a.co.uk", true},
		{"a.github.io", "github.io", false},
		{"a.github.io", "b.github.io", false},
		{"127.0.0.1", "127.0.0.1", true},
		{"127.0.0.1", "126.0.0.1", false},
		{"localhost", "localhost", true},
		{"a.localhost", "localhost", false},
		{"", "", true},
		{"", "example.com", false},
	} {
		if got := Same(c.a, c.b); got != c.want {
			t.Errorf("%q, %q: %v", c.a, c.b, got)
		}
		if got := Same(c.b, c.a); got != c.want {
			t.Errorf("%q, %q: %v", c.b, c.a, got)
		}
		if got := Of(c.a) == Of(c.b); got != c.want {
			t.Errorf("%q, %q: their sites say %v", c.a, c.b, got)
		}
	}
	if n := alloctest.PerRun(100, func() { Same("www.example.com", "ads.example.net") }); n != 0 {
		t.Errorf("hosts that have nothing in common: %v allocations", n)
	}
}

func TestIsAddress(t *testing.T) {
	for host, want := range map[string]bool{
		"": true, "127.0.0.1": true, "1": true, "a.1": true, "::1": true, "[::1]": true,
		"example.com": false, "1.example": false, "example.1a": false, "example.": false, "0x7f.1x": false,
	} {
		if got := IsAddress(host); got != want {
			t.Errorf("%q: %v", host, got)
		}
	}
}

func TestIsPublic(t *testing.T) {
	for domain, want := range map[string]bool{
		"com": true, "co.uk": true, "github.io": true,
		"example.com": false, "localhost": false, "unheard-of": false, "a.unheard-of": false,
	} {
		if got := IsPublic(domain); got != want {
			t.Errorf("%q: %v", domain, got)
		}
	}
}

func TestWithoutSuffix(t *testing.T) {
	for host, want := range map[string][2]string{
		"www.example.co.uk": {"www.example", "www.example"},
		"co.uk":             {"", ""},
		"a.github.io":       {"a.github", "a"},
		"github.io":         {"github", ""},
		"localhost":         {"", ""},
		"127.0.0.1":         {"", ""},
		"[::1]":             {"", ""},
	} {
		if registry, provider := WithoutSuffix(host); registry != want[0] || provider != want[1] {
			t.Errorf("%q: %q, %q, want %q", host, registry, provider, want)
		}
	}
}
