package main

import (
	"context"
	"os"
	"strconv"
	"time"

	"freshet/bench/internal/process"
)

// cache is a cache that runs in front of the origin.
type cache struct {
	addr      string
	memory    func() (int64, error) // resident bytes
	resetPeak func() error
	peak      func() (int64, error) // the most resident bytes since resetPeak
	stop      func()
}

// storeMemory bounds what the cache keeps in memory itself, so that what grows
// with the number of objects is its knowledge of the disk.
const storeMemory = "16MiB"

// freshet returns a function that starts the program as a cache.
func (c *capacity) freshet(binary string) func(context.Context, string) (*cache, error) {
	return func(ctx context.Context, data string) (*cache, error) {
		addr, err := process.FreeAddr()
		if err != nil {
			return nil, err
		}
		dir, err := os.MkdirTemp(c.dir, "cache-")
		if err != nil {
			return nil, err
		}
		room := strconv.Itoa(c.clients + 100)
		args := []string{binary, "proxy", "--to", "http://" + c.origin.Addr(), "--listen", addr, "--access-log", "off",
			"--profile", "standard", "--memory", storeMemory, "--max-connections", room, "--max-connections-per-client", room,
			"--max-requests-per-connection", "off"}
		if data != "" {
			args = append(args, "--data", data)
		}
		p, err := process.Serve(ctx, addr, process.Options{CPU: -1, Dir: dir, Args: args})
		if err != nil {
			return nil, err
		}
		return &cache{
			addr: addr,
			memory: func() (int64, error) {
				m, err := process.ReadMemory(p.PID())
				return m.RSS, err
			},
			resetPeak: func() error { return process.ResetPeak(p.PID()) },
			peak:      func() (int64, error) { return process.ReadPeak(p.PID()) },
			stop:      func() { p.Stop(30 * time.Second) },
		}, nil
	}
}

// settled reads the memory of a cache once it has come to rest.
func (c *capacity) settled(ctx context.Context, p *cache) (int64, error) {
	select {
	case <-time.After(c.settle):
	case <-ctx.Done():
		return 0, ctx.Err()
	}
	return p.memory()
}
