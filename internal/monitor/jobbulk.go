package monitor

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"

	"freshet/internal/monitor/ui"
	"freshet/internal/why"
	"freshet/jobs"
)

// Bounds of what is done with many jobs at once.
const (
	mostPicked   = 1000
	pickedShown  = 20
	pickedAtOnce = 64 // questions to the queue, which makes one entry of its log of them
)

// pickable lets jobs of a list be picked; the filter of the page goes along.
func pickable(t *table, q *query) *ui.Pick {
	p := &ui.Pick{Action: "/jobs/act", Name: "do", All: "All that match, up to " + grouped(mostPicked) + ", not only those that are ticked"}
	for _, name := range jobFilterNames {
		if text := q.get(name); text != "" {
			p.Hidden = append(p.Hidden, ui.Value{Name: name, Value: text})
		}
	}
	for _, a := range jobActs {
		if !a.single {
			p.Buttons = append(p.Buttons, ui.Option{Value: a.name, Text: a.verb + " …"})
		}
	}
	withPicks(t)
	return p
}

// withPicks adds checkboxes to the rows of a table of jobs.
func withPicks(t *table) {
	id := t.column("job")
	t.columns = append(t.columns, column{key: "pick", title: "Pick", plain: true, act: true, text: func(int) string { return "" },
		more: func(row int, c *ui.Cell) { c.Pick = id.text(row) }})
}

// jobFilterNames are the values that restrict the list of jobs.
var jobFilterNames = []string{"owner", "pool", "name", "state"}

// pickedPages is how many pages of the list are looked at for jobs that something
// can be done with. Anybody who may read may ask for that.
const pickedPages = 10

// choice is the jobs that something is to be done with.
type choice struct {
	jobs   []jobs.Info
	cannot int  // others were picked, with which it cannot be done
	more   bool // others may match
}

// picked are the jobs that somebody has picked, or that match the filter, of those
// that it can be done with.
func (m *Monitor) picked(ctx context.Context, q *query, a *jobAction) (c choice, err error) {
	queue, err := m.queue()
	if err != nil {
		return c, err
	}
	if q.get("all") != "" {
		return allMatching(ctx, queue, q, a)
	}
	ids := q.values["pick"]
	if len(ids) > mostPicked {
		return c, &badQuery{"more than " + grouped(mostPicked) + " jobs are picked"}
	}
	for _, id := range ids {
		info, err := queue.Job(ctx, jobs.ID(id))
		switch {
		case err == nil && a.can(&info):
			c.jobs = append(c.jobs, info)
		case err == nil || errors.Is(err, jobs.ErrUnknown):
			c.cannot++
		default:
			return c, err
		}
	}
	return c, nil
}

// allMatching are the latest jobs that match the filter.
func allMatching(ctx context.Context, queue jobs.Queue, q *query, a *jobAction) (c choice, err error) {
	f, err := readJobFilter(q)
	if err != nil {
		return c, err
	}
	f.N = mostPicked
	for range pickedPages {
		page, err := queue.Jobs(ctx, f)
		if err != nil {
			return c, err
		}
		for i := range page.Jobs {
			switch {
			case !a.can(&page.Jobs[i]):
				c.cannot++
			case len(c.jobs) == mostPicked:
				c.more = true
				return c, nil
			default:
				c.jobs = append(c.jobs, page.Jobs[i])
			}
		}
		if f.After = page.Next; f.After == "" {
			return c, nil
		}
	}
	c.more = true
	return c, nil
}

// bulkView asks whether something is to be done with many jobs.
func bulkView(ctx context.Context, m *Monitor, q *query, a *jobAction) (*ui.View, error) {
	c, err := m.picked(ctx, q, a)
	if err != nil {
		return nil, err
	}
	list := c.jobs
	v := &ui.View{Title: a.verb + ": " + why.Count(int64(len(list)), "job"), Path: "/jobs/act", Up: toJobs}
	if len(list) == 0 {
		text := "No job was picked: tick some in the list, or “all that match”."
		if c.cannot > 0 {
			text = "It can be done with none of the jobs that were picked."
		}
		if c.more {
			text = fmt.Sprintf("It can be done with none of the latest %s jobs; older ones were not looked at. A filter of the list, such as a state, leaves fewer.", grouped(int64(c.cannot)))
		}
		v.Sections = []ui.Section{&ui.Notice{Level: ui.Info, Title: "Nothing to do", Text: text, Links: []ui.Link{toJobs}}}
		return v, nil
	}
	f := &ui.Form{Action: "/jobs/act", Post: true, Danger: a.danger, Submit: a.verb, Cancel: ui.Link{Text: "Back", Href: "/jobs"}, Hidden: []ui.Value{{Name: "do", Value: a.name}}}
	for i := range list {
		f.Hidden = append(f.Hidden, ui.Value{Name: "pick", Value: string(list[i].ID)})
	}
	f.Note = a.does
	if c.cannot > 0 && !c.more {
		f.Note += fmt.Sprintf(" It cannot be done with %d others of those that were picked.", c.cannot)
	}
	if c.more {
		f.Note += fmt.Sprintf(" At most %s jobs are taken at once: these are the latest; do it once more for the others.", grouped(mostPicked))
	}
	t := jobTable(list[:min(len(list), pickedShown)], m.o.Now()).html(&query{page: "/jobs"}, &window{limit: pickedShown})
	t.Formats, t.Total = nil, len(list)
	v.Sections = []ui.Section{f, t}
	return v, nil
}

// bulkAct does it, and says what came of it.
func bulkAct(m *Monitor, w http.ResponseWriter, r *http.Request, queue jobs.Queue, a *jobAction) {
	ids := r.PostForm["pick"]
	if len(ids) > mostPicked {
		fail(w, r, http.StatusBadRequest, "More than "+grouped(mostPicked)+" jobs are picked.")
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), patience)
	defer cancel()
	faults := make([]error, len(ids))
	var doing sync.WaitGroup
	turns := newTurns(pickedAtOnce)
	for i, id := range ids {
		doing.Go(func() {
			defer turns.take()()
			faults[i] = a.do(ctx, queue, jobs.ID(id))
		})
	}
	doing.Wait()
	var told []string
	failed := 0
	for i, err := range faults {
		if err == nil {
			continue
		}
		if failed++; failed <= pickedShown {
			told = append(told, "job "+ids[i]+": "+err.Error())
		}
	}
	text := why.Count(int64(len(ids)-failed), "job") + ": " + a.done
	if failed == 0 {
		m.sendDone(w, r, "Done", text, toJobs)
		return
	}
	text += fmt.Sprintf(" With %d it could not be done:\n%s", failed, strings.Join(told, "\n"))
	sendView(w, r, http.StatusOK, &ui.View{Title: "Not all was done", Path: r.URL.Path, Nav: m.nav(), Up: toJobs,
		Sections: []ui.Section{&ui.Notice{Level: ui.Warn, Title: "Not all was done", Text: text, Links: []ui.Link{toJobs}}}})
}

// mostAgain is how many failed tasks are run again by one request.
const mostAgain = 10_000

// retryFailed queues the tasks again that are failed or dead, and not those that
// somebody has cancelled.
func retryFailed(ctx context.Context, q jobs.Queue, id jobs.ID) error {
	var numbers []int64
	for len(numbers) < mostAgain {
		list, err := q.Tasks(ctx, id, jobs.TaskFilter{States: []jobs.State{jobs.Failed, jobs.Dead}, From: int64(len(numbers)), N: dataRows})
		if err != nil {
			return err
		}
		for i := range list {
			numbers = append(numbers, list[i].Task)
		}
		if len(list) < dataRows {
			break
		}
	}
	if len(numbers) == 0 {
		return errors.New("no task of it has failed")
	}
	return q.Retry(ctx, id, jobs.Numbers(numbers...))
}
