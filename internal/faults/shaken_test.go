//go:build linux

package faults

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"unsafe"
)

// A shaken program is built so that its clock of the day is off, or its disk takes
// its time, by what a page of memory says that is shared with the test. So both
// change while it runs. Of the disk it is the standard library that was changed in a
// few places, for which all is built anew; of the clock see clockhook_test.go.
const (
	shakenVar = "FRESHET_TEST_SHAKEN" // names the file that is the page
	slowVar   = "FRESHET_TEST_SLOW"   // names the folder whose files are slow
)

var shake = flag.Bool("faults.shaken", false, "also on a disk that is slow, for which all of the program is built anew")

// shakes skips a test of a shaken program where none is asked for.
func shakes(t *testing.T) {
	t.Helper()
	if !*shake {
		t.Skip("only with -faults.shaken, as in make shaken")
	}
}

// Words of the page.
const (
	clockOff  = iota // seconds
	slowLeast        // milliseconds
	slowMost
	standsStill // not 0
	waited      // how many calls have waited
	shakenWords
)

// shaken is the page of a process.
type shaken struct {
	name  string
	words *[shakenWords]int64
}

func newShaken(t *testing.T) *shaken {
	t.Helper()
	f, err := os.Create(filepath.Join(t.TempDir(), "page"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := f.Truncate(4096); err != nil {
		t.Fatal(err)
	}
	page, err := syscall.Mmap(int(f.Fd()), 0, 4096, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_SHARED)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := syscall.Munmap(page); err != nil {
			t.Error(err)
		}
	})
	return &shaken{name: f.Name(), words: (*[shakenWords]int64)(unsafe.Pointer(&page[0]))}
}

func (s *shaken) set(word int, value int64) { atomic.StoreInt64(&s.words[word], value) }

func (s *shaken) get(word int) int64 { return atomic.LoadInt64(&s.words[word]) }

// shake has a node be a shaken program, with slow files below a folder, "" for
// none.
func (s *shaken) shake(n *node, slow string) *node {
	n.variant = &variant{"on a slow disk", slowly}
	n.env = append(n.env, shakenVar+"="+s.name, slowVar+"="+slow)
	return n
}

// edit is one of the standard library: old is there once.
type edit struct{ file, old, new string }

var edits = []edit{
	{"internal/poll/fd_unix.go", "ignoringEINTRIO(syscall.Write, fd.Sysfd, p[nn:max])", "ignoringEINTRIO(slowWrite, fd.Sysfd, p[nn:max])"},
	{"internal/poll/fd_unix.go", "syscall.Pwrite(fd.Sysfd, p[nn:max], off+int64(nn))", "slowPwrite(fd.Sysfd, p[nn:max], off+int64(nn))"},
	{"internal/poll/fd_fsync_posix.go", "		return syscall.Fsync(fd.Sysfd)\n", "		slowDown(fd.Sysfd)\n		return syscall.Fsync(fd.Sysfd)\n"},
}

// additions are files of the standard library that are not there otherwise.
var additions = map[string]string{
	"internal/poll/shaken.go": `package poll

import (
	"strconv"
	"sync/atomic"
	"syscall"
	"unsafe"
)

var (
	shaken = openShaken()
	slow   string
	calls  atomic.Uint64
)

func openShaken() *[` + fmt.Sprint(int(shakenWords)) + `]int64 {
	name, ok := syscall.Getenv("` + shakenVar + `")
	slow, _ = syscall.Getenv("` + slowVar + `")
	if !ok || slow == "" {
		return nil
	}
	fd, err := syscall.Open(name, syscall.O_RDWR, 0)
	if err != nil {
		panic("open the page of a shaken program: " + err.Error())
	}
	page, err := syscall.Mmap(fd, 0, 4096, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_SHARED)
	if err != nil {
		panic("map the page of a shaken program: " + err.Error())
	}
	syscall.Close(fd)
	return (*[` + fmt.Sprint(int(shakenWords)) + `]int64)(unsafe.Pointer(&page[0]))
}

// slowDown waits as a slow disk has a thread wait.
func slowDown(fd int) {
	if shaken == nil {
		return
	}
	least, most := atomic.LoadInt64(&shaken[` + fmt.Sprint(int(slowLeast)) + `]), atomic.LoadInt64(&shaken[` + fmt.Sprint(int(slowMost)) + `])
	still := atomic.LoadInt64(&shaken[` + fmt.Sprint(int(standsStill)) + `]) != 0
	if most == 0 && !still {
		return
	}
	var buf [4096]byte
	n, err := syscall.Readlink("/proc/self/fd/"+strconv.Itoa(fd), buf[:])
	if err != nil || n <= len(slow) || string(buf[:len(slow)]) != slow || buf[len(slow)] != '/' {
		return
	}
	atomic.AddInt64(&shaken[` + fmt.Sprint(int(waited)) + `], 1)
	if most > 0 {
		x := calls.Add(0x9e3779b97f4a7c15) // splitmix64
		x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
		x = (x ^ x>>27) * 0x94d049bb133111eb
		pause((least + int64((x^x>>31)>>1)%(most-least+1)) * 1e6)
	}
	for atomic.LoadInt64(&shaken[` + fmt.Sprint(int(standsStill)) + `]) != 0 {
		pause(5e6)
	}
}

func pause(ns int64) {
	left := syscall.NsecToTimespec(ns)
	for syscall.Nanosleep(&left, &left) == syscall.EINTR {
	}
}

func slowWrite(fd int, p []byte) (int, error) {
	slowDown(fd)
	return syscall.Write(fd, p)
}

func slowPwrite(fd int, p []byte, at int64) (int, error) {
	slowDown(fd)
	return syscall.Pwrite(fd, p, at)
}
`,
}

// slowly makes the changed files in a folder. An edit that does not fit the
// toolchain that is there is an error.
func slowly(dir string) (flags []string, err error) {
	root, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		return nil, err
	}
	library := filepath.Join(strings.TrimSpace(string(root)), "src")
	changed := map[string]string{}
	for _, e := range edits {
		text, known := changed[e.file]
		if !known {
			b, err := os.ReadFile(filepath.Join(library, e.file))
			if err != nil {
				return nil, err
			}
			text = string(b)
		}
		if n := strings.Count(text, e.old); n != 1 {
			return nil, fmt.Errorf("%s of this toolchain has %q %d times: the edit is to be made anew", e.file, e.old, n)
		}
		changed[e.file] = strings.Replace(text, e.old, e.new, 1)
	}
	for name, text := range additions {
		if _, err := os.Stat(filepath.Join(library, name)); !errors.Is(err, os.ErrNotExist) {
			return nil, fmt.Errorf("%s is there already: %v", name, err)
		}
		changed[name] = text
	}
	flag, err := overlay(dir, library, changed)
	return []string{flag}, err
}

// overlay writes files of other texts to a folder; the flag that has them take the
// place of those below another one.
func overlay(dir, below string, texts map[string]string) (flag string, err error) {
	replace := map[string]string{}
	for name, text := range texts {
		file := filepath.Join(dir, strings.ReplaceAll(name, "/", "-"))
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			return "", err
		}
		replace[filepath.Join(below, name)] = file
	}
	b, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		return "", err
	}
	file := filepath.Join(dir, "overlay.json")
	return "-overlay=" + file, os.WriteFile(file, b, 0o644)
}
