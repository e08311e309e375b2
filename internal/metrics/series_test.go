package metrics

import (
	"context"
	"math"
	"reflect"
	"testing"
	"testing/synctest"
	"time"

	"freshet/internal/record"
)

// noon is the beginning of an hour.
var noon = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

// times returns when points begin, in seconds after noon.
func times(points []Point) (at []int64) {
	for _, p := range points {
		at = append(at, p.Time-noon.Unix())
	}
	return at
}

func after(seconds int) time.Time { return noon.Add(time.Duration(seconds) * time.Second) }

// requests counts n requests of 1 ms.
func requests(m *Metrics, n int, v record.Verdict, status int) {
	for range n {
		m.Record(&record.Record{Status: status, Verdict: v, Bytes: 10, Duration: 1e6})
	}
}

func TestSeconds(t *testing.T) {
	m := New(Options{Places: 1})
	conns := 5.0
	m.AddGauge(Gauge{Name: Connections, Value: func() float64 { return conns }})
	m.AddGauge(Gauge{Name: Memory, Unit: "bytes", Value: func() float64 { return -1 }})
	m.AddGauge(Gauge{Name: CacheMemory, Unit: "bytes", Value: func() float64 { return 1e20 }})
	m.AddGauge(Gauge{Name: CacheDisk, Unit: "bytes", Value: func() float64 { return 7 }})
	requests(m, 1, record.Hit, 200) // before the first tick
	m.Tick(after(0))
	requests(m, 2, record.Miss, 502)
	requests(m, 3, record.Bypass, 404)
	m.Tick(after(1))
	m.Tick(after(1)) // twice in a second
	conns = 6
	m.Tick(after(2))
	requests(m, 1, record.Handled, 0)
	m.Tick(after(5)) // late
	got := m.Series(Seconds, after(0), after(6), nil)
	if want := []int64{0, 1, 2}; !reflect.DeepEqual(times(got), want) {
		t.Fatalf("points at %v, want %v", times(got), want)
	}
	want := Point{
		Time: noon.Unix(), Seconds: 1, Requests: 6, Hits: 1, Misses: 2, Bypass: 3, Errors: 2, ClientErrors: 3, Bytes: 60,
		Conns: 5, Cache: 1 << 63, Disk: 7,
	}
	p := got[0]
	if p.P50 < 968 || p.P50 > 1032 || p.P99 != p.P50 || p.P90 != p.P50 {
		t.Errorf("quantiles %v %v %v µs, want 1000", p.P50, p.P90, p.P99)
	}
	p.P50, p.P90, p.P99 = 0, 0, 0
	if p != want {
		t.Errorf("got  %+v\nwant %+v", p, want)
	}
	if p := got[1]; p.Requests != 0 || p.P50 != 0 || p.Conns != 6 {
		t.Errorf("an empty second: %+v", p)
	}
	if p := got[2]; p.Requests != 1 || p.Cut != 1 || p.Handled != 1 || p.Seconds != 3 {
		t.Errorf("a long second: %+v", p)
	}
	if got := m.Series(Seconds, after(1), after(2), nil); !reflect.DeepEqual(times(got), []int64{1}) {
		t.Errorf("a part: %v", times(got))
	}
	if got := m.Last(Seconds, 3, nil); !reflect.DeepEqual(times(got), []int64{2}) {
		t.Errorf("the last three seconds: %v", times(got))
	}
}

// run ticks from one second to another with n requests in each.
func run(m *Metrics, from, to, n int) {
	for s := from; s <= to; s++ {
		m.Tick(after(s))
		if s < to {
			requests(m, n, record.Hit, 200)
		}
	}
}

func TestMinutesAndHours(t *testing.T) {
	m := New(Options{Places: 1})
	run(m, 30, 2*3600+90, 1)
	minutes := m.Series(Minutes, noon.Add(-time.Hour), after(1e6), nil)
	if len(minutes) != 0 {
		t.Errorf("as many points as are kept before the end asked for, and so none: %v", times(minutes))
	}
	minutes = m.Series(Minutes, noon, after(3*3600), nil)
	if len(minutes) != 122 {
		t.Fatalf("%d minutes", len(minutes))
	}
	for i, want := range map[int]uint32{0: 30, 1: 60, 120: 60, 121: 30} {
		if p := minutes[i]; p.Requests != want || p.Seconds != want || p.Time != noon.Unix()+int64(60*i) || p.P50 < 968 || p.P50 > 1032 {
			t.Errorf("minute %d: %+v", i, p)
		}
	}
	hours := m.Last(Hours, 24, nil)
	if want := []int64{0, 3600, 7200}; !reflect.DeepEqual(times(hours), want) {
		t.Fatalf("hours %v", times(hours))
	}
	for i, want := range []uint32{3570, 3600, 90} {
		if p := hours[i]; p.Requests != want || p.Seconds != want {
			t.Errorf("hour %d: %+v", i, p)
		}
	}
	if seconds := m.Last(Seconds, 1e6, nil); len(seconds) != 3600 || seconds[3599].Time != after(2*3600+89).Unix() {
		t.Errorf("%d seconds are kept, until %v", len(seconds), seconds[len(seconds)-1].Time)
	}
}

// A ring that has gone round holds the new points only.
func TestRingsTurn(t *testing.T) {
	m := New(Options{Places: 1})
	for h := range 400 {
		m.Tick(noon.Add(time.Duration(h) * time.Hour))
		requests(m, h, record.Hit, 200)
	}
	hours := m.Last(Hours, 1000, nil)
	if len(hours) != 167 || hours[166].Requests != 398 || hours[0].Requests != 232 {
		t.Errorf("%d hours", len(hours))
	}
	if p := m.Last(Minutes, 10_000, nil); len(p) != 23 {
		t.Errorf("%d minutes", len(p))
	}
}

func TestClockIsSetBack(t *testing.T) {
	m := New(Options{Places: 1})
	run(m, 5000, 5100, 1)
	requests(m, 5, record.Hit, 200)
	run(m, 4030, 4040, 1)
	got := m.Series(Seconds, after(4000), after(5000), nil)
	if len(got) != 10 {
		t.Errorf("after the clock was set back: %v", times(got))
	}
	var sum uint32
	for _, p := range m.Series(Seconds, after(4000), after(5200), nil) {
		sum += p.Requests
	}
	for _, p := range m.Series(Minutes, after(4000), after(5200), nil) {
		sum += p.Requests
	}
	if sum != 2*115 {
		t.Errorf("%d requests in seconds and minutes, want 230", sum)
	}
}

func TestPointsDoNotOverflow(t *testing.T) {
	p := Point{Time: 60, Seconds: 50, Requests: math.MaxUint32, Bytes: math.MaxUint64, P50: 10}
	p.merge(&Point{Time: 60, Seconds: 50, Requests: 1, Bytes: 5, Conns: 3}, 60)
	if p.Requests != math.MaxUint32 || p.Bytes != math.MaxUint64 || p.Seconds != 60 || p.Conns != 3 || p.P50 != 10 {
		t.Errorf("%+v", p)
	}
	p = Point{}
	p.merge(&Point{}, 60)
	if p != (Point{}) {
		t.Errorf("of nothing: %+v", p)
	}
}

func TestResolutions(t *testing.T) {
	for r, want := range map[Resolution]time.Duration{Seconds: time.Hour, Minutes: 24 * time.Hour, Hours: 7 * 24 * time.Hour} {
		if got := time.Duration(r.Length()) * r.Step(); got != want {
			t.Errorf("%v: %v", r, got)
		}
	}
}

func TestRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := New(Options{Places: 1})
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan struct{})
		time.Sleep(300 * time.Millisecond)
		go func() { m.Run(ctx); close(done) }()
		for range 5 {
			requests(m, 1, record.Hit, 200)
			time.Sleep(time.Second)
		}
		synctest.Wait()
		got := m.Last(Seconds, 10, nil)
		if len(got) != 5 || got[0].Requests != 1 || got[4].Requests != 1 || got[4].Seconds != 1 {
			t.Errorf("%+v", got)
		}
		stop()
		<-done
	})
}
