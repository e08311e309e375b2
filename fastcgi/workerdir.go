package fastcgi

import (
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// socketDirs is how the folders of workers' sockets are named: with the number
// of the process that made them.
const socketDirs = "freshet-fastcgi-"

// newSocketDir makes a folder that is ours alone, and removes those of
// processes that were killed before they could.
func newSocketDir() (string, error) {
	left, _ := filepath.Glob(filepath.Join(os.TempDir(), socketDirs+"*"))
	for _, dir := range left {
		number, _, _ := strings.Cut(strings.TrimPrefix(filepath.Base(dir), socketDirs), "-")
		if pid, err := strconv.Atoi(number); err == nil && hasEnded(pid) {
			os.RemoveAll(dir) // fails when it is somebody else's
		}
	}
	return os.MkdirTemp("", socketDirs+strconv.Itoa(os.Getpid())+"-*")
}

// hasEnded reports whether a process is known not to run.
func hasEnded(pid int) bool {
	p, err := os.FindProcess(pid)
	if err != nil {
		return true
	}
	defer p.Release()
	err = p.Signal(syscall.Signal(0))
	return errors.Is(err, os.ErrProcessDone) || errors.Is(err, syscall.ESRCH)
}
