package jobs

import (
	"encoding/json"
	"fmt"
	"runtime"
	"testing"
)

// inUse is what is in use after a collection.
func inUse() int64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// liveMachine has n jobs of one task each.
func liveMachine(b *testing.B, n int) *machine {
	m := &machine{}
	if err := m.goLive(); err != nil {
		b.Fatal(err)
	}
	m.begin(1, 1)
	for i := range n {
		s := Spec{Name: fmt.Sprint("warm page ", i), Owner: "ann", Command: []string{"warm", fmt.Sprint("https://example.org/", i)}}
		text, err := json.Marshal(&s)
		if err != nil {
			b.Fatal(err)
		}
		if err := m.apply(i, &event{kind: evSubmitted, job: uint64(i + 1), spec: string(text), full: &s}); err != nil {
			b.Fatal(err)
		}
		clear(m.touched)
	}
	return m
}

// What a queued job of one task costs, with its spec of about 100 bytes, and
// what an array of ten million does.
func BenchmarkMemory(b *testing.B) {
	n := 20_000
	if b.N > 1 {
		n = 1_000_000
	}
	before := inUse()
	m := liveMachine(b, n)
	b.ReportMetric(float64(inUse()-before)/float64(n), "bytes/job")
	before = inUse()
	s := Spec{Command: []string{"x"}, Array: Range(1, MaxTasks)}
	if err := m.apply(0, &event{kind: evSubmitted, job: 1 << 40, spec: `{"command":["x"],"array":"1-10000000"}`, full: &s}); err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(float64(inUse()-before), "bytes/array")
	runtime.KeepAlive(m)
}

// A claim and its end, in the machine alone.
func BenchmarkMachine(b *testing.B) {
	m := liveMachine(b, 1000)
	w := &Worker{Node: "n"}
	entry := uint64(1)
	for b.Loop() {
		entry++
		m.begin(entry, int64(entry))
		j, pos := m.pick(w)
		if err := m.apply(0, &event{kind: evClaimed, job: j.num, pos: pos, worker: "n"}); err != nil {
			b.Fatal(err)
		}
		e := m.end(j, pos, Result{Lost: true}, howReturned, 5, 1)
		if err := m.apply(1, &e); err != nil {
			b.Fatal(err)
		}
		clear(m.touched)
	}
}
