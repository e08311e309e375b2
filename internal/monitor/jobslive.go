package monitor

import (
	"context"
	"time"

	"freshet/internal/monitor/ui"
	"freshet/jobs"
)

// statsEvent brings numbers as they are now.
func statsEvent(s *ui.Stats) ui.StatsEvent {
	event := ui.StatsEvent{}
	for _, i := range s.Items {
		one := ui.LiveStat{Text: i.Value, Unit: i.Unit, Note: i.Note, Level: i.Level}
		if i.Gauge != nil {
			one.Value, one.Limit = i.Gauge.Value, i.Gauge.Limit
		}
		event[i.Key] = one
	}
	return event
}

// rowsByKey gives rows, which are those of a table in its order, the names by
// which the page knows them: what a column of it says.
func rowsByKey(t *table, key string, rows []ui.Row) {
	c := t.column(key)
	for i := range rows {
		rows[i].ID = c.shown(i)
	}
}

// wholeTable brings all rows of a table, of which a column tells one from another.
func wholeTable(t *table, key string) ui.RowsEvent {
	event := ui.RowsEvent{Table: t.name, Whole: true, Empty: t.empty, Rows: make([]ui.Row, t.rows)}
	for row := range t.rows {
		for j := range t.columns {
			event.Rows[row].Cells = append(event.Rows[row].Cells, t.columns[j].cell(row))
		}
	}
	rowsByKey(t, key, event.Rows)
	return event
}

// asking bounds what the events of a second ask the queue for.
func asking() (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.Background(), tickEvery)
}

// jobsEvents brings the latest jobs, and how many there are in each state.
func jobsEvents(m *Monitor, _ *query) (func(dst []byte, now time.Time) []byte, error) {
	queue, err := m.queue()
	if err != nil {
		return nil, err
	}
	return func(dst []byte, now time.Time) []byte {
		ctx, cancel := asking()
		defer cancel()
		page, err := queue.Jobs(ctx, jobs.Filter{N: pageRows})
		if err != nil {
			return dst
		}
		dst = appendEvent(dst, ui.EventStats, 0, statsEvent(jobStats(&page, &query{page: "/jobs"})))
		if len(page.Pools) > 0 {
			pools := page.Pools[:min(len(page.Pools), maxPageRows)]
			dst = appendEvent(dst, ui.EventRows, 0, wholeTable(jobPoolTable(pools), "pool"))
		}
		t := jobTable(page.Jobs, now)
		withPicks(t)
		return appendEvent(dst, ui.EventRows, 0, wholeTable(t, "job"))
	}, nil
}

// jobEvents brings what a page shows of a job: its numbers, and its first tasks.
func jobEvents(m *Monitor, q *query) (func(dst []byte, now time.Time) []byte, error) {
	queue, err := m.queue()
	if err != nil {
		return nil, err
	}
	id := jobs.ID(q.get("id"))
	return func(dst []byte, now time.Time) []byte {
		ctx, cancel := asking()
		defer cancel()
		info, err := queue.Job(ctx, id)
		if err != nil {
			return dst
		}
		list, err := queue.Tasks(ctx, id, jobs.TaskFilter{N: pageRows})
		if err != nil {
			return dst
		}
		dst = appendEvent(dst, ui.EventStats, 0, statsEvent(taskStats(&info, &query{page: "/jobs/job"})))
		if strip, err := m.strip(ctx, &info); err == nil && strip != nil {
			dst = appendEvent(dst, ui.EventStrip, 0, stripEvent(strip))
		}
		return appendEvent(dst, ui.EventRows, 0, wholeTable(taskTable(id, list, now), "task"))
	}, nil
}
