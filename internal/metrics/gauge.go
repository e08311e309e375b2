package metrics

import (
	"fmt"
	"slices"
	"strings"
	"sync"
)

// The names of the gauges that Tick puts into the points of the series.
const (
	Connections = "connections"  // open connections of clients
	Memory      = "memory"       // bytes of the process
	CacheMemory = "cache_memory" // bytes of objects in memory
	CacheDisk   = "cache_disk"   // bytes of objects on disk
)

// A Gauge is a number that somebody else keeps. Its functions are called when
// somebody looks, and once a second for those with the names above: they are
// quick, do not block, and may be called by several goroutines at once.
type Gauge struct {
	Name string // of letters a to z, digits and underscores; unique
	Unit string // "bytes", "seconds", or "" for a plain number; a part of the exported name
	Help string // a sentence without full stop

	// Counter says that Value only grows: it is exported as a counter.
	Counter bool

	Value func() float64
	Limit func() float64 // what Value cannot exceed; nil: none
}

type gauges struct {
	mu  sync.Mutex // guards all, whose elements are not changed
	all []Gauge
}

// AddGauge adds a gauge, in the place of one with the same name if there is
// one. It panics when the name is not one.
func (m *Metrics) AddGauge(g Gauge) {
	if g.Name == "" || strings.Trim(g.Name, "abcdefghijklmnopqrstuvwxyz0123456789_") != "" || g.Value == nil {
		panic(fmt.Sprintf("metrics: gauge %q has no such name, or no value", g.Name))
	}
	m.gauges.mu.Lock()
	defer m.gauges.mu.Unlock()
	same := func(other Gauge) bool { return other.Name == g.Name }
	all := slices.Clone(m.gauges.all)
	if i := slices.IndexFunc(all, same); i >= 0 {
		all[i] = g
	} else {
		all = append(all, g)
	}
	m.gauges.all = all
}

// Gauges returns the gauges in the order in which they were added. The caller
// must not change the slice.
func (m *Metrics) Gauges() []Gauge {
	m.gauges.mu.Lock()
	defer m.gauges.mu.Unlock()
	return m.gauges.all
}

// levels are the gauges of a Point.
type levels struct {
	conns, memory, cache, disk uint64
}

// levels asks the gauges that have their place in a Point.
func (m *Metrics) levels() (l levels) {
	for _, g := range m.Gauges() {
		var to *uint64
		switch g.Name {
		case Connections:
			to = &l.conns
		case Memory:
			to = &l.memory
		case CacheMemory:
			to = &l.cache
		case CacheDisk:
			to = &l.disk
		default:
			continue
		}
		if v := g.Value(); v > 0 {
			*to = uint64(min(v, 1<<63))
		}
	}
	return l
}

// raise sets each level to that of other, where that is higher.
func (l *levels) raise(other levels) {
	l.conns, l.memory = max(l.conns, other.conns), max(l.memory, other.memory)
	l.cache, l.disk = max(l.cache, other.cache), max(l.disk, other.disk)
}
