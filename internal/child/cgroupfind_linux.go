package child

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// ownCgroup is the directory of the cgroup v2 that this process is in; "":
// it is in none, or none is mounted here.
func ownCgroup() string {
	path := cgroupOf(os.Getpid())
	if path == "" {
		return ""
	}
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return ""
	}
	return findCgroup(string(mounts), path)
}

// findCgroup finds where a path of the hierarchy is mounted: proc(5). A mount
// may show only a part of the hierarchy, which begins at its root.
func findCgroup(mounts, path string) string {
	for line := range strings.Lines(mounts) {
		before, after, found := strings.Cut(line, " - ")
		fields := strings.Fields(before)
		if !found || len(fields) < 5 || !strings.HasPrefix(after, "cgroup2 ") {
			continue
		}
		below, err := filepath.Rel(unescape(fields[3]), path)
		if err == nil && below != ".." && !strings.HasPrefix(below, "../") {
			return filepath.Join(unescape(fields[4]), below)
		}
	}
	return ""
}

// unescape undoes what mountinfo does to blanks in paths.
func unescape(path string) string {
	return strings.NewReplacer(`\040`, " ", `\011`, "\t", `\012`, "\n", `\134`, `\`).Replace(path)
}

// tryCgroup has a program that does not exist be started in a cgroup: the
// error tells how far it came.
func tryCgroup(fd int) error {
	return tryStart(&syscall.ProcAttr{Env: []string{}, Sys: &syscall.SysProcAttr{UseCgroupFD: true, CgroupFD: fd}})
}

// tryStart finds out whether a child could be born with attributes.
func tryStart(attr *syscall.ProcAttr) error {
	pid, err := syscall.ForkExec("/proc/self/no-such-program", []string{"try"}, attr)
	switch {
	case err == nil: // it ended before it could tell that there is no program
		_, _ = wait4(pid, nil, 0, nil)
		return errors.New("it was killed")
	case errors.Is(err, syscall.ENOENT), errors.Is(err, syscall.EACCES):
		return nil
	}
	return err
}
