package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"freshet/jobs"
)

// size measures what many jobs cost that wait.
func (b *bench) size(ctx context.Context, w io.Writer) (err error) {
	dir := filepath.Join(b.dir, "many")
	log, err := jobs.OpenSealedFileLog(dir, b.ring)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, log.Close()) }()
	options := jobs.Options{MaxJobs: b.many + 10}
	before := inUse()
	s, err := jobs.New(ctx, log, options)
	if err != nil {
		return err
	}
	begun := time.Now()
	for n := 0; n < b.many; n += 1000 {
		specs := make([]jobs.Spec, 0, 1000)
		for i := n; i < min(n+1000, b.many); i++ {
			specs = append(specs, spec(int64(i)))
		}
		if _, err := s.Submit(ctx, specs...); err != nil {
			return err
		}
	}
	submitted := time.Since(begun)
	array := spec(0)
	array.Array = jobs.Range(1, jobs.MaxTasks)
	if _, err := s.Submit(ctx, array); err != nil {
		return err
	}
	fmt.Fprintf(w, "Size: %d queued jobs of one task, and one of %d tasks\n\n", b.many, jobs.MaxTasks)
	line := func(what, form string, v float64) { fmt.Fprintf(w, "%-52s "+form+"\n", what, v) }
	line("submitted in batches of 1000", "%10.2f s", submitted.Seconds())
	line("memory", "%10.1f MB", float64(inUse()-before)/1e6)
	if err := lists(ctx, s, line); err != nil {
		return err
	}
	begun = time.Now()
	if err := s.Close(ctx); err != nil {
		return err
	}
	line("close: the pages that are not written yet", "%10.2f s", time.Since(begun).Seconds())
	line("pages and log on disk", "%10.1f MB", float64(onDisk(dir)+onDisk(dir+".sealed"))/1e6)
	begun = time.Now()
	if s, err = jobs.New(ctx, log, options); err != nil {
		return err
	}
	line("start: pages", "%10.2f s", time.Since(begun).Seconds())
	page, err := s.Jobs(ctx, jobs.Filter{N: 1})
	if err != nil {
		return err
	}
	if page.Total != b.many+1 {
		return fmt.Errorf("%d jobs are there after the start, not %d", page.Total, b.many+1)
	}
	return s.Close(ctx)
}

// lists measures what a page of the monitor asks for: the slowest of some.
func lists(ctx context.Context, s *jobs.Scheduler, line func(what, form string, v float64)) error {
	page, err := s.Jobs(ctx, jobs.Filter{Oldest: true, N: 1})
	if err != nil {
		return err
	}
	last, err := s.Jobs(ctx, jobs.Filter{N: 1})
	if err != nil {
		return err
	}
	for _, f := range []struct {
		what string
		ask  func() error
	}{
		{"100 jobs, the latest", func() error { _, err := s.Jobs(ctx, jobs.Filter{}); return err }},
		{"100 jobs in the middle", func() error {
			_, err := s.Jobs(ctx, jobs.Filter{After: page.Jobs[0].ID, Oldest: true})
			return err
		}},
		{"jobs in a state that none is in", func() error {
			_, err := s.Jobs(ctx, jobs.Filter{States: []jobs.State{jobs.Failed}})
			return err
		}},
		{"jobs by a part of the name that few have", func() error { _, err := s.Jobs(ctx, jobs.Filter{Name: "page 77777"}); return err }},
		{"100 tasks near the end of the array", func() error {
			_, err := s.Tasks(ctx, last.Jobs[0].ID, jobs.TaskFilter{From: jobs.MaxTasks - 200})
			return err
		}},
	} {
		slowest := time.Duration(0)
		for range 5 {
			begun := time.Now()
			if err := f.ask(); err != nil {
				return err
			}
			slowest = max(slowest, time.Since(begun))
		}
		line(f.what+", slowest of 5", "%10.2f ms", float64(slowest)/1e6)
	}
	return nil
}

func inUse() int64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

func onDisk(dir string) (n int64) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return 0
	}
	for _, e := range entries {
		if info, err := e.Info(); err == nil {
			n += info.Size()
		}
	}
	return n
}
