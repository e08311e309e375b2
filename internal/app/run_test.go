package app

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"
)

// asProcess makes the test binary be the program, for the tests that need a
// process of its own.
const asProcess = "APP_TEST_AS_PROCESS=1"

// patience is how long what has to happen is waited for: a busy machine takes
// its time.
const patience = 2 * time.Minute

func TestMain(m *testing.M) {
	if os.Getenv("APP_TEST_AS_PROCESS") != "" {
		os.Exit(Main())
	}
	if os.Getenv("APP_TEST_AS_WORKER") != "" {
		serveWorker()
	}
	status := m.Run()
	if status == 0 {
		status = leftGoroutines()
	}
	os.Exit(status)
}

// leftGoroutines fails the run when something of ours still runs after it.
func leftGoroutines() int {
	http.DefaultClient.CloseIdleConnections()
	var stacks string
	for end := time.Now().Add(patience); time.Now().Before(end); {
		buf := make([]byte, 1<<20)
		stacks = string(buf[:runtime.Stack(buf, true)])
		if strings.Count(stacks, "freshet/") == strings.Count(stacks, "freshet/internal/app.leftGoroutines")+
			strings.Count(stacks, "freshet/internal/app.TestMain") {
			return 0
		}
		time.Sleep(time.Millisecond)
	}
	fmt.Fprintln(os.Stderr, "goroutines are left:\n"+stacks)
	return 1
}

// output is a stream that can be waited on.
type output struct {
	mu   sync.Mutex
	more sync.Cond
	text strings.Builder
}

func newOutput() *output {
	o := &output{}
	o.more.L = &o.mu
	return o
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	defer o.more.Broadcast()
	return o.text.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

// wait returns the first submatch of what is waited for.
func (o *output) wait(t *testing.T, pattern string) string {
	t.Helper()
	return o.waitFrom(t, 0, pattern)
}

// waitFrom is wait, for what is written after the first bytes.
func (o *output) waitFrom(t *testing.T, from int, pattern string) string {
	t.Helper()
	late := false
	timer := time.AfterFunc(patience, func() {
		o.mu.Lock()
		defer o.mu.Unlock()
		late = true
		o.more.Broadcast()
	})
	defer timer.Stop()
	re := regexp.MustCompile(pattern)
	o.mu.Lock()
	defer o.mu.Unlock()
	for {
		if m := re.FindStringSubmatch(o.text.String()[from:]); m != nil {
			return m[len(m)-1]
		}
		if late {
			t.Fatalf("no %s in %q", pattern, o.text.String())
		}
		o.more.Wait()
	}
}

// program is a run of the program inside the test.
type program struct {
	t              *testing.T
	env            *Env
	stdout, stderr *output
	signals        chan os.Signal
	status         chan int
	ended          bool
}

func start(t *testing.T, args ...string) *program {
	return startWith(t, func(*Env) {}, args...)
}

func startWith(t *testing.T, change func(*Env), args ...string) *program {
	p := &program{t: t, stdout: newOutput(), stderr: newOutput(), signals: make(chan os.Signal, 4), status: make(chan int, 1)}
	p.env = &Env{
		Args: args, Environ: noMonitor, Stdout: p.stdout, Stderr: p.stderr, Signals: p.signals,
		LAN: func() (netip.Addr, bool) { return netip.MustParseAddr("192.0.2.7"), true },
	}
	change(p.env)
	go func() { p.status <- Run(p.env) }()
	t.Cleanup(func() {
		if !p.ended {
			p.signals <- os.Interrupt
			p.signals <- os.Interrupt
			p.wait()
		}
	})
	return p
}

// wait returns the exit status.
func (p *program) wait() int {
	p.t.Helper()
	select {
	case status := <-p.status:
		p.ended = true
		return status
	case <-time.After(patience):
		p.t.Fatalf("the program does not end; it said %s", p.stderr)
		return -1
	}
}

// stop asks for a graceful stop, which must succeed.
func (p *program) stop() {
	p.t.Helper()
	p.signals <- os.Interrupt
	if status := p.wait(); status != exitOK {
		p.t.Errorf("exit status %d: %s", status, p.stderr)
	}
}

// url returns the first address that is served.
func (p *program) url() string {
	p.t.Helper()
	return p.stderr.wait(p.t, `(?m)^serving .* on (https?://\S+/)$`)
}

// fails runs the program, which must say one line and end with that status.
func fails(t *testing.T, status int, args ...string) string {
	t.Helper()
	p := start(t, args...)
	if got := p.wait(); got != status {
		t.Errorf("exit status %d, want %d", got, status)
	}
	said := p.stderr.String()
	if strings.Count(said, "\n") != 1 || !strings.HasPrefix(said, "freshet: ") || p.stdout.String() != "" {
		t.Errorf("not one line: %q, and on standard output %q", said, p.stdout)
	}
	return strings.TrimSuffix(said, "\n")
}

// folder makes a folder with the files, given as name and content in turn. They
// are an hour old: what was changed a moment ago gets its Last-Modified later,
// between two answers that are compared.
func folder(t *testing.T, files ...string) string {
	t.Helper()
	dir := t.TempDir()
	for i := 0; i < len(files); i += 2 {
		name := filepath.Join(dir, files[i])
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(files[i+1]), 0o644); err != nil {
			t.Fatal(err)
		}
		old := time.Now().Add(-time.Hour)
		if err := os.Chtimes(name, old, old); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// get returns an answer and its body, over a connection of its own.
func get(t *testing.T, url string, header ...string) (*http.Response, string) {
	t.Helper()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	req, err := http.NewRequest("GET", url, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, string(body)
}

// unread asks for a file and never reads the answer beyond its first byte, so
// that the request does not end.
func unread(t *testing.T, url, path string) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", strings.TrimSuffix(strings.TrimPrefix(url, "http://"), "/"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	if _, err := io.WriteString(c, "GET "+path+" HTTP/1.1\r\nHost: a\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(c, make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	return c
}

// sparse makes a file that no socket buffer holds.
func sparse(t *testing.T, path string) {
	t.Helper()
	if err := os.WriteFile(path, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(path, 32<<20); err != nil {
		t.Fatal(err)
	}
}

// noMonitor is the environment of the runs that are not about the monitor.
var noMonitor = []string{"FRESHET_MONITOR=off"}

// process starts the program as a process of its own.
func process(t *testing.T, args ...string) (cmd *exec.Cmd, stdout, stderr *output) {
	t.Helper()
	stdout, stderr = newOutput(), newOutput()
	cmd = exec.Command(os.Args[0], args...)
	cmd.Env = append(append(os.Environ(), noMonitor...), asProcess)
	cmd.Stdout, cmd.Stderr = stdout, stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill() })
	return cmd, stdout, stderr
}

func contains(t *testing.T, text string, parts ...string) {
	t.Helper()
	for _, p := range parts {
		if !strings.Contains(text, p) {
			t.Errorf("no %q in %q", p, text)
		}
	}
}
