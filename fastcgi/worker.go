package fastcgi

import (
	"context"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"freshet/internal/child"
	"freshet/internal/gateway"
)

// worker is a place for a process of the backend, and that process while it
// runs. Its fields are guarded by supervisor.mu, but for what who has it busy
// may use.
type worker struct {
	s          *supervisor
	number     int
	generation int // of its process: each has a socket of its own

	process *child.Process // nil when none runs
	leaving bool           // it is being ended
	deaf    bool           // nothing hears at its socket: it ends, or is made to
	doubted bool           // it cut off its first request: whether it lives is about to be known
	busy    bool           // an exchange has it
	idle    *conn          // kept for the next exchange
	since   time.Time      // when it became idle
	served  int64
	run     *gateway.Run
	path    string // of its socket
}

// start starts its process; supervisor.mu is held. The process is the only one
// that keeps the listening socket: what waits there fails when it ends.
func (w *worker) start() error {
	w.generation++
	w.path = filepath.Join(w.s.dir, strconv.Itoa(w.number)+"-"+strconv.Itoa(w.generation))
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: w.path, Net: "unix"})
	if err != nil {
		return err
	}
	l.SetUnlinkOnClose(false)
	defer l.Close()
	listener, err := l.File()
	if err != nil {
		return err
	}
	defer listener.Close()
	said, stderr, err := os.Pipe()
	if err != nil {
		return err
	}
	defer stderr.Close()
	c := w.s.command
	c.Files = []*os.File{listener, stderr, stderr}
	p, err := w.s.spawner.Start(&c)
	if err != nil {
		said.Close()
		os.Remove(w.path)
		return err
	}
	w.process, w.leaving, w.served, w.since = p, false, 0, time.Now()
	w.run = &gateway.Run{Kind: "worker", Script: c.Path, PID: p.Pid(), Started: w.since, Stop: p.Terminate}
	w.run.Usage = func() (time.Duration, int64) { return p.Usage() }
	w.s.board.Add(w.run)
	w.s.all.Add(1)
	go w.look(p, w.run, w.path, said)
	return nil
}

// look sees a process to its end.
func (w *worker) look(p *child.Process, run *gateway.Run, path string, said *os.File) {
	defer w.s.all.Done()
	heard := make(chan struct{})
	go func() {
		defer close(heard)
		stderr := gateway.NewStderr(w.s.log.With("worker", run.PID), run)
		buf := make([]byte, 4<<10)
		for {
			n, err := said.Read(buf)
			stderr.Write(buf[:n])
			if err != nil {
				stderr.Close()
				return
			}
		}
	}()
	result := p.Wait()
	said.SetReadDeadline(time.Now().Add(watchAfter)) // what escaped its group may hold the other end
	<-heard
	said.Close()
	os.Remove(path)
	w.s.board.Remove(run)
	w.s.exited(w, time.Since(run.Started), result)
}

// doubt leaves a worker alone that failed before it served anybody, until it is
// gone, or has shown that it is not on its way out; supervisor.mu is held.
// Without it one request would meet several workers that end at once, and be
// told of a broken connection where the fault is that none can run.
func (w *worker) doubt() {
	w.doubted = true
	generation := w.generation
	time.AfterFunc(doubtFor, func() {
		w.s.mu.Lock()
		defer w.s.mu.Unlock()
		if w.generation == generation && w.doubted {
			w.doubted = false
			w.s.tell()
		}
	})
}

// leave ends the process for good; supervisor.mu is held.
func (w *worker) leave() {
	w.leaving = true
	if w.idle != nil {
		w.idle.nc.Close()
		w.idle = nil
	}
	w.process.Terminate()
}

// connection returns the one that was kept, or makes one; the caller has the
// worker busy.
func (w *worker) connection(ctx context.Context, fresh bool) (*conn, error) {
	s := w.s
	s.mu.Lock()
	c, path, generation, pid, untried := w.idle, w.path, w.generation, w.run.PID, w.served == 0
	w.idle = nil
	s.mu.Unlock()
	if c != nil {
		if !fresh && c.alive() {
			s.tally.reused.Add(1)
			return c, nil
		}
		if !fresh {
			s.tally.stale.Add(1)
		}
		c.nc.Close()
	}
	s.tally.dials.Add(1)
	nc, err := dial(ctx, "unix", path, s.connect)
	if err != nil {
		return nil, err
	}
	c = newConn(nc)
	c.worker, c.generation, c.pid, c.untried = w, generation, pid, untried
	return c, nil
}
