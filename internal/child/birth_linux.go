//go:build amd64 || arm64

package child

import (
	"errors"
	"fmt"
	"math"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// call is a system call that the child makes.
type call struct {
	number uintptr
	args   [6]uintptr
	ignore uintptr // not 0: a failure does not matter
}

// birth is all that vfork needs: the call that makes a child, and the rows of
// calls that the child makes, the last of which executes the program. The
// assembly knows where its fields are.
//
// What the rows point to is kept alive by the fields below, and by who calls:
// a number is no reference. Nothing of it is on a stack, which could move.
type birth struct {
	clone  call
	all    uint64  // all signals
	mask   uint64  // of this thread, before
	failed uintptr // where the row that failed is
	errno  uintptr
	rows   *call // the first

	clone3   cloneArgs
	empty    uint64 // no signals
	standard disposition
	ignore   disposition
	table    []call
	names    []string // what a row does, for errors; "" for exec
	text     []byte   // strings that end with a zero
	at       []int    // where they begin in text
	vector   []uintptr
	dir      string
	fds      []int
}

// vfork makes a child that has our memory until it executes the program, or
// has failed; until then this thread sleeps, with its signals blocked. It
// returns the child's number, or a negative error of clone. The child's number
// is there in the keeper's table before the child runs.
func vfork(b *birth) (pid int)

// cloneArgs is the kernel's struct clone_args, as of Linux 5.7.
type cloneArgs struct {
	flags, pidFD, childTID, parentTID, exitSignal, stack, stackSize, tls, setTID, setTIDSize, cgroup uint64
}

const cloneClearSighand = 1 << 32

var births = sync.Pool{New: func() any { return &birth{all: ^uint64(0)} }}

// add appends a row.
func (b *birth) add(name string, number uintptr, args ...uintptr) {
	c := call{number: number}
	copy(c.args[:], args)
	b.table = append(b.table, c)
	b.names = append(b.names, name)
}

// put appends a string, which must not contain the zero that ends it.
func (b *birth) put(s string) bool {
	b.at = append(b.at, len(b.text))
	b.text = append(append(b.text, s...), 0)
	return strings.IndexByte(s, 0) < 0
}

// strings puts the path, the directory, arguments and environment where the
// kernel reads them.
func (b *birth) strings(c *Command) (path, dir, args, env uintptr, err error) {
	b.text, b.at, b.vector = b.text[:0], b.at[:0], b.vector[:0]
	list := c.Args
	if len(list) == 0 {
		list = []string{c.Path}
	}
	good := b.put(c.Path) && b.put(c.Dir)
	for _, s := range list {
		good = good && b.put(s)
	}
	for _, s := range c.Env {
		good = good && b.put(s)
	}
	if !good {
		return 0, 0, 0, 0, syscall.EINVAL
	}
	base := uintptr(unsafe.Pointer(&b.text[0]))
	for i, at := range b.at[2:] {
		if i == len(list) {
			b.vector = append(b.vector, 0)
		}
		b.vector = append(b.vector, base+uintptr(at))
	}
	if len(c.Env) == 0 {
		b.vector = append(b.vector, 0)
	}
	b.vector = append(b.vector, 0)
	args = uintptr(unsafe.Pointer(&b.vector[0]))
	return base, base + uintptr(b.at[1]), args, args + uintptr(len(list)+1)*unsafe.Sizeof(args), nil
}

// files adds rows that make the descriptors of b.fds 0, 1, 2 and so on. A
// source that would be overwritten before its turn is moved out of the way
// first, and so is the descriptor of the rules, which files returns: a later row
// uses it.
func (b *birth) files(rules int) int {
	above := max(rules, len(b.fds))
	for _, fd := range b.fds {
		above = max(above, fd)
	}
	move := func(fd int) int {
		above++
		b.add("move a descriptor", unix.SYS_DUP3, uintptr(fd), uintptr(above), unix.O_CLOEXEC)
		return above
	}
	for i, fd := range b.fds {
		if fd < i {
			b.fds[i] = move(fd)
		}
	}
	if rules >= 0 && rules < len(b.fds) {
		rules = move(rules)
	}
	for i, fd := range b.fds {
		if fd == i {
			b.add("keep a descriptor", unix.SYS_FCNTL, uintptr(fd), unix.F_SETFD, 0)
		} else {
			b.add("set a descriptor", unix.SYS_DUP3, uintptr(fd), uintptr(i), 0)
		}
	}
	return rules
}

// prepare makes the rows for a program that has the descriptors b.fds.
func (b *birth) prepare(y *system, c *Command) error {
	path, dir, args, env, err := b.strings(c)
	if err != nil {
		return err
	}
	b.table, b.names, b.failed, b.errno = b.table[:0], b.names[:0], 0, 0
	b.dir, b.empty = c.Dir, 0
	if y.legacy {
		b.defaults(y)
	}
	if kin.sessions {
		b.add("make a session", unix.SYS_SETSID)
	} else {
		b.add("make a group", unix.SYS_SETPGID, 0, 0)
	}
	if y.network.empty {
		b.add("enter the empty network", unix.SYS_SETNS, uintptr(y.network.namespace), unix.CLONE_NEWNET)
	}
	rules := b.files(y.rules)
	if kin.closes {
		b.add("keep our descriptors", unix.SYS_CLOSE_RANGE, uintptr(len(b.fds)), math.MaxUint32, unix.CLOSE_RANGE_CLOEXEC)
	}
	b.limits(y.limits, false)
	if u := y.credential; u != nil {
		var groups uintptr
		if len(u.Groups) > 0 {
			groups = uintptr(unsafe.Pointer(&u.Groups[0]))
		}
		b.add("set groups", unix.SYS_SETGROUPS, uintptr(len(u.Groups)), groups)
		b.add("set the group", unix.SYS_SETGID, uintptr(u.Gid))
		b.add("set the user", unix.SYS_SETUID, uintptr(u.Uid))
	}
	// A limit of processes that holds while the user is changed would have
	// exec refused.
	b.limits(y.limits, true)
	if c.Dir != "" {
		b.add("enter the directory", unix.SYS_CHDIR, dir)
	}
	if y.confined && y.credential == nil { // who becomes another user loses them by that
		b.add("drop capabilities", unix.SYS_PRCTL, unix.PR_CAP_AMBIENT, unix.PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0)
		b.table[len(b.table)-1].ignore = 1 // before Linux 4.3 there are none
	}
	if y.confined || rules >= 0 {
		b.add("no new privileges", unix.SYS_PRCTL, unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
	}
	if rules >= 0 {
		b.add("enter landlock", unix.SYS_LANDLOCK_RESTRICT_SELF, uintptr(rules), 0)
	}
	b.add("unblock signals", unix.SYS_RT_SIGPROCMASK, unix.SIG_SETMASK, uintptr(unsafe.Pointer(&b.empty)), 0, 8)
	b.add("", unix.SYS_EXECVE, path, args, env)
	b.rows = &b.table[0]
	return nil
}

// limits adds rows that set limits: that of processes, or the others.
func (b *birth) limits(list []limit, processes bool) {
	for i := range list {
		l := &list[i]
		if (l.resource == unix.RLIMIT_NPROC) == processes || l.raised {
			b.add("limit "+l.name, unix.SYS_PRLIMIT64, 0, uintptr(l.resource), uintptr(unsafe.Pointer(&l.value)), 0)
		}
	}
}

// defaults adds rows for what CLONE_CLEAR_SIGHAND does otherwise: no handler of
// ours may run in the child, whose signals are unblocked while it has our
// memory. Who ignored a signal hands that down, though there be a handler now.
func (b *birth) defaults(y *system) {
	b.ignore = disposition{1} // SIG_IGN
	for n := unix.Signal(1); n <= 64; n++ {
		to := &b.standard
		if y.ignored&(1<<(n-1)) != 0 {
			to = &b.ignore
		}
		if n != unix.SIGKILL && n != unix.SIGSTOP {
			b.add("default signals", unix.SYS_RT_SIGACTION, uintptr(n), uintptr(unsafe.Pointer(to)), 0, 8)
		}
	}
}

// spawn starts a program with descriptors, in a cgroup unless group is -1, and
// returns when it runs. Its number is in entry before it does anything, so that
// nobody who finds it takes it for a stray, and the keeper knows it.
func (y *system) spawn(c *Command, fds []int, group int, entry *uint64) (pid int, err error) {
	b := births.Get().(*birth)
	defer births.Put(b)
	b.fds = append(b.fds[:0], fds...)
	if err := b.prepare(y, c); err != nil {
		return 0, err
	}
	if !kin.closes {
		syscall.ForkLock.Lock()
		defer syscall.ForkLock.Unlock()
	}
	return b.start(y, group, entry)
}

// start makes the child, and says why it could not execute the program.
func (b *birth) start(y *system, group int, entry *uint64) (pid int, err error) {
	const flags = unix.CLONE_VM | unix.CLONE_VFORK | unix.CLONE_PARENT_SETTID
	where := uintptr(unsafe.Pointer(entry)) // mapped, not Go's
	if y.legacy {
		b.clone = call{number: unix.SYS_CLONE, args: [6]uintptr{flags | uintptr(unix.SIGCHLD), 0, where}}
	} else {
		b.clone3 = cloneArgs{flags: flags | cloneClearSighand, parentTID: uint64(where), exitSignal: uint64(unix.SIGCHLD)}
		if group >= 0 {
			b.clone3.flags |= unix.CLONE_INTO_CGROUP
			b.clone3.cgroup = uint64(group)
		}
		b.clone = call{number: unix.SYS_CLONE3, args: [6]uintptr{uintptr(unsafe.Pointer(&b.clone3)), unsafe.Sizeof(b.clone3)}}
	}
	pid = vfork(b)
	runtime.KeepAlive(y)
	switch {
	case pid < 0:
		return 0, fmt.Errorf("%w: %w", errClone, syscall.Errno(-pid))
	case b.failed == 0:
		return pid, nil
	}
	_, _ = wait4(pid, nil, 0, nil)
	atomic.StoreUint64(entry, 0)
	return 0, b.fault()
}

// errClone is a child that could not be made, errExec one that could not
// execute its program.
var (
	errClone = errors.New("make a process")
	errExec  = errors.New("execute")
)

// execError is errExec for those who ask, and reads as its cause.
type execError struct{ cause syscall.Errno }

func (e execError) Error() string   { return e.cause.Error() }
func (e execError) Unwrap() []error { return []error{e.cause, errExec} }

// birthing is how children of a Spawner are made.
type birthing struct {
	legacy  bool   // by clone: there is no clone3
	ignored uint64 // then: signals that we ignore
}

// find finds out how children can be made.
func (y *system) find() error {
	if given, raised := givenFiles(); raised && y.options.Limits.Files == 0 {
		y.limits = append(y.limits, limit{resource: unix.RLIMIT_NOFILE, value: given, name: "files"})
	}
	err := y.try()
	refused := errors.Is(err, syscall.ENOSYS) || errors.Is(err, syscall.EPERM) || errors.Is(err, syscall.EINVAL)
	if !errors.Is(err, errClone) || !refused || y.groups != nil {
		return err
	}
	y.legacy = true
	for n := unix.Signal(1); n <= 64; n++ {
		if at := dispositionOf(n); at[0] == 1 { // SIG_IGN
			y.ignored |= 1 << (n - 1)
		}
	}
	return y.try()
}

// fault is the row that failed.
func (b *birth) fault() error {
	i := (b.failed - uintptr(unsafe.Pointer(b.rows))) / unsafe.Sizeof(call{})
	err := syscall.Errno(b.errno)
	switch name := b.names[i]; {
	case b.table[i].number == unix.SYS_CHDIR:
		return fmt.Errorf("%s %s: %w", name, b.dir, err)
	case name != "":
		return fmt.Errorf("%s: %w", name, err)
	}
	return execError{err}
}
