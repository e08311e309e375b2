package main

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"freshet/bench/internal/process"
)

// cacheServers are caches in front of one origin, and the yardstick: a file
// that is served without a proxy between.
var cacheServers = []server{
	proxy("proxy", needHit|needMiss),
	proxy("proxy-disk", needDisk|needMiss),
	static("static", needHit|needDisk),
}

// proxy is our cache, in memory alone or with a folder, in the profile that
// like those of the others stores all that RFC 9111 allows.
func proxy(name string, can need) server {
	return server{
		name: name, ours: true, can: can, env: oneProc,
		args: func(s *setup) ([]string, error) {
			args := append([]string{filepath.Join(s.programs, "freshet"), "proxy",
				"--to", "http://" + s.origin, "--listen", s.addr, "--access-log", "off", "--profile", "standard"}, s.limits()...)
			if can&needDisk == 0 {
				return append(args, "--memory", "4GiB"), nil
			}
			args = append(args, "--data", filepath.Join(s.dir, "cache"))
			if s.needs&needDisk != 0 {
				args = append(args, "--memory", "1MiB") // a body may take a sixteenth of it
			}
			return args, nil
		},
	}
}

// static serves the files that the origin has, from memory and by sendfile.
func static(name string, can need) server {
	return server{
		name: name, can: can, env: oneProc,
		args: func(s *setup) ([]string, error) {
			args := append([]string{filepath.Join(s.programs, "freshet"), "serve", "--listen", s.addr, "--access-log", "off"}, s.limits()...)
			return append(args, s.root), nil
		},
	}
}

// limits are the flags of ours that let a benchmark have its connections.
func (s *setup) limits() []string {
	room := strconv.Itoa(s.conns + 1000)
	return []string{"--max-connections", room, "--max-connections-per-client", room,
		"--max-requests-per-connection", "off", "--idle-timeout", idleFor.String()}
}

// originServer is what the caches ask. It shares the core of the load
// generator, so that it takes no time from the cache that is measured.
type originServer struct {
	process *process.Process
	addr    string
}

func (b *bench) startOrigin(ctx context.Context) (*originServer, error) {
	dir, err := os.MkdirTemp(b.dir, "origin-")
	if err != nil {
		return nil, err
	}
	o := &originServer{}
	if o.addr, err = process.FreeAddr(); err != nil {
		return nil, err
	}
	o.process, err = process.Serve(ctx, o.addr, process.Options{
		Args: []string{filepath.Join(b.programs, "origin"), "-listen", o.addr, "-root", b.root},
		Env:  oneProc, CPU: b.loadCPU, Dir: dir,
	})
	if err != nil {
		return nil, err
	}
	return o, nil
}

func (o *originServer) stop() { o.process.Stop(time.Second) }

// requests asks an origin how many requests it had. Without one there were
// none.
func (b *bench) requests(ctx context.Context) (int64, error) {
	if b.origin == "" {
		return 0, nil
	}
	c, err := newClient(b.cert)
	if err != nil {
		return 0, err
	}
	defer c.CloseIdleConnections()
	a, err := c.get(ctx, "http://"+b.origin+"/requests", nil)
	if err != nil {
		return 0, fmt.Errorf("ask the origin: %w", err)
	}
	return strconv.ParseInt(strings.TrimSpace(string(a.body)), 10, 64)
}

// verifyStored asks for the path of sc until that needs no request to the
// origin: what is stored aside may take a moment.
func (b *bench) verifyStored(ctx context.Context, c *client, url string) error {
	giveUp := time.Now().Add(cmp.Or(b.patience, 10*time.Second))
	for {
		before, err := b.requests(ctx)
		if err != nil {
			return err
		}
		if _, err := c.get(ctx, url, nil); err != nil {
			return err
		}
		after, err := b.requests(ctx)
		switch {
		case err != nil:
			return err
		case after == before:
			return nil
		case time.Now().After(giveUp):
			return fmt.Errorf("%s is not stored: each request reaches the origin", url)
		}
		select {
		case <-time.After(20 * time.Millisecond):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// restingCPU reads the processor time of a server once it has come to rest: what
// it writes to disk after it has answered is part of what a request costs, and
// must not disturb the next server's turn. It waits at most twenty seconds.
func restingCPU(pid int) (process.CPU, error) {
	const pause, idle = 100 * time.Millisecond, 2 * time.Millisecond
	before, err := process.ReadCPU(pid)
	for quiet, n := 0, 0; err == nil && quiet < 3 && n < 200; n++ {
		time.Sleep(pause)
		var now process.CPU
		now, err = process.ReadCPU(pid)
		if quiet++; now.Since(before) >= idle {
			quiet = 0
		}
		before = now
	}
	return before, err
}

// checkOrigin compares what reached the origin during a run with what should:
// nothing when answers are stored, each request when each is for something new.
// In a quick run most of the many are not stored beforehand.
func (b *bench) checkOrigin(sc *scenario, requests, reached int64) error {
	switch {
	case sc.many && b.quick:
	case sc.needs&(needHit|needDisk) != 0 && reached != 0:
		return fmt.Errorf("%d requests reached the origin, want none of %d", reached, requests)
	case sc.needs&needMiss != 0 && reached < requests:
		return fmt.Errorf("%d requests reached the origin, want all of %d", reached, requests)
	}
	return nil
}
