//go:build unix

package cgi_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"runtime/pprof"
	"strings"
	"testing"
	"time"

	"freshet/cgi"
	"freshet/internal/rule"
)

// fault is one thing that goes wrong.
type fault struct {
	name    string
	program string             // the file "prog"
	change  func(*cgi.Options) // nil: none
	// meet sends a request, which nil takes for a GET that is answered.
	meet   func(t *testing.T, x *faulty)
	status int     // 0: the answer is cut, or nobody is there
	rule   rule.ID // that is recorded
	detail string  // part of what is recorded as the error
}

// faulty is a server with a program that goes wrong.
type faulty struct {
	*server
	h   *cgi.Handler
	dir string
}

// said waits until the program has said something on its standard error.
func (x *faulty) said(word string) {
	x.t.Helper()
	eventually(x.t, "the program says "+word, func() bool {
		runs := x.h.Board().Runs()
		return len(runs) > 0 && runs[0].Said() == word
	})
}

// leaves is a client that sends something and goes when the program has said
// "ready".
func leaves(send string) func(t *testing.T, x *faulty) {
	return func(t *testing.T, x *faulty) {
		c, _ := x.dial()
		io.WriteString(c, send)
		x.said("ready")
		c.Close()
	}
}

const get = "GET /prog HTTP/1.1\r\nHost: h\r\n\r\n"

func timeout(d time.Duration) func(*cgi.Options) {
	return func(o *cgi.Options) { o.Timeout, o.Grace = d, 100*time.Millisecond }
}

func grace(o *cgi.Options) { o.Grace = 100 * time.Millisecond }

// stubborn is a program that cannot be asked to end, with a child of that kind.
var stubborn = []string{`trap '' TERM HUP INT`, `(while :; do sleep 1; done) &`}

var document = `printf 'Content-Type: text/plain\n\nbegun\n'`

// forever is a program, after what else it does.
func forever(lines ...string) string {
	return sh(append(lines, "echo ready >&2", "while :; do sleep 1; done")...)
}

// faults are all that can go wrong with a program and its client.
var faults = []fault{
	{name: "hangs", program: forever(), change: timeout(300 * time.Millisecond), status: 504, rule: rule.ScriptHeadTimeout},
	{name: "hangs and will not end", program: forever(stubborn...), change: timeout(300 * time.Millisecond), status: 504, rule: rule.ScriptHeadTimeout},
	{name: "hangs after its head", program: forever(document), change: timeout(4 * time.Second), rule: rule.ScriptTimeout},
	{name: "hangs behind its length", program: forever(`printf 'Content-Type: text/plain\nContent-Length: 2\n\nok'`), change: timeout(4 * time.Second), status: 200, rule: rule.ScriptAnswered},
	{name: "prints without end", program: sh(document, `yes`), change: func(o *cgi.Options) { o.MaxOutput = 1 << 20 }, rule: rule.ScriptOutputTooLarge},
	{name: "prints fields without end", program: sh(`yes 'X-A: b'`), status: 502, rule: rule.ScriptHeadTooLarge},
	{name: "prints nothing", program: sh(`echo why >&2`, `exit 1`), status: 502, rule: rule.ScriptNoHead, detail: "exit status 1; it said: why"},
	{name: "closes its output", program: forever(`exec >&-`), change: grace, status: 502, rule: rule.ScriptNoHead},
	{name: "closes everything", program: forever(`exec >&- 2>&- <&-`), change: grace, status: 502, rule: rule.ScriptNoHead},
	{name: "is killed", program: sh(`kill -9 $$`), status: 502, rule: rule.ScriptNoHead, detail: "signal: killed"},
	{name: "is killed while it answers", program: sh(document, `kill -9 $$`), rule: rule.ScriptDied, detail: "signal: killed"},
	{name: "is killed behind its length", program: sh(`printf 'Content-Type: text/plain\nContent-Length: 2\n\nok'`, `kill -9 $$`), status: 200, rule: rule.ScriptAnswered},
	{name: "prints too little", program: printf(`Content-Type: text/plain\nContent-Length: 100\n\nok`), rule: rule.ScriptIncomplete},
	{name: "fails when all is printed", program: sh(document, `exit 7`), status: 200, rule: rule.ScriptAnswered},
	{name: "says too much", program: sh(`head -c 3000000 /dev/zero | tr '\000' '\n' >&2`, `yes 'very long' | head -c 3000000 >&2`, document), status: 200, rule: rule.ScriptAnswered},
	{name: "needs too much memory", program: sh(`head -c 1 /dev/zero`, `x=$(head -c 300000000 /dev/zero | tr '\000' a)`, document, `kill -9 $$`),
		change: func(o *cgi.Options) { o.Limits.Memory = 64 << 20 }, status: 502},
	{name: "leaves children", program: sh(`(sleep 1000) &`, `(setsid sleep 1000 >/dev/null 2>&1) &`, document), status: 200, rule: rule.ScriptAnswered},
	{name: "leaves a child with its output", program: sh(`(setsid sleep 1000) &`, document), status: 200, rule: rule.ScriptAnswered},
	{name: "its client leaves before the head", program: forever(), change: grace, meet: leaves(get), rule: rule.ScriptClientGone},
	{name: "its client leaves while it answers", program: forever(document), change: grace, meet: leaves(get), rule: rule.ScriptClientGone},
	{name: "its client leaves and it will not end", program: forever(append(stubborn, document)...), change: grace, meet: leaves(get), rule: rule.ScriptClientGone},
	{name: "its client leaves while it prints", program: sh(document, `yes`), change: grace, meet: leavesMidway, rule: rule.ClientGone},
	{name: "its client leaves behind a body", program: forever(), change: grace, rule: rule.ScriptClientGone,
		meet: leaves("POST /prog HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nabcde")},
	{name: "its client breaks a small body off", program: forever(), rule: rule.BodyIncomplete, status: 400,
		meet: breaksOff("POST /prog HTTP/1.1\r\nHost: h\r\nContent-Length: 500\r\n\r\nabcde")},
	{name: "its client breaks a chunked body off", program: forever(), rule: rule.BodyIncomplete, status: 400,
		meet: breaksOff("POST /prog HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabcde\r\n")},
	{name: "its client breaks a long body off", program: sh(`cat >/dev/null`, `echo "$?" >&2`, document, `sleep 1000`), change: grace, rule: rule.BodyIncomplete, status: 400,
		meet: breaksOff("POST /prog HTTP/1.1\r\nHost: h\r\nContent-Length: 500000\r\n\r\n" + strings.Repeat("x", 100_000))},
	{name: "its client stalls in a long body", program: forever(`cat >/dev/null`), change: timeout(time.Second), rule: rule.ScriptHeadTimeout, status: 504,
		meet: breaksOff("POST /prog HTTP/1.1\r\nHost: h\r\nContent-Length: 500000\r\n\r\n"+strings.Repeat("x", 100_000), stays)},
	{name: "its client takes nothing", program: sh(document, `yes | head -c 50000000`), change: timeout(4 * time.Second), rule: rule.ClientGone, meet: takesNothing},
	{name: "is stopped by an operator", program: forever(), change: grace, status: 503, rule: rule.ScriptStopped, meet: isStopped},
	{name: "is running when the server ends", program: forever(document), change: grace, rule: rule.ScriptStopped, meet: isClosed},
	{name: "there is no room on the disk", program: hello, change: func(o *cgi.Options) { o.SpoolMemory, o.MaxSpool = 1<<10, 10<<10 }, status: 413, rule: rule.ScriptBodyTooLarge,
		meet: breaksOff("POST /prog HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n8000\r\n"+strings.Repeat("x", 0x8000), stays)},
}

// how a client behaves that breaks off.
type how int

const stays how = 1

// breaksOff is a client that sends something, closes its side, unless it stays,
// and reads what comes.
func breaksOff(send string, how ...how) func(t *testing.T, x *faulty) {
	return func(t *testing.T, x *faulty) {
		c, br := x.dial()
		io.WriteString(c, send)
		if len(how) == 0 {
			must(t, c.(*net.TCPConn).CloseWrite())
		}
		x.expect(t, br)
		c.Close()
	}
}

// leavesMidway is a client that goes when it has some of its answer.
func leavesMidway(t *testing.T, x *faulty) {
	c, br := x.dial()
	io.WriteString(c, get)
	if _, err := io.CopyN(io.Discard, br, 1<<20); err != nil {
		t.Error(err)
	}
	c.Close()
}

// takesNothing is a client that does not read its answer.
func takesNothing(t *testing.T, x *faulty) {
	c, _ := x.dial()
	c.(*net.TCPConn).SetReadBuffer(4 << 10)
	io.WriteString(c, get)
	eventually(t, "the program is started", func() bool { return len(x.h.Board().Runs()) > 0 })
	eventually(t, "the program is ended", func() bool { return len(x.h.Board().Runs()) == 0 })
	c.Close()
}

func isStopped(t *testing.T, x *faulty) {
	c, br := x.dial()
	io.WriteString(c, get)
	x.said("ready")
	if b := x.h.Board(); !b.Stop(b.Runs()[0].ID()) {
		t.Error("it was not stopped")
	}
	x.expect(t, br)
}

func isClosed(t *testing.T, x *faulty) {
	c, _ := x.dial()
	io.WriteString(c, get)
	x.said("ready")
	must(t, x.h.Close())
	if a := x.get("/prog"); a.StatusCode != 503 || a.Header.Get("Retry-After") == "" {
		t.Errorf("after Close: %v", a.Status)
	}
}

// wanted is what the fault that x meets leads to; 0: nothing whole.
var wanted = map[string]int{}

func (x *faulty) expect(t *testing.T, br *bufio.Reader) {
	t.Helper()
	resp, err := http.ReadResponse(br, nil)
	if err != nil {
		resp = &http.Response{}
	}
	if want := wanted[t.Name()]; resp.StatusCode != want {
		t.Errorf("%d (%v), want %d", resp.StatusCode, err, want)
	}
}

// TestNothingIsLeft has everything go wrong, and counts afterwards.
func TestNothingIsLeft(t *testing.T) {
	runtime.GC()
	spool := t.TempDir()
	dir := folder(t)
	for i, f := range faults {
		write(t, filepath.Join(dir, fmt.Sprint(i), "prog"), f.program)
	}
	for _, f := range faults {
		wanted[t.Name()+"/all/"+strings.ReplaceAll(f.name, " ", "_")] = f.status
	}
	// What belongs to all handlers of a process is there before and after.
	write(t, filepath.Join(dir, "first", "prog"), hello)
	newHandler(t, cgi.Options{Dir: dir}).ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/first/prog", nil))
	before := countAll(t, dir, spool)
	t.Run("all", func(t *testing.T) {
		for i, f := range faults {
			t.Run(f.name, func(t *testing.T) {
				t.Parallel()
				f.happen(t, filepath.Join(dir, fmt.Sprint(i)), spool)
			})
		}
	})
	var after counts
	late := time.Now().Add(soon)
	for after = countAll(t, dir, spool); after.more(before) && time.Now().Before(late); after = countAll(t, dir, spool) {
		time.Sleep(10 * time.Millisecond)
	}
	if after.more(before) {
		t.Errorf("%d faults left something behind", len(faults))
		pprof.Lookup("goroutine").WriteTo(os.Stderr, 1)
		open, _ := filepath.Glob("/proc/self/fd/*")
		for _, fd := range open {
			to, _ := os.Readlink(fd)
			t.Log(fd, to)
		}
	}
	t.Logf("%d faults; before: %v; after: %v", len(faults), before, after)
}

// happen has one thing go wrong.
func (f *fault) happen(t *testing.T, dir, spool string) {
	s, h := run(t, dir, func(o *cgi.Options) {
		o.SpoolDir = spool
		if f.change != nil {
			f.change(o)
		}
	})
	x := &faulty{s, h, dir}
	if f.meet != nil {
		f.meet(t, x)
	} else if a := x.get("/prog"); f.status == 0 && a.err == nil || f.status != 0 && (a.StatusCode != f.status || a.err != nil) {
		t.Errorf("%v %v, want %d", a.Status, a.err, f.status)
	}
	r := s.next(t)
	if f.rule != 0 && r.Rule != f.rule || !strings.Contains(r.Detail.Error, f.detail) {
		t.Errorf("%v, want %v; %+v", r.Rule, f.rule, r.Detail)
	}
}

// counts are what could be left.
type counts struct{ processes, descriptors, goroutines, files int }

func (c counts) String() string {
	return fmt.Sprintf("%d processes, %d descriptors, %d goroutines, %d files", c.processes, c.descriptors, c.goroutines, c.files)
}

func (c counts) more(than counts) bool {
	return c.processes > than.processes || c.descriptors > than.descriptors || c.goroutines > than.goroutines || c.files > than.files
}

// countAll counts the processes that work in dir or are our children, our
// descriptors and goroutines, and the files in dirs.
func countAll(t *testing.T, dir string, dirs ...string) (c counts) {
	client.CloseIdleConnections()
	c.goroutines = runtime.NumGoroutine()
	links, _ := filepath.Glob("/proc/self/fd/*")
	for _, link := range links {
		if to, err := os.Readlink(link); err == nil && !strings.HasPrefix(to, "anon_inode:[event") {
			c.descriptors++
		}
	}
	for _, d := range append(dirs, dir) {
		filepath.WalkDir(d, func(string, os.DirEntry, error) error { c.files++; return nil })
	}
	statuses, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, path := range statuses {
		b, err := os.ReadFile(path)
		if err != nil {
			continue
		}
		wd, _ := os.Readlink(filepath.Join(filepath.Dir(path), "cwd"))
		if strings.HasPrefix(wd, dir) || parent(string(b)) == os.Getpid() {
			c.processes++
		}
	}
	return c
}

// parent returns a process's parent, from its line of /proc/*/stat.
func parent(stat string) (pid int) {
	if i := strings.LastIndexByte(stat, ')'); i >= 0 {
		var state string
		fmt.Sscan(stat[i+1:], &state, &pid)
	}
	return pid
}
