//go:build unix

package diskstore

import (
	"io/fs"
	"syscall"
)

// Files that are written whole, and renamed, go to the kernel without package
// os: it would look at what is in the way first, and make ready for polling.

func writeFile(name string, content []byte) error {
	var fd int
	err := again(func() (err error) {
		fd, err = syscall.Open(name, syscall.O_WRONLY|syscall.O_CREAT|syscall.O_TRUNC|syscall.O_CLOEXEC, 0o600)
		return err
	})
	if err != nil {
		return &fs.PathError{Op: "open", Path: name, Err: err}
	}
	for len(content) > 0 && err == nil {
		var n int
		err = again(func() (err error) {
			n, err = syscall.Write(fd, content)
			return err
		})
		content = content[max(n, 0):]
	}
	if closing := syscall.Close(fd); err == nil {
		err = closing
	}
	if err != nil {
		return &fs.PathError{Op: "write", Path: name, Err: err}
	}
	return nil
}

func rename(from, to string) error {
	if err := again(func() error { return syscall.Rename(from, to) }); err != nil {
		return &fs.PathError{Op: "rename", Path: to, Err: err}
	}
	return nil
}

// again repeats a call that a signal interrupted.
func again(call func() error) error {
	for {
		if err := call(); err != syscall.EINTR {
			return err
		}
	}
}

// occupied is what a file takes of the disk, which of one with holes is less
// than its length.
func occupied(info fs.FileInfo) int64 {
	if st, ok := info.Sys().(*syscall.Stat_t); ok {
		return int64(st.Blocks) * 512
	}
	return onDisk(info.Size())
}
