//go:build unix

package child_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"freshet/internal/child"
	"freshet/internal/wiretest"
)

// TestMain fails the run when a test left goroutines or descriptors behind.
// The binary is also the server that TestKeeper kills.
func TestMain(m *testing.M) {
	if os.Getenv(serverVariable) != "" {
		serveUntilKilled()
	}
	wiretest.Main(m)
}

// serverVariable makes this binary a server for a test to kill.
const serverVariable = "CHILD_TEST_SERVER"

// soon is how long a test waits for what must happen at once, on a machine
// that is busy with other things.
const soon = time.Minute

// spawner makes a Spawner that the test closes; as root it may start programs
// as root unless it says who.
func spawner(t testing.TB, o child.Options) *child.Spawner {
	t.Helper()
	if o.User == nil {
		o.AllowRoot = true
	}
	s, err := child.New(o)
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

// started is a shell that runs a script, with pipes at its 0 and 1; 2 is 1.
type started struct {
	*child.Process
	in  *os.File
	out *bufio.Reader
}

var marks struct {
	sync.Mutex
	n int
}

func start(t testing.TB, s *child.Spawner, script string, args ...string) *started {
	t.Helper()
	return startIn(t, s, "", script, args...)
}

func startIn(t testing.TB, s *child.Spawner, dir, script string, args ...string) *started {
	t.Helper()
	inR, inW, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	outR, outW, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	marks.Lock()
	marks.n++
	mark := fmt.Sprintf("%d.%d", os.Getpid(), marks.n)
	marks.Unlock()
	p, err := s.Start(&child.Command{
		Path:  "/bin/sh",
		Args:  append([]string{"sh", "-c", script, "script"}, args...),
		Env:   []string{"UNIQUE_ID=" + mark, "PATH=/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin"},
		Dir:   dir,
		Files: []*os.File{inR, outW, outW},
		Mark:  mark,
	})
	_, _ = inR.Close(), outW.Close()
	if err != nil {
		_, _ = inW.Close(), outR.Close()
		t.Fatal(err)
	}
	t.Cleanup(func() {
		p.Kill()
		p.Wait()
		_, _ = inW.Close(), outR.Close()
	})
	p.Done() // has it seen to its end
	return &started{p, inW, bufio.NewReader(outR)}
}

// line reads a line of the script's output.
func (p *started) line(t testing.TB) string {
	t.Helper()
	text, err := p.out.ReadString('\n')
	if err != nil {
		t.Fatalf("output: %q, %v", text, err)
	}
	return strings.TrimSuffix(text, "\n")
}

// number reads a line with a pid.
func (p *started) number(t testing.TB) int {
	t.Helper()
	n := 0
	if text := p.line(t); text != "" {
		if _, err := fmt.Sscan(text, &n); err != nil {
			t.Fatalf("a number: %q", text)
		}
	}
	return n
}

// rest reads the output until nobody can write any more, and waits.
func (p *started) rest(t testing.TB) (string, child.Result) {
	t.Helper()
	text, err := io.ReadAll(p.out)
	if err != nil {
		t.Error(err)
	}
	return string(text), wait(t, p.Process)
}

func wait(t testing.TB, p *child.Process) child.Result {
	t.Helper()
	select {
	case <-p.Done():
	case <-time.After(soon):
		t.Fatal("the child does not end")
	}
	return p.Wait()
}

// exists says whether a process is there, zombies included.
func exists(pid int) bool {
	err := syscall.Kill(pid, 0)
	return err == nil || errors.Is(err, syscall.EPERM)
}

func TestResult(t *testing.T) {
	s := spawner(t, child.Options{})
	for _, c := range []struct {
		script, said string
		exit         int
		signal       syscall.Signal
	}{
		{"exit 0", "exit status 0", 0, 0},
		{"exit 3", "exit status 3", 3, 0},
		{"kill -KILL $$", "signal: killed", -1, syscall.SIGKILL},
		{"kill -SEGV $$", "signal: segmentation fault", -1, syscall.SIGSEGV},
	} {
		_, r := start(t, s, c.script).rest(t)
		if r.Exit != c.exit || r.Signal != c.signal || !strings.HasPrefix(r.String(), c.said) || r.Leftovers != 0 {
			t.Errorf("%s: %+v %q", c.script, r, r)
		}
		if r.MaxRSS < 0 || r.User+r.System < 0 {
			t.Errorf("%s: used %v, %v, %d bytes", c.script, r.User, r.System, r.MaxRSS)
		}
	}
}

// What a large program had in memory is told, and of a small one not what we
// have.
func TestMemory(t *testing.T) {
	s := spawner(t, child.Options{})
	const large = 256 << 20
	if _, r := start(t, s, "dd if=/dev/zero of=/dev/null bs=268435456 count=1 2>/dev/null").rest(t); r.MaxRSS < large {
		t.Errorf("a program with %d bytes: %d", large, r.MaxRSS)
	}
	if _, r := start(t, s, "exit 0").rest(t); r.MaxRSS > 0 && r.MaxRSS < 1<<16 || runtime.GOOS == "linux" && r.MaxRSS != 0 {
		t.Errorf("a shell: %d", r.MaxRSS)
	}
}

func TestWhatAProgramGets(t *testing.T) {
	s := spawner(t, child.Options{})
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	p := startIn(t, s, dir, `pwd; echo "$0 $1"; read x; echo "$x"; env | grep -c .`, "one")
	_, _ = p.in.WriteString("in\n")
	text, _ := p.rest(t)
	want := dir + "\nscript one\nin\n"
	if !strings.HasPrefix(text, want) {
		t.Errorf("got %q, want %q", text, want)
	}
	t.Setenv("CHILD_TEST_SECRET", "ours")
	if text, _ := start(t, s, "env").rest(t); strings.Contains(text, "SECRET") {
		t.Errorf("the environment has what is ours: %s", text)
	}
	// Descriptors: 0 to 2 are /dev/null when not given; no others are there.
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	q, err := s.Start(&child.Command{Path: "/bin/sh", Args: []string{"sh", "-c", "read x; echo $? >&3; echo lost; ls /dev/fd >&3"}, Files: []*os.File{nil, nil, nil, w}, Env: []string{"PATH=/usr/bin:/bin"}})
	_ = w.Close()
	if err != nil {
		t.Fatal(err)
	}
	got, _ := io.ReadAll(r)
	_ = r.Close()
	wait(t, q)
	// ls opens the directory itself as one more.
	if string(got) != "1\n0\n1\n2\n3\n4\n" && string(got) != "1\n0\n1\n2\n3\n" {
		t.Errorf("descriptors: %q", got)
	}
}

func TestStartErrors(t *testing.T) {
	s := spawner(t, child.Options{Slots: 2})
	dir := t.TempDir()
	plain := filepath.Join(dir, "plain")
	if err := os.WriteFile(plain, []byte("echo\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	text := filepath.Join(dir, "text")
	if err := os.WriteFile(text, []byte("echo\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		command child.Command
		want    error
	}{
		{child.Command{Path: filepath.Join(dir, "none")}, fs.ErrNotExist},
		{child.Command{Path: plain}, fs.ErrPermission},
		{child.Command{Path: text}, syscall.ENOEXEC},
		{child.Command{Path: "/bin/sh", Dir: filepath.Join(dir, "none")}, fs.ErrNotExist},
		{child.Command{Path: "/bin/sh", Args: []string{"a\x00b"}}, syscall.EINVAL},
	} {
		// More often than there are slots: what did not start has none.
		for range 3 {
			_, err := s.Start(&c.command)
			var path *fs.PathError
			if !errors.Is(err, c.want) || !errors.As(err, &path) || path.Path != c.command.Path {
				t.Errorf("%+v: %v, want %v", c.command, err, c.want)
			}
		}
	}
}

func TestSlots(t *testing.T) {
	s := spawner(t, child.Options{Slots: 2})
	a, b := start(t, s, "read x"), start(t, s, "read x")
	if _, err := s.Start(&child.Command{Path: "/bin/sh"}); !errors.Is(err, child.ErrBusy) {
		t.Errorf("the third of two: %v", err)
	}
	_, _ = a.in.Close(), b.in.Close()
	wait(t, a.Process)
	wait(t, start(t, s, "exit").Process)
	wait(t, b.Process)
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if _, err := s.Start(&child.Command{Path: "/bin/sh"}); !errors.Is(err, child.ErrClosed) {
		t.Errorf("after Close: %v", err)
	}
}

func TestOptionsAreChecked(t *testing.T) {
	for _, c := range []struct {
		options child.Options
		want    string
	}{
		{child.Options{Slots: -1}, "slots: -1"},
		{child.Options{Slots: child.MaxSlots + 1}, "slots"},
		{child.Options{Grace: -1}, "grace"},
		{child.Options{Limits: child.Limits{Memory: -1}}, "limits"},
		{child.Options{Landlock: &child.Landlock{Read: []string{"usr"}}}, `"usr" is not an absolute path`},
		{child.Options{Cgroup: "on"}, `"on" is neither`},
	} {
		c.options.AllowRoot = true
		s, err := child.New(c.options)
		if err == nil {
			_ = s.Close()
		}
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: %v, want %q", c.options, err, c.want)
		}
	}
}

// TestGroupIsKilled: what a leader started ends with it, and is gone when
// Wait returns.
func TestGroupIsKilled(t *testing.T) {
	s := spawner(t, child.Options{})
	p := start(t, s, "sleep 1000 & echo $!; sleep 1000 & echo $!; exit 5")
	one, two := p.number(t), p.number(t)
	if r := wait(t, p.Process); r.Exit != 5 || r.Leftovers < 1 {
		t.Errorf("the leader went first: %+v", r)
	}
	p = start(t, s, "(sleep 1000 & echo $!) & wait; exec sleep 1000")
	three := p.number(t)
	p.Kill()
	if r := wait(t, p.Process); r.Signal != syscall.SIGKILL {
		t.Errorf("killed: %+v", r)
	}
	for _, pid := range []int{one, two, three, p.Pid()} {
		gone(t, pid)
	}
}

// TestTerminate: a program has its grace, and no more.
func TestTerminate(t *testing.T) {
	polite := spawner(t, child.Options{Grace: soon})
	p := start(t, polite, "trap 'echo bye; exit 7' TERM; echo ready; while :; do sleep 0.01; done")
	p.line(t)
	p.Terminate()
	p.Terminate()
	if text, r := p.rest(t); !strings.HasSuffix(text, "bye\n") || r.Exit != 7 {
		t.Errorf("with a handler: %q %v", text, r)
	}
	p.Terminate() // of what is gone: nothing happens
	p.Kill()

	hasty := spawner(t, child.Options{Grace: 50 * time.Millisecond})
	p = start(t, hasty, "trap '' TERM; echo ready; while :; do sleep 0.01; done")
	p.line(t)
	begun := time.Now()
	p.Terminate()
	if r := wait(t, p.Process); r.Signal != syscall.SIGKILL || time.Since(begun) < 50*time.Millisecond {
		t.Errorf("deaf: %v after %v", r, time.Since(begun))
	}

	// TERM goes to the whole group.
	p = start(t, polite, "trap : TERM; sh -c 'trap \"echo child; exit\" TERM; echo ready; while :; do sleep 0.01; done' & wait; wait")
	p.line(t)
	p.Terminate()
	if text, _ := p.rest(t); !strings.Contains(text, "child\n") {
		t.Errorf("the rest of the group: %q", text)
	}
}

// TestClose ends what runs, and those who wait hear of it.
func TestClose(t *testing.T) {
	s := spawner(t, child.Options{})
	var pids []int
	var waiting sync.WaitGroup
	for range 5 {
		p := start(t, s, "sleep 1000 & echo $!; wait")
		pids = append(pids, p.Pid(), p.number(t))
		for range 2 {
			waiting.Go(func() {
				if r := p.Wait(); r.Signal != syscall.SIGKILL {
					t.Errorf("ended with %v", r)
				}
			})
		}
	}
	for range 3 {
		waiting.Go(func() {
			if err := s.Close(); err != nil {
				t.Error(err)
			}
			for _, pid := range pids {
				gone(t, pid)
			}
		})
	}
	waiting.Wait()
}

// TestConcurrentStarts and ends, and a Close among them.
func TestConcurrentStarts(t *testing.T) {
	s := spawner(t, child.Options{Slots: 16})
	var all sync.WaitGroup
	for range 16 {
		all.Go(func() {
			for i := range 8 {
				p, err := s.Start(&child.Command{Path: "/bin/sh", Args: []string{"sh", "-c", "sleep 1000 & exit $1", "script", fmt.Sprint(i)}, Env: []string{"PATH=/usr/bin:/bin"}})
				if err != nil {
					t.Error(err)
					return
				}
				if i%3 == 2 {
					p.Terminate()
					p.Kill()
				}
				if r := p.Wait(); i%3 != 2 && r.Exit != i {
					t.Errorf("%v, want exit status %d", r, i)
				}
			}
		})
	}
	all.Wait()
	for range 16 {
		all.Go(func() {
			for {
				p, err := s.Start(&child.Command{Path: "/bin/sh", Args: []string{"sh", "-c", "exit"}})
				if err != nil {
					if !errors.Is(err, child.ErrClosed) {
						t.Error(err)
					}
					return
				}
				p.Wait()
			}
		})
	}
	start := make(chan struct{})
	all.Go(func() {
		<-start
		_ = s.Close()
	})
	close(start)
	all.Wait()
}
