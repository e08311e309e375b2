package jobs

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func openLog(t testing.TB, dir string) *FileLog {
	t.Helper()
	l, err := OpenFileLog(dir)
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
	var got []string
	err := l.Read(ctx, after, func(n uint64, entry []byte) error {
		got = append(got, fmt.Sprintf("%d:%s", n, entry))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(got, " ")
}

func TestFileLog(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "queue")
	l := openLog(t, dir)
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
	if _, err := OpenFileLog(dir); !errors.Is(err, ErrFenced) {
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
	l = openLog(t, dir)
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

func TestFileLogPages(t *testing.T) {
	dir := t.TempDir()
	l := openLog(t, dir)
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
	if err := os.WriteFile(filepath.Join(dir, pageTemporary+"123"), []byte("half"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := pages(); len(got) != 1 || got["j-1"] != "two" {
		t.Error(got)
	}
	if _, err := os.Stat(filepath.Join(dir, pageTemporary+"123")); !errors.Is(err, os.ErrNotExist) {
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
	if err := os.WriteFile(filepath.Join(dir, pagePrefix+"j-2"), []byte("12345678"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := l.Pages(ctx, func(string, []byte) error { return nil }); err == nil {
		t.Error("a broken page is taken")
	}
}

// However much of the last entry is missing, or wrong, the ones before it are
// there; when an earlier one is broken, nothing is taken.
func TestFileLogTorn(t *testing.T) {
	dir := t.TempDir()
	l := openLog(t, dir)
	entry := func(text string) string { return string(rune(entryVersion)) + text }
	appendAll(t, l, 0, entry("first"), entry("second"), entry("third"))
	_ = l.Close()
	names, _ := filepath.Glob(filepath.Join(dir, logPrefix+"*"))
	if len(names) != 1 {
		t.Fatal(names)
	}
	whole, err := os.ReadFile(names[0])
	if err != nil {
		t.Fatal(err)
	}
	third := len(whole) - entryHead - len(entry("third"))
	for cut := third; cut < len(whole); cut++ {
		torn := [][]byte{whole[:cut], append(append([]byte{}, whole[:cut]...), make([]byte, len(whole)-cut)...)}
		for _, b := range torn {
			if err := os.WriteFile(names[0], b, 0o600); err != nil {
				t.Fatal(err)
			}
			l := openLog(t, dir)
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
		l, err := OpenFileLog(dir)
		if err == nil {
			// The second was broken, and with it only itself: its own entry may be what was being written.
			t.Errorf("byte %d changed: opened, with %q", at, read(t, l, 0))
			_ = l.Close()
		}
	}
}

func TestFileLogManyFiles(t *testing.T) {
	dir := t.TempDir()
	l := openLog(t, dir)
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
func TestFileLogWriteFails(t *testing.T) {
	dir := t.TempDir()
	l := openLog(t, dir)
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
	s = start(t, openLog(t, dir), Options{})
	wantState(t, s, id, Queued)
}

// Whatever is in the file, it is refused or read, and then it can be written.
func FuzzLogFile(f *testing.F) {
	dir := f.TempDir()
	l := openLog(f, dir)
	appendAll(f, l, 0, "\x01first", "\x01second")
	_ = l.Close()
	whole, err := os.ReadFile(l.path(1))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(whole)
	f.Add(whole[:len(whole)-1])
	f.Add(whole[:3])
	f.Add([]byte{})
	f.Add(make([]byte, 100))
	f.Fuzz(func(t *testing.T, file []byte) {
		dir := t.TempDir()
		if err := os.WriteFile((&FileLog{dir: dir}).path(1), file, 0o600); err != nil {
			t.Fatal(err)
		}
		l, err := OpenFileLog(dir)
		if err != nil {
			return
		}
		defer l.Close()
		before := read(t, l, 0)
		appendAll(t, l, l.last, "\x01more")
		if got := read(t, l, 0); !strings.HasPrefix(got, before) || !strings.HasSuffix(got, "\x01more") {
			t.Fatalf("%q, then %q", before, got)
		}
	})
}
