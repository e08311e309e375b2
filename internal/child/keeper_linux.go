package child

import (
	"bytes"
	"os"
	"strings"
	"sync/atomic"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// keeperVariable, and the two descriptors, make an execution of this program
// the keeper.
const keeperVariable = "FRESHET_CHILD_KEEPER"

const (
	keeperPipe  = 3 // its end says that the server did
	keeperTable = 4
)

// init takes over a process that was executed as the keeper, before it is
// anything else. It does nothing in any other.
func init() {
	if _, found := syscall.Getenv(keeperVariable); !found {
		return
	}
	var pipe, table unix.Stat_t
	if unix.Fstat(keeperPipe, &pipe) != nil || pipe.Mode&unix.S_IFMT != unix.S_IFIFO ||
		unix.Fstat(keeperTable, &table) != nil || table.Size != tableSlots*8 {
		return
	}
	keep()
	unix.Exit(0)
}

// keep sleeps until the server is no more, and ends the groups that it had.
func keep() {
	for _, s := range []unix.Signal{unix.SIGTERM, unix.SIGINT, unix.SIGHUP, unix.SIGQUIT, unix.SIGUSR1, unix.SIGUSR2, unix.SIGPIPE} {
		dispose(s, disposition{1}) // SIG_IGN
	}
	name := [16]byte{}
	copy(name[:15], "freshet-keeper")
	_ = unix.Prctl(unix.PR_SET_NAME, uintptr(unsafe.Pointer(&name[0])), 0, 0, 0)
	memory, err := unix.Mmap(keeperTable, 0, tableSlots*8, unix.PROT_READ, unix.MAP_SHARED)
	if err != nil {
		return
	}
	told := make([]byte, 0, 512)
	buffer := make([]byte, 512)
	for {
		n, err := unix.Read(keeperPipe, buffer)
		if err == unix.EINTR || err == unix.EAGAIN {
			continue
		}
		if n <= 0 {
			break
		}
		told = append(told, buffer[:n]...)
	}
	killTable(slotsOf(memory))
	for dir := range directories(told) {
		killTree(dir)
	}
	// A group that a dying process was just starting is found the second time.
	killTable(slotsOf(memory))
}

func killTable(table []uint64) {
	for i := range table {
		if group := int(atomic.LoadUint64(&table[i])); group > 1 {
			_ = unix.Kill(-group, unix.SIGKILL)
		}
	}
}

// directories are the cgroups that the server told of with "+" and has not
// taken back with "-"; one a line.
func directories(told []byte) map[string]bool {
	set := map[string]bool{}
	for line := range bytes.Lines(told) {
		line, whole := strings.CutSuffix(string(line), "\n")
		if !whole || len(line) < 2 {
			continue
		}
		if set[line[1:]] = true; line[0] == '-' {
			delete(set, line[1:])
		}
	}
	return set
}

// killTree kills all in a cgroup and those below, and removes them.
func killTree(dir string) {
	for pause := time.Millisecond; pause < time.Second; pause *= 2 {
		_ = killCgroup(dir)
		if removeTree(dir) == nil {
			return
		}
		time.Sleep(pause)
	}
}

// disposition is the kernel's struct sigaction, which begins with the handler
// and has less on some architectures; zero is SIG_DFL.
type disposition [8]uintptr

// dispose sets what becomes of a signal for the whole process, without the
// machinery of os/signal, and returns what did before.
func dispose(signal unix.Signal, to disposition) (before disposition) {
	_, _, _ = unix.RawSyscall6(unix.SYS_RT_SIGACTION, uintptr(signal), uintptr(unsafe.Pointer(&to)), uintptr(unsafe.Pointer(&before)), 8, 0, 0)
	return before
}

// dispositionOf is what becomes of a signal.
func dispositionOf(signal unix.Signal) (is disposition) {
	_, _, _ = unix.RawSyscall6(unix.SYS_RT_SIGACTION, uintptr(signal), 0, uintptr(unsafe.Pointer(&is)), 8, 0, 0)
	return is
}

// startKeeper executes this program as the keeper; who has the other end of
// the pipe is kept. Its copy of the pipe's end and of the table are its own.
func startKeeper(table int) (pid int, pipe *os.File, err error) {
	r, w, err := os.Pipe()
	if err != nil {
		return 0, nil, err
	}
	defer func() { _ = r.Close() }()
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err == nil {
		pid, err = syscall.ForkExec("/proc/self/exe", []string{"freshet-keeper"}, &syscall.ProcAttr{
			Dir:   "/",
			Env:   []string{keeperVariable + "=1", "GOMAXPROCS=1", "GOGC=off"},
			Files: []uintptr{null.Fd(), null.Fd(), null.Fd(), r.Fd(), uintptr(table)},
			Sys:   &syscall.SysProcAttr{Setsid: true},
		})
		_ = null.Close()
	}
	if err != nil {
		_ = w.Close()
		return 0, nil, err
	}
	return pid, w, nil
}
