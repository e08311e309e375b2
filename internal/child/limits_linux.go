package child

import (
	"fmt"
	"strings"

	"golang.org/x/sys/unix"
)

// limit is a row of what prlimit sets.
type limit struct {
	resource int
	value    unix.Rlimit
	name     string
}

// limitsOf lists what is to be set on each child; what a cgroup controller
// does is left out.
func limitsOf(l Limits, g *groups) []limit {
	if !l.any() {
		return nil
	}
	var list []limit
	add := func(resource int, soft, hard uint64, name string) {
		list = append(list, limit{resource, unix.Rlimit{Cur: soft, Max: hard}, name})
	}
	if l.Memory > 0 && !g.controls("memory") {
		add(unix.RLIMIT_AS, uint64(l.Memory), uint64(l.Memory), "memory")
	}
	if l.CPU > 0 {
		// SIGXCPU at the soft limit, which may be caught; SIGKILL at the hard one.
		add(unix.RLIMIT_CPU, l.seconds(), l.seconds()+1, "CPU time")
	}
	if l.Processes > 0 && !g.controls("pids") {
		add(unix.RLIMIT_NPROC, uint64(l.Processes), uint64(l.Processes), "processes")
	}
	if l.Files > 0 {
		add(unix.RLIMIT_NOFILE, uint64(l.Files), uint64(l.Files), "files")
	}
	if l.FileSize > 0 {
		add(unix.RLIMIT_FSIZE, uint64(l.FileSize), uint64(l.FileSize), "file size")
	}
	if len(list) > 0 {
		add(unix.RLIMIT_CORE, 0, 0, "core files")
	}
	return list
}

// setLimits sets limits of a process. A hard limit that is lower already
// stays: only root could raise it, and it holds what was asked for.
func setLimits(pid int, list []limit) error {
	for i := range list {
		l := &list[i]
		err := unix.Prlimit(pid, l.resource, &l.value, nil)
		if err == unix.EPERM {
			err = lower(pid, l)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", l.name, err)
		}
	}
	return nil
}

// lower sets a limit below a hard limit that may not be raised.
func lower(pid int, l *limit) error {
	var old unix.Rlimit
	if err := unix.Prlimit(pid, l.resource, nil, &old); err != nil {
		return err
	}
	value := unix.Rlimit{Cur: min(l.value.Cur, old.Max), Max: min(l.value.Max, old.Max)}
	return unix.Prlimit(pid, l.resource, &value, nil)
}

// describeLimits names the limits and what holds them.
func describeLimits(l Limits, g *groups) string {
	if !l.any() {
		return "no limits"
	}
	by := func(controller string) string {
		if g.controls(controller) {
			return " (cgroup)"
		}
		return " (prlimit)"
	}
	var parts []string
	if l.Memory > 0 {
		parts = append(parts, fmt.Sprintf("memory %d MiB", l.Memory>>20)+by("memory"))
	}
	if l.CPU > 0 {
		parts = append(parts, fmt.Sprintf("CPU %d s", l.seconds())+by(""))
	}
	if l.Processes > 0 {
		parts = append(parts, fmt.Sprintf("%d processes", l.Processes)+by("pids"))
	}
	if l.Files > 0 {
		parts = append(parts, fmt.Sprintf("%d files", l.Files)+by(""))
	}
	if l.FileSize > 0 {
		parts = append(parts, fmt.Sprintf("files of %d KiB", l.FileSize>>10)+by(""))
	}
	return strings.Join(parts, ", ")
}
