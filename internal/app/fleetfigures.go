package app

import (
	"crypto/sha256"
	"encoding/hex"
	"io"
	"sync"

	"freshet/fleet"
	"freshet/internal/config"
	counters "freshet/internal/metrics"
	"freshet/internal/monitor"
)

// fleetFigures adds to a report what this server knows of itself.
func (s *service) fleetFigures(r *fleet.Report) {
	r.Version, r.Started, r.Config = version(), s.started, s.configName()
	var hits, asked, requests, covered float64
	var minute [60]counters.Point
	for _, p := range s.figures.Last(counters.Seconds, len(minute), minute[:0]) {
		found := float64(p.Hits) + float64(p.Stale) + float64(p.Revalidated)
		hits += found
		asked += found + float64(p.Misses) + float64(p.Bypass)
		requests += float64(p.Requests)
		covered += float64(p.Seconds)
	}
	if covered > 0 {
		requests /= covered
		r.Requests = &requests
	}
	store := s.content.store
	if store == nil {
		return
	}
	t := store.Totals() // what is in memory is on the disk, too, if there is one
	r.Cache = &fleet.Stored{Objects: max(t.Entries, t.DiskEntries), Bytes: max(t.MemoryUsed, t.DiskUsed)}
	if asked > 0 {
		hits /= asked
		r.Cache.Hits = &hits
	}
}

// configNames remembers the name of the configuration that holds.
type configNames struct {
	mu   sync.Mutex // guards all; a leaf
	read int64      // when the configuration was read that name is of
	name string
}

// configName names what decides about answers: servers whose configuration
// differs only in what is their machine's own have the same.
func (s *service) configName() string {
	c, read := &s.names, s.read.Load()
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.name == "" || c.read != read {
		c.name, c.read = nameOf(s.monitorSettings()), read
	}
	return c.name
}

// nameOf is 8 hex digits of a hash.
func nameOf(settings []monitor.Setting) string {
	h := sha256.New()
	for _, one := range settings {
		if !config.OfMachine(one.Key) {
			io.WriteString(h, one.Group+"\x00"+one.Key+"\x00"+one.Value+"\x00")
		}
	}
	return hex.EncodeToString(h.Sum(nil)[:4])
}
