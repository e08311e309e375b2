package metrics

import (
	"math"
	"strconv"
	"strings"
	"time"

	"freshet/internal/record"
)

// ContentType is the media type of what AppendPrometheus appends.
const ContentType = "text/plain; version=0.0.4; charset=utf-8"

// Other is the name of the last place, which counts what has none of its own.
const Other = "other"

// classNames are the values of the label status.
var classNames = [6]string{"cut", "1xx", "2xx", "3xx", "4xx", "5xx"}

// route is what the places of one name have counted.
type route struct {
	name     string
	counts   Counts
	outcomes outcomes
}

// routes returns the places that have counted anything. Places of one name are
// added up: a series may have one value only.
func (m *Metrics) routes(placeName func(uint16) string) []*route {
	var all []*route
	byName := map[string]*route{}
	for n := range uint16(m.places) {
		var sum Counts
		var o outcomes
		if m.place(n, &sum, &o); sum.Requests == 0 {
			continue
		}
		name := Other
		if uint(n) < m.places-1 || m.places == 1 {
			name = placeName(n)
		}
		r := byName[name]
		if r == nil {
			r = &route{name: name}
			byName[name] = r
			all = append(all, r)
		}
		r.counts.Bytes += sum.Bytes
		r.counts.Latency.Merge(&sum.Latency)
		r.counts.add(&o)
		for v := range o {
			for class, n := range &o[v] {
				r.outcomes[v][class] += n
			}
		}
	}
	return all
}

// AppendPrometheus appends everything that is counted, and the gauges, in the
// text format 0.0.4 of Prometheus. placeName gives the value of the label route
// for a place. Routes, classes and verdicts without requests are left out. The
// lines with UNIT are OpenMetrics', and comments to others.
func (m *Metrics) AppendPrometheus(dst []byte, placeName func(uint16) string) []byte {
	routes := m.routes(placeName)
	dst = appendFamily(dst, "freshet_requests_total", "counter", "", "Requests that were answered, refused or cut, by route, status class and verdict")
	for _, r := range routes {
		for v := range r.outcomes {
			for class, name := range classNames {
				if n := r.outcomes[v][class]; n > 0 {
					dst = appendSample(dst, "freshet_requests_total", float64(n), "route", r.name, "status", name, "verdict", record.Verdict(v).String())
				}
			}
		}
	}
	dst = appendFamily(dst, "freshet_response_body_bytes_total", "counter", "bytes", "Bytes of bodies that were sent")
	for _, r := range routes {
		dst = appendSample(dst, "freshet_response_body_bytes_total", float64(r.counts.Bytes), "route", r.name)
	}
	dst = appendFamily(dst, "freshet_request_duration_seconds", "histogram", "seconds", "Time from when a request was read until its last byte was handed to the kernel")
	for _, r := range routes {
		dst = appendHistogram(dst, "freshet_request_duration_seconds", r.name, &r.counts.Latency)
	}
	for _, g := range m.Gauges() {
		dst = appendGauge(dst, &g)
	}
	return dst
}

// appendHistogram appends buckets that each are four times as wide as the one
// before, from 1.024 µs to 68.7 s.
func appendHistogram(dst []byte, name, route string, h *Histogram) []byte {
	var below uint64
	bucket := 0
	for end := uint64(1) << least; end < 1<<most; end *= 4 {
		for ; upper(bucket) <= end; bucket++ {
			below += h.n[bucket]
		}
		le := strconv.FormatFloat(time.Duration(end).Seconds(), 'g', -1, 64)
		dst = appendSample(dst, name+"_bucket", float64(below), "route", route, "le", le)
	}
	for ; bucket < buckets; bucket++ {
		below += h.n[bucket]
	}
	dst = appendSample(dst, name+"_bucket", float64(below), "route", route, "le", "+Inf")
	dst = appendSample(dst, name+"_sum", float64(h.sum)/float64(time.Second), "route", route)
	return appendSample(dst, name+"_count", float64(below), "route", route)
}

func appendGauge(dst []byte, g *Gauge) []byte {
	name, kind, suffix := "freshet_"+g.Name, "gauge", ""
	if g.Counter {
		name, kind, suffix = strings.TrimSuffix(name, "_total"), "counter", "_total"
	}
	if g.Unit != "" && !strings.HasSuffix(name, "_"+g.Unit) {
		name += "_" + g.Unit
	}
	dst = appendFamily(dst, name+suffix, kind, g.Unit, g.Help)
	dst = appendSample(dst, name+suffix, g.Value())
	if g.Limit == nil {
		return dst
	}
	limit := "freshet_" + strings.TrimSuffix(strings.TrimPrefix(name, "freshet_"), "_"+g.Unit) + "_limit"
	if g.Unit != "" {
		limit += "_" + g.Unit
	}
	dst = appendFamily(dst, limit, "gauge", g.Unit, "The limit of "+name+suffix)
	return appendSample(dst, limit, g.Limit())
}

// appendFamily appends what comes before the samples of one name.
func appendFamily(dst []byte, name, kind, unit, help string) []byte {
	dst = append(dst, "# HELP "+name+" "...)
	dst = appendEscaped(dst, help, false)
	dst = append(dst, "\n# TYPE "+name+" "+kind+"\n"...)
	if unit != "" {
		dst = append(dst, "# UNIT "+strings.TrimSuffix(name, "_total")+" "+unit+"\n"...)
	}
	return dst
}

// appendSample appends one line; labels are names and values in turn.
func appendSample(dst []byte, name string, value float64, labels ...string) []byte {
	dst = append(dst, name...)
	for i := 0; i < len(labels); i += 2 {
		dst = append(dst, "{,"[min(i, 1)])
		dst = append(dst, labels[i]+`="`...)
		dst = appendEscaped(dst, labels[i+1], true)
		dst = append(dst, '"')
	}
	if len(labels) > 0 {
		dst = append(dst, '}')
	}
	dst = append(dst, ' ')
	switch {
	case math.IsInf(value, 1):
		dst = append(dst, "+Inf"...)
	case value == math.Trunc(value) && math.Abs(value) < 1<<53:
		dst = strconv.AppendInt(dst, int64(value), 10)
	default: // "NaN" and "-Inf" are as the format has them
		dst = strconv.AppendFloat(dst, value, 'g', -1, 64)
	}
	return append(dst, '\n')
}

// appendEscaped appends the text of a label's value, or of a HELP line, which
// has its quotes as they are.
func appendEscaped(dst []byte, s string, label bool) []byte {
	for _, r := range s { // what is no UTF-8 becomes U+FFFD
		switch {
		case r == '\\':
			dst = append(dst, `\\`...)
		case r == '\n':
			dst = append(dst, `\n`...)
		case r == '"' && label:
			dst = append(dst, `\"`...)
		default:
			dst = append(dst, string(r)...)
		}
	}
	return dst
}
