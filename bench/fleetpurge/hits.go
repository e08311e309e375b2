package main

import (
	"context"
	"fmt"
	"io"
	"os/exec"
	"strconv"
	"time"

	"freshet/bench/internal/load"
	"freshet/bench/internal/process"
	"freshet/bench/internal/stats"
)

// The core that a cache whose hits are measured runs on, and that of the load.
const (
	hitCore  = 0
	loadCore = 1
)

// hits compares what a hit costs in a fleet that has purged with what it costs
// in a cache of no fleet, which never has: in turn, one warm object each.
func (f *caches) hits(ctx context.Context, w io.Writer, origin string) error {
	lone, err := f.start(ctx, origin, "")
	if err != nil {
		return err
	}
	names := []string{"a cache of no fleet", "the hub", "a member"}
	nodes := []*node{lone, f.nodes[0], f.nodes[1]}
	for _, n := range nodes {
		if _, err := n.get(ctx, 0); err != nil {
			return err
		}
		if hit, err := n.get(ctx, 0); err != nil || !hit {
			return fmt.Errorf("the object of the load is no hit: %w", err)
		}
		if out, err := exec.CommandContext(ctx, "taskset", "-a", "-c", "-p", strconv.Itoa(hitCore), strconv.Itoa(n.PID())).CombinedOutput(); err != nil {
			return fmt.Errorf("pin a cache: %w: %s", err, out)
		}
	}
	cost := make([][]float64, len(nodes))
	for round := range f.rounds + 1 {
		for i, n := range nodes {
			took, err := f.loaded(ctx, n)
			if err != nil {
				return err
			}
			if round > 0 { // the first one warms up
				cost[i] = append(cost[i], took)
			}
		}
	}
	fmt.Fprintf(w, "\n%-48s %9s %9s %9s\n", "microseconds of processor time for a hit", "median", "least", "greatest")
	for i, name := range names {
		s := stats.Of(cost[i])
		fmt.Fprintf(w, "%-48s %9.3f %9.3f %9.3f\n", name, s.Median, s.Min, s.Max)
	}
	fmt.Fprintln(w)
	for i, name := range names[1:] {
		ratios := stats.Ratios(cost[i+1], cost[0])
		low, high, confidence := stats.Interval(ratios)
		fmt.Fprintf(w, "%s, by a cache of no fleet: %.4f, between %.4f and %.4f with %.1f %% confidence\n", name, stats.Of(ratios).Median, low, high, 100*confidence)
	}
	fmt.Fprintf(w, "%d rounds of %s in turn, 64 connections; the cache on one core, the load on the other\n", f.rounds, f.each)
	return nil
}

// loaded returns the processor time of a hit under load.
func (f *caches) loaded(ctx context.Context, n *node) (float64, error) {
	before, err := process.ReadCPU(n.PID())
	if err != nil {
		return 0, err
	}
	r, err := load.Run(ctx, load.Plan{URL: "http://" + n.addr + "/object/0", Conns: 64, For: f.each, CPU: loadCore, Dir: f.dir})
	if err != nil {
		return 0, err
	}
	if r.Failed > 0 || r.Unsuccessful > 0 || r.Requests == 0 {
		return 0, fmt.Errorf("of %d requests %d were not answered well, %d not at all", r.Requests, r.Unsuccessful, r.Failed)
	}
	after, err := process.ReadCPU(n.PID())
	return float64(after.Since(before).Nanoseconds()) / 1e3 / float64(r.Requests), err
}

// settling is how long caches have been up before they are called idle: what a start
// takes, connections, keys and the first reports, is not counted.
const settling = 15 * time.Second

// idle measures what caches of a fleet use while nothing is asked of them.
func (f *caches) idle(ctx context.Context, w io.Writer) error {
	settled := min(settling, f.quiet)
	if err := rest(ctx, settled); err != nil {
		return err
	}
	names := []string{"the hub", "a member"}
	nodes := f.nodes[:2]
	before := make([]process.CPU, len(nodes))
	for i, n := range nodes {
		var err error
		if before[i], err = process.ReadCPU(n.PID()); err != nil {
			return err
		}
	}
	began := time.Now()
	if err := rest(ctx, f.quiet); err != nil {
		return err
	}
	fmt.Fprintf(w, "\n%-48s %9s %9s\n", fmt.Sprintf("idle for %s, nothing stored, %s after the start", f.quiet, settled), "MB", "CPU %")
	for i, n := range nodes {
		after, err := process.ReadCPU(n.PID())
		if err != nil {
			return err
		}
		m, err := process.ReadOwn(n.PID())
		if err != nil {
			return err
		}
		fmt.Fprintf(w, "%-48s %9.1f %9.3f\n", names[i], float64(m)/1e6, 100*after.Since(before[i]).Seconds()/time.Since(began).Seconds())
	}
	return nil
}

func rest(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
