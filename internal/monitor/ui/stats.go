package ui

import "unicode/utf8"

// Stats is a row of numbers.
type Stats struct {
	Head
	Items []Stat
}

// Stat is one number with its name.
type Stat struct {
	// Key is what [StatsEvent] calls the number; "" for one that stays. The
	// same key may stand on a page several times.
	Key string

	Label string
	Value string // as it is read: "12,345", "98.7"
	Unit  string // "%", "ms", "MB/s"; "" for none
	Note  string // a few words below the value; "" for none
	Href  string // where to read more; "" for none
	Level Level
	Gauge *Gauge // how much of a limit is used; nil for none
}

// Long tells whether the value needs smaller letters.
func (s Stat) Long() bool { return utf8.RuneCountInString(s.Value) > longValue }

// longValue is how many letters fit in the size that numbers have.
const longValue = 8

// Gauge is an amount and what there is at most.
type Gauge struct {
	Value float64 `json:"value"`
	Limit float64 `json:"limit"` // 0 or less: there is no limit, and no gauge

	// Warn is the share of the limit from which the gauge warns. 0 stands for
	// 0.9, a negative one never warns (progress).
	Warn float64 `json:"-"`

	// Label says what the gauge shows, for those who cannot see it. Default: "used".
	Label string `json:"label,omitempty"`
}

const defaultWarn = 0.9

// High is the amount from which the gauge warns.
func (g *Gauge) High() float64 {
	switch {
	case g.Warn < 0:
		return g.Limit
	case g.Warn == 0:
		return g.Limit * defaultWarn
	}
	return g.Limit * g.Warn
}

// Shown is the amount within what a gauge can show.
func (g *Gauge) Shown() float64 { return min(max(g.Value, 0), g.Limit) }

// Percent is the share of the limit that is used, 0 to 100.
func (g *Gauge) Percent() int { return int(100*g.Shown()/g.Limit + 0.5) }

func (*Stats) part() string { return "stats" }
