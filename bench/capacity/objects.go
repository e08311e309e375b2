package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"freshet/bench/internal/origin"
)

const (
	fillers = 32   // clients that fill the cache at once
	probes  = 2000 // objects that are asked for after a restart
)

// runObjects fills a cache, restarts it, and looks what is there.
func (c *capacity) runObjects(ctx context.Context) error {
	data := filepath.Join(c.dir, "data")
	p, err := c.start(ctx, data)
	if err != nil {
		return err
	}
	before, after, err := c.fillFrom(ctx, p)
	p.stop() // what is to be written is written then
	if err != nil {
		return err
	}
	index := (after - before) / int64(c.objects)
	fmt.Fprintf(c.w, "objects: memory %.1f MiB before, %.1f after: %d bytes for each object\n", mebi(before), mebi(after), index)
	began := time.Now()
	if p, err = c.start(ctx, data); err != nil {
		return err
	}
	kept, first, err := c.probe(p, began)
	var restarted int64
	if err == nil {
		restarted, err = c.settled(ctx, p)
	}
	p.stop()
	if err != nil {
		return err
	}
	again := (restarted - before) / int64(c.objects)
	fmt.Fprintf(c.w, "objects: first hit %v after the start of the program; %.2f %% of %d objects are there\n", first.Round(time.Millisecond), 100*kept, probes)
	fmt.Fprintf(c.w, "objects: memory %.1f MiB after the restart: %d bytes for each object\n", mebi(restarted), again)
	entries, held, err := c.measureIndex(ctx, data)
	if err != nil {
		return err
	}
	fmt.Fprintf(c.w, "objects: the index of the disk knows %d, and holds %.1f bytes for each\n", entries, held)
	return c.judgeObjects(index, again, first, kept)
}

func (c *capacity) judgeObjects(index, again int64, first time.Duration, kept float64) error {
	switch {
	case c.objects >= judgedFrom && max(index, again) >= mostIndex:
		return fmt.Errorf("%d bytes for each object, want less than %d", max(index, again), mostIndex)
	case first >= mostRestart:
		return fmt.Errorf("first hit after %v, want less than %v", first, mostRestart)
	case kept < leastKept:
		return fmt.Errorf("only %.2f %% of the objects are there after a restart", 100*kept)
	}
	return nil
}

// fillFrom asks for every object once and returns the memory before and after.
// What the cache makes once, for its first clients, is in both.
func (c *capacity) fillFrom(ctx context.Context, p *cache) (before, after int64, err error) {
	if err := c.fill(ctx, p, -fillers*8, 0); err != nil {
		return 0, 0, err
	}
	if before, err = c.settled(ctx, p); err != nil {
		return 0, 0, err
	}
	asked, began := c.origin.Requests(), time.Now()
	if err := c.fill(ctx, p, 0, c.objects); err != nil {
		return 0, 0, err
	}
	took := time.Since(began)
	if n := c.origin.Requests() - asked; n != int64(c.objects) {
		return 0, 0, fmt.Errorf("%d requests reached the origin for %d objects", n, c.objects)
	}
	fmt.Fprintf(c.w, "objects: %d of %d bytes in %v, %.0f each second\n", c.objects, origin.ObjectSize, took.Round(time.Millisecond), float64(c.objects)/took.Seconds())
	after, err = c.settled(ctx, p)
	return before, after, err
}

// fill asks for the objects from first up to end; those before object 0 have
// names of their own.
func (c *capacity) fill(ctx context.Context, p *cache, first, end int) error {
	var next atomic.Int64
	next.Store(int64(first))
	errs := make(chan error, fillers)
	var all sync.WaitGroup
	for range fillers {
		all.Go(func() {
			k, err := dial(p.addr)
			if err != nil {
				errs <- err
				return
			}
			defer k.close()
			for ctx.Err() == nil {
				n := next.Add(1) - 1
				if n >= int64(end) {
					return
				}
				if n < 0 {
					err = k.get("/miss/"+strconv.FormatInt(-n, 10), origin.MissBody)
				} else {
					err = k.get("/object/"+strconv.FormatInt(n, 10), origin.ObjectBody(n))
				}
				if err != nil {
					errs <- err
					return
				}
			}
		})
	}
	all.Wait()
	select {
	case err := <-errs:
		return err
	default:
		return ctx.Err()
	}
}

// probe asks for objects at random, and returns which share of them needed no
// request to the origin, and how long after began the first was there.
func (c *capacity) probe(p *cache, began time.Time) (kept float64, first time.Duration, err error) {
	k, err := dial(p.addr)
	if err != nil {
		return 0, 0, err
	}
	defer k.close()
	hits := 0
	for range probes {
		n := rand.Int64N(int64(c.objects))
		asked := c.origin.Requests()
		if err := k.get("/object/"+strconv.FormatInt(n, 10), origin.ObjectBody(n)); err != nil {
			return 0, 0, err
		}
		if c.origin.Requests() != asked {
			continue
		}
		if hits++; hits == 1 {
			first = time.Since(began)
		}
	}
	if hits == 0 {
		return 0, 0, fmt.Errorf("none of %d objects is there after a restart", probes)
	}
	return float64(hits) / probes, first, nil
}
