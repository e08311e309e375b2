//go:build unix

package worker_test

import (
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"freshet/internal/worker"
	"freshet/jobs"
)

// gone waits until a process is no more.
func gone(t *testing.T, pid int) {
	t.Helper()
	eventually(t, "process "+strconv.Itoa(pid)+" is gone", func() bool { return syscall.Kill(pid, 0) == syscall.ESRCH })
}

// notebook is a folder where programs write down their numbers.
type notebook string

func newNotebook(t *testing.T) notebook {
	dir := folder(t)
	if err := os.Chmod(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	return notebook(dir)
}

// has says whether something was written down to its end.
func (n notebook) has(name string) bool {
	text, _ := os.ReadFile(filepath.Join(string(n), name))
	return strings.HasSuffix(string(text), "\n")
}

// pid waits for a number that was written down.
func (n notebook) pid(t *testing.T, name string) (pid int) {
	t.Helper()
	eventually(t, name+" is written down", func() bool {
		text, _ := os.ReadFile(filepath.Join(string(n), name))
		pid, _ = strconv.Atoi(strings.TrimSpace(string(text)))
		return pid > 0 && strings.HasSuffix(string(text), "\n")
	})
	return pid
}

// Who lost the lease ends the program, and tells nothing; who is told to
// cancel ends it and says so.
func TestBeatEndsIt(t *testing.T) {
	for _, x := range []struct {
		err    error
		script string
		told   bool
	}{
		{jobs.ErrLost, `trap '' TERM; echo $$ > pid; while :; do sleep 1; done`, false},
		{jobs.ErrUnknown, `echo $$ > pid; sleep 1000`, false},
		{jobs.ErrCancelled, `echo $$ > pid; sleep 1000`, true},
	} {
		t.Run(x.err.Error(), func(t *testing.T) {
			book := newNotebook(t)
			q := newQueue()
			q.lease = 30 * time.Millisecond
			q.onBeat = func(jobs.Lease, jobs.Progress) error {
				if !book.has("pid") {
					return nil
				}
				return x.err
			}
			c := begin(t, q, worker.Options{Grace: soon, Capacity: 1})
			q.put(sh(`cd ` + string(book) + `; ` + x.script))
			gone(t, book.pid(t, "pid"))
			if x.told {
				if r := q.result(t); r.Reason != "cancelled" || r.Lost || r.Signal != "SIGTERM" {
					t.Errorf("%+v", r)
				}
				return
			}
			eventually(t, "it is not held any more", func() bool { return c.Status().Gone == 1 })
			q.mu.Lock()
			defer q.mu.Unlock()
			if len(q.results) > 0 {
				t.Errorf("results: %+v", q.results)
			}
		})
	}
}

// A queue that is away ends nothing: the program goes on, and its result is
// told when the queue is back.
func TestQueueAway(t *testing.T) {
	book := newNotebook(t)
	q := newQueue()
	q.lease = 30 * time.Millisecond
	c := begin(t, q, worker.Options{Capacity: 1})
	q.put(sh(`cd ` + string(book) + `; echo $$ > pid; while ! test -e go; do sleep 0.01; done; echo $$ > end`))
	book.pid(t, "pid")
	q.leave(errors.New("no route"))
	_, before := q.count()
	eventually(t, "beats fail", func() bool { _, n := q.count(); return n > before+1 })
	if err := os.WriteFile(string(book)+"/go", nil, 0o644); err != nil {
		t.Fatal(err)
	}
	gone(t, book.pid(t, "end"))
	_, before = q.count()
	eventually(t, "beats go on while the result cannot be told", func() bool { _, n := q.count(); return n > before })
	if s := c.Status(); len(s.Held) != 1 || s.Finished != 0 {
		t.Errorf("%+v", s)
	}
	q.leave(nil)
	if r := q.result(t); !r.OK() {
		t.Errorf("%+v", r)
	}
}

// When Run's context ends, programs are ended, and their tasks given back.
func TestStop(t *testing.T) {
	book := newNotebook(t)
	q := newQueue()
	c := begin(t, q, worker.Options{Capacity: 2, Grace: 100 * time.Millisecond})
	q.put(sh(`cd ` + string(book) + `; trap '' TERM; (setsid sleep 1000 & echo $! > b); echo $$ > a; while :; do sleep 1; done`))
	q.put(sh(`cd ` + string(book) + `; echo $$ > c; sleep 1000`))
	pids := []int{book.pid(t, "a"), book.pid(t, "b"), book.pid(t, "c")}
	c.stop()
	killed := 0
	for range 2 {
		r := q.result(t)
		if !r.Lost || r.Reason != "the worker was stopped" {
			t.Errorf("%+v", r)
		}
		if r.Signal == "SIGKILL" {
			killed++
		}
	}
	if killed == 0 {
		t.Error("what is deaf to TERM ended by something else than KILL")
	}
	for _, pid := range pids {
		gone(t, pid)
	}
	eventually(t, "both count", func() bool { return c.Status().Gone == 2 })
}

// Within the time that Options.Drain gives, a program comes to its own end.
func TestStopWaits(t *testing.T) {
	book := newNotebook(t)
	q := newQueue()
	c := begin(t, q, worker.Options{Capacity: 2, Drain: soon})
	q.put(sh(`cd ` + string(book) + `; echo $$ > a; while ! test -e go; do sleep 0.01; done`))
	book.pid(t, "a")
	c.stop()
	q.put(sh(`echo never`)) // it may be claimed in this moment: then it is given back
	if err := os.WriteFile(string(book)+"/go", nil, 0o644); err != nil {
		t.Fatal(err)
	}
	eventually(t, "its result is told", func() bool { return c.Status().Finished == 1 })
}

// What is run for a queue that is gone ends at once, and nothing is waited for.
func TestAbandon(t *testing.T) {
	book := newNotebook(t)
	q := newQueue()
	c := begin(t, q, worker.Options{Capacity: 1, Drain: time.Hour, Tell: time.Hour})
	q.put(sh(`cd ` + string(book) + `; echo $$ > a; exec sleep 1000`))
	book.pid(t, "a")
	q.leave(errors.New("it is gone"))
	c.Abandon()
	c.Abandon()
	if s := c.Status(); len(s.Held) != 1 {
		t.Errorf("before its context ends: %+v", s)
	}
	c.stop()
	eventually(t, "it is over", func() bool { return c.Status().Gone == 1 })
}

// Drain and Lock.
func TestDrain(t *testing.T) {
	book := newNotebook(t)
	q := newQueue()
	c := begin(t, q, worker.Options{Capacity: 1})
	c.Lock()
	q.put(sh(`cd ` + string(book) + `; echo $$ > a; while ! test -e go; do sleep 0.01; done`))
	// The claim that waited when Lock was called may have got it.
	if s := c.Status(); !s.Locked {
		t.Errorf("%+v", s)
	}
	c.Unlock()
	book.pid(t, "a")
	c.Drain()
	c.Drain()
	q.put(sh(`true`))
	if err := os.WriteFile(string(book)+"/go", nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if r := q.result(t); !r.OK() {
		t.Errorf("%+v", r)
	}
	select {
	case <-c.over:
		c.over <- nil
	case <-time.After(soon):
		t.Fatal("Run does not return")
	}
	if len(q.tasks) != 1 {
		t.Error("a task was claimed after Drain")
	}
}
