package monitor

import (
	"context"
	"strings"
	"time"

	"freshet/internal/monitor/ui"
	"freshet/jobs"
)

// tasksView is a window of the tasks of a job: all, or those with some numbers, in
// some state.
func tasksView(m *Monitor, q *query) (*ui.View, error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	info, err := m.job(ctx, q.get("id"))
	if err != nil {
		return nil, err
	}
	list, err := m.jobTasks(ctx, info, q)
	if err != nil {
		return nil, err
	}
	v := &ui.View{Title: "Tasks of job " + string(info.ID), Up: ui.Link{Text: "Job " + string(info.ID), Href: jobAddress(info.ID)}}
	if !info.State.Final() {
		v.Refresh = 2 * time.Second
	}
	v.Sections = []ui.Section{tasksFilter(q), m.taskRows(info, list, q)}
	return v, nil
}

func tasksFilter(q *query) *ui.Form {
	states := []ui.Option{{Value: "", Text: "any"}}
	known := q.get("state") == ""
	for s := jobs.Queued; s <= jobs.Dead; s++ {
		states = append(states, ui.Option{Value: s.String()})
		known = known || q.get("state") == s.String()
	}
	if !known { // several, as an address may name
		states = append(states, ui.Option{Value: q.get("state"), Text: strings.ReplaceAll(q.get("state"), ",", ", ")})
	}
	return &ui.Form{Action: "/jobs/tasks", Submit: "Filter", Cancel: ui.Link{Text: "All", Href: address("/jobs/tasks", map[string][]string{"id": {q.get("id")}})},
		Hidden: []ui.Value{{Name: "id", Value: q.get("id")}}, Fields: []ui.Field{
			{Name: "tasks", Label: "Numbers", Kind: ui.SearchField, Value: q.get("tasks"), Placeholder: "1-100", Hint: "A number, or a range."},
			{Name: "state", Label: "State", Kind: ui.SelectField, Value: q.get("state"), Options: states},
		}}
}

// taskRows are tasks as a section of the page that q is about.
func (m *Monitor) taskRows(info *jobs.Info, list []jobs.TaskInfo, q *query) *ui.Table {
	t := taskTable(info.ID, list, m.o.Now())
	rows := t.html(&query{page: "/jobs/tasks", values: q.values}, &window{limit: maxPageRows})
	offset, _ := q.int("offset", 0, 1<<31-1) // it was read before
	rows.Offset, rows.Total, rows.Prev, rows.Next = 0, 0, "", ""
	if offset > 0 {
		rows.Prev = q.with("offset", number(max(0, offset-pageRows)))
	}
	if limit, _ := q.int("limit", pageRows, maxPageRows); len(list) == limit {
		rows.Next = q.with("offset", number(offset+limit))
	}
	return rows
}

// readRange reads which tasks of a job are asked for, as positions in its array;
// none is true when it has none of them.
func readRange(q *query, info *jobs.Info) (begin, end int64, none bool, err error) {
	text := q.get("tasks")
	if text == "" {
		return 0, 0, false, nil
	}
	numbers, err := jobs.ParseArray(text)
	if err != nil {
		return 0, 0, false, &badQuery{"tasks: " + err.Error()}
	}
	first, last := numbers.Nth(0), numbers.Nth(numbers.Len()-1)
	if numbers.Len() != last-first+1 {
		return 0, 0, false, &badQuery{"tasks=" + text + ": give a number, or a range as 1-100"}
	}
	if info.Spec.Array.IsZero() { // its one task has the number 0
		return 0, 1, first > 0 || last < 0, nil
	}
	begin, _ = info.Spec.Array.Index(first)
	end, has := info.Spec.Array.Index(last)
	if has {
		end++
	}
	return begin, end, begin >= end, nil
}
