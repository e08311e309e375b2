package child

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"unsafe"

	"golang.org/x/sys/unix"
)

// network is how programs are kept off the network.
type network struct {
	namespace int // descriptor of the empty namespace, or 0
	empty     bool
}

func (n *network) close() {
	if n.namespace > 0 {
		_ = unix.Close(n.namespace)
	}
}

func (n *network) describe(wanted bool) string {
	switch {
	case !wanted:
		return "network as ours"
	case n.empty:
		return "no network (namespace)"
	}
	return "no TCP (landlock)"
}

// Rights that rules are about, by the Landlock ABI that brought them. Devices
// cannot be made in any case.
const (
	rightsRead  = unix.LANDLOCK_ACCESS_FS_EXECUTE | unix.LANDLOCK_ACCESS_FS_READ_FILE | unix.LANDLOCK_ACCESS_FS_READ_DIR
	rightsFirst = 1<<13 - 1 // all of ABI 1
	rightsMake  = unix.LANDLOCK_ACCESS_FS_MAKE_CHAR | unix.LANDLOCK_ACCESS_FS_MAKE_BLOCK
	rightsFile  = unix.LANDLOCK_ACCESS_FS_EXECUTE | unix.LANDLOCK_ACCESS_FS_READ_FILE | unix.LANDLOCK_ACCESS_FS_WRITE_FILE | unix.LANDLOCK_ACCESS_FS_TRUNCATE
)

// landlockABI is the version of Landlock that the kernel has; 0: none.
func landlockABI() int {
	abi, _, errno := unix.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET, 0, 0, unix.LANDLOCK_CREATE_RULESET_VERSION)
	if errno != 0 {
		return 0
	}
	return int(abi)
}

// sandbox decides what confines programs, and makes the Landlock rules.
func (y *system) sandbox() error {
	o := &y.options
	abi := landlockABI()
	y.network.empty = o.NoNetwork && y.network.make() == nil
	var attr unix.LandlockRulesetAttr
	if o.NoNetwork && !y.network.empty {
		if abi < 4 {
			return fmt.Errorf("no network: a network namespace needs privilege, and Landlock of this kernel (ABI %d) has no rules for TCP (ABI 4)", abi)
		}
		attr.Handled_access_net = unix.LANDLOCK_ACCESS_NET_BIND_TCP | unix.LANDLOCK_ACCESS_NET_CONNECT_TCP
	}
	if o.Landlock != nil {
		if abi < 1 {
			return errors.New("landlock: this kernel has none")
		}
		attr.Handled_access_fs = rightsFirst
		if abi >= 2 {
			attr.Handled_access_fs |= unix.LANDLOCK_ACCESS_FS_REFER
		}
		if abi >= 3 {
			attr.Handled_access_fs |= unix.LANDLOCK_ACCESS_FS_TRUNCATE
		}
	}
	if attr.Handled_access_fs|attr.Handled_access_net == 0 {
		return nil
	}
	size := unsafe.Offsetof(attr.Scoped) // what ABI 4 knows
	if abi < 4 {
		size = unsafe.Offsetof(attr.Handled_access_net)
	}
	fd, _, errno := unix.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET, uintptr(unsafe.Pointer(&attr)), size, 0)
	if errno != 0 {
		return fmt.Errorf("landlock: make rules: %w", errno)
	}
	y.rules = int(fd)
	return y.addRules(attr.Handled_access_fs)
}

// addRules lists the files of Options.Landlock in the rules.
func (y *system) addRules(handled uint64) error {
	l := y.options.Landlock
	if l == nil {
		return nil
	}
	for _, path := range l.Read {
		if err := y.allow(path, rightsRead); err != nil {
			return err
		}
	}
	for _, path := range l.Write {
		if err := y.allow(path, handled&^rightsMake); err != nil {
			return err
		}
	}
	const use = unix.LANDLOCK_ACCESS_FS_READ_FILE
	for device, rights := range map[string]uint64{
		"/dev/null": use | unix.LANDLOCK_ACCESS_FS_WRITE_FILE | handled&unix.LANDLOCK_ACCESS_FS_TRUNCATE,
		"/dev/zero": use, "/dev/full": use, "/dev/random": use, "/dev/urandom": use,
	} {
		if err := y.allow(device, rights); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
	}
	return nil
}

// allow adds one rule; a file has fewer rights than a directory.
func (y *system) allow(path string, rights uint64) error {
	fd, err := unix.Open(path, unix.O_PATH|unix.O_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("landlock: %s: %w", path, err)
	}
	defer func() { _ = unix.Close(fd) }()
	var stat unix.Stat_t
	if err := unix.Fstat(fd, &stat); err != nil {
		return fmt.Errorf("landlock: %s: %w", path, err)
	}
	if stat.Mode&unix.S_IFMT != unix.S_IFDIR {
		rights &= rightsFile
	}
	attr := unix.LandlockPathBeneathAttr{Allowed_access: rights, Parent_fd: int32(fd)}
	_, _, errno := unix.Syscall6(unix.SYS_LANDLOCK_ADD_RULE, uintptr(y.rules), unix.LANDLOCK_RULE_PATH_BENEATH, uintptr(unsafe.Pointer(&attr)), 0, 0, 0)
	if errno != 0 {
		return fmt.Errorf("landlock: %s: %w", path, errno)
	}
	return nil
}

// make makes the empty namespace, on a thread that ends then.
func (n *network) make() error {
	made := make(chan error)
	onThread(func() {
		err := unshareNetwork()
		if err == nil {
			n.namespace, err = unix.Open("/proc/thread-self/ns/net", unix.O_RDONLY|unix.O_CLOEXEC, 0)
		}
		made <- err
	})
	return <-made
}

// onThread runs f on a goroutine with an operating-system thread that ends
// with it. It is not the process's first thread: that one cannot end, and
// stands for the process in /proc.
func onThread(f func()) {
	go func() {
		runtime.LockOSThread()
		if unix.Gettid() != os.Getpid() {
			f()
			return
		}
		// While we hold the first thread the next goroutine gets another.
		begun := make(chan struct{})
		onThread(func() {
			close(begun)
			f()
		})
		<-begun
		runtime.UnlockOSThread()
	}()
}

// unshareNetwork gives the calling thread an empty network; tests say no.
var unshareNetwork = func() error { return unix.Unshare(unix.CLONE_NEWNET) }
