package child

import (
	"math"
	"os"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// kin knows who belongs to whom: the children that run, those that ended a
// moment ago, and the strays, processes that became ours because their
// parents ended.
//
// The kernel gives strays to the first thread of the subreaper; children that
// we start belong to the threads that started them. So the list of that one
// thread is all there is to read, and it is empty nearly always. Other code's
// children can be in it, too: a stray is only touched once something tells
// whose it is.
var kin family

type family struct {
	mu    sync.Mutex // guards all; held while strays are looked at
	users int
	// What the process is, found out by the first user.
	list     int // descriptor of the first thread's list of children, or -1
	buffer   []byte
	plain    bool // we do not have no_new_privs ourselves
	session  int
	sessions bool // each child leads one of its own
	subreaps bool
	quiet    bool        // SIGCHLD has its default disposition
	heard    disposition // of SIGCHLD, before

	closes bool // the kernel can mark all descriptors at once

	tables  [][]uint64     // who was born lately, and may not be in live yet
	foreign map[uint32]int // users that programs run as and we do not: by how many spawners

	live   map[int]*kinship
	recent [1024]*kinship // ended lately, the latest before next
	next   int
	strays map[int]*stray
	timer  *time.Timer
}

// kinship is a child, as long as others may belong to it.
type kinship struct {
	pid       int
	born      time.Time
	mark      string
	childless bool      // it starts nobody
	ending    bool      // its group is being reaped by who waits for it
	over      time.Time // zero: it runs
	killed    int       // strays of it that we killed

	sessions [16]int // that its strays made, the latest before made
	made     int
}

// has says whether a process in a session is of this child. The child itself
// is not among those asked about: who has its number is another.
func (k *kinship) has(pid, session int) bool {
	return k.pid == session && k.pid != pid || slices.Contains(k.sessions[:], session)
}

// note remembers the session of a stray.
func (k *kinship) note(session int) {
	if k.pid != session && !slices.Contains(k.sessions[:], session) {
		k.sessions[k.made%len(k.sessions)] = session
		k.made++
	}
}

// recentFor is how long a child's mark and session are remembered: long enough
// for strays that could not be told at first, for they were just executing;
// and so short that its number cannot have come round.
const recentFor = 5 * time.Second

// Times between two looks at strays: of those that something is known of, of
// others, and when there are none but programs run, which may leave some.
const (
	lookSoon  = 50 * time.Millisecond
	lookLater = time.Second
	lookIdle  = 10 * time.Second
)

// join makes this process one that strays come to, for a spawner whose
// programs run as a user; nil for as we do.
func (f *family) join(as *syscall.Credential) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if as != nil && int(as.Uid) != os.Geteuid() {
		if f.foreign == nil {
			f.foreign = map[uint32]int{}
		}
		f.foreign[as.Uid]++
	}
	if f.users++; f.users > 1 {
		return
	}
	f.subreaps = unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == nil
	if f.quiet = withoutSIGCHLD.Load(); f.quiet {
		f.heard = dispose(unix.SIGCHLD, disposition{})
	}
	// Descriptors that we were started with are not for programs. Those that
	// Go opens have the flag.
	f.closes = unix.CloseRange(3, math.MaxUint32, unix.CLOSE_RANGE_CLOEXEC) == nil
	pid := strconv.Itoa(os.Getpid())
	fd, err := unix.Open("/proc/self/task/"+pid+"/children", unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		fd = -1
	}
	f.list = fd
	f.buffer = make([]byte, 4096)
	f.plain = !hasNoNewPrivileges(os.Getpid())
	f.session, _ = unix.Getsid(0)
	f.sessions = wantSessions()
	f.live, f.strays = map[int]*kinship{}, map[int]*stray{}
}

// wantSessions says whether each child shall lead a session, as it shall where
// it could get at our terminal otherwise. Without one, a session only helps to
// find who left the group, and has a price where the scheduler groups by session
// (autogroup): some of the programs that run side by side are then left waiting
// for hundreds of milliseconds by those that come later.
func wantSessions() bool {
	grouped, _ := os.ReadFile("/proc/sys/kernel/sched_autogroup_enabled")
	st, err := readStat(os.Getpid())
	return err != nil || st.terminal != 0 || len(grouped) == 0 || grouped[0] != '1'
}

// leave ends what join began, and forgets everything with the last spawner.
func (f *family) leave(as *syscall.Credential) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if as != nil && f.foreign[as.Uid] > 0 {
		f.foreign[as.Uid]--
	}
	if f.users--; f.users > 0 {
		return
	}
	if f.timer != nil {
		f.timer.Stop()
	}
	if f.list >= 0 {
		_ = unix.Close(f.list)
	}
	if f.quiet {
		dispose(unix.SIGCHLD, f.heard)
	}
	f.list, f.timer, f.next = -1, nil, 0
	f.live, f.strays = nil, nil
	clear(f.recent[:])
}

// expect says where the numbers of children are, once they are born.
func (f *family) expect(table []uint64) {
	f.mu.Lock()
	f.tables = append(f.tables, table)
	f.mu.Unlock()
}

func (f *family) dismiss(table []uint64) {
	f.mu.Lock()
	f.tables = slices.DeleteFunc(f.tables, func(t []uint64) bool { return &t[0] == &table[0] })
	f.mu.Unlock()
}

// newborn says whether a process is a child of which born will say so.
func (f *family) newborn(pid int) bool {
	for _, table := range f.tables {
		for i := range table {
			if atomic.LoadUint64(&table[i]) == uint64(pid) {
				return true
			}
		}
	}
	return false
}

// born notes a child that was started.
func (f *family) born(pid int, mark string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.live[pid] = &kinship{pid: pid, born: time.Now(), mark: mark}
	if f.timer == nil {
		f.timer = time.AfterFunc(lookIdle, f.tick)
	}
}

// hired notes a child that starts no others: the keeper.
func (f *family) hired(pid int) {
	f.mu.Lock()
	f.live[pid] = &kinship{pid: pid, childless: true}
	f.mu.Unlock()
}

// stillborn forgets a child that nobody can belong to.
func (f *family) stillborn(pid int) {
	f.mu.Lock()
	delete(f.live, pid)
	f.mu.Unlock()
}

// ending says that a child's group is about to be killed and reaped.
func (f *family) ending(pid int) {
	f.mu.Lock()
	f.live[pid].ending = true
	f.mu.Unlock()
}

// over ends what a child left behind outside its group, and returns how many
// had to be killed; clean says that no more are known.
func (f *family) over(pid int) (killed int, clean bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	k := f.live[pid]
	delete(f.live, pid)
	k.over = time.Now()
	f.recent[f.next%len(f.recent)] = k
	f.next++
	for _, s := range f.strays {
		if s.of == k {
			s.next = time.Time{}
		}
	}
	pause := 50 * time.Microsecond
	for {
		// The children of what is reaped have become ours before it.
		for f.look() {
		}
		if f.settled(k) {
			return k.killed, true
		}
		if time.Since(k.over) > patience {
			return k.killed, false
		}
		f.mu.Unlock()
		time.Sleep(pause)
		pause = min(2*pause, 10*time.Millisecond)
		f.mu.Lock()
	}
}

// settled says that nothing of a child that is over is known to be left: its
// strays are reaped, and there are none that could still turn out to be its.
func (f *family) settled(k *kinship) bool {
	for _, s := range f.strays {
		if s.of == k && s.doomed || s.of == nil && !s.ours && s.looks < closeLooks {
			return false
		}
	}
	return true
}

// tick looks at the strays from time to time.
func (f *family) tick() {
	f.mu.Lock()
	defer f.mu.Unlock()
	for f.users > 0 && f.look() {
	}
}

// children lists the processes that the kernel gave us.
func (f *family) children() []int {
	if !f.subreaps {
		return nil
	}
	if f.list < 0 {
		return scanChildren(os.Getpid())
	}
	for {
		n, err := unix.Pread(f.list, f.buffer, 0)
		if err == unix.EINTR {
			continue
		}
		if err != nil || n <= 0 {
			return nil
		}
		if n < len(f.buffer) {
			return numbers(f.buffer[:n])
		}
		f.buffer = make([]byte, 2*len(f.buffer))
	}
}

// numbers reads a list of numbers with a space after each.
func numbers(text []byte) []int {
	var list []int
	n := 0
	for _, c := range text {
		if c >= '0' && c <= '9' {
			n = 10*n + int(c-'0')
		} else if n > 0 {
			list = append(list, n)
			n = 0
		}
	}
	return list
}
