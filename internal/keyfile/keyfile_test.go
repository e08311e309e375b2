package keyfile_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"freshet/internal/keyfile"
)

func TestParse(t *testing.T) {
	secret := bytes.Repeat([]byte{0xf8}, 32)
	key := keyfile.Key{Name: "a", Secret: secret}
	for _, c := range []struct {
		file, want string
		n          int
	}{
		{"", "", 0},
		{"\n  \n# none\n", "", 0},
		{key.String() + "\n", "", 1},
		{key.String() + "=\n\n#\n" + " b\t" + strings.Repeat("F8", 32), "", 2},
		{"a", "line 1: a line is a name and a secret", 0},
		{"\na b c", "line 2: a line is a name and a secret", 0},
		{"a =", "", 1},
		{"a #", "line 1: the secret is neither", 0},
		{"bad " + strings.Repeat("0", 64), "line 1: it is bad", 0},
	} {
		all, err := keyfile.Parse([]byte(c.file), func(k keyfile.Key) error {
			if k.Name == "bad" {
				return errors.New("it is bad")
			}
			return nil
		})
		if c.want == "" && (err != nil || len(all) != c.n) || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%q: %d keys, %v", c.file, len(all), err)
		}
		for _, k := range all {
			if len(k.Secret) > 0 && !bytes.Equal(k.Secret, secret) {
				t.Errorf("%q: another secret", c.file)
			}
		}
	}
}

func TestNames(t *testing.T) {
	for name, want := range map[string]bool{
		"": false, "a": true, "Key-2_b.c": true, "a b": false, "a/b": false, "é": false,
		strings.Repeat("a", keyfile.MaxName): true, strings.Repeat("a", keyfile.MaxName+1): false,
	} {
		if keyfile.ValidName(name) != want || (keyfile.CheckName(name) == nil) != want {
			t.Errorf("%q: not %v", name, want)
		}
	}
}
