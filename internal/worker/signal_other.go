//go:build !unix

package worker

import "syscall"

// notExecutable are errors that say what a program is, not how we are:
// ERROR_BAD_EXE_FORMAT, ERROR_ACCESS_DENIED.
var notExecutable = []error{syscall.Errno(193), syscall.ERROR_ACCESS_DENIED}

// signalName is a name for how a program was ended.
func signalName(s syscall.Signal) string {
	if s == 0 {
		return "ended"
	}
	return s.String()
}
