package cache

import (
	"context"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"freshet/freshness"
)

func sharedStore(t *testing.T, dir string) *Store {
	t.Helper()
	s, err := newStore(StoreOptions{Dir: dir, Shared: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// byLanguage answers with N bytes in two languages, and to all others with the
// first.
func byLanguage(w http.ResponseWriter, r *http.Request) {
	var n int
	fmt.Sscanf(r.URL.Path, "/%d", &n)
	tag, body := `"en"`, strings.Repeat("e", n)
	if r.Header.Get("Accept-Language") == "de" {
		tag, body = `"de"`, strings.Repeat("d", n)
	}
	w.Header().Set("Cache-Control", "max-age=100")
	w.Header().Set("Vary", "Accept-Language")
	w.Header().Set("ETag", tag)
	if strings.Contains(r.Header.Get("If-None-Match"), tag) {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	fmt.Fprint(w, body)
}

// Objects that have one body have it on disk, too.
func TestOneBodyOfSeveralVariants(t *testing.T) {
	for _, shared := range []bool{false, true} {
		for _, n := range []int{10, 100_000, 3_000_000} {
			dir := t.TempDir()
			s, err := newStore(StoreOptions{Dir: dir, Shared: shared})
			if err != nil {
				t.Fatal(err)
			}
			w := newWorld(t, Options{Store: s}, byLanguage)
			en, de := strings.Repeat("e", n), strings.Repeat("d", n)
			line := fmt.Sprintf("GET /%d", n)
			w.do(line, "Accept-Language: en")
			w.do(line, "Accept-Language: de")
			expect(t, w.do(line, "Accept-Language: fr"), 200, en, "fwd=vary-miss; fwd-status=304")
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			if s, err = newStore(StoreOptions{Dir: dir, Shared: shared}); err != nil {
				t.Fatal(err)
			}
			now := w.now
			w = newWorld(t, Options{Store: s}, byLanguage)
			w.now = now
			for language, want := range map[string]string{"en": en, "de": de, "fr": en} {
				expect(t, w.do(line, "Accept-Language: "+language), 200, want, "hit")
			}
			s.Close()
		}
	}
}

// What one process does to a folder holds for the other's next request.
func TestSharedFolder(t *testing.T) {
	dir := t.TempDir()
	private := freshness.Cache{Private: true}
	var asked string
	origin := func(w http.ResponseWriter, r *http.Request) {
		asked = r.Method + " " + r.URL.Path + " " + r.Header.Get("Range")
		if r.URL.Path == "/grouped" {
			w.Header().Set("Cache-Groups", `"g"`)
		}
		if r.Method == "POST" {
			w.Header().Set("Cache-Group-Invalidation", `"g"`)
		}
		w.Header().Set("Cache-Control", "max-age=100")
		w.Header().Set("ETag", `"1"`)
		http.ServeContent(w, r, "x.bin", time.Time{}, strings.NewReader("0123456789"))
	}
	var both [2]*world
	for i := range both {
		both[i] = newWorld(t, Options{Store: sharedStore(t, dir), Freshness: private}, origin)
	}
	a, b := both[0], both[1]
	step := func(w *world, line string, fields []string, status int, body, cacheStatus string) {
		t.Helper()
		expect(t, w.do(line, fields...), status, body, cacheStatus)
	}
	const all = "0123456789"
	step(a, "GET /a", nil, 200, all, "uri-miss")
	step(b, "GET /a", nil, 200, all, "hit")
	b.do("DELETE /a")
	step(a, "GET /a", nil, 200, all, "uri-miss")
	step(b, "GET /a", []string{"Cache-Control: no-cache"}, 200, all, "fwd-status=304")
	step(a, "GET /a", nil, 200, all, "hit")

	// Parts that come to one are completed by the other.
	step(a, "GET /parts", []string{"Range: bytes=0-3"}, 206, "0123", "stored")
	step(b, "GET /parts", []string{"Range: bytes=1-2"}, 206, "12", "hit")
	step(b, "GET /parts", nil, 200, all, "fwd=partial")
	if asked != "GET /parts bytes=4-" {
		t.Errorf("%q", asked)
	}
	step(a, "GET /parts", nil, 200, all, "hit")

	// Purges, of groups too.
	step(a, "GET /grouped", nil, 200, all, "uri-miss")
	step(b, "GET /grouped", nil, 200, all, "hit")
	a.do("POST /other")
	step(b, "GET /grouped", nil, 200, all, "cache-group-invalidated")
	step(a, "GET /grouped", nil, 200, all, "hit")
	// Of two processes that change a key at the same moment the last one wins, so
	// that what one sweeps away may be what the other has just stored.
	swept := func() {
		t.Helper()
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		defer cancel()
		for _, w := range both {
			if err := w.store.AwaitSweep(ctx); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := b.Handler.store.PurgeAll(true); err != nil {
		t.Fatal(err)
	}
	swept()
	step(a, "GET /a", nil, 200, all, "fwd-status=304")
	step(b, "GET /a", nil, 200, all, "hit")
	if err := b.Handler.store.PurgeAll(false); err != nil {
		t.Fatal(err)
	}
	swept()
	step(a, "GET /a", nil, 200, all, "uri-miss")
	step(b, "GET /a", nil, 200, all, "hit")
	swept()
	if n, err := b.Handler.Purge("http://example.com/a", false); n != 1 || err != nil {
		t.Error(n, err)
	}
	step(a, "GET /a", nil, 200, all, "uri-miss")
}

// Credentials are not in the files that tell what is stored.
func TestSharedFolderHasNoCredentials(t *testing.T) {
	dir := t.TempDir()
	w := newWorld(t, Options{Store: sharedStore(t, dir), Profile: Standard, Freshness: freshness.Cache{Private: true}}, bySize)
	for range 2 {
		w.do("GET /10", "Authorization: Bearer verysecret")
	}
	if w.asked.Load() != 1 {
		t.Errorf("asked %d times", w.asked.Load())
	}
	found := 0
	err := fs.WalkDir(os.DirFS(dir), ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(filepath.Join(dir, name))
		if found++; strings.Contains(string(b), "verysecret") {
			t.Errorf("%s has the credentials", name)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
	if found == 0 {
		t.Error("there are no files")
	}
}
