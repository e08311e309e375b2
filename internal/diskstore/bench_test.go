package diskstore

import (
	"flag"
	"testing"
	"time"
)

var benchObjects = flag.Int("bench.objects", 500, "how many objects the store has in benchmarks")

// filled is a store with objects of 2 KB, or of another size.
func filled(b *testing.B, o Options, size int) *Store {
	b.Helper()
	s := open(b, o)
	settled(b, s)
	data := content(1, size)
	for i := range *benchObjects {
		put(b, s, key(i), "some metadata", write(b, s, int64(size), data))
	}
	return s
}

func BenchmarkPut(b *testing.B) {
	for _, c := range []struct {
		name string
		size int
	}{{"2KB", 2000}, {"100KB", 100_000}} {
		b.Run(c.name, func(b *testing.B) {
			s := open(b, Options{Dir: b.TempDir(), MaxEntries: int64(*benchObjects)})
			settled(b, s)
			data := content(1, c.size)
			b.SetBytes(int64(c.size))
			b.ReportAllocs()
			n := 0
			for b.Loop() {
				put(b, s, key(n), "some metadata", write(b, s, int64(c.size), data))
				n++
			}
		})
	}
}

func BenchmarkGet(b *testing.B) {
	b.Run("2KB", func(b *testing.B) {
		s := filled(b, Options{Dir: b.TempDir()}, 2000)
		b.ReportAllocs()
		n := 0
		for b.Loop() {
			o, err := s.Get(key(n % *benchObjects))
			if err != nil {
				b.Fatal(err)
			}
			o.Release()
			n++
		}
	})
	b.Run("100KB-open-verify", func(b *testing.B) {
		s := filled(b, Options{Dir: b.TempDir()}, 100_000)
		b.ReportAllocs()
		n := 0
		for b.Loop() {
			o, err := s.Get(key(n % *benchObjects))
			if err != nil {
				b.Fatal(err)
			}
			f, err := o.OpenBody(0)
			if err != nil {
				b.Fatal(err)
			}
			if err := f.Verify(0, 100_000); err != nil {
				b.Fatal(err)
			}
			f.Release()
			o.Release()
			n++
		}
	})
	b.Run("missing", func(b *testing.B) {
		s := open(b, Options{Dir: b.TempDir()})
		settled(b, s)
		k := key(-1)
		b.ReportAllocs()
		for b.Loop() {
			_, _ = s.Get(k)
		}
	})
}

// BenchmarkRebuild is how long a start takes to count everything.
func BenchmarkRebuild(b *testing.B) {
	o := Options{Dir: b.TempDir(), ScrubRate: -1}
	filled(b, o, 2000).Close()
	for b.Loop() {
		began := time.Now()
		s := open(b, o)
		b.ReportMetric(float64(time.Since(began).Microseconds()), "µs-to-open")
		settled(b, s)
		s.Close()
	}
}
