//go:build !nonats

package bus

import (
	"strings"
	"testing"
)

func TestNames(t *testing.T) {
	for _, name := range []string{"a", "Node-1_x", strings.Repeat("a", 64)} {
		if err := checkName("x", name); err != nil {
			t.Error(err)
		}
	}
	for _, name := range []string{"", "a.b", "a b", "*", ">", "é", "a\r\n", strings.Repeat("a", 65)} {
		if checkName("x", name) == nil {
			t.Errorf("%q is a name", name)
		}
	}
	for _, subject := range []string{"jobs", "jobs.claim", "a.b.c"} {
		if err := checkSubject(subject, false); err != nil {
			t.Error(err)
		}
	}
	for _, subject := range []string{"", ".", "a.", ".a", "a..b", "a.*", "a.>", ">", "a b", "a.b\r\nPING", strings.Repeat("a.", 200) + "a"} {
		if checkSubject(subject, false) == nil {
			t.Errorf("%q is a subject", subject)
		}
	}
	for subject, ok := range map[string]bool{"a.*.c": true, "a.>": true, ">": true, "a.>.b": false, "a*": false} {
		if (checkSubject(subject, true) == nil) != ok {
			t.Errorf("%q, with wildcards: %v", subject, !ok)
		}
	}
}

func FuzzKey(f *testing.F) {
	for _, key := range []string{"a", "=", "=3D", "a/b c", "\x00", "é"} {
		f.Add(key)
	}
	f.Fuzz(func(t *testing.T, key string) {
		token, err := escapeKey(key, maxKey)
		if err != nil {
			if key != "" && len(key) <= maxKey {
				t.Fatalf("%q: %v", key, err)
			}
			return
		}
		if strings.ContainsAny(token, ". *>\r\n\t") {
			t.Fatalf("%q: %q is no token", key, token)
		}
		if back, ok := unescapeKey(token); !ok || back != key {
			t.Fatalf("%q comes back from %q as %q", key, token, back)
		}
		_, _ = unescapeKey(key)
	})
}
