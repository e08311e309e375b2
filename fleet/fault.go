package fleet

import (
	"context"
	"errors"
	"os"
	"slices"
	"syscall"

	"freshet/internal/atrest"
	"freshet/internal/bus"
)

// A start can fail for two reasons. What its user has said cannot be done: a folder
// that is another's, an address that is taken, a user that there is not. That ends
// the start, for nothing but another command line helps. Or what is kept cannot be
// read or written: the disk is full, or has lost something. That is what a queue
// can meet later, too, and it is met in the same way: the server serves without it,
// and it is opened again and again.

// unkept is an error of [Open] of the second kind.
type unkept struct{ err error }

func (u *unkept) Error() string { return u.err.Error() }
func (u *unkept) Unwrap() error { return u.err }

// isUnkept reports whether an error is of the second kind.
func isUnkept(err error) bool {
	var u *unkept
	return errors.As(err, &u)
}

// mistake is what is wrong with what a user has said.
type mistake struct{ err error }

func (m *mistake) Error() string { return m.err.Error() }
func (m *mistake) Unwrap() error { return m.err }

// mistaken marks an error, unless it is nil.
func mistaken(err error) error {
	if err == nil {
		return nil
	}
	return &mistake{err}
}

// diskFaults are what a system says of a disk, whatever was done.
var diskFaults = [...]error{syscall.ENOSPC, syscall.EDQUOT, syscall.EIO, syscall.EROFS}

func isDiskFault(err error) bool {
	return slices.ContainsFunc(diskFaults[:], func(target error) bool { return errors.Is(err, target) })
}

// sorted is an error of an opening, as one of the two kinds.
func sorted(ctx context.Context, err error) error {
	if isDiskFault(err) {
		return &unkept{err}
	}
	var m *mistake
	if ctx.Err() != nil || errors.As(err, &m) {
		return err
	}
	for _, target := range [...]error{ErrInUse, atrest.ErrSealed, atrest.ErrPlain, atrest.ErrNoKey, bus.ErrAbsent, bus.ErrPeerFolder, os.ErrPermission, syscall.ENOTDIR, syscall.EISDIR, syscall.ENAMETOOLONG, syscall.ELOOP} {
		if errors.Is(err, target) {
			return err
		}
	}
	return &unkept{err}
}

// A folder is tried with a file of so many bytes before a queue is opened in it: on
// a full disk NATS would say only that something cannot be made, and leave a
// descriptor open with each try.
const (
	probePrefix = ".freshet-probe-"
	probeSize   = 256 << 10
)

// probe says whether something can be written in a folder, which is made if it is
// not there. The folder may be another process's: the file is one that nobody else
// has, and has no name any more while it is written, where the system allows that.
func probe(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	f, err := os.CreateTemp(dir, probePrefix+"*")
	if err != nil {
		return err
	}
	nameless := os.Remove(f.Name()) == nil
	_, err = f.Write(make([]byte, probeSize))
	err = errors.Join(err, f.Sync(), f.Close())
	if !nameless {
		err = errors.Join(err, os.Remove(f.Name()))
	}
	return err
}
