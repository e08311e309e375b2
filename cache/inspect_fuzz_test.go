package cache

import "testing"

// FuzzRawKey: what is read as a key is written as it was, or in one way more.
func FuzzRawKey(f *testing.F) {
	for _, text := range []string{"http://e/a?b", `http://e/\x0a\xff`, `\`, `\x`, `\x5c`, `\x41`, "\n"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		key, ok := rawKey(text)
		if !ok {
			return
		}
		shown := printableKey(key)
		if again, ok := rawKey(shown); !ok || again != key {
			t.Errorf("%q is the key %q, which is shown as %q, which is the key %q", text, key, shown, again)
		}
		for i := range len(shown) {
			if shown[i] <= ' ' || shown[i] > '~' {
				t.Errorf("%q is shown as %q", key, shown)
			}
		}
	})
}
