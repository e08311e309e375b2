package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"freshet/bench/internal/process"
	"freshet/internal/control"
)

// patience bounds what has to happen elsewhere.
const patience = time.Minute

// A node is a cache of the fleet.
type node struct {
	*process.Process
	addr   string
	state  string // the folder with its socket
	client *http.Client
}

// caches is a fleet that runs; the first is the hub.
type caches struct {
	*bench
	nodes []*node
	hub   *control.Client
}

// startFleet starts the caches, and returns when all may use what they store.
// What was started is returned with an error, too.
func (b *bench) startFleet(ctx context.Context, origin string) (f *caches, err error) {
	f = &caches{bench: b}
	addr, err := process.FreeAddr()
	if err != nil {
		return f, err
	}
	hub, err := f.start(ctx, origin, "", "--fleet", addr)
	if err != nil {
		return f, err
	}
	if f.hub, err = hub.door(ctx); err != nil {
		return f, err
	}
	for i := range b.members {
		token, err := f.invite(ctx, fmt.Sprint("cache-", i+1))
		if err != nil {
			return f, err
		}
		if _, err := f.start(ctx, origin, token); err != nil {
			return f, err
		}
	}
	return f, f.ready(ctx)
}

// invite makes the token of a member.
func (f *caches) invite(ctx context.Context, name string) (string, error) {
	cmd := exec.CommandContext(ctx, f.binary, "worker", "invite", "--data", f.nodes[0].state, name)
	out, err := cmd.Output()
	if fault := (*exec.ExitError)(nil); errors.As(err, &fault) {
		return "", fmt.Errorf("invite %s: %w: %s", name, err, fault.Stderr)
	}
	return strings.TrimSpace(string(out)), err
}

// start starts one cache.
func (f *caches) start(ctx context.Context, origin, token string, args ...string) (*node, error) {
	dir, err := os.MkdirTemp(f.dir, "cache-")
	if err != nil {
		return nil, err
	}
	n := &node{state: filepath.Join(dir, "freshet"), client: &http.Client{Timeout: patience, Transport: &http.Transport{MaxIdleConnsPerHost: fillers, DisableCompression: true}}}
	if n.addr, err = process.FreeAddr(); err != nil {
		return nil, err
	}
	memory := strconv.Itoa(64 + (f.objects>>10)*(f.size+4<<10)>>10) // 4 KiB for each beside its body: none is evicted
	args = append([]string{f.binary, "proxy", "--to", origin, "--listen", n.addr, "--monitor", "off", "--access-log", "off", "--profile", "standard",
		"--memory", memory + "MiB", "--max-requests-per-connection", "off"}, args...)
	if f.disk {
		n.state = filepath.Join(dir, "data")
		args = append(args, "--data", n.state)
	}
	env := []string{"HOME=" + dir, "XDG_STATE_HOME=" + dir, "FRESHET_JOIN=" + token}
	if n.Process, err = process.Serve(ctx, n.addr, process.Options{CPU: -1, Dir: dir, Args: args, Env: env}); err != nil {
		return nil, err
	}
	f.nodes = append(f.nodes, n)
	return n, nil
}

// door returns who speaks to the server, once it can be spoken to.
func (n *node) door(ctx context.Context) (c *control.Client, err error) {
	err = wait(ctx, func() (bool, error) {
		c, err = control.Find(n.state, "")
		return err == nil, err
	})
	return c, err
}

// ready returns when a purge is one of all the caches, and none is away.
func (f *caches) ready(ctx context.Context) error {
	return wait(ctx, func() (bool, error) {
		a, err := f.hub.Purge(ctx, control.Request{Tags: []string{"ready"}})
		if err != nil {
			return false, err
		}
		r := a.Receipt
		return len(r.Nodes) == len(f.nodes) && len(r.Missing()) == 0, fmt.Errorf("not all caches have joined: %+v; the last one said: %s", r.Nodes, f.nodes[len(f.nodes)-1].Output())
	})
}

// wait asks until it is so. When that takes too long the last error is why.
func wait(ctx context.Context, is func() (bool, error)) error {
	again := time.NewTicker(20 * time.Millisecond)
	defer again.Stop()
	for end := time.Now().Add(patience); ; {
		done, err := is()
		if done {
			return nil
		}
		select {
		case <-again.C:
		case <-ctx.Done():
			return ctx.Err()
		}
		if time.Now().After(end) {
			return err
		}
	}
}

// stop ends the caches, the hub last.
func (f *caches) stop() {
	for i := len(f.nodes) - 1; i >= 0; i-- {
		f.nodes[i].client.CloseIdleConnections()
		f.nodes[i].Stop(10 * time.Second)
	}
}
