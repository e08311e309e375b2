package monitor

import (
	"strconv"
	"time"

	"freshet/internal/journal"
	"freshet/internal/monitor/ui"
	"freshet/internal/record"
)

// liveRows is how many rows a page of requests holds, and maxLiveRows how many
// of one second are sent to those who watch: more cannot be read.
const (
	liveRows    = 100
	maxLiveRows = 40
)

// requestTable are requests, the latest first.
func requestTable(entries []journal.Entry) *table {
	at := func(row int) *journal.Entry { return &entries[row] }
	return &table{
		name: "requests", caption: "Latest requests", empty: "No request yet that fits.", rows: len(entries),
		columns: []column{
			{key: "time", title: "Time", kind: instant, plain: true, help: "When it was read (UTC).",
				num: func(row int) float64 { return float64(at(row).Start) / 1e9 },
				more: func(row int, c *ui.Cell) {
					c.Text = time.Unix(0, at(row).Start).UTC().Format("15:04:05.000")
				}},
			{key: "status", title: "Status", kind: count, down: true, help: "The status code; – when the connection was cut before one.",
				num: func(row int) float64 { return float64(at(row).Status) },
				more: func(row int, c *ui.Cell) {
					c.Text, c.Level = strconv.Itoa(at(row).Status), statusLevel(at(row).Status)
					if at(row).Status == 0 {
						c.Text = "–"
					}
				}},
			{key: "verdict", title: "Verdict", badge: true, help: "What the request came to.",
				text: func(row int) string { return at(row).Verdict.String() },
				more: func(row int, c *ui.Cell) {
					c.Level, c.Title = verdictLevel(at(row).Verdict), at(row).Rule.Explain()
				}},
			{key: "method", title: "Method", text: func(row int) string { return at(row).Method }},
			{key: "host", title: "Host", text: func(row int) string { return at(row).Host }},
			{key: "target", title: "Path", mono: true, wide: true,
				text: func(row int) string { return at(row).Target },
				more: func(row int, c *ui.Cell) {
					c.Href, c.Title = "/why/"+at(row).ID.String(), "Why it was answered so"
				}},
			{key: "duration", title: "Took", kind: seconds, down: true, help: "From when it was read until its last byte was handed to the kernel.",
				num: func(row int) float64 { return float64(at(row).Duration) / 1e9 }},
			{key: "bytes", title: "Size", kind: octets, down: true, help: "Bytes of the body.",
				num: func(row int) float64 { return float64(at(row).Bytes) }},
			{key: "client", title: "Client", text: func(row int) string { return client(&at(row).Record) }},
			{key: "id", title: "Request", mono: true, help: "Its name in the access log and in Freshet-Id.",
				text: func(row int) string { return at(row).ID.String() },
				more: func(row int, c *ui.Cell) { c.Href = "/why/" + c.Text }},
		},
	}
}

func client(r *record.Record) string {
	if !r.Remote.IsValid() {
		return ""
	}
	return r.Remote.Addr().Unmap().String()
}

func statusLevel(status int) ui.Level {
	switch {
	case status == 0 || status >= 500:
		return ui.Bad
	case status >= 400:
		return ui.Warn
	}
	return ui.Plain
}

func verdictLevel(v record.Verdict) ui.Level {
	switch v {
	case record.Hit, record.File, record.Revalidated:
		return ui.Good
	case record.Miss:
		return ui.Info
	case record.Stale, record.Bypass:
		return ui.Warn
	case record.Refused:
		return ui.Bad
	}
	return ui.Plain
}

// requestsTable is the table of those that fit the filter of an address.
func requestsTable(m *Monitor, q *query) (*table, error) {
	f, err := newFilter(q)
	if err != nil {
		return nil, err
	}
	if m.o.Journal == nil {
		return requestTable(nil), nil
	}
	return requestTable(m.o.Journal.Latest(1<<30, f.keeps)), nil
}

func requestsView(m *Monitor, q *query) (*ui.View, error) {
	f, err := newFilter(q)
	if err != nil {
		return nil, err
	}
	t, err := requestsTable(m, q)
	if err != nil {
		return nil, err
	}
	w, err := q.window(t)
	if err != nil {
		return nil, err
	}
	if q.get("limit") == "" {
		w.limit = liveRows
	}
	section := t.html(q, w)
	v := &ui.View{Title: "Requests", Refresh: 5 * time.Second, Sections: []ui.Section{f.form(q), section}}
	if w.offset == 0 && w.by == "" { // else rows would not belong at the top
		for i, row := range section.Rows {
			section.Rows[i].ID = row.Cells[len(row.Cells)-1].Text
		}
		section.MaxRows = w.limit
		v.Live = liveAddress("requests", f.values(q))
	}
	return v, nil
}

// requestEvents brings the rows that fit a filter, those of the last second.
func requestEvents(m *Monitor, q *query) (func(dst []byte, now time.Time) []byte, error) {
	f, err := newFilter(q)
	if err != nil {
		return nil, err
	}
	j := m.o.Journal
	if j == nil {
		return func(dst []byte, _ time.Time) []byte { return dst }, nil
	}
	next := j.Next()
	return func(dst []byte, _ time.Time) []byte {
		f.after, f.before = next, m.live.recent.to
		next = max(next, f.before)
		if f.after >= f.before {
			return dst
		}
		var entries []journal.Entry
		if f.empty() {
			entries = latestOf(j, f)
		} else {
			entries = fitting(m.live.since(), f)
		}
		if len(entries) == 0 {
			return dst
		}
		return appendRows(dst, entries)
	}, nil
}

// appendMissed appends the event of the rows that came after the one that a
// page saw last, before it lost its stream: the latest of them, as many as one
// second may bring.
func (m *Monitor) appendMissed(dst []byte, q *query, last string) []byte {
	seen, err := strconv.ParseUint(last, 10, 64)
	if err != nil || m.o.Journal == nil {
		return dst
	}
	f, err := newFilter(q)
	if err != nil {
		return dst
	}
	f.after, f.before = seen+1, m.o.Journal.Next()
	entries := latestOf(m.o.Journal, f)
	if !f.empty() {
		all, _, _ := m.o.Journal.Since(f.after, nil)
		entries = fitting(all, f)
	}
	if len(entries) > 0 {
		dst = appendRows(dst, entries)
	}
	return dst
}

// latestOf returns the latest entries of a filter that keeps all, the latest
// first. It looks at no others.
func latestOf(j *journal.Journal, f *filter) []journal.Entry {
	entries := j.Latest(maxLiveRows, func(e *journal.Entry) bool { return e.Seq < f.before })
	for i := range entries {
		if entries[i].Seq < f.after {
			return entries[:i]
		}
	}
	return entries
}

// fitting returns the latest of some entries that fit, the latest first.
func fitting(all []journal.Entry, f *filter) []journal.Entry {
	var entries []journal.Entry
	for i := len(all) - 1; i >= 0 && len(entries) < maxLiveRows; i-- {
		if f.keeps(&all[i]) {
			entries = append(entries, all[i])
		}
	}
	return entries
}

// appendRows appends the event of new rows, which has the oldest first.
func appendRows(dst []byte, entries []journal.Entry) []byte {
	t := requestTable(entries)
	event := ui.RowsEvent{Table: t.name}
	for row := t.rows - 1; row >= 0; row-- {
		r := ui.Row{ID: entries[row].ID.String()}
		for j := range t.columns {
			r.Cells = append(r.Cells, t.columns[j].cell(row))
		}
		event.Rows = append(event.Rows, r)
	}
	return appendEvent(dst, ui.EventRows, entries[0].Seq, event)
}
