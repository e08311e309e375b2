package static

import (
	"os"
	"testing"
)

// TestMountedBelow: a file on another file system than the folder's is not asked
// about as if it were on a local disk: that would hold up the whole server.
func TestMountedBelow(t *testing.T) {
	if _, err := os.Stat("/proc/version"); err != nil {
		t.Fatal(err)
	}
	tree := newFolder("/", false)
	f, err := tree.open("proc/version")
	must(t, err)
	defer f.Close()
	if f.local {
		t.Error("/proc/version is taken for a file on a local disk")
	}
	s := newSite(t, Options{}, map[string]string{"a.txt": "a"})
	root, ok := s.tree.(*folder)
	if !ok {
		t.Fatalf("%T", s.tree)
	}
	own, err := s.tree.open("a.txt")
	must(t, err)
	defer own.Close()
	if own.local != root.local {
		t.Errorf("local: folder %v, file %v", root.local, own.local)
	}
}
