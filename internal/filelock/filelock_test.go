package filelock_test

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"freshet/internal/filelock"
)

func TestTake(t *testing.T) {
	if !filelock.Locks {
		t.Skip("there are no locks here")
	}
	name := filepath.Join(t.TempDir(), "lock")
	lock, err := filelock.Take(name)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := filelock.Take(name); !errors.Is(err, filelock.ErrLocked) {
		t.Errorf("taken twice: %v", err)
	}
	if err := lock.Close(); err != nil {
		t.Fatal(err)
	}
	again, err := filelock.Take(name)
	if err != nil {
		t.Fatalf("after it was given back: %v", err)
	}
	again.Close()
	if _, err := filelock.Take(filepath.Join(t.TempDir(), "none", "lock")); err == nil || errors.Is(err, filelock.ErrLocked) {
		t.Errorf("in a folder that is not there: %v", err)
	}
}

// TestEnds has a process end without giving its lock back.
func TestEnds(t *testing.T) {
	if name := os.Getenv("FILELOCK_TAKE"); name != "" {
		if _, err := filelock.Take(name); err != nil {
			t.Fatal(err)
		}
		p, _ := os.FindProcess(os.Getpid())
		p.Kill()
		select {}
	}
	if !filelock.Locks {
		t.Skip("there are no locks here")
	}
	name := filepath.Join(t.TempDir(), "lock")
	child := exec.Command(os.Args[0], "-test.run=^TestEnds$")
	child.Env = append(os.Environ(), "FILELOCK_TAKE="+name)
	if out, err := child.CombinedOutput(); err == nil {
		t.Fatalf("it was not killed: %s", out)
	}
	if _, err := os.Stat(name); err != nil {
		t.Fatal(err)
	}
	lock, err := filelock.Take(name)
	if err != nil {
		t.Fatalf("its lock is still there: %v", err)
	}
	lock.Close()
}
