//go:build unix && !solaris && !aix

package filelock

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// A child that was just made has what its parent has open, until it executes something.
func TestGivenBackWhileAChildHasIt(t *testing.T) {
	name := filepath.Join(t.TempDir(), "lock")
	lock, err := Take(name)
	if err != nil {
		t.Fatal(err)
	}
	of := lock.(taken).File
	child, err := syscall.Dup(int(of.Fd()))
	if err != nil {
		t.Fatal(err)
	}
	defer os.NewFile(uintptr(child), name).Close()
	if err := lock.Close(); err != nil {
		t.Fatal(err)
	}
	again, err := Take(name)
	if err != nil {
		t.Fatalf("it is locked yet: %v", err)
	}
	again.Close()
}
