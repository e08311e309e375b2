// Command fleetpurge measures how long a purge by tag takes in a fleet of
// caches: from the question at the hub until it is acknowledged, which it is
// when all of them have applied it.
//
//	go run -C bench ./fleetpurge -out ../docs/results/fleet-purge.txt
//
// It builds and starts the caches, plays their origin, and puts the same objects
// into each of them. In turn, a tag is purged in the whole fleet, and another one
// in the hub alone, which is what a purge costs without a fleet. Each purge is
// checked: what had the tag, and nothing else, is gone from each cache when it
// returns.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"runtime"
	"time"

	"freshet/bench/internal/build"
	"freshet/bench/internal/command"
	"freshet/bench/internal/machine"
	"freshet/bench/internal/stats"
)

// bench is one run.
type bench struct {
	members int // caches beside the hub
	objects int
	size    int // bytes of an object
	purges  int // of the fleet; as many of the hub alone
	wide    int // purges of a tag that all objects have
	rounds  int // of hits; 0: none are measured
	each    time.Duration
	quiet   time.Duration // 0: idle caches are not measured
	disk    bool
	binary  string
	dir     string
}

func main() { command.Main("fleetpurge", run) }

func run(ctx context.Context, args []string, w io.Writer) error {
	var b bench
	flags := flag.NewFlagSet("fleetpurge", flag.ContinueOnError)
	flags.IntVar(&b.members, "members", 4, "how many `caches` join the hub")
	flags.IntVar(&b.objects, "objects", 100_000, "how many `objects` each cache has stored")
	flags.IntVar(&b.size, "size", 100, "how many `bytes` an object has")
	flags.IntVar(&b.purges, "purges", 200, "how `many` purges of the fleet are measured")
	flags.IntVar(&b.wide, "wide", 20, "how `many` purges of what all objects have are measured")
	flags.IntVar(&b.rounds, "rounds", 0, "how many `rounds` of hits are measured; 0: none")
	flags.DurationVar(&b.each, "each", 2*time.Second, "how `long` a round of hits is")
	flags.DurationVar(&b.quiet, "idle", 0, "how `long` idle caches are looked at; 0: they are not")
	flags.BoolVar(&b.disk, "disk", false, "keep the objects on disk, too (--data)")
	flags.StringVar(&b.binary, "freshet", "", "run this `program` instead of building ours")
	flags.StringVar(&b.dir, "dir", "", "keep what the caches need in a new folder of this `folder` (default: the system's for temporary files)")
	quick := flags.Bool("quick", false, "a few of each, to see that it works")
	out := flags.String("out", "", "write the results to this `file` too")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if *quick {
		b.objects, b.purges, b.wide = 400, 10, 2
	}
	if b.members < 1 || b.size < 1 || b.purges < 1 || b.objects < b.tags() {
		return errors.New("at least one member, one byte and one purge, and two objects for each purge")
	}
	dir, err := os.MkdirTemp(b.dir, "bench-fleetpurge-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	b.dir = dir
	if b.binary, err = build.Freshet(ctx, b.binary, dir); err != nil {
		return err
	}
	if *out != "" {
		f, err := os.Create(*out)
		if err != nil {
			return err
		}
		defer f.Close()
		w = io.MultiWriter(w, f)
	}
	repo, err := build.Repo(ctx)
	if err != nil {
		return err
	}
	fmt.Fprintf(w, "date:     %s UTC\ncommit:   %s\ncommand:  go run -C bench ./fleetpurge %s\nmachine:  %s\ngo:       %s\nfreshet:  %s\n\n",
		time.Now().UTC().Format("2006-01-02 15:04"), machine.Commit(ctx, repo), machine.Quoted(args), machine.Describe(), runtime.Version(), machine.Version(ctx, b.binary, "version"))
	return b.measure(ctx, w)
}

// tags is how many there are: each is purged once. Object i has tag i modulo that.
func (b *bench) tags() int { return 2 * b.purges }

// tagged is how many objects have a tag.
func (b *bench) tagged(tag int) int { return (b.objects - tag + b.tags() - 1) / b.tags() }

// measure fills the caches, purges, and writes what came of it.
func (b *bench) measure(ctx context.Context, w io.Writer) error {
	from := startOrigin(b)
	defer from.Close()
	f, err := b.startFleet(ctx, from.URL)
	defer f.stop()
	if err != nil {
		return err
	}
	if b.quiet > 0 {
		if err := f.idle(ctx, w); err != nil {
			return fmt.Errorf("look at idle caches: %w", err)
		}
		fmt.Fprintln(w)
	}
	began := time.Now()
	if err := f.fill(ctx); err != nil {
		return fmt.Errorf("fill the caches: %w", err)
	}
	filled := time.Since(began)
	var fleet, alone, wide []float64
	away := 0
	for i := range b.purges {
		took, missing, err := f.purge(ctx, 2*i, false)
		if err != nil {
			return fmt.Errorf("purge %d of the fleet: %w", i, err)
		}
		if fleet = append(fleet, took); missing > 0 {
			away++
		}
		if took, _, err = f.purge(ctx, 2*i+1, true); err != nil {
			return fmt.Errorf("purge %d of the hub: %w", i, err)
		}
		alone = append(alone, took)
	}
	for range b.wide {
		took, missing, err := f.purgeAll(ctx)
		if err != nil {
			return fmt.Errorf("purge all objects: %w", err)
		}
		if wide = append(wide, took); missing > 0 {
			away++
		}
	}
	where := "in memory"
	if b.disk {
		where = "in memory and on disk"
	}
	fmt.Fprintf(w, "A hub and %d members, processes of this machine; %d objects of %d bytes in each cache, %s, put there in %.1f s\n", b.members, b.objects, b.size, where, filled.Seconds())
	fmt.Fprintf(w, "%d purges by tag of each kind, in turn, each of %d objects in each cache\n\n", b.purges, b.tagged(b.tags()-1))
	fmt.Fprintf(w, "%-48s %9s %9s %9s %9s\n", "milliseconds until acknowledged", "median", "99 %", "least", "greatest")
	row(w, fmt.Sprintf("in the fleet, by all %d caches", b.members+1), fleet)
	row(w, "in the hub alone (--here)", alone)
	if b.wide > 0 {
		row(w, fmt.Sprintf("in the fleet, a tag that all objects have: %d times", b.wide), wide)
	}
	low, high, confidence := stats.Interval(fleet)
	fmt.Fprintf(w, "\nin the fleet: the median lies between %.2f and %.2f with %.1f %% confidence\n", low, high, 100*confidence)
	fmt.Fprintf(w, "purges that a cache had not applied when they were acknowledged, because its lease was over: %d\n", away)
	fmt.Fprint(w, "\nA purge is asked for at the hub's socket, each over a connection of its own. In the fleet it is\nsynced to the hub's disk before anything is purged. After each one an object with its tag was asked\nfor at each cache, and was not a hit.\n")
	if b.rounds > 0 {
		return f.hits(ctx, w, from.URL)
	}
	return nil
}

func row(w io.Writer, name string, took []float64) {
	s := stats.Of(took)
	fmt.Fprintf(w, "%-48s %9.2f %9.2f %9.2f %9.2f\n", name, s.Median, stats.Quantile(took, 0.99), s.Min, s.Max)
}
