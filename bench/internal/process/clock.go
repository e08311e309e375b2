package process

import (
	"fmt"
	"os"
	"strconv"
	"strings"
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

// ReadCore returns the time that one processor core was not idle, in ticks of
// 10 ms: with all that runs there, interrupts included.
func ReadCore(core int) (time.Duration, error) {
	b, err := os.ReadFile("/proc/stat")
	if err != nil {
		return 0, fmt.Errorf("read the time of core %d: %w", core, err)
	}
	return parseCore(string(b), core)
}

// parseCore reads the line of a core of /proc/stat: user, nice, system, idle,
// iowait, irq, softirq, steal, and guests' time, which is in user already.
func parseCore(text string, core int) (time.Duration, error) {
	for line := range strings.Lines(text) {
		f := strings.Fields(line)
		if len(f) < 8 || f[0] != "cpu"+strconv.Itoa(core) {
			continue
		}
		var busy int64
		for _, i := range []int{1, 2, 3, 6, 7} {
			n, err := strconv.ParseInt(f[i], 10, 64)
			if err != nil {
				return 0, fmt.Errorf("read the time of core %d: %w", core, err)
			}
			busy += n
		}
		return time.Duration(busy) * tick, nil
	}
	return 0, fmt.Errorf("read the time of core %d: it is not there", core)
}
