package monitor

import (
	"math"

	"freshet/internal/metrics"
	"freshet/internal/monitor/ui"
)

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
