package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"freshet/jobs"
)

// figure is one thing that is measured.
type figure struct {
	name, unit string
	digits     int
	measure    func(ctx context.Context, b *bench, s *jobs.Scheduler) (float64, error)
}

var figures = []figure{
	{"disk: append and fdatasync", "1/s", 0, disk},
	{"submit one by one", "jobs/s", 0, submitting(1, 1)},
	{"submit one by one, 32 at the same time", "jobs/s", 0, submitting(32, 1)},
	{"submit in batches of 100", "jobs/s", 0, submitting(1, 100)},
	{"claim and finish, one worker", "tasks/s", 0, working(1)},
	{"claim and finish, 32 workers", "tasks/s", 0, working(32)},
	{"from a submit to the claim that waits, median", "ms", 2, starting(0.5)},
	{"from a submit to the claim that waits, 99 %", "ms", 2, starting(0.99)},
}

// figure measures with a queue of its own.
func (b *bench) figure(ctx context.Context, f *figure) (v float64, err error) {
	dir, err := os.MkdirTemp(b.dir, "")
	if err != nil {
		return 0, err
	}
	log, err := jobs.OpenSealedFileLog(filepath.Join(dir, "queue"), b.ring)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, log.Close(), os.RemoveAll(dir)) }()
	s, err := jobs.New(ctx, log, jobs.Options{})
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, s.Close(ctx)) }()
	return f.measure(ctx, b, s)
}

// spec is like what a site's warming is made of.
func spec(i int64) jobs.Spec {
	return jobs.Spec{Name: fmt.Sprint("warm page ", i), Owner: "ann", Command: []string{"warm", fmt.Sprint("https://example.org/", i)}}
}

// disk is what there is to be had of the disk.
func disk(_ context.Context, b *bench, _ *jobs.Scheduler) (float64, error) {
	f, err := os.CreateTemp(b.dir, "")
	if err != nil {
		return 0, err
	}
	defer f.Close()
	data := make([]byte, 128)
	n, begun := 0, time.Now()
	for ; time.Since(begun) < b.each; n++ {
		if _, err := f.Write(data); err != nil {
			return 0, err
		}
		if err := unix.Fdatasync(int(f.Fd())); err != nil {
			return 0, err
		}
	}
	return float64(n) / time.Since(begun).Seconds(), nil
}

// manyDo runs do in so many goroutines until the time is over, and returns the
// sum of what they did, by the second.
func (b *bench) manyDo(clients int, do func() (int, error)) (float64, error) {
	var total atomic.Int64
	var wg sync.WaitGroup
	errs := make([]error, clients)
	begun := time.Now()
	for i := range clients {
		wg.Go(func() {
			for time.Since(begun) < b.each && errs[i] == nil {
				n, err := do()
				total.Add(int64(n))
				errs[i] = err
			}
		})
	}
	wg.Wait()
	return float64(total.Load()) / time.Since(begun).Seconds(), errors.Join(errs...)
}

func submitting(clients, batch int) func(context.Context, *bench, *jobs.Scheduler) (float64, error) {
	return func(ctx context.Context, b *bench, s *jobs.Scheduler) (float64, error) {
		var n atomic.Int64
		return b.manyDo(clients, func() (int, error) {
			specs := make([]jobs.Spec, batch)
			for i := range specs {
				specs[i] = spec(n.Add(1))
			}
			_, err := s.Submit(ctx, specs...)
			return batch, err
		})
	}
}

func working(workers int) func(context.Context, *bench, *jobs.Scheduler) (float64, error) {
	return func(ctx context.Context, b *bench, s *jobs.Scheduler) (float64, error) {
		all := spec(0)
		all.Array = jobs.Range(1, 1_000_000)
		if _, err := s.Submit(ctx, all); err != nil {
			return 0, err
		}
		return b.manyDo(workers, func() (int, error) {
			task, err := s.Claim(ctx, jobs.Worker{Node: "bench"})
			if err != nil {
				return 0, err
			}
			return 1, s.Finish(ctx, task.Lease, jobs.Result{})
		})
	}
}

// starting measures from the moment of a Submit to that at which the Claim that
// waits has the task.
func starting(q float64) func(context.Context, *bench, *jobs.Scheduler) (float64, error) {
	return func(ctx context.Context, b *bench, s *jobs.Scheduler) (float64, error) {
		var took []time.Duration
		for begun := time.Now(); time.Since(begun) < b.each; {
			got := make(chan error, 1)
			var at time.Time
			var task *jobs.Task
			go func() {
				var err error
				task, err = s.Claim(ctx, jobs.Worker{Node: "bench"})
				at = time.Now()
				got <- err
			}()
			for waiting := false; !waiting; {
				workers, err := s.Workers(ctx)
				if err != nil {
					return 0, err
				}
				waiting = len(workers) == 1 && workers[0].Waiting == 1
			}
			submitted := time.Now()
			if _, err := s.Submit(ctx, spec(1)); err != nil {
				return 0, err
			}
			if err := <-got; err != nil {
				return 0, err
			}
			took = append(took, at.Sub(submitted))
			if err := s.Finish(ctx, task.Lease, jobs.Result{}); err != nil {
				return 0, err
			}
		}
		return quantile(took, q), nil
	}
}
