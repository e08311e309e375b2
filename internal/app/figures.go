package app

import (
	"context"
	"runtime"
	"sync"
	"time"

	"freshet/internal/config"
	"freshet/internal/machine"
	counters "freshet/internal/metrics"
	"freshet/internal/monitor"
	"freshet/proxy"
)

// figures count requests, second by second, and keeps the past in a folder.
type figures struct {
	*counters.Metrics
	dir  string // "" for none
	stop context.CancelFunc
	ran  sync.WaitGroup
}

// countedPlaces is how many routes are counted apart: as many as there are, and
// some that a configuration may have later. Those beyond share one.
func (s *service) countedPlaces() int {
	l := s.content.live
	if l == nil {
		return 1
	}
	routes := 0
	for _, t := range l.sites().all {
		routes += len(t.routes)
	}
	return max(64, 2*routes+1)
}

// saveEvery is how often the past is written, besides at the end.
const saveEvery = time.Minute

// startCounting begins a series, with what is in the folder.
func (s *service) startCounting() {
	c := &s.figures
	c.dir = s.content.data
	if c.dir != "" {
		if err := c.Load(c.dir); err != nil {
			s.log.Warn("the figures of the past cannot be read; they begin anew", "err", err)
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	c.stop = cancel
	c.ran.Go(func() { c.Run(ctx) })
	c.ran.Go(func() { giveBack(ctx, smallHeap) })
	if c.dir != "" {
		c.ran.Go(func() { s.saveFigures(ctx) })
	}
}

// saveFigures writes the past now and then, and at the end.
func (s *service) saveFigures(ctx context.Context) {
	ticks := time.NewTicker(saveEvery)
	defer ticks.Stop()
	failed := false
	for {
		select {
		case <-ticks.C:
		case <-ctx.Done():
			s.saveOnce(&failed)
			return
		}
		s.saveOnce(&failed)
	}
}

// saveOnce tells of the first of several failures.
func (s *service) saveOnce(failed *bool) {
	err := s.figures.Save(s.figures.dir)
	if err != nil && !*failed {
		s.log.Warn("the figures cannot be kept", "err", err)
	}
	*failed = err != nil
}

func (c *figures) close() {
	if c.stop != nil {
		c.stop()
		c.ran.Wait()
	}
}

// addGauges has what is not counted by requests shown beside them.
func (s *service) addGauges() {
	m := s.figures.Metrics
	m.AddGauge(counters.Gauge{Name: counters.Connections, Help: "Open connections of clients", Value: func() float64 { return float64(s.engine.Conns()) },
		Limit: func() float64 { return float64(max(s.conf.MaxConnections, 0)) }})
	m.AddGauge(counters.Gauge{Name: counters.Memory, Unit: "bytes", Help: "Memory of the process", Value: func() float64 { return float64(machine.Resident()) }})
	m.AddGauge(counters.Gauge{Name: "goroutines", Help: "Goroutines", Value: func() float64 { return float64(runtime.NumGoroutine()) }})
	s.addProgramGauges()
	s.addGuardGauges()
	if store := s.content.store; store != nil {
		m.AddGauge(counters.Gauge{Name: counters.CacheMemory, Unit: "bytes", Help: "Memory of stored answers",
			Value: func() float64 { return float64(store.Totals().MemoryUsed) }, Limit: func() float64 { return float64(store.Totals().MemoryLimit) }})
		if store.Totals().DiskLimit > 0 {
			m.AddGauge(counters.Gauge{Name: counters.CacheDisk, Unit: "bytes", Help: "Stored answers on disk",
				Value: func() float64 { return float64(store.Totals().DiskUsed) }, Limit: func() float64 { return float64(store.Totals().DiskLimit) }})
		}
	}
}

// addProgramGauges has programs shown, once there are some.
func (s *service) addProgramGauges() {
	if len(s.allPrograms()) == 0 {
		return
	}
	m := s.figures.Metrics
	m.AddGauge(counters.Gauge{Name: "programs_running", Help: "Programs that run, and requests at FastCGI backends", Value: func() float64 { return s.programLoad(false) }})
	m.AddGauge(counters.Gauge{Name: "programs_waiting", Help: "Requests that wait for a program's turn", Value: func() float64 { return s.programLoad(true) }})
}

// programLoad is how many programs run, or how many requests wait for one.
func (s *service) programLoad(waiting bool) float64 {
	sum := 0
	for _, p := range s.allPrograms() {
		running, queued := p.runner.Load()
		if waiting {
			running = queued
		}
		sum += running
	}
	return float64(sum)
}

// monitorPrograms are the programs of the configuration that holds, as the
// monitor shows them.
func (s *service) monitorPrograms() []monitor.Programs {
	var all []monitor.Programs
	for _, p := range s.allPrograms() {
		m := monitor.Programs{Route: p.where, Kind: p.kind, About: p.runner.Describe(), Board: p.runner.Board(), Load: p.runner.Load, Most: p.most}
		if p.pool != nil {
			state := p.pool()
			m.Pool = &monitor.Pool{Open: state.Open, Idle: state.Idle, Most: state.Conns, Workers: state.Workers, Restarts: state.Restarts,
				Error: state.LastError, ErrorTime: state.LastTime}
		}
		all = append(all, m)
	}
	return all
}

// originStates says how origins are.
type originStates func() []proxy.OriginState

// shown are the origins as the monitor shows them.
func (of originStates) shown() []monitor.Origin {
	if of == nil {
		return nil
	}
	var all []monitor.Origin
	for _, o := range of() {
		m := monitor.Origin{URL: o.Origin, Circuit: o.Circuit.String(), Fails: o.Fails, Until: o.Until, Active: int(o.Active), Requests: o.Requests}
		if o.LastErr != nil {
			m.Error = o.LastErr.Error()
		}
		all = append(all, m)
	}
	return all
}

// monitorSites are the sites as the monitor shows them.
func (s *service) monitorSites() []monitor.Site {
	l := s.content.live
	if l == nil {
		return []monitor.Site{{Name: "all hosts", Others: true, Routes: []monitor.Route{{Path: "/", Does: s.content.does, Where: "command line", Origins: s.content.states.shown()}}}}
	}
	var all []monitor.Site
	for _, t := range l.sites().all {
		site := monitor.Site{Name: hosts(t.conf), Others: len(t.conf.Names) == 0}
		for _, r := range t.routes {
			site.Routes = append(site.Routes, monitor.Route{
				Place: r.place, Path: r.conf.Path, Does: does(r.conf), Where: config.Place(l.run.File, r.conf.Line), Origins: r.backend.states.shown(),
			})
		}
		all = append(all, site)
	}
	return all
}

// monitorSettings are the parameters in force.
func (s *service) monitorSettings() []monitor.Setting {
	l := s.content.live
	if l == nil {
		return settingsOf(s.content.command, "", config.InForce(s.content.command, s.content.given))
	}
	f := l.sites().file
	if f == nil {
		return nil
	}
	all := settingsOf("server", l.run.File, f.InForce())
	for i := range f.Sites {
		site := &f.Sites[i]
		name := "site " + hosts(site)
		all = append(all, settingsOf(name, l.run.File, site.InForce())...)
		for j := range site.Routes {
			r := &site.Routes[j]
			all = append(all, settingsOf(name+", route "+r.Path, l.run.File, r.InForce())...)
		}
	}
	return all
}

func settingsOf(group, file string, all []config.Parameter) []monitor.Setting {
	var out []monitor.Setting
	for _, p := range all {
		m := monitor.Setting{Group: group, Key: p.Key, Value: p.Value, From: p.From, Help: p.Doc}
		switch {
		case p.Line > 0:
			m.From = config.Place(file, p.Line)
		case !p.Given:
			m.From = "default"
		}
		if m.Value == "" {
			m.Value = "unset"
		}
		out = append(out, m)
	}
	return out
}
