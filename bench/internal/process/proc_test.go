package process

import (
	"bufio"
	"context"
	"errors"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestParseStat(t *testing.T) {
	for _, c := range []struct {
		line string
		want stat
		ok   bool
	}{
		{"812 (nginx) S 811 811 811 0 -1 4194624 311 0 0 0 250 175 0 0 20 0 1 0", stat{811, 4250 * time.Millisecond}, true},
		{"9 (a ) (b) c) R 1 9 9 0 -1 0 0 0 0 0 1 2 0 0 20 0", stat{1, 30 * time.Millisecond}, true},
		{"9 (short) R 1 9 9", stat{}, false},
		{"9 no name", stat{}, false},
		{"9 (x) R 1 9 9 0 -1 0 0 0 0 0 one 2 0 0 20 0", stat{}, false},
	} {
		got, err := parseStat([]byte(c.line))
		if (err == nil) != c.ok || c.ok && got != c.want {
			t.Errorf("parseStat(%q) = %+v, %v, want %+v", c.line, got, err, c.want)
		}
	}
}

func TestParseSchedstat(t *testing.T) {
	if got, err := parseSchedstat([]byte("104556 248194 2\n")); err != nil || got != 104556 {
		t.Errorf("got %v, %v, want 104556 ns", got, err)
	}
	for _, s := range []string{"", "1 2", "x 2 3"} {
		if got, err := parseSchedstat([]byte(s)); err == nil {
			t.Errorf("read %v from %q", got, s)
		}
	}
}

func TestParseKB(t *testing.T) {
	rollup := []byte("55d0-7ffe ---p 00000000 00:00 0   [rollup]\nRss:    1860 kB\nPss:     150 kB\nPss_Anon: 96 kB\n")
	got, err := parseKB(rollup, "Rss:", "Pss:")
	if err != nil || !slices.Equal(got, []int64{1860 << 10, 150 << 10}) {
		t.Errorf("got %v, %v", got, err)
	}
	if got, err := parseKB(rollup, "Rss:", "Swap:"); err == nil {
		t.Errorf("read %v though there is no Swap", got)
	}
}

func TestCPUSince(t *testing.T) {
	ms := func(n int) time.Duration { return time.Duration(n) * time.Millisecond }
	before := CPU{map[int]time.Duration{1: ms(5), 2: ms(7)}, ms(10)}
	for _, c := range []struct {
		name  string
		after CPU
		want  time.Duration
	}{
		{"same threads", CPU{map[int]time.Duration{1: ms(6), 2: ms(9)}, ms(20)}, ms(3)},
		{"a new thread", CPU{map[int]time.Duration{1: ms(6), 2: ms(9), 3: ms(4)}, ms(20)}, ms(7)},
		{"a thread ended", CPU{map[int]time.Duration{1: ms(6)}, ms(20)}, ms(10)},
		{"no schedstat", CPU{nil, ms(30)}, ms(20)},
	} {
		if got := c.after.Since(before); got != c.want {
			t.Errorf("%s: got %v, want %v", c.name, got, c.want)
		}
	}
}

// TestReadings starts a shell that starts a shell, and finds both, what the
// inner one burns, and what they hold.
func TestReadings(t *testing.T) {
	inner := `echo begun; read x; i=0; while [ $i -lt 20000 ]; do i=$((i+1)); done; echo done; read x`
	cmd := exec.Command("sh", "-c", `sh -c '`+inner+`'; true`)
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer cmd.Wait()
	defer in.Close()
	lines := bufio.NewScanner(out)
	lines.Scan()
	pid := cmd.Process.Pid
	if tree := Tree(pid); len(tree) != 2 || tree[0] != pid {
		t.Errorf("Tree(%d) = %v, want it and its child", pid, tree)
	}
	before, err := ReadCPU(pid)
	if err != nil {
		t.Fatal(err)
	}
	in.Write([]byte("go\n"))
	lines.Scan()
	after, err := ReadCPU(pid)
	if err != nil {
		t.Fatal(err)
	}
	if d := after.Since(before); d <= 0 || d > 20*time.Second {
		t.Errorf("a loop of 20,000 steps took %v", d)
	}
	m, err := ReadMemory(pid)
	if err != nil || m.RSS < 100<<10 || m.PSS > m.RSS {
		t.Errorf("two shells hold %+v, %v", m, err)
	}
}

func TestStartAndStop(t *testing.T) {
	p, err := Start(Options{Args: []string{"sh", "-c", "echo hello; exec sleep 60"}, CPU: -1, Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	p.Stop(10 * time.Second)
	select {
	case <-p.Done():
	default:
		t.Error("stopped, but not done")
	}
	if _, err := os.Stat("/proc/self/stat"); err == nil {
		if _, err := ReadCPU(p.PID()); err == nil {
			t.Error("a process that ended has processor time")
		}
	}
}

func TestWaitListeningTellsWhatTheProcessSaid(t *testing.T) {
	p, err := Start(Options{Args: []string{"sh", "-c", "echo no such port; exit 1"}, CPU: -1, Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	addr, err := FreeAddr()
	if err != nil {
		t.Fatal(err)
	}
	err = p.WaitListening(t.Context(), addr)
	if err == nil || !slices.Contains([]string{"no such port"}, p.Output()) {
		t.Errorf("got %v, output %q", err, p.Output())
	}
}

func TestRaiseFiles(t *testing.T) {
	got, err := RaiseFiles(64)
	if err != nil || got != 64 {
		t.Fatalf("got %d, %v, want 64", got, err)
	}
	if got, err = RaiseFiles(256); err != nil || got != 256 {
		t.Errorf("got %d, %v, want 256", got, err)
	}
}

// TestPeak sees this process remember memory that it has given back, until it
// is told to forget.
func TestPeak(t *testing.T) {
	const size = 64 << 20
	b, err := syscall.Mmap(-1, 0, size, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_ANON|syscall.MAP_PRIVATE)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < size; i += 4096 {
		b[i] = 1
	}
	if err := syscall.Munmap(b); err != nil {
		t.Fatal(err)
	}
	before, err := ReadPeak(os.Getpid())
	if err != nil || before < size {
		t.Fatalf("a peak of %d, %v, want at least %d", before, err, size)
	}
	if err := ResetPeak(os.Getpid()); err != nil {
		t.Fatal(err)
	}
	if after, err := ReadPeak(os.Getpid()); err != nil || after > before-size/2 {
		t.Errorf("a peak of %d, %v, after one of %d was forgotten", after, err, before)
	}
	if _, err := ReadPeak(1 << 30); err == nil {
		t.Error("a process that is not there has a peak")
	}
}

// A program that does not listen is ended, and its last words are told.
func TestServeEndsWhatDoesNotListen(t *testing.T) {
	addr, err := FreeAddr()
	if err != nil {
		t.Fatal(err)
	}
	p, err := Serve(t.Context(), addr, Options{Args: []string{"sh", "-c", "echo no port for me"}, CPU: -1, Dir: t.TempDir()})
	if err == nil || !strings.Contains(err.Error(), "no port for me") {
		t.Errorf("Serve returned %v, %v", p, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if p, err := Serve(ctx, addr, Options{Args: []string{"sh", "-c", "exec sleep 600"}, CPU: -1, Dir: t.TempDir()}); !errors.Is(err, context.Canceled) {
		t.Errorf("Serve returned %v, %v", p, err)
	}
}

// TestClock compares the clock of a process with what the system charges a
// shell for a loop, once that has run.
func TestClock(t *testing.T) {
	cmd := exec.Command("sh", "-c", `i=0; while [ $i -lt 20000 ]; do i=$((i+1)); done; echo done; read x`)
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	bufio.NewScanner(out).Scan()
	got, err := Clock(cmd.Process.Pid)
	if err != nil {
		t.Error(err)
	}
	in.Close()
	cmd.Wait()
	if all := cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime(); got <= 0 || got > all+tick {
		t.Errorf("the clock said %v, the system %v", got, all)
	}
	if d, err := Clock(cmd.Process.Pid); err == nil {
		t.Errorf("a process that ended has a clock, which says %v", d)
	}
}

func TestParseCore(t *testing.T) {
	text := "cpu  9 9 9 9 9 9 9 9 0 0\ncpu0 1 2 3 400 50 6 7 80 0 0\ncpu1 x 0 0 0 0 0 0 0 0 0\ncpu10 1 0 0 0 0 0 0 0 0 0\n"
	if got, err := parseCore(text, 0); err != nil || got != 190*time.Millisecond {
		t.Errorf("got %v, %v, want 190ms", got, err)
	}
	for _, core := range []int{1, 2} {
		if got, err := parseCore(text, core); err == nil {
			t.Errorf("core %d: got %v", core, got)
		}
	}
}
