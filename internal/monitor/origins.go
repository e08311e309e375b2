package monitor

import (
	"math"
	"slices"
	"time"

	"freshet/internal/journal"
	"freshet/internal/monitor/ui"
)

// lately is what the latest requests say of an origin.
type lately struct {
	asked, failed int
	waits         []int64 // nanoseconds until its answers began
}

// origins sums up, by origin, the requests that are still known.
func (m *Monitor) origins() map[string]*lately {
	all := map[string]*lately{}
	if m.o.Journal == nil {
		return all
	}
	m.o.Journal.Latest(1, func(e *journal.Entry) bool {
		if e.Detail == nil || e.Detail.Origin == "" {
			return false
		}
		l := all[e.Detail.Origin]
		if l == nil {
			l = &lately{}
			all[e.Detail.Origin] = l
		}
		switch asked, failed := e.OfOrigin(); {
		case !asked:
			return false
		case failed:
			l.failed++
		default:
			l.waits = append(l.waits, e.Detail.Wait)
		}
		l.asked++
		return false
	})
	for _, l := range all {
		slices.Sort(l.waits)
	}
	return all
}

// wait is a quantile of the waits, in seconds.
func (l *lately) wait(q float64) float64 {
	if l == nil || len(l.waits) == 0 {
		return math.NaN()
	}
	return float64(l.waits[int(q*float64(len(l.waits)-1))]) / 1e9
}

func (l *lately) errors() float64 {
	if l == nil {
		return math.NaN()
	}
	return of(float64(l.failed), float64(l.asked))
}

// originsTable are the origins of all routes.
func originsTable(m *Monitor, _ *query) (*table, error) {
	type originOf struct {
		route string
		Origin
	}
	var all []originOf
	known := m.origins()
	for _, s := range m.sites() {
		for _, r := range s.Routes {
			for _, o := range r.Origins {
				all = append(all, originOf{s.Name + r.Path, o})
			}
		}
	}
	return &table{name: "origins", caption: "Origins", empty: "No origins.", rows: len(all), columns: []column{
		{key: "origin", title: "Origin", mono: true, wide: true, text: func(row int) string { return all[row].URL }},
		{key: "route", title: "Route", text: func(row int) string { return all[row].route }},
		{key: "circuit", title: "Circuit", badge: true, help: "closed: it is asked; open: it failed and is left alone; half-open: one request tries it.",
			text: func(row int) string { return all[row].Circuit },
			more: func(row int, c *ui.Cell) {
				c.Level = ui.Good
				if c.Text != "closed" {
					c.Level = ui.Bad
				}
			}},
		{key: "fails", title: "Failures", kind: count, down: true, help: "In a row.", num: func(row int) float64 { return float64(all[row].Fails) }},
		{key: "requests", title: "Requests", kind: count, down: true, help: "That were sent to it, repeated ones included.", num: func(row int) float64 { return float64(all[row].Requests) }},
		{key: "error_ratio", title: "Errors", kind: percent, down: true, help: "No answer, or one of 5xx, to the latest requests for it that are still known.",
			num: func(row int) float64 { return known[all[row].URL].errors() }},
		{key: "wait_p50", title: "Wait, median", kind: seconds, down: true, help: "Until its answers began, of the latest that are still known.",
			num: func(row int) float64 { return known[all[row].URL].wait(0.5) }},
		{key: "wait_p99", title: "Wait, 99 %", kind: seconds, down: true, num: func(row int) float64 { return known[all[row].URL].wait(0.99) }},
		{key: "active", title: "Requests now", kind: count, down: true, num: func(row int) float64 { return float64(all[row].Active) }},
		{key: "until", title: "Left alone until", kind: instant, num: func(row int) float64 {
			if all[row].Until.IsZero() {
				return math.NaN()
			}
			return float64(all[row].Until.UnixMilli()) / 1e3
		}},
		{key: "error", title: "Last failure", wide: true, text: func(row int) string { return all[row].Error }},
	}}, nil
}

func originsView(m *Monitor, q *query) (*ui.View, error) {
	v := &ui.View{Title: "Origins & sites", Path: "/origins", Refresh: 5 * time.Second}
	for _, one := range []struct {
		page string
		of   func(*Monitor, *query) (*table, error)
	}{{"/routes", routesTable}, {"/origins", originsTable}} {
		t, err := one.of(m, q)
		if err != nil {
			return nil, err
		}
		// Both tables have the page's sort column, as far as they have it.
		own := *q
		if t.column(q.get("sort")) == nil {
			own.values = nil
		}
		w, err := own.window(t)
		if err != nil {
			return nil, err
		}
		section := t.html(q, w)
		for i, f := range section.Formats {
			section.Formats[i].Href = (&query{page: one.page, values: own.values}).as(map[string]string{"JSON": ".json", "CSV": ".csv", "Prometheus": ".prom"}[f.Text])
		}
		v.Sections = append(v.Sections, section)
	}
	return v, nil
}
