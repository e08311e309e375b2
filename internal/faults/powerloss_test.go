//go:build linux

package faults

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"freshet/fleet"
	"freshet/internal/control"
	"freshet/internal/wiretest"
	"freshet/jobs"
)

var (
	losses = flag.Int("faults.losses", 16, "how many moments of a run the power goes at; 0: at each sync, and as often in between")
	runs   = flag.Int("faults.runs", 1, "how many runs are recorded")
	large  = flag.Bool("faults.large", false, "a run is as long as it takes until the log of jobs is cut for the first time")
	keep   = flag.String("faults.keep", "", "a folder for what the power has left where something was wrong then")
)

// TestPowerLoss records what a hub does to its disk while jobs are submitted, run
// and finished and pages are stored and purged, and starts the hub on what may be
// left of that when the power goes at any moment: what was acknowledged is there.
func TestPowerLoss(t *testing.T) {
	long(t, "it takes half a minute")
	t.Parallel()
	random := rand.New(rand.NewPCG(wiretest.Seed(t), 0))
	for range *runs {
		r := newRun(t, random)
		r.record(t)
		total := tally{}
		for i, moment := range r.moments(random) {
			l := journal
			if i%2 == 1 {
				l = loose
			}
			faults := r.lose(t, fmt.Sprint("loss-", i), moment, l, random, &total)
			if faults != nil {
				t.Errorf("the power goes %v after the start (%s): %s", moment.Sub(r.disk.changes[0].began), l.name, strings.Join(faults, "\n"))
			}
		}
		// Where a sync keeps nothing, something has to be missing.
		if r.lose(t, "liar", time.Now(), oblivious, random, &tally{}) == nil {
			t.Error("nothing is missing on a disk that keeps nothing")
		}
		t.Logf("%d changes and %d syncs of the disk; the power has gone %d times: %s", len(r.disk.changes), len(r.syncs()), total.losses, total)
	}
}

// tally is what was compared.
type tally struct{ losses, submitted, tasks, begun, purges, hits, asked int }

func (n tally) String() string {
	return fmt.Sprintf("%d submissions, %d states of tasks, %d attempts and %d purges that were known outside, all there; %d pages from the cache, %d from the origin, 0 of what was purged",
		n.submitted, n.tasks-n.begun, n.begun, n.purges, n.hits, n.asked)
}

// run is a run of a hub whose disk is recorded.
type run struct {
	s      *shape
	random *rand.Rand // of what a goroutine of its own does
	origin *pages
	disk   *disk
	trace  *tracer

	mu    sync.Mutex // guards heard
	heard []ack
}

// ack is what was known outside of the hub at a moment.
type ack struct {
	at    time.Time
	job   jobs.ID         // one that was submitted, or whose tasks were shown
	key   string          // submitted
	tasks []jobs.TaskInfo // shown, or with its attempt alone: it has begun
	begun bool
	floor map[string]int // by page: before this version all is purged
}

func (r *run) hear(a ack) {
	a.at = time.Now()
	r.mu.Lock()
	defer r.mu.Unlock()
	r.heard = append(r.heard, a)
}

func newRun(t *testing.T, random *rand.Rand) *run {
	t.Helper()
	o := newPages(t, filepath.Join(readable(t), "origin"), random)
	r := &run{origin: o, trace: newTracer(t), random: rand.New(rand.NewPCG(random.Uint64(), 0))}
	r.s = newShape(t, plan{workers: 1, hub: o.proxy("hub"), wrap: func(i int) wrap {
		if i > 0 {
			return wrap{}
		}
		return r.trace.wrap()
	}})
	return r
}

// record has a hub and a worker do all sorts of things.
func (r *run) record(t *testing.T) {
	t.Helper()
	until := time.Now().Add(roundWithin)
	ctx, over := context.WithCancel(t.Context())
	var looking sync.WaitGroup
	defer looking.Wait()
	defer over()
	var ids []jobs.ID
	var mu sync.Mutex // guards ids
	looking.Go(func() {
		for ctx.Err() == nil {
			mu.Lock()
			known := slices.Clone(ids)
			mu.Unlock()
			for _, id := range known {
				r.look(ctx, t, id)
			}
			time.Sleep(20 * time.Millisecond)
		}
	})
	purging := make(chan struct{})
	go func() {
		defer close(purging)
		for range 4 + r.random.IntN(4) {
			r.origin.fill(t, "hub", until)
			time.Sleep(time.Duration(r.random.IntN(300)) * time.Millisecond) // what is stored is written behind
			r.purge(t, until)
		}
		r.origin.fill(t, "hub", until)
	}()
	keys := 0
	submit := func(spec jobs.Spec) {
		spec.Key = fmt.Sprint("key-", keys)
		keys++
		if spec.Name = spec.Key; spec.Needs == nil {
			spec.Needs = map[string]string{"number": "1"}
		}
		if spec.Command == nil {
			spec.Command = []string{"/bin/sh", "-c", `echo "$FRESHET_JOB $FRESHET_TASK $FRESHET_ATTEMPT $(date +%s%N)" >> "$0"; test $FRESHET_ATTEMPT -gt $1`,
				r.s.runs, fmt.Sprint(spec.Retries)}
		}
		got := insist(t, r.s, until, func(ctx context.Context, c *fleet.Client) ([]jobs.ID, error) { return c.Submit(ctx, spec) })
		r.hear(ack{job: got[0], key: spec.Key})
		if spec.Needs["number"] != "1" {
			return
		}
		mu.Lock()
		ids = append(ids, got...)
		mu.Unlock()
	}
	for i := range 10 {
		spec := jobs.Spec{Retries: i % 2, Backoff: time.Millisecond}
		if i%4 == 0 {
			spec.Array = must(jobs.ParseArray("1-10"))
		}
		submit(spec)
		if i%5 == 4 {
			id := ids[len(ids)-1]
			if err := r.s.client(t).Cancel(t.Context(), id, jobs.Array{}); err != nil {
				t.Error(err)
			}
			r.look(t.Context(), t, id)
		}
	}
	if *large {
		// Nobody can run these. After 16 MiB pages are written, and the log is cut.
		text := strings.Repeat("0123456789abcdef", 15<<8)
		for range 100 {
			submit(jobs.Spec{Command: []string{"/bin/true", text, text}, Env: []string{"TEXT=" + text}, Needs: map[string]string{"number": "none"}})
			r.look(t.Context(), t, ids[r.random.IntN(len(ids))])
		}
	}
	for _, id := range ids {
		insist(t, r.s, until, func(ctx context.Context, c *fleet.Client) (jobs.Info, error) { return c.Wait(ctx, id) })
		r.look(t.Context(), t, id)
	}
	<-purging
	over()
	looking.Wait()
	r.begun(t)
	// In good order: what is written then is recorded, too, and nothing is cut short.
	err := r.s.hub.end(syscall.SIGTERM)
	if err != nil {
		t.Fatalf("the hub ended with %v: %s", err, r.s.hub.said)
	}
	if r.disk, err = newDisk(r.s.datas[0], r.trace.calls(t)); err != nil {
		t.Fatal(err)
	}
	r.disk.sameAs(t, r.s.datas[0])
	if err := r.s.workers[0].end(syscall.SIGKILL); err == nil {
		t.Error("a worker ended by itself")
	}
	slices.SortFunc(r.heard, func(a, b ack) int { return a.at.Compare(b.at) })
}

// look hears what the hub says of a job's tasks.
func (r *run) look(ctx context.Context, t *testing.T, id jobs.ID) {
	tasks, err := r.s.client(t).Tasks(ctx, id, jobs.TaskFilter{})
	if err == nil {
		r.hear(ack{job: id, tasks: tasks})
	} else if ctx.Err() == nil {
		t.Error(err)
	}
}

// begun reads which attempts have begun.
func (r *run) begun(t *testing.T) {
	t.Helper()
	text, err := os.ReadFile(r.s.runs)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		a := ack{begun: true, tasks: make([]jobs.TaskInfo, 1)}
		var at int64
		if _, err := fmt.Sscan(line, &a.job, &a.tasks[0].Task, &a.tasks[0].Attempt, &at); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		a.at = time.Unix(0, at)
		r.heard = append(r.heard, a)
	}
}

// purge has pages of a tag have another version, and purges the earlier ones.
func (r *run) purge(t *testing.T, until time.Time) {
	tag, floor := r.origin.next()
	ctx, cancel := context.WithDeadline(t.Context(), until)
	defer cancel()
	if err := purgeTag(ctx, r.s.datas[0], tag); err != nil {
		t.Error(err)
		return
	}
	r.hear(ack{floor: floor})
}

func purgeTag(ctx context.Context, data, tag string) error {
	c, err := control.Find(data, "")
	if err != nil {
		return err
	}
	status, text, err := c.Send(ctx, http.MethodPost, "/purge", nil, must(json.Marshal(&control.Request{Tags: []string{tag}})))
	var a control.Answer
	if err == nil && status != http.StatusOK {
		err = fmt.Errorf("%d: %s", status, text)
	}
	if err == nil {
		err = json.Unmarshal(text, &a)
	}
	if err == nil && (a.Receipt == nil || a.Receipt.Missing() != nil) {
		err = fmt.Errorf("a purge was not acknowledged by all: %s", text)
	}
	return err
}

func (r *run) syncs() (ends []time.Time) {
	for i := range r.disk.changes {
		if c := &r.disk.changes[i]; c.kind == synced || c.durable {
			ends = append(ends, c.end)
		}
	}
	return ends
}

// moments are when the power goes: right after syncs, and in the middle of
// whatever is done.
func (r *run) moments(random *rand.Rand) (list []time.Time) {
	syncs := r.syncs()
	between := func() time.Time { return r.disk.changes[random.IntN(len(r.disk.changes))].began }
	if *losses == 0 {
		for _, s := range syncs {
			// Under both laws.
			list = append(list, s, s, between(), between())
		}
		return list
	}
	for i := range *losses {
		if i%4 < 2 {
			list = append(list, syncs[random.IntN(len(syncs))])
		} else {
			list = append(list, between())
		}
	}
	return list
}
