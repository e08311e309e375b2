package child_test

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"freshet/internal/child"
)

// TestKeeperIsWatchedAtOnce has the pidfd of the keeper be there as soon as the
// keeper is, not when a goroutine comes to it: who counts descriptors then counts
// all that a Spawner has.
func TestKeeperIsWatchedAtOnce(t *testing.T) {
	if fd, err := unix.PidfdOpen(os.Getpid(), 0); err != nil {
		t.Skip("no pidfds:", err)
	} else {
		unix.Close(fd)
	}
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	s, err := child.New(child.Options{AllowRoot: true, Cgroup: "off"})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := child.StartKeeper(); err != nil {
		t.Fatal(err)
	}
	open, _ := filepath.Glob("/proc/self/fd/*")
	for _, fd := range open {
		if to, _ := os.Readlink(fd); to == "anon_inode:[pidfd]" || strings.HasPrefix(to, "pidfd:") {
			return
		}
	}
	t.Error("nobody waits for the end of the keeper")
}
