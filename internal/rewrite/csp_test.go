package rewrite

import (
	"net/http"
	"strings"
	"testing"
)

func TestAllowSheet(t *testing.T) {
	s := sheet(t, "p{}")
	for _, tt := range []struct{ in, want string }{
		{"", ""},
		{"script-src 'self'", "script-src 'self'"},
		{"style-src 'self'", "style-src 'self' HASH"},
		{"script-src a;STYLE-SRC\tb ; img-src c", "script-src a;STYLE-SRC b HASH; img-src c"},
		{"style-src 'none'", "style-src HASH"},
		{"style-src", "style-src HASH"},
		{"style-src 'self' 'unsafe-inline'", "style-src 'self' 'unsafe-inline'"},
		{"style-src 'unsafe-inline' 'nonce-abc'", "style-src 'unsafe-inline' 'nonce-abc' HASH"},
		{"style-src 'UNSAFE-inline' 'Sha384-abc'", "style-src 'UNSAFE-inline' 'Sha384-abc' HASH"},
		{"default-src 'self'", "default-src 'self'; style-src 'self' HASH"},
		{"default-src 'none' ;", "default-src 'none'; style-src HASH"},
		{"default-src 'self' 'unsafe-inline'; object-src 'none'", "default-src 'self' 'unsafe-inline'; object-src 'none'"},
		{"default-src 'self' 'nonce-a'; style-src-attr 'none'", "default-src 'self' 'nonce-a'; style-src-attr 'none'; style-src 'self' 'nonce-a' HASH"},
		{"style-src-elem a; style-src 'unsafe-inline'; default-src b", "style-src-elem a HASH; style-src 'unsafe-inline'; default-src b"},
		{"style-src a; style-src b", "style-src a HASH; style-src b"},
		{"style-src HASH a", "style-src HASH a"},
		{"style-src a, default-src b", "style-src a HASH, default-src b; style-src b HASH"},
		{"default-src a,script-src b", "default-src a; style-src a HASH,script-src b"},
		{"upgrade-insecure-requests; sandbox", "upgrade-insecure-requests; sandbox"},
	} {
		in, want := strings.ReplaceAll(tt.in, "HASH", s.Source()), strings.ReplaceAll(tt.want, "HASH", s.Source())
		lines := []string{"img-src x", in}
		h := http.Header{"Content-Security-Policy": lines, "Content-Security-Policy-Report-Only": {"default-src 'none'"}}
		changed := AllowSheet(h, s)
		if got := h["Content-Security-Policy"]; got[0] != "img-src x" || got[1] != want || changed != (in != want) || lines[1] != in {
			t.Errorf("%q:\ngot  %q\nwant %q", in, got[1], want)
		}
		if h.Get("Content-Security-Policy-Report-Only") != "default-src 'none'" {
			t.Error("report-only")
		}
		for p := range strings.SplitSeq(h["Content-Security-Policy"][1], ",") {
			if _, ok := allows(p, s); !ok {
				t.Errorf("%q does not allow it", p)
			}
		}
		if AllowSheet(h, s) {
			t.Errorf("%q: changed twice", in)
		}
	}
}

func TestNonce(t *testing.T) {
	for policies, want := range map[string]string{
		"":                                  "",
		"style-src 'nonce-abc='":            "abc=",
		"default-src 'nonce-abc'":           "abc",
		"style-src a|style-src 'nonce-abc'": "",
		"style-src 'nonce-a', style-src 'nonce-b'":       "",
		"style-src 'nonce-a', style-src 'unsafe-inline'": "a",
		"style-src 'nonce-a', img-src b":                 "a",
		"style-src 'nonce-\"'":                           "",
	} {
		h := http.Header{"Content-Security-Policy": strings.Split(policies, "|")}
		if got := Nonce(h); got != want {
			t.Errorf("%q: %q, want %q", policies, got, want)
		}
	}
}

// Whatever a policy says, it says the rest of it afterwards, and once is enough.
func FuzzPolicy(f *testing.F) {
	for _, p := range []string{"default-src 'self'; style-src 'none'", "style-src 'unsafe-inline' 'nonce-a', default-src *", ";;,,", "STYLE-SRC-ELEM\f'none'"} {
		f.Add(p)
	}
	s := sheet(f, "p{}")
	f.Fuzz(func(t *testing.T, policy string) {
		h := http.Header{"Content-Security-Policy": {policy}}
		changed := AllowSheet(h, s)
		got := h.Get("Content-Security-Policy")
		if changed == (got == policy) || changed && !strings.Contains(got, s.Source()) {
			t.Fatalf("%v: %q became %q", changed, policy, got)
		}
		if AllowSheet(h, s) {
			t.Errorf("%q became %q, and that %q", policy, got, h.Get("Content-Security-Policy"))
		}
		if strings.Count(got, ",") != strings.Count(policy, ",") {
			t.Errorf("%q became %q", policy, got)
		}
	})
}
