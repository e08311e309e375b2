package monitor

import (
	"freshet/internal/metrics"
	"freshet/internal/monitor/ui"
)

func (q *query) seriesAddress(suffix string) string {
	return (&query{page: "/series", values: q.values}).as(suffix)
}

// seriesTable is the past.
func seriesTable(m *Monitor, q *query) (*table, error) {
	over, ok := resolutions[q.get("over")]
	if !ok {
		return nil, &badQuery{"over=" + q.get("over") + ": give hour, minutes or hours"}
	}
	var points []metrics.Point
	if m.o.Metrics != nil {
		points = m.o.Metrics.Last(over.res, over.points, nil)
	}
	t := &table{name: "series", past: true, caption: over.text, rows: len(points)}
	add := func(key string, k kind, of func(p *metrics.Point) float64) {
		t.columns = append(t.columns, column{key: key, title: title(key), kind: k, num: func(row int) float64 { return of(&points[row]) }})
	}
	add("time", instant, func(p *metrics.Point) float64 { return float64(p.Time) })
	add("covered", seconds, func(p *metrics.Point) float64 { return float64(p.Seconds) })
	for _, c := range []struct {
		key string
		of  func(p *metrics.Point) uint32
	}{
		{"requests", func(p *metrics.Point) uint32 { return p.Requests }},
		{"hits", func(p *metrics.Point) uint32 { return p.Hits }},
		{"stale", func(p *metrics.Point) uint32 { return p.Stale }},
		{"revalidated", func(p *metrics.Point) uint32 { return p.Revalidated }},
		{"misses", func(p *metrics.Point) uint32 { return p.Misses }},
		{"bypass", func(p *metrics.Point) uint32 { return p.Bypass }},
		{"files", func(p *metrics.Point) uint32 { return p.Files }},
		{"handled", func(p *metrics.Point) uint32 { return p.Handled }},
		{"refused", func(p *metrics.Point) uint32 { return p.Refused }},
		{"cut", func(p *metrics.Point) uint32 { return p.Cut }},
		{"client_errors", func(p *metrics.Point) uint32 { return p.ClientErrors }},
		{"errors", func(p *metrics.Point) uint32 { return p.Errors }},
		{"connections", func(p *metrics.Point) uint32 { return p.Conns }},
	} {
		add(c.key, count, func(p *metrics.Point) float64 { return float64(c.of(p)) })
	}
	add("bytes", octets, func(p *metrics.Point) float64 { return float64(p.Bytes) })
	add("memory", octets, func(p *metrics.Point) float64 { return float64(p.Memory) })
	add("cache_memory", octets, func(p *metrics.Point) float64 { return float64(p.Cache) })
	add("cache_disk", octets, func(p *metrics.Point) float64 { return float64(p.Disk) })
	add("p50", seconds, func(p *metrics.Point) float64 { return micros(p, float64(p.P50)) })
	add("p90", seconds, func(p *metrics.Point) float64 { return micros(p, float64(p.P90)) })
	add("p99", seconds, func(p *metrics.Point) float64 { return micros(p, float64(p.P99)) })
	return t, nil
}

func seriesView(m *Monitor, q *query) (*ui.View, error) {
	t, err := seriesTable(m, q)
	if err != nil {
		return nil, err
	}
	w, err := q.window(t)
	if err != nil {
		return nil, err
	}
	return &ui.View{Title: "Series", Up: ui.Link{Text: "Overview", Href: "/"}, Sections: []ui.Section{t.html(q, w)}}, nil
}
