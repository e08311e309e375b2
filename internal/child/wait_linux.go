package child

import (
	"os"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// patience is how long processes that were sent KILL may take to end; only
// those that hang in the kernel need more than a moment.
const patience = time.Second

// handle is what Linux needs to wait for a child.
type handle struct {
	group int     // descriptor of its cgroup's directory, or -1
	entry *uint64 // its slot of the keeper's table
}

// unguard tells the keeper that the group is no more.
func (h *handle) unguard() { atomic.StoreUint64(h.entry, 0) }

// signalGroup signals the group of a process that is not reaped.
func signalGroup(p *Process, signal syscall.Signal) error {
	return unix.Kill(-p.pid, signal)
}

// end waits until the leader ended, ends the rest, and reaps all.
func (p *Process) end() Result {
	awaitEnd(p.pid)
	kin.ending(p.pid)
	// KILL reaches every process of the group, those that are being forked
	// included. The leader still holds the group's number.
	_ = unix.Kill(-p.pid, unix.SIGKILL)
	p.handle.unguard()
	var status unix.WaitStatus
	var usage unix.Rusage
	var err error
	p.reap(func() { _, err = wait4(p.pid, &status, 0, &usage) })
	r := resultOf(status, &usage)
	if err != nil {
		p.complain("reap", err)
	}
	left, clean := reapGroup(p.pid)
	if !clean {
		p.complain("end the rest of its group", nil)
	}
	r.Leftovers = left
	if g := p.spawner.system.groups; g != nil {
		left, err := g.empty(p.slot)
		if err != nil {
			p.complain("empty its cgroup", err)
		}
		r.Leftovers += left
	}
	left, clean = kin.over(p.pid)
	if !clean {
		p.complain("end what left its group", nil)
	}
	r.Leftovers += left
	return r
}

// complain logs what could not be done at the end of a child.
func (p *Process) complain(what string, err error) {
	p.spawner.options.ErrorLog.Error("cannot "+what, "pid", p.pid, "mark", p.mark, "error", err)
}

// soon says whether the leader ended, or does so now. Between closing its files
// and its end a process has little to do, but it has to come to that.
func (p *Process) soon() bool {
	if hasEnded(p.pid, unix.WNOHANG) {
		return true
	}
	// On the same processor it runs if we do not.
	_, _, _ = unix.RawSyscall(unix.SYS_SCHED_YIELD, 0, 0, 0)
	return hasEnded(p.pid, unix.WNOHANG)
}

// awaitEnd blocks until a child of ours ended, and leaves it to be reaped.
func awaitEnd(pid int) {
	if !hasEnded(pid, unix.WNOHANG) {
		watchEnd(pid).await()
	}
}

// endWatch is how the end of a child is waited for: with a pidfd (Linux 5.10)
// in the poller, which takes no thread.
type endWatch struct {
	pid  int
	file *os.File // nil without
}

func watchEnd(pid int) endWatch {
	fd, err := unix.PidfdOpen(pid, unix.PIDFD_NONBLOCK)
	if err != nil {
		return endWatch{pid: pid}
	}
	return endWatch{pid, os.NewFile(uintptr(fd), "pidfd")}
}

// await blocks until the child ended, and ends the watch.
func (w endWatch) await() {
	if w.file != nil {
		defer func() { _ = w.file.Close() }()
		raw, err := w.file.SyscallConn()
		if err == nil {
			err = raw.Read(func(uintptr) bool { return hasEnded(w.pid, unix.WNOHANG) })
		}
		if err == nil {
			return
		}
	}
	for !hasEnded(w.pid, 0) {
	}
}

// hasEnded says whether a child of ours is a zombie, or no child any more.
func hasEnded(pid, options int) bool {
	var info unix.Siginfo
	err := unix.Waitid(unix.P_PID, pid, &info, unix.WEXITED|unix.WNOWAIT|options, nil)
	if err == unix.EINTR {
		return false
	}
	return err != nil || info.Signo != 0
}

// reapGroup reaps those of a killed group that became our children, as all of
// them do whose parents ended. It returns how many our signal ended.
func reapGroup(group int) (killed int, clean bool) {
	pause := 50 * time.Microsecond
	for late := time.Now().Add(patience); ; {
		var status unix.WaitStatus
		pid, err := wait4(-group, &status, unix.WNOHANG, nil)
		switch {
		case err != nil:
			return killed, true // ECHILD: nobody is left
		case pid > 0:
			if status.Signaled() && status.Signal() == unix.SIGKILL {
				killed++
			}
		case time.Now().After(late):
			return killed, false
		default:
			time.Sleep(pause)
			pause = min(2*pause, 10*time.Millisecond)
		}
	}
}

func resultOf(status unix.WaitStatus, usage *unix.Rusage) Result {
	r := Result{
		Exit:   status.ExitStatus(),
		User:   time.Duration(usage.Utime.Nano()),
		System: time.Duration(usage.Stime.Nano()),
	}
	// A child of vfork begins with our memory, which the kernel counts as its
	// own: what is not above that says nothing.
	var ours unix.Rusage
	if unix.Getrusage(unix.RUSAGE_SELF, &ours) == nil && usage.Maxrss > ours.Maxrss {
		r.MaxRSS = int64(usage.Maxrss) << 10
	}
	if status.Signaled() {
		r.Exit, r.Signal = -1, status.Signal()
	}
	return r
}

// Usage returns the CPU time that the process has had, and the bytes that it
// has resident now; zeros once it ended.
func (p *Process) Usage() (cpu time.Duration, rss int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.reaped {
		return 0, 0
	}
	stat, err := readStat(p.pid)
	if err != nil {
		return 0, 0
	}
	return stat.cpu, stat.rss
}
