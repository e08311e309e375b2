//go:build !linux

package wiretest

import "time"

var started = time.Now()

func busyThread() time.Duration { return time.Since(started) }
