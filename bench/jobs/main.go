// Command jobs measures package jobs over its log in a file: how fast jobs are
// taken and done when nothing is answered before the disk has it, and what a
// million queued jobs cost.
//
//	go run -C bench ./jobs -out ../docs/results/jobs.txt
package main

import (
	"context"
	"crypto/rand"
	"flag"
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"
	"time"

	"freshet/bench/internal/build"
	"freshet/bench/internal/command"
	"freshet/bench/internal/machine"
	"freshet/bench/internal/stats"
	"freshet/internal/atrest"
	"freshet/internal/keyfile"
)

// bench is one run.
type bench struct {
	rounds int
	each   time.Duration
	many   int          // jobs that wait
	dir    string       // for logs
	ring   *atrest.Ring // nil: the log is not sealed
}

func main() { command.Main("jobs", run) }

func run(ctx context.Context, args []string, w io.Writer) error {
	var b bench
	flags := flag.NewFlagSet("jobs", flag.ContinueOnError)
	flags.IntVar(&b.rounds, "rounds", 9, "how `often` each figure of speed is measured")
	flags.DurationVar(&b.each, "each", time.Second, "for how `long`")
	flags.IntVar(&b.many, "many", 1_000_000, "how many jobs `wait` for the figures of size")
	flags.StringVar(&b.dir, "dir", "", "keep logs in a new folder of this `folder` (default: the system's for temporary files)")
	sealed := flags.Bool("sealed", false, "seal the log, with a key of this run")
	quick := flags.Bool("quick", false, "a moment, to see that it works")
	out := flags.String("out", "", "write the results to this `file` too")
	err := flags.Parse(args)
	if err != nil {
		return err
	}
	if *sealed {
		if b.ring, err = newRing(); err != nil {
			return err
		}
	}
	if *quick {
		b.rounds, b.each, b.many = 2, 50*time.Millisecond, 5000
	}
	dir, err := os.MkdirTemp(b.dir, "bench-jobs-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	b.dir = dir
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
	fmt.Fprintf(w, "date:     %s UTC\ncommit:   %s\ncommand:  go run -C bench ./jobs %s\nmachine:  %s\ngo:       %s\n\n",
		time.Now().UTC().Format("2006-01-02 15:04"), machine.Commit(ctx, repo), machine.Quoted(args), machine.Describe(), runtime.Version())
	if err := b.speed(ctx, w); err != nil {
		return err
	}
	return b.size(ctx, w)
}

// newRing is of one new key.
func newRing() (*atrest.Ring, error) {
	secret := make([]byte, atrest.SecretSize)
	rand.Read(secret)
	keys, err := atrest.ParseKeys([]byte(keyfile.Key{Name: "bench", Secret: secret}.String()))
	return atrest.NewRing(func() *atrest.Keys { return keys }), err
}

// speed measures each figure once a round, so that none has a better machine
// than another.
func (b *bench) speed(ctx context.Context, w io.Writer) error {
	got := make([][]float64, len(figures))
	for round := range b.rounds {
		for i := range figures {
			k := (i + round) % len(figures)
			v, err := b.figure(ctx, &figures[k])
			if err != nil {
				return fmt.Errorf("%s: %w", figures[k].name, err)
			}
			got[k] = append(got[k], v)
		}
	}
	fmt.Fprintf(w, "Speed: %d rounds of %v each, jobs of one task with specs of about 100 bytes\n\n", b.rounds, b.each)
	fmt.Fprintf(w, "%-52s %10s  %10s  %10s  %s\n", "", "median", "least", "greatest", "")
	for i, f := range figures {
		s := stats.Of(got[i])
		fmt.Fprintf(w, "%-52s %10.*f  %10.*f  %10.*f  %s\n", f.name, f.digits, s.Median, f.digits, s.Min, f.digits, s.Max, f.unit)
	}
	for i, f := range figures {
		low, high, confidence := stats.Interval(got[i])
		fmt.Fprintf(w, "\n%s: the median lies between %.*f and %.*f with %.1f %% confidence", f.name, f.digits, low, f.digits, high, 100*confidence)
	}
	fmt.Fprint(w, "\n\nAn fdatasync of what was appended is part of each write; what is asked for at the\nsame time shares one. The figure of the disk is a loop that appends 128 bytes and\nsyncs, and does nothing else.\n\n")
	return nil
}

// quantile of durations, in milliseconds.
func quantile(ds []time.Duration, q float64) float64 {
	if len(ds) == 0 {
		return 0
	}
	slices.Sort(ds)
	return float64(ds[min(len(ds)-1, int(q*float64(len(ds))))]) / 1e6
}
