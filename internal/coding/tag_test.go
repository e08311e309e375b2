package coding

import (
	"testing"

	"freshet/internal/field"
)

func TestTag(t *testing.T) {
	for _, tc := range []struct {
		identity string
		c        field.Coding
		want     string
	}{
		{`"abc"`, field.Identity, `"abc"`},
		{`"abc"`, field.Gzip, `"abc-gz"`},
		{`"abc"`, field.Brotli, `"abc-br"`},
		{`"abc"`, field.Zstd, `"abc-zst"`},
		{`""`, field.Gzip, `"-gz"`},
		{`"abc-gz"`, field.Identity, `"abc-gz-id"`},
		{`"abc-gz"`, field.Gzip, `"abc-gz-gz"`},
		{`"abc-id"`, field.Identity, `"abc-id-id"`},
		{`"-gz"`, field.Identity, `"-gz-id"`},
		{`W/"abc"`, field.Brotli, `W/"abc"`},
		{`W/"abc-br"`, field.Brotli, `W/"abc-br-id"`},
		{`W/"abc-br"`, field.Identity, `W/"abc-br-id"`},
		{``, field.Gzip, ``},
		{`"`, field.Gzip, `"`},
		{`abc`, field.Gzip, `abc`},
		{`W/`, field.Gzip, `W/`},
	} {
		if got := Tag(tc.identity, tc.c); got != tc.want {
			t.Errorf("Tag(%s, %v) = %s, want %s", tc.identity, tc.c, got, tc.want)
		}
	}
}

func TestBaseOfWeakened(t *testing.T) {
	if id, c := Base(`W/"abc-gz"`); id != `W/"abc"` || c != field.Gzip {
		t.Errorf("%s, %v", id, c)
	}
}

// No two representations and codings share a tag, and each leads back to what
// it was made of.
func TestTagsAreDistinct(t *testing.T) {
	all := append([]field.Coding{field.Identity}, codings...)
	seen := map[string]string{}
	tags := []string{""}
	for range 3 { // every run of up to three of these pieces
		for _, head := range tags {
			for _, piece := range []string{"a", "-gz", "-br", "-zst", "-id"} {
				tags = append(tags, head+piece)
			}
		}
	}
	done := map[string]bool{}
	for _, opaque := range tags {
		if done[opaque] {
			continue
		}
		done[opaque] = true
		identity := `"` + opaque + `"`
		for _, c := range all {
			tag := Tag(identity, c)
			from := identity + " " + c.String()
			if other, ok := seen[tag]; ok {
				t.Errorf("%s and %s share %s", other, from, tag)
			}
			seen[tag] = from
			if id, back := Base(tag); id != identity || back != c {
				t.Errorf("Base(%s) = %s %v, want %s", tag, id, back, from)
			}
		}
	}
}

func FuzzTag(f *testing.F) {
	f.Add(`"abc"`, uint8(1))
	f.Add(`W/"abc-gz"`, uint8(0))
	f.Add(`"-id`, uint8(3))
	f.Fuzz(func(t *testing.T, tag string, kind uint8) {
		c := field.Coding(kind % field.NumCodings)
		id, back := Base(Tag(tag, c))
		if _, weak, ok := cutTag(tag); !ok || weak {
			c = field.Identity
		}
		if id != tag || back != c {
			t.Errorf("%q of %v came back as %q of %v", tag, c, id, back)
		}
	})
}
