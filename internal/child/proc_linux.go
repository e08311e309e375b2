package child

import (
	"bytes"
	"errors"
	"io"
	"os"
	"runtime"
	"slices"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// stat is what /proc/PID/stat says of a process, a zombie included.
type stat struct {
	state                  byte
	parent, group, session int
	terminal               int    // 0: none
	started                uint64 // ticks after boot: with the pid, a name that is not used again
	cpu                    time.Duration
	rss                    int64 // bytes
}

// tick is the unit of times in /proc: USER_HZ is 100 on every architecture
// that Go knows.
const tick = time.Second / 100

func readStat(pid int) (stat, error) {
	text, err := readProc(pid, "stat")
	if err != nil {
		return stat{}, err
	}
	return parseStat(text)
}

// parseStat reads the fields after the name, which may hold anything, even
// parentheses: proc(5).
func parseStat(text []byte) (stat, error) {
	end := bytes.LastIndexByte(text, ')')
	fields := bytes.Fields(text[end+1:])
	if end < 0 || len(fields) < 22 || len(fields[0]) != 1 {
		return stat{}, errGone
	}
	number := func(i int) int64 {
		n, _ := strconv.ParseInt(string(fields[i-3]), 10, 64)
		return n
	}
	return stat{
		state:    fields[0][0],
		parent:   int(number(4)),
		group:    int(number(5)),
		session:  int(number(6)),
		terminal: int(number(7)),
		started:  uint64(number(22)),
		cpu:      time.Duration(number(14)+number(15)) * tick,
		rss:      number(24) * int64(os.Getpagesize()),
	}, nil
}

// maxProc bounds what is read of one file in /proc; environments may be
// larger, and a mark behind that is not found.
const maxProc = 512 << 10

func readProc(pid int, name string) ([]byte, error) {
	f, err := os.Open("/proc/" + strconv.Itoa(pid) + "/" + name)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	return io.ReadAll(io.LimitReader(f, maxProc))
}

// markOf finds UNIQUE_ID in the environment that a process was executed with.
func markOf(pid int) string {
	text, err := readProc(pid, "environ")
	if errors.Is(err, os.ErrPermission) && os.Geteuid() == 0 {
		// Root without CAP_SYS_PTRACE may read what its owner may.
		as(pid, func() { text, err = readProc(pid, "environ") })
	}
	if err != nil {
		return ""
	}
	for entry := range bytes.SplitSeq(text, []byte{0}) {
		if mark, ok := bytes.CutPrefix(entry, []byte("UNIQUE_ID=")); ok {
			return string(mark)
		}
	}
	return ""
}

// as calls f on a thread that accesses files as the owner of a process. That
// gives no one a right to signal the thread, as another user id would.
func as(pid int, f func()) {
	var stat unix.Stat_t
	if unix.Stat("/proc/"+strconv.Itoa(pid), &stat) != nil {
		return
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	_, _ = unix.SetfsgidRetGid(int(stat.Gid))
	_, _ = unix.SetfsuidRetUid(int(stat.Uid))
	f()
	_, _ = unix.SetfsuidRetUid(os.Geteuid())
	_, _ = unix.SetfsgidRetGid(os.Getegid())
}

// cgroupOf is the path of a process in the cgroup v2 hierarchy.
func cgroupOf(pid int) string {
	text, err := readProc(pid, "cgroup")
	if err != nil {
		return ""
	}
	for line := range bytes.Lines(text) {
		if path, ok := bytes.CutPrefix(line, []byte("0::")); ok {
			return string(bytes.TrimSpace(path))
		}
	}
	return ""
}

// hasNoNewPrivileges looks at the flag that our threads hand down.
func hasNoNewPrivileges(pid int) bool {
	text, err := readProc(pid, "status")
	return err == nil && bytes.Contains(text, []byte("\nNoNewPrivs:\t1\n"))
}

// scanChildren finds the children of a process in all of /proc.
func scanChildren(parent int) []int {
	dir, err := os.Open("/proc")
	if err != nil {
		return nil
	}
	defer func() { _ = dir.Close() }()
	names, _ := dir.Readdirnames(-1)
	var list []int
	for _, name := range names {
		pid, err := strconv.Atoi(name)
		if err != nil {
			continue
		}
		if s, err := readStat(pid); err == nil && s.parent == parent {
			list = append(list, pid)
		}
	}
	slices.Sort(list)
	return list
}

// errGone is for a process of which /proc knows nothing.
var errGone = errors.New("no such process")
