// Command udp measures what a datagram costs that is read and answered: by
// socketserver.PacketServer, and by loops that do nothing else, one with package
// net's calls for a single datagram and one with recvmmsg and sendmmsg.
//
//	go run -C bench ./udp -out ../docs/results/udp.txt
//
// Each server is a process on one core, the load one on another. Rounds are
// interleaved and ratios taken within a round. It is for Linux.
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
	"strings"
	"text/tabwriter"
	"time"

	"freshet/bench/internal/build"
	"freshet/bench/internal/command"
	"freshet/bench/internal/machine"
	"freshet/bench/internal/process"
	"freshet/bench/internal/stats"
)

func main() { command.Main("udp", run) }

// options are the flags.
type options struct {
	rounds int
	each   time.Duration
	out    string
	serve  string // run as this server
	load   string // run as the load of the server at this address
	plan   plan
}

func run(ctx context.Context, args []string, w io.Writer) error {
	var o options
	flags := flag.NewFlagSet("udp", flag.ContinueOnError)
	flags.IntVar(&o.rounds, "rounds", 20, "how many rounds are counted")
	flags.DurationVar(&o.each, "each", 2*time.Second, "how long each measurement takes")
	flags.IntVar(&o.plan.clients, "clients", 8, "how many sockets send")
	flags.IntVar(&o.plan.window, "window", 16, "how many unanswered datagrams each has on the way")
	flags.IntVar(&o.plan.size, "size", 64, "bytes of a datagram")
	flags.StringVar(&o.out, "out", "", "write the result to this `file`, too")
	flags.StringVar(&o.serve, "serve", "", "only run this `server`, until told to end")
	flags.StringVar(&o.load, "load", "", "only send to the server at this `address`")
	quick := flags.Bool("quick", false, "two short rounds, to see that it works")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if *quick {
		o.rounds, o.each = 2, 200*time.Millisecond
	}
	if o.rounds < 1 || o.plan.clients < 1 || o.plan.window < 1 || o.plan.size < 8 || o.plan.size > 60000 {
		return errors.New("at least one round, one client, a window of one, and 8 to 60,000 bytes")
	}
	switch {
	case o.serve != "":
		return serve(ctx, o.serve, w)
	case o.load != "":
		return o.plan.run(o.load, o.each, w)
	}
	var report bytes.Buffer
	repo, err := build.Repo(ctx)
	if err != nil {
		return err
	}
	fmt.Fprintf(&report, "date:     %s\ncommit:   %s\nmachine:  %s\ncommand:  go run -C bench ./udp %s\n\n",
		time.Now().UTC().Format("2006-01-02"), machine.Commit(ctx, repo), machine.Describe(), machine.Quoted(args))
	if err := measure(ctx, &o, io.MultiWriter(w, &report)); err != nil {
		return err
	}
	if o.out == "" {
		return nil
	}
	return os.WriteFile(o.out, report.Bytes(), 0o644)
}

// The cores: of the servers, and of the load.
const (
	serverCPU = 0
	loadCPU   = 1
)

// figures are of one server, by round.
type figures struct {
	cost []float64 // µs of processor time for a datagram
	rate []float64 // answers in a second
	lost int       // datagrams that were not answered
}

// measure measures, and writes what came of it.
func measure(ctx context.Context, o *options, w io.Writer) error {
	dir, err := os.MkdirTemp("", "freshet-udp-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	addrs := make([]string, len(servers))
	running := make([]*process.Process, len(servers))
	for i, s := range servers {
		p, addr, err := start(ctx, dir, s.name)
		if p != nil {
			defer p.Stop(5 * time.Second)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
		running[i], addrs[i] = p, addr
	}
	all := make([]figures, len(servers))
	for round := -1; round < o.rounds; round++ { // the first warms up
		for i := range servers {
			at := (i + max(round, 0)) % len(servers) // each goes first as often as others
			cost, r, err := o.once(ctx, dir, running[at], addrs[at])
			if err != nil {
				return fmt.Errorf("%s: %w", servers[at].name, err)
			}
			if round >= 0 {
				f := &all[at]
				f.cost, f.rate, f.lost = append(f.cost, cost), append(f.rate, float64(r.answered)/r.took.Seconds()), f.lost+r.lost
			}
		}
	}
	fmt.Fprintf(w, "UDP echo of %d bytes, %d clients with %d datagrams on the way each, one core; %d rounds of %v each\n\n",
		o.plan.size, o.plan.clients, o.plan.window, o.rounds, o.each)
	if err := write(w, all); err != nil {
		return err
	}
	_, err = io.WriteString(w, comparison)
	return err
}

// comparison says what the ratios are of.
const comparison = `
A ratio below 1 means that the server takes less processor time than the loop.
All sockets are bound to 127.0.0.1, so that replies leave from the address that
was asked without anybody's doing. The loops do what is measured and no more:
batch-loop cuts what is longer than 2 KiB, ignores what cannot be sent, and
neither of them counts, drains, or survives a handler that panics.
`

// write writes the figures, and their ratios to those of the loops.
func write(w io.Writer, all []figures) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "server\tCPU µs/datagram\tleast\tgreatest\tanswers/s\tunanswered\t")
	for i, f := range all {
		s := stats.Of(f.cost)
		fmt.Fprintf(t, "%s\t%.3f\t%.3f\t%.3f\t%.0f\t%d\t\n", servers[i].name, s.Median, s.Min, s.Max, stats.Of(f.rate).Median, f.lost)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	fmt.Fprintln(w)
	for i, f := range all {
		for j, base := range all {
			if !servers[j].bare || servers[i].bare {
				continue
			}
			ratios := stats.Ratios(f.cost, base.cost)
			low, high, sure := stats.Interval(ratios)
			_, err := fmt.Fprintf(w, "CPU of %s ÷ %s: median of the rounds' ratios %.3f, from %.3f to %.3f with %.1f %% confidence\n",
				servers[i].name, servers[j].name, stats.Of(ratios).Median, low, high, 100*sure)
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// once has a server answer for a while, and returns its processor time for a
// datagram, in microseconds.
func (o *options) once(ctx context.Context, dir string, p *process.Process, addr string) (float64, result, error) {
	before, err := process.ReadCPU(p.PID())
	if err != nil {
		return 0, result{}, err
	}
	r, err := o.send(ctx, dir, addr)
	if err != nil {
		return 0, r, err
	}
	after, err := process.ReadCPU(p.PID())
	if err != nil {
		return 0, r, err
	}
	if r.answered == 0 {
		return 0, r, errors.New("nothing was answered")
	}
	return float64(after.Since(before).Nanoseconds()) / 1e3 / float64(r.answered), r, nil
}

// start starts a server and returns its address once it reads.
func start(ctx context.Context, dir, name string) (*process.Process, string, error) {
	p, err := self(dir, name, serverCPU, "-serve", name)
	if err != nil {
		return nil, "", err
	}
	for limit := time.Now().Add(15 * time.Second); ; {
		if _, addr, ok := strings.Cut(p.Output(), serving); ok {
			return p, strings.TrimSpace(addr), nil
		}
		select {
		case <-p.Done():
			return nil, "", fmt.Errorf("it ended: %s", p.Output())
		case <-ctx.Done():
			return p, "", ctx.Err()
		case <-time.After(20 * time.Millisecond):
		}
		if time.Now().After(limit) {
			return p, "", fmt.Errorf("it does not serve: %s", p.Output())
		}
	}
}

// self starts this program with other arguments, in a folder below dir.
func self(dir, name string, cpu int, args ...string) (*process.Process, error) {
	program, err := os.Executable()
	if err != nil {
		return nil, err
	}
	own := filepath.Join(dir, name)
	if err := os.MkdirAll(own, 0o755); err != nil {
		return nil, err
	}
	return process.Start(process.Options{CPU: cpu, Dir: own, Env: []string{"GOMAXPROCS=1"}, Args: append([]string{program}, args...)})
}
