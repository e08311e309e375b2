//go:build linux

package faults

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// What a process does to its disk is recorded by strace, from outside and in one
// order. Of these calls a few lead to a failure when they are met with a file of
// the folder that is looked at: nobody makes them today, and what they leave on a
// disk is not modelled.
const traced = "open,openat,openat2,creat,close,dup,dup2,dup3,fcntl,lseek,write,pwrite64," +
	"clone,clone3,fsync,fdatasync,ftruncate,rename,renameat,renameat2,link,linkat,unlink,unlinkat,rmdir,mkdir,mkdirat," +
	notModelled + ",sync,syncfs,truncate"

const notModelled = "writev,pwritev,pwritev2,sendfile,copy_file_range,splice,sync_file_range,fallocate"

// tracer is what strace writes, as long as it does.
type tracer struct {
	pipe string
	text bytes.Buffer // nobody's before gone is closed
	err  error
	gone chan struct{}
}

func newTracer(t *testing.T) *tracer {
	t.Helper()
	if _, err := exec.LookPath("strace"); err != nil {
		t.Fatal("what a process does to its disk is seen by strace, which scripts/setup installs: ", err)
	}
	r := &tracer{pipe: filepath.Join(t.TempDir(), "trace"), gone: make(chan struct{})}
	if err := syscall.Mkfifo(r.pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(r.gone)
		f, err := os.Open(r.pipe)
		if err == nil {
			_, err = r.text.ReadFrom(f)
			f.Close()
		}
		r.err = err
	}()
	return r
}

// wrap has a program traced. It stays our own child.
func (r *tracer) wrap() wrap {
	return wrap{args: []string{"strace", "-D", "-f", "-q", "--seccomp-bpf", "-xx", "-s", "1048576", "-e", "signal=none",
		"--absolute-timestamps=format:unix,precision:ns", "--syscall-times=ns", "-e", "trace=" + traced, "-o", r.pipe}}
}

// call is one of those.
type call struct {
	process    int
	name       string
	args       []string // of texts the bytes
	result     int
	failed     bool
	began, end time.Time
}

// calls waits until the program has ended, and all that it had started: the calls
// of the program itself, in the order in which they count.
func (r *tracer) calls(t *testing.T) (calls []call) {
	t.Helper()
	select {
	case <-r.gone:
	case <-time.After(startWithin):
		t.Fatal("strace does not end")
	}
	if r.err != nil {
		t.Fatal(r.err)
	}
	begun := map[int]string{} // by thread, up to where another one came between
	lines := bufio.NewScanner(&r.text)
	lines.Buffer(nil, 64<<20)
	for lines.Scan() {
		c, whole, err := parseLine(lines.Text(), begun)
		if err != nil {
			t.Fatalf("%v: %.300q", err, lines.Text())
		}
		if whole {
			calls = append(calls, c)
		}
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	threads := map[int]bool{}
	for i, c := range calls {
		if i == 0 || (strings.HasPrefix(c.name, "clone") && threads[c.process] && strings.Contains(strings.Join(c.args, " "), "CLONE_THREAD")) {
			threads[c.process] = true // the first call of all is the program's
			threads[c.result] = true
		}
	}
	calls = slices.DeleteFunc(calls, func(c call) bool { return !threads[c.process] })
	slices.SortStableFunc(calls, func(a, b call) int { return a.counts().Compare(b.counts()) })
	return calls
}

// counts is when a call comes among others: when it has ended, but for close, for
// as soon as that has begun another thread may be given the descriptor.
func (c *call) counts() time.Time {
	if c.name == "close" {
		return c.began
	}
	return c.end
}

const (
	cutShort = " <unfinished ...>"
	resumed  = " resumed>"
)

// parseLine reads a line: "PROCESS TIME NAME(ARGS) = RESULT <TOOK>", which may
// come in two parts.
func parseLine(line string, begun map[int]string) (c call, whole bool, err error) {
	word, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
	if c.process, err = strconv.Atoi(word); err != nil {
		return c, false, err
	}
	rest = strings.TrimSpace(rest)
	stamp, rest, _ := strings.Cut(rest, " ")
	switch {
	case strings.HasPrefix(rest, "+++"), strings.HasPrefix(rest, "---"):
		return c, false, nil
	case strings.HasSuffix(rest, cutShort):
		begun[c.process] = stamp + " " + strings.TrimSuffix(rest, cutShort)
		return c, false, nil
	case strings.HasPrefix(rest, "<... "):
		_, end, ok := strings.Cut(rest, resumed)
		if !ok || begun[c.process] == "" {
			return c, false, fmt.Errorf("the second part of a call without a first one")
		}
		stamp, rest, _ = strings.Cut(begun[c.process]+end, " ")
		delete(begun, c.process)
	}
	if strings.HasSuffix(rest, "<unavailable>") || strings.Contains(rest, ") = ?") {
		return c, false, nil // the process was ended in it
	}
	return c, true, c.parse(stamp, rest)
}

func (c *call) parse(stamp, text string) (err error) {
	head, result, ok := strings.Cut(text, " = ") // no text has it: their bytes are numbers
	if !ok {
		return fmt.Errorf("a call without a result")
	}
	var args string
	c.name, args, _ = strings.Cut(strings.TrimRight(head, " )"), "(")
	for arg := range strings.SplitSeq(args, ", ") {
		if strings.HasPrefix(arg, `"`) {
			if strings.HasSuffix(arg, "...") {
				return fmt.Errorf("a text was shortened")
			}
			if arg, err = strconv.Unquote(arg); err != nil {
				return err
			}
		}
		c.args = append(c.args, arg)
	}
	fields := strings.Fields(result)
	if len(fields) < 2 {
		return fmt.Errorf("a call that took no time")
	}
	n, err := strconv.ParseInt(fields[0], 0, 64)
	if err != nil {
		return err
	}
	c.result, c.failed = int(n), n < 0
	seconds, nanoseconds, _ := strings.Cut(stamp, ".")
	s, err := strconv.ParseInt(seconds, 10, 64)
	if err != nil {
		return err
	}
	ns, err := strconv.ParseInt(nanoseconds, 10, 64)
	if err != nil {
		return err
	}
	took, err := time.ParseDuration(strings.Trim(fields[len(fields)-1], "<>") + "s")
	if err != nil {
		return err
	}
	c.began = time.Unix(s, ns)
	c.end = c.began.Add(took)
	return nil
}

func (c *call) number(i int) int {
	n, _ := strconv.ParseInt(c.args[i], 0, 64)
	return int(n)
}
