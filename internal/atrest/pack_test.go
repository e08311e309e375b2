package atrest_test

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"

	"freshet/internal/atrest"
)

func ringOf(t *testing.T, names ...string) *atrest.Ring {
	t.Helper()
	text := ""
	for _, name := range names {
		text += fmt.Sprintf("%s %s\n", name, strings.Repeat(fmt.Sprintf("%02x", name[len(name)-1]), 32))
	}
	keys, err := atrest.ParseKeys([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return atrest.NewRing(func() *atrest.Keys { return keys })
}

// TestPack: with keys only what is sealed is taken, and without only what is not.
func TestPack(t *testing.T) {
	const what, text = "a thing", "plain text"
	var none *atrest.Ring
	one, other := ringOf(t, "k1"), ringOf(t, "k2")
	sealed := one.Pack([]byte(text), what)
	if !atrest.IsSealed(sealed) || bytes.Contains(sealed, []byte(text)) {
		t.Errorf("not sealed: %q", sealed)
	}
	if got := none.Pack([]byte(text), what); string(got) != text {
		t.Errorf("without keys: %q", got)
	}
	for _, c := range []struct {
		ring       *atrest.Ring
		file, what string
		fault      error
	}{
		{none, text, what, nil},
		{none, string(sealed), what, atrest.ErrSealed},
		{one, text, what, atrest.ErrPlain},
		{one, "", what, atrest.ErrPlain},
		{one, string(sealed), what, nil},
		{one, string(sealed), "another thing", atrest.ErrDamaged},
		{one, string(sealed[:len(sealed)-1]), what, atrest.ErrDamaged},
		{other, string(sealed), what, atrest.ErrNoKey},
	} {
		got, _, err := c.ring.Unpack([]byte(c.file), c.what)
		if !errors.Is(err, c.fault) || err == nil && string(got) != text {
			t.Errorf("%q as %s: %q, %v, not %v", c.file, c.what, got, err, c.fault)
		}
	}
}

// TestRepack goes from each way of being stored to each other one.
func TestRepack(t *testing.T) {
	const what, text = "a thing", "plain text"
	old, both, none := ringOf(t, "k1"), ringOf(t, "k2", "k1"), (*atrest.Ring)(nil)
	forms := map[string]struct {
		file   []byte
		change *atrest.Change
	}{
		"plain": {[]byte(text), &atrest.Change{Ring: both, Plain: true}},
		"k1":    {old.Pack([]byte(text), what), &atrest.Change{Ring: old}},
		"k2":    {both.Pack([]byte(text), what), &atrest.Change{Ring: both}},
	}
	for from, f := range forms {
		for to, way := range forms {
			if from == "k2" && to == "k1" {
				if _, _, err := way.change.Repack(f.file, what); !errors.Is(err, atrest.ErrNoKey) {
					t.Errorf("%s to %s: %v", from, to, err)
				}
				continue
			}
			next, done, err := way.change.Repack(f.file, what)
			if err != nil || done != (from == to) {
				t.Errorf("%s to %s: done %t, %v", from, to, done, err)
				continue
			}
			reader, name := both, to
			if to == "plain" {
				reader, name = none, ""
			}
			if got, key, err := reader.Unpack(next, what); err != nil || string(got) != text || key != name {
				t.Errorf("%s to %s: %q by %q, %v", from, to, got, key, err)
			}
		}
	}
	if _, _, err := forms["k2"].change.Repack(old.Pack([]byte(text), "another"), what); !errors.Is(err, atrest.ErrDamaged) {
		t.Errorf("of another thing: %v", err)
	}
}
