package diskstore

import (
	"errors"
	"syscall"
)

// isQuota: a full disk and a used up quota have errors of their own there.
func isQuota(err error) bool {
	const diskFull, handleDiskFull, quota = syscall.Errno(112), syscall.Errno(39), syscall.Errno(1816)
	return errors.Is(err, diskFull) || errors.Is(err, handleDiskFull) || errors.Is(err, quota)
}
