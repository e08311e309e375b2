//go:build amd64 || arm64

package child

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"
)

// TestBirthLayout: the assembly has these offsets as numbers.
func TestBirthLayout(t *testing.T) {
	var b birth
	var c call
	got := []uintptr{unsafe.Offsetof(b.all), unsafe.Offsetof(b.mask), unsafe.Offsetof(b.failed), unsafe.Offsetof(b.errno), unsafe.Offsetof(b.rows), unsafe.Sizeof(c), unsafe.Offsetof(c.args), unsafe.Offsetof(c.ignore)}
	for i, want := range []uintptr{64, 72, 80, 88, 96, 64, 8, 56} {
		if got[i] != want {
			t.Errorf("offset %d: %d, want %d", i, got[i], want)
		}
	}
}

// ready makes a Spawner to look inside of.
func ready(t *testing.T) *Spawner {
	t.Helper()
	s, err := New(Options{AllowRoot: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// output starts a program and returns what it prints.
func output(t *testing.T, s *Spawner, args ...string) string {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = r.Close() }()
	p, err := s.Start(&Command{Path: args[0], Args: args, Files: []*os.File{nil, w}})
	_ = w.Close()
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	_, err = r.WriteTo(&b)
	if r := p.Wait(); err != nil || r.Exit != 0 {
		t.Fatal(err, r)
	}
	return b.String()
}

// TestRowsThatFail: each kind of row says what it was, and why; no child and no
// zombie is left, and the keeper's slot is free.
func TestRowsThatFail(t *testing.T) {
	s := ready(t)
	y := s.system
	for _, c := range []struct {
		name   string
		number uintptr
		args   []uintptr
		want   error
	}{
		{"enter the empty network", unix.SYS_SETNS, []uintptr{1 << 20, unix.CLONE_NEWNET}, unix.EBADF},
		{"set a descriptor", unix.SYS_DUP3, []uintptr{1 << 20, 0, 0}, unix.EBADF},
		{"limit files", unix.SYS_PRLIMIT64, []uintptr{0, 1000, 0, 0}, unix.EINVAL},
		{"set groups", unix.SYS_SETGROUPS, []uintptr{1 << 20, 0}, nil}, // EINVAL, or EPERM for who is not root
		{"no new privileges", unix.SYS_PRCTL, []uintptr{unix.PR_SET_NO_NEW_PRIVS, 2, 0, 0, 0}, unix.EINVAL},
		{"enter landlock", unix.SYS_LANDLOCK_RESTRICT_SELF, []uintptr{1 << 20, 0}, nil}, // EBADF, EPERM or ENOSYS
		{"unblock signals", unix.SYS_RT_SIGPROCMASK, []uintptr{99, 0, 0, 3}, unix.EINVAL},
	} {
		b := &birth{all: ^uint64(0)}
		b.add(c.name, c.number, c.args...)
		b.rows = &b.table[0]
		pid, err := b.start(y, -1, &y.table[0])
		var errno syscall.Errno
		if pid != 0 || !errors.As(err, &errno) || c.want != nil && !errors.Is(err, c.want) || !strings.HasPrefix(err.Error(), c.name+": ") {
			t.Errorf("%s: %d, %v, want %v", c.name, pid, err, c.want)
		}
		if y.table[0] != 0 {
			t.Errorf("%s: the keeper is told of %d", c.name, y.table[0])
		}
	}
	b := &birth{all: ^uint64(0)}
	b.add("a failure that does not matter", unix.SYS_CLOSE, 1<<20)
	b.table[0].ignore = 1
	b.add("the next", unix.SYS_CLOSE, 1<<20)
	b.rows = &b.table[0]
	if _, err := b.start(y, -1, &y.table[0]); err == nil || !strings.HasPrefix(err.Error(), "the next: ") {
		t.Error(err)
	}
}

// TestPathsThatFail: a folder, a program and its interpreter.
func TestPathsThatFail(t *testing.T) {
	s := ready(t)
	dir := t.TempDir()
	script := filepath.Join(dir, "script")
	if err := os.WriteFile(script, []byte("#!"+dir+"/no-interpreter\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	missing := filepath.Join(dir, "missing")
	for _, c := range []struct {
		command Command
		want    error
		text    string
	}{
		{Command{Path: "/bin/sh", Dir: missing}, unix.ENOENT, "start /bin/sh: enter the directory " + missing + ": no such file or directory"},
		{Command{Path: "/bin/sh", Dir: script}, unix.ENOTDIR, "enter the directory " + script},
		{Command{Path: script}, unix.ENOENT, "start " + script + ": no such file or directory"},
		{Command{Path: dir}, unix.EACCES, "start " + dir + ": permission denied"},
	} {
		if _, err := s.Start(&c.command); !errors.Is(err, c.want) || !strings.Contains(err.Error(), c.text) {
			t.Errorf("%+v: %v, want %q", c.command, err, c.text)
		}
	}
}

// TestWhatAProgramInherits: no signal is blocked or has a handler, and there are
// no descriptors but the first three; made either way.
func TestWhatAProgramInherits(t *testing.T) {
	for _, legacy := range []bool{false, true} {
		s := ready(t)
		s.system.legacy = legacy
		status := output(t, s, "/bin/cat", "/proc/self/status")
		for _, want := range []string{"SigBlk:\t0000000000000000\n", "SigCgt:\t0000000000000000\n"} {
			if !strings.Contains(status, want) {
				t.Errorf("clone %v: %q is not in:\n%s", legacy, want, status)
			}
		}
		// ls opens the directory itself.
		if got := output(t, s, "/bin/ls", "/proc/self/fd"); got != "0\n1\n2\n3\n" {
			t.Errorf("clone %v: descriptors %q", legacy, got)
		}
	}
}

// TestIgnoredOnceAndHandledNow: where handlers are not cleared by clone, one
// that we got for a signal that we had ignored must not run in a child, which
// has our memory.
func TestIgnoredOnceAndHandledNow(t *testing.T) {
	s := ready(t)
	s.system.legacy, s.system.ignored = true, 1<<(unix.SIGUSR2-1)
	// The runtime has a handler for it.
	if got := output(t, s, "/bin/sh", "-c", "kill -USR2 $$; echo ignored"); got != "ignored\n" {
		t.Errorf("%q", got)
	}
}

// TestDescriptorsInEveryOrder: sources that stand in the way of others.
func TestDescriptorsInEveryOrder(t *testing.T) {
	s := ready(t)
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = r.Close() }()
	// Each of the first three is wanted as another one.
	p, err := s.Start(&Command{Path: "/bin/sh", Args: []string{"sh", "-c", "echo swapped >&3"}, Descriptors: []int{2, 0, 1, int(w.Fd())}})
	_ = w.Close()
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	if _, err := r.WriteTo(&b); err != nil || b.String() != "swapped\n" {
		t.Errorf("%q, %v", b.String(), err)
	}
	p.Wait()
}

// TestStartWhileCollecting: many start at once, while memory is collected.
func TestStartWhileCollecting(t *testing.T) {
	s := ready(t)
	stop := make(chan struct{})
	var collecting, starting sync.WaitGroup
	collecting.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
				runtime.GC()
			}
		}
	})
	for range 8 {
		starting.Go(func() {
			for i := range 20 {
				args := []string{"sh", "-c", `test "$1" = "$2"`, "sh", strings.Repeat("x", i*100), strings.Repeat("x", i*100)}
				p, err := s.Start(&Command{Path: "/bin/sh", Args: args, Env: []string{"A=" + strings.Repeat("y", i*200)}})
				if err != nil {
					t.Error(err)
					return
				}
				if r := p.Wait(); r.Exit != 0 {
					t.Error(r)
				}
			}
		})
	}
	starting.Wait()
	close(stop)
	collecting.Wait()
}

// TestGivenFiles: programs have the limit of open files that those of os/exec
// have, not the one that the runtime has raised for itself.
func TestGivenFiles(t *testing.T) {
	want, err := exec.Command("/bin/sh", "-c", "ulimit -Sn; ulimit -Hn").Output()
	if err != nil {
		t.Fatal(err)
	}
	if got := output(t, ready(t), "/bin/sh", "-c", "ulimit -Sn; ulimit -Hn"); got != string(want) {
		t.Errorf("%q, want %q", got, want)
	}
}
