// Command viewers measures what those who watch the monitor cost the site: the
// processor time of a request with nobody watching, with one viewer, and with
// many.
//
//	go run -C bench ./viewers -out ../docs/results/viewers.txt
//
// It builds and starts the server itself, on one core; the load and the viewers
// share another. Rounds are interleaved and ratios taken within a round. It is
// for Linux, and needs wrk.
package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"freshet/bench/internal/build"
	"freshet/bench/internal/command"
	"freshet/bench/internal/load"
	"freshet/bench/internal/process"
)

func main() { command.Main("viewers", run) }

// options are the flags.
type options struct {
	viewers, rounds int
	each            time.Duration
	binary, out     string
	watch           string // run as the viewers of a monitor at this address
}

func run(ctx context.Context, args []string, w io.Writer) error {
	var o options
	flags := flag.NewFlagSet("viewers", flag.ContinueOnError)
	flags.IntVar(&o.viewers, "viewers", 200, "how many watch at the same time")
	flags.IntVar(&o.rounds, "rounds", 20, "how many rounds are counted")
	flags.DurationVar(&o.each, "each", 5*time.Second, "how long each measurement takes")
	flags.StringVar(&o.binary, "freshet", "", "run this `program` instead of building ours")
	flags.StringVar(&o.out, "out", "", "write the result to this `file`, too")
	flags.StringVar(&o.watch, "watch", "", "only watch the monitor at this `address`, until told to end")
	quick := flags.Bool("quick", false, "two short rounds with few viewers, to see that it works")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if *quick {
		o.viewers, o.rounds, o.each = 20, 2, time.Second
	}
	if o.viewers < 1 || o.rounds < 1 || o.each < time.Second {
		return errors.New("at least one viewer, one round and one second")
	}
	if o.watch != "" {
		return watch(ctx, o.watch, o.viewers, w)
	}
	var report bytes.Buffer
	fmt.Fprintf(&report, "date:     %s\ncommand:  go run -C bench ./viewers %s\n\n", time.Now().UTC().Format("2006-01-02"), strings.Join(args, " "))
	if err := measure(ctx, &o, io.MultiWriter(w, &report)); err != nil {
		return err
	}
	if o.out == "" {
		return nil
	}
	return os.WriteFile(o.out, report.Bytes(), 0o644)
}

// site is the server that is measured.
type site struct {
	*process.Process
	addr, monitor, dir string
}

// The cores: of the server, and of all others.
const (
	serverCPU = 0
	othersCPU = 1
)

func startSite(ctx context.Context, binary string) (*site, error) {
	s := &site{}
	var err error
	if s.dir, err = os.MkdirTemp("", "freshet-viewers-"); err != nil {
		return nil, err
	}
	if binary, err = build.Freshet(ctx, binary, s.dir); err != nil {
		return s, err
	}
	files := filepath.Join(s.dir, "site")
	err = errors.Join(os.Mkdir(files, 0o755), os.WriteFile(filepath.Join(files, "1k.txt"), []byte(strings.Repeat("view\n", 200)), 0o644))
	if err != nil {
		return s, err
	}
	if s.addr, err = process.FreeAddr(); err != nil {
		return s, err
	}
	if s.monitor, err = process.FreeAddr(); err != nil {
		return s, err
	}
	s.Process, err = process.Serve(ctx, s.addr, process.Options{CPU: serverCPU, Dir: s.dir, Env: []string{"GOMAXPROCS=1", "HOME=" + s.dir},
		Args: []string{binary, "serve", "--listen", s.addr, "--monitor", s.monitor, "--access-log", "off", files}})
	return s, err
}

func (s *site) stop() {
	if s.Process != nil {
		s.Stop(5 * time.Second)
	}
	if s.dir != "" {
		os.RemoveAll(s.dir)
	}
}

// cost returns the server's processor time for a request, in microseconds,
// while so many watch.
func (s *site) cost(ctx context.Context, viewers int, each time.Duration) (float64, error) {
	if viewers > 0 {
		stop, err := s.watched(ctx, viewers)
		if err != nil {
			return 0, err
		}
		defer stop()
	}
	before, err := process.ReadCPU(s.PID())
	if err != nil {
		return 0, err
	}
	r, err := load.Run(ctx, load.Plan{URL: "http://" + s.addr + "/1k.txt", Conns: 32, For: each, CPU: othersCPU, Dir: s.dir})
	if err != nil {
		return 0, err
	}
	after, err := process.ReadCPU(s.PID())
	if err != nil {
		return 0, err
	}
	if r.Unsuccessful > 0 || r.Failed > 0 {
		return 0, fmt.Errorf("%d requests were refused, %d lost (%s)", r.Unsuccessful, r.Failed, r.Failures)
	}
	return float64(after.Since(before).Nanoseconds()) / 1e3 / float64(r.Requests), nil
}

// watched starts viewers in a process of their own, on the core of the load.
// It returns once all watch.
func (s *site) watched(ctx context.Context, viewers int) (stop func(), err error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp(s.dir, "viewers-")
	if err != nil {
		return nil, err
	}
	p, err := process.Start(process.Options{CPU: othersCPU, Dir: dir, Env: []string{"GOMAXPROCS=1"},
		Args: []string{self, "-watch", s.monitor, "-viewers", fmt.Sprint(viewers)}})
	if err != nil {
		return nil, err
	}
	stop = func() { p.Stop(5 * time.Second) }
	limit := time.Now().Add(30 * time.Second)
	for !strings.Contains(p.Output(), watching) {
		select {
		case <-p.Done():
			return nil, fmt.Errorf("the viewers ended: %s", p.Output())
		case <-ctx.Done():
			stop()
			return nil, ctx.Err()
		case <-time.After(50 * time.Millisecond):
		}
		if time.Now().After(limit) {
			stop()
			return nil, fmt.Errorf("not all could watch: %s", p.Output())
		}
	}
	return stop, nil
}

// measure measures, and writes what came of it.
func measure(ctx context.Context, o *options, w io.Writer) error {
	s, err := startSite(ctx, o.binary)
	if s != nil {
		defer s.stop()
	}
	if err != nil {
		return err
	}
	counts := []int{0, 1, o.viewers}
	costs := make([][]float64, len(counts))
	for round := -1; round < o.rounds; round++ { // the first warms up
		for i := range counts {
			at := (i + max(round, 0)) % len(counts) // each goes first as often as others
			c, err := s.cost(ctx, counts[at], o.each)
			if err != nil {
				return fmt.Errorf("with %d viewers: %w", counts[at], err)
			}
			if round >= 0 {
				costs[at] = append(costs[at], c)
			}
		}
	}
	fmt.Fprintf(w, "freshet serve, one file of 1,000 bytes, 32 connections, one core of %d; %d rounds of %v each\n\n", runtime.NumCPU(), o.rounds, o.each)
	return write(w, counts, costs)
}
