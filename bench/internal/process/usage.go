package process

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"
)

// CPU is the processor time, user and system, that a tree of processes had
// used at one moment. Two of them make a difference.
type CPU struct {
	threads map[int]time.Duration // by thread id, in nanoseconds
	total   time.Duration         // in ticks of 10 ms, but nothing is lost when a thread ends
}

// ReadCPU reads the processor time of pid and its descendants.
func ReadCPU(pid int) (CPU, error) { return ReadCPUOf(Tree(pid)) }

// ReadCPUOf reads the processor time of these processes and no others. The
// first one must be there; those of the rest that have ended count nothing.
func ReadCPUOf(pids []int) (CPU, error) {
	c := CPU{threads: map[int]time.Duration{}}
	for i, id := range pids {
		dir := fmt.Sprintf("/proc/%d", id)
		b, err := os.ReadFile(dir + "/stat")
		if err != nil {
			if i == 0 {
				return c, fmt.Errorf("read processor time: %w", err)
			}
			continue
		}
		s, err := parseStat(b)
		if err != nil {
			return c, fmt.Errorf("read processor time: %w", err)
		}
		c.total += s.cpu
		files, _ := filepath.Glob(dir + "/task/*/schedstat")
		for _, name := range files {
			tid, _ := strconv.Atoi(filepath.Base(filepath.Dir(name)))
			if b, err := os.ReadFile(name); err == nil {
				if d, err := parseSchedstat(b); err == nil {
					c.threads[tid] = d
				}
			}
		}
	}
	return c, nil
}

// Since returns the time used between two readings. The sum over threads is
// exact to the nanosecond; when a thread of the first reading is gone in the
// second, its part is lost, and the coarser total is taken instead.
func (c CPU) Since(before CPU) time.Duration {
	if len(c.threads) == 0 {
		return c.total - before.total
	}
	var d time.Duration
	for tid := range before.threads {
		if _, ok := c.threads[tid]; !ok {
			return c.total - before.total
		}
	}
	for tid, t := range c.threads {
		d += t - before.threads[tid]
	}
	return d
}

// Memory is what a tree of processes holds.
type Memory struct {
	RSS int64 // resident bytes; pages that processes share count in each
	PSS int64 // the same with shared pages divided among those who share them
}

// ReadMemory reads the memory of pid and its descendants.
func ReadMemory(pid int) (Memory, error) {
	var m Memory
	for _, id := range Tree(pid) {
		b, err := os.ReadFile(fmt.Sprintf("/proc/%d/smaps_rollup", id))
		if err == nil {
			var v []int64
			if v, err = parseKB(b, "Rss:", "Pss:"); err == nil {
				m.RSS += v[0]
				m.PSS += v[1]
			}
		}
		if err != nil && id == pid {
			return m, fmt.Errorf("read memory: %w", err)
		}
	}
	return m, nil
}

// ReadOwn returns what a tree of processes of one program holds: the pages that
// are each process's own, and once those of files, as the program's, of the one
// that has the most of them.
func ReadOwn(pid int) (int64, error) {
	var own, files int64
	for _, id := range Tree(pid) {
		b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", id))
		if err == nil {
			var v []int64
			if v, err = parseKB(b, "RssAnon:", "RssShmem:", "RssFile:"); err == nil {
				own += v[0] + v[1]
				files = max(files, v[2])
			}
		}
		if err != nil && id == pid {
			return 0, fmt.Errorf("read memory: %w", err)
		}
	}
	return own + files, nil
}

// ReadPeak returns the most resident bytes that process pid ever had, or had
// since ResetPeak. Its descendants are not in it.
func ReadPeak(pid int) (int64, error) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err == nil {
		var v []int64
		if v, err = parseKB(b, "VmHWM:"); err == nil {
			return v[0], nil
		}
	}
	return 0, fmt.Errorf("read peak of memory: %w", err)
}

// ResetPeak makes the peak of process pid what it has at the moment.
func ResetPeak(pid int) error {
	if err := os.WriteFile(fmt.Sprintf("/proc/%d/clear_refs", pid), []byte("5"), 0); err != nil {
		return fmt.Errorf("reset peak of memory: %w", err)
	}
	return nil
}
