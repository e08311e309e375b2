package monitor

import (
	"context"
	"net/url"

	"freshet/internal/monitor/ui"
	"freshet/jobs"
)

// jobPoolsTable are the pools of jobs that have a limit.
func jobPoolsTable(m *Monitor, _ *query) (*table, error) {
	if m.o.Jobs == nil {
		return jobPoolTable(nil), nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	page, err := m.o.Jobs.Jobs(ctx, jobs.Filter{N: 1})
	if err != nil {
		return nil, err
	}
	return jobPoolTable(page.Pools), nil
}

func jobPoolTable(list []jobs.PoolUse) *table {
	at := func(row int) *jobs.PoolUse { return &list[row] }
	return &table{name: "jobpools", caption: "Pools", empty: "No pool has a limit; --pool-limit NAME=N sets one.", rows: len(list), columns: []column{
		{key: "pool", title: "Pool", plain: true, text: func(row int) string { return ui.Visible(at(row).Pool) },
			more: func(row int, c *ui.Cell) { c.Href = address("/jobs", url.Values{"pool": {at(row).Pool}}) }},
		{key: "running", title: "Running", kind: count, plain: true, help: "Tasks, on all servers together.", num: func(row int) float64 { return float64(at(row).Running) },
			more: func(row int, c *ui.Cell) {
				c.Gauge = &ui.Gauge{Value: float64(at(row).Running), Limit: float64(at(row).Limit), Warn: -1, Label: "running"}
			}},
		{key: "limit", title: "Limit", kind: count, plain: true, help: "So many at most.", num: func(row int) float64 { return float64(at(row).Limit) }},
	}}
}
