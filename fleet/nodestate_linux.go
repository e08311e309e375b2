package fleet

import (
	"bytes"
	"os"
	"strconv"
	"syscall"
)

// measure asks the kernel.
func measure(r *Report) {
	if text, err := os.ReadFile("/proc/loadavg"); err == nil {
		r.Load = loadOf(text)
	}
	if text, err := os.ReadFile("/proc/meminfo"); err == nil {
		r.Memory.Total, r.Memory.Available = memoryOf(text)
	}
	if text, err := os.ReadFile("/proc/self/statm"); err == nil {
		if parts := bytes.Fields(text); len(parts) > 1 {
			pages, _ := strconv.ParseInt(string(parts[1]), 10, 64) // 0 is not known
			r.Memory.Ours = pages * int64(os.Getpagesize())
		}
	}
}

func diskOf(dir string) *Disk {
	var fs syscall.Statfs_t
	if dir == "" || syscall.Statfs(dir, &fs) != nil || fs.Blocks == 0 {
		return nil
	}
	return &Disk{Total: int64(fs.Blocks) * int64(fs.Bsize), Free: int64(fs.Bavail) * int64(fs.Bsize)}
}

// loadOf reads /proc/loadavg: three numbers, and more.
func loadOf(text []byte) *[3]float64 {
	parts := bytes.Fields(text)
	if len(parts) < 3 {
		return nil
	}
	var load [3]float64
	for i := range load {
		var err error
		if load[i], err = strconv.ParseFloat(string(parts[i]), 64); err != nil {
			return nil
		}
	}
	return &load
}

// memoryOf reads /proc/meminfo: lines like "MemTotal: 16384 kB".
func memoryOf(text []byte) (total, available int64) {
	for line := range bytes.Lines(text) {
		parts := bytes.Fields(line)
		if len(parts) < 2 {
			continue
		}
		size, _ := strconv.ParseInt(string(parts[1]), 10, 64) // 0 is not known
		switch string(parts[0]) {
		case "MemTotal:":
			total = size << 10
		case "MemAvailable:":
			available = size << 10
		}
	}
	return total, available
}
