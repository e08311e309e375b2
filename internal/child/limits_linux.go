package child

import (
	"fmt"
	"os"
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

// injects says that children may set their own limits; tests take it back.
var injects = mayInject

// chooseSetter decides how limits are set: by prlimit(2), which for processes of
// another user needs CAP_SYS_RESOURCE, or by the child itself, which needs
// nothing, but code for it. Without the capability nobody can raise a hard
// limit either: a lower one that we have stays, and holds what was asked for.
func (y *system) chooseSetter() error {
	if len(y.limits) == 0 || hasCapability(unix.CAP_SYS_RESOURCE) {
		return nil
	}
	for i := range y.limits {
		l := &y.limits[i]
		var ours unix.Rlimit
		if err := unix.Prlimit(0, l.resource, nil, &ours); err != nil {
			return fmt.Errorf("limits: %w", err)
		}
		l.value.Max = min(l.value.Max, ours.Max)
		l.value.Cur = min(l.value.Cur, ours.Max)
	}
	c := y.credential
	if c == nil || int(c.Uid) == os.Getuid() && int(c.Gid) == os.Getgid() {
		return nil
	}
	if !injects {
		return ErrLimits
	}
	y.inject = true
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

// setLimits sets the limits of a child that is held.
func (y *system) setLimits(pid int) error {
	if y.inject {
		return inject(pid, y.limits)
	}
	for i := range y.limits {
		l := &y.limits[i]
		if err := unix.Prlimit(pid, l.resource, &l.value, nil); err != nil {
			return fmt.Errorf("%s: %w", l.name, err)
		}
	}
	return nil
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
