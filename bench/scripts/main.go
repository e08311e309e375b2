// Command scripts measures what a web server itself costs in front of scripts:
// CGI programs that it starts, and FastCGI applications that it talks to.
//
//	go run -C bench ./scripts [-scenario REGEXP] [-rounds N] [-out FILE]
//
// Each server has one worker on one core, the load generator and the FastCGI
// applications share another. Rounds are interleaved and ratios are taken
// within a round. The scripts' own time is not in the figures. README.md of the
// bench module says what is measured and how it is fair. It is for Linux.
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

// The cores: of the servers with the CGI programs that they start, and of all
// others.
const (
	serverCPU = 0
	othersCPU = 1
)

// bench is one run of the benchmark.
type bench struct {
	servers   []*server
	scenarios *regexp.Regexp
	rounds    int
	each      time.Duration
	quick     bool
	binary    string // our program, "" to build it

	repo     string // the product's source
	dir      string // all temporary files
	root     string // the folder that is served
	programs string // what we built
	php      string // the program of PHP's process manager, "" when there is none
	user     *user  // whom servers and scripts run as, nil for who we are
}

func main() { command.Main("scripts", run) }

func run(ctx context.Context, args []string, w io.Writer) error {
	b := &bench{}
	flags := flag.NewFlagSet("scripts", flag.ContinueOnError)
	scenario := flags.String("scenario", ".", "run the scenarios whose names match this regular `expression`")
	flags.IntVar(&b.rounds, "rounds", 9, "how often each server is measured")
	flags.DurationVar(&b.each, "each", time.Second, "how long, each time")
	names := flags.String("servers", strings.Join(serverNames(), ","), "columns")
	flags.BoolVar(&b.quick, "quick", false, "run each scenario once, for a moment, to see that it works; skip servers that are not installed")
	flags.StringVar(&b.binary, "freshet", "", "measure this `program` instead of building ours")
	out := flags.String("out", "", "write the results to this `file` too")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if b.quick {
		b.rounds, b.each = 1, moment
	}
	if b.rounds < 1 || b.each <= 0 {
		return errors.New("-rounds and -each must be more than nothing")
	}
	var err error
	if b.scenarios, err = regexp.Compile(*scenario); err != nil {
		return err
	}
	if b.servers, err = choose(*names); err != nil {
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
	for _, k := range kinds {
		tables, err := b.measureKind(ctx, k, w)
		if err != nil {
			return err
		}
		for _, t := range tables {
			verdicts = append(verdicts, t.verdicts()...)
			for _, c := range t.columns {
				if c.fault != nil {
					faults = append(faults, fmt.Errorf("%s: %s: %w", t.scenario.name, c.name, c.fault))
				}
			}
		}
	}
	if !b.quick { // a moment judges nobody
		printVerdicts(w, verdicts)
	}
	if len(faults) > 0 {
		return fmt.Errorf("%d columns went wrong, the first: %w", len(faults), faults[0])
	}
	return nil
}
