package journal_test

import (
	"fmt"
	"net/netip"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"freshet/internal/journal"
	"freshet/internal/metrics"
	"freshet/internal/record"
	"freshet/internal/rule"
)

// recording is all that is recorded of a request besides the access log.
type recording struct {
	j *journal.Journal
	m *metrics.Metrics
}

func (r *recording) Record(of *record.Record) {
	r.j.Record(of)
	r.m.Record(of)
}

func newRecording() record.Sink {
	return &recording{journal.New(journal.Options{}), metrics.New(metrics.Options{})}
}

// hits returns records of hot answers to a browser, of as many connections.
func hits(conns int) []record.Record {
	all := make([]record.Record, conns)
	for i := range all {
		all[i] = record.Record{
			ID:       record.ID(1e6+i) << record.RequestBits,
			Start:    time.Now().UnixNano(),
			Duration: int64(4000 + 37*i),
			Remote:   netip.AddrPortFrom(netip.AddrFrom4([4]byte{198, 51, 100, byte(i)}), uint16(40000+i)),
			Method:   "GET", Target: fmt.Sprint("/assets/app.", 1000+i, ".js"), Proto: "HTTP/1.1", Host: "www.example.com",
			Agent:  "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
			Status: 200, Bytes: 18234, Rule: rule.StaticFile, Verdict: record.Hit, Place: uint16(i % 4), Hot: true,
		}
	}
	return all
}

// BenchmarkRecord measures what one hot request costs all who record it. The
// budget is 90 ns, on one processor and on several at once. The connections of
// "connections" are served by any processor in turn, as those of a server are.
func BenchmarkRecord(b *testing.B) {
	b.Run("connection", func(b *testing.B) {
		sink, all := newRecording(), hits(1)
		b.ReportAllocs()
		for b.Loop() {
			sink.Record(&all[0])
		}
	})
	b.Run("connections", func(b *testing.B) {
		sink, all := newRecording(), hits(64)
		i := 0
		b.ReportAllocs()
		for b.Loop() {
			i++
			sink.Record(&all[i%64])
		}
	})
	b.Run("parallel", func(b *testing.B) {
		sink := newRecording()
		var goroutine atomic.Int64
		b.ReportAllocs()
		b.RunParallel(func(pb *testing.PB) {
			all := hits(64)
			for i := int(goroutine.Add(29)); pb.Next(); i++ {
				sink.Record(&all[i%64])
			}
		})
		// What a request costs the processor that serves it.
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())*float64(runtime.GOMAXPROCS(0))/float64(b.N), "ns/op/processor")
	})
}

// BenchmarkRead measures what readers of a full ring take.
func BenchmarkRead(b *testing.B) {
	j := journal.New(journal.Options{})
	all := hits(64)
	for i := range 20_000 {
		j.Record(&all[i%64])
	}
	b.Run("find none", func(b *testing.B) {
		for b.Loop() {
			j.Find(1)
		}
	})
	b.Run("filter all", func(b *testing.B) {
		for b.Loop() {
			j.Latest(100, func(e *journal.Entry) bool { return e.Status >= 500 })
		}
	})
	b.Run("latest 100", func(b *testing.B) {
		for b.Loop() {
			j.Latest(100, nil)
		}
	})
	b.Run("since the last", func(b *testing.B) {
		next := j.Next()
		for b.Loop() {
			_, next, _ = j.Since(next, nil)
		}
	})
}
