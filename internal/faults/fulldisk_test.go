//go:build linux

package faults

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"freshet/fleet"
	"freshet/internal/wiretest"
	"freshet/jobs"
)

// diskSize is of the file system that gets full.
const diskSize = 24 << 20

// smallDisk is a file system of its own.
func smallDisk(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(readable(t), "disk")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mount("faults", dir, "tmpfs", syscall.MS_NOSUID|syscall.MS_NODEV, fmt.Sprintf("mode=755,size=%d", diskSize)); err != nil {
		t.Skip("no file system can be made here: ", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// fill takes all that is free of a file system, also what becomes free later,
// until it is told to let go, which gives all of it back.
func fill(t *testing.T, path string) (release func()) {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	more := func() {
		for size := 1 << 20; size > 0; {
			if n, err := f.Write(make([]byte, size)); err != nil {
				size = min(size/2, size-n)
				if !errors.Is(err, syscall.ENOSPC) {
					t.Error(err)
					return
				}
			}
		}
	}
	more()
	stop := make(chan struct{})
	var filling sync.WaitGroup
	filling.Go(func() {
		for every := time.NewTicker(10 * time.Millisecond); ; {
			select {
			case <-stop:
				every.Stop()
				return
			case <-every.C:
				more()
			}
		}
	})
	return sync.OnceFunc(func() {
		close(stop)
		filling.Wait()
		if err := errors.Join(f.Close(), os.Remove(path)); err != nil {
			t.Error(err)
		}
	})
}

// TestFullDisk fills the disk of the hub while jobs are submitted and run. Each
// job that was acknowledged before, or is once there is room, succeeds, and no
// attempt of a task has begun twice.
func TestFullDisk(t *testing.T) { testFullDisk(t, false) }

// TestFullDiskKilled kills the hub while its disk is full, too.
func TestFullDiskKilled(t *testing.T) { testFullDisk(t, true) }

func testFullDisk(t *testing.T, kill bool) {
	long(t, "it takes a lease of 15 seconds")
	t.Parallel()
	random := rand.New(rand.NewPCG(wiretest.Seed(t), 0))
	disk := smallDisk(t)
	s := newShape(t, plan{workers: 1, data: filepath.Join(disk, "data")})
	lost := 0
	for round := range *rounds {
		ids := s.full(t, round, random, filepath.Join(disk, "filler"), kill)
		lost += s.verify(t, ids, len(ids))
		if t.Failed() {
			t.Fatalf("round %d", round)
		}
	}
	s.restarted(t)
	t.Logf("%d rounds; runs beyond one a task: %d; 0 jobs lost, 0 attempts begun twice", *rounds, lost)
}

// full is a round.
func (s *shape) full(t *testing.T, round int, random *rand.Rand, filler string, kill bool) (ids []jobs.ID) {
	until := time.Now().Add(roundWithin)
	next := func() jobs.Spec {
		return jobs.Spec{Name: "small", Key: fmt.Sprintf("%d-%d", round, len(ids)), Command: s.noted("echo $FRESHET_TASK; sleep 0.0$1", fmt.Sprint(random.IntN(10)), strings.Repeat("x", 4<<10))}
	}
	submit := func(n int) {
		for range n {
			spec := next()
			ids = append(ids, insist(t, s, until, func(ctx context.Context, c *fleet.Client) ([]jobs.ID, error) { return c.Submit(ctx, spec) })...)
		}
	}
	submit(random.IntN(40))
	release := fill(t, filler)
	defer release()
	// What fits is still acknowledged.
	var refused error
	for within := 0; refused == nil; within++ {
		if within > 10_000 {
			t.Fatal("the disk does not get full")
		}
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		got, err := s.client(t).Submit(ctx, next())
		cancel()
		ids, refused = append(ids, got...), err
	}
	t.Logf("after %d jobs: %v", len(ids), refused)
	time.Sleep(time.Duration(random.IntN(1500)) * time.Millisecond)
	if kill {
		s.hub.end(syscall.SIGKILL)
	}
	release()
	if kill {
		if _, err := s.hub.start(); err != nil {
			t.Fatal(err)
		}
	}
	submit(20)
	for _, id := range ids {
		info := insist(t, s, until, func(ctx context.Context, c *fleet.Client) (jobs.Info, error) { return c.Wait(ctx, id) })
		if info.State != jobs.Succeeded {
			t.Errorf("job %s: %s: %s", id, info.State, info.Reason)
		}
	}
	return ids
}
