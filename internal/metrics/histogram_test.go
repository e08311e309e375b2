package metrics

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// Buckets follow one another without a gap, and contain their upper ends.
func TestBuckets(t *testing.T) {
	for b := range buckets {
		end := int64(upper(b))
		if got := bucketOf(end); got != b {
			t.Errorf("the end of bucket %d, %d, is in %d", b, end, got)
		}
		if got := bucketOf(end + 1); got != min(b+1, buckets-1) {
			t.Errorf("behind the end of bucket %d, %d, is %d", b, end, got)
		}
	}
	for _, tt := range []struct{ ns, want int64 }{{math.MinInt64, 0}, {-1, 0}, {0, 0}, {1, 0}, {64, 0}, {65, 1}, {1024, 15}, {1025, 16}, {1 << 37, buckets - 1}, {math.MaxInt64, buckets - 1}} {
		if got := bucketOf(tt.ns); got != int(tt.want) {
			t.Errorf("%d ns are in bucket %d, want %d", tt.ns, got, tt.want)
		}
	}
}

// TestQuantile compares with the sorted list: never further off than documented.
func TestQuantile(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for name, next := range map[string]func() float64{
		"uniform":   func() float64 { return random.Float64() * 1e9 },
		"log":       func() float64 { return math.Exp(random.Float64() * math.Log(1e11)) },
		"hot":       func() float64 { return 3000 + 500*random.NormFloat64() },
		"two peaks": func() float64 { return []float64{5e3, 4e7}[random.IntN(2)] + random.Float64()*1000 },
	} {
		var h Histogram
		all := make([]time.Duration, 10_000)
		var sum time.Duration
		for i := range all {
			all[i] = time.Duration(max(next(), 1))
			sum += all[i]
			h.Add(all[i])
		}
		slices.Sort(all)
		if h.Count() != 10_000 || h.Sum() != sum {
			t.Errorf("%s: count %d, sum %v, want %v", name, h.Count(), h.Sum(), sum)
		}
		for _, q := range []float64{-1, 0, 0.001, 0.25, 0.5, 0.9, 0.99, 0.999, 1, 2} {
			want := float64(all[min(max(int(math.Ceil(q*10_000)), 1), 10_000)-1])
			if got := float64(h.Quantile(q)); math.Abs(got-want) > max(want/32, 32) {
				t.Errorf("%s: quantile %v is %v, in truth %v", name, q, got, want)
			}
		}
	}
}

func TestHistogramArithmetic(t *testing.T) {
	var a, b Histogram
	if a.Quantile(0.5) != 0 || a.Count() != 0 {
		t.Error("an empty histogram is not")
	}
	for i := range 100 {
		a.Add(time.Duration(i) * time.Millisecond)
	}
	b = a
	b.Add(time.Hour)
	b.Add(-5)
	b.Merge(&a)
	b.Sub(&a)
	b.Sub(&a)
	if b.Count() != 2 || b.Sum() != time.Hour || b.Quantile(0) != 32 || b.Quantile(1) < 130*time.Second {
		t.Errorf("count %d, sum %v, %v to %v", b.Count(), b.Sum(), b.Quantile(0), b.Quantile(1))
	}
	if n := a.AtMost(1 << 25); n != 34 { // 33.6 ms
		t.Errorf("%d are at most 33.6 ms", n)
	}
	if n := b.AtMost(-1) + b.AtMost(0); n != 0 {
		t.Errorf("%d are at most 0", n)
	}
}
