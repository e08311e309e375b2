package metrics

import (
	"net/netip"
	"reflect"
	"sync"
	"testing"
	"time"

	"freshet/internal/record"
)

// hot returns the record of a hit of a connection.
func hot(conn int) *record.Record {
	return &record.Record{
		ID: record.ID(conn) << record.RequestBits, Remote: netip.AddrPortFrom(netip.AddrFrom4([4]byte{192, 0, 2, 1}), uint16(conn)),
		Status: 200, Bytes: 100, Duration: 5000, Verdict: record.Hit, Place: 3, Hot: true,
	}
}

func TestCounts(t *testing.T) {
	m := New(Options{Places: 4})
	add := func(n, status int, v record.Verdict, place uint16, bytes int64, d time.Duration) {
		for i := range n {
			m.Record(&record.Record{ID: record.ID(i) << record.RequestBits, Status: status, Verdict: v, Place: place, Bytes: bytes, Duration: int64(d)})
		}
	}
	add(5, 200, record.Hit, 0, 100, time.Millisecond)
	add(4, 304, record.File, 1, 0, time.Millisecond)
	add(3, 0, record.Miss, 2, -1, time.Second)
	add(2, 503, record.Refused, 3, 10, -1)
	add(6, 999, record.NumVerdicts+3, 500, 1, 0)
	add(1, 42, record.Handled, 4, 0, 0)
	total := m.Total()
	latency := total.Latency
	total.Latency = Histogram{}
	want := Counts{
		Requests: 21, Bytes: 526, Classes: [6]uint64{4, 0, 5, 4, 0, 8},
		Verdicts: [record.NumVerdicts]uint64{record.Handled: 1, record.File: 4, record.Hit: 5, record.Miss: 3, record.Refused: 8},
	}
	if total != want {
		t.Errorf("got  %+v\nwant %+v", total, want)
	}
	if latency.Count() != 21 || latency.Sum() != 3*time.Second+9*time.Millisecond {
		t.Errorf("%d latencies, %v", latency.Count(), latency.Sum())
	}
	for place, want := range []uint64{5, 4, 3, 9, 9} {
		if got := m.Place(uint16(place)).Requests; got != want {
			t.Errorf("place %d: %d requests, want %d", place, got, want)
		}
	}
	earlier := m.Total()
	add(1, 200, record.Stale, 0, 7, time.Millisecond)
	now := m.Total()
	now.Sub(&earlier)
	if now.Requests != 1 || now.Classes[2] != 1 || now.Verdicts[record.Stale] != 1 || now.Bytes != 7 || now.Latency.Sum() != time.Millisecond {
		t.Errorf("since then: %+v", now)
	}
}

// Nothing is lost while many count and others look, and what they see of a
// request they see whole.
func TestConcurrentRecords(t *testing.T) {
	m := New(Options{Places: 4})
	const writers, each = 4, 20_000
	var writing, reading sync.WaitGroup
	stop := make(chan struct{})
	reading.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
			}
			if c := m.Place(3); c.Bytes != 100*c.Requests || c.Latency.Count() != c.Requests || c.Classes[2] != c.Requests || c.Verdicts[record.Hit] != c.Requests {
				t.Errorf("part of a request was seen: %d requests, %d bytes", c.Requests, c.Bytes)
				return
			}
		}
	})
	for w := range writers {
		writing.Go(func() {
			for i := range each {
				m.Record(hot(w + i%3))
			}
		})
	}
	writing.Wait()
	close(stop)
	reading.Wait()
	if n := m.Total().Requests; n != writers*each {
		t.Errorf("%d requests, want %d", n, writers*each)
	}
}

// A reader that stops in the middle holds up nobody.
func TestRecordPassesOverWhatIsHeld(t *testing.T) {
	m := New(Options{Places: 4})
	for shard := range m.shards - 1 {
		if !m.cells[shard*m.places+3].try() {
			t.Fatal("held by nobody")
		}
	}
	for i := range 10 {
		m.Record(hot(i))
	}
	for shard := range m.shards - 1 {
		if m.cells[shard*m.places+3].release(); m.cells[shard*m.places+3].bytes != 0 {
			t.Error("a held cell was written to")
		}
	}
	if n := m.Total().Requests; n != 10 {
		t.Errorf("%d requests", n)
	}
}

// A cell's parts begin where lines of a cache do.
func TestCellLayout(t *testing.T) {
	c := reflect.TypeFor[cell]()
	for _, name := range []string{"outcomes", "latency"} {
		if f, _ := c.FieldByName(name); f.Offset%64 != 0 {
			t.Errorf("%s begins at %d", name, f.Offset)
		}
	}
	if c.Size()%64 != 0 {
		t.Errorf("a cell has %d bytes", c.Size())
	}
}

func TestPlaces(t *testing.T) {
	for _, tt := range [][2]int{{0, 64}, {-1, 64}, {1, 1}, {100, 100}, {1 << 20, 1024}} {
		if got := New(Options{Places: tt[0]}).Places(); got != tt[1] {
			t.Errorf("%d places: %d, want %d", tt[0], got, tt[1])
		}
	}
}
