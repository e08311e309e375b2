// Command filter measures what a forward proxy costs: an answer from its cache,
// beside Squid, and a page that it filters, beside Privoxy.
//
//	go run -C bench ./filter -out ../docs/results/filter.txt
//
// Each proxy is a process on one core; the load and the server behind share
// another. Rounds are interleaved and ratios taken within a round. It is for
// Linux, and needs wrk. A proxy that is not installed is left out with -quick,
// and is a fault without.
package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"text/tabwriter"
	"time"

	"freshet/bench/internal/build"
	"freshet/bench/internal/command"
	"freshet/bench/internal/load"
	"freshet/bench/internal/machine"
	"freshet/bench/internal/process"
	"freshet/bench/internal/stats"
)

// The cores: of the proxies, and of all others.
const (
	proxyCPU  = 0
	othersCPU = 1
)

func main() { command.Main("filter", run) }

// options are the flags.
type options struct {
	rounds, conns int
	each          time.Duration
	binary, out   string
	quick         bool
	serve         string // run as the server behind the proxies
}

func run(ctx context.Context, args []string, w io.Writer) error {
	var o options
	flags := flag.NewFlagSet("filter", flag.ContinueOnError)
	flags.IntVar(&o.rounds, "rounds", 9, "how many rounds are counted")
	flags.DurationVar(&o.each, "each", 2*time.Second, "how long each measurement takes")
	flags.IntVar(&o.conns, "conns", 32, "connections held open")
	flags.StringVar(&o.binary, "freshet", "", "run this `program` instead of building ours")
	flags.StringVar(&o.out, "out", "", "write the result to this `file`, too")
	flags.StringVar(&o.serve, "serve", "", "only be the server behind, at this `address`")
	flags.BoolVar(&o.quick, "quick", false, "two short rounds, to see that it works")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if o.serve != "" {
		return serve(ctx, o.serve)
	}
	if o.quick {
		o.rounds, o.each = 2, time.Second
	}
	if o.rounds < 1 || o.conns < 1 || o.each < time.Second {
		return errors.New("at least one round, one connection and one second")
	}
	var report bytes.Buffer
	repo, err := build.Repo(ctx)
	if err != nil {
		return err
	}
	fmt.Fprintf(&report, "date:     %s\ncommit:   %s\nmachine:  %s\nsquid:    %s\nprivoxy:  %s\ncommand:  go run -C bench ./filter %s\n\n",
		time.Now().UTC().Format("2006-01-02"), machine.Commit(ctx, repo), machine.Describe(), machine.Version(ctx, "squid", "-v"), machine.Version(ctx, "privoxy", "--version"), machine.Quoted(args))
	if err := measure(ctx, &o, repo, io.MultiWriter(w, &report)); err != nil || o.out == "" {
		return err
	}
	return os.WriteFile(o.out, report.Bytes(), 0o644)
}

// bench is what the proxies of one run share.
type bench struct {
	*options
	dir    string // all temporary files
	script string // for wrk
	origin string // host:port of the server behind
	binary string // our program
}

// contestant is a proxy, and its figures by scenario and round.
type contestant struct {
	*proxy
	process *process.Process
	addr    string
	cost    map[string][]float64 // µs of processor time for a request
	rate    map[string][]float64 // requests in a second
}

func measure(ctx context.Context, o *options, repo string, w io.Writer) error {
	dir, err := os.MkdirTemp("", "freshet-filter-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	if err := os.Chmod(dir, 0o755); err != nil { // Squid and Privoxy run as users of their own
		return err
	}
	b := &bench{options: o, dir: dir, script: filepath.Join(repo, "bench", "lua", "absolute.lua")}
	if b.binary, err = build.Freshet(ctx, o.binary, dir); err != nil {
		return err
	}
	behind, err := b.startServer(ctx)
	if err != nil {
		return err
	}
	defer behind.Stop(5 * time.Second)
	var in []*contestant
	for i := range proxies {
		p := &proxies[i]
		if _, err := exec.LookPath(p.needs); p.needs != "" && err != nil && o.quick {
			fmt.Fprintf(w, "%s is not installed\n", p.needs)
			continue
		}
		c, err := b.start(ctx, p)
		if err != nil {
			return fmt.Errorf("%s: %w", p.name, err)
		}
		defer c.process.Stop(10 * time.Second)
		in = append(in, c)
	}
	fmt.Fprintf(w, "%d connections, one core for a proxy; %d rounds of %v each\n", o.conns, o.rounds, o.each)
	for i := range scenarios {
		if err := b.measure(ctx, &scenarios[i], in, w); err != nil {
			return fmt.Errorf("%s: %w", scenarios[i].name, err)
		}
	}
	return nil
}

// measure loads the proxies of a scenario in turn, and prints what came of it.
func (b *bench) measure(ctx context.Context, sc *scenario, all []*contestant, w io.Writer) error {
	var in []*contestant
	for _, c := range all {
		if !c.does(sc) {
			continue
		}
		if err := b.verify(ctx, sc, c); err != nil {
			return fmt.Errorf("%s: %w", c.name, err)
		}
		in = append(in, c)
	}
	for round := range b.rounds {
		for i := range in {
			c := in[(i+round)%len(in)] // each goes first as often as others
			if err := b.once(ctx, sc, c); err != nil {
				return fmt.Errorf("%s: %w", c.name, err)
			}
		}
	}
	return sc.print(w, in)
}

// once loads a proxy once.
func (b *bench) once(ctx context.Context, sc *scenario, c *contestant) error {
	before, err := process.Clock(c.process.PID())
	if err != nil {
		return err
	}
	r, err := load.Run(ctx, load.Plan{URL: "http://" + c.addr + "/", Script: b.script, Argument: "http://" + b.origin + sc.path, Header: []string{"Accept: " + sc.accept},
		Conns: b.conns, For: b.each, CPU: othersCPU, Dir: b.dir})
	if err != nil {
		return err
	}
	after, err := process.Clock(c.process.PID()) // threads that ended included: Privoxy has one for each connection
	if err != nil {
		return err
	}
	if r.Unsuccessful > 0 && !sc.refused || r.Failed > max(1, r.Requests/1000) {
		return fmt.Errorf("of %d requests %d were refused, and %d failed (%s)", r.Requests, r.Unsuccessful, r.Failed, r.Failures)
	}
	c.cost[sc.name] = append(c.cost[sc.name], float64((after-before).Nanoseconds())/1e3/float64(r.Requests))
	c.rate[sc.name] = append(c.rate[sc.name], r.PerSecond)
	return nil
}

// verify sees that a proxy does what is measured.
func (b *bench) verify(ctx context.Context, sc *scenario, c *contestant) error {
	client := &http.Client{Transport: &http.Transport{Proxy: http.ProxyURL(&url.URL{Scheme: "http", Host: c.addr}), DisableKeepAlives: true}}
	for range 2 { // the second may come from the cache
		req, err := http.NewRequestWithContext(ctx, "GET", "http://"+b.origin+sc.path, nil)
		if err != nil {
			return err
		}
		req.Header.Set("Accept", sc.accept)
		resp, err := client.Do(req)
		if err != nil {
			return err
		}
		body, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err != nil || resp.StatusCode != http.StatusOK && !(sc.refused && resp.StatusCode == http.StatusForbidden) {
			return fmt.Errorf("%s: %v", resp.Status, err)
		}
		if err := sc.verify(c.proxy, string(body)); err != nil {
			return err
		}
	}
	return nil
}

// print prints the figures of a scenario, and their ratios to ours.
func (sc *scenario) print(w io.Writer, in []*contestant) error {
	fmt.Fprintf(w, "\n%s: %s\n\n", sc.name, sc.what)
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "proxy\tCPU µs/request\tleast\tgreatest\trequests/s\t")
	for _, c := range in {
		s := stats.Of(c.cost[sc.name])
		fmt.Fprintf(t, "%s\t%.1f\t%.1f\t%.1f\t%.0f\t\n", c.name, s.Median, s.Min, s.Max, stats.Of(c.rate[sc.name]).Median)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	for _, c := range in[1:] {
		ratios := stats.Ratios(c.cost[sc.name], in[0].cost[sc.name])
		low, high, sure := stats.Interval(ratios)
		fmt.Fprintf(w, "%s ÷ %s: median of the rounds' ratios %.2f, from %.2f to %.2f with %.1f %% confidence\n", c.name, in[0].name, stats.Of(ratios).Median, low, high, 100*sure)
	}
	return nil
}

// startServer starts the server behind the proxies.
func (b *bench) startServer(ctx context.Context) (*process.Process, error) {
	program, err := os.Executable()
	if err != nil {
		return nil, err
	}
	if b.origin, err = process.FreeAddr(); err != nil {
		return nil, err
	}
	return process.Serve(ctx, b.origin, process.Options{Args: []string{program, "-serve", b.origin}, Env: []string{"GOMAXPROCS=1"}, CPU: othersCPU, Dir: b.dir})
}

// start starts a proxy in a folder of its own.
func (b *bench) start(ctx context.Context, p *proxy) (*contestant, error) {
	dir := filepath.Join(b.dir, "of-"+p.name)
	if err := os.Mkdir(dir, 0o777); err != nil {
		return nil, err
	}
	if err := os.Chmod(dir, 0o777); err != nil {
		return nil, err
	}
	addr, err := process.FreeAddr()
	if err != nil {
		return nil, err
	}
	args, err := p.args(&setup{binary: b.binary, dir: dir, addr: addr})
	if err != nil {
		return nil, err
	}
	running, err := process.Serve(ctx, addr, process.Options{Args: args, CPU: proxyCPU, Dir: dir, Env: []string{"GOMAXPROCS=1", "HOME=" + dir, "XDG_RUNTIME_DIR=" + dir}})
	if err != nil {
		return nil, err
	}
	return &contestant{p, running, addr, map[string][]float64{}, map[string][]float64{}}, nil
}

func replaced(text string, pairs ...string) string {
	return strings.NewReplacer(pairs...).Replace(text)
}
