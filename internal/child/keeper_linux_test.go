package child_test

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"freshet/internal/child"
)

// serveUntilKilled is the server of TestKeeper: it starts children with
// children, says who they are, and sleeps.
func serveUntilKilled() {
	if os.Getenv(serverVariable) == "untraced" {
		startWithoutPtrace()
	}
	s, err := child.New(child.Options{AllowRoot: true, Cgroup: os.Getenv(serverVariable)})
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	for range 3 {
		p, err := s.Start(&child.Command{
			Path:  "/bin/sh",
			Args:  []string{"sh", "-c", "setsid sleep 1000 & echo outside $!; sleep 1000 & echo inside $!; (sleep 1000 & echo inside $!); echo inside $$; trap '' TERM; wait"},
			Env:   []string{"PATH=/usr/bin:/bin"},
			Files: []*os.File{nil, os.Stdout, os.Stderr},
		})
		if err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		defer p.Wait()
	}
	fmt.Println("end", s.Describe())
	select {}
}

// TestKeeper: the server is killed, and what it started is gone.
func TestKeeper(t *testing.T) {
	for _, cgroup := range []string{"off", "auto"} {
		t.Run(cgroup, func(t *testing.T) {
			server := exec.Command("/proc/self/exe")
			server.Env = append(os.Environ(), serverVariable+"="+cgroup)
			out, err := server.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := server.Start(); err != nil {
				t.Fatal(err)
			}
			var inside, outside []int
			base := ""
			lines := bufio.NewScanner(out)
			// Each child says four things; "end" may come before them.
			for n := 0; n < 13 && lines.Scan(); n++ {
				kind, rest, _ := strings.Cut(lines.Text(), " ")
				pid := 0
				_, _ = fmt.Sscan(rest, &pid)
				switch kind {
				case "inside":
					inside = append(inside, pid)
				case "outside":
					outside = append(outside, pid)
				case "end":
					_, base, _ = strings.Cut(rest, "cgroup ")
					base, _, _ = strings.Cut(base, ",")
				default:
					t.Fatal(lines.Text())
				}
			}
			if len(inside) != 9 || len(outside) != 3 {
				t.Fatalf("started: %v, %v", inside, outside)
			}
			for _, pid := range append(inside, outside...) {
				if !exists(pid) {
					t.Errorf("process %d did not live", pid)
				}
			}
			if err := server.Process.Kill(); err != nil {
				t.Fatal(err)
			}
			_ = server.Wait()
			for _, pid := range inside {
				ends(t, pid)
			}
			for _, pid := range outside {
				if base == "" { // only a cgroup tells of them; clean up
					if p, err := os.FindProcess(pid); err == nil {
						_ = p.Kill()
					}
				}
				ends(t, pid)
			}
			reapAdopted(t)
			if base == "" {
				return
			}
			for late := time.Now().Add(soon); ; time.Sleep(time.Millisecond) {
				if _, err := os.Stat(base); err != nil {
					return
				}
				if time.Now().After(late) {
					t.Fatalf("%s is still there", base)
				}
			}
		})
	}
}

// TestKeeperIsSmall: it ignores what ends others of its service, and shares
// nearly all of its memory.
func TestKeeperIsSmall(t *testing.T) {
	s := spawner(t, child.Options{})
	runTrue(t, s)
	keeper := theKeeper(t, 0)
	defer func() {
		_ = s.Close()
		gone(t, keeper)
	}()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", keeper))
	if err != nil {
		t.Fatal(err)
	}
	var ignored uint64
	for line := range strings.Lines(string(text)) {
		if mask, ok := strings.CutPrefix(line, "SigIgn:"); ok {
			_, _ = fmt.Sscanf(strings.TrimSpace(mask), "%x", &ignored)
		}
	}
	for _, signal := range []uint{1, 2, 3, 15} {
		if ignored&(1<<(signal-1)) == 0 {
			t.Errorf("signal %d is not ignored: %x", signal, ignored)
		}
	}
	rollup, err := os.ReadFile(fmt.Sprintf("/proc/%d/smaps_rollup", keeper))
	if err != nil {
		t.Skip(err)
	}
	for line := range strings.Lines(string(rollup)) {
		var kib int
		if n, _ := fmt.Sscanf(line, "Private_Dirty: %d kB", &kib); n == 1 {
			t.Logf("private memory of the keeper: %d KiB", kib)
			if kib > 4096 && !underRace() {
				t.Errorf("private memory of the keeper: %d KiB", kib)
			}
		}
	}
}

// reapAdopted reaps what came to us because a server was killed, and we are a
// subreaper: its keeper, which ends now, and what that killed.
func reapAdopted(t *testing.T) {
	t.Helper()
	for _, pid := range ourChildren(t) {
		_, _ = syscall.Wait4(pid, nil, 0, nil)
	}
}

// childrenNamed lists our children with a name.
func childrenNamed(t *testing.T, name string) []int {
	t.Helper()
	var found []int
	for _, pid := range ourChildren(t) {
		comm, _ := os.ReadFile(fmt.Sprintf("/proc/%d/comm", pid))
		if strings.TrimSpace(string(comm)) == name {
			found = append(found, pid)
		}
	}
	return found
}

// ourChildren lists all children of this process.
func ourChildren(t *testing.T) []int {
	t.Helper()
	entries, err := os.ReadDir("/proc")
	if err != nil {
		t.Fatal(err)
	}
	var list []int
	for _, e := range entries {
		var pid, parent int
		if n, _ := fmt.Sscan(e.Name(), &pid); n != 1 {
			continue
		}
		stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		if err != nil {
			continue
		}
		_, after, _ := strings.Cut(string(stat), ") ")
		var state string
		if _, err := fmt.Sscan(after, &state, &parent); err == nil && parent == os.Getpid() {
			list = append(list, pid)
		}
	}
	return list
}

// TestKeeperIsReplaced when somebody kills it.
func TestKeeperIsReplaced(t *testing.T) {
	s := spawner(t, child.Options{})
	runTrue(t, s)
	one := theKeeper(t, 0)
	if err := syscall.Kill(one, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	two := theKeeper(t, one)
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	gone(t, one)
	gone(t, two)
}

// TestKeeperComesWithPrograms: who is ready to start programs has none; those that
// start programs at the same time have one, which ends with the last of them.
func TestKeeperComesWithPrograms(t *testing.T) {
	one, other := spawner(t, child.Options{Slots: 8}), spawner(t, child.Options{Slots: 8})
	if keepers := childrenNamed(t, "freshet-keeper"); len(keepers) > 0 {
		t.Errorf("keepers before there is anything to end: %v", keepers)
	}
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() { runTrue(t, one) })
		all.Go(func() { runTrue(t, other) })
	}
	all.Wait()
	keeper := theKeeper(t, 0)
	if err := one.Close(); err != nil {
		t.Error(err)
	}
	if again := theKeeper(t, 0); again != keeper {
		t.Errorf("another keeper, %d, in place of %d", again, keeper)
	}
	if err := other.Close(); err != nil {
		t.Error(err)
	}
	gone(t, keeper)
	s := spawner(t, child.Options{})
	if keepers := childrenNamed(t, "freshet-keeper"); len(keepers) > 0 {
		t.Errorf("keepers after all has ended: %v", keepers)
	}
	runTrue(t, s)
	theKeeper(t, keeper)
}

// runTrue runs a program that does nothing.
func runTrue(t *testing.T, s *child.Spawner) {
	t.Helper()
	p, err := s.Start(&child.Command{Path: "/bin/true", Args: []string{"true"}})
	if err != nil {
		t.Error(err)
		return
	}
	p.Wait()
}

// theKeeper waits until there is one keeper, another than before.
func theKeeper(t *testing.T, before int) int {
	t.Helper()
	for late := time.Now().Add(soon); ; time.Sleep(time.Millisecond) {
		keepers := childrenNamed(t, "freshet-keeper")
		if len(keepers) == 1 && keepers[0] != before {
			return keepers[0]
		}
		if time.Now().After(late) {
			t.Fatalf("keepers: %v", keepers)
		}
	}
}

// underRace says whether this binary has the race detector, and its memory.
func underRace() bool {
	info, _ := debug.ReadBuildInfo()
	return info != nil && slices.Contains(info.Settings, debug.BuildSetting{Key: "-race", Value: "true"})
}
