package static

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// folder is a tree over a real folder, by the system calls of Linux: openat2
// with RESOLVE_BENEATH (Linux 5.6) opens a path and refuses every link out of
// the folder in one step, with no moment between check and use. Where openat2
// is missing or forbidden, [rootTree] takes its place.
//
// The hot path asks by absolute path, not relative to an open folder: the
// folder may be deleted and made anew, as build tools do.
type folder struct {
	rootTree
	local bool // the folder itself: see localDisk
}

func newFolder(dir string, follow bool) tree {
	fd, err := unix.Openat2(unix.AT_FDCWD, "/", &unix.OpenHow{Flags: unix.O_PATH | unix.O_CLOEXEC, Resolve: unix.RESOLVE_NO_SYMLINKS})
	if err != nil {
		return &rootTree{dir, follow}
	}
	unix.Close(fd)
	var st unix.Statfs_t
	return &folder{rootTree{dir, follow}, unix.Statfs(dir, &st) == nil && localDisk(&st)}
}

// localDisk reports whether stat on a file system answers within microseconds, from
// the kernel's own tables. It is then called without telling the scheduler:
// the call that tells it wakes, on a server with little to do, the runtime's
// monitor thread, which costs ten times what the stat does. Elsewhere (network
// file systems, FUSE, what we do not know) the scheduler is told, so that a
// slow server holds up only who asks for its files. It is asked for each file:
// below a folder on a local disk others may be mounted.
func localDisk(st *unix.Statfs_t) bool {
	switch uint32(st.Type) {
	case unix.EXT4_SUPER_MAGIC, unix.XFS_SUPER_MAGIC, unix.BTRFS_SUPER_MAGIC, unix.TMPFS_MAGIC,
		unix.F2FS_SUPER_MAGIC, unix.OVERLAYFS_SUPER_MAGIC:
		return true
	}
	return false
}

func (t *folder) open(name string) (*opened, error) {
	o, err := t.openAny(name)
	if err != nil || o.dir {
		return o, err
	}
	if raw, err := osFile(o.File).SyscallConn(); err == nil {
		raw.Control(func(fd uintptr) {
			var st unix.Statfs_t
			o.local = unix.Fstatfs(int(fd), &st) == nil && localDisk(&st)
		})
	}
	return o, nil
}

func (t *folder) openAny(name string) (*opened, error) {
	if t.follow {
		return t.rootTree.open(name)
	}
	if name == "" {
		name = "."
	}
	root, err := unix.Open(t.dir, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	defer unix.Close(root)
	f, err := openBeneath(root, t.dir, name, unix.RESOLVE_BENEATH)
	if errors.Is(err, unix.EXDEV) {
		// An absolute link counts as leading out, also when it stays inside.
		if name, err = resolveInside(t.dir, name); err != nil {
			return nil, err
		}
		f, err = openBeneath(root, t.dir, name, unix.RESOLVE_BENEATH|unix.RESOLVE_NO_SYMLINKS)
	}
	if err != nil {
		return nil, err
	}
	return newOpened(f)
}

// openBeneath opens name in root. The file gets its whole path as its name, for
// os.File looks up the entries of a folder by it.
func openBeneath(root int, dir, name string, resolve uint64) (*os.File, error) {
	how := unix.OpenHow{Flags: unix.O_RDONLY | unix.O_CLOEXEC | openFlags, Resolve: resolve}
	for tries := 0; ; tries++ {
		fd, err := unix.Openat2(root, name, &how)
		switch {
		case err == nil:
			return os.NewFile(uintptr(fd), filepath.Join(dir, name)), nil
		case err == unix.EINTR, err == unix.EAGAIN && tries < 16: // EAGAIN: something was renamed meanwhile
			continue
		}
		return nil, err
	}
}

func (t *folder) locate(name string) string {
	return strings.TrimSuffix(t.dir, "/") + "/" + name + "\x00"
}

// same follows links wherever they lead: only a file that was opened inside the
// folder has a source, and no other file has its stamp. (One folder of it may
// have been moved out and linked to: what is in memory of a file in there goes
// on being sent while that file stays as it was when it was inside.)
func (t *folder) same(s *source) bool {
	var st unix.Stat_t
	if t.stat(unsafe.StringData(s.place), &st, 0, s.local) != 0 {
		return false
	}
	w := &s.stamp
	return uint64(st.Ino) == w.ino && st.Size == w.size && nanoseconds(int64(st.Ctim.Sec), int64(st.Ctim.Nsec)) == w.ctime &&
		nanoseconds(int64(st.Mtim.Sec), int64(st.Mtim.Nsec)) == w.mtime && uint64(st.Dev) == w.dev && st.Mode&unix.S_IFMT == unix.S_IFREG
}

func (t *folder) empty(place string) bool {
	var st unix.Stat_t
	return t.stat(unsafe.StringData(place), &st, 0, false) == syscall.ENOENT
}

// maxGone bounds the paths that gone asks for, so that they fit the stack.
const maxGone = 1000

func (t *folder) gone(name string) bool {
	if len(t.dir)+len(name)+2 > maxGone {
		return false
	}
	var buf [maxGone]byte
	path := append(append(append(append(buf[:0], t.dir...), '/'), name...), 0)
	if t.follow || strings.IndexByte(name, '/') < 0 {
		flags := unix.AT_SYMLINK_NOFOLLOW
		if t.follow {
			flags = 0
		}
		var st unix.Stat_t
		return t.stat(&path[0], &st, flags, t.local && !t.follow) == syscall.ENOENT
	}
	// Most names that are missing are so from their first folder on, and to
	// look for that costs half of what follows.
	end := len(t.dir) + 1 + strings.IndexByte(name, '/')
	path[end] = 0
	var st unix.Stat_t
	if t.stat(&path[0], &st, unix.AT_SYMLINK_NOFOLLOW, t.local) == syscall.ENOENT {
		return true
	}
	path[end] = '/'
	// A link on the way might lead out, and the answer would tell what there
	// is outside: refuse all links. When there is one, nothing is known.
	switch openUnlinked(unix.AT_FDCWD, &path[0]) {
	case syscall.ENOENT, syscall.ENOTDIR:
		return true
	case syscall.ELOOP:
		// The way to the root may have links.
		root, err := unix.Open(t.dir, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
		if err != nil {
			return false
		}
		defer unix.Close(root)
		errno := openUnlinked(root, &path[len(t.dir)+1])
		return errno == syscall.ENOENT || errno == syscall.ENOTDIR
	}
	return false
}

// openUnlinked asks whether a path, ending in a NUL, can be opened without
// following a link.
func openUnlinked(at int, path *byte) syscall.Errno {
	how := unix.OpenHow{Flags: unix.O_PATH | unix.O_CLOEXEC, Resolve: unix.RESOLVE_NO_SYMLINKS}
	fd, _, err := syscall.Syscall6(unix.SYS_OPENAT2, uintptr(at), uintptr(unsafe.Pointer(path)),
		uintptr(unsafe.Pointer(&how)), unsafe.Sizeof(how), 0, 0)
	if err == 0 {
		unix.Close(int(fd))
	}
	return err
}

// stat is fstatat(2) for an absolute path that ends in a NUL; package unix has
// it only with a copy of the path. For local see localDisk.
func (t *folder) stat(path *byte, st *unix.Stat_t, flags int, local bool) syscall.Errno {
	at := unix.AT_FDCWD
	if local {
		_, _, err := syscall.RawSyscall6(sysFstatat, uintptr(at), uintptr(unsafe.Pointer(path)),
			uintptr(unsafe.Pointer(st)), uintptr(flags), 0, 0)
		return err
	}
	_, _, err := syscall.Syscall6(sysFstatat, uintptr(at), uintptr(unsafe.Pointer(path)),
		uintptr(unsafe.Pointer(st)), uintptr(flags), 0, 0)
	return err
}
