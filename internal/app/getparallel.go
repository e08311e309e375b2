package app

import (
	"context"
	"errors"
	"io"
	"sync"
)

// URLs are fetched one after the other, or with --parallel many at once. What they
// share is made before; each fetch is prepared before the next one begins, so that
// names of files and standard input are given out in order.

// inTurn fetches URLs one after the other. The exit status is that of the last.
func (g *getting) inTurn(ctx context.Context) int {
	status := exitOK
	for i, raw := range g.conf.URLs {
		f, err := g.prepare(i, raw)
		if err == nil {
			err = f.run(ctx)
		}
		if err == nil {
			status = exitOK
			continue
		}
		if status = g.failed(err); g.conf.FailEarly || ctx.Err() != nil {
			break
		}
	}
	return status
}

// errEnough is why fetches end when another one has failed.
var errEnough = errors.New("another one has failed, and --fail-early was given")

// together fetches URLs at once. What goes to standard output goes there one body
// after the other. The exit status is that of the first in their order that failed.
func (g *getting) together(ctx context.Context) int {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var (
		running  sync.WaitGroup
		room     = make(chan struct{}, g.conf.AtOnceMax)
		statuses = make([]int, len(g.conf.URLs))
		before   chan struct{} // closed when the latest fetch to standard output is done
	)
	end := func(i int, err error) {
		if err == nil || errors.Is(err, errEnough) {
			return
		}
		statuses[i] = g.failed(err)
		if g.conf.FailEarly {
			cancel(errEnough)
		}
	}
	for i, raw := range g.conf.URLs {
		select {
		case room <- struct{}{}:
		case <-ctx.Done():
		}
		if ctx.Err() != nil {
			break
		}
		f, err := g.prepare(i, raw)
		if err != nil {
			end(i, err)
			<-room
			continue
		}
		done := func() {}
		if f.out.name == "" {
			f.out.before = before
			mine := make(chan struct{})
			before, done = mine, func() {
				f.out.wait() // one that wrote nothing has not waited
				close(mine)
			}
		}
		running.Go(func() {
			end(i, f.run(ctx))
			done()
			<-room
		})
	}
	running.Wait()
	for _, status := range statuses {
		if status != exitOK {
			return status
		}
	}
	return exitOK
}

// wait waits until it is this one's turn to write to standard output: those before
// it run already, and end by themselves.
func (o *getOutput) wait() {
	if o.before != nil {
		<-o.before
		o.before = nil
	}
}

// shared returns an environment in which many may write at once.
func (e *Env) shared() *Env {
	var mu sync.Mutex
	out := *e
	out.Screen, out.Columns = e.screen(), e.stderrWidth
	out.Stdout, out.Stderr = &sharedWriter{mu: &mu, w: e.Stdout}, &sharedWriter{mu: &mu, w: e.Stderr}
	return &out
}

// sharedWriter writes one piece at a time.
type sharedWriter struct {
	mu *sync.Mutex // guards w, and others that may be the same
	w  io.Writer
}

func (s *sharedWriter) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.w.Write(p)
}
