package process

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

// tick is the unit of the times in /proc/PID/stat: USER_HZ is 100 on every
// architecture that Go runs on.
const tick = 10 * time.Millisecond

// stat is what we use of /proc/PID/stat.
type stat struct {
	parent int
	cpu    time.Duration // user and system, all threads, also those that ended
}

// parseStat reads a line of /proc/PID/stat. The name, in parentheses, may hold
// anything, parentheses too: the fields are counted from the last one.
func parseStat(b []byte) (stat, error) {
	end := bytes.LastIndexByte(b, ')')
	if end < 0 {
		return stat{}, fmt.Errorf("no name in %q", b)
	}
	f := bytes.Fields(b[end+1:])
	// After the name: state, ppid, …; utime and stime are the 12th and 13th.
	if len(f) < 13 {
		return stat{}, fmt.Errorf("%d fields after the name in %q", len(f), b)
	}
	var n [3]int64
	for i, at := range [3]int{1, 11, 12} {
		v, err := strconv.ParseInt(string(f[at]), 10, 64)
		if err != nil {
			return stat{}, err
		}
		n[i] = v
	}
	return stat{parent: int(n[0]), cpu: time.Duration(n[1]+n[2]) * tick}, nil
}

// parseSchedstat reads /proc/PID/task/TID/schedstat: the nanoseconds that one
// thread ran, user and system together.
func parseSchedstat(b []byte) (time.Duration, error) {
	f := bytes.Fields(b)
	if len(f) != 3 {
		return 0, fmt.Errorf("%d fields in %q, want 3", len(f), b)
	}
	ns, err := strconv.ParseInt(string(f[0]), 10, 64)
	return time.Duration(ns), err
}

// parseKB reads the values of the named lines ("Pss:") of a file such as
// smaps_rollup or status, which are in KiB, as bytes.
func parseKB(b []byte, names ...string) ([]int64, error) {
	values := make([]int64, len(names))
	found := 0
	for line := range strings.Lines(string(b)) {
		f := strings.Fields(line)
		for i, name := range names {
			if len(f) == 3 && f[0] == name && f[2] == "kB" {
				v, err := strconv.ParseInt(f[1], 10, 64)
				if err != nil {
					return nil, err
				}
				values[i] = v << 10
				found++
			}
		}
	}
	if found != len(names) {
		return nil, fmt.Errorf("found %d of %v", found, names)
	}
	return values, nil
}

// Tree returns pid and the processes that descend from it, as far as they run.
func Tree(pid int) []int {
	children := map[int][]int{}
	entries, _ := os.ReadDir("/proc")
	for _, e := range entries {
		id, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		// A process may end while we look: then it is no longer of the tree.
		if b, err := os.ReadFile("/proc/" + e.Name() + "/stat"); err == nil {
			if s, err := parseStat(b); err == nil {
				children[s.parent] = append(children[s.parent], id)
			}
		}
	}
	tree := []int{pid}
	for i := 0; i < len(tree); i++ {
		tree = append(tree, children[tree[i]]...)
	}
	return tree
}
