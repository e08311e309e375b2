//go:build !nonats

package bus

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/minio/highwayhash"
	"github.com/nats-io/nats-server/v2/server"

	"freshet/internal/atrest"
)

// recordEnds is where records of the first file of a stream end, behind a size.
func recordEnds(t *testing.T, dir, stream string, ring *atrest.Ring, behind int64) (ends []int64) {
	t.Helper()
	name := filepath.Join(streamDir(t, dir, stream), "msgs", "1.blk")
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if ring != nil {
		m, _, err := readMarker(dir, ring)
		if err != nil {
			t.Fatal(err)
		}
		var o server.Options
		m.encrypt(&o)
		k := &kept{store: m.folder(dir), secret: o.JetStreamKey}
		if err := os.Symlink("jetstream", filepath.Join(k.store, keptFolder)); err != nil {
			t.Fatal(err)
		}
		key, err := k.open(&keptStream{name: stream}, 1)
		block, err2 := aes.NewCipher(key.seed)
		if err = errors.Join(err, err2, os.Remove(filepath.Join(k.store, keptFolder))); err != nil {
			t.Fatal(err)
		}
		cipher.NewCTR(block, key.nonce).XORKeyStream(text, text)
	}
	key := sha256.Sum256([]byte(stream + "-1"))
	sum, err := highwayhash.New64(key[:])
	if err != nil {
		t.Fatal(err)
	}
	for at := 0; at < len(text); {
		n := wholeRecord(text[at:], sum)
		if n == 0 {
			t.Fatalf("no record at %d of %d", at, len(text))
		}
		if at += n; int64(at) > behind {
			ends = append(ends, int64(at))
		}
	}
	return ends
}

// TestKilledBeforeRollup has a process be killed between any two records that NATS
// writes when a page or an object gets another: what is new is stored before what it
// replaces is removed. One of the two is there, once, and gets a third.
func TestKilledBeforeRollup(t *testing.T) {
	bothWays(t, func(t *testing.T, ring *atrest.Ring) {
		dir := t.TempDir()
		s := startSealed(t, dir, ring)
		c := connect(t, s, "a")
		l := openLog(t, c, "jobs")
		mustAppend(t, l, 0, "one")
		o, err := c.Objects(limited(t), "files", ObjectsOptions{})
		if err != nil {
			t.Fatal(err)
		}
		size := func(stream string) int64 {
			info, err := os.Stat(filepath.Join(streamDir(t, dir, stream), "msgs", "1.blk"))
			if err != nil {
				t.Fatal(err)
			}
			return info.Size()
		}
		put := func(ctx context.Context, l *Log, o *Objects, n int) {
			if err := l.PutPage(ctx, "p", fmt.Append(nil, "page ", n)); err != nil {
				t.Fatal(err)
			}
			mustPutObject(t, o, "o", blob(100+n, byte(n)))
		}
		put(limited(t), l, o, 1)
		before := map[string]int64{"page_jobs": size("page_jobs"), "OBJ_files": size("OBJ_files")}
		put(limited(t), l, o, 2)
		closed(t, s)
		for stream, behind := range before {
			ends := recordEnds(t, dir, stream, ring, behind)
			if len(ends) == 0 {
				t.Errorf("%s has no record more", stream)
			}
			for i, end := range ends {
				cut := copied(t, dir)
				msgs := filepath.Join(streamDir(t, cut, stream), "msgs")
				damage(t, filepath.Join(msgs, "index.db"), nil)
				if err := os.Truncate(filepath.Join(msgs, "1.blk"), end); err != nil {
					t.Fatal(err)
				}
				s := startSealed(t, cut, ring)
				c := connect(t, s, "b")
				l := openLog(t, c, "jobs")
				o, err := c.Objects(limited(t), "files", ObjectsOptions{})
				if err != nil {
					t.Fatal(err)
				}
				for n := 2; n <= 3; n++ {
					if n == 3 {
						put(limited(t), l, o, 3)
					}
					page := pagesOf(t, l)["p"]
					text := readObject(t, o, "o")
					replaced := n == 3 || stream == "page_jobs" || i == len(ends)-1
					if want := fmt.Sprint("page ", n); page != want {
						t.Errorf("%s cut behind record %d of %d: %q, not %q", stream, i+1, len(ends), page, want)
					}
					if older := string(text) == string(blob(101, 1)); string(text) != string(blob(100+n, byte(n))) && (replaced || !older) {
						t.Errorf("%s cut behind record %d of %d: an object of %d bytes", stream, i+1, len(ends), len(text))
					}
				}
				closed(t, s)
			}
		}
	})
}

func readObject(t *testing.T, o *Objects, name string) []byte {
	t.Helper()
	content, err := o.Get(limited(t), name)
	if err != nil {
		t.Fatal(err)
	}
	defer content.Close()
	text, err := io.ReadAll(content)
	if err != nil {
		t.Fatal(err)
	}
	return text
}
