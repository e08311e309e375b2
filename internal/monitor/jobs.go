package monitor

import (
	"context"
	"math"
	"net/url"
	"strings"
	"time"

	"freshet/internal/monitor/ui"
	"freshet/jobs"
)

// patience bounds a question to the queue, which may be elsewhere.
const patience = 10 * time.Second

var toJobs = ui.Link{Text: "Jobs", Href: "/jobs"}

// queue returns the queue, or why there is none.
func (m *Monitor) queue() (jobs.Queue, error) {
	if m.o.Jobs == nil {
		return nil, &missing{"This server has no job queue; start it with --jobs N."}
	}
	return m.o.Jobs, nil
}

// jobPage asks the queue for the jobs that a page or a table is about. They are
// a window that the queue made: however many there are, no more are looked at.
func (m *Monitor) jobPage(q *query) (*jobs.Page, error) {
	queue, err := m.queue()
	if err != nil {
		return nil, err
	}
	f, err := readJobFilter(q)
	if err != nil {
		return nil, err
	}
	f.After = jobs.ID(q.get("after"))
	rows := pageRows
	if q.suffix != "" {
		rows = dataRows
	}
	if f.N, err = q.int("limit", rows, dataRows); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	page, err := queue.Jobs(ctx, f)
	return &page, err
}

// readJobFilter reads which jobs are asked for.
func readJobFilter(q *query) (f jobs.Filter, err error) {
	f = jobs.Filter{Owner: q.get("owner"), Pool: q.get("pool"), Name: q.get("name")}
	f.States, err = readStates(q)
	return f, err
}

// readStates reads the states that are asked for.
func readStates(q *query) (list []jobs.State, err error) {
	for name := range strings.SplitSeq(q.get("state"), ",") {
		if name == "" {
			continue
		}
		var s jobs.State
		if err := s.UnmarshalText([]byte(name)); err != nil {
			return nil, &badQuery{err.Error()}
		}
		list = append(list, s)
	}
	return list, nil
}

func jobsTable(m *Monitor, q *query) (*table, error) {
	if m.o.Jobs == nil {
		return jobTable(nil, m.o.Now()), nil
	}
	page, err := m.jobPage(q)
	if err != nil {
		return nil, err
	}
	return jobTable(page.Jobs, m.o.Now()), nil
}

// jobTable are jobs, in the order in which the queue gave them.
func jobTable(list []jobs.Info, now time.Time) *table {
	at := func(row int) *jobs.Info { return &list[row] }
	return &table{name: "jobs", caption: "Jobs", empty: "No job is like that.", rows: len(list), columns: []column{
		{key: "job", title: "Job", mono: true, plain: true, text: func(row int) string { return string(at(row).ID) },
			more: func(row int, c *ui.Cell) { c.Href = jobAddress(at(row).ID) }},
		{key: "name", title: "Name", wide: true, plain: true, text: func(row int) string { return ui.Visible(at(row).Spec.Title()) }},
		{key: "state", title: "State", badge: true, plain: true, text: func(row int) string { return at(row).Condition() },
			more: func(row int, c *ui.Cell) { c.Level = levelOf(at(row).State) }},
		{key: "done", title: "Done", kind: percent, plain: true, help: "Of all tasks, with the progress of those that run.", num: func(row int) float64 { return 100 * at(row).Fraction },
			more: func(row int, c *ui.Cell) { c.Gauge = doneGauge(at(row)) }},
		{key: "tasks", title: "Tasks", kind: count, plain: true, num: func(row int) float64 { return float64(at(row).Counts.Total()) }},
		{key: "running", title: "Running", kind: count, plain: true, num: countOf(list, jobs.Running)},
		{key: "failed", title: "Failed", kind: count, plain: true, help: "Failed and dead tasks.", num: func(row int) float64 { return float64(at(row).Counts.Broken()) }, more: func(row int, c *ui.Cell) {
			c.Level = levelIf(at(row).Counts.Broken() > 0, ui.Bad)
		}},
		{key: "owner", title: "Owner", plain: true, text: func(row int) string { return ui.Visible(at(row).Spec.Owner) }},
		{key: "pool", title: "Pool", plain: true, text: func(row int) string { return ui.Visible(at(row).Spec.Pool) }},
		{key: "submitted", title: "Submitted", kind: instant, plain: true, num: func(row int) float64 { return instantOf(at(row).Submitted) }},
		{key: "took", title: "Took", kind: seconds, plain: true, help: "From its first task on.", num: func(row int) float64 { return lasted(at(row).Started, at(row).Ended, now) }},
		{key: "about", title: "Why", wide: true, plain: true, help: "Why it waits, or why it failed.", text: func(row int) string { return ui.Visible(at(row).Reason + at(row).Waits) }},
	}}
}

func countOf(list []jobs.Info, s jobs.State) func(int) float64 {
	return func(row int) float64 { return float64(list[row].Counts.Of(s)) }
}

// instantOf is a time as tables have it; unknown when there is none.
func instantOf(t time.Time) float64 {
	if t.IsZero() {
		return math.NaN()
	}
	return float64(t.UnixMilli()) / 1e3
}

// lasted is how long something took that may go on.
func lasted(from, to, now time.Time) float64 {
	if from.IsZero() {
		return math.NaN()
	}
	if to.IsZero() {
		to = now
	}
	return age(to, from)
}

// jobAddress is the page of a job.
func jobAddress(id jobs.ID) string { return address("/jobs/job", url.Values{"id": {string(id)}}) }

// levelOf is the colour of a state.
func levelOf(s jobs.State) ui.Level {
	switch s {
	case jobs.Running:
		return ui.Info
	case jobs.Succeeded:
		return ui.Good
	case jobs.Failed, jobs.Dead:
		return ui.Bad
	case jobs.Cancelled:
		return ui.Dim
	}
	return ui.Plain
}

func doneGauge(info *jobs.Info) *ui.Gauge {
	return &ui.Gauge{Value: 100 * info.Fraction, Limit: 100, Warn: -1, Label: "done"}
}

func jobsView(m *Monitor, q *query) (*ui.View, error) {
	v := &ui.View{Title: "Jobs", Refresh: 5 * time.Second}
	if m.o.Jobs == nil {
		v.Refresh = 0
		v.Sections = []ui.Section{&ui.Notice{Level: ui.Info, Title: "There are no jobs", Text: "This server has no job queue; one that is started with --jobs N has."}}
		return v, nil
	}
	page, err := m.jobPage(q)
	if err != nil {
		return nil, err
	}
	t := jobTable(page.Jobs, m.o.Now())
	pick := pickable(t, q)
	rows := t.html(q, &window{limit: maxPageRows})
	rows.Total, rows.Next = 0, ""
	if q.none("owner", "pool", "name", "after", "state", "limit") {
		v.Live = liveAddress("jobs", nil)
		rowsByKey(t, "job", rows.Rows)
		rows.MaxRows = pageRows
	}
	if len(page.Jobs) > 0 || v.Live != "" {
		rows.Pick = pick
	}
	if page.Next != "" {
		rows.Next = q.with("after", string(page.Next))
	}
	if q.get("after") != "" {
		rows.Prev = q.with("after", "")
	}
	v.Sections = []ui.Section{jobStats(page, q), jobFilter(q), rows}
	if len(page.Pools) > 0 {
		t := jobPoolTable(page.Pools)
		pools := t.html(&query{page: "/jobs/pools"}, &window{limit: maxPageRows})
		if v.Live != "" {
			rowsByKey(t, "pool", pools.Rows)
			pools.MaxRows = maxPageRows
		}
		v.Sections = append(v.Sections, pools)
	}
	return v, nil
}

// jobStats are how many jobs there are in each state; each leads to those.
func jobStats(page *jobs.Page, q *query) *ui.Stats {
	s := &ui.Stats{Items: []ui.Stat{{Key: "jobs", Label: "Jobs", Value: grouped(int64(page.Total)), Href: q.with("state", "", "after", "")}}}
	for state := jobs.Queued; state <= jobs.Dead; state++ {
		n := page.By[state]
		item := ui.Stat{Key: "jobs_" + state.String(), Label: strings.ToUpper(state.String()[:1]) + state.String()[1:], Value: grouped(n), Href: q.with("state", state.String(), "after", "")}
		if n > 0 {
			item.Level = levelOf(state)
		}
		s.Items = append(s.Items, item)
	}
	return s
}

func jobFilter(q *query) *ui.Form {
	f := &ui.Form{Action: "/jobs", Submit: "Filter", Cancel: ui.Link{Text: "All", Href: "/jobs"}, Fields: []ui.Field{
		{Name: "name", Label: "Name has", Kind: ui.SearchField, Value: q.get("name")},
		{Name: "owner", Label: "Owner", Kind: ui.SearchField, Value: q.get("owner")},
		{Name: "pool", Label: "Pool", Kind: ui.SearchField, Value: q.get("pool")},
	}}
	if state := q.get("state"); state != "" {
		f.Hidden = []ui.Value{{Name: "state", Value: state}}
	}
	return f
}
