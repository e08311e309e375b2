//go:build unix

package worker_test

import (
	"sync/atomic"
	"testing"
	"time"

	"freshet/internal/worker"
	"freshet/jobs"
)

// A task that is to be given back is ended as when the worker stops: TERM, then
// KILL; it has not failed. With a lease of an hour only Heed can have had the queue
// asked.
func TestGivesWay(t *testing.T) {
	for _, x := range []struct{ name, script, signal string }{
		{"at once", `echo $$ > pid; exec sleep 1000`, "SIGTERM"},
		{"well", `trap 'echo saved > end; exit 0' TERM; echo $$ > pid; while :; do sleep 0.01; done`, ""},
		{"not", `trap '' TERM; echo $$ > pid; while :; do sleep 0.1; done`, "SIGKILL"},
	} {
		t.Run(x.name, func(t *testing.T) {
			book := newNotebook(t)
			q := newQueue()
			q.lease = time.Hour
			var asked atomic.Bool
			q.onBeat = func(jobs.Lease, jobs.Progress) error {
				if asked.Load() {
					return jobs.ErrPreempted
				}
				return nil
			}
			c := begin(t, q, worker.Options{Grace: 200 * time.Millisecond, Capacity: 1})
			q.put(sh(`cd ` + string(book) + `; ` + x.script))
			pid := book.pid(t, "pid")
			c.Heed() // there is nothing yet
			eventually(t, "it has asked", func() bool { _, n := q.count(); return n == 1 })
			asked.Store(true)
			c.Heed()
			gone(t, pid)
			if r := q.result(t); !r.Lost || r.OK() || r.Signal != x.signal || r.Reason != jobs.ErrPreempted.Error() {
				t.Errorf("%+v", r)
			}
			if x.signal == "" && !book.has("end") {
				t.Error("it could not end by itself")
			}
			if s := c.Status(); s.Finished != 0 || s.Fault != "" {
				t.Errorf("%+v", s)
			}
		})
	}
}
