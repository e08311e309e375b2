//go:build linux

package faults

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"freshet/fleet"
	"freshet/internal/wiretest"
	"freshet/jobs"
)

var standing = flag.Duration("faults.standing", 20*time.Second, "how long a disk stands still: longer than a lease")

// Of a disk that is slow: how long each write and each sync takes, in ms.
const (
	slowFrom = 20
	slowTo   = 500
)

// TestSlowDisk has each write and each sync of a hub and a worker take up to half
// a second, and then none of the hub's end for longer than a lease. What was
// acknowledged is done, no attempt twice; what is purged is purged; caches answer
// meanwhile.
func TestSlowDisk(t *testing.T) {
	shakes(t)
	t.Parallel()
	page := newShaken(t)
	o := newPages(t, filepath.Join(readable(t), "origin"), rand.New(rand.NewPCG(wiretest.Seed(t), 0)))
	s := newShape(t, plan{workers: 1, hub: o.proxy("hub"), change: func(s *shape, n *node) {
		temp := filepath.Join(s.dir, "temp-"+n.name)
		if err := os.Mkdir(temp, 0o755); err != nil {
			t.Fatal(err)
		}
		n.env = append(n.env, "TMPDIR="+temp)
		page.shake(n, s.dir)
	}})
	until := time.Now().Add(roundWithin) // all is built
	o.fill(t, "hub", until)
	page.set(slowLeast, slowFrom)
	page.set(slowMost, slowTo)

	var ids []jobs.ID
	var mu sync.Mutex // guards ids
	submit := func(spec jobs.Spec) jobs.ID {
		got := insist(t, s, until, func(ctx context.Context, c *fleet.Client) ([]jobs.ID, error) { return c.Submit(ctx, spec) })
		mu.Lock()
		defer mu.Unlock()
		ids = append(ids, got...)
		return got[0]
	}
	var asking sync.WaitGroup
	asking.Go(func() {
		for i := range 8 {
			submit(jobs.Spec{Name: "single", Key: fmt.Sprint("single-", i), Command: s.noted("")})
		}
	})
	asking.Go(func() {
		for range 3 {
			s.purgeSlowly(t, o, until)
		}
	})
	submit(jobs.Spec{Name: "array", Key: "array", Array: must(jobs.ParseArray("1-12")), Command: s.noted("")})
	asking.Wait()
	for _, id := range ids {
		s.succeeds(t, id, until)
	}
	slow := page.get(waited)

	// Tasks run while it stands still, and one more is submitted, and pages purged.
	h := s.hold(t, "standing", until)
	o.fill(t, "hub", until)
	page.set(standsStill, 1)
	stood := time.Now()
	asking.Go(func() {
		submit(jobs.Spec{Name: "late", Key: "late", Command: s.noted("")})
		t.Logf("a job is acknowledged %.1f s after the disk stood still", time.Since(stood).Seconds())
	})
	asking.Go(func() {
		s.purgeSlowly(t, o, until)
		t.Logf("a purge is acknowledged %.1f s after the disk stood still", time.Since(stood).Seconds())
	})
	for asked := 0; time.Since(stood) < *standing; asked++ {
		if _, err := o.ask(t.Context(), "hub", fmt.Sprint("/page-", asked%pageCount)); err != nil {
			t.Errorf("a page, %v after the disk stood still: %v", time.Since(stood), err)
		}
		time.Sleep(100 * time.Millisecond)
	}
	page.set(standsStill, 0)
	asking.Wait()
	if err := os.WriteFile(h.gate, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	s.succeeds(t, h.job, until)
	page.set(slowLeast, 0)
	page.set(slowMost, 0)
	for _, id := range ids {
		s.succeeds(t, id, until)
	}
	more := s.verify(t, append(ids, h.job), len(ids)-1+12+atOnce)
	s.restarted(t)
	t.Logf("%d calls waited %d to %d ms, and %d then for %v; runs beyond one a task: %d", slow, slowFrom, slowTo, page.get(waited)-slow, *standing, more)
}

func (s *shape) succeeds(t *testing.T, id jobs.ID, until time.Time) {
	t.Helper()
	info := insist(t, s, until, func(ctx context.Context, c *fleet.Client) (jobs.Info, error) { return c.Wait(ctx, id) })
	if info.State != jobs.Succeeded {
		t.Errorf("job %s: %+v", id, info)
	}
}

// purgeSlowly purges pages of a tag until that is acknowledged: then nothing of
// what was before is an answer.
func (s *shape) purgeSlowly(t *testing.T, o *pages, until time.Time) {
	tag, floor := o.next()
	for said := ""; ; {
		ctx, cancel := context.WithTimeout(t.Context(), 15*time.Second)
		err := purgeTag(ctx, s.datas[0], tag)
		cancel()
		if err == nil {
			break
		}
		if said != err.Error() {
			said = err.Error()
			t.Log("a purge: ", said)
		}
		if time.Now().After(until) {
			t.Error(err)
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
	for path, version := range floor {
		if v, err := o.ask(t.Context(), "hub", path); err != nil || v < version {
			t.Errorf("%s has version %d, and what was before %d was purged: %v", path, v, version, err)
		}
	}
}
