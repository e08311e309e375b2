package child_test

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"freshet/internal/child"
)

// TestEscapee: what made a session of its own is found by the mark in its
// environment when the leader ends.
func TestEscapee(t *testing.T) {
	for _, c := range []struct{ name, script string }{
		{"setsid", "setsid sh -c 'echo $$; exec sleep 1000' & read x"},
		{"daemon", "(setsid sh -c 'sh -c \"echo \\$\\$; exec sleep 1000\" & exit' &) ; read x"},
		{"family", "setsid sh -c 'setsid sh -c \"echo \\$\\$; exec sleep 1000\" & sleep 1000; wait' & read x"},
		{"own group", "exec bash -c 'set -m; sleep 1000 & echo $!; read x' 2>/dev/null"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := spawner(t, child.Options{User: nobody(t)})
			p := start(t, s, c.script)
			pid := p.number(t)
			if !exists(pid) {
				t.Fatal("the escapee did not live")
			}
			_ = p.in.Close()
			if r := wait(t, p.Process); r.Exit != 1 && r.Exit != 0 || r.Leftovers < 1 {
				t.Errorf("%+v", r)
			}
			gone(t, pid)
		})
	}
}

// TestEscapeeWithoutAName: it left the session and emptied its environment;
// only a cgroup tells of it.
func TestEscapeeWithoutAName(t *testing.T) {
	s := spawner(t, child.Options{Cgroup: "auto"})
	if !strings.Contains(s.Describe(), "cgroup /") {
		t.Skip("no cgroup v2 may be used here")
	}
	// Twice in a slot.
	for range 2 {
		p := start(t, s, "env -i setsid sh -c 'echo $$; exec sleep 1000' & sleep 1000 & read x; exit 9")
		pid := p.number(t)
		_ = p.in.Close()
		if r := wait(t, p.Process); r.Exit != 9 || r.Leftovers < 2 {
			t.Errorf("%+v", r)
		}
		gone(t, pid)
	}
}

// TestEscapeeOfAnotherUser: it left the session twice and emptied its
// environment, and there is no cgroup; but who runs as that user is a script's.
func TestEscapeeOfAnotherUser(t *testing.T) {
	u := nobody(t)
	if u == nil {
		t.Skip("programs run as we do, so it could be anybody's")
	}
	s := spawner(t, child.Options{User: u})
	const escape = "env -i setsid setsid sh -c 'setsid sh -c \"echo \\$\\$; exec sleep 1000 0<&- 2>&-\" & exit' & read x; exit"
	first := start(t, s, escape)
	stray := first.number(t)
	longer := start(t, s, "read x") // may be whose it is, for all that can be told
	_ = first.in.Close()
	wait(t, first.Process)
	_ = longer.in.Close()
	wait(t, longer.Process)
	ends(t, stray)
}

// TestStrayOfALivingChild is let alone until that ends, but reaped when it
// ends itself.
func TestStrayOfALivingChild(t *testing.T) {
	s := spawner(t, child.Options{})
	p := start(t, s, "(setsid sh -c 'echo $$; exec sleep 1000' &) ; (setsid sh -c 'echo $$; exec sleep 1000' &); read x")
	one, two := p.number(t), p.number(t)
	// Others end meanwhile, and have us look.
	for range 5 {
		wait(t, start(t, s, "exit").Process)
	}
	if !exists(one) || !exists(two) {
		t.Error("a stray was killed while its leader runs")
	}
	_ = syscall.Kill(one, syscall.SIGKILL)
	for late := time.Now().Add(soon); exists(one); time.Sleep(time.Millisecond) {
		wait(t, start(t, s, "exit").Process)
		if time.Now().After(late) {
			t.Fatal("a stray that ended was not reaped")
		}
	}
	_ = p.in.Close()
	wait(t, p.Process)
	gone(t, two)
}

// TestNamelessZombies: what ended before anybody could tell whose it was is
// reaped all the same, a little later.
func TestNamelessZombies(t *testing.T) {
	s := spawner(t, child.Options{User: nobody(t)})
	for range 20 {
		p := start(t, s, "env -i setsid true & setsid true & exit")
		wait(t, p.Process)
	}
	for late := time.Now().Add(soon / 10); ; time.Sleep(10 * time.Millisecond) {
		zombies, last := 0, ""
		for _, pid := range ourChildren(t) {
			text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
			if strings.Contains(string(text), ") Z ") {
				zombies++
				last = string(text)
			}
		}
		if zombies == 0 {
			return
		}
		if time.Now().After(late) {
			t.Fatalf("%d zombies stay: %s", zombies, last)
		}
	}
}

// TestOthersChildren: programs that other code of this process starts, in
// whatever way, are not touched, even if they carry a name like ours.
func TestOthersChildren(t *testing.T) {
	s := spawner(t, child.Options{})
	stop := make(chan struct{})
	var all sync.WaitGroup
	for _, attr := range []*syscall.SysProcAttr{nil, {Setsid: true}, {Setpgid: true}} {
		// Two: one thread of the two may be the process's first, whose
		// children stand among the strays.
		for range 2 {
			all.Go(func() {
				for {
					cmd := exec.Command("/bin/sh", "-c", "sleep 0.01; exit 6")
					cmd.SysProcAttr = attr
					cmd.Env = []string{"UNIQUE_ID=nobody's", "PATH=/usr/bin:/bin"}
					_ = cmd.Run()
					if cmd.ProcessState == nil || cmd.ProcessState.ExitCode() != 6 {
						t.Errorf("a program of others: %v", cmd.ProcessState)
						return
					}
					select {
					case <-stop:
						return
					default:
					}
				}
			})
		}
	}
	for range 100 {
		wait(t, start(t, s, "setsid sleep 1000 & exit").Process)
	}
	close(stop)
	all.Wait()
}

// TestNothingIsLeft: processes, descriptors and goroutines after many
// children are those before.
func TestNothingIsLeft(t *testing.T) {
	for _, cgroup := range []string{"off", "auto"} {
		s := spawner(t, child.Options{User: nobody(t), Cgroup: cgroup, Slots: 4, Limits: child.Limits{CPU: time.Minute}})
		made := 0
		run := func(n int) {
			for range n {
				made++
				mark := fmt.Sprintf("%s %d", cgroup, made)
				p, err := s.Start(&child.Command{Path: "/bin/sh", Args: []string{"sh", "-c", "sleep 1000 & setsid sleep 1000 & exit 1"}, Env: []string{"UNIQUE_ID=" + mark, "PATH=/usr/bin:/bin"}, Mark: mark})
				if err != nil {
					t.Fatal(err)
				}
				p.Wait()
			}
		}
		usePoller(t) // which has descriptors of its own from its first use
		run(8)       // every slot
		processes, files := len(ourChildren(t)), openFiles(t)
		run(200)
		// A look at strays has some open for a moment.
		for late := time.Now().Add(soon); openFiles(t) > files; time.Sleep(time.Millisecond) {
			if time.Now().After(late) {
				t.Fatalf("%d descriptors, before %d", openFiles(t), files)
			}
		}
		for late := time.Now().Add(soon); len(ourChildren(t)) > processes; time.Sleep(time.Millisecond) {
			if time.Now().After(late) {
				t.Fatalf("%d children, before %d", len(ourChildren(t)), processes)
			}
		}
	}
}

// usePoller has the runtime's poller be there.
func usePoller(t *testing.T) {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	_, _ = r.Close(), w.Close()
}

// openFiles counts descriptors, but for those of slots' cgroups: a slot in
// which something was killed has none until it is used again.
func openFiles(t *testing.T) (n int) {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		link, _ := os.Readlink("/proc/self/fd/" + e.Name())
		if !strings.Contains(link, fmt.Sprintf("/freshet-%d-", os.Getpid())) {
			n++
		}
	}
	return n
}

// TestInheritedDescriptors do not reach programs.
func TestInheritedDescriptors(t *testing.T) {
	fd, err := unix.Open("/dev/null", unix.O_RDONLY, 0) // without O_CLOEXEC
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = unix.Close(fd) }()
	s := spawner(t, child.Options{})
	text, _ := start(t, s, "ls /proc/$$/fd").rest(t)
	if strings.Contains("\n"+text, fmt.Sprintf("\n%d\n", fd)) {
		t.Errorf("descriptor %d is there: %q", fd, text)
	}
}

// TestUsage of a process that runs.
func TestUsage(t *testing.T) {
	s := spawner(t, child.Options{})
	p := start(t, s, "while :; do :; done")
	for late := time.Now().Add(soon); ; time.Sleep(time.Millisecond) {
		cpu, rss := p.Usage()
		if cpu > 0 && rss > 0 {
			break
		}
		if time.Now().After(late) {
			t.Fatalf("used %v, %d bytes", cpu, rss)
		}
	}
	p.Kill()
	if r := wait(t, p.Process); r.User+r.System <= 0 {
		t.Errorf("%+v", r)
	}
	if cpu, rss := p.Usage(); cpu != 0 || rss != 0 {
		t.Errorf("of what is gone: %v, %d", cpu, rss)
	}
}
