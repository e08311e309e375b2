package diskstore

import (
	"io/fs"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
)

func TestByKey(t *testing.T) {
	a, b := strings.Repeat("a1", 32), strings.Repeat("b2", 32)
	body := ".00000000000000"
	files := fstest.MapFS{}
	for _, name := range []string{b + ".m", a + body + "02", "other", a + ".m", a + body + "01", a + ".x", b[:63] + ".m"} {
		files[name] = &fstest.MapFile{}
	}
	names, err := fs.ReadDir(files, ".")
	if err != nil {
		t.Fatal(err)
	}
	slices.Reverse(names)
	var got []string
	for k, of := range byKey(names) {
		line := []string{string("ab"[k[0]>>4-10])}
		for _, d := range of {
			line = append(line, d.Name()[64:])
		}
		got = append(got, strings.Join(line, " "))
	}
	if want := []string{"a " + body + "01 " + body + "02 .m", "b .m"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	for range byKey(names) {
		break
	}
	for range byKey(nil) {
		t.Error("a key of nothing")
	}
}
