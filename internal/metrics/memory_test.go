//go:build !race

package metrics_test

import (
	"fmt"
	"net/netip"
	"runtime"
	"strings"
	"testing"
	"time"

	"freshet/internal/journal"
	"freshet/internal/metrics"
	"freshet/internal/record"
)

// allocated returns how many bytes f allocates.
func allocated(f func()) int {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return int(after.TotalAlloc - before.TotalAlloc)
}

// TestMemoryIsBounded: all that recording takes by default is not more than
// documented. The journal's 4 MiB are taken as it fills; after that only details
// of requests, which others made, are kept alive.
func TestMemoryIsBounded(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
	for procs, mb := range map[int]float64{1: 5.5, 2: 5.5, 8: 7.1, 64: 13.7} {
		runtime.GOMAXPROCS(procs)
		var m *metrics.Metrics
		var j *journal.Journal
		taken := allocated(func() {
			m, j = metrics.New(metrics.Options{}), journal.New(journal.Options{})
		})
		if float64(taken) > (mb-4)*1e6 {
			t.Errorf("on %d processors: %.2f MB before there is a request, want %.1f at most", procs, float64(taken)/1e6, mb-4)
		}
		r := record.Record{
			Method: "GET", Proto: "HTTP/1.1", Status: 200, Duration: 1e6, Host: "a.example", Target: "/" + strings.Repeat("a", 5000),
			Remote: netip.MustParseAddrPort("[2001:db8::1]:80"), Detail: &record.Detail{Key: "https a.example/"},
		}
		j.Record(&r) // which makes what knows the processor
		m.Record(&r)
		taken += allocated(func() {
			for used, size := j.Len(); used < size; used, _ = j.Len() {
				j.Record(&r)
			}
		})
		if float64(taken) > mb*1e6 {
			t.Errorf("on %d processors: %.2f MB, want %.1f at most", procs, float64(taken)/1e6, mb)
		}
		now := time.Unix(1.8e9, 0)
		more := allocated(func() {
			for i := range 100_000 {
				r.ID, r.Place = record.ID(i), uint16(i)
				j.Record(&r)
				m.Record(&r)
				if i%1000 == 0 {
					now = now.Add(time.Minute)
					m.Tick(now)
				}
			}
		})
		if more > 64<<10 {
			t.Errorf("on %d processors: traffic took %d bytes more", procs, more)
		}
	}
}

// The text of details is bounded, whatever clients send.
func TestDetailsAreBounded(t *testing.T) {
	var before, after runtime.MemStats
	j := journal.New(journal.Options{})
	runtime.GC()
	runtime.ReadMemStats(&before)
	for i := range 3 * 4096 {
		long := fmt.Sprint(i, strings.Repeat("x", 8<<10))
		j.Record(&record.Record{Detail: &record.Detail{Key: long, Evidence: long, Error: long}})
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	if live := int64(after.HeapAlloc) - int64(before.HeapAlloc); live > 11<<20 {
		t.Errorf("details take %.1f MB", float64(live)/1e6)
	}
	runtime.KeepAlive(j)
}
