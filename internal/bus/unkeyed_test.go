//go:build !nonats

package bus

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

// TestKilledBeforeKey has, in each stream, a further block that is empty and has no
// key: NATS makes the one before the other, and a process may be killed between the two.
// NATS would remove the whole stream.
func TestKilledBeforeKey(t *testing.T) {
	dir, ring := t.TempDir(), sealRing(t, "k1")
	s := startSealed(t, dir, ring)
	c := connect(t, s, "a")
	l := openLog(t, c, "jobs")
	mustAppend(t, l, 0, "one")
	if err := l.PutPage(limited(t), "p", []byte("page")); err != nil {
		t.Fatal(err)
	}
	o, err := c.Objects(limited(t), "files", ObjectsOptions{})
	if err != nil {
		t.Fatal(err)
	}
	mustPutObject(t, o, "o", blob(chunkSize+1, 1))
	closed(t, s)
	streams, err := filepath.Glob(filepath.Join(dir, storePrefix+"*/jetstream/*/streams/*/msgs"))
	if err != nil || len(streams) != 4 {
		t.Fatal(streams, err)
	}
	for _, msgs := range streams {
		blocks, err := filepath.Glob(filepath.Join(msgs, "*.blk"))
		if err != nil || len(blocks) == 0 {
			t.Fatal(blocks, err)
		}
		if err := os.WriteFile(filepath.Join(msgs, fmt.Sprint(len(blocks)+1, ".blk")), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for range 2 {
		s = startSealed(t, dir, ring)
		c = connect(t, s, "b")
		l = openLog(t, c, "jobs")
		if got := entries(t, l, 0); len(got) == 0 {
			t.Errorf("entries: %q", got)
		}
		if got := pagesOf(t, l); got["p"] != "page" {
			t.Errorf("pages: %q", got)
		}
		if o, err = c.Objects(limited(t), "files", ObjectsOptions{}); err != nil {
			t.Fatal(err)
		}
		wantObject(t, o, "o", blob(chunkSize+1, 1))
		last, err := l.Last(limited(t))
		if err != nil {
			t.Fatal(err)
		}
		mustAppend(t, l, last, "three")
		closed(t, s)
	}
}
