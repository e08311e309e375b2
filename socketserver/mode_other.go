//go:build !linux

package socketserver

import "io/fs"

// narrow does nothing: here the file of a Unix socket has the mode of the umask
// until it is changed.
func narrow(uintptr, fs.FileMode) error { return nil }
