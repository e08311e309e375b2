package wire_test

import (
	"slices"
	"strings"
	"testing"

	"freshet/internal/alloctest"
	"freshet/internal/wire"
)

// TestReadings: what others may take a path for is among what is returned.
func TestReadings(t *testing.T) {
	for path, want := range map[string]string{
		"/admin%2Fsecret":     "admin/secret",
		"/admin%2fsecret":     "admin/secret",
		"/%61dmin%2Fsecret":   "admin/secret",
		"/admin%5Csecret":     "admin/secret",
		"/admin\\secret":      "admin/secret",
		"/x%2F..%2Fadmin":     "admin",
		"/x/..%5cadmin":       "admin",
		"/x/..;/admin":        "admin",
		"/x/..;a=b/admin":     "admin",
		"/x/%2e%2e%3b/admin":  "admin",
		"/admin;x/secret":     "admin/secret",
		"/admin;x%2Fy/secret": "admin/y/secret",
		"/admin%00/x":         "admin",
		"/admin//../secret":   "admin/secret",
		"/admin/../x":         "admin/../x",
		"/admin%2F%5C..%5Cx":  `admin/\..\x`, // by one who knows no backslash
		"/admin%zz%2Fx":       "admin%zz/x",
	} {
		if got := slices.Collect(wire.Readings(path)); !slices.Contains(got, want) {
			t.Errorf("%s: %q, without %q", path, got, want)
		}
		if wire.ReadAlike(path) {
			t.Errorf("%s: all are said to read it alike", path)
		}
	}
	for _, path := range []string{"/", "/a/b.css", "/a%20b/c", "/a/", "//a", "/a%zz", "/%c3%a4", "/a:b@c,d=e"} {
		if got := slices.Collect(wire.Readings(path)); len(got) > 0 {
			t.Errorf("%s: %q", path, got)
		}
	}
}

func TestReadAlikeAllocations(t *testing.T) {
	path := "/" + strings.Repeat("segment/", 8) + "x.css"
	if n := alloctest.PerRun(100, func() { wire.ReadAlike(path) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// FuzzReadings: what has no other readings is for RoutePath what it is for those
// who decode all of it; and nothing panics.
func FuzzReadings(f *testing.F) {
	f.Add("/a%2Fb/..;/c%5c//../%00")
	f.Fuzz(func(t *testing.T, path string) {
		n := 0
		for range wire.Readings(path) {
			n++
		}
		if wire.ReadAlike(path) && n > 0 {
			t.Errorf("%q: %d readings", path, n)
		}
	})
}
