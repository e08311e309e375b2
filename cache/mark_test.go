package cache

import (
	"bytes"
	"errors"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"freshet/internal/record"
	"freshet/internal/rule"
)

func mustMark(t testing.TB, s *Store, mark string) {
	t.Helper()
	if err := s.SetMark(mark); err != nil {
		t.Fatal(err)
	}
	if got := s.Mark(); got != mark {
		t.Fatalf("%q is %q", mark, got)
	}
}

// A bookmark survives restarts, and the file being written anew.
func TestMark(t *testing.T) {
	dir := t.TempDir()
	s := diskStore(t, dir)
	if s.Mark() != "" {
		t.Errorf("%q at the start", s.Mark())
	}
	long := strings.Repeat("x", MaxMark)
	for _, mark := range []string{"log 7", "\x00\xff\\ \n", long, "", "last"} {
		mustMark(t, s, mark)
		for range 2 { // the second time from a file that the first has written anew
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			s = diskStore(t, dir)
			if got := s.Mark(); got != mark {
				t.Errorf("%q has become %q", mark, got)
			}
		}
	}
	if err := s.SetMark(long + "x"); err == nil || errors.Is(err, ErrNotKept) || s.Mark() != "last" {
		t.Errorf("%v, %q", err, s.Mark())
	}
	for i := range 4*maxReceipts + 100 { // more lines than are kept
		if err := s.disk.purges.locked(func() error { return s.disk.purges.append(false, markLine("other"), markLine("last")) }); err != nil {
			t.Fatal(i, err)
		}
	}
	if info, err := os.Stat(filepath.Join(dir, "purges.log")); err != nil || info.Size() > 400_000 {
		t.Errorf("%v %v", info.Size(), err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if s = diskStore(t, dir); s.Mark() != "last" {
		t.Errorf("%q", s.Mark())
	}
	s.Close()
}

func TestMarkInMemory(t *testing.T) {
	s := newTestStore(t, "memory")
	if s.Mark() != "" {
		t.Error(s.Mark())
	}
	mustMark(t, s, "a")
	mustMark(t, s, "")
}

// Processes that share a folder share the bookmark.
func TestMarkShared(t *testing.T) {
	dir := t.TempDir()
	a, b := sharedStore(t, dir), sharedStore(t, dir)
	for i := range 5 {
		mustMark(t, a, fmt.Sprint(i))
		if got := b.Mark(); got != fmt.Sprint(i) {
			t.Errorf("%q, not %d", got, i)
		}
		mustMark(t, b, "")
		if a.Mark() != "" {
			t.Error(a.Mark())
		}
	}
	mustMark(t, b, "b")
	b.disk.purges.mu.Lock()
	err := b.disk.purges.rewrite()
	b.disk.purges.mu.Unlock()
	if err != nil || a.Mark() != "b" {
		t.Error(err, a.Mark())
	}
}

// A bookmark that cannot be kept says so.
func TestMarkNotKept(t *testing.T) {
	dir := t.TempDir()
	s := diskStore(t, dir)
	defer s.Close()
	name := filepath.Join(dir, "purges.log")
	if err := errors.Join(os.Remove(name), os.MkdirAll(filepath.Join(name, "in the way"), 0o700)); err != nil {
		t.Fatal(err)
	}
	if err := s.SetMark("a"); !errors.Is(err, ErrNotKept) || s.Mark() != "a" {
		t.Error(err, s.Mark())
	}
	if err := os.RemoveAll(name); err != nil {
		t.Fatal(err)
	}
	mustMark(t, s, "b")
}

// What another version has written is skipped, and a bookmark that is none makes
// all stale.
func TestMarkOfOthers(t *testing.T) {
	for text, stale := range map[string]bool{`{"moon":"full"}`: false, `{"mark":"\\xzz"}`: true, `{"mark":"` + strings.Repeat("y", MaxMark+1) + `"}`: true} {
		dir, _ := purgedFolder(t)
		name := filepath.Join(dir, "purges.log")
		s := diskStore(t, dir)
		mustMark(t, s, "kept")
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, append(b, summed(text)...), 0o600); err != nil {
			t.Fatal(err)
		}
		w := reopened(t, dir, tagging)
		status := w.do("GET http://e/a?tags=a").Header().Get("Cache-Status")
		if w.store.Mark() != "kept" || strings.Contains(status, "cache-soft-purged") != stale {
			t.Errorf("%s: %q, %s", text, w.store.Mark(), status)
		}
	}
	dir, _ := purgedFolder(t)
	if err := os.Remove(filepath.Join(dir, "purges.log")); err != nil {
		t.Fatal(err)
	}
	w := reopened(t, dir, tagging)
	if w.store.Mark() != "" {
		t.Error(w.store.Mark())
	}
	w.tell("GET http://e/a?tags=a").expect(t, record.Revalidated, rule.CacheSoftPurged)
}

// A purge of which a crash has left the receipt, but not all that holds, is done
// when it is asked for again; one that is whole is not.
func TestPurgeCutOff(t *testing.T) {
	if os.Getenv(sealedVar) != "" {
		t.Skip("it reads the file as text")
	}
	dir := t.TempDir()
	s := diskStore(t, dir)
	p := Purge{ID: "fleet-1", What: []Selector{mustSelect(t, "tag a"), mustSelect(t, "tag b")}}
	if _, err := s.PurgeBy(p); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(dir, "purges.log")
	whole, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	lines := bytes.SplitAfter(whole, []byte("\n"))
	first, last := -1, -1 // of the epochs
	for i, line := range lines {
		if bytes.Contains(line, []byte(`"epoch"`)) {
			if first < 0 {
				first = i
			}
			last = i
		}
	}
	if last != first+1 {
		t.Fatalf("%s", whole)
	}
	for n := first - 1; n <= last; n++ {
		// As a crash leaves it: so many lines, and half of the next.
		cut := bytes.Join(append(append([][]byte{}, lines[:n+1]...), lines[n+1][:len(lines[n+1])/2]), nil)
		folder := t.TempDir()
		s := diskStore(t, folder)
		w := newWorld(t, Options{Store: s}, tagging)
		for _, path := range []string{"/a?tags=a", "/b?tags=b"} {
			w.do("GET http://e" + path)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(folder, "purges.log"), cut, 0o600); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			w = reopened(t, folder, tagging)
			_, err = w.store.Receipt(p.ID)
			if whole := n == last; whole != (err == nil) {
				t.Errorf("%d lines: %v", n+1, err)
			}
			if err := w.store.AwaitSweep(t.Context()); err != nil { // of the part that there is
				t.Error(err)
			}
			w.store.Close()
		}
		w = reopened(t, folder, tagging)
		if n < last {
			if r, err := w.store.PurgeBy(p); err != nil || r.ID != p.ID || len(w.store.Receipts()) != 1 {
				t.Fatal(r, err)
			}
			for _, path := range []string{"/a?tags=a", "/b?tags=b"} {
				if rec := w.do("GET http://e" + path); strings.Contains(rec.Header().Get("Cache-Status"), "; hit") {
					t.Errorf("%d lines: %s: %v", n+1, path, rec.Header())
				}
			}
		}
		w.store.Close()
	}
}

// summed is a line of the file with some text.
func summed(text string) string {
	return fmt.Sprintf("%08x %s\n", crc32.ChecksumIEEE([]byte(text)), text)
}

// A process that is killed after a purge and before its bookmark applies the purge
// again when it is back, and that is no second one.
func TestKilledBeforeMark(t *testing.T) {
	dir := t.TempDir()
	s := diskStore(t, dir)
	defer s.Close()
	w := newWorld(t, Options{Store: s}, tagging)
	apply := func(s *Store, n int) {
		t.Helper()
		if _, err := s.PurgeBy(Purge{ID: fmt.Sprint("log-", n), What: []Selector{mustSelect(t, "tag t")}}); err != nil {
			t.Fatal(err)
		}
	}
	apply(s, 1)
	mustMark(t, s, "log 1")
	w.do("GET http://e/a?tags=t")
	apply(s, 2)
	killed := t.TempDir()
	text, err := os.ReadFile(filepath.Join(dir, "purges.log"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(killed, "purges.log"), text, 0o600); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		w = reopened(t, killed, tagging)
		if w.store.Mark() != "log 1" {
			t.Errorf("%q", w.store.Mark())
		}
		w.do("GET http://e/a?tags=t")
		apply(w.store, 2)
		expect(t, w.do("GET http://e/a?tags=t"), 200, "hello", "; hit")
		if all := w.store.Receipts(); len(all) != 2 {
			t.Errorf("%+v", all)
		}
		w.store.Close()
	}
	w = reopened(t, killed, tagging)
	apply(w.store, 3)
	expect(t, w.do("GET http://e/a?tags=t"), 200, "hello", "stored")
}
