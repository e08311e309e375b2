package jobs

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"freshet/internal/atrest"
	"freshet/internal/keyfile"
)

// testRing is of keys by their names, the first of which seals; without names it is nil.
func testRing(names ...string) *atrest.Ring {
	if len(names) == 0 {
		return nil
	}
	var file []byte
	for _, name := range names {
		secret := make([]byte, atrest.SecretSize)
		copy(secret, name)
		file = append(file, keyfile.Key{Name: name, Secret: secret}.String()+"\n"...)
	}
	keys, err := atrest.ParseKeys(file)
	if err != nil {
		panic(err)
	}
	return atrest.NewRing(func() *atrest.Keys { return keys })
}

// eachForm runs a test of logs as they are without keys, and with some.
func eachForm(t *testing.T, test func(t *testing.T, ring *atrest.Ring)) {
	t.Run("plain", func(t *testing.T) { test(t, nil) })
	t.Run("sealed", func(t *testing.T) { test(t, testRing("a", "b")) })
}

func openLogWith(t testing.TB, dir string, ring *atrest.Ring) *FileLog {
	t.Helper()
	l, err := OpenSealedFileLog(dir, ring)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return l
}

func appendAll(t testing.TB, l *FileLog, last uint64, entries ...string) uint64 {
	t.Helper()
	for _, e := range entries {
		n, err := l.Append(ctx, last, []byte(e))
		if err != nil || n != last+1 {
			t.Fatalf("Append behind %d: %d, %v", last, n, err)
		}
		last = n
	}
	return last
}

func read(t testing.TB, l *FileLog, after uint64) string {
	t.Helper()
	got, err := readAfter(l, after)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func readAfter(l *FileLog, after uint64) (string, error) {
	var got []string
	err := l.Read(ctx, after, func(n uint64, entry []byte) error {
		got = append(got, fmt.Sprintf("%d:%s", n, entry))
		return nil
	})
	return strings.Join(got, " "), err
}

func TestFileLog(t *testing.T) { eachForm(t, testFileLog) }

func testFileLog(t *testing.T, ring *atrest.Ring) {
	dir := filepath.Join(t.TempDir(), "queue")
	l := openLogWith(t, dir, ring)
	last := appendAll(t, l, 0, "a", "b", "c")
	if got := read(t, l, 1); got != "2:b 3:c" {
		t.Error(got)
	}
	if _, err := l.Append(ctx, 2, []byte("x")); !errors.Is(err, ErrFenced) {
		t.Errorf("behind an entry that is not the last: %v", err)
	}
	if _, err := l.Append(ctx, last, make([]byte, maxEntry+1)); err == nil {
		t.Error("an entry that is too long is taken")
	}
	if _, err := OpenSealedFileLog(dir, ring); !errors.Is(err, ErrFenced) {
		t.Errorf("opened twice: %v", err)
	}
	if info, err := os.Stat(dir); err != nil || info.Mode().Perm()&0o077 != 0 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	if err := l.Trim(ctx, 2); err != nil {
		t.Fatal(err)
	}
	last = appendAll(t, l, last, "d", "e")
	if err := l.Trim(ctx, 3); err != nil {
		t.Fatal(err)
	}
	if got := read(t, l, 0); got != "4:d 5:e" {
		t.Error(got)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := l.Append(ctx, last, []byte("x")); !errors.Is(err, os.ErrClosed) {
		t.Errorf("after Close: %v", err)
	}
	l = openLogWith(t, dir, ring)
	appendAll(t, l, last, "f")
	if got := read(t, l, 0); got != "4:d 5:e 6:f" {
		t.Error(got)
	}
	stopped, cancel := context.WithCancel(ctx)
	cancel()
	if err := l.Read(stopped, 0, func(uint64, []byte) error { return nil }); !errors.Is(err, context.Canceled) {
		t.Errorf("Read: %v", err)
	}
}

func TestFileLogPages(t *testing.T) { eachForm(t, testFileLogPages) }

func testFileLogPages(t *testing.T, ring *atrest.Ring) {
	dir := t.TempDir()
	l := openLogWith(t, dir, ring)
	pages := func() map[string]string {
		got := map[string]string{}
		if err := l.Pages(ctx, func(key string, page []byte) error { got[key] = string(page); return nil }); err != nil {
			t.Fatal(err)
		}
		return got
	}
	for _, key := range []string{"", "A", "a/b", "..\\x", strings.Repeat("a", 65)} {
		if err := l.PutPage(ctx, key, []byte("x")); err == nil {
			t.Errorf("key %q is taken", key)
		}
	}
	for _, p := range []string{"one", "two"} {
		if err := l.PutPage(ctx, "j-1", []byte(p)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(l.dir, pageTemporary+"123"), []byte("half"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := pages(); len(got) != 1 || got["j-1"] != "two" {
		t.Error(got)
	}
	if _, err := os.Stat(filepath.Join(l.dir, pageTemporary+"123")); !errors.Is(err, os.ErrNotExist) {
		t.Error("half a page is left")
	}
	for range 2 {
		if err := l.PutPage(ctx, "j-1", nil); err != nil {
			t.Fatal(err)
		}
	}
	if got := pages(); len(got) != 0 {
		t.Error(got)
	}
	if err := os.WriteFile(filepath.Join(l.dir, pagePrefix+"j-2"), []byte("12345678"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := l.Pages(ctx, func(string, []byte) error { return nil }); err == nil {
		t.Error("a broken page is taken")
	}
}

// However much of the last entry is missing, or wrong, the ones before it are
// there; when an earlier one is broken, nothing is taken.
func TestFileLogTorn(t *testing.T) { eachForm(t, testFileLogTorn) }

func testFileLogTorn(t *testing.T, ring *atrest.Ring) {
	dir := t.TempDir()
	l := openLogWith(t, dir, ring)
	entry := func(text string) string { return string(rune(entryVersion)) + text }
	appendAll(t, l, 0, entry("first"), entry("second"), entry("third"))
	_ = l.Close()
	names, _ := filepath.Glob(filepath.Join(l.dir, logPrefix+"*"))
	if len(names) != 1 {
		t.Fatal(names)
	}
	whole, err := os.ReadFile(names[0])
	if err != nil {
		t.Fatal(err)
	}
	stored := len(entry("third"))
	if ring != nil {
		stored = int(ring.SealedSize(int64(stored)))
	}
	third := len(whole) - entryHead - stored
	for cut := third; cut < len(whole); cut++ {
		torn := [][]byte{whole[:cut], append(append([]byte{}, whole[:cut]...), make([]byte, len(whole)-cut)...)}
		for _, b := range torn {
			if err := os.WriteFile(names[0], b, 0o600); err != nil {
				t.Fatal(err)
			}
			l := openLogWith(t, dir, ring)
			if got := read(t, l, 0); got != "1:"+entry("first")+" 2:"+entry("second") {
				t.Fatalf("cut at %d: %q", cut, got)
			}
			appendAll(t, l, 2, "again")
			_ = l.Close()
		}
	}
	for at := range third {
		b := append([]byte{}, whole...)
		b[at] ^= 0x10
		if err := os.WriteFile(names[0], b, 0o600); err != nil {
			t.Fatal(err)
		}
		l, err := OpenSealedFileLog(dir, ring)
		if err == nil {
			// The second was broken, and with it only itself: its own entry may be what was being written.
			t.Errorf("byte %d changed: opened, with %q", at, read(t, l, 0))
			_ = l.Close()
		}
	}
}

func TestFileLogManyFiles(t *testing.T) { eachForm(t, testFileLogManyFiles) }

func testFileLogManyFiles(t *testing.T, ring *atrest.Ring) {
	dir := t.TempDir()
	l := openLogWith(t, dir, ring)
	entry := strings.Repeat("x", maxEntry)
	last := uint64(0)
	for range segmentSize/maxEntry + 3 {
		last = appendAll(t, l, last, entry)
	}
	if len(l.first) != 2 {
		t.Fatalf("%d files", len(l.first))
	}
	n := 0
	if err := l.Read(ctx, 10, func(k uint64, _ []byte) error { n++; return nil }); err != nil || n != int(last)-10 {
		t.Errorf("%d entries, %v", n, err)
	}
	if err := os.Truncate(l.path(1), 5<<20); err != nil {
		t.Fatal(err)
	}
	if err := l.Read(ctx, 0, func(uint64, []byte) error { return nil }); err == nil {
		t.Error("the end of the first file is missing, and nothing is said")
	}
}

// After a write that failed nothing more is written, and what was there stays.
func TestFileLogWriteFails(t *testing.T) { eachForm(t, testFileLogWriteFails) }

func testFileLogWriteFails(t *testing.T, ring *atrest.Ring) {
	dir := t.TempDir()
	l := openLogWith(t, dir, ring)
	s, err := New(ctx, l, Options{ErrorLog: quiet()})
	if err != nil {
		t.Fatal(err)
	}
	id := submit(t, s, Spec{})[0]
	readOnly, err := os.Open(l.path(1))
	if err != nil {
		t.Fatal(err)
	}
	l.mu.Lock()
	_ = l.file.Close()
	l.file = readOnly
	l.mu.Unlock()
	if _, err := s.Submit(ctx, Spec{Command: []string{"x"}}); err == nil || errors.Is(err, ErrFenced) {
		t.Errorf("Submit: %v", err)
	}
	<-s.Done()
	if err := s.Close(ctx); err == nil || errors.Is(err, ErrClosed) {
		t.Errorf("Close: %v", err)
	}
	if _, err := l.Append(ctx, 2, []byte("x")); err == nil {
		t.Error("it goes on")
	}
	_ = l.Close()
	s = start(t, openLogWith(t, dir, ring), Options{})
	wantState(t, s, id, Queued)
}

// Whatever is in the file, it is refused or read, and then it can be written.
func FuzzLogFile(f *testing.F) { fuzzLogFile(f, nil) }

// Of a sealed one nothing is read but what was written.
func FuzzSealedLogFile(f *testing.F) { fuzzLogFile(f, testRing("a")) }

func fuzzLogFile(f *testing.F, ring *atrest.Ring) {
	dir := f.TempDir()
	l := openLogWith(f, dir, ring)
	appendAll(f, l, 0, "\x01first", "\x01second")
	_ = l.Close()
	path := l.path(1)
	whole, err := os.ReadFile(path)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(whole)
	f.Add(whole[:len(whole)-1])
	f.Add(whole[:3])
	f.Add([]byte{})
	f.Add(make([]byte, 100))
	f.Fuzz(func(t *testing.T, file []byte) {
		if err := os.WriteFile(path, file, 0o600); err != nil {
			t.Fatal(err)
		}
		l, err := OpenSealedFileLog(dir, ring)
		if err != nil {
			return
		}
		defer l.Close()
		before, err := readAfter(l, 0)
		if err != nil {
			return // it does not open, and is not passed over
		}
		if ring != nil && !strings.HasPrefix("1:\x01first 2:\x01second", before) {
			t.Fatalf("%q was not written", before)
		}
		appendAll(t, l, l.last, "\x01more")
		if got := read(t, l, 0); !strings.HasPrefix(got, before) || !strings.HasSuffix(got, "\x01more") {
			t.Fatalf("%q, then %q", before, got)
		}
	})
}
