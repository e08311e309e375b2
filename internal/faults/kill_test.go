//go:build linux

package faults

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"sync"
	"syscall"
	"testing"
	"time"

	"freshet/fleet"
	"freshet/internal/control"
	"freshet/jobs"
)

var (
	rounds = flag.Int("faults.rounds", 1, "how many rounds of kills")
	tasks  = flag.Int("faults.jobs", 300, "jobs a round: an array of nine tenths of them, and one by one")
	kills  = flag.Int("faults.kills", 2, "processes killed a round; at most 4, since five losses make a task dead")
	seed   = flag.Uint64("faults.seed", 0, "of what happens; 0: the clock's")
)

// roundWithin bounds a round beyond its jobs: leases that are waited out, and
// starts, on a busy machine.
const roundWithin = 5 * time.Minute

// shape is a hub with two workers of other processes.
type shape struct {
	hub     *node
	workers []*node
	data    string // the hub's
	runs    string // a file: each run of a task adds a line
}

// newShape starts it.
func newShape(t *testing.T) *shape {
	t.Helper()
	dir := t.TempDir()
	s := &shape{data: filepath.Join(dir, "data"), runs: filepath.Join(dir, "runs")}
	for path := dir; path != os.TempDir() && path != "/"; path = filepath.Dir(path) {
		if err := os.Chmod(path, 0o755); err != nil { // for whom programs run as
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(s.runs, nil, 0o666); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(s.runs, 0o666); err != nil {
		t.Fatal(err)
	}
	pages := filepath.Join(dir, "pages")
	if err := os.Mkdir(pages, 0o755); err != nil {
		t.Fatal(err)
	}
	hub := func(address string) []string {
		return []string{"serve", pages, "--listen", "127.0.0.1:0", "--monitor", "off", "--data", s.data, "--access-log", "off", "--jobs", "2", "--fleet", address}
	}
	s.hub = &node{name: "hub", args: hub("127.0.0.1:0"), ready: regexp.MustCompile(`(?s)fleet on ([^;\s]+);.*--join (\S+)`)}
	words := begin(t, s.hub)
	s.hub.args, s.hub.ready = hub(words[1]), regexp.MustCompile(`fleet on `)
	tokens := []string{words[2]}
	second, err := s.client(t).Invite(t.Context(), "second", 0)
	if err != nil {
		t.Fatal(err)
	}
	for i, token := range append(tokens, second) {
		w := &node{name: fmt.Sprint("worker ", i+1), args: []string{"worker", "--tasks", "2"}, env: []string{"FRESHET_JOIN=" + token}, ready: regexp.MustCompile(`(?m)^worker \S+: `)}
		begin(t, w)
		s.workers = append(s.workers, w)
	}
	return s
}

// client is a client of the hub as it runs now, waited for.
func (s *shape) client(t *testing.T) *fleet.Client {
	t.Helper()
	for late := time.Now().Add(startWithin); ; time.Sleep(50 * time.Millisecond) {
		c, err := control.Find(s.data, "")
		if err == nil {
			return &fleet.Client{Send: c.Send, Refused: c.Refused}
		}
		if time.Now().After(late) {
			t.Fatal(err)
		}
	}
}

// insist asks the hub until it answers: it is being killed.
func insist[T any](t *testing.T, s *shape, until time.Time, ask func(context.Context, *fleet.Client) (T, error)) T {
	t.Helper()
	for {
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		v, err := ask(ctx, s.client(t))
		cancel()
		if err == nil {
			return v
		}
		if time.Now().After(until) || errors.Is(err, jobs.ErrSpec) {
			t.Fatal(err)
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// TestKill kills the hub and its workers at random while jobs are submitted and
// run. Each submission that was acknowledged, or repeated until it was, is one
// job; all of them succeed; no attempt of a task has begun twice.
func TestKill(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes some twenty seconds")
	}
	if *seed == 0 {
		*seed = uint64(time.Now().UnixNano())
	}
	t.Logf("-faults.seed=%d", *seed)
	random := rand.New(rand.NewPCG(*seed, 0))
	s := newShape(t)
	killed, lost := map[string]int{}, 0
	for round := range *rounds {
		began := time.Now()
		ids := s.round(t, round, random, killed)
		lost += s.verify(t, ids)
		if t.Failed() {
			t.Fatalf("round %d", round)
		}
		t.Logf("round %d: %d jobs, %.1f s", round, *tasks, time.Since(began).Seconds())
	}
	s.restarted(t)
	t.Logf("%d rounds of %d jobs; killed: %v; runs beyond one a task: %d; 0 jobs lost, 0 attempts begun twice", *rounds, *tasks, killed, lost)
}

// round submits jobs while processes are killed, and waits until all are over.
func (s *shape) round(t *testing.T, round int, random *rand.Rand, killed map[string]int) (ids []jobs.ID) {
	until := time.Now().Add(roundWithin + time.Duration(*tasks)*20*time.Millisecond)
	var killing sync.WaitGroup
	all := append([]*node{s.hub}, s.workers...)
	victims := []*node{all[0], all[1+random.IntN(len(s.workers))]} // at least one of each kind
	for len(victims) < *kills {
		victims = append(victims, all[random.IntN(len(all))])
	}
	random.Shuffle(len(victims), func(i, j int) { victims[i], victims[j] = victims[j], victims[i] })
	victims = victims[:*kills]
	pauses := make([][2]time.Duration, len(victims))
	for i := range pauses {
		pauses[i] = [2]time.Duration{time.Duration(random.IntN(1500)) * time.Millisecond, time.Duration(random.IntN(500)) * time.Millisecond}
	}
	killing.Go(func() {
		for i, n := range victims {
			time.Sleep(pauses[i][0])
			if err := n.again(pauses[i][1]); err != nil {
				t.Error(err)
				return
			}
			killed[n.name]++
		}
	})
	defer killing.Wait()

	command := []string{"/bin/sh", "-c", `echo "$FRESHET_JOB $FRESHET_TASK $FRESHET_ATTEMPT" >> "$0"`, s.runs}
	singles := *tasks / 10
	submit := func(spec jobs.Spec) {
		spec.Command = command
		spec.Key = fmt.Sprintf("%d-%d", round, len(ids))
		got := insist(t, s, until, func(ctx context.Context, c *fleet.Client) ([]jobs.ID, error) { return c.Submit(ctx, spec) })
		ids = append(ids, got...)
	}
	submit(jobs.Spec{Name: "array", Array: must(jobs.ParseArray(fmt.Sprintf("1-%d", *tasks-singles)))})
	for range singles {
		submit(jobs.Spec{Name: "single"})
	}
	for _, id := range ids {
		info := insist(t, s, until, func(ctx context.Context, c *fleet.Client) (jobs.Info, error) { return c.Wait(ctx, id) })
		if info.State != jobs.Succeeded {
			t.Errorf("job %s: %+v", id, info)
		}
	}
	return ids
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// verify compares what the queue says with what has run; how many runs there
// were beyond one a task.
func (s *shape) verify(t *testing.T, ids []jobs.ID) (more int) {
	t.Helper()
	type run struct {
		job           string
		task, attempt int64
	}
	begun := map[run]int{}
	ran := map[string]map[int64]bool{}
	f, err := os.Open(s.runs)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		var r run
		if _, err := fmt.Sscan(lines.Text(), &r.job, &r.task, &r.attempt); err != nil {
			t.Fatalf("%q: %v", lines.Text(), err)
		}
		if begun[r]++; begun[r] > 1 {
			t.Errorf("%+v has begun twice", r)
		}
		if ran[r.job] == nil {
			ran[r.job] = map[int64]bool{}
		}
		if ran[r.job][r.task] {
			more++
		}
		ran[r.job][r.task] = true
	}
	seen := map[jobs.ID]bool{}
	total := 0
	for _, id := range ids {
		if seen[id] {
			t.Errorf("%s is the answer to two submissions", id)
		}
		seen[id] = true
		total += len(ran[string(id)])
	}
	if total != *tasks {
		t.Errorf("%d tasks of %d have run", total, *tasks)
	}
	return more
}

// restarted compares what the hub says of all jobs before and after an orderly
// restart: what it makes of its log is what it had in memory.
func (s *shape) restarted(t *testing.T) {
	t.Helper()
	list := func() string {
		page, err := s.client(t).Jobs(t.Context(), jobs.Filter{N: 1000})
		if err != nil {
			t.Fatal(err)
		}
		return string(must(json.Marshal(page)))
	}
	before := list()
	if err := s.hub.end(syscall.SIGTERM); err != nil {
		t.Errorf("the hub ended with %v: %s", err, s.hub.said)
	}
	if _, err := s.hub.start(); err != nil {
		t.Fatal(err)
	}
	after := list()
	if before != after {
		t.Errorf("before, and after:\n%s\n%s", before, after)
	}
}
