package monitor

import (
	"math"
	"net/http"
	"strings"
	"time"

	"freshet/internal/journal"
	"freshet/internal/metrics"
	"freshet/internal/monitor/ui"
	"freshet/internal/record"
)

// A figure is one number of the overview.
type figure struct {
	key, label string
	kind       kind
	value      float64
	limit      float64 // 0: none
	note       string
	level      ui.Level
	href       string
}

// recently is over how many seconds rates, shares and latencies are told.
const recently = 10

// figures are the numbers of this moment.
func (m *Monitor) figures() []figure {
	var all []figure
	if m.o.Metrics != nil {
		all = append(all, rates(m.o.Metrics.Last(metrics.Seconds, recently, nil))...)
		total := m.o.Metrics.Total()
		all = append(all, figure{key: "requests_total", label: "Requests so far", kind: count, value: float64(total.Requests), href: "/requests"},
			figure{key: "errors_total", label: "Errors so far", kind: count, value: float64(total.Classes[5]), note: "5xx", level: levelIf(total.Classes[5] > 0, ui.Warn), href: "/requests?status=5xx"})
		for _, g := range m.o.Metrics.Gauges() {
			all = append(all, gaugeFigure(&g))
		}
	}
	if f, ok := m.alertFigure(); ok {
		all = append(all, f)
	}
	return append(all,
		figure{key: "uptime", label: "Up for", kind: seconds, value: m.uptime().Truncate(time.Second).Seconds()},
		figure{key: "start_time", label: "Started", kind: instant, value: float64(m.o.Started.Unix())},
		figure{key: "config_age", label: "Configuration read", kind: seconds, value: m.o.Now().Sub(m.o.ConfigTime()).Truncate(time.Second).Seconds(), note: "ago", href: "/config"})
}

func gaugeFigure(g *metrics.Gauge) figure {
	f := figure{key: g.Name, label: title(g.Name), kind: count, value: g.Value()}
	switch g.Unit {
	case "bytes":
		f.kind = octets
	case "seconds":
		f.kind = seconds
	}
	if g.Limit != nil {
		if f.limit = g.Limit(); f.limit > 0 {
			f.note = "of " + f.kind.format(f.limit)
		}
	}
	return f
}

// title makes a label of a gauge's name.
func title(name string) string {
	name = strings.ReplaceAll(name, "_", " ")
	return strings.ToUpper(name[:1]) + name[1:]
}

func levelIf(is bool, l ui.Level) ui.Level {
	if is {
		return l
	}
	return ui.Plain
}

// rates are what the last seconds were like.
func rates(points []metrics.Point) []figure {
	var sum metrics.Point
	var p50, p99 float64
	covered := 0.0
	for i := range points {
		p := &points[i]
		covered += float64(p.Seconds)
		sum.Bytes += p.Bytes
		sum.Requests += p.Requests
		sum.Hits += p.Hits
		sum.Stale += p.Stale
		sum.Revalidated += p.Revalidated
		sum.Misses += p.Misses
		sum.Bypass += p.Bypass
		sum.Errors += p.Errors
		sum.ClientErrors += p.ClientErrors
		p50 += float64(p.P50) * float64(p.Requests)
		p99 = max(p99, float64(p.P99))
	}
	per := func(n float64) float64 { return n / max(covered, 1) }
	asked := float64(sum.Hits + sum.Stale + sum.Revalidated + sum.Misses + sum.Bypass)
	all := float64(sum.Requests)
	latency := func(us float64) float64 {
		if sum.Requests == 0 {
			return math.NaN()
		}
		return us / 1e6
	}
	return []figure{
		{key: "request_rate", label: "Requests", kind: rate, value: per(all), href: "/requests"},
		{key: "byte_rate", label: "Bytes", kind: octets, value: per(float64(sum.Bytes)), note: "per second"},
		{key: "hit_ratio", label: "Hits", kind: percent, value: of(float64(sum.Hits+sum.Stale+sum.Revalidated), asked), note: "of what caches were asked for", href: "/cache"},
		{key: "error_ratio", label: "Errors", kind: percent, value: of(float64(sum.Errors), all), note: "5xx", level: levelIf(sum.Errors > 0, ui.Bad), href: "/requests?status=5xx"},
		{key: "latency_p50", label: "Latency, median", kind: seconds, value: latency(p50 / max(all, 1))},
		{key: "latency_p99", label: "Latency, 99 %", kind: seconds, value: latency(p99)},
	}
}

// stat is a figure as a page has it.
func (f *figure) stat() ui.Stat {
	s := ui.Stat{Key: f.key, Label: f.label, Value: f.kind.format(f.value), Note: f.note, Href: f.href, Level: f.level}
	if f.limit > 0 {
		s.Gauge = &ui.Gauge{Value: f.value, Limit: f.limit}
	}
	return s
}

// overviewTable are the figures for programs.
func overviewTable(m *Monitor, _ *query) (*table, error) {
	all := m.figures()
	return &table{name: "overview", caption: "Figures", rows: len(all), columns: []column{
		{key: "name", title: "Name", text: func(row int) string { return all[row].key }},
		{key: "label", title: "Label", text: func(row int) string { return all[row].label }},
		{key: "unit", title: "Unit", text: func(row int) string { return units[all[row].kind] }},
		{key: "value", title: "Value", kind: words, num: func(row int) float64 { return all[row].value }},
		{key: "limit", title: "Limit", kind: words, num: func(row int) float64 {
			if all[row].limit > 0 {
				return all[row].limit
			}
			return math.NaN()
		}},
	}}, nil
}

// units are the names of what kinds count, for programs.
var units = map[kind]string{count: "", rate: "per second", octets: "bytes", seconds: "seconds", percent: "percent", instant: "seconds since 1970"}

func overviewView(m *Monitor, q *query) (*ui.View, error) {
	over, ok := resolutions[q.get("over")]
	if !ok {
		return nil, &badQuery{"over=" + q.get("over") + ": give hour, minutes or hours"}
	}
	v := &ui.View{Title: "Overview", Path: "/", Refresh: 5 * time.Second, Live: liveAddress("overview", nil)}
	now := &ui.Stats{}
	now.ID = "now"
	for _, f := range m.figures() {
		now.Items = append(now.Items, f.stat())
	}
	v.Sections = append(v.Sections, now)
	if m.o.Metrics != nil {
		points := m.o.Metrics.Last(over.res, over.points, nil)
		links := &ui.Text{}
		for _, name := range []string{"", "hour", "minutes", "hours"} {
			links.Links = append(links.Links, ui.Link{Text: resolutions[name].text, Href: q.with("over", name), Current: name == q.get("over")})
		}
		links.Links = append(links.Links, ui.Link{Text: "JSON", Href: q.seriesAddress(".json")}, ui.Link{Text: "CSV", Href: q.seriesAddress(".csv")})
		v.Sections = append(v.Sections, links)
		for i := 0; i+1 < len(charts); i += 2 {
			pair := &ui.Columns{}
			for j := range 2 {
				pair.Sections = append(pair.Sections, charts[i+j].chart(points, q.get("over") == ""))
			}
			v.Sections = append(v.Sections, pair)
		}
	}
	if m.o.Metrics != nil {
		v.Sections = append(v.Sections, m.tallySections())
	}
	if m.o.Journal != nil {
		failed := requestTable(m.o.Journal.Latest(10, isError))
		failed.name, failed.caption, failed.empty = "errors", "Last errors", "No error that is still known."
		w := &window{limit: 10}
		section := failed.html(&query{page: "/requests", values: map[string][]string{"status": {"5xx"}}}, w)
		section.ID, section.Total = "last-errors", 0
		v.Sections = append(v.Sections, section)
	}
	return v, nil
}

// isError reports whether a request went wrong on our side.
func isError(e *journal.Entry) bool { return e.Status >= 500 }

// overviewEvents brings new figures, and a point for each chart.
func overviewEvents(m *Monitor, _ *query) (func(dst []byte, now time.Time) []byte, error) {
	return func(dst []byte, _ time.Time) []byte {
		stats := ui.StatsEvent{}
		for _, f := range m.figures() {
			s := f.stat()
			stat := ui.LiveStat{Text: s.Value, Note: s.Note, Level: s.Level, Limit: f.limit}
			if finite(f.value) {
				stat.Value = f.value
			}
			stats[f.key] = stat
		}
		dst = appendEvent(dst, ui.EventStats, 0, stats)
		if m.o.Metrics == nil {
			return dst
		}
		points := m.o.Metrics.Last(metrics.Seconds, 1, nil)
		for i := range charts {
			for _, p := range points {
				e := ui.ChartEvent{Chart: charts[i].id, Time: p.Time}
				for _, l := range charts[i].lines {
					e.Values = append(e.Values, ui.Reading(l.of(&p)))
				}
				dst = appendEvent(dst, ui.EventChart, 0, e)
			}
		}
		return dst
	}, nil
}

// metricsKey is the key of the answer for Prometheus among those that are
// shared.
const metricsKey = "metrics"

// serveMetrics answers in the text format of Prometheus, 0.0.4.
func (m *Monitor) serveMetrics(w http.ResponseWriter, r *http.Request) {
	if m.o.Metrics == nil {
		fail(w, r, http.StatusNotFound, "Nothing is counted.")
		return
	}
	a, err := m.shared.get(metricsKey, func() (*answer, error) {
		names := m.placeNames()
		b := m.o.Metrics.AppendPrometheus(nil, func(place uint16) string {
			if name, ok := names[place]; ok {
				return name
			}
			return "gone-" + number(int(place)) // no configuration has it any more
		})
		return newAnswer(http.StatusOK, exports[".prom"].contentType, b), nil
	})
	if err != nil {
		failAs(w, r, err)
		return
	}
	a.send(w, r)
}

// hitRatio is the share of hits in what caches were asked for.
func hitRatio(c *metrics.Counts) float64 {
	v := &c.Verdicts
	hits := v[record.Hit] + v[record.Stale] + v[record.Revalidated]
	return of(float64(hits), float64(hits+v[record.Miss]+v[record.Bypass]))
}
