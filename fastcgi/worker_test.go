//go:build unix

package fastcgi_test

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"freshet/fastcgi"
	"freshet/internal/rule"
)

// workers are this binary as a backend.
func workers(t testing.TB, mode string) *fastcgi.Workers {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	w := &fastcgi.Workers{Command: []string{exe}, Env: []string{"FASTCGI_TEST_WORKER=" + mode}, Dir: "/"}
	if os.Getuid() == 0 {
		w.User = "nobody"
		// A test binary is where only its owner may read it.
		copied := shortDir(t) + "/worker"
		b, err := os.ReadFile(exe)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(strings.TrimSuffix(copied, "/worker"), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(copied, b, 0o755); err != nil {
			t.Fatal(err)
		}
		w.Command[0] = copied
	}
	return w
}

// pid asks which worker answers.
func pid(t testing.TB, c *http.Client, url string) (n int) {
	t.Helper()
	resp, body := get(t, c, url)
	if _, err := fmt.Sscanf(body, "pid %d", &n); err != nil {
		t.Fatalf("%s %q", resp.Status, body)
	}
	return n
}

func TestWorkers(t *testing.T) {
	w := workers(t, "serve")
	w.Min, w.Max, w.Idle = 1, 3, 200*time.Millisecond
	h := newHandler(t, fastcgi.Options{Workers: w})
	url, _ := serve(t, h)
	c := newClient(t)
	first := pid(t, c, url)
	if again := pid(t, c, url); again != first {
		t.Errorf("worker %d, then %d, though it was idle", first, again)
	}
	if runs := h.Board().Runs(); len(runs) != 1 || runs[0].Kind != "worker" || runs[0].PID != first {
		t.Errorf("the board shows %+v", runs)
	}

	// More run while requests wait, and end when they are idle.
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	var all sync.WaitGroup
	for range 12 {
		all.Go(func() { pid(t, c, url+"/held?"+l.Addr().String()) })
	}
	l.(*net.TCPListener).SetDeadline(time.Now().Add(patience))
	var three []net.Conn
	for range 3 {
		held, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		defer held.Close()
		three = append(three, held)
	}
	eventually(t, "all are here", func() bool { running, waiting := h.Load(); return running+waiting == 12 })
	if p := h.Pool(); p.Starts != 3 || p.Workers != 3 {
		t.Errorf("%+v: not 3 were started", p)
	}
	for _, c := range three {
		c.Close()
	}
	// The others are let go as they come: the address stays ours until all were here.
	var letGo sync.WaitGroup
	letGo.Go(func() {
		for {
			held, err := l.Accept()
			if err != nil {
				return
			}
			held.Close()
		}
	})
	all.Wait()
	l.Close()
	letGo.Wait()
	eventually(t, "one is left", func() bool { return h.Pool().Workers == 1 })

	// One that ends is started again: the next request has an answer.
	resp, err := c.Post(url+"/exit", "", nil) // which is not sent again
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != 502 {
		t.Error(resp.Status)
	}
	eventually(t, "one was started again", func() bool { p := h.Pool(); return p.Workers >= 1 && p.Restarts >= 1 })
	second := pid(t, c, url)
	if p := h.Pool(); second == first || p.Restarts != 1 {
		t.Errorf("worker %d after %d, %+v", second, first, p)
	}

	// The same when it is killed while it is idle.
	syscall.Kill(second, syscall.SIGKILL)
	eventually(t, "the killed one was replaced", func() bool { return h.Pool().Restarts == 2 })
	pid(t, c, url)

	// Close ends them.
	last := pid(t, c, url)
	h.Close()
	if err := syscall.Kill(last, 0); err != syscall.ESRCH {
		t.Errorf("the worker after Close: %v", err)
	}
	resp, _ = get(t, c, url)
	if resp.StatusCode != 503 {
		t.Errorf("after Close: %s", resp.Status)
	}
}

// A worker that hangs is ended with its request, and the next one has an answer.
func TestWorkersHang(t *testing.T) {
	w := workers(t, "serve")
	w.Max = 1
	h := newHandler(t, fastcgi.Options{Workers: w, Timeout: 200 * time.Millisecond})
	url, recs := serve(t, h)
	c := newClient(t)
	// The first may still be starting when its time is over.
	eventually(t, "it answers", func() bool {
		resp, _ := get(t, c, url)
		recs.next(t)
		return resp.StatusCode == 200
	})
	for range 2 {
		resp, _ := get(t, c, url+"/hang")
		if got := recs.rule(t); resp.StatusCode != 504 || got != "script-head-timeout" {
			t.Errorf("%s %s", resp.Status, got)
		}
		eventually(t, "it answers", func() bool {
			resp, _ := get(t, c, url)
			recs.next(t)
			return resp.StatusCode == 200
		})
	}
	if p := h.Pool(); p.Starts < 3 || p.Restarts != 0 || p.Workers != 1 {
		t.Errorf("%+v", p)
	}
}

// Workers that end at once are started with pauses; meanwhile there is 503.
func TestWorkersDie(t *testing.T) {
	var log safeBuffer
	w := workers(t, "die")
	w.Min, w.Max, w.Backoff = 2, 4, 50*time.Millisecond
	h := newHandler(t, fastcgi.Options{Workers: w, ErrorLog: slog.New(slog.NewTextHandler(&log, nil))})
	url, recs := serve(t, h)
	eventually(t, "they were started again", func() bool { return h.Pool().Restarts > 3 })
	eventually(t, "none runs", func() bool { return h.Pool().Workers == 0 })
	if p := h.Pool(); p.Starts > 100 || !strings.Contains(p.LastError, "exit status 3") {
		t.Errorf("%+v", p)
	}
	eventually(t, "a request is refused because of that", func() bool {
		resp, _ := get(t, newClient(t), url)
		return resp.StatusCode == 503 && recs.next(t).Rule == rule.WorkersNone
	})
	if !strings.Contains(log.String(), "no reason to live") {
		t.Errorf("the log does not have what they said: %s", log.String())
	}
}

// A request that meets a worker on its way out does not go to the next one of
// that kind: none can run, which is what it is told.
func TestWorkersDieUnderARequest(t *testing.T) {
	w := workers(t, "accept and die")
	w.Backoff = time.Minute
	for tries := 1; ; tries++ {
		h := newHandler(t, fastcgi.Options{Workers: w, ErrorLog: quiet})
		url, recs := serve(t, h)
		resp, _ := get(t, newClient(t), url)
		rec, p := recs.next(t), h.Pool()
		if resp.StatusCode == 503 && rec.Rule == rule.WorkersNone && p.Starts == 1 {
			return
		}
		// On a busy machine one may take longer to end than it is waited for.
		if t.Logf("%s %v, %d were started", resp.Status, rec.Rule, p.Starts); tries == 5 {
			t.FailNow()
		}
	}
}

func TestWorkersRefused(t *testing.T) {
	for name, w := range map[string]*fastcgi.Workers{
		"no such program": {Command: []string{"/nowhere/at/all"}, User: "nobody"},
		"no command":      {},
		"relative":        {Command: []string{"php-cgi"}},
		"less":            {Command: []string{"/bin/true"}, Min: 3, Max: 2},
		"no such user":    {Command: []string{"/bin/true"}, User: "no-such-user"},
	} {
		if os.Getuid() != 0 && name == "no such program" {
			w.User = ""
		}
		h, err := fastcgi.New(fastcgi.Options{Workers: w, ErrorLog: quiet})
		if err == nil {
			h.Close()
			t.Errorf("%s: no error", name)
		}
	}
}

// safeBuffer is a buffer for a logger.
type safeBuffer struct {
	mu sync.Mutex
	b  strings.Builder
}

func (s *safeBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *safeBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

var _ io.Writer = (*safeBuffer)(nil)

// A worker that hears nothing more at its socket, as one that is about to end,
// fails nobody: it is ended, and the request waits for the next one.
func TestWorkersDeaf(t *testing.T) {
	w := workers(t, "once")
	w.Min, w.Max = 1, 1
	h := newHandler(t, fastcgi.Options{Workers: w, Idle: -1}) // no connection is kept
	url, _ := serve(t, h)
	c := newClient(t)
	last := 0
	for range 5 {
		next := pid(t, c, url) // fails the test when it is no 200
		if next == last {
			t.Fatalf("worker %d heard twice", next)
		}
		last = next
	}
	if p := h.Pool(); p.Restarts != 4 {
		t.Errorf("%+v", p)
	}
}

// The folder of a server's sockets is removed by the next one when the server
// was killed.
func TestWorkersOfTheDead(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	left := exec.Command("true")
	if err := left.Run(); err != nil {
		t.Skip(err)
	}
	dead := filepath.Join(os.TempDir(), fmt.Sprintf("freshet-fastcgi-%d-1", left.Process.Pid))
	alive := filepath.Join(os.TempDir(), fmt.Sprintf("freshet-fastcgi-%d-1", os.Getpid()))
	for _, dir := range []string{dead, alive} {
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, "0-1"), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chmod(filepath.Dir(os.TempDir()), 0o755); err != nil { // the worker's file is in it
		t.Fatal(err)
	}
	newHandler(t, fastcgi.Options{Workers: workers(t, "serve")})
	if _, err := os.Stat(dead); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("what a dead server left: %v", err)
	}
	if _, err := os.Stat(alive); err != nil {
		t.Errorf("what another server uses: %v", err)
	}
}
