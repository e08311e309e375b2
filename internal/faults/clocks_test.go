//go:build linux && amd64

package faults

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"freshet/fleet"
	"freshet/internal/bus"
	"freshet/internal/control"
	"freshet/internal/wiretest"
	"freshet/jobs"
)

var clockKills = flag.Bool("faults.clockkills", false, "processes whose clocks jump are killed, too, and start with other clocks")

// farthest is how far a clock jumps from the right time, either way: minutes.
const farthest = 40

// clocks are those of a fleet's processes.
type clocks struct {
	of    map[string]*shaken
	names []string // the hub's first
	nodes map[string]*node

	mu     sync.Mutex // guards what follows
	random *rand.Rand
	jumps  atomic.Int64
}

func (c *clocks) add(t *testing.T, n *node) {
	page := newShaken(t)
	page.clocked(n)
	c.of[n.name], c.nodes[n.name] = page, n
	c.names = append(c.names, n.name)
	c.jump(n.name)
}

// chance is a number below n.
func (c *clocks) chance(n int) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.random.IntN(n)
}

func (c *clocks) jump(name string) {
	c.of[name].offset(int64(c.chance(2*farthest*60)) - farthest*60)
	c.jumps.Add(1)
}

// jumpOn has clocks jump, one at a time.
func (c *clocks) jumpOn(ctx context.Context) {
	for ctx.Err() == nil {
		c.jump(c.names[c.chance(len(c.names))])
		sleepFor(ctx, time.Duration(c.chance(600))*time.Millisecond)
	}
}

func sleepFor(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}

// TestClocks runs a hub, two workers and a cache whose clocks differ by minutes and
// jump, one or the other, several times a second, while jobs are submitted and run, by a
// schedule, too, and purges made; a worker is stopped until its leases are over. No
// job is lost and none runs twice but those of that worker; these run elsewhere
// when the lease is over by a clock that nobody sets. A schedule runs once for each
// of its times. Nothing is served after it was purged.
func TestClocks(t *testing.T) {
	long(t, "it takes a lease of 15 seconds")
	t.Parallel()
	c := &clocks{of: map[string]*shaken{}, nodes: map[string]*node{}, random: rand.New(rand.NewPCG(wiretest.Seed(t), 0))}
	o := newPages(t, filepath.Join(readable(t), "origin"), c.random)
	s := newShape(t, plan{workers: 2, hub: o.proxy("hub"), change: func(_ *shape, n *node) { c.add(t, n) }})
	until := time.Now().Add(roundWithin)
	m := &node{name: "cache", ready: regexp.MustCompile(`fleet: joined as`), env: []string{"FRESHET_JOIN=" + s.invite(t, "cache")},
		args: append(o.proxy("member"), "--data", filepath.Join(s.dir, "cache"), "--monitor", "off", "--access-log", "off")}
	c.add(t, m)
	begin(t, m)
	total := clockTotals{}
	for round := range *rounds {
		c.round(t, s, o, round, &total)
		if t.Failed() {
			t.Fatalf("round %d", round)
		}
	}
	c.limitedToken(t, s, until)
	s.restarted(t)
	t.Logf("%d rounds: the clocks of 4 processes jumped %d times, by up to %d min; killed: %d; tasks: %d, runs beyond one a task: %d, of which by a worker that was stopped %d; runs of a schedule: %d; purges: %d, pages after them: %d, of which from caches: %d; 0 jobs lost, 0 attempts begun twice, 0 of what was purged",
		*rounds, c.jumps.Load(), farthest, total.killed, total.tasks, total.more, total.stopped, total.scheduled, total.purges, total.answers, total.hits)
}

type clockTotals struct {
	tasks, more, stopped, scheduled, killed int
	purges, answers, hits                   int64
}

// perNode is how many tasks each of the hub and its two workers runs at once.
const perNode = 2

func (c *clocks) round(t *testing.T, s *shape, o *pages, round int, total *clockTotals) {
	until := time.Now().Add(roundWithin)
	ctx, over := context.WithCancel(t.Context())
	var going sync.WaitGroup
	defer going.Wait()
	defer over()
	submit := func(spec jobs.Spec) jobs.ID {
		spec.Key = fmt.Sprint(spec.Name, "-", round)
		return insist(t, s, until, func(ctx context.Context, c *fleet.Client) ([]jobs.ID, error) { return c.Submit(ctx, spec) })[0]
	}
	template := submit(jobs.Spec{Name: "minutely", Schedule: "* * * * *", Command: s.noted("")})

	// Tasks that run for longer than a lease, on all three, one of which stops.
	gate := filepath.Join(s.dir, fmt.Sprint("gate-", round))
	held := jobs.Spec{Name: "held", Array: must(jobs.ParseArray(fmt.Sprint("1-", 3*perNode))), Command: s.noted(`until [ -e "$1" ]; do sleep 0.1; done`, gate)}
	holds := submit(held)
	c.allRun(t, s, holds, 3*perNode, until)
	stopped := s.workers[1]
	stopped.signal(t, syscall.SIGSTOP)
	stood := time.Now()
	if err := os.WriteFile(gate, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if round == 0 { // while that lasts
		c.shown(t, s, until)
		c.agedPurge(t, s, o)
	}
	going.Go(func() { c.jumpOn(ctx) })
	ids, tasks := []jobs.ID{holds}, 3*perNode
	var purging sync.WaitGroup
	purging.Go(func() {
		for enough := time.Now().Add(8 * time.Second); time.Now().Before(enough) && !t.Failed(); {
			c.purge(t, s, o, until, total)
			sleepFor(ctx, 20*time.Millisecond)
		}
	})
	for i := range 8 {
		ids = append(ids, submit(jobs.Spec{Name: fmt.Sprint("single-", i), Command: s.noted("")}))
		ids = append(ids, submit(jobs.Spec{Name: fmt.Sprint("array-", i), Array: must(jobs.ParseArray("1-5")), Command: s.noted("")}))
		tasks += 6
		if *clockKills && i%3 == 2 {
			c.kill(t, s, total)
		}
		sleepFor(ctx, 500*time.Millisecond)
	}
	for _, id := range ids {
		s.succeeds(t, id, until)
	}
	waited := time.Since(stood)
	stopped.signal(t, syscall.SIGCONT)
	ids = append(ids, s.together(t, fmt.Sprint(round), 2, until))
	tasks += 2
	purging.Wait()
	over()
	going.Wait()

	theirs := 0
	list := insist(t, s, until, func(ctx context.Context, c *fleet.Client) ([]jobs.TaskInfo, error) {
		return c.Tasks(ctx, holds, jobs.TaskFilter{})
	})
	for _, task := range list {
		if task.Attempt > 1 {
			theirs++
		}
	}
	if !*clockKills && theirs != perNode {
		t.Errorf("the worker that was stopped had %d tasks, and %d have run again: %+v", perNode, theirs, list)
	}
	// Its leases were renewed every 5 s, and had from 10 to 15 s left.
	if least := 9 * time.Second; waited < least && !*clockKills {
		t.Errorf("others had its tasks after %v", waited)
	}
	more := s.verify(t, ids, tasks)
	if !*clockKills && more != perNode {
		t.Errorf("%d runs beyond one a task, and %d tasks of the worker that was stopped", more, perNode)
	}
	t.Logf("round %d: tasks of a worker that was stopped have run elsewhere %.1f s later", round, waited.Seconds())
	total.tasks, total.more, total.stopped = total.tasks+tasks, total.more+more, total.stopped+theirs
	total.scheduled += c.scheduled(t, s, template, until)
	insist(t, s, until, func(ctx context.Context, c *fleet.Client) (bool, error) {
		return true, c.Cancel(ctx, template, jobs.Array{})
	})
}

func (c *clocks) allRun(t *testing.T, s *shape, id jobs.ID, n int64, until time.Time) {
	t.Helper()
	for {
		info := insist(t, s, until, func(ctx context.Context, c *fleet.Client) (jobs.Info, error) { return c.Job(ctx, id) })
		// A worker that is stopped between the two would never begin its task.
		notes, _ := os.ReadFile(s.runs) // not there before the first
		if info.Counts[jobs.Running] == n && bytes.Count(notes, []byte(id+" ")) >= int(n) {
			return
		}
		if time.Now().After(until) {
			t.Fatalf("%d tasks do not all run: %+v", n, info)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// kill kills one of those that run tasks or have a cache, and starts it with
// another clock.
func (c *clocks) kill(t *testing.T, s *shape, total *clockTotals) {
	t.Helper()
	name := c.names[c.chance(len(c.names))]
	if name == s.workers[1].name { // which is stopped
		name = c.names[0]
	}
	c.jump(name)
	if err := c.nodes[name].again(time.Duration(c.chance(500)) * time.Millisecond); err != nil {
		t.Error(err)
	}
	total.killed++
}

// purge purges pages of a tag until that is acknowledged by all, or for who is
// away: then neither cache answers with what was before.
func (c *clocks) purge(t *testing.T, s *shape, o *pages, until time.Time, total *clockTotals) {
	tag, floor := o.next()
	for {
		ctx, cancel := context.WithTimeout(t.Context(), 15*time.Second)
		_, err := sendPurge(ctx, s.datas[0], &control.Request{Tags: []string{tag}})
		cancel()
		if err == nil {
			break
		}
		if time.Now().After(until) {
			t.Error(err)
			return
		}
		sleepFor(t.Context(), 50*time.Millisecond)
	}
	total.purges++
	for _, cache := range []string{"hub", "member"} {
		for i := range pageCount {
			path := fmt.Sprint("/page-", i)
			before := o.asked.Load()
			v, err := o.ask(t.Context(), cache, path)
			if err != nil && *clockKills {
				continue // it is being killed
			}
			if err != nil || v < floor[path] {
				t.Errorf("%s: %s has version %d, and what was before %d was purged: %v", cache, path, v, floor[path], err)
				return
			}
			total.answers++
			if o.asked.Load() == before {
				total.hits++
			}
		}
	}
}

func sendPurge(ctx context.Context, data string, q *control.Request) (*control.Receipt, error) {
	c, err := control.Find(data, "")
	if err != nil {
		return nil, err
	}
	status, text, err := c.Send(ctx, http.MethodPost, "/purge", nil, must(json.Marshal(q)))
	if err == nil && status != http.StatusOK {
		err = fmt.Errorf("%d: %s", status, text)
	}
	var a control.Answer
	if err == nil {
		err = json.Unmarshal(text, &a)
	}
	return a.Receipt, err
}

// scheduled counts the jobs of a schedule of each minute: no minute of the hub's
// clock has two.
func (c *clocks) scheduled(t *testing.T, s *shape, template jobs.ID, until time.Time) (n int) {
	t.Helper()
	page := insist(t, s, until, func(ctx context.Context, c *fleet.Client) (jobs.Page, error) {
		return c.Jobs(ctx, jobs.Filter{Name: "minutely", N: 1000})
	})
	minutes := map[time.Time]jobs.ID{}
	for _, info := range page.Jobs {
		if info.Spec.From != template {
			continue
		}
		n++
		minute := info.Submitted.Truncate(time.Minute)
		if other := minutes[minute]; other != "" {
			t.Errorf("%s and %s are both of %v", other, info.ID, minute)
		}
		minutes[minute] = info.ID
	}
	return n
}

// shown waits until the hub says of each server how far its clock is off, and that
// this is wrong.
func (c *clocks) shown(t *testing.T, s *shape, until time.Time) {
	t.Helper()
	server := map[string]string{"worker-1": "worker 1", "cache": "cache"} // the other worker is stopped
	for {
		list := insist(t, s, until, func(ctx context.Context, c *fleet.Client) ([]fleet.Server, error) { return c.Servers(ctx) })
		right := 0
		for _, one := range list {
			n := server[one.Name]
			if n == "" || one.Clock == nil {
				continue
			}
			off := time.Duration(c.of[c.names[0]].get(clockOff)-c.of[n].get(clockOff)) * time.Second
			wrong := strings.Contains(strings.Join(one.Wrong, "\n"), "its clock is ")
			if near := (one.Clock.Offset - off).Abs() <= one.Clock.Round/2+time.Second; near && wrong == (off.Abs() > 2*time.Second) {
				right++
			}
		}
		if right == len(server) {
			return
		}
		if time.Now().After(until) {
			t.Fatalf("the clocks of servers are not shown as they are: %+v", list)
		}
		time.Sleep(100 * time.Millisecond)
	}
}

// agedPurge purges by age: each cache goes by its own clock.
func (c *clocks) agedPurge(t *testing.T, s *shape, o *pages) {
	t.Helper()
	hub, member := c.of[c.names[0]], c.of["cache"]
	path := fmt.Sprint("/page-", tagCount-1)
	kept := func(cache string) bool {
		before := o.asked.Load()
		if _, err := o.ask(t.Context(), cache, path); err != nil {
			t.Error(err)
		}
		return o.asked.Load() == before
	}
	for _, cache := range []string{"hub", "member"} {
		for late := time.Now().Add(startWithin); !kept(cache); time.Sleep(20 * time.Millisecond) {
			if time.Now().After(late) {
				t.Fatalf("%s does not keep %s", cache, path)
			}
		}
	}
	hub.offset(hub.get(clockOff) - 600)
	member.offset(member.get(clockOff) + 2*3600)
	if _, err := sendPurge(t.Context(), s.datas[0], &control.Request{Where: []string{"age>1h path~" + path}}); err != nil {
		t.Error(err)
	}
	if !kept("hub") || kept("member") {
		t.Error("what is an hour old by a cache's clock is purged there, and nowhere else")
	}
	hub.offset(0)
	member.offset(0)
}

// limitedToken has the hub's clock pass the end of a token.
func (c *clocks) limitedToken(t *testing.T, s *shape, until time.Time) {
	t.Helper()
	hub := c.of[c.names[0]]
	hub.offset(0)
	token := insist(t, s, until, func(ctx context.Context, c *fleet.Client) (string, error) {
		return c.Invite(ctx, "brief", 10*time.Minute)
	})
	join := func() error {
		ctx, cancel := context.WithTimeout(t.Context(), startWithin)
		defer cancel()
		conn, err := bus.Join(ctx, token, bus.JoinOptions{})
		if err == nil {
			conn.Close()
		}
		return err
	}
	if err := join(); err != nil {
		t.Errorf("a token that is good for 10 minutes: %v", err)
	}
	hub.offset(11 * 60)
	if err := join(); !errors.Is(err, bus.ErrRefused) {
		t.Errorf("it was good for 10 minutes, 11 minutes ago: %v", err)
	}
	hub.offset(0)
	if err := join(); err != nil {
		t.Errorf("the hub's clock was set back to a time when it is good: %v", err)
	}
}
