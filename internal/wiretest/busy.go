package wiretest

import (
	"runtime"
	"time"
)

// Busy returns for how long a processor worked on f, for tests that something
// takes no time: what other programs take of the processors, and what f waits
// for, does not count. Only Linux tells; elsewhere it is the time that passed.
func Busy(f func()) time.Duration {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	begun := busyThread()
	f()
	return busyThread() - begun
}
