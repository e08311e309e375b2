package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"freshet/bench/internal/keepalive"
	"freshet/bench/internal/process"
)

// soak is one run against the server at addr.
type soak struct {
	w           io.Writer
	addr, path  string
	conns       int // idle connections
	busy        int // connections that make requests all the time
	sample      int // idle connections that make a request at each tick
	duration    time.Duration
	sampleEvery time.Duration // a tick
	printEvery  int           // ticks
	memory      func() (process.Memory, error)

	idle     []*keepalive.Conn // nil where one was dropped
	buf      *bufio.Reader
	checked  int
	dropped  []error
	requests atomic.Int64
	failed   atomic.Int64 // requests of the load
	firstErr atomic.Value // error
	resident []float64    // bytes, one for each tick
}

// run opens the idle connections, makes the load, watches both, and returns an
// error when something did not hold.
func (s *soak) run(ctx context.Context) error {
	before, err := s.memory()
	if err != nil {
		return err
	}
	s.buf = bufio.NewReader(nil)
	defer s.close()
	if err := s.open(ctx); err != nil {
		return err
	}
	after, err := s.memory()
	if err != nil {
		return err
	}
	fmt.Fprintf(s.w, "%d idle connections, each after one request: %.1f MiB resident, %.1f before\n", s.conns, mebi(after.RSS), mebi(before.RSS))
	if err := s.watch(ctx); err != nil {
		return err
	}
	s.check(len(s.idle), func(i int) int { return i })
	return s.verdict()
}

// open opens the idle connections and makes a request on each.
func (s *soak) open(ctx context.Context) error {
	for i := range s.conns {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		c, err := keepalive.Dial(s.addr, s.path)
		if err == nil {
			s.idle = append(s.idle, c)
			_, err = c.Get(s.buf)
		}
		if err != nil {
			return fmt.Errorf("connection %d: %w", i+1, err)
		}
	}
	return nil
}

func (s *soak) close() {
	for _, c := range s.idle {
		if c != nil {
			c.Close()
		}
	}
}

// watch makes load for the whole time, and at each tick asks some of the idle
// connections and reads the memory.
func (s *soak) watch(ctx context.Context) error {
	loadCtx, stop := context.WithCancel(ctx)
	var load sync.WaitGroup
	defer load.Wait()
	defer stop()
	for range s.busy {
		load.Go(func() { s.load(loadCtx) })
	}
	ticks := int(s.duration / s.sampleEvery)
	tick := time.NewTicker(s.sampleEvery)
	defer tick.Stop()
	for n := 1; n <= ticks; n++ {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
		s.check(s.sample, func(int) int { return rand.IntN(len(s.idle)) })
		m, err := s.memory()
		if err != nil {
			return err
		}
		s.resident = append(s.resident, float64(m.RSS))
		if n%s.printEvery == 0 {
			fmt.Fprintf(s.w, "%8v  %7.1f MiB resident  %10d requests  %d idle asked  %d dropped\n",
				time.Duration(n)*s.sampleEvery, mebi(m.RSS), s.requests.Load(), s.checked, len(s.dropped))
		}
	}
	return nil
}

// check makes a request on n idle connections, those that pick names.
func (s *soak) check(n int, pick func(int) int) {
	for k := range n {
		i := pick(k)
		if s.idle[i] == nil {
			continue
		}
		s.checked++
		if _, err := s.idle[i].Get(s.buf); err != nil {
			s.dropped = append(s.dropped, fmt.Errorf("idle connection %d: %w", i+1, err))
			s.idle[i].Close()
			s.idle[i] = nil
		}
	}
}

// load makes requests on one connection until ctx ends; after a failure on a
// new one.
func (s *soak) load(ctx context.Context) {
	buf := bufio.NewReader(nil)
	var c *keepalive.Conn
	defer func() {
		if c != nil {
			c.Close()
		}
	}()
	for ctx.Err() == nil {
		var err error
		if c == nil {
			c, err = keepalive.Dial(s.addr, s.path)
		}
		if err == nil {
			_, err = c.Get(buf)
		}
		if err == nil {
			s.requests.Add(1)
			continue
		}
		s.failed.Add(1)
		s.firstErr.CompareAndSwap(nil, fmt.Errorf("request of the load: %w", err))
		if c != nil {
			c.Close()
			c = nil
		}
	}
}

// verdict prints the result, and returns what did not hold.
func (s *soak) verdict() error {
	early, late := windows(s.resident)
	growth := late/early - 1
	fmt.Fprintf(s.w, "requests: %d, failed: %d\nidle connections: %d, asked %d times, dropped: %d\nmemory: %.1f MiB in the second fifth, %.1f MiB in the last (%+.1f %%)\n",
		s.requests.Load(), s.failed.Load(), s.conns, s.checked, len(s.dropped), early/(1<<20), late/(1<<20), growth*100)
	var faults []error
	if len(s.dropped) > 0 {
		faults = append(faults, fmt.Errorf("%d idle connections were dropped, the first: %w", len(s.dropped), s.dropped[0]))
	}
	if n := s.failed.Load(); n > 0 {
		faults = append(faults, fmt.Errorf("%d requests failed, the first: %w", n, s.firstErr.Load().(error)))
	}
	if !(growth <= mostGrowth) { // also when it is no number
		faults = append(faults, fmt.Errorf("memory grew by %.1f %%, more than %.0f %%", growth*100, mostGrowth*100))
	}
	if len(faults) == 0 {
		fmt.Fprintln(s.w, "nothing dropped, memory flat")
	}
	return errors.Join(faults...)
}

func mebi(n int64) float64 { return float64(n) / (1 << 20) }
