package monitor

import (
	"context"
	"fmt"
	"net/url"

	"freshet/internal/monitor/ui"
	"freshet/jobs"
)

// striped is a queue that says how the tasks of a job are in a few hundred cells,
// however many there are. A jobs.Scheduler is one.
type striped interface {
	Strip(ctx context.Context, job jobs.ID) ([]jobs.Cell, error)
}

// mostStretches is how many stretches of tasks are listed in words.
const mostStretches = 20

// strip is the strip of a job's tasks; nil when there is but one, or the queue has
// none.
func (m *Monitor) strip(ctx context.Context, info *jobs.Info) (*ui.Strip, error) {
	queue, ok := m.o.Jobs.(striped)
	if !ok || info.Counts.Total() < 2 {
		return nil, nil
	}
	cells, err := queue.Strip(ctx, info.ID)
	if err != nil {
		return nil, err
	}
	s := &ui.Strip{}
	s.ID, s.Title = "strip", "All tasks"
	if len(cells) > 0 && int64(len(cells)) < info.Counts.Total() {
		s.Note = fmt.Sprintf("Each cell is up to %s tasks, in the state of theirs that is to be looked at first.", grouped(cells[0].Counts.Total()))
	}
	for i := range cells {
		c := &cells[i]
		s.Cells = append(s.Cells, ui.StripCell{Level: levelOf(c.Worst()), Title: rangeOf(c) + ": " + c.Counts.Words(), Href: tasksAddress(info.ID, rangeOf(c), c.Worst())})
	}
	s.Stretches, s.More = stretches(info.ID, cells)
	return s, nil
}

// stretches says in words what the cells show: those that are alike in one.
func stretches(id jobs.ID, cells []jobs.Cell) (list []ui.Stretch, more string) {
	for i := 0; i < len(cells); {
		whole, worst := cells[i], cells[i].Worst()
		for i++; i < len(cells) && cells[i].Worst() == worst; i++ {
			whole.Last = cells[i].Last
			for s, n := range cells[i].Counts {
				whole.Counts[s] += n
			}
		}
		if len(list) == mostStretches {
			return list, "and more behind " + fmt.Sprint(whole.First-1)
		}
		text := rangeOf(&whole) + " " + worst.String()
		if n := whole.Counts.Of(worst); n < whole.Counts.Total() {
			text = fmt.Sprintf("%s: %s %s", rangeOf(&whole), grouped(n), worst)
		}
		list = append(list, ui.Stretch{Level: levelOf(worst), Text: text, Href: tasksAddress(id, rangeOf(&whole), worst)})
	}
	return list, ""
}

// rangeOf are the numbers of a cell's tasks: "7", "1-40".
func rangeOf(c *jobs.Cell) string { return jobs.Range(c.First, c.Last).String() }

// tasksAddress is the page of tasks of a job with numbers from one to another that
// are in a state.
func tasksAddress(id jobs.ID, numbers string, state jobs.State) string {
	return address("/jobs/tasks", url.Values{"id": {string(id)}, "tasks": {numbers}, "state": {state.String()}})
}

// stripEvent brings a strip as it is now.
func stripEvent(s *ui.Strip) ui.StripEvent {
	return ui.StripEvent{Strip: s.ID, Cells: s.Cells, Stretches: s.Stretches, More: s.More}
}
