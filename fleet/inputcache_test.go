package fleet

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"freshet/jobs"
)

// hubOf has contents, and counts the pieces that are fetched, ten bytes each.
type hubOf struct {
	texts  map[string]string
	pieces atomic.Int64
	fail   atomic.Int64 // after so many pieces, if it is above 0
}

func (h *hubOf) has(content string) jobs.File {
	if h.texts == nil {
		h.texts = map[string]string{}
	}
	f := fileOf("f", content)
	h.texts[f.SHA256] = content
	return f
}

var errAway = errors.New("the hub is away")

func (h *hubOf) fetch(_ context.Context, digest string, offset int64) ([]byte, error) {
	if n := h.fail.Load(); n > 0 && h.pieces.Load() >= n {
		return nil, errAway
	}
	h.pieces.Add(1)
	text := h.texts[digest]
	return []byte(text[offset:min(offset+10, int64(len(text)))]), nil
}

// fetched asks for n more pieces to have been fetched since the last call.
func (h *hubOf) fetched(t *testing.T, n int64) {
	t.Helper()
	if got := h.pieces.Swap(0); got != n {
		t.Errorf("%d pieces were fetched, want %d", got, n)
	}
}

func cacheAt(t *testing.T, dir string, most int64) *inputCache {
	t.Helper()
	c, err := openInputCache(dir, most, testRing())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.close() })
	return c
}

func (c *inputCache) text(ctx context.Context, f jobs.File, h *hubOf) (string, error) {
	from, err := c.get(ctx, f, h.fetch)
	if err != nil {
		return "", err
	}
	defer from.Close()
	text, err := io.ReadAll(from)
	return string(text), err
}

func (c *inputCache) want(t *testing.T, f jobs.File, h *hubOf) {
	t.Helper()
	if text, err := c.text(t.Context(), f, h); err != nil || text != h.texts[f.SHA256] {
		t.Errorf("%q, %v", text, err)
	}
}

// What was used longest ago goes first; what is too large for all is not kept.
func TestInputCacheIsBounded(t *testing.T) {
	plainOnly(t)
	dir, h := t.TempDir(), &hubOf{}
	c := cacheAt(t, dir, 100)
	a, b, d, large := h.has(strings.Repeat("a", 40)), h.has(strings.Repeat("b", 40)), h.has(strings.Repeat("d", 40)), h.has(strings.Repeat("l", 101))
	c.want(t, a, h)
	c.want(t, b, h)
	h.fetched(t, 8)
	c.want(t, a, h)
	c.want(t, b, h)
	c.want(t, a, h)
	h.fetched(t, 0)
	c.want(t, d, h) // b goes
	h.fetched(t, 4)
	c.want(t, a, h)
	c.want(t, d, h)
	h.fetched(t, 0)
	c.want(t, b, h)
	h.fetched(t, 4)
	c.want(t, large, h)
	c.want(t, large, h)
	h.fetched(t, 22)
	c.want(t, h.has(""), h)
	if n := len(names(t, c.dir)); n != 4 || c.size != 80 { // two, the empty one, and the lock
		t.Errorf("%q, %d bytes", names(t, c.dir), c.size)
	}
	// A smaller bound at the next start.
	if err := c.close(); err != nil {
		t.Fatal(err)
	}
	again := cacheAt(t, dir, 50)
	again.want(t, b, h)
	h.fetched(t, 0)
	if again.size != 40 {
		t.Errorf("%q, %d bytes", names(t, again.dir), again.size)
	}
}

// A fetch that was broken off goes on where it was, also after a kill.
func TestInputCacheResumes(t *testing.T) {
	plainOnly(t)
	dir, h := t.TempDir(), &hubOf{}
	f := h.has("0123456789abcdefghij0123456789ABCDEFGHIJ-")
	c := cacheAt(t, dir, 0)
	h.fail.Store(3)
	if _, err := c.text(t.Context(), f, h); !errors.Is(err, errAway) || c.size != 30 {
		t.Fatalf("%v, %d bytes", err, c.size)
	}
	if list := names(t, c.dir); len(list) != 2 || list[0] != partPrefix+f.SHA256 {
		t.Errorf("%q: nothing has the name of a whole file", list)
	}
	h.fail.Store(0)
	h.fetched(t, 3)
	if err := c.close(); err != nil { // of the lock, which a kill gives back
		t.Fatal(err)
	}
	c = cacheAt(t, dir, 0)
	c.want(t, f, h)
	h.fetched(t, 2)

	// What a power failure has left of it is not believed.
	for name, left := range map[string]string{"other bytes": "01234xxxxx", "more than all": strings.Repeat("x", 99)} {
		c.remove(f.SHA256)
		if err := os.WriteFile(c.partPath(f.SHA256), []byte(left), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := c.close(); err != nil {
			t.Fatal(err)
		}
		c = cacheAt(t, dir, 0)
		if _, err := c.text(t.Context(), f, h); err != nil && !strings.Contains(err.Error(), "SHA-256") {
			t.Errorf("%s: %v", name, err)
		}
		c.want(t, f, h)
		h.pieces.Store(0)
	}
}

// A kept file that is not what it was is fetched anew, as is one that is gone.
func TestInputCacheHeals(t *testing.T) {
	plainOnly(t)
	h := &hubOf{}
	c := cacheAt(t, "", 0)
	f := h.has("content")
	c.want(t, f, h)
	path := c.path(f.SHA256)
	if err := os.Chmod(path, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte("cont..t"), 0o600); err != nil {
		t.Fatal(err)
	}
	from, err := c.get(t.Context(), f, h.fetch)
	if err != nil {
		t.Fatal(err)
	}
	from.(*OpenInput).Wrong()
	from.Close()
	h.fetched(t, 1)
	c.want(t, f, h)
	h.fetched(t, 1)
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	c.want(t, f, h)
	h.fetched(t, 1)

	// The hub's is wrong.
	h.texts[f.SHA256] = "konnten"
	c.remove(f.SHA256)
	if _, err := c.text(t.Context(), f, h); err == nil || !strings.Contains(err.Error(), "SHA-256") {
		t.Error(err)
	}
	h.texts[f.SHA256] = "cont"
	if _, err := c.text(t.Context(), f, h); err == nil || !strings.Contains(err.Error(), "announced") {
		t.Error(err)
	}
	h.texts[f.SHA256] = "content"
	c.want(t, f, h)
	if list := names(t, c.dir); c.size != f.Size || len(list) > 2 { // a lock may be beside it
		t.Errorf("%q, %d bytes", list, c.size)
	}
	if _, err := c.text(t.Context(), jobs.File{SHA256: "../x"}, h); err == nil {
		t.Error("it opens what has no digest")
	}
}

// Many tasks need the same at once: it is fetched once, and when who fetches it
// gives up, another one goes on.
func TestInputCacheAtOnce(t *testing.T) {
	plainOnly(t)
	h := &hubOf{}
	c := cacheAt(t, "", 0)
	f := h.has(strings.Repeat("0123456789", 50))
	ctx, cancel := context.WithCancel(t.Context())
	begun := make(chan struct{})
	var first, others sync.WaitGroup
	first.Go(func() {
		_, err := c.get(ctx, f, func(ctx context.Context, digest string, offset int64) ([]byte, error) {
			if offset == 0 {
				return h.fetch(ctx, digest, offset)
			}
			close(begun)
			<-ctx.Done()
			return nil, ctx.Err()
		})
		if !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	})
	<-begun
	gone, leave := context.WithCancel(t.Context())
	leave()
	if _, err := c.text(gone, f, h); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	for range 8 {
		others.Go(func() { c.want(t, f, h) })
	}
	cancel()
	first.Wait()
	others.Wait()
	h.fetched(t, 50)
}

// Workers that are told the same folder have one in it each.
func TestInputCacheOfSeveral(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "kept")
	a, b := cacheAt(t, dir, 0), cacheAt(t, dir, 0)
	if a.dir == b.dir {
		t.Errorf("both have %s", a.dir)
	}
}
