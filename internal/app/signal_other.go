//go:build !unix

package app

import (
	"os"
	"syscall"
)

// handledSignals are the signals that the program obeys. A console that is
// closed counts as SIGTERM on Windows.
var handledSignals = []os.Signal{os.Interrupt, syscall.SIGTERM}

// isHangup is false: nothing here asks to open the logs anew.
func isHangup(os.Signal) bool { return false }
