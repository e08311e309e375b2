// Package filelock has a folder used by one process at a time: a lock on a file
// in it, which ends with the process at the latest, however that ends. It does
// not wait, and it says nothing about threads of one process: who asks twice is
// refused the second time, as another process would be.
package filelock

import "errors"

// ErrLocked says that the file is locked, by this process or another one.
var ErrLocked = errors.New("in use by another process")
