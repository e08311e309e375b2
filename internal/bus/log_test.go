//go:build !nonats

package bus

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"testing"

	"github.com/nats-io/nats.go"
)

// entries are what Read gives, as "number:content".
func entries(t *testing.T, l *Log, after uint64) []string {
	t.Helper()
	var all []string
	err := l.Read(limited(t), after, func(n uint64, entry []byte) error {
		all = append(all, fmt.Sprintf("%d:%s", n, entry))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func mustAppend(t *testing.T, l *Log, last uint64, entry string) uint64 {
	t.Helper()
	n, err := l.Append(limited(t), last, []byte(entry))
	if err != nil {
		t.Fatal(err)
	}
	if n != last+1 {
		t.Fatalf("entry number %d behind %d", n, last)
	}
	return n
}

func TestLog(t *testing.T) {
	dir := t.TempDir()
	s := startServer(t, dir)
	l := openLog(t, connect(t, s, "a"), "jobs")
	if got := entries(t, l, 0); got != nil {
		t.Fatalf("a new log has %q", got)
	}
	if err := l.Trim(limited(t), 3); err != nil {
		t.Fatal(err)
	}
	for n := range uint64(5) {
		mustAppend(t, l, n, fmt.Sprint("e", n+1))
	}
	if got, want := entries(t, l, 2), []string{"3:e3", "4:e4", "5:e5"}; !slices.Equal(got, want) {
		t.Errorf("after 2: %q, want %q", got, want)
	}
	if got := entries(t, l, 5); got != nil {
		t.Errorf("after the last: %q", got)
	}
	if got := entries(t, l, 99); got != nil {
		t.Errorf("far after the last: %q", got)
	}
	if err := l.Trim(limited(t), 3); err != nil {
		t.Fatal(err)
	}
	if got, want := entries(t, l, 0), []string{"4:e4", "5:e5"}; !slices.Equal(got, want) {
		t.Errorf("after a trim: %q, want %q", got, want)
	}
	if err := l.Trim(limited(t), 1000); err != nil {
		t.Fatal(err)
	}
	if got, want := entries(t, l, 0), []string{"5:e5"}; !slices.Equal(got, want) {
		t.Errorf("all trimmed but the last: %q, want %q", got, want)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}

	l = openLog(t, connect(t, startServer(t, dir), "a"), "jobs")
	if last, err := l.Last(limited(t)); err != nil || last != 5 {
		t.Fatalf("numbers go on after a restart and a trim of everything: last %d, %v", last, err)
	}
	mustAppend(t, l, 5, "e6")
	if got, want := entries(t, l, 0), []string{"5:e5", "6:e6"}; !slices.Equal(got, want) {
		t.Errorf("after a restart: %q, want %q", got, want)
	}
}

func TestReadEndsWithItsCallback(t *testing.T) {
	l := openLog(t, connect(t, startServer(t, t.TempDir()), "a"), "jobs")
	for n := range uint64(3) {
		mustAppend(t, l, n, "x")
	}
	enough := errors.New("enough")
	if err := l.Read(limited(t), 0, func(n uint64, _ []byte) error {
		if n == 2 {
			return enough
		}
		return nil
	}); !errors.Is(err, enough) {
		t.Errorf("%v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	if err := l.Read(ctx, 0, func(uint64, []byte) error { cancel(); return nil }); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}

func TestReadMany(t *testing.T) {
	l := openLog(t, connect(t, startServer(t, t.TempDir()), "a"), "jobs")
	// More than one fetch, by bytes and by count.
	var last uint64
	large := bytes.Repeat([]byte("x"), MaxEntry)
	for range 9 {
		n, err := l.Append(limited(t), last, large)
		if err != nil {
			t.Fatal(err)
		}
		last = n
	}
	for range 2*fetchCount + 7 {
		last = mustAppend(t, l, last, "small")
	}
	next, sum := uint64(1), 0
	if err := l.Read(limited(t), 0, func(n uint64, entry []byte) error {
		if n != next {
			return fmt.Errorf("entry %d, want %d", n, next)
		}
		next++
		sum += len(entry)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if next != last+1 || sum != 9*MaxEntry+5*(2*fetchCount+7) {
		t.Errorf("%d entries with %d bytes", next-1, sum)
	}
}

func TestFence(t *testing.T) {
	s := startServer(t, t.TempDir())
	a, b := openLog(t, connect(t, s, "a"), "jobs"), openLog(t, connect(t, s, "b"), "jobs")
	mustAppend(t, a, 0, "one")
	if _, err := b.Append(limited(t), 0, []byte("one")); !errors.Is(err, ErrFenced) {
		t.Errorf("the same content by another writer: %v", err)
	}
	if _, err := b.Append(limited(t), 7, []byte("x")); !errors.Is(err, ErrFenced) {
		t.Errorf("behind an entry that is not there: %v", err)
	}
	mustAppend(t, b, 1, "two")
	if _, err := a.Append(limited(t), 1, []byte("three")); !errors.Is(err, ErrFenced) {
		t.Errorf("an old writer: %v", err)
	}
	if got, want := entries(t, a, 0), []string{"1:one", "2:two"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

// TestUnclear: the acknowledgement of an entry is lost; the writer asks again.
func TestUnclear(t *testing.T) {
	s := startServer(t, t.TempDir())
	c := connect(t, s, "a")
	l := openLog(t, c, "jobs")
	n := mustAppend(t, l, 0, "one")
	// As Append would send it, but nobody waits for the answer.
	m := &nats.Msg{Subject: prefixLog + "jobs", Data: []byte("two"), Header: nats.Header{headerWriter: {l.writer}, "Nats-Expected-Last-Sequence": {"1"}}}
	if err := c.nc.PublishMsg(m); err != nil {
		t.Fatal(err)
	}
	mustAppend(t, l, n, "two")
	if got, want := entries(t, l, 0), []string{"1:one", "2:two"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	if _, err := l.Append(limited(t), n, []byte("another")); !errors.Is(err, ErrFenced) {
		t.Errorf("another entry at the same place: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := l.Append(ctx, 2, []byte("three"))
	if !errors.Is(err, ErrUnclear) {
		t.Fatalf("%v", err)
	}
	mustAppend(t, l, 2, "three")
}

func TestTooLarge(t *testing.T) {
	l := openLog(t, connect(t, startServer(t, t.TempDir()), "a"), "jobs")
	if _, err := l.Append(limited(t), 0, make([]byte, MaxEntry+1)); !errors.Is(err, ErrTooLarge) {
		t.Errorf("%v", err)
	}
	if err := l.PutPage(limited(t), "k", make([]byte, MaxEntry+1)); !errors.Is(err, ErrTooLarge) {
		t.Errorf("%v", err)
	}
	if err := l.PutPage(limited(t), "k", make([]byte, MaxEntry)); err != nil {
		t.Error(err)
	}
	if _, err := l.Append(limited(t), 0, make([]byte, MaxEntry)); err != nil {
		t.Error(err)
	}
}

func TestFull(t *testing.T) {
	s, err := Start(Options{Dir: t.TempDir(), MaxStore: 4 << 20})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	fill := func(l *Log) uint64 {
		var last uint64
		for range 100 {
			n, err := l.Append(limited(t), last, make([]byte, MaxEntry/2))
			if errors.Is(err, ErrFull) {
				return last
			}
			if err != nil {
				t.Fatal(err)
			}
			last = n
		}
		t.Fatal("it is never full")
		return 0
	}
	c := connect(t, s, "a")
	bounded, err := c.Log(limited(t), "bounded", LogOptions{MaxBytes: 1 << 20})
	if err != nil {
		t.Fatal(err)
	}
	if last := fill(bounded); last != 1 {
		t.Errorf("%d entries of half a MiB, and what they weigh more, fit into 1 MiB", last)
	}
	l := openLog(t, c, "jobs")
	last := fill(l)
	if err := l.Trim(limited(t), last-1); err != nil {
		t.Fatal(err)
	}
	mustAppend(t, l, last, "there is room again")
}

func pagesOf(t *testing.T, l *Log) map[string]string {
	t.Helper()
	all := map[string]string{}
	if err := l.Pages(limited(t), func(key string, page []byte) error {
		if _, twice := all[key]; twice {
			return fmt.Errorf("%s comes twice", key)
		}
		all[key] = string(page)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return all
}

func mustPut(t *testing.T, l *Log, key, page string) {
	t.Helper()
	if err := l.PutPage(limited(t), key, []byte(page)); err != nil {
		t.Fatal(err)
	}
}

func TestPages(t *testing.T) {
	dir := t.TempDir()
	s := startServer(t, dir)
	l := openLog(t, connect(t, s, "a"), "jobs")
	if got := pagesOf(t, l); len(got) != 0 {
		t.Fatalf("%q", got)
	}
	mustPut(t, l, "a/1", "x")
	mustPut(t, l, "a.b c=%", "y")
	mustPut(t, l, "a/1", "z")
	mustPut(t, l, "gone", "g")
	mustPut(t, l, "gone", "")
	mustPut(t, l, "gone", "")
	mustPut(t, l, "never", "")
	mustPut(t, l, "back", "1")
	mustPut(t, l, "back", "")
	mustPut(t, l, "back", "2")
	want := map[string]string{"a/1": "z", "a.b c=%": "y", "back": "2"}
	if got := pagesOf(t, l); !maps.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	if err := l.PutPage(limited(t), "", []byte("x")); !errors.Is(err, ErrName) {
		t.Errorf("%v", err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	l = openLog(t, connect(t, startServer(t, dir), "a"), "jobs")
	if got := pagesOf(t, l); !maps.Equal(got, want) {
		t.Errorf("after a restart: %q, want %q", got, want)
	}
	mustPut(t, l, "a/1", "again")
}

// TestPagesFence: a writer that was asleep cannot replace, delete or bring back
// pages of the next one.
func TestPagesFence(t *testing.T) {
	s := startServer(t, t.TempDir())
	a := openLog(t, connect(t, s, "a"), "jobs")
	mustAppend(t, a, 0, "one")
	for _, key := range []string{"k", "gone", "late"} {
		mustPut(t, a, key, "by a")
	}

	b := openLog(t, connect(t, s, "b"), "jobs")
	pagesOf(t, b)
	entries(t, b, 0)
	mustPut(t, a, "late", "still a's turn")
	mustAppend(t, b, 1, "two")
	mustPut(t, b, "k", "by b")
	mustPut(t, b, "gone", "")
	mustPut(t, b, "late", "by b") // b does not know what a wrote late, and it is its turn
	mustPut(t, b, "new", "by b")
	b.mu.Lock() // as if the entry's number were on its way to b
	b.last--
	b.mu.Unlock()
	if err := b.stillOurs(limited(t)); err != nil {
		t.Error(err)
	}

	for key, page := range map[string]string{"k": "old", "gone": "old", "late": "", "new": "old"} {
		if err := a.PutPage(limited(t), key, []byte(page)); !errors.Is(err, ErrFenced) {
			t.Errorf("%s: %v", key, err)
		}
	}
	want := map[string]string{"k": "by b", "late": "by b", "new": "by b"}
	if got := pagesOf(t, b); !maps.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}
