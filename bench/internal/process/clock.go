package process

import (
	"fmt"
	"time"

	"golang.org/x/sys/unix"
)

// Clock returns the processor time, user and system, that process pid has used,
// to the nanosecond: that of all its threads, also those that ended. It is what
// /proc/PID/stat says in ticks of 10 ms; children are not in it.
func Clock(pid int) (time.Duration, error) {
	var t unix.Timespec
	// The kernel's number for the clock of a process, as clock_getcpuclockid(3)
	// makes it.
	if err := unix.ClockGettime(int32(^pid<<3|2), &t); err != nil {
		return 0, fmt.Errorf("read processor time of %d: %w", pid, err)
	}
	return time.Duration(t.Nano()), nil
}
