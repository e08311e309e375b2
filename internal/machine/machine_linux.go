package machine

import (
	"bytes"
	"os"
	"strconv"
	"sync"
	"syscall"
)

// texts has what files of /proc are read into. What is looked for is at the
// beginning of them.
var texts = sync.Pool{New: func() any { return new([1024]byte) }}

// withText calls f with the beginning of a file of /proc, which is f's for the
// call. Such a file is neither polled nor does a read of it wait: it needs no
// os.File.
func withText(name string, f func(text []byte)) {
	fd, err := syscall.Open(name, syscall.O_RDONLY|syscall.O_CLOEXEC, 0)
	if err != nil {
		return
	}
	defer syscall.Close(fd)
	to := texts.Get().(*[1024]byte)
	defer texts.Put(to)
	if n, err := syscall.Read(fd, to[:]); err == nil {
		f(to[:n])
	}
}

func readLoad() (load [3]float64, ok bool) {
	withText("/proc/loadavg", func(text []byte) { load, ok = parseLoad(text) })
	return load, ok
}

func readMemory() (total, available int64) {
	withText("/proc/meminfo", func(text []byte) { total, available = parseMemory(text) })
	return total, available
}

func readResident() (size int64) {
	withText("/proc/self/statm", func(text []byte) { size = parseResident(text) * int64(os.Getpagesize()) })
	return size
}

func readDisk(dir string) (total, free int64, ok bool) {
	var fs syscall.Statfs_t
	if dir == "" || syscall.Statfs(dir, &fs) != nil || fs.Blocks == 0 {
		return 0, 0, false
	}
	return int64(fs.Blocks) * int64(fs.Bsize), int64(fs.Bavail) * int64(fs.Bsize), true
}

// parseLoad reads /proc/loadavg: three numbers, and more.
func parseLoad(text []byte) (load [3]float64, ok bool) {
	for i := range load {
		word, rest, found := bytes.Cut(text, []byte(" "))
		v, err := strconv.ParseFloat(string(word), 64)
		if !found || err != nil {
			return [3]float64{}, false
		}
		load[i], text = v, rest
	}
	return load, true
}

// parseMemory reads /proc/meminfo: lines like "MemTotal: 16384 kB".
func parseMemory(text []byte) (total, available int64) {
	for len(text) > 0 && (total == 0 || available == 0) {
		var line []byte
		line, text, _ = bytes.Cut(text, []byte("\n"))
		name, size, _ := bytes.Cut(line, []byte(":"))
		switch string(name) {
		case "MemTotal":
			total = parseKB(size)
		case "MemAvailable":
			available = parseKB(size)
		}
	}
	return total, available
}

func parseKB(size []byte) int64 {
	size = bytes.TrimSuffix(bytes.TrimSpace(size), []byte(" kB"))
	kb, _ := strconv.ParseInt(string(size), 10, 64) // 0 is not known
	return kb << 10
}

// parseResident reads the second number of /proc/self/statm, in pages.
func parseResident(text []byte) int64 {
	_, text, _ = bytes.Cut(text, []byte(" "))
	resident, _, _ := bytes.Cut(text, []byte(" "))
	pages, _ := strconv.ParseInt(string(resident), 10, 64) // 0 is not known
	return pages
}
