package monitor

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"freshet/internal/monitor/ui"
	"freshet/jobs"
)

// job asks the queue for the job that a page is about.
func (m *Monitor) job(ctx context.Context, id string) (*jobs.Info, error) {
	queue, err := m.queue()
	if err != nil {
		return nil, err
	}
	info, err := queue.Job(ctx, jobs.ID(id))
	if errors.Is(err, jobs.ErrUnknown) {
		return nil, &missing{"There is no such job; those that are over are forgotten after some time."}
	}
	return &info, err
}

// jobTasks asks for a window of the tasks of a job.
func (m *Monitor) jobTasks(ctx context.Context, info *jobs.Info, q *query) ([]jobs.TaskInfo, error) {
	states, err := readStates(q)
	if err != nil {
		return nil, err
	}
	f := jobs.TaskFilter{States: states}
	from, err := q.int("offset", 0, 1<<31-1)
	if err != nil {
		return nil, err
	}
	rows := pageRows
	if q.suffix != "" {
		rows = dataRows
	}
	if f.N, err = q.int("limit", rows, dataRows); err != nil {
		return nil, err
	}
	if q.suffix == "" {
		f.N = min(f.N, maxPageRows)
	}
	f.From = int64(from)
	none := false
	if f.Begin, f.End, none, err = readRange(q, info); err != nil || none {
		return nil, err
	}
	return m.o.Jobs.Tasks(ctx, info.ID, f)
}

func tasksTable(m *Monitor, q *query) (*table, error) {
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
	return taskTable(info.ID, list, m.o.Now()), nil
}

// taskTable are tasks of a job, in the order of their numbers.
func taskTable(id jobs.ID, list []jobs.TaskInfo, now time.Time) *table {
	at := func(row int) *jobs.TaskInfo { return &list[row] }
	result := func(of func(*jobs.Result) float64) func(int) float64 {
		return func(row int) float64 {
			if at(row).Result == nil {
				return math.NaN()
			}
			return of(at(row).Result)
		}
	}
	return &table{name: "tasks", caption: "Tasks", empty: "No task is like that.", rows: len(list), columns: []column{
		{key: "task", title: "Task", kind: count, plain: true, num: func(row int) float64 { return float64(at(row).Task) },
			more: func(row int, c *ui.Cell) {
				c.Text, c.Href = strconv.FormatInt(at(row).Task, 10), logAddress(id, at(row).Task)
				c.Title = "What it wrote"
			}},
		{key: "state", title: "State", badge: true, plain: true, text: func(row int) string { return at(row).Condition() }, more: func(row int, c *ui.Cell) { c.Level = levelOf(at(row).State) }},
		{key: "done", title: "Done", kind: percent, plain: true, num: func(row int) float64 { return fractionOf(at(row)) },
			more: func(row int, c *ui.Cell) {
				if at(row).State == jobs.Running {
					c.Gauge = &ui.Gauge{Value: fractionOf(at(row)), Limit: 100, Warn: -1, Label: "done"}
				}
			}},
		{key: "attempt", title: "Run", kind: count, plain: true, help: "How often it was begun.", num: func(row int) float64 { return float64(at(row).Attempt) }},
		{key: "worker", title: "Server", plain: true, text: func(row int) string { return ui.Visible(at(row).Worker) }},
		{key: "took", title: "Took", kind: seconds, plain: true, num: func(row int) float64 {
			if d, ok := at(row).Took(now); ok {
				return d.Seconds()
			}
			return math.NaN()
		}},
		{key: "cpu", title: "CPU", kind: seconds, plain: true, num: result(func(r *jobs.Result) float64 { return r.Usage.CPU.Seconds() })},
		{key: "memory", title: "Memory", kind: octets, plain: true, help: "At most.", num: result(func(r *jobs.Result) float64 {
			if r.Usage.MaxRSS == 0 {
				return math.NaN() // it ended before it was measured
			}
			return float64(r.Usage.MaxRSS)
		})},
		{key: "result", title: "Result", wide: true, plain: true, text: func(row int) string { return ui.Visible(at(row).Says()) }},
	}}
}

// commandLine is a command whose words are told apart as in a shell.
func commandLine(words []string) string {
	list := make([]string, len(words))
	for i, w := range words {
		plain := func(r rune) bool {
			return r >= 0x80 || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || strings.ContainsRune("0123456789%+,-./:=@_{}", r)
		}
		if list[i] = w; w == "" || strings.ContainsFunc(w, func(r rune) bool { return !plain(r) }) {
			list[i] = "'" + strings.ReplaceAll(w, "'", `'\''`) + "'"
		}
	}
	return strings.Join(list, " ")
}

// fractionOf is how much of a task is done, in percent.
func fractionOf(t *jobs.TaskInfo) float64 {
	switch t.State {
	case jobs.Running:
		return 100 * t.Progress.Fraction
	case jobs.Succeeded:
		return 100
	}
	return math.NaN()
}

func logAddress(id jobs.ID, task int64) string {
	return address("/jobs/log", url.Values{"id": {string(id)}, "task": {strconv.FormatInt(task, 10)}})
}

func jobView(m *Monitor, q *query) (*ui.View, error) {
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
	v := &ui.View{Title: "Job " + string(info.ID), Up: toJobs, Sections: []ui.Section{taskStats(info, q)}}
	if !info.State.Final() {
		v.Refresh = 2 * time.Second
	}
	strip, err := m.strip(ctx, info)
	if err != nil {
		return nil, err
	}
	if strip != nil {
		v.Sections = append(v.Sections, strip)
	}
	rows := m.taskRows(info, list, q)
	if !info.State.Final() && q.none("offset", "limit", "state", "tasks") {
		v.Live = liveAddress("job", url.Values{"id": {string(info.ID)}})
		rowsByKey(taskTable(info.ID, list, m.o.Now()), "task", rows.Rows)
		rows.MaxRows = pageRows
	}
	v.Sections = append(v.Sections, m.jobFacts(ctx, info), rows)
	if m.o.ReadJobLog != nil {
		v.Sections = append(v.Sections, findForm(info.ID, "", ""))
	}
	return v, nil
}

// taskStats are how many tasks there are in each state; each leads to those.
func taskStats(info *jobs.Info, q *query) *ui.Stats {
	done := ui.Stat{Key: "done", Label: "Done", Value: fmt.Sprintf("%.0f", 100*info.Fraction), Unit: "%", Note: conditionOf(info), Level: levelOf(info.State), Gauge: doneGauge(info), Href: q.with("state", "", "offset", "")}
	s := &ui.Stats{Items: []ui.Stat{done}}
	for state := jobs.Queued; state <= jobs.Dead; state++ {
		n := info.Counts.Of(state)
		item := ui.Stat{Key: "tasks_" + state.String(), Label: strings.ToUpper(state.String()[:1]) + state.String()[1:], Value: grouped(n), Href: q.with("state", state.String(), "offset", "")}
		if n > 0 {
			item.Level = levelOf(state)
		}
		s.Items = append(s.Items, item)
	}
	return s
}

// conditionOf is a job's state, with an estimate of how long it still takes.
func conditionOf(info *jobs.Info) string {
	if info.Left == 0 {
		return info.Condition()
	}
	return info.Condition() + ", about " + span(info.Left.Round(time.Second).Seconds()) + " left"
}

// mostNear is how many jobs are looked at that come before or after one.
const mostNear = 20

// near are jobs that a job waits for, or that wait for it; of the first ones it is
// said how they are.
func (m *Monitor) near(ctx context.Context, term string, ids []jobs.ID) (items []ui.Item) {
	for i, id := range ids {
		item := ui.Item{Term: term, Text: string(id), Href: jobAddress(id), Mono: true}
		if i < mostNear {
			if info, err := m.o.Jobs.Job(ctx, id); err == nil {
				item.Level, item.Note = levelOf(info.State), strings.TrimSuffix(info.Condition()+", "+ui.Visible(info.Spec.Title()), ", ")
			} else {
				item.Note = "it is not known any more"
			}
		}
		items = append(items, item)
	}
	return items
}

// jobFacts is what is known of a job, and what can be done with it.
func (m *Monitor) jobFacts(ctx context.Context, info *jobs.Info) *ui.List {
	s, l := &info.Spec, &ui.List{}
	add := func(term, text string, mono bool) {
		if text != "" {
			l.Items = append(l.Items, ui.Item{Term: term, Text: ui.Visible(text), Mono: mono})
		}
	}
	add("Name", s.Name, false)
	add("Kind", s.Kind, false)
	add("Command", commandLine(s.Command), true)
	add("Numbers", s.Array.String(), true)
	add("Owner", s.Owner, false)
	add("Pool", s.Pool, false)
	add("Priority", s.Standing(), false)
	add("Needs", labels(s.Needs), false)
	add("Schedule", strings.TrimSpace(s.Schedule+" "+s.Zone), true)
	add("Waits", info.Waits, false)
	add("Reason", info.Reason, false)
	l.Items = append(l.Items, m.near(ctx, "Comes after", s.After)...)
	l.Items = append(l.Items, m.near(ctx, "Comes before", info.Followers)...)
	for _, a := range jobActs {
		if a.can(info) {
			l.Items = append(l.Items, ui.Item{Term: a.verb, Text: a.verb + " …", Href: actAddress(info.ID, a.name), Note: a.does})
		}
	}
	return l
}

// jobAction is something that can be done with a job.
type jobAction struct {
	name, verb, done, does string
	danger                 bool
	single                 bool // with one job at a time
	can                    func(*jobs.Info) bool
	do                     func(context.Context, jobs.Queue, jobs.ID) error
}

// jobActs are what can be done with a job.
var jobActs = []jobAction{
	{"cancel", "Cancel", "It is cancelled; programs that run are ended.", "End what runs, and run nothing more of it.", true, false,
		func(i *jobs.Info) bool { return !i.State.Final() },
		func(ctx context.Context, q jobs.Queue, id jobs.ID) error { return q.Cancel(ctx, id, jobs.Array{}) }},
	{"retry", "Run again", "Its tasks that did not succeed are queued again.", "Queue the tasks again that failed, were cancelled or are dead.", false, false,
		func(i *jobs.Info) bool {
			return i.Counts.Broken()+i.Counts.Of(jobs.Cancelled) > 0
		},
		func(ctx context.Context, q jobs.Queue, id jobs.ID) error { return q.Retry(ctx, id, jobs.Array{}) }},
	{"retry-failed", "Run failed ones again", "Its tasks that failed are queued again.", "Queue the tasks again that failed or are dead, " + grouped(mostAgain) + " at a time, and not those that were cancelled.", false, true,
		func(i *jobs.Info) bool { return i.Counts.Broken() > 0 && i.Counts.Of(jobs.Cancelled) > 0 }, retryFailed},
	{"pause", "Pause", "No task of it is begun any more.", "Begin no more tasks of it; those that run go on.", false, false,
		func(i *jobs.Info) bool { return !i.Paused && !i.State.Final() },
		func(ctx context.Context, q jobs.Queue, id jobs.ID) error { return q.Pause(ctx, id, true) }},
	{"resume", "Go on", "It goes on.", "Begin tasks of it again.", false, false,
		func(i *jobs.Info) bool { return i.Paused && !i.State.Final() },
		func(ctx context.Context, q jobs.Queue, id jobs.ID) error { return q.Pause(ctx, id, false) }},
}

func actAddress(id jobs.ID, act string) string {
	return address("/jobs/act", url.Values{"id": {string(id)}, "do": {act}})
}

// jobActView asks whether something is to be done, with one job or with many.
func jobActView(m *Monitor, q *query) (*ui.View, error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	for i := range jobActs {
		a := &jobActs[i]
		if a.name != q.get("do") {
			continue
		}
		if !a.single && q.values["id"] == nil {
			return bulkView(ctx, m, q, a)
		}
		info, err := m.job(ctx, q.get("id"))
		if err != nil {
			return nil, err
		}
		f := &ui.Form{Action: "/jobs/act", Post: true, Danger: a.danger, Submit: a.verb, Cancel: ui.Link{Text: "Back", Href: jobAddress(info.ID)},
			Hidden: []ui.Value{{Name: "id", Value: string(info.ID)}, {Name: "do", Value: a.name}}}
		f.Note = "Job " + string(info.ID) + ", " + ui.Visible(info.Spec.Title()) + ": " + a.does
		return &ui.View{Title: a.verb, Path: "/jobs/act", Up: toJobs, Sections: []ui.Section{f}}, nil
	}
	return nil, &badQuery{"do: give cancel, retry, pause or resume"}
}

// jobAct does it.
func jobAct(m *Monitor, w http.ResponseWriter, r *http.Request) {
	queue, err := m.queue()
	if err != nil {
		failAs(w, r, err)
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), patience)
	defer cancel()
	id := jobs.ID(r.PostForm.Get("id"))
	for i := range jobActs {
		a := &jobActs[i]
		if a.name != r.PostForm.Get("do") {
			continue
		}
		if !a.single && len(r.PostForm["pick"]) > 0 {
			bulkAct(m, w, r, queue, a)
			return
		}
		if err := a.do(ctx, queue, id); err != nil {
			fail(w, r, http.StatusConflict, "It cannot be done: "+err.Error()+".")
			return
		}
		back := ui.Link{Text: "Job " + string(id), Href: jobAddress(id)}
		m.sendDone(w, r, "Done", a.done, back, toJobs)
		return
	}
	fail(w, r, http.StatusBadRequest, "do: give cancel, retry, pause or resume.")
}

// mostOutput is how much of a task's output a page shows: the end of it.
const mostOutput = 256 << 10

// jobLogView is what a task has written.
func jobLogView(m *Monitor, q *query) (*ui.View, error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	info, err := m.job(ctx, q.get("id"))
	if err != nil {
		return nil, err
	}
	if q.get("q") != "" {
		return findView(ctx, m, info, q)
	}
	task, err := strconv.ParseInt(q.get("task"), 10, 64)
	if err != nil {
		return nil, &badQuery{"task is the number of a task"}
	}
	v := &ui.View{Title: fmt.Sprintf("Output of task %d", task), Up: ui.Link{Text: "Job " + string(info.ID), Href: jobAddress(info.ID)}}
	if m.o.JobLog == nil {
		return nil, &missing{"This server keeps no output of jobs."}
	}
	text, left, err := m.o.JobLog(info.ID, task, mostOutput)
	if err != nil {
		return nil, err
	}
	pre := &ui.Pre{Label: v.Title, Text: string(text)}
	if left > 0 {
		pre.Note = "The end of it; " + grouped(left) + " bytes stand before. freshet job logs shows all."
	}
	if len(text) == 0 {
		nothing := &ui.Notice{Level: ui.Info, Title: "Nothing", Text: "It has written nothing."}
		if !info.State.Final() {
			nothing.Text = "It has written nothing yet."
		}
		v.Sections = []ui.Section{nothing}
	} else {
		v.Sections = []ui.Section{pre}
		if m.o.ReadJobLog != nil {
			v.Sections = []ui.Section{findForm(info.ID, q.get("task"), ""), pre}
		}
	}
	made, err := m.filesOf(info.ID, task)
	if err != nil {
		return nil, err
	}
	v.Sections = append(v.Sections, made...)
	if !info.State.Final() {
		v.Refresh = 2 * time.Second
	}
	return v, nil
}
