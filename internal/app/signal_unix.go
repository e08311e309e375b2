//go:build unix

package app

import (
	"os"
	"syscall"
)

// handledSignals are the signals that the program obeys.
var handledSignals = []os.Signal{os.Interrupt, syscall.SIGTERM, syscall.SIGHUP}

// isHangup reports whether a signal asks to open the logs anew.
func isHangup(s os.Signal) bool { return s == syscall.SIGHUP }
