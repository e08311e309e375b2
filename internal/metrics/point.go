package metrics

import (
	"math"
	"time"

	"freshet/internal/record"
)

// A Point is what happened in a second, a minute or an hour. Counts that do not
// fit stay at the highest number.
type Point struct {
	Time    int64  // when it begins, seconds since 1970
	Bytes   uint64 // of bodies sent
	Memory  uint64 // the highest of the gauges of these names
	Cache   uint64
	Disk    uint64
	Conns   uint32
	Seconds uint32 // how many it covers: fewer than all when the server started or ended in it, or it has not ended

	Requests    uint32
	Handled     uint32 // by verdict
	Files       uint32
	Hits        uint32
	Stale       uint32
	Revalidated uint32
	Misses      uint32
	Bypass      uint32
	Refused     uint32

	Cut          uint32 // before there was a status code
	ClientErrors uint32 // 4xx
	Errors       uint32 // 5xx

	P50, P90, P99 float32 // of the latency, in microseconds
}

// point makes a Point of what was counted in seconds from t on.
func point(t, seconds int64, c *Counts, l levels) Point {
	p := Point{
		Time: t, Seconds: clip(uint64(seconds)),
		Bytes: c.Bytes, Memory: l.memory, Cache: l.cache, Disk: l.disk, Conns: clip(l.conns),
		Requests:    clip(c.Requests),
		Handled:     clip(c.Verdicts[record.Handled]),
		Files:       clip(c.Verdicts[record.File]),
		Hits:        clip(c.Verdicts[record.Hit]),
		Stale:       clip(c.Verdicts[record.Stale]),
		Revalidated: clip(c.Verdicts[record.Revalidated]),
		Misses:      clip(c.Verdicts[record.Miss]),
		Bypass:      clip(c.Verdicts[record.Bypass]),
		Refused:     clip(c.Verdicts[record.Refused]),
		Cut:         clip(c.Classes[0]), ClientErrors: clip(c.Classes[4]), Errors: clip(c.Classes[5]),
	}
	if c.Requests > 0 {
		var at [3]time.Duration
		c.Latency.quantiles(at[:], 0.5, 0.9, 0.99)
		p.P50, p.P90, p.P99 = micros(at[0]), micros(at[1]), micros(at[2])
	}
	return p
}

// clip returns n, or the highest number that fits.
func clip(n uint64) uint32 { return uint32(min(n, math.MaxUint32)) }

func micros(d time.Duration) float32 { return float32(d) / float32(time.Microsecond) }

// merge adds what happened in another part of the same time. Quantiles become
// the mean of both, weighed by requests, for lack of better knowledge.
func (p *Point) merge(q *Point, step int64) {
	weigh := func(a, b float32) float32 {
		n, m := float32(p.Requests), float32(q.Requests)
		if n+m == 0 {
			return 0
		}
		return (a*n + b*m) / (n + m)
	}
	p.P50, p.P90, p.P99 = weigh(p.P50, q.P50), weigh(p.P90, q.P90), weigh(p.P99, q.P99)
	p.Seconds = min(clip(uint64(p.Seconds)+uint64(q.Seconds)), uint32(step))
	if p.Bytes += q.Bytes; p.Bytes < q.Bytes {
		p.Bytes = math.MaxUint64
	}
	p.Memory, p.Cache, p.Disk, p.Conns = max(p.Memory, q.Memory), max(p.Cache, q.Cache), max(p.Disk, q.Disk), max(p.Conns, q.Conns)
	other := q.counts()
	for i, n := range p.counts() {
		*n = clip(uint64(*n) + uint64(*other[i]))
	}
}

// counts returns the fields that add up.
func (p *Point) counts() [12]*uint32 {
	return [...]*uint32{
		&p.Requests, &p.Handled, &p.Files, &p.Hits, &p.Stale, &p.Revalidated, &p.Misses, &p.Bypass, &p.Refused,
		&p.Cut, &p.ClientErrors, &p.Errors,
	}
}
