package ui

import (
	"encoding/json"
	"strconv"
)

// Names of the events that pages know. Others are passed over. A stream should
// bring one every 15 seconds at least, if only an empty [StatsEvent]: a page
// takes a connection that is silent for 30 for dead, and connects again.
const (
	EventStats = "stats" // a [StatsEvent]
	EventRows  = "rows"  // a [RowsEvent]
	EventChart = "chart" // a [ChartEvent]
	EventStrip = "strip" // a [StripEvent]
)

// StatsEvent brings new values of numbers, by [Stat.Key].
type StatsEvent map[string]LiveStat

// LiveStat is the new value of a number.
type LiveStat struct {
	Text  string  `json:"text"`            // as [Stat.Value]
	Unit  string  `json:"unit,omitempty"`  // as [Stat.Unit]; "" leaves the one there is
	Note  string  `json:"note,omitempty"`  // as [Stat.Note]; "" leaves the one there is
	Level Level   `json:"level,omitempty"` // as [Stat.Level]
	Value float64 `json:"value"`           // for the gauge
	Limit float64 `json:"limit,omitempty"` // for the gauge; 0 leaves the one there is
}

// RowsEvent brings rows of a table, the oldest first, or all of it anew.
type RowsEvent struct {
	Table string `json:"table"` // the table's [Head.ID]
	Rows  []Row  `json:"rows"`
	Total int    `json:"total,omitempty"` // as [Table.Total]; 0 leaves the one there is

	// Whole says that these are all rows, in the order in which they are shown:
	// others leave. Empty is [Table.Empty], for when there are none.
	Whole bool   `json:"whole,omitempty"`
	Empty string `json:"empty,omitempty"`
}

// ChartEvent brings one more point of a chart, later than those there are; the
// oldest one leaves. A point of the latest time takes the place of that one.
type ChartEvent struct {
	Chart  string    `json:"chart"`  // the chart's [Head.ID]
	Time   int64     `json:"time"`   // Unix seconds
	Values []Reading `json:"values"` // one for each series
}

// AppendEvent appends an event in the form of text/event-stream: its name, its
// data as JSON, and, unless id is 0, an id that the browser sends as
// Last-Event-ID when it connects again.
func AppendEvent(dst []byte, name string, id uint64, data any) ([]byte, error) {
	text, err := json.Marshal(data) // without line ends, as the format needs
	if err != nil {
		return dst, err
	}
	dst = append(append(dst, "event: "...), name...)
	if id != 0 {
		dst = strconv.AppendUint(append(dst, "\nid: "...), id, 10)
	}
	return append(append(append(dst, "\ndata: "...), text...), "\n\n"...), nil
}
