package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"path/filepath"
	"slices"
	"time"

	"freshet/bench/internal/load"
	"freshet/bench/internal/process"
)

// column is what one server did in a scenario. The slices have an element for
// each round.
type column struct {
	name      string
	ours      bool
	cpu       []float64 // microseconds of processor time of the server itself per request
	core      []float64 // the same of all that runs on its core
	perSecond []float64
	p99       []float64 // microseconds
	notes     []string
	fault     error // why there are no figures
}

// table is a scenario and what came of it.
type table struct {
	scenario *scenario
	columns  []*column
}

// measureKind starts the servers of a kind and runs its scenarios. Servers run
// throughout; one that does something wrong is out of that scenario.
func (b *bench) measureKind(ctx context.Context, k kind, w io.Writer) ([]*table, error) {
	var scs []*scenario
	for i := range scenarios {
		if scenarios[i].kind == k && b.scenarios.MatchString(scenarios[i].name) && b.possible(&scenarios[i]) {
			scs = append(scs, &scenarios[i])
		}
	}
	var in []*server
	for _, s := range b.servers {
		if slices.Contains(s.kinds, k) && (!s.curious || slices.ContainsFunc(scs, func(sc *scenario) bool { return sc.curious })) {
			in = append(in, s)
		}
	}
	if len(scs) == 0 || len(in) == 0 {
		return nil, nil
	}
	back, err := b.startBackend(ctx, k, in)
	if err != nil {
		return nil, err
	}
	defer back.stop()
	faults := map[*server]error{}
	var up []*running
	for _, s := range in {
		r, err := s.start(ctx, b, k, back.socket(s))
		if err != nil {
			faults[s] = err
			continue
		}
		defer r.stop()
		up = append(up, r)
	}
	var tables []*table
	for _, sc := range scs {
		t := b.measure(ctx, sc, up)
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		for s, err := range faults {
			t.columns = append(t.columns, &column{name: s.name, fault: err})
		}
		t.print(w)
		tables = append(tables, t)
	}
	return tables, nil
}

// possible reports whether what the scenario needs beside servers is there.
func (b *bench) possible(sc *scenario) bool {
	_, err := exec.LookPath("cc")
	return (sc.kind != php || b.php != "") && (sc.kind != cgi || err == nil || sc.post == 0 && sc.size == 1024)
}

// contestant is a column while it is measured.
type contestant struct {
	*column
	load func(ctx context.Context, sc *scenario, each time.Duration) (sample, error)
}

// moment is enough to warm up, and to see that a server works under load.
const moment = 300 * time.Millisecond

// sample is what one round gave.
type sample struct{ cpu, core, perSecond, p99 float64 }

// measure verifies all servers, then loads them in turn, A B C A B C, so that
// what the machine does meanwhile hits all.
func (b *bench) measure(ctx context.Context, sc *scenario, up []*running) *table {
	t := &table{scenario: sc}
	var in []contestant
	for _, r := range up {
		if r.curious && !sc.curious {
			continue
		}
		c := &column{name: r.name, ours: r.ours}
		t.columns = append(t.columns, c)
		if c.fault = verify(ctx, r, sc); c.fault == nil {
			in = append(in, contestant{c, func(ctx context.Context, sc *scenario, each time.Duration) (sample, error) {
				return b.loadServer(ctx, r, c, sc, each)
			}})
		}
	}
	if sc.bare {
		for _, v := range bareVariants {
			c := &column{name: v.name}
			t.columns = append(t.columns, c)
			in = append(in, contestant{c, func(ctx context.Context, sc *scenario, each time.Duration) (sample, error) {
				return b.loadBare(ctx, sc, each, v.flags)
			}})
		}
	}
	first := 0 // a round that warms up, and is not counted
	if b.quick {
		first = 1
	}
	for round := first; round <= b.rounds; round++ {
		for i := range in {
			c := in[(i+round)%len(in)] // each goes first as often as others
			if c.fault != nil {
				continue
			}
			each := b.each
			if round == 0 {
				each = min(each, moment)
			}
			s, err := c.load(ctx, sc, each)
			if err != nil {
				c.fault = err
			} else if round > 0 {
				c.cpu = append(c.cpu, s.cpu)
				c.core = append(c.core, s.core)
				c.perSecond = append(c.perSecond, s.perSecond)
				c.p99 = append(c.p99, s.p99)
			}
		}
	}
	return t
}

// loadServer loads a server once.
func (b *bench) loadServer(ctx context.Context, r *running, c *column, sc *scenario, each time.Duration) (sample, error) {
	plan := load.Plan{URL: r.url + sc.path, Conns: sc.conns, For: each, CPU: othersCPU, Dir: b.dir}
	if sc.post > 0 {
		plan.Script, plan.Argument = filepath.Join(b.root, "post.lua"), fmt.Sprint(sc.post)
	}
	before, err := r.clocks(ctx)
	if err != nil {
		return sample{}, err
	}
	earlier, err := process.ReadCore(serverCPU)
	if err != nil {
		return sample{}, err
	}
	result, err := load.Run(ctx, plan)
	if errors.Is(err, load.ErrNoRequest) {
		plan.For += 5 * time.Second
		result, err = load.Run(ctx, plan)
	}
	if err != nil {
		return sample{}, err
	}
	busy, err := process.ReadCore(serverCPU)
	if err != nil {
		return sample{}, err
	}
	after, err := r.clocks(ctx)
	if err != nil {
		return sample{}, err
	}
	used, err := since(before, after)
	switch {
	case err != nil:
		return sample{}, err
	case result.Unsuccessful > 0:
		return sample{}, fmt.Errorf("%d of %d answers have a status of 400 or more", result.Unsuccessful, result.Requests)
	case r.closes:
	case result.Failed > max(1, result.Requests/1000):
		return sample{}, fmt.Errorf("connections failed (%s) in %d requests", result.Failures, result.Requests)
	case result.Failed > 0:
		c.notes = append(c.notes, fmt.Sprintf("connections failed in %d requests: %s", result.Requests, result.Failures))
	}
	n := float64(result.Requests)
	return sample{micros(used) / n, micros(busy-earlier) / n, result.PerSecond, micros(result.P99)}, nil
}

// clocks reads the processor time of each process of the server itself.
func (r *running) clocks(ctx context.Context) (map[int]time.Duration, error) {
	pids, err := r.own(ctx)
	if err != nil {
		return nil, err
	}
	clocks := map[int]time.Duration{}
	for _, pid := range pids {
		if clocks[pid], err = process.Clock(pid); err != nil {
			return nil, err
		}
	}
	return clocks, nil
}

// since adds up what processes used between two readings. One that ended took
// its time with it.
func since(before, after map[int]time.Duration) (time.Duration, error) {
	var d time.Duration
	for pid := range before {
		if _, ok := after[pid]; !ok {
			return 0, errors.New("a process of the server ended while it was measured")
		}
	}
	for pid, t := range after {
		d += t - before[pid]
	}
	return d, nil
}

// bareName is the column of the program that only starts programs.
const bareName = "fork+exec"

// bareVariants are that program, and the same by the package that starts
// programs in our server: without limits, with them, and with Landlock.
var bareVariants = []struct {
	name  string
	flags []string
}{
	{bareName, nil},
	{"child", []string{"-spawner"}},
	{"child+limits", []string{"-spawner", "-limits"}},
	{"child+landlock", []string{"-spawner", "-landlock"}},
}

// loadBare runs the program that does nothing but start the program of CGI.
func (b *bench) loadBare(ctx context.Context, sc *scenario, each time.Duration, flags []string) (sample, error) {
	args := append([]string{filepath.Join(b.programs, "bare"), "-program", filepath.Join(b.root, filepath.FromSlash(sc.path)), "-for", each.String()}, flags...)
	args = b.user.command(args)
	args = process.Pinned(serverCPU, args)
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	cmd.Env = append(cmd.Environ(), oneProc...)
	earlier, err := process.ReadCore(serverCPU)
	if err != nil {
		return sample{}, err
	}
	out, err := cmd.CombinedOutput()
	if err != nil {
		return sample{}, fmt.Errorf("%w: %s", err, out)
	}
	busy, err := process.ReadCore(serverCPU)
	if err != nil {
		return sample{}, err
	}
	var n, used, took float64
	if _, err := fmt.Sscan(string(out), &n, &used, &took); err != nil || n == 0 {
		return sample{}, fmt.Errorf("not what it should print: %q", out)
	}
	return sample{cpu: used / 1000 / n, core: micros(busy-earlier) / n, perSecond: n / (took / 1e9)}, nil
}

func micros(d time.Duration) float64 { return float64(d) / float64(time.Microsecond) }
