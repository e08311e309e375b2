package fleet

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"freshet/jobs"
)

// A folder that cannot be removed keeps no other one, and is told.
func TestForgetEach(t *testing.T) {
	list := func() ([]jobs.ID, error) { return []jobs.ID{"a", "bad", "known", "worse", "z"}, nil }
	forgotten := func(id jobs.ID) (bool, error) { return id != "known", nil }
	var gone []jobs.ID
	forget := func(id jobs.ID) error {
		if gone = append(gone, id); id == "bad" || id == "worse" {
			return &os.PathError{Op: "unlinkat", Path: string(id), Err: syscall.EBUSY}
		}
		return nil
	}
	err := forgetEach(t.Context(), list, forgotten, forget)
	if !errors.Is(err, syscall.EBUSY) || !strings.Contains(err.Error(), "bad") || !strings.Contains(err.Error(), "and 1 more") {
		t.Error(err)
	}
	if !slices.Equal(gone, []jobs.ID{"a", "bad", "worse", "z"}) {
		t.Errorf("%q are forgotten", gone)
	}
	ended, end := context.WithCancel(t.Context())
	end()
	gone = nil
	if err := forgetEach(ended, list, forgotten, forget); !errors.Is(err, context.Canceled) || len(gone) > 0 {
		t.Errorf("it goes on at the end: %q, %v", gone, err)
	}
}

// What tasks made cannot be counted: what else forgotten jobs have left is removed,
// and that too.
func TestCleanWithoutACount(t *testing.T) {
	plainOnly(t)
	dir := t.TempDir()
	old := filepath.Join(dir, "inputs", strings.Repeat("0", 64))
	log, made := filepath.Join(dir, "logs", "gone"), filepath.Join(dir, "outputs", "gone")
	for _, file := range []string{filepath.Join(log, "1.log"), filepath.Join(made, "1.1", "a"), old} {
		if err := errors.Join(os.MkdirAll(filepath.Dir(file), 0o700), os.WriteFile(file, []byte("x"), 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	past := time.Now().Add(-2 * inputSettle)
	if err := os.Chtimes(old, past, past); err != nil {
		t.Fatal(err)
	}
	n, err := Open(t.Context(), Options{Dir: dir, Name: "here", Tasks: 1, Drain: time.Nanosecond, ErrorLog: slog.New(slog.DiscardHandler),
		walk: func(string, fs.WalkDirFunc) error { return syscall.EIO }})
	if err != nil {
		t.Fatal(err)
	}
	defer n.Close()
	if err := n.cleanOnce(t.Context()); !errors.Is(err, syscall.EIO) {
		t.Errorf("that it cannot be counted is not told: %v", err)
	}
	for _, path := range []string{log, made, old} {
		if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s is left: %v", path, err)
		}
	}
}

// What could not be removed is tried again soon, and then less and less often, and
// every hour once it is.
func TestCleanAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, end := context.WithCancel(t.Context())
		began, at := time.Now(), []time.Duration(nil)
		again(ctx, func() error {
			if at = append(at, time.Since(began)); len(at) == 7 {
				end()
			}
			if len(at) == 4 || len(at) >= 6 {
				return nil
			}
			return syscall.EIO
		})
		m := time.Minute
		if want := []time.Duration{0, m, 3 * m, 7 * m, 67 * m, 68 * m, 128 * m}; !slices.Equal(at, want) {
			t.Errorf("it is tried at %v, want %v", at, want)
		}
	})
}

// A content that cannot be removed keeps no other one.
func TestInputsThatStay(t *testing.T) {
	plainOnly(t)
	i, now := inputsAt(t, t.TempDir(), InputOptions{})
	bad := i.give(t, "bad")
	for _, text := range []string{"a", "b", "c", "d", "e", "f"} {
		i.give(t, text)
	}
	path := i.path(bad.SHA256)
	if err := errors.Join(os.Remove(path), os.MkdirAll(filepath.Join(path, "inner"), 0o700)); err != nil {
		t.Fatal(err)
	}
	*now = now.Add(2 * inputSettle)
	if err := i.forget(func(func(string)) error { return nil }); err == nil {
		t.Error("it is removed")
	}
	if list := names(t, i.dir); len(list) != 1 || i.size != bad.Size {
		t.Errorf("%q are left, %d bytes", list, i.size)
	}
}

// A bound that is lowered below what there is refuses what would be more, and nothing
// else.
func TestInputsAboveTheirBound(t *testing.T) {
	plainOnly(t)
	dir := t.TempDir()
	i, _ := inputsAt(t, dir, InputOptions{})
	there := i.give(t, strings.Repeat("x", 100))
	lower, _ := inputsAt(t, dir, InputOptions{MaxAll: 50})
	for _, files := range [][]jobs.File{nil, {there}} {
		if lacks, err := lower.lacks(files); err != nil || len(lacks) != 0 {
			t.Errorf("%v: %v, %v", files, lacks, err)
		}
	}
	if _, err := lower.lacks([]jobs.File{there, fileOf("b", "b")}); !errors.Is(err, jobs.ErrFull) {
		t.Errorf("one more: %v", err)
	}
}
