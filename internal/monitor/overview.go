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
	return append(all,
		figure{key: "uptime", label: "Up for", kind: seconds, value: m.uptime().Truncate(time.Second).Seconds(), note: "since " + m.o.Started.UTC().Format("2006-01-02 15:04 MST")},
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
		{key: "latency_p99", label: "Latency, slowest 1 %", kind: seconds, value: latency(p99)},
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
var units = map[kind]string{count: "", rate: "per second", octets: "bytes", seconds: "seconds", percent: "percent"}

// A lineSpec is a line of a chart.
type lineSpec struct {
	name  string
	level ui.Level
	of    func(p *metrics.Point) float64
}

// A chartSpec is a chart of the series.
type chartSpec struct {
	id, title string
	unit      ui.Unit
	stacked   bool
	max       float64
	lines     []lineSpec
}

// perSecond makes a rate of a count.
func perSecond(n uint32, p *metrics.Point) float64 { return float64(n) / float64(max(p.Seconds, 1)) }

// micros is a latency, unknown when nothing was asked for.
func micros(p *metrics.Point, us float64) float64 {
	if p.Requests == 0 {
		return math.NaN()
	}
	return us / 1e6
}

var charts = []chartSpec{
	{"requests", "Requests", ui.PerSecond, true, 1, []lineSpec{
		{"hit", ui.Good, func(p *metrics.Point) float64 { return perSecond(p.Hits, p) }},
		{"revalidated", ui.Plain, func(p *metrics.Point) float64 { return perSecond(p.Revalidated, p) }},
		{"stale", ui.Warn, func(p *metrics.Point) float64 { return perSecond(p.Stale, p) }},
		{"miss", ui.Info, func(p *metrics.Point) float64 { return perSecond(p.Misses, p) }},
		{"bypass", ui.Plain, func(p *metrics.Point) float64 { return perSecond(p.Bypass, p) }},
		{"file or handler", ui.Plain, func(p *metrics.Point) float64 { return perSecond(p.Files+p.Handled, p) }},
		{"refused", ui.Bad, func(p *metrics.Point) float64 { return perSecond(p.Refused, p) }},
	}},
	{"latency", "Latency", ui.Seconds, false, 0, []lineSpec{
		{"median", ui.Plain, func(p *metrics.Point) float64 { return micros(p, float64(p.P50)) }},
		{"90 %", ui.Plain, func(p *metrics.Point) float64 { return micros(p, float64(p.P90)) }},
		{"99 %", ui.Plain, func(p *metrics.Point) float64 { return micros(p, float64(p.P99)) }},
	}},
	{"bytes", "Bytes sent", ui.BytesPerSecond, false, 1000, []lineSpec{
		{"bytes", ui.Plain, func(p *metrics.Point) float64 { return float64(p.Bytes) / float64(max(p.Seconds, 1)) }},
	}},
	{"errors", "Errors", ui.PerSecond, true, 1, []lineSpec{
		{"5xx", ui.Bad, func(p *metrics.Point) float64 { return perSecond(p.Errors, p) }},
		{"4xx", ui.Warn, func(p *metrics.Point) float64 { return perSecond(p.ClientErrors, p) }},
		{"cut", ui.Plain, func(p *metrics.Point) float64 { return perSecond(p.Cut, p) }},
	}},
	{"connections", "Connections", ui.Count, false, 1, []lineSpec{
		{"open", ui.Plain, func(p *metrics.Point) float64 { return float64(p.Conns) }},
	}},
	{"memory", "Memory", ui.Bytes, false, 1e6, []lineSpec{
		{"process", ui.Plain, func(p *metrics.Point) float64 { return float64(p.Memory) }},
		{"cache", ui.Good, func(p *metrics.Point) float64 { return float64(p.Cache) }},
	}},
}

// resolutions are the words for them in addresses.
var resolutions = map[string]struct {
	res    metrics.Resolution
	points int
	text   string
}{
	"":        {metrics.Seconds, 300, "Last 5 minutes"},
	"hour":    {metrics.Seconds, 3600, "Last hour"},
	"minutes": {metrics.Minutes, 1440, "Last day"},
	"hours":   {metrics.Hours, 168, "Last 7 days"},
}

// maxChartPoints bounds the points of a chart in a page, which has to stay
// light; with more, each stands for several.
const maxChartPoints = 300

// chart draws a chart of points.
func (c *chartSpec) chart(points []metrics.Point, live bool) *ui.Chart {
	step := (len(points) + maxChartPoints - 1) / maxChartPoints
	u := &ui.Chart{Unit: c.unit, Stacked: c.stacked, Max: c.max, Live: live, Interactive: true, Keep: maxChartPoints}
	u.ID, u.Title = c.id, c.title
	u.Series = make([]ui.Series, len(c.lines))
	for j, l := range c.lines {
		u.Series[j] = ui.Series{Name: l.name, Level: l.level}
	}
	for i := 0; i < len(points); i += max(1, step) {
		group := points[i:min(i+max(1, step), len(points))]
		u.Times = append(u.Times, group[0].Time)
		for j, l := range c.lines {
			u.Series[j].Values = append(u.Series[j].Values, mean(group, l.of))
		}
	}
	return u
}

// mean is the mean of what is known.
func mean(points []metrics.Point, of func(*metrics.Point) float64) float64 {
	sum, n := 0.0, 0
	for i := range points {
		if v := of(&points[i]); !math.IsNaN(v) {
			sum, n = sum+v, n+1
		}
	}
	if n == 0 {
		return math.NaN()
	}
	return sum / float64(n)
}

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

func (q *query) seriesAddress(suffix string) string {
	return (&query{page: "/series", values: q.values}).as(suffix)
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
	t := &table{name: "series", caption: over.text, rows: len(points)}
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
		b := m.o.Metrics.AppendPrometheus(nil, func(place uint16) string { return names[place] })
		return newAnswer(http.StatusOK, exports[".prom"].contentType, b), nil
	})
	if err != nil {
		failAs(w, r, err)
		return
	}
	a.send(w, r)
}

// verdictCounts are the requests of a place by verdict, as shares of those that
// a cache was asked for.
func hitRatio(c *metrics.Counts) float64 {
	v := &c.Verdicts
	hits := v[record.Hit] + v[record.Stale] + v[record.Revalidated]
	return of(float64(hits), float64(hits+v[record.Miss]+v[record.Bypass]))
}
