package child_test

import (
	"bytes"
	"fmt"
	"os"
	"syscall"
	"testing"
	"time"
)

// gone fails the test unless a process is not there at all.
func gone(t testing.TB, pid int) {
	t.Helper()
	if exists(pid) {
		stat, _ := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		t.Errorf("process %d is still there: %s", pid, stat)
	}
}

// ends waits until a process that nobody tells us of is not there, or is a
// zombie that somebody else must reap.
func ends(t testing.TB, pid int) {
	t.Helper()
	for late := time.Now().Add(soon); ; time.Sleep(time.Millisecond) {
		stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		if err != nil || bytes.Contains(stat, []byte(") Z ")) {
			return
		}
		if time.Now().After(late) {
			t.Errorf("process %d does not end: %s", pid, stat)
			_ = syscall.Kill(pid, syscall.SIGKILL)
			return
		}
	}
}
