package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"freshet/bench/internal/load"
	"freshet/bench/internal/process"
)

// column is what one server did in a scenario. The slices have an element for
// each round.
type column struct {
	server    *server
	cpu       []float64 // microseconds of processor time per request
	perSecond []float64
	p99       []float64 // microseconds
	memory    process.Memory
	held      int64   // heap and stacks after the last step, of programs that tell; 0 for others
	perConn   float64 // bytes of memory per idle connection
	heldConn  float64 // bytes of heap and stacks per idle connection
	notes     []string
	fault     error // why there are no figures
}

func (c *column) note(format string, a ...any) {
	c.notes = append(c.notes, fmt.Sprintf(format, a...))
}

// contestants returns the servers that take part in sc.
func (b *bench) contestants(sc *scenario) []*server {
	var in []*server
	for _, s := range b.servers {
		if s.does(sc.needs) {
			in = append(in, s)
		}
	}
	return in
}

// entrant is a server in a scenario while it runs.
type entrant struct {
	*running
	*column
	plan     load.Plan
	requests int64 // answered so far
}

// moment is enough to see that a server works under load.
const moment = 300 * time.Millisecond

// measure runs one scenario: all servers are started and verified, then loaded
// in turn, A B C A B C, so that what the machine does meanwhile hits all. A
// server that does something wrong is out of the scenario.
func (b *bench) measure(ctx context.Context, sc *scenario) []*column {
	var columns []*column
	var entrants []*entrant
	if sc.needs&(needHit|needDisk|needMiss) != 0 {
		o, err := b.startOrigin(ctx)
		if err != nil {
			return []*column{{server: b.contestants(sc)[0], fault: err}}
		}
		b.origin = o.addr
		defer func() {
			o.stop()
			b.origin = ""
		}()
	}
	for _, s := range b.contestants(sc) {
		c := &column{server: s}
		columns = append(columns, c)
		if why := s.absent(b, sc); why != "" {
			c.note("%s", why)
			continue
		}
		r, err := s.start(ctx, b, sc)
		if err != nil {
			c.fault = err
			continue
		}
		defer r.stop()
		header, err := b.verify(ctx, r, sc)
		if err != nil {
			c.fault = err
			continue
		}
		entrants = append(entrants, &entrant{running: r, column: c, plan: b.plan(r, sc, header)})
	}
	first := 0 // a round that warms up, and is not counted
	if b.quick {
		first = 1
	}
	for round := first; round <= b.rounds; round++ {
		for _, e := range entrants {
			if e.fault == nil {
				e.fault = e.load(ctx, b, sc, round > 0)
			}
		}
	}
	for _, e := range entrants {
		if e.fault == nil {
			e.fault = e.finish()
		}
	}
	return columns
}

// plan returns what the load generator does to r.
func (b *bench) plan(r *running, sc *scenario, header []string) load.Plan {
	p := load.Plan{
		URL: r.url + sc.path, Header: header, Conns: sc.conns, Streams: sc.streams,
		Argument: sc.argument, For: b.duration, CPU: b.loadCPU, Dir: b.dir,
	}
	if sc.script != "" {
		p.Script = filepath.Join(b.dir, sc.script)
	}
	return p
}

// load loads the server once, and adds what was seen to its column when it
// counts.
func (e *entrant) load(ctx context.Context, b *bench, sc *scenario, counts bool) error {
	plan := e.plan
	if !counts {
		plan.For = time.Second
	}
	reached, err := b.requests(ctx)
	if err != nil {
		return err
	}
	before, err := process.ReadCPU(e.process.PID())
	if err != nil {
		return fmt.Errorf("%w: %s", err, e.process.Output())
	}
	result, err := load.Run(ctx, plan)
	if errors.Is(err, load.ErrNoRequest) {
		plan.For += 5 * time.Second
		result, err = load.Run(ctx, plan)
	}
	if err != nil {
		return err
	}
	read := process.ReadCPU
	if sc.needs&needMiss != 0 {
		read = restingCPU
	}
	after, err := read(e.process.PID())
	if err != nil {
		return fmt.Errorf("%w: %s", err, e.process.Output())
	}
	if err := checkResult(result, sc); err != nil {
		return err
	}
	now, err := b.requests(ctx)
	if err == nil {
		err = b.checkOrigin(sc, result.Requests, now-reached)
	}
	if err != nil {
		return err
	}
	e.requests += result.Requests
	if !counts {
		return nil
	}
	if result.Failed > 0 {
		e.note("connections failed in %d requests: %s", result.Requests, result.Failures)
	}
	e.cpu = append(e.cpu, micros(after.Since(before))/float64(result.Requests))
	e.perSecond = append(e.perSecond, result.PerSecond)
	e.p99 = append(e.p99, micros(result.P99))
	return nil
}

// finish reads the memory of the server, ends it, and looks into its log.
func (e *entrant) finish() error {
	var err error
	if e.memory, err = process.ReadMemory(e.process.PID()); err != nil {
		return err
	}
	e.stop()
	return e.checkLog(e.setup.log, e.requests)
}

// checkResult refuses a run in which the server did not do what it did when it
// was verified. A connection in a thousand may be lost on a busy machine.
func checkResult(r load.Result, sc *scenario) error {
	unsuccessful := int64(0)
	if sc.status >= 400 {
		unsuccessful = r.Requests
	}
	if r.Unsuccessful != unsuccessful {
		return fmt.Errorf("%d of %d answers have a status of 400 or more, want %d", r.Unsuccessful, r.Requests, unsuccessful)
	}
	if r.Failed > max(1, r.Requests/1000) {
		return fmt.Errorf("connections failed (%s) in %d requests", r.Failures, r.Requests)
	}
	return nil
}

// checkLog notes when an access log has fewer lines than there were requests.
func (c *column) checkLog(path string, requests int64) error {
	if path == "" {
		return nil
	}
	lines, err := countLines(path)
	if err != nil {
		return fmt.Errorf("read its access log: %w", err)
	}
	if lines == 0 {
		return errors.New("its access log is empty")
	}
	if lines < requests {
		c.note("%d of %d requests are not in the log", requests-lines, requests)
	}
	return nil
}

func countLines(path string) (int64, error) {
	f, err := os.Open(path)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	var n int64
	buf := make([]byte, 64<<10)
	for {
		k, err := f.Read(buf)
		n += int64(bytes.Count(buf[:k], []byte{'\n'}))
		if errors.Is(err, io.EOF) {
			return n, nil
		}
		if err != nil {
			return n, err
		}
	}
}

func micros(d time.Duration) float64 { return float64(d) / float64(time.Microsecond) }
