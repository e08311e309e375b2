//go:build linux

package faults

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"freshet/internal/bus"
	"freshet/internal/wiretest"
)

// newCluster starts three NATS servers that keep everything three times, and sync
// each write.
func newCluster(t *testing.T) (servers []*node, url string) {
	t.Helper()
	var routes, urls, here []string
	for range 3 {
		here = append(here, wiretest.Reserve(t))
		routes = append(routes, "nats://"+wiretest.Reserve(t))
		urls = append(urls, "nats://"+here[len(here)-1])
	}
	dir := t.TempDir()
	for i := range here {
		file := filepath.Join(dir, fmt.Sprintf("server-%d.conf", i))
		if err := os.WriteFile(file, fmt.Appendf(nil, `
server_name: server-%d
listen: %q
jetstream { store_dir: %q, max_file_store: 4GB, max_memory_store: 64MB, sync_interval: always }
cluster { name: cluster, listen: %q, routes: [%s] }
`, i, here[i], filepath.Join(dir, fmt.Sprint("store-", i)), strings.TrimPrefix(routes[i], "nats://"), `"`+strings.Join(routes, `", "`)+`"`), 0o600); err != nil {
			t.Fatal(err)
		}
		s := &node{name: fmt.Sprint("server ", i), pkg: nats, args: []string{"--config", file}, ready: regexp.MustCompile(`Server is ready`)}
		begin(t, s)
		servers = append(servers, s)
	}
	return servers, strings.Join(urls, ",")
}

// TestCluster: what was acknowledged to a node of three NATS servers is there, in
// order and once, while these are killed one after the other.
func TestCluster(t *testing.T) {
	long(t, "it takes some ten seconds")
	t.Parallel()
	random := rand.New(rand.NewPCG(wiretest.Seed(t), 0))
	servers, url := newCluster(t)
	ctx, cancel := context.WithTimeout(t.Context(), roundWithin)
	defer cancel()
	c, err := bus.Connect(ctx, bus.ConnectOptions{URL: url, Name: "writer", Replicas: 3})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	var l *bus.Log
	for l == nil { // nobody answers while they do not lead
		once, cancel := context.WithTimeout(ctx, time.Second)
		opened, err := c.Log(once, "entries", bus.LogOptions{})
		cancel()
		if err == nil {
			l = opened
		} else if ctx.Err() != nil {
			t.Fatal(err)
		}
	}
	last := uint64(0)
	entry := func(n uint64) string { return fmt.Sprint("entry ", n) }
	write := func(n int) {
		for end := last + uint64(n); last < end; {
			once, cancel := context.WithTimeout(ctx, time.Second)
			at, err := l.Append(once, last, []byte(entry(last+1)))
			cancel()
			switch {
			case err == nil && at == last+1:
				last++
			case err == nil || errors.Is(err, bus.ErrFenced) || ctx.Err() != nil:
				t.Fatalf("entry %d is %d: %v", last+1, at, err)
			}
		}
	}
	for round := range *rounds * len(servers) {
		s := servers[round%len(servers)]
		write(10 + random.IntN(20))
		if err := s.end(syscall.SIGKILL); err == nil {
			t.Errorf("%s has ended before", s.name)
		}
		write(10 + random.IntN(20))
		if _, err := s.start(); err != nil {
			t.Fatal(err)
		}
	}
	wrong := errors.New("not what was written")
	for {
		next := uint64(1)
		err := l.Read(ctx, 0, func(n uint64, text []byte) error {
			if n != next || string(text) != entry(n) {
				return fmt.Errorf("entry %d, want %d: %.40q: %w", n, next, text, wrong)
			}
			next++
			return nil
		})
		if err == nil && next == last+1 {
			break
		}
		if err == nil || errors.Is(err, wrong) || ctx.Err() != nil {
			t.Fatalf("%d entries of %d: %v", next-1, last, err)
		}
		time.Sleep(50 * time.Millisecond) // there is no leader for a moment
	}
	t.Logf("%d entries, %d kills", last, *rounds*len(servers))
}
