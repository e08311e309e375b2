package wiretest

import (
	"syscall"
	"time"
)

// busyThread returns for how long this thread has had a processor.
func busyThread() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_THREAD, &u); err != nil {
		panic(err) // it has no faults but those of its arguments
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
