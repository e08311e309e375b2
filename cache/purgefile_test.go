package cache

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// purged is a folder with answers for three addresses, of which the second was
// purged by its tag and the third softly.
func purgedFolder(t *testing.T) (dir string, r Receipt) {
	t.Helper()
	dir = t.TempDir()
	s := diskStore(t, dir)
	w := newWorld(t, Options{Store: s}, tagging)
	for _, path := range []string{"/a?tags=a", "/b?tags=b", "/c?tags=c"} {
		w.do("GET http://e" + path)
	}
	r = w.purgeBy(false, "tag b")
	w.purgeBy(true, "tag c")
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	return dir, r
}

func reopened(t *testing.T, dir string, origin http.HandlerFunc) *world {
	t.Helper()
	s := diskStore(t, dir)
	t.Cleanup(func() { s.Close() })
	return newWorld(t, Options{Store: s}, origin)
}

// Receipts are there after a restart, and what was purged is not.
func TestPurgesSurvive(t *testing.T) {
	dir, r := purgedFolder(t)
	for range 3 {
		w := reopened(t, dir, tagging)
		w.swept()
		got, err := w.store.Receipt(r.ID)
		if err != nil || got.Counting || !slices.Equal(got.What, []string{"tag b"}) || !got.Time.Equal(r.Time) {
			t.Errorf("%+v %v", got, err)
		}
		if all := w.store.Receipts(); len(all) != 2 || all[1].ID != r.ID || !all[0].Undoable {
			t.Errorf("%+v", all)
		}
		w.store.Close()
	}
	w := reopened(t, dir, tagging)
	expect(t, w.do("GET http://e/a?tags=a"), 200, "hello", "; hit")
	expect(t, w.do("GET http://e/b?tags=b"), 200, "hello", "uri-miss")
	expect(t, w.do("GET http://e/c?tags=c"), 200, "hello", "cache-soft-purged")
}

// Files that a sweep has removed are back when the power went before the system had
// written their folders: what was purged is purged.
func TestSweptComesBack(t *testing.T) {
	dir := t.TempDir()
	w := reopened(t, dir, tagging)
	w.do("GET http://e/a?tags=a")
	w.do("GET http://e/b?tags=b")
	w.store.Close()
	before, objects := t.TempDir(), filepath.Join(dir, "objects")
	if err := os.CopyFS(before, os.DirFS(objects)); err != nil {
		t.Fatal(err)
	}
	w = reopened(t, dir, tagging)
	w.purgeBy(false, "tag b")
	w.swept()
	w.store.Close()
	for range 2 {
		if err := errors.Join(os.RemoveAll(objects), os.CopyFS(objects, os.DirFS(before))); err != nil {
			t.Fatal(err)
		}
		w := reopened(t, dir, tagging)
		expect(t, w.do("GET http://e/a?tags=a"), 200, "hello", "; hit")
		expect(t, w.do("GET http://e/b?tags=b"), 200, "hello", "cache-purged")
		w.swept()
		w.store.Close()
	}
}

// However many were purged at once: each is known until what was removed cannot be
// back, and then they are forgotten, but for the latest.
func TestManySweptComeBack(t *testing.T) {
	dir := t.TempDir()
	w := reopened(t, dir, tagging)
	w.do("GET http://e/a?tags=a")
	w.store.Close()
	before, objects := t.TempDir(), filepath.Join(dir, "objects")
	if err := os.CopyFS(before, os.DirFS(objects)); err != nil {
		t.Fatal(err)
	}
	w = reopened(t, dir, tagging)
	what := []string{"tag a"}
	for i := range 3 * keptSwept / 2 {
		what = append(what, fmt.Sprint("tag t", i))
	}
	w.purgeBy(false, what...)
	w.swept()
	w.store.Close()
	for range 2 { // the second time nothing was looked at in between
		if err := errors.Join(os.RemoveAll(objects), os.CopyFS(objects, os.DirFS(before))); err != nil {
			t.Fatal(err)
		}
		w = reopened(t, dir, tagging)
		expect(t, w.do("GET http://e/a?tags=a"), 200, "hello", "cache-purged")
		w.store.Close()
	}
	if err := errors.Join(os.RemoveAll(objects), os.CopyFS(objects, os.DirFS(before))); err != nil {
		t.Fatal(err)
	}
	w = reopened(t, dir, tagging)
	known := func(want int) {
		t.Helper()
		s := w.store
		s.epochs.mu.RLock()
		defer s.epochs.mu.RUnlock()
		if n := len(s.epochs.all); n != want {
			t.Errorf("%d epochs, want %d", n, want)
		}
	}
	age := func() { // as if all sweeps had been so much earlier
		w.swept()
		w.store.epochs.mu.Lock()
		defer w.store.epochs.mu.Unlock()
		for _, e := range w.store.epochs.all {
			if e.since != 0 {
				e.since -= int64(settled)
			}
		}
	}
	purgeURL := func(url string) {
		t.Helper()
		if _, err := w.store.PurgeBy(Purge{What: []Selector{{kind: selectURL, value: url}}}); err != nil {
			t.Fatal(err)
		}
	}
	purgeURL("http://e/other") // for that nothing else is looked at
	age()
	purgeURL("http://e/another")
	w.swept()
	known(len(what) + 2)
	w.purgeBy(false, "tag other")
	age()
	known(len(what) + 3)
	purgeURL("http://e/third")
	w.swept()
	known(keptSwept)
	expect(t, w.do("GET http://e/a?tags=a"), 200, "hello", "uri-miss")
}

// A line that a crash has cut off was never acknowledged; a file that is broken
// otherwise makes all stale.
func TestPurgeFileBroken(t *testing.T) {
	for _, tt := range []struct {
		name  string
		spoil func([]byte) []byte
		stale bool
	}{
		{"a cut line", func(b []byte) []byte { return append(b, `00000000 {"epoch":{"num`...) }, false},
		{"zeros at the end", func(b []byte) []byte { return append(b, make([]byte, 100)...) }, false},
		{"a changed bit", func(b []byte) []byte { b[len(b)/2] ^= 4; return b }, true},
		{"a line that is none", func(b []byte) []byte { return append([]byte("x\n"), b...) }, true},
		{"a purge that is not known", func(b []byte) []byte {
			line, _ := appendLine(nil, purgeLine{Epoch: &epochLine{Number: 1 << 20, What: "moon"}})
			return append(b, line...)
		}, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir, _ := purgedFolder(t)
			name := filepath.Join(dir, "purges.log")
			b, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(name, tt.spoil(b), 0o600); err != nil {
				t.Fatal(err)
			}
			for range 2 {
				w := reopened(t, dir, tagging)
				status := w.do("GET http://e/a?tags=a").Header().Get("Cache-Status")
				if stale := strings.Contains(status, "cache-soft-purged"); stale != tt.stale {
					t.Errorf("%s", status)
				}
				if rec := w.do("GET http://e/b?tags=b"); strings.Contains(rec.Header().Get("Cache-Status"), "; hit") {
					t.Errorf("%v", rec.Header())
				}
				w.purgeBy(false, "everything")
				expect(t, w.do("GET http://e/a?tags=a"), 200, "hello", "uri-miss")
				w.store.Close()
				tt.stale = false
			}
		})
	}
}

// A purge that cannot be kept holds, and says so.
func TestPurgeNotKept(t *testing.T) {
	if os.Getenv(sealedVar) != "" {
		t.Skip("it reads the file as text")
	}
	dir := t.TempDir()
	var log bytes.Buffer
	s, err := newStore(StoreOptions{Dir: dir, ErrorLog: slog.New(slog.NewTextHandler(&log, nil))})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	w := newWorld(t, Options{Store: s}, tagging)
	w.do("GET http://e/a?tags=a")
	if err := errors.Join(os.Remove(filepath.Join(dir, "purges.log")), os.MkdirAll(filepath.Join(dir, "purges.log", "in the way"), 0o700)); err != nil {
		t.Fatal(err)
	}
	r, err := s.PurgeBy(Purge{What: []Selector{mustSelect(t, "tag a")}})
	if !errors.Is(err, ErrNotKept) || r.ID == "" {
		t.Errorf("%+v %v", r, err)
	}
	expect(t, w.do("GET http://e/a?tags=a"), 200, "hello", "cache-purged")
	if err := os.RemoveAll(filepath.Join(dir, "purges.log")); err != nil {
		t.Fatal(err)
	}
	w.purgeBy(true, "tag a")
	text, err := os.ReadFile(filepath.Join(dir, "purges.log"))
	if err != nil || !strings.Contains(string(text), r.ID) {
		t.Errorf("what could not be written before is not there: %v\n%s", err, text)
	}
}

// The file does not grow without bound, nor do receipts.
func TestPurgeFileBounded(t *testing.T) {
	s := diskStore(t, t.TempDir())
	defer s.Close()
	w := newWorld(t, Options{Store: s}, tagging)
	s.sweeper.close() // it would write, too
	largest := int64(0)
	for range 3 * maxReceipts {
		s.purging.Lock()
		r := newReceipt(newReceiptID(), []Selector{Everything()}, false, s.now())
		s.receipts.add(r)
		snapshot := r.snapshot()
		err := s.keepPurge(false, func() []purgeLine { return []purgeLine{{Receipt: &snapshot}} })
		s.purging.Unlock()
		if err != nil {
			t.Fatal(err)
		}
		largest = max(largest, s.disk.purges.size)
	}
	w.purgeBy(true, "tag a")
	if n := len(s.Receipts()); n != maxReceipts {
		t.Errorf("%d receipts", n)
	}
	if largest > 3<<20 {
		t.Errorf("the file had %d bytes", largest)
	}
}

// More epochs than are kept become fewer that are about more.
func TestTooManyEpochs(t *testing.T) {
	for _, tier := range []string{"memory", "disk"} {
		t.Run(tier, func(t *testing.T) {
			dir := t.TempDir()
			s := newTestStore(t, "memory")
			if tier == "disk" {
				s = diskStore(t, dir)
			}
			defer func() { s.Close() }()
			s.maxEpochs = 40
			w := newWorld(t, Options{Store: s}, tagging)
			for _, query := range []string{"", "?tags=a", "?tags=x"} {
				w.do("GET http://e/" + query)
			}
			soft := w.purgeBy(true, "tag x")
			for i := range 100 {
				w.purgeBy(true, fmt.Sprint("tag t", i), fmt.Sprint("tag u", i))
				if n := len(s.epochs.all); n > 42 {
					t.Fatalf("%d epochs", n)
				}
			}
			for range 2 {
				expect(t, w.do("GET http://e/"), 200, "hello", "; hit")
				// No tag of its own was purged, but there were too many to tell.
				hard, isSoft := s.epochs.of("http://e/?tags=a", &object{born: 1, tags: []string{"a"}}, 0)
				if hard != nil || isSoft == nil {
					t.Errorf("%v %v", hard, isSoft)
				}
				if _, err := s.UndoPurge(soft.ID); err == nil {
					t.Error("a purge was undone that is one of many now")
				}
				if tier == "memory" {
					break
				}
				s.Close()
				s = diskStore(t, dir)
				w = newWorld(t, Options{Store: s}, tagging)
			}
			expect(t, w.do("GET http://e/?tags=x"), 200, "hello", "cache-soft-purged")
			for i := range 100 {
				w.purgeBy(false, fmt.Sprint("host h", i))
			}
			w.purgeBy(false, "host e")
			expect(t, w.do("GET http://e/"), 200, "hello", "fwd=uri-miss")
		})
	}
}

// Which groups were invalidated is known after a restart.
func TestGroupsSurviveByName(t *testing.T) {
	dir := t.TempDir()
	origin := func(w http.ResponseWriter, r *http.Request) {
		if r.Method == "POST" {
			w.Header().Set("Cache-Group-Invalidation", `"g"`)
			return
		}
		w.Header().Set("Cache-Control", "max-age=1000")
		w.Header().Set("Cache-Groups", fmt.Sprintf("%q", r.URL.Path[1:]))
		fmt.Fprint(w, "hello")
	}
	w := reopened(t, dir, origin)
	for _, path := range []string{"/g", "/h"} {
		w.do("GET http://e" + path)
		w.do("GET http://other" + path)
	}
	w.do("POST http://e/x")
	w.store.Close()
	for range 2 {
		w = reopened(t, dir, origin)
		expect(t, w.do("GET http://e/h"), 200, "hello", "; hit")
		expect(t, w.do("GET http://other/g"), 200, "hello", "; hit")
		w.store.Close()
	}
	w = reopened(t, dir, origin)
	expect(t, w.do("GET http://e/g"), 200, "hello", "uri-miss")
}

// What a version before has purged holds, too.
func TestGenerationsOfBefore(t *testing.T) {
	for text, want := range map[string]string{
		`{"generation":9,"hard":0,"soft":0,"groups":0}`: "; hit", `{"generation":9,"hard":9,"soft":9,"groups":0}`: "uri-miss",
		`{"generation":9,"hard":3,"soft":9,"groups":0}`: "fwd=", "garbage": "cache-soft-purged",
	} {
		dir := t.TempDir()
		w := reopened(t, dir, tagging)
		w.do("GET http://e/a")
		w.store.Close()
		if err := os.Remove(filepath.Join(dir, "purges.log")); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, "generations.json"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		for range 2 { // the second time it is in the file of this version
			w = reopened(t, dir, tagging)
			w.swept()
			w.store.Close()
		}
		w = reopened(t, dir, tagging)
		expect(t, w.do("GET http://e/a"), 200, "hello", want)
		w.store.Close()
	}
}

// What one process purges in a folder holds for the other's next request, and
// its receipts are seen there.
func TestSharedPurges(t *testing.T) {
	dir := t.TempDir()
	a := newWorld(t, Options{Store: sharedStore(t, dir)}, tagging)
	b := newWorld(t, Options{Store: sharedStore(t, dir)}, tagging)
	for i, what := range []string{"tag t", "prefix http://e/a", "host e", "where tag=t status=200", "everything"} {
		first, second := a, b
		if i%2 == 1 {
			first, second = b, a
		}
		first.do("GET http://e/a?tags=t")
		expect(t, second.do("GET http://e/a?tags=t"), 200, "hello", "; hit")
		soft := second.purgeBy(true, what)
		expect(t, first.do("GET http://e/a?tags=t"), 200, "hello", "cache-soft-purged")
		expect(t, second.do("GET http://e/a?tags=t"), 200, "hello", "; hit")
		again := first.purgeBy(true, what)
		if _, err := second.store.UndoPurge(again.ID); err != nil {
			t.Error(err)
		}
		expect(t, first.do("GET http://e/a?tags=t"), 200, "hello", "; hit")
		hard := first.purgeBy(false, what)
		// Between processes the last change of a key wins: what is stored while the
		// sweep removes the key may go with it.
		if err := first.store.AwaitSweep(t.Context()); err != nil {
			t.Fatal(err)
		}
		if rec := second.do("GET http://e/a?tags=t"); strings.Contains(rec.Header().Get("Cache-Status"), "; hit") {
			t.Errorf("%s: %v", what, rec.Header())
		}
		for _, r := range []Receipt{soft, hard} {
			for _, w := range []*world{a, b} {
				if got, err := w.store.Receipt(r.ID); err != nil || got.Soft != r.Soft {
					t.Errorf("%+v %v", got, err)
				}
			}
		}
	}
}

// Without the file it is not known what was purged: all is validated.
func TestPurgeFileLost(t *testing.T) {
	dir, _ := purgedFolder(t)
	if err := os.Remove(filepath.Join(dir, "purges.log")); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"cache-soft-purged", "; hit"} {
		w := reopened(t, dir, tagging)
		expect(t, w.do("GET http://e/a?tags=a"), 200, "hello", want)
		w.store.Close()
	}
	w := reopened(t, dir, tagging)
	w.purgeBy(false, "tag a")
	expect(t, w.do("GET http://e/a?tags=a"), 200, "hello", "cache-purged")
}
