package stats

import (
	"math"
	"testing"
)

// The values are those of tables of the sign test.
func TestInterval(t *testing.T) {
	for _, tt := range []struct {
		n, first   int // which of the sorted values is the lower one, from 1
		confidence float64
	}{{1, 1, 0}, {5, 1, 0.9375}, {6, 1, 0.96875}, {10, 2, 0.978515625}, {20, 6, 0.95861053}, {25, 8, 0.9567147}} {
		xs := make([]float64, tt.n)
		for i := range xs {
			xs[i] = float64(tt.n - i)
		}
		low, high, got := Interval(xs)
		if low != float64(tt.first) || high != float64(tt.n+1-tt.first) || math.Abs(got-tt.confidence) > 1e-6 {
			t.Errorf("%d values: %v to %v with %v, want from %d with %v", tt.n, low, high, got, tt.first, tt.confidence)
		}
	}
	if _, _, c := Interval(nil); c != 0 {
		t.Errorf("of nothing: %v", c)
	}
}
