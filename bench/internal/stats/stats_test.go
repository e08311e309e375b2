package stats

import (
	"math"
	"testing"
)

var nan = math.NaN()

func TestOf(t *testing.T) {
	for _, c := range []struct {
		xs   []float64
		want Spread
	}{
		{[]float64{3}, Spread{3, 3, 3, 1}},
		{[]float64{3, 1, 2}, Spread{2, 1, 3, 3}},
		{[]float64{4, 1, 2, 3}, Spread{2.5, 1, 4, 4}},
		{[]float64{5, nan, 1, math.Inf(1)}, Spread{3, 1, 5, 2}},
	} {
		if got := Of(c.xs); got != c.want {
			t.Errorf("Of(%v) = %v, want %v", c.xs, got, c.want)
		}
	}
	if got := Of([]float64{nan}); got.N != 0 || !math.IsNaN(got.Median) {
		t.Errorf("Of(NaN) = %v, want nothing", got)
	}
}

func TestOfLeavesItsArgumentAlone(t *testing.T) {
	xs := []float64{3, 1, 2}
	Of(xs)
	if xs[0] != 3 || xs[1] != 1 || xs[2] != 2 {
		t.Errorf("xs was sorted in place: %v", xs)
	}
}

func TestRatios(t *testing.T) {
	got := Ratios([]float64{6, 9, nan, 4, 1}, []float64{2, 3, 1, 0})
	if len(got) != 4 || got[0] != 3 || got[1] != 3 || !math.IsNaN(got[2]) || !math.IsNaN(got[3]) {
		t.Errorf("got %v, want [3 3 NaN NaN]", got)
	}
}

func TestQuantile(t *testing.T) {
	xs := make([]float64, 200)
	for i := range xs {
		xs[len(xs)-1-i] = float64(i + 1)
	}
	for _, c := range []struct{ q, want float64 }{{0, 1}, {0.5, 100}, {0.99, 198}, {0.991, 199}, {1, 200}} {
		if got := Quantile(xs, c.q); got != c.want {
			t.Errorf("Quantile(1..200, %v) = %v, want %v", c.q, got, c.want)
		}
	}
	if !math.IsNaN(Quantile(nil, 0.5)) {
		t.Error("the quantile of nothing is a number")
	}
}

func TestMean(t *testing.T) {
	if got := Mean([]float64{1, 2, 6}); got != 3 {
		t.Errorf("got %v, want 3", got)
	}
}
