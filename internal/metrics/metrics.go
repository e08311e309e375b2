// Package metrics counts requests: totals by route, latencies, and what the
// last hour, day and week were like.
//
//	m := metrics.New(metrics.Options{})
//	m.AddGauge(metrics.Gauge{Name: metrics.Connections, Help: "…", Value: …})
//	go m.Run(ctx)
//	srv := &httpd.Server{Handler: h, Sink: m}
//	…
//	now := m.Total()
//	points := m.Series(metrics.Minutes, from, to, nil)
//	text := m.AppendPrometheus(nil, routeName)
//
// It is deliberately no registry for everything: what is counted is what a
// record.Record says, and the rest are gauges that somebody else computes when
// they are asked for. It keeps nothing about a single request; package journal
// does.
//
// What holds: Record allocates nothing and waits for nobody, readers included.
// What a reader gets of a place is consistent. Memory is fixed when New returns:
// the series take 0.5 MB, counters see Options.Places; only what has been
// counted becomes resident. With a journal that is full, all that recording takes
// is by default 5.5 MB on two processors and at most 13.7 MB on any number, besides
// the details of requests, which are bounded in package journal.
package metrics

import (
	"runtime"
	"sync"
	"sync/atomic"

	"freshet/internal/record"
)

// Options say how much is counted. The zero value is usable.
type Options struct {
	// Places is how many routes are counted apart; 0 means 64, 1024 is the
	// most. Records of the places from Places-1 on share the last. A place takes
	// 4.2 kB for each of the shards, which are as many as processors, but at
	// least 2 and at most 32: 0.5 to 8.7 MB by default, of which places that
	// are not used stay untouched.
	Places int
}

const (
	defaultPlaces = 64
	maxPlaces     = 1024
	minShards     = 2
	maxShards     = 32
)

// Metrics counts requests. It is a record.Sink; all methods may be called by
// many goroutines at once.
type Metrics struct {
	cells  []cell // of shard 0, then of shard 1, …
	places uint
	shards uint // a power of two

	// hints has a *uint, the number of a shard, for each processor: that is
	// what a sync.Pool is good at. Memory that several processors write in turn
	// is dearer than all else that counting costs.
	hints sync.Pool
	made  atomic.Uint32

	series series
	gauges gauges
}

var _ record.Sink = (*Metrics)(nil)

// cell counts the requests of one place in one shard. Who counts or reads holds
// it; that costs less than an atomic step for each number, and shows a reader
// all of a request or nothing. The first cache line has what all requests need.
type cell struct {
	held     atomic.Uint32
	bytes    uint64
	_        [48]byte
	outcomes outcomes
	latency  Histogram
	_        [56]byte
}

// try takes hold of c if nobody has.
func (c *cell) try() bool { return c.held.Load() == 0 && c.held.CompareAndSwap(0, 1) }

func (c *cell) release() { c.held.Store(0) }

// New returns Metrics that have counted nothing.
func New(o Options) *Metrics {
	m := &Metrics{places: defaultPlaces, shards: minShards}
	if o.Places > 0 {
		m.places = uint(min(o.Places, maxPlaces))
	}
	for m.shards < maxShards && m.shards < uint(runtime.GOMAXPROCS(0)) {
		m.shards *= 2
	}
	m.hints.New = func() any {
		shard := uint(m.made.Add(1)) & (m.shards - 1)
		return &shard
	}
	m.cells = make([]cell, m.shards*m.places)
	m.series.init()
	return m
}

// Places returns how many places are counted apart; the last of them counts
// all that have no place of their own.
func (m *Metrics) Places() int { return int(m.places) }

// Record counts r. It allocates nothing and never waits: a cell that somebody
// holds, a reader perhaps, is passed over for that of the next shard.
func (m *Metrics) Record(r *record.Record) {
	place := min(uint(r.Place), m.places-1)
	shard := m.shard()
	for tries := uint(1); ; tries++ {
		if c := &m.cells[shard*m.places+place]; c.try() {
			c.outcomes[min(r.Verdict, record.NumVerdicts-1)][classOf(r.Status)]++
			c.bytes += uint64(max(r.Bytes, 0))
			c.latency.n[bucketOf(r.Duration)]++
			c.latency.sum += uint64(max(r.Duration, 0))
			c.release()
			return
		}
		shard = (shard + 1) & (m.shards - 1)
		if tries%m.shards == 0 {
			runtime.Gosched() // all are held, by goroutines that are not running
		}
	}
}

// shard returns the shard of the processor that we are on.
func (m *Metrics) shard() uint {
	hint := m.hints.Get().(*uint)
	shard := *hint
	m.hints.Put(hint)
	return shard
}

// Total returns the counts of all places.
func (m *Metrics) Total() Counts {
	var sum Counts
	for i := range m.cells {
		m.cells[i].read(&sum, nil)
	}
	return sum
}

// Place returns the counts of one place. Those from Places()-1 on are counted
// together.
func (m *Metrics) Place(n uint16) Counts {
	var sum Counts
	m.place(n, &sum, nil)
	return sum
}

// place adds the counts of a place to sum and, when o is not nil, to o.
func (m *Metrics) place(n uint16, sum *Counts, o *outcomes) {
	for i := min(uint(n), m.places-1); i < uint(len(m.cells)); i += m.places {
		m.cells[i].read(sum, o)
	}
}

// read adds what c has counted to sum and, when o is not nil, to o.
func (c *cell) read(sum *Counts, o *outcomes) {
	for !c.try() {
		runtime.Gosched()
	}
	defer c.release()
	before := sum.Requests
	sum.add(&c.outcomes)
	if sum.Requests == before {
		return
	}
	sum.Bytes += c.bytes
	sum.Latency.Merge(&c.latency)
	if o != nil {
		for v := range o {
			for class, n := range &c.outcomes[v] {
				o[v][class] += n
			}
		}
	}
}
