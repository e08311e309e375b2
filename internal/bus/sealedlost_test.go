//go:build !nonats

package bus

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"freshet/internal/atrest"
)

// TestSealFolderLost has what a folder goes by be missing, as after a copy that was
// not put back whole: nobody opens it, and nobody removes the streams that are there.
func TestSealFolderLost(t *testing.T) {
	ring := sealRing(t, "k1")
	sealed, plain, before := t.TempDir(), t.TempDir(), ""
	for dir, ring := range map[string]*atrest.Ring{sealed: ring, plain: nil} {
		s := startSealed(t, dir, ring)
		fill(t, s)
		before = told(t, s)
		closed(t, s)
	}
	m, _, err := readMarker(sealed, ring)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name  string
		leave func(dir string) error // what is lost
		back  func(dir string) error // what a copy has
	}{
		{"the marker", func(dir string) error {
			return os.Remove(filepath.Join(dir, markerFile))
		}, func(dir string) error {
			return m.write(dir, ring)
		}},
		{"the marker is an older one", func(dir string) error {
			return newMarker(ring).write(dir, ring)
		}, func(dir string) error {
			return m.write(dir, ring)
		}},
		{"streams, and there are others that are not sealed", func(dir string) error {
			if err := os.Rename(m.folder(dir), filepath.Join(dir, "away")); err != nil {
				return err
			}
			return os.CopyFS(filepath.Join(dir, "jetstream"), os.DirFS(filepath.Join(plain, "jetstream")))
		}, func(dir string) error {
			return errors.Join(os.RemoveAll(filepath.Join(dir, "jetstream")), os.Rename(filepath.Join(dir, "away"), m.folder(dir)))
		}},
	} {
		dir := t.TempDir()
		if err := os.CopyFS(dir, os.DirFS(sealed)); err != nil {
			t.Fatal(err)
		}
		if err := c.leave(dir); err != nil {
			t.Fatal(err)
		}
		for range 2 { // the first changes nothing
			if _, err := os.Stat(filepath.Join(dir, markerFile)); err != nil {
				refused(t, dir, nil, errOthers)
			} else {
				refused(t, dir, nil, atrest.ErrSealed)
			}
			refused(t, dir, ring, errOthers)
			for _, plain := range []bool{false, true} {
				change := &atrest.Change{Ring: ring, Plain: plain}
				if _, err := NeedsSeal(dir, change); !errors.Is(err, errOthers) {
					t.Errorf("%s: NeedsSeal to plain %t: %v", c.name, plain, err)
				}
				if err := SealFolder(limited(t), dir, change, nil); !errors.Is(err, errOthers) {
					t.Errorf("%s: SealFolder to plain %t: %v", c.name, plain, err)
				}
			}
		}
		if err := c.back(dir); err != nil {
			t.Fatal(err)
		}
		s := startSealed(t, dir, ring)
		if now := told(t, s); now != before {
			t.Errorf("%s: afterwards there are %d bytes of %d", c.name, len(now), len(before))
		}
		closed(t, s)
	}
}

// TestSealedUnfinishedFiles: what was being written when a server was killed, and is
// plain, stays neither in a folder that is rewritten nor in one that is started with a key.
func TestSealedUnfinishedFiles(t *testing.T) {
	dir, ring := t.TempDir(), sealRing(t, "k1")
	change := &atrest.Change{Ring: ring}
	left := filepath.Join(dir, ".new-123")
	for _, remove := range []func(){
		func() { closed(t, startSealed(t, dir, ring)) },
		func() {
			if what, err := NeedsSeal(dir, change); what != "unfinished" || err != nil {
				t.Errorf("it needs %q, %v", what, err)
			}
			if err := SealFolder(limited(t), dir, change, nil); err != nil {
				t.Error(err)
			}
		},
	} {
		if err := os.WriteFile(left, []byte("PRIVATE KEY"), 0o600); err != nil {
			t.Fatal(err)
		}
		remove()
		if f := found(t, dir); f != nil {
			t.Errorf("%v", f)
		}
		if what, err := NeedsSeal(dir, change); what != "" || err != nil {
			t.Errorf("afterwards it needs %q, %v", what, err)
		}
	}
}
