package metrics

import (
	"fmt"
	"maps"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"freshet/internal/record"
)

// exposition is what a strict reader makes of the text format.
type exposition struct {
	types   map[string]string  // of families
	samples map[string]float64 // by name and labels, as written
	faults  []string
}

var (
	commentLine = regexp.MustCompile(`^# (HELP|TYPE|UNIT) ([a-z][a-z0-9_]*) (.+)$`)
	sampleLine  = regexp.MustCompile(`^([a-z][a-z0-9_]*)(?:\{((?:[a-z]+="(?:[^"\\]|\\[\\"n])*",?)+)\})? (-?[0-9.e+-]+|NaN|[+-]Inf)$`)
	oneLabel    = regexp.MustCompile(`([a-z]+)="((?:[^"\\]|\\[\\"n])*)"(,|$)`)
	units       = []string{"bytes", "seconds"}
)

// parse reads text by the rules of the format: HELP, TYPE and UNIT once and
// before all samples of their family, which stand together; no sample twice;
// counters end in _total, units in the name; buckets that grow and end in +Inf.
func parse(text string) *exposition {
	e := &exposition{types: map[string]string{}, samples: map[string]float64{}}
	fault := func(format string, args ...any) { e.faults = append(e.faults, fmt.Sprintf(format, args...)) }
	body, ok := strings.CutSuffix(text, "\n")
	if !ok {
		fault("no line feed at the end")
	}
	current := ""
	helped := map[string]bool{}
	for line := range strings.SplitSeq(body, "\n") {
		if m := commentLine.FindStringSubmatch(line); m != nil {
			switch m[1] {
			case "HELP":
				if helped[m[2]] {
					fault("HELP twice: %s", line)
				}
				helped[m[2]], current = true, m[2]
			case "TYPE":
				if current != m[2] || e.types[m[2]] != "" {
					fault("TYPE not after HELP, or twice: %s", line)
				}
				if (m[3] == "counter") != strings.HasSuffix(m[2], "_total") {
					fault("a counter ends in _total, and nothing else does: %s", line)
				}
				e.types[m[2]] = m[3]
			case "UNIT":
				if strings.TrimSuffix(current, "_total") != m[2] || !slices.Contains(units, m[3]) || !strings.HasSuffix(m[2], "_"+m[3]) {
					fault("UNIT: %s", line)
				}
			}
			continue
		}
		m := sampleLine.FindStringSubmatch(line)
		if m == nil {
			fault("not a line of the format: %q", line)
			continue
		}
		family := m[1]
		if e.types[current] == "histogram" {
			for _, suffix := range []string{"_bucket", "_sum", "_count"} {
				family = strings.TrimSuffix(family, suffix)
			}
		}
		if family != current || e.types[current] == "" {
			fault("a sample apart from its family: %s", line)
		}
		value, err := strconv.ParseFloat(m[3], 64)
		if err != nil || e.types[current] != "gauge" && !(value >= 0) {
			fault("value of %s: %v", line, err)
		}
		labels := map[string]bool{}
		for _, l := range oneLabel.FindAllStringSubmatch(m[2], -1) {
			if labels[l[1]] {
				fault("a label twice: %s", line)
			}
			labels[l[1]] = true
		}
		key := line[:strings.LastIndexByte(line, ' ')]
		if _, twice := e.samples[key]; twice {
			fault("a series twice: %s", line)
		}
		e.samples[key] = value
	}
	e.checkHistograms(fault)
	return e
}

func (e *exposition) checkHistograms(fault func(string, ...any)) {
	le := regexp.MustCompile(`^(.*)_bucket\{(.*),le="([^"]*)"\}$`)
	type bucket struct{ le, count float64 }
	all := map[string][]bucket{}
	for key, n := range e.samples {
		if m := le.FindStringSubmatch(key); m != nil {
			end, err := strconv.ParseFloat(m[3], 64)
			if err != nil {
				fault("le of %s", key)
			}
			all[m[1]+"|"+m[2]] = append(all[m[1]+"|"+m[2]], bucket{end, n})
		}
	}
	for key, list := range all {
		slices.SortFunc(list, func(a, b bucket) int { return int(math.Copysign(1, a.le-b.le)) })
		for i := 1; i < len(list); i++ {
			if list[i].count < list[i-1].count {
				fault("%s: buckets shrink at %v", key, list[i].le)
			}
		}
		name, labels, _ := strings.Cut(key, "|")
		last := list[len(list)-1]
		if count, ok := e.samples[name+"_count{"+labels+"}"]; !ok || !math.IsInf(last.le, 1) || last.count != count {
			fault("%s: the last bucket is %v, the count %v", key, last, count)
		}
		if _, ok := e.samples[name+"_sum{"+labels+"}"]; !ok {
			fault("%s has no sum", key)
		}
	}
}

func names(n uint16) string { return []string{"/", `a"b\c` + "\n", "/", "no\xffutf8", "unused"}[n] }

func TestPrometheus(t *testing.T) {
	m := New(Options{Places: 6})
	add := func(place uint16, status int, v record.Verdict, d time.Duration) {
		m.Record(&record.Record{Place: place, Status: status, Verdict: v, Bytes: 1000, Duration: int64(d)})
	}
	add(0, 200, record.Hit, 1024)
	add(0, 200, record.Hit, 1025)
	add(2, 200, record.Hit, time.Hour)
	add(2, 0, record.Miss, 0)
	add(1, 404, record.File, time.Millisecond)
	add(3, 500, record.Handled, time.Second)
	add(9, 101, record.Handled, time.Second)
	m.AddGauge(Gauge{Name: Connections, Help: `Open "connections" \ of clients`, Value: func() float64 { return 3 }, Limit: func() float64 { return 1000 }})
	m.AddGauge(Gauge{Name: Memory, Unit: "bytes", Help: "Memory", Value: func() float64 { return 1.5e18 }, Limit: func() float64 { return math.Inf(1) }})
	m.AddGauge(Gauge{Name: "gc_pause_seconds", Unit: "seconds", Help: "Pauses", Value: math.NaN, Limit: func() float64 { return 0.25 }})
	m.AddGauge(Gauge{Name: "evictions", Counter: true, Help: "Objects that gave way", Value: func() float64 { return 9 }})
	m.AddGauge(Gauge{Name: "read_total", Unit: "bytes", Counter: true, Help: "Read", Value: func() float64 { return 2 }})
	text := string(m.AppendPrometheus([]byte("# HELP before x\n# TYPE before gauge\n"), names))
	e := parse(text)
	for _, f := range e.faults {
		t.Error(f)
	}
	want := map[string]float64{
		`freshet_requests_total{route="/",status="2xx",verdict="hit"}`:                      3,
		`freshet_requests_total{route="/",status="cut",verdict="miss"}`:                     1,
		`freshet_requests_total{route="a\"b\\c\n",status="4xx",verdict="file"}`:             1,
		"freshet_requests_total{route=\"no\uFFFDutf8\",status=\"5xx\",verdict=\"handled\"}": 1,
		`freshet_requests_total{route="other",status="1xx",verdict="handled"}`:              1,
		`freshet_response_body_bytes_total{route="/"}`:                                      4000,
		`freshet_request_duration_seconds_bucket{route="/",le="1.024e-06"}`:                 2,
		`freshet_request_duration_seconds_bucket{route="/",le="4.096e-06"}`:                 3,
		`freshet_request_duration_seconds_bucket{route="/",le="68.719476736"}`:              3,
		`freshet_request_duration_seconds_bucket{route="/",le="+Inf"}`:                      4,
		`freshet_request_duration_seconds_sum{route="/"}`:                                   3600.000002049,
		`freshet_connections`:            3,
		`freshet_connections_limit`:      1000,
		`freshet_memory_bytes`:           1.5e18,
		`freshet_memory_limit_bytes`:     math.Inf(1),
		`freshet_gc_pause_seconds`:       math.NaN(),
		`freshet_gc_pause_limit_seconds`: 0.25,
		`freshet_evictions_total`:        9,
		`freshet_read_bytes_total`:       2,
	}
	for key, value := range want {
		got, ok := e.samples[key]
		if !ok || got != value && !(math.IsNaN(got) && math.IsNaN(value)) {
			t.Errorf("%s is %v (%v), want %v", key, got, ok, value)
		}
	}
	for key := range e.samples {
		if strings.Contains(key, "unused") {
			t.Errorf("a route without requests: %s", key)
		}
	}
	if !strings.Contains(text, `# HELP freshet_connections Open "connections" \\ of clients`+"\n") {
		t.Error("the help is not escaped as it should be")
	}
	if t.Failed() {
		t.Log(text)
	}
}

// Every line of a server that has counted nothing is right, too.
func TestPrometheusOfNothing(t *testing.T) {
	e := parse(string(New(Options{}).AppendPrometheus(nil, names)))
	if len(e.faults) > 0 || len(e.samples) != 0 || len(e.types) != 3 {
		t.Errorf("%v, samples %v, families %v", e.faults, e.samples, slices.Collect(maps.Keys(e.types)))
	}
}

// The reader of these tests finds what is wrong.
func TestParseIsStrict(t *testing.T) {
	const head = "# HELP a_total x\n# TYPE a_total counter\n"
	for _, bad := range []string{
		"", "a_total 1", head + "a_total 1", head + "a_total 1\na_total 2\n", head + "b 1\n", "# TYPE a gauge\na 1\n",
		head + "a_total{x=1} 1\n", head + "a_total -1\n", head + head, "# HELP a x\n# TYPE a counter\na 1\n", head + "a_total{x=\"\\t\"} 1\n",
		"# HELP h x\n# TYPE h histogram\nh_bucket{r=\"\",le=\"1\"} 1\nh_sum{r=\"\"} 1\nh_count{r=\"\"} 1\n",
		"# HELP h x\n# TYPE h histogram\nh_bucket{r=\"\",le=\"1\"} 2\nh_bucket{r=\"\",le=\"+Inf\"} 1\nh_sum{r=\"\"} 1\nh_count{r=\"\"} 1\n",
		"# HELP a_bytes x\n# TYPE a_bytes gauge\n# UNIT a_bytes seconds\na_bytes 1\n",
	} {
		if len(parse(bad).faults) == 0 {
			t.Errorf("accepted: %q", bad)
		}
	}
}

func TestGauges(t *testing.T) {
	m := New(Options{})
	one, two := func() float64 { return 1 }, func() float64 { return 2 }
	m.AddGauge(Gauge{Name: "a", Value: one})
	before := m.Gauges()
	m.AddGauge(Gauge{Name: "b", Value: one})
	m.AddGauge(Gauge{Name: "a", Value: two})
	after := m.Gauges()
	if len(before) != 1 || before[0].Value() != 1 || len(after) != 2 || after[0].Value() != 2 || after[1].Name != "b" {
		t.Errorf("%v, %v", before, after)
	}
	for _, bad := range []Gauge{{Value: one}, {Name: "A", Value: one}, {Name: "a b", Value: one}, {Name: "c"}} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%+v was taken", bad)
				}
			}()
			m.AddGauge(bad)
		}()
	}
}
