package wire

import (
	"strings"
	"testing"
)

func TestDecodePath(t *testing.T) {
	for _, c := range []struct {
		raw   string
		name  string
		dir   bool
		fault PathFault
	}{
		{"", "", true, 0},
		{"/", "", true, 0},
		{"/a/b.css", "a/b.css", false, 0},
		{"/a/", "a", true, 0},
		{"/a//./b/../c", "a/c", false, 0},
		{"/a/%2e%2E/b%20c", "b c", false, 0},
		{"/a/..", "", true, 0},
		{"/..", "", false, PathOutside},
		{"/%2e%2e/b", "", false, PathOutside},
		{"/a%2fb", "", false, PathBroken},
		{`/a\b`, "", false, PathBroken},
		{"/a%00", "", false, PathBroken},
		{"/a%4", "", false, PathBroken},
		{"/a%zz", "", false, PathBroken},
	} {
		if name, dir, fault := DecodePath(c.raw); name != c.name || dir != c.dir || fault != c.fault {
			t.Errorf("DecodePath(%q) = %q, %v, %v", c.raw, name, dir, fault)
		}
	}
}

func TestRoutePath(t *testing.T) {
	for _, c := range []struct {
		raw  string
		name string
		dir  bool
	}{
		{"/a/%2e%2e/b", "b", false},
		{"/../../b/", "b", true},
		{"/@scope%2Fname/x", "@scope%2Fname/x", false},
		{"/a/..%2fb", "a/..%2fb", false},
		{"/a%zz/%62", "a%zz/b", false},
		{"/a%00", "a%00", false},
	} {
		if name, dir := RoutePath(c.raw); name != c.name || dir != c.dir {
			t.Errorf("RoutePath(%q) = %q, %v", c.raw, name, dir)
		}
	}
}

func TestEncodedPath(t *testing.T) {
	for _, c := range []struct {
		raw  string
		path string
		dir  bool
	}{
		{"/", "", true},
		{"/a/b.css", "a/b.css", false},
		{"/a//./b%20c/%2e%2e/d%c3%a9/", "a/d%C3%A9", true},
		{"/@scope%2fname/x", "@scope%2Fname/x", false},
		{"/@scope%252fname/x", "@scope%252fname/x", false},
		{"/../%5cevil/..%2fb", "%5Cevil/..%2Fb", false},
		{"/a%zz/%62", "a%25zz/b", false},
		{"/a%00%0d%0a", "a%00%0D%0A", false},
	} {
		if path, dir := EncodedPath(c.raw); path != c.path || dir != c.dir {
			t.Errorf("EncodedPath(%q) = %q, %v", c.raw, path, dir)
		}
	}
}

// A path that is sound leads to the same place for both; what RoutePath gives
// has no empty and no dot segment.
func FuzzRoutePath(f *testing.F) {
	f.Fuzz(func(t *testing.T, raw string) {
		name, dir := RoutePath(raw)
		for segment := range strings.SplitSeq(name, "/") {
			if segment == "" && name != "" || segment == "." || segment == ".." {
				t.Fatalf("%q: segment %q", raw, segment)
			}
		}
		if n, d, fault := DecodePath(raw); fault == PathSound && (n != name || d != dir) {
			t.Fatalf("%q: %q, %v and %q, %v", raw, name, dir, n, d)
		}
	})
}
