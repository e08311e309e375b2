package metrics

import (
	"context"
	"sync"
	"time"
)

// Resolution says how finely a series is cut.
type Resolution uint8

// The resolutions, and how much of the past each has.
const (
	Seconds Resolution = iota // the last hour
	Minutes                   // the last day
	Hours                     // the last week
	resolutions
)

// steps are the seconds of a point, lengths the points that are kept: 458 KB
// for all.
var (
	steps   = [resolutions]int64{1, 60, 3600}
	lengths = [resolutions]int64{3600, 1440, 168}
)

// String returns the name of the resolution.
func (r Resolution) String() string {
	return [...]string{"seconds", "minutes", "hours"}[min(r, Hours)]
}

// Step returns how long a point of the resolution is.
func (r Resolution) Step() time.Duration { return time.Duration(steps[r]) * time.Second }

// Length returns how many points are kept.
func (r Resolution) Length() int { return int(lengths[r]) }

// series are the points of the past. The point of the time t lies at t/step
// modulo the length of its ring, so that a ring needs no beginning.
type series struct {
	mu      sync.Mutex // guards what follows
	rings   [resolutions][]Point
	running [resolutions]running // of Minutes and Hours
	last    int64                // the second of the last tick; 0: there was none
	total   Counts               // at the last tick

	saving sync.Mutex // held while a file is written; mu is taken under it
}

// running is a minute or an hour that has not ended.
type running struct {
	from    int64  // when it began
	seconds int64  // of it that were counted
	base    Counts // what was counted before it
	levels  levels // the highest since
}

func (s *series) init() {
	for r := range s.rings {
		s.rings[r] = make([]Point, lengths[r])
	}
}

// Run calls Tick at the beginning of each second until ctx is done.
func (m *Metrics) Run(ctx context.Context) {
	now := time.Now()
	for {
		m.Tick(now)
		timer := time.NewTimer(now.Truncate(time.Second).Add(time.Second).Sub(now))
		select {
		case now = <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return
		}
	}
}

// Tick ends a second: what was counted since the last Tick becomes a point.
// Call it once a second, at its beginning if possible, from one goroutine; Run
// does. Calls within one second count as one. When calls were late the point
// covers several seconds, and when the clock was set back the series goes on
// from there.
func (m *Metrics) Tick(now time.Time) {
	total, l := m.Total(), m.levels()
	m.series.mu.Lock()
	defer m.series.mu.Unlock()
	m.series.tick(now.Unix(), &total, l)
}

func (s *series) tick(t int64, total *Counts, l levels) {
	if s.last == 0 {
		s.last = t
		for r := Minutes; r < resolutions; r++ {
			s.running[r].from = t - t%steps[r]
		}
		return
	}
	if t == s.last {
		return
	}
	span := max(t-s.last, 1)
	since := *total
	since.Sub(&s.total)
	s.total = *total
	s.put(Seconds, point(s.last, span, &since, l))
	for r := Minutes; r < resolutions; r++ {
		run := &s.running[r]
		run.seconds += span
		run.levels.raise(l)
		if from := t - t%steps[r]; from != run.from {
			s.put(r, s.runningPoint(r))
			*run = running{from: from, base: *total}
		}
	}
	s.last = t
}

// runningPoint returns what there is of a minute or an hour that has not ended.
func (s *series) runningPoint(r Resolution) Point {
	run := &s.running[r]
	since := s.total
	since.Sub(&run.base)
	return point(run.from, min(run.seconds, steps[r]), &since, run.levels)
}

// put keeps p. There is a point of the same time already when the server was
// restarted in it, or the clock was set back.
func (s *series) put(r Resolution, p Point) {
	to := s.at(r, p.Time)
	if to.Time == p.Time && to.Seconds > 0 {
		to.merge(&p, steps[r])
	} else {
		*to = p
	}
}

// at returns where the point of the time t is kept.
func (s *series) at(r Resolution, t int64) *Point {
	return &s.rings[r][t/steps[r]%lengths[r]]
}

// Series appends to dst the points that begin at from or later and before to,
// oldest first: as many as are kept of the time before to. Where nothing was
// counted, because there was no server, a point is missing. The last minute or
// hour may be one that has not ended; see Point.Seconds.
func (m *Metrics) Series(res Resolution, from, to time.Time, dst []Point) []Point {
	s := &m.series
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.points(min(res, Hours), from.Unix(), to.Unix(), dst)
}

// Last appends to dst the newest n points: the newest ended with, or is
// running at, the last Tick. See Series.
func (m *Metrics) Last(res Resolution, n int, dst []Point) []Point {
	s := &m.series
	s.mu.Lock()
	defer s.mu.Unlock()
	res = min(res, Hours)
	to := s.last
	if res != Seconds {
		to = s.running[res].from + steps[res]
	}
	return s.points(res, to-int64(n)*steps[res], to, dst)
}

func (s *series) points(r Resolution, from, to int64, dst []Point) []Point {
	step := steps[r]
	from = max(from, to-step*lengths[r], 1)
	from += (step - from%step) % step
	for t := from; t < to; t += step {
		kept := *s.at(r, t)
		if kept.Time != t {
			kept = Point{}
		}
		if run := &s.running[r]; r != Seconds && run.from == t && run.seconds > 0 {
			p := s.runningPoint(r)
			if kept.Seconds > 0 {
				p.merge(&kept, step)
			}
			kept = p
		}
		if kept.Seconds > 0 {
			dst = append(dst, kept)
		}
	}
	return dst
}
