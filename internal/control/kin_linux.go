package control

import (
	"bytes"
	"os"
	"strconv"
)

// descends reports whether a process was started by this one, or by one that
// was: a program that answers requests, which is nobody's command even when it
// runs as our user. What such a program leaves behind stays below us, because
// who starts programs is a subreaper. A process that cannot be looked at any
// more is taken for one; without /proc none is.
func descends(pid int) bool {
	if _, err := os.Stat("/proc/self/stat"); err != nil {
		return false
	}
	const deepest = 1 << 12
	for range deepest {
		if pid <= 1 {
			return false
		}
		parent, ok := parentOf(pid)
		if !ok || parent == os.Getpid() {
			return true
		}
		pid = parent
	}
	return true
}

// parentOf reads /proc/PID/stat: after the name, in parentheses, which may have
// any character, come state and parent.
func parentOf(pid int) (parent int, ok bool) {
	b, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return 0, false
	}
	f := bytes.Fields(b[bytes.LastIndexByte(b, ')')+1:])
	if len(f) < 2 {
		return 0, false
	}
	parent, err = strconv.Atoi(string(f[1]))
	return parent, err == nil
}

// confined reports whether a process can gain no privileges, as all programs
// that answer requests, and all that they start: a script that starts a server
// in its own place may have started commands before. So is what cannot be
// looked at.
func confined(pid int) bool {
	b, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/status")
	return err != nil || !bytes.Contains(b, []byte("\nNoNewPrivs:\t0\n"))
}
