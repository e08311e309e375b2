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
	raised   bool // above what we have
}

// limitsOf lists what is to be set on each child; what a cgroup controller
// does is left out.
func limitsOf(l Limits, g *groups) []limit {
	if !l.any() {
		return nil
	}
	var list []limit
	add := func(resource int, soft, hard uint64, name string) {
		list = append(list, limit{resource: resource, value: unix.Rlimit{Cur: soft, Max: hard}, name: name})
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

// bound makes limits ones that a child can set for itself. Without
// CAP_SYS_RESOURCE nobody can raise a hard limit: a lower one that we have
// stays, and holds what was asked for.
func bound(list []limit) error {
	capable := hasCapability(unix.CAP_SYS_RESOURCE)
	for i := range list {
		l := &list[i]
		var ours unix.Rlimit
		if err := unix.Prlimit(0, l.resource, nil, &ours); err != nil {
			return fmt.Errorf("limits: %w", err)
		}
		if capable {
			// A user cannot raise it after having become another.
			l.raised = l.value.Max > ours.Max
			continue
		}
		l.value.Max = min(l.value.Max, ours.Max)
		l.value.Cur = min(l.value.Cur, ours.Max)
	}
	return nil
}

// hasCapability looks at the effective set of this thread.
func hasCapability(n uint) bool {
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var data [2]unix.CapUserData
	if err := unix.Capget(&header, &data[0]); err != nil {
		return false
	}
	return data[n/32].Effective&(1<<(n%32)) != 0
}

// describeLimits names the limits and what holds them.
func describeLimits(l Limits, g *groups) string {
	if !l.any() {
		return "no limits"
	}
	var cgroup, prlimit []string
	say := func(limit int64, controller, text string) {
		switch {
		case limit <= 0:
		case g.controls(controller):
			cgroup = append(cgroup, text)
		default:
			prlimit = append(prlimit, text)
		}
	}
	say(l.Memory, "memory", "memory "+size(l.Memory))
	say(int64(l.CPU), "", fmt.Sprintf("CPU %d s", l.seconds()))
	say(int64(l.Processes), "pids", fmt.Sprintf("%d processes", l.Processes))
	say(int64(l.Files), "", fmt.Sprintf("%d open files", l.Files))
	say(l.FileSize, "", "files of up to "+size(l.FileSize))
	var parts []string
	if len(cgroup) > 0 {
		parts = append(parts, strings.Join(cgroup, ", ")+" (cgroup)")
	}
	if len(prlimit) > 0 {
		parts = append(parts, strings.Join(prlimit, ", ")+" (prlimit)")
	}
	return strings.Join(parts, ", ")
}

// size is a number of bytes for people.
func size(n int64) string {
	switch {
	case n >= 1<<30 && n%(1<<30) == 0:
		return fmt.Sprintf("%d GiB", n>>30)
	case n >= 1<<20 && n%(1<<20) == 0:
		return fmt.Sprintf("%d MiB", n>>20)
	}
	return fmt.Sprintf("%d KiB", (n+1<<10-1)>>10)
}
