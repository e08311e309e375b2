package monitor

import (
	"math"

	"freshet/internal/metrics"
	"freshet/internal/monitor/ui"
	"freshet/internal/record"
)

// A tally is how many requests came to something.
type tally struct {
	name         string
	level        ui.Level
	all          uint64 // since the start
	share        float64
	now          float64 // a second, lately
	query, value string  // of the requests page
}

// tallies are requests by verdict, or by the class of their status code.
func (m *Monitor) tallies(classes bool) []tally {
	if m.o.Metrics == nil {
		return nil
	}
	total := m.o.Metrics.Total()
	lately := m.o.Metrics.Last(metrics.Seconds, recently, nil)
	rateOf := func(of func(*metrics.Point) float64) float64 { return mean(lately, of) }
	var all []tally
	add := func(t tally, n uint64) {
		t.all, t.share = n, of(float64(n), float64(total.Requests))
		all = append(all, t)
	}
	if classes {
		add(tally{name: "1xx", query: "status", value: "1xx", now: math.NaN()}, total.Classes[1])
		add(tally{name: "2xx", query: "status", value: "2xx", now: math.NaN()}, total.Classes[2])
		add(tally{name: "3xx", query: "status", value: "3xx", now: math.NaN()}, total.Classes[3])
		add(tally{name: "4xx", level: ui.Warn, query: "status", value: "4xx", now: rateOf(func(p *metrics.Point) float64 { return perSecond(p.ClientErrors, p) })}, total.Classes[4])
		add(tally{name: "5xx", level: ui.Bad, query: "status", value: "5xx", now: rateOf(func(p *metrics.Point) float64 { return perSecond(p.Errors, p) })}, total.Classes[5])
		add(tally{name: "cut", level: ui.Bad, query: "status", value: "cut", now: rateOf(func(p *metrics.Point) float64 { return perSecond(p.Cut, p) })}, total.Classes[0])
		return all
	}
	rates := map[record.Verdict]func(p *metrics.Point) uint32{
		record.Handled: func(p *metrics.Point) uint32 { return p.Handled }, record.File: func(p *metrics.Point) uint32 { return p.Files },
		record.Hit: func(p *metrics.Point) uint32 { return p.Hits }, record.Stale: func(p *metrics.Point) uint32 { return p.Stale },
		record.Revalidated: func(p *metrics.Point) uint32 { return p.Revalidated }, record.Miss: func(p *metrics.Point) uint32 { return p.Misses },
		record.Bypass: func(p *metrics.Point) uint32 { return p.Bypass }, record.Refused: func(p *metrics.Point) uint32 { return p.Refused },
	}
	for v := range record.NumVerdicts {
		now := rateOf(func(p *metrics.Point) float64 { return perSecond(rates[v](p), p) })
		add(tally{name: v.String(), level: verdictLevel(v), query: "verdict", value: v.String(), now: now}, total.Verdicts[v])
	}
	return all
}

// tallyTable shows tallies.
func tallyTable(name, caption, column1 string, all []tally) *table {
	return &table{name: name, caption: caption, rows: len(all), columns: []column{
		{key: "name", title: column1, badge: true, text: func(row int) string { return all[row].name }, more: func(row int, c *ui.Cell) {
			c.Level, c.Href = all[row].level, "/requests?"+all[row].query+"="+all[row].value
		}},
		{key: "now", title: "Now", kind: rate, help: "A second, in the last ten.", num: func(row int) float64 { return all[row].now }},
		{key: "total", title: "So far", kind: count, num: func(row int) float64 { return float64(all[row].all) }},
		{key: "share", title: "Share", kind: percent, help: "Of all requests so far.", num: func(row int) float64 { return all[row].share }},
	}}
}

func verdictsTable(m *Monitor, _ *query) (*table, error) {
	return tallyTable("verdicts", "What requests came to", "Verdict", m.tallies(false)), nil
}

func statusesTable(m *Monitor, _ *query) (*table, error) {
	return tallyTable("statuses", "Status codes", "Status", m.tallies(true)), nil
}

// tallySections are both tables, beside each other.
func (m *Monitor) tallySections() ui.Section {
	pair := &ui.Columns{}
	for _, one := range []struct {
		page string
		of   func(*Monitor, *query) (*table, error)
	}{{"/verdicts", verdictsTable}, {"/statuses", statusesTable}} {
		t, err := one.of(m, nil)
		if err != nil {
			continue
		}
		for i := range t.columns {
			t.columns[i].plain = true
		}
		section := t.html(&query{page: one.page}, &window{limit: t.rows})
		section.Total = 0
		pair.Sections = append(pair.Sections, section)
	}
	return pair
}
