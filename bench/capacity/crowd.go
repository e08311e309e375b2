package main

import (
	"context"
	"fmt"
	"time"

	"freshet/bench/internal/origin"
)

// runCrowd lets all clients ask at once for something that is not stored: for
// what may be stored, which the origin is asked for once, and for what may not,
// for which nobody is to wait for others.
func (c *capacity) runCrowd(ctx context.Context) error {
	p, err := c.start(ctx, "")
	if err != nil {
		return err
	}
	defer p.stop()
	asked, took, err := c.crowd(ctx, p, "/held/crowd")
	if err != nil {
		return err
	}
	fmt.Fprintf(c.w, "crowd: %d clients for one thing: %d requests to the origin, all answered %v after it\n", c.clients, asked, took.Round(time.Millisecond))
	if asked != 1 {
		return fmt.Errorf("%d requests reached the origin, want 1", asked)
	}
	if asked, took, err = c.crowd(ctx, p, "/private/crowd"); err != nil {
		return err
	}
	fmt.Fprintf(c.w, "crowd: %d clients for one thing that may not be stored: %d requests to the origin, all answered in %v\n", c.clients, asked, took.Round(time.Millisecond))
	if asked != int64(c.clients) {
		return fmt.Errorf("%d requests reached the origin, want one for each of %d clients", asked, c.clients)
	}
	return nil
}

// crowd connects the clients, sends all requests, lets the origin answer what
// it held back, and reads the answers. It returns how many requests reached the
// origin, and how long the answers took from when it let them go.
func (c *capacity) crowd(ctx context.Context, p *cache, path string) (asked int64, took time.Duration, err error) {
	clients := make([]*client, 0, c.clients)
	defer func() {
		for _, k := range clients {
			k.close()
		}
	}()
	for range c.clients {
		k, err := dial(p.addr)
		if err != nil {
			return 0, 0, err
		}
		clients = append(clients, k)
	}
	before, began := c.origin.Requests(), time.Now()
	for i, k := range clients {
		if err := k.send(path); err != nil {
			return 0, 0, fmt.Errorf("client %d: %w", i+1, err)
		}
	}
	if path == "/held/crowd" {
		// The cache gets time to read them all while there is no answer yet.
		select {
		case <-time.After(c.settle / 4):
		case <-ctx.Done():
			return 0, 0, ctx.Err()
		}
		c.origin.Release()
		began = time.Now()
	}
	for i, k := range clients {
		if err := k.receive(origin.MissBody); err != nil {
			return 0, 0, fmt.Errorf("client %d: %w", i+1, err)
		}
	}
	return c.origin.Requests() - before, time.Since(began), nil
}
