package ui

import (
	"math"
	"strconv"
)

// Chart is how numbers went over time: drawn as SVG, with the numbers in a
// table below it for those who cannot see it or want to read them.
type Chart struct {
	Head

	Unit   Unit
	Times  []int64 // Unix seconds, ascending
	Series []Series

	// Stacked draws the series on top of each other, as for parts of a whole.
	Stacked bool

	// Max is the least top of the scale, for a chart that should not make a
	// storm of three requests. 0 fits the scale to the values.
	Max float64

	// Interactive lets scripts draw the chart, so that it can be read with the
	// pointer and zoomed. It makes the page load more script.
	Interactive bool

	// Live makes the chart take the points of a [ChartEvent] for its ID.
	Live bool

	// Keep is how many points a live chart shows at most: the oldest one leaves
	// as one more comes. 0 stands for 120, or for as many as Times has.
	Keep int

	// Formats are the same numbers for programs.
	Formats []Link
}

// Series is one line of a [Chart].
type Series struct {
	Name   string
	Values []float64 // one for each time; NaN where nothing is known
	Level  Level     // the colour; Plain takes the next of a palette
}

// Reading is a number that may be unknown: NaN, which is null in JSON.
type Reading float64

// MarshalJSON writes the number with six digits, which is more than a pixel.
func (r Reading) MarshalJSON() ([]byte, error) {
	f := float64(r)
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return []byte("null"), nil
	}
	return strconv.AppendFloat(nil, f, 'g', 6, 64), nil
}

func (*Chart) part() string { return "chart" }
