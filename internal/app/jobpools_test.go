package app

import (
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"
)

// The limit of a pool is obeyed, shown where a job waits for it, and changes
// with the file while the server runs: what runs goes on.
func TestPoolLimit(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("the programs of this test are not there")
	}
	home, dir := t.TempDir(), folder(t, "index.html", "hello")
	text := func(settings string) string {
		return "[server]\nlisten = '127.0.0.1:0'\nmonitor = '127.0.0.1:0'\njobs = 4\n" + settings + "\n[[site]]\n[[site.route]]\nstatic = '" + dir + "'\n"
	}
	c := &configured{path: filepath.Join(t.TempDir(), "f.toml"), looks: make(chan time.Time)}
	c.write(t, text("pool-limit = { render = 1 }"))
	c.program = startWith(t, func(e *Env) { e.Looks, e.Environ = c.looks, []string{"HOME=" + home} }, "run", "-c", c.path)
	c.monitor()
	job := func(args ...string) string {
		t.Helper()
		status, stdout, stderr := command(t, home, append([]string{"job"}, args...)...)
		if status != exitOK {
			t.Fatalf("%v: exit status %d\n%s%s", args, status, stdout, stderr)
		}
		return stdout
	}
	id := strings.TrimSpace(job("submit", "--pool", "render", "--array", "1-3", "--", "sleep", "1000"))
	// until the job looks as wanted
	until := func(want ...string) {
		t.Helper()
		for end := time.Now().Add(time.Minute); ; time.Sleep(20 * time.Millisecond) {
			shown := job("show", id)
			missing := ""
			for _, w := range want {
				if !strings.Contains(shown, w) {
					missing = w
				}
			}
			if missing == "" {
				return
			}
			if time.Now().After(end) {
				t.Fatalf("without %q:\n%s", missing, shown)
			}
		}
	}
	until(`pool "render" runs 1 tasks, which is its limit`, "2 queued, 1 running")
	if list := job("list", "--json"); !strings.Contains(list, `"limit": 1`) || !strings.Contains(list, `"running": 1`) {
		t.Error(list)
	}
	c.change(t, text("pool-limit = { render = 2 }"), changed)
	until(`pool "render" runs 2 tasks, which is its limit`, "1 queued, 2 running")
	c.change(t, text("share = { ada = 2 }"), changed)
	until("3 running")
	if said := c.stderr.String(); strings.Contains(said, "next start") {
		t.Errorf("a restart is asked for:\n%s", said)
	}
	job("cancel", id)
	c.stop()
}

// A job that pre-empts takes the place of one with a lower priority, whose program
// is ended and run again; what has become of it is told.
func TestPreempt(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("the programs of this test are not there")
	}
	p, home := monitored(t, "serve", "--listen", "127.0.0.1:0", "--monitor", "127.0.0.1:0", "--jobs", "1", folder(t, "index.html", "hello"))
	at := p.monitor()
	job := func(args ...string) string {
		t.Helper()
		status, stdout, stderr := command(t, home, append([]string{"job"}, args...)...)
		if status != exitOK {
			t.Fatalf("%v: exit status %d\n%s%s", args, status, stdout, stderr)
		}
		return strings.TrimSpace(stdout)
	}
	until := func(what, want string, see func() string) {
		t.Helper()
		for end := time.Now().Add(time.Minute); ; time.Sleep(20 * time.Millisecond) {
			seen := see()
			if strings.Contains(seen, want) {
				return
			}
			if time.Now().After(end) {
				t.Fatalf("%s: without %q:\n%s", what, want, seen)
			}
		}
	}
	low := job("submit", "--", "sh", "-c", `trap 'echo saved; exit 0' TERM; echo run $FRESHET_ATTEMPT; test $FRESHET_ATTEMPT = 1 || exit 0; while :; do sleep 0.05; done`)
	until("it runs", "run 1", func() string { return job("logs", low) })
	high := job("submit", "--priority", "3", "--preempt", "--no-preempt", "--", "sleep", "1000")
	until("the other one runs", "running", func() string { return job("show", high) })
	contains(t, job("show", high), "priority   3, pre-empts tasks of a lower one, is pre-empted by none")
	contains(t, job("show", low), "state      running", "1 queued", "reason     pre-empted by job "+high)
	if text := job("show", "--json", low); !strings.Contains(text, `"reason": "pre-empted by job `+high+`"`) || !strings.Contains(text, `"attempt": 1`) {
		t.Error(text)
	}
	_, page := get(t, at+"jobs/job?id="+low)
	contains(t, page, "pre-empted by job "+high)
	job("cancel", high)
	job("wait", low)
	// Some shells say that the sleep in them was ended, too.
	if text := job("logs", low); !strings.HasPrefix(text, "run 1\n") || !strings.Contains(text, "\nsaved\n") || !strings.HasSuffix(text, "-- run 2\nrun 2") {
		t.Errorf("%q", text)
	}
	p.stop()
}
