package acme

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"freshet/internal/filelock"
)

// TestKilled: what a process had locked that was killed is free at once, though
// the file of the lock is still there.
func TestKilled(t *testing.T) {
	if dir := os.Getenv("ACME_TEST_FOLDER"); dir != "" {
		f, err := openFolder(dir, nil)
		if err != nil {
			t.Fatal(err)
		}
		if err := f.Lock(context.Background(), "issue_cert_a.example.org"); err != nil {
			t.Fatal(err)
		}
		p, _ := os.FindProcess(os.Getpid())
		p.Kill()
		select {}
	}
	if !filelock.Locks {
		t.Skip("there are no locks here")
	}
	dir := filepath.Join(t.TempDir(), "c")
	child := exec.Command(os.Args[0], "-test.run=^TestKilled$")
	child.Env = append(os.Environ(), "ACME_TEST_FOLDER="+dir)
	if out, err := child.CombinedOutput(); err == nil {
		t.Fatalf("it was not killed: %s", out)
	}
	f, err := openFolder(dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer f.close()
	left, err := f.List(t.Context(), "locks", true)
	if err != nil || len(left) != 3 {
		t.Fatalf("%v, %v", left, err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if err := f.Lock(ctx, "issue_cert_a.example.org"); err != nil {
		t.Fatal(err)
	}
	if err := f.Unlock(ctx, "issue_cert_a.example.org"); err != nil {
		t.Error(err)
	}
}

func TestFolder(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "c")
	f, err := openFolder(dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer f.close()
	ctx := t.Context()
	for _, key := range []string{"a/b/one", "a/b/two", "a/three"} {
		if err := f.Store(ctx, key, []byte(key)); err != nil {
			t.Fatal(err)
		}
		if got, err := f.Load(ctx, key); err != nil || string(got) != key {
			t.Errorf("%s: %q, %v", key, got, err)
		}
	}
	if err := f.Store(ctx, "a/three", []byte("anew")); err != nil {
		t.Fatal(err)
	}
	if got, _ := f.Load(ctx, "a/three"); string(got) != "anew" {
		t.Errorf("%q", got)
	}
	if got, err := f.List(ctx, "a", true); err != nil || !slices.Equal(got, []string{"a/b", "a/b/one", "a/b/two", "a/three"}) {
		t.Errorf("%v, %v", got, err)
	}
	if got, err := f.List(ctx, "a", false); err != nil || !slices.Equal(got, []string{"a/b", "a/three"}) {
		t.Errorf("%v, %v", got, err)
	}
	if info, err := f.Stat(ctx, "a/b"); err != nil || info.IsTerminal {
		t.Errorf("%+v, %v", info, err)
	}
	if err := f.Delete(ctx, "a"); err != nil || f.Exists(ctx, "a/three") || f.Delete(ctx, "a") != nil {
		t.Errorf("it is not deleted: %v", err)
	}
	for _, err := range []error{
		func() error { _, err := f.Load(ctx, "a/three"); return err }(),
		func() error { _, err := f.Stat(ctx, "a/three"); return err }(),
		func() error { _, err := f.List(ctx, "a", true); return err }(),
	} {
		if !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("what is not there: %v", err)
		}
	}
	if err := f.Store(ctx, "../outside", nil); err == nil {
		t.Error("a key leads out of the folder")
	}
}

// TestTidy: what is for a moment only goes a day later, and nothing else does.
func TestTidy(t *testing.T) {
	f, dir := testFolder(t)
	litter := []string{"challenges/http/token", "challenges/tls/shop.example.org", shopSite + ".key.1.part", "accounts/a.json.1.part", "rw_test_1", "probe_0a"}
	stays := []string{shopSite + ".key", shopSite + ".key" + aside, shopSite + ".crt", "accounts/a.json", "ocsp/a", "locks/a"}
	for _, key := range slices.Concat(litter, stays) {
		if err := f.write(key, nil); err != nil {
			t.Fatal(err)
		}
	}
	for _, age := range []time.Duration{litterAge - time.Hour, litterAge + time.Hour} {
		then := time.Now().Add(-age)
		for _, key := range slices.Concat(litter, stays) {
			if err := os.Chtimes(filepath.Join(dir, filepath.FromSlash(key)), then, then); err != nil {
				t.Fatal(err)
			}
		}
		again, err := openFolder(dir, nil)
		if err != nil {
			t.Fatal(err)
		}
		for _, key := range litter {
			if there := again.Exists(t.Context(), key); there != (age < litterAge) {
				t.Errorf("%s after %v: it is there: %v", key, age, there)
			}
		}
		for _, key := range stays {
			if !again.Exists(t.Context(), key) {
				t.Errorf("%s is gone after %v", key, age)
			}
		}
		if err := again.close(); err != nil {
			t.Error(err)
		}
	}
}

// TestLock: one at a time; who waits stops when he is to.
func TestLock(t *testing.T) {
	f, err := openFolder(filepath.Join(t.TempDir(), "c"), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer f.close()
	ctx := t.Context()
	if err := f.Lock(ctx, "x"); err != nil {
		t.Fatal(err)
	}
	soon, cancel := context.WithTimeout(ctx, 2*lockEvery)
	defer cancel()
	if err := f.Lock(soon, "x"); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("locked twice: %v", err)
	}
	got := make(chan error, 1)
	go func() { got <- f.Lock(ctx, "x") }()
	if err := f.Unlock(ctx, "x"); err != nil {
		t.Fatal(err)
	}
	if err := <-got; err != nil {
		t.Error(err)
	}
	if err := errors.Join(f.Unlock(ctx, "x")); err != nil {
		t.Error(err)
	}
	if err := f.Unlock(ctx, "x"); err == nil {
		t.Error("what is not locked was unlocked")
	}
}

func TestOpenFolder(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("there are no modes")
	}
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o750); err != nil {
		t.Fatal(err)
	}
	if _, err := openFolder(dir, nil); err == nil || !strings.Contains(err.Error(), "chmod 700") {
		t.Errorf("a folder that others can read: %v", err)
	}
}
