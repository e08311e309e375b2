package main

import (
	"context"
	"fmt"
	"path/filepath"
	"runtime"
	"time"

	"freshet/internal/diskstore"
)

// indexOf opens the store that a cache has left in its folder, and returns how
// many objects its index knows and how many bytes of memory that takes for each:
// without the garbage and the buffers that the memory of a process has beside.
func indexOf(ctx context.Context, data string) (entries int64, each float64, err error) {
	before := heap()
	s, err := diskstore.Open(diskstore.Options{Dir: filepath.Join(data, "objects"), ScrubRate: -1})
	if err != nil {
		return 0, 0, err
	}
	defer s.Close()
	poll := time.NewTicker(10 * time.Millisecond)
	defer poll.Stop()
	for !s.Stats().Indexed {
		select {
		case <-poll.C:
		case <-ctx.Done():
			return 0, 0, ctx.Err()
		}
	}
	entries = s.Stats().Entries
	if entries == 0 {
		return 0, 0, fmt.Errorf("there is nothing in %s", data)
	}
	return entries, float64(heap()-before) / float64(entries), nil
}

// heap returns the bytes that are in use after a collection.
func heap() int64 {
	runtime.GC() // finishes what a collection under way has left
	runtime.GC() // collects what only finalizers and pools still held
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
