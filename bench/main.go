// Command bench measures freshet beside its peers, on one machine, in one run.
//
//	go run -C bench . [-scenario REGEXP] [-rounds N] [-out FILE]
//
// It installs the peers from Debian's packages where it may, builds ours,
// configures each server for one worker on one processor core, loads them in
// turn from the other core, and prints for each scenario the processor time
// per request, requests per second, latency and memory of each, and the ratio
// peer ÷ ours. README.md says what is measured and how it is fair.
//
// It is no test: it fails when a server answers wrongly, not when ours is slow.
// It is for Linux.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"regexp"
	"strings"
	"time"

	"freshet/bench/internal/command"
)

// bench is one run of the benchmark.
type bench struct {
	servers            []*server
	scenarios          *regexp.Regexp
	rounds             int
	duration           time.Duration
	idleConns          int
	patience           time.Duration // for what a server does aside, 0 for 10 s
	quick              bool
	serverCPU, loadCPU int
	binary             string // our program, "" to build it

	repo     string // the product's source
	dir      string // all temporary files
	root     string // the folder that is served
	programs string // what we built
	cert     string
	key      string
	maxFiles int
	memory   string // temporary files in memory
	origin   string // the address of the origin of the scenario that runs, "" for none
}

func main() { command.Main("bench", run) }

func run(ctx context.Context, args []string, w io.Writer) error {
	b := &bench{}
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	scenario := flags.String("scenario", ".", "run the scenarios whose names match this regular `expression`")
	flags.IntVar(&b.rounds, "rounds", 5, "how often each server is measured")
	flags.DurationVar(&b.duration, "duration", 3*time.Second, "how long, each time")
	ours := flags.String("ours", strings.Join(serverNames(true), ","), "columns of ours")
	peers := flags.String("peers", "nginx,nginx-copy,h2o,lighttpd,fileserver,net/http,static,nginx-cache,nginx-cache-copy,varnish", "columns of others; there is nginx-1s too")
	flags.IntVar(&b.idleConns, "idle", 10000, "how many idle connections")
	flags.BoolVar(&b.quick, "quick", false, "run each scenario once, for a moment, to see that it works; skip peers that are not installed")
	flags.IntVar(&b.serverCPU, "server-cpu", 0, "core for the servers")
	flags.IntVar(&b.loadCPU, "load-cpu", 1, "core for the load generators")
	flags.StringVar(&b.binary, "freshet", "", "measure this `program` instead of building ours")
	out := flags.String("out", "", "write the results to this `file` too")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if b.quick {
		b.rounds, b.duration, b.idleConns = 1, moment, min(b.idleConns, 200)
	}
	var err error
	if b.scenarios, err = regexp.Compile(*scenario); err != nil {
		return err
	}
	if b.servers, err = choose(*ours + "," + *peers); err != nil {
		return err
	}
	if b.rounds < 1 || b.duration <= 0 || b.idleConns < 1 {
		return errors.New("-rounds, -duration and -idle must be more than nothing")
	}
	if *out != "" {
		f, err := os.Create(*out)
		if err != nil {
			return err
		}
		defer f.Close()
		w = io.MultiWriter(w, f)
	}
	return b.run(ctx, w)
}

func (b *bench) run(ctx context.Context, w io.Writer) error {
	clean, err := b.prepare(ctx, w)
	defer clean()
	if err != nil {
		return err
	}
	b.printHeader(ctx, w)
	var verdicts []verdict
	var faults []error
	for i := range scenarios {
		sc := &scenarios[i]
		if !b.scenarios.MatchString(sc.name) || len(b.contestants(sc)) == 0 {
			continue
		}
		measure := b.measure
		if sc.idle {
			measure = b.measureIdle
		}
		columns := measure(ctx, sc)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if sc.idle {
			printIdleTable(w, sc, b.idleConns, columns)
		} else {
			printTable(w, sc, columns)
		}
		for _, c := range columns {
			if c.fault != nil {
				faults = append(faults, fmt.Errorf("%s: %s: %w", sc.name, c.server.name, c.fault))
			}
		}
		verdicts = append(verdicts, judge(sc, columns)...)
	}
	if !b.quick { // a moment judges nobody
		printVerdicts(w, verdicts)
	}
	if len(faults) > 0 {
		return fmt.Errorf("%d columns went wrong, the first: %w", len(faults), faults[0])
	}
	return nil
}
