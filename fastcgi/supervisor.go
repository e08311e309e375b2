package fastcgi

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"syscall"
	"time"

	"freshet/internal/child"
	"freshet/internal/gateway"
	"freshet/internal/rule"
)

// longLived is how long a worker has to run for its end to be no failure.
const longLived = time.Second

// doubtFor is how long a worker may take to end that cut off its first request.
const doubtFor = 100 * time.Millisecond

// supervisor is a source of connections to workers that it starts, one for each
// worker at a time.
type supervisor struct {
	o        *Workers
	keep     bool // connections are kept
	connect  time.Duration
	patience time.Duration // of those who wait for a worker
	dir      string        // of sockets, ours alone
	command  child.Command
	spawner  *child.Spawner
	board    *gateway.Board
	tally    *tally
	log      *slog.Logger
	ended    chan struct{} // closed by close
	all      sync.WaitGroup

	mu       sync.Mutex    // guards what follows
	slots    []*worker     // Max
	changed  chan struct{} // closed, and made anew, when a worker may be had
	closed   bool
	starts   int64
	restarts int64
	failures int       // of workers in a row that ended at once
	until    time.Time // none is started before, because of failures
	trigger  *time.Timer
}

// newSupervisor starts Min workers.
func newSupervisor(h *Handler) (*supervisor, error) {
	o := h.o.Workers
	s := &supervisor{o: o, keep: h.o.Idle > 0, connect: h.o.ConnectTimeout, patience: gateway.OrDefault(h.o.QueueTime, gateway.DefaultQueueTime), board: &h.board, tally: &h.tally,
		log: h.o.ErrorLog, ended: make(chan struct{}), changed: make(chan struct{})}
	opt := child.Options{Limits: child.Limits{Memory: o.Memory, CPU: o.CPU, Processes: o.Processes, Files: o.Files},
		Slots: o.Max, Grace: o.Grace, ErrorLog: h.o.ErrorLog}
	if o.User != "" {
		u, err := child.LookupUser(o.User)
		if err != nil {
			return nil, err
		}
		opt.User = u
	}
	var err error
	if s.dir, err = newSocketDir(); err != nil {
		return nil, err
	}
	if s.spawner, err = child.New(opt); err != nil {
		os.Remove(s.dir)
		return nil, err
	}
	s.command = child.Command{Path: o.Command[0], Args: o.Command, Env: environment(o.Env), Dir: o.Dir}
	if s.command.Dir == "" {
		s.command.Dir = h.o.Root
	}
	for i := range o.Max {
		s.slots = append(s.slots, &worker{s: s, number: i})
	}
	s.trigger = time.AfterFunc(time.Hour, s.fill)
	s.trigger.Stop()
	if err := s.first(); err != nil {
		s.close()
		return nil, err
	}
	s.all.Add(1)
	go s.shrink()
	return s, nil
}

func environment(env []string) []string {
	for _, e := range env {
		if len(e) > 5 && e[:5] == "PATH=" {
			return env
		}
	}
	return append([]string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}, env...)
}

// first starts the first worker, whose failure is the caller's to hear, and
// lets fill start the others.
func (s *supervisor) first() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.start(s.slots[0]); err != nil {
		return err
	}
	s.fillLocked()
	return nil
}

// fill starts workers until Min run. It is called by the timer.
func (s *supervisor) fill() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fillLocked()
}

func (s *supervisor) fillLocked() {
	for _, w := range s.slots {
		if s.closed || s.running() >= s.o.Min {
			return
		}
		if wait := time.Until(s.until); wait > 0 {
			s.trigger.Reset(wait)
			return
		}
		if w.process == nil {
			s.start(w) // what fails here is counted, and tried again
		}
	}
}

func (s *supervisor) running() (n int) {
	for _, w := range s.slots {
		if w.process != nil && !w.leaving {
			n++
		}
	}
	return n
}

// start starts a worker; s.mu is held.
func (s *supervisor) start(w *worker) error {
	s.starts++
	err := w.start()
	if err != nil {
		s.tally.failed(err)
		s.log.Error("a worker could not be started", "command", s.o.Command[0], "error", err)
		s.backOff()
		return err
	}
	s.tell()
	return nil
}

// backOff has the next start wait; s.mu is held.
func (s *supervisor) backOff() {
	pause := maxBackoff
	if s.failures < 16 {
		pause = min(pause, s.o.Backoff<<s.failures)
	}
	s.failures++
	s.until = time.Now().Add(pause)
	if !s.closed {
		s.trigger.Reset(pause)
	}
}

// tell wakes those who wait for a worker; s.mu is held.
func (s *supervisor) tell() {
	close(s.changed)
	s.changed = make(chan struct{})
}

// exited is told that a worker is gone.
func (s *supervisor) exited(w *worker, lived time.Duration, result child.Result) {
	s.mu.Lock()
	defer s.mu.Unlock()
	w.process = nil
	if w.idle != nil {
		w.idle.nc.Close()
		w.idle = nil
	}
	if !s.closed && !w.leaving {
		s.restarts++
		s.judge(w, lived, result)
	}
	w.leaving, w.deaf, w.doubted = false, false, false
	s.tell()
	s.fillLocked()
}

// judge looks at a worker that ended by itself; s.mu is held.
func (s *supervisor) judge(w *worker, lived time.Duration, result child.Result) {
	if lived >= longLived || w.served > 0 {
		s.failures = 0
		return
	}
	s.tally.failed(fmt.Errorf("a worker ended at once: %s", result))
	s.log.Error("a worker ended at once", "pid", w.run.PID, "result", result.String(), "said", w.run.Said())
	s.backOff()
}

// take waits for a worker: one that is idle, else one that is started.
func (s *supervisor) take(ctx context.Context, fresh bool) (*conn, *gateway.Fault) {
	var late *time.Timer
	for {
		s.mu.Lock()
		w, fault := s.choose()
		changed := s.changed
		generation := 0
		if w != nil {
			w.busy, generation = true, w.generation
		}
		s.mu.Unlock()
		switch {
		case fault != nil:
			return nil, fault
		case w != nil:
			c, err := w.connection(ctx, fresh)
			if err == nil {
				return c, nil
			}
			s.tally.failed(err)
			if !s.lost(w, generation, err) {
				return nil, &gateway.Fault{Rule: dialRule(err), Err: err}
			}
			continue
		}
		if late == nil {
			late = time.NewTimer(s.patience)
			defer late.Stop()
		}
		select {
		case <-changed:
		case <-late.C:
			return nil, &gateway.Fault{Rule: rule.ScriptQueueTimeout}
		case <-ctx.Done():
			return nil, &gateway.Fault{Rule: rule.ScriptClientGone}
		}
	}
}

// lost is called when a worker could not be connected to. It reports whether
// that is because its process ends, or has closed its socket, which comes to the
// same: then it is ended, and another one may be had.
func (s *supervisor) lost(w *worker, generation int, err error) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	defer s.tell()
	w.busy = false
	if !errors.Is(err, syscall.ECONNREFUSED) && !errors.Is(err, os.ErrNotExist) {
		return false
	}
	if w.process != nil && !w.deaf && w.generation == generation {
		w.deaf = true
		if w.served == 0 {
			w.doubt()
		}
		w.process.Terminate()
	}
	return true
}

// choose returns a worker that has nothing to do, nil when one has to be waited
// for; s.mu is held. The first are chosen first, so that the last get idle.
func (s *supervisor) choose() (*worker, *gateway.Fault) {
	if s.closed {
		return nil, &gateway.Fault{Rule: rule.ScriptStopped, Err: errClosed}
	}
	var off *worker
	doubt := false
	for _, w := range s.slots {
		doubt = doubt || w.doubted
		switch {
		case w.busy || w.leaving || w.deaf || w.doubted:
		case w.process != nil:
			return w, nil
		case off == nil:
			off = w
		}
	}
	if off != nil && !doubt && !time.Now().Before(s.until) && s.start(off) == nil {
		return off, nil
	}
	for _, w := range s.slots {
		if w.process != nil { // it is busy, or on its way out
			return nil, nil
		}
	}
	return nil, &gateway.Fault{Rule: rule.WorkersNone}
}

func (s *supervisor) give(c *conn, keep bool) {
	w := c.worker
	s.mu.Lock()
	defer s.mu.Unlock()
	if keep {
		w.served++
	}
	if keep && s.keep && !s.closed && w.generation == c.generation && w.process != nil {
		w.idle = c
	} else {
		c.nc.Close()
	}
	w.busy, w.since = false, time.Now()
	if c.cut && c.untried && w.generation == c.generation && w.process != nil {
		w.doubt()
	}
	if c.hung && w.generation == c.generation && w.process != nil && !w.leaving && !s.closed {
		s.log.Warn("a worker is ended whose request was given up", "pid", c.pid)
		w.leave()
		s.fillLocked()
	}
	s.tell()
}

// stalled implements source: a worker has one connection, so none waits for it.
func (s *supervisor) stalled(bool) {}

// shrink ends workers above Min that were idle for long.
func (s *supervisor) shrink() {
	defer s.all.Done()
	tick := time.NewTicker(max(s.o.Idle/4, 10*time.Millisecond))
	defer tick.Stop()
	for {
		select {
		case <-s.ended:
			return
		case now := <-tick.C:
			s.mu.Lock()
			for i := len(s.slots) - 1; i >= 0 && s.running() > s.o.Min; i-- {
				if w := s.slots[i]; w.process != nil && !w.busy && !w.leaving && now.Sub(w.since) >= s.o.Idle {
					w.leave()
				}
			}
			s.mu.Unlock()
		}
	}
}

func (s *supervisor) state(p *PoolState) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p.Workers, p.Starts, p.Restarts = s.running(), s.starts, s.restarts
	for _, w := range s.slots {
		if w.idle != nil {
			p.Idle++
		}
		if w.idle != nil || w.busy {
			p.Open++
		}
	}
}

func (s *supervisor) close() error {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return nil
	}
	s.closed = true
	s.trigger.Stop()
	for _, w := range s.slots {
		if w.idle != nil {
			w.idle.nc.Close()
			w.idle = nil
		}
		if w.process != nil {
			w.process.Terminate()
		}
	}
	s.tell()
	s.mu.Unlock()
	close(s.ended)
	s.all.Wait()
	err := s.spawner.Close()
	os.RemoveAll(s.dir)
	return err
}
