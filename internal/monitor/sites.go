package monitor

import (
	"math"
	"time"

	"freshet/internal/metrics"
	"freshet/internal/monitor/ui"
)

// A Site is a site of the configuration.
type Site struct {
	Name   string // its hosts: "example.org, www.example.org"
	Others bool   // it is for all hosts that no other has
	Routes []Route
}

// A Route is what some paths of a site have.
type Route struct {
	Place   uint16 // that its requests are counted under
	Path    string
	Does    string // "static /srv/www"
	Where   string // in the configuration: "freshet.toml:12"
	Origins []Origin
}

// An Origin is a server that requests are passed on to.
type Origin struct {
	URL      string
	Circuit  string // "closed", "open" or "half-open"
	Fails    int    // in a row
	Until    time.Time
	Error    string // that it failed with last
	Active   int    // requests that it answers now
	Requests uint64 // that were sent to it
}

// A Setting is a parameter of the configuration.
type Setting struct {
	Group string // "server", "site example.org", "route /"
	Key   string
	Value string
	From  string // "freshet.toml:12", "--listen", "FRESHET_LISTEN", "default"
	Help  string // what it means
}

// sites returns those of the configuration.
func (m *Monitor) sites() []Site {
	if m.o.Sites == nil {
		return nil
	}
	return m.o.Sites()
}

// placeNames are the names of routes in metrics.
func (m *Monitor) placeNames() map[uint16]string {
	names := map[uint16]string{0: "none"} // what no route answered
	for _, s := range m.sites() {
		name := s.Name
		if s.Others {
			name = "*"
		}
		for _, r := range s.Routes {
			names[r.Place] = name + r.Path
		}
	}
	return names
}

// placeOf is a route with what was counted for it.
type placeOf struct {
	site string
	Route
	counts metrics.Counts
}

// routesTable are the routes of all sites with their traffic.
func routesTable(m *Monitor, _ *query) (*table, error) {
	var all []placeOf
	for _, s := range m.sites() {
		for _, r := range s.Routes {
			p := placeOf{site: s.Name, Route: r}
			if m.o.Metrics != nil {
				p.counts = m.o.Metrics.Place(r.Place)
			}
			all = append(all, p)
		}
	}
	quantile := func(q float64) func(row int) float64 {
		return func(row int) float64 {
			if all[row].counts.Requests == 0 {
				return math.NaN()
			}
			return all[row].counts.Latency.Quantile(q).Seconds()
		}
	}
	return &table{name: "routes", caption: "Sites and routes", empty: "No sites.", rows: len(all), columns: []column{
		{key: "site", title: "Site", text: func(row int) string { return all[row].site }},
		{key: "path", title: "Path", mono: true, text: func(row int) string { return all[row].Path }},
		{key: "does", title: "Serves", wide: true, text: func(row int) string { return all[row].Does }},
		{key: "requests", title: "Requests", kind: count, down: true, num: func(row int) float64 { return float64(all[row].counts.Requests) }},
		{key: "bytes", title: "Bytes", kind: octets, down: true, num: func(row int) float64 { return float64(all[row].counts.Bytes) }},
		{key: "hits", title: "Hits", kind: percent, down: true, help: "Of what a cache was asked for.", num: func(row int) float64 { return hitRatio(&all[row].counts) }},
		{key: "client_errors", title: "4xx", kind: count, down: true, num: func(row int) float64 { return float64(all[row].counts.Classes[4]) }},
		{key: "errors", title: "5xx", kind: count, down: true,
			num:  func(row int) float64 { return float64(all[row].counts.Classes[5]) },
			more: func(row int, c *ui.Cell) { c.Level = levelIf(all[row].counts.Classes[5] > 0, ui.Bad) }},
		{key: "p50", title: "Median", kind: seconds, down: true, num: quantile(0.5)},
		{key: "p99", title: "99 %", kind: seconds, down: true, num: quantile(0.99)},
		{key: "where", title: "Configured", mono: true, text: func(row int) string { return all[row].Where }},
	}}, nil
}
