package applications

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// nobody is the user, and group, that programs run as when the test runs as
// root.
const nobody = 65534

// place is a folder for what a test makes, which other users may enter. At the
// end of the test no process is left that knows of it, and no file in tmp.
type place struct {
	dir string
	tmp string // TMPDIR of the programs
}

func newPlace(t *testing.T) place {
	t.Helper()
	if _, err := os.Stat("/proc/self/environ"); err != nil {
		t.Skipf("what is left behind cannot be told here: %v", err)
	}
	dir, err := os.MkdirTemp("", "freshet-place-")
	if err != nil {
		t.Fatal(err)
	}
	p := place{dir, filepath.Join(dir, "tmp")}
	t.Cleanup(func() {
		p.nothingLeft(t)
		os.RemoveAll(dir)
	})
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	p.folder(t, "tmp", true)
	return p
}

// folder makes a folder in p; with open it belongs to who programs run as.
func (p place) folder(t *testing.T, name string, open bool) string {
	t.Helper()
	path := filepath.Join(p.dir, name)
	if err := os.MkdirAll(path, 0o755); err != nil {
		t.Fatal(err)
	}
	if open {
		p.give(t, name)
	}
	return path
}

// give makes a file or folder, with all that is in it, one of who programs run
// as.
func (p place) give(t *testing.T, name string) {
	t.Helper()
	if os.Getuid() != 0 {
		return
	}
	err := filepath.WalkDir(filepath.Join(p.dir, name), func(path string, _ os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return os.Lchown(path, nobody, nobody)
	})
	if err != nil {
		t.Fatal(err)
	}
}

// file writes a file in p; one of mode 0o755 is a program.
func (p place) file(t *testing.T, name, content string, mode os.FileMode) string {
	t.Helper()
	path := filepath.Join(p.dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), mode); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, mode); err != nil { // whatever the umask
		t.Fatal(err)
	}
	return path
}

// serve starts freshet with these arguments, and returns its URL and process.
func (p place) serve(t *testing.T, args ...string) (url string, process *os.Process) {
	t.Helper()
	addr := freeAddr(t)
	args = append([]string{freshet}, args...)
	args = append(args, "--listen", addr, "--access-log", "off", "--monitor", "off")
	process = start(t, addr, []string{"TMPDIR=" + p.tmp}, args...)
	return "http://" + addr, process
}

// run starts freshet with the routes of a configuration file.
func (p place) run(t *testing.T, server, routes string) (url string, process *os.Process) {
	t.Helper()
	file := p.file(t, "freshet.toml", "[server]\n"+server+"\n[[site]]\n"+routes, 0o644)
	return p.serve(t, "run", "-c", file)
}

// nothingLeft waits until no process knows of p, which must not take long, and
// looks for files.
func (p place) nothingLeft(t *testing.T) {
	t.Helper()
	late := time.Now().Add(10 * time.Second)
	left := p.processes()
	for len(left) > 0 && time.Now().Before(late) {
		time.Sleep(20 * time.Millisecond)
		left = p.processes()
	}
	for _, l := range left {
		t.Errorf("left behind: process %s", l)
	}
	names, _ := filepath.Glob(filepath.Join(p.tmp, "*"))
	for _, name := range names {
		t.Errorf("left behind: %s", name)
	}
}

// processes are those whose arguments or environment name p.
func (p place) processes() (found []string) {
	ids, _ := filepath.Glob("/proc/[0-9]*")
	for _, id := range ids {
		line, _ := os.ReadFile(id + "/cmdline")
		env, _ := os.ReadFile(id + "/environ")
		if filepath.Base(id) != strconv.Itoa(os.Getpid()) && (bytes.Contains(line, []byte(p.dir)) || bytes.Contains(env, []byte(p.dir))) {
			found = append(found, fmt.Sprintf("%s: %q", filepath.Base(id), line))
		}
	}
	return found
}

// running reports whether a process of p has a word in its arguments.
func (p place) running(word string) bool {
	for _, process := range p.processes() {
		if strings.Contains(process, word) {
			return true
		}
	}
	return false
}

// eventually waits until something is so.
func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	for late := time.Now().Add(20 * time.Second); !is(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(late) {
			t.Errorf("it is never so that %s", what)
			return
		}
	}
}

// memory returns a value of a process in octets: VmRSS what it has now, VmHWM
// the most that it had.
func memory(t *testing.T, process *os.Process, name string) int64 {
	t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(status)) {
		if value, ok := strings.CutPrefix(line, name+":"); ok {
			n, err := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(value), " kB"), 10, 64)
			if err != nil {
				t.Fatal(err)
			}
			return n << 10
		}
	}
	t.Fatalf("no %s in %s", name, status)
	return 0
}
