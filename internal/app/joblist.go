package app

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"freshet/internal/field"
	"freshet/jobs"
)

// list shows the latest jobs.
func (j *jobCommand) list(ctx context.Context) error {
	for {
		page, err := j.queue.Jobs(ctx, jobs.Filter{States: j.states(), Owner: j.conf.Owner, Pool: j.conf.Pool, N: int(j.conf.Limit)})
		if err != nil {
			return err
		}
		if err := j.showPage(&page); err != nil || !j.conf.Watch {
			return err
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(time.Second):
		}
	}
}

func (j *jobCommand) states() (list []jobs.State) {
	for _, name := range j.conf.States {
		var s jobs.State
		if s.UnmarshalText([]byte(name)) == nil { // the command line has known names only
			list = append(list, s)
		}
	}
	return list
}

func (j *jobCommand) showPage(page *jobs.Page) error {
	if j.conf.JSON {
		return j.print(page)
	}
	if j.conf.Watch {
		if _, _, full := j.screen()(); full {
			io.WriteString(j.Stdout, "\x1b[H\x1b[2J")
		}
	}
	if len(page.Jobs) == 0 {
		fmt.Fprintf(j.Stdout, "no jobs%s\n", ofAll(page.Total))
		return nil
	}
	w := tabwriter.NewWriter(j.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "ID\tSTATE\tTASKS\tAGE\tLEFT\tOWNER\tNAME")
	for i := range page.Jobs {
		info := &page.Jobs[i]
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", info.ID, info.Condition(), done(info), shortSpan(time.Since(info.Submitted)),
			left(info), cell(info.Spec.Owner, 10), cell(info.Spec.Title(), 22))
	}
	if err := w.Flush(); err != nil {
		return err
	}
	if page.Next != "" {
		fmt.Fprintf(j.Stdout, "… %d jobs in all; --limit shows more\n", page.Total)
	}
	return nil
}

func ofAll(total int) string {
	if total == 0 {
		return ""
	}
	return fmt.Sprintf(" of this kind; %d in all", total)
}

// done says how many tasks are over: "3/250".
func done(info *jobs.Info) string {
	return fmt.Sprintf("%d/%d", info.Counts.Over(), info.Counts.Total())
}

// left is an estimate of how long a job still takes, "" when nothing is known.
func left(info *jobs.Info) string {
	if info.Left == 0 {
		return ""
	}
	return "~" + shortSpan(info.Left)
}

// shortSpan is a time in its largest unit: 12s, 5m, 3h, 2d.
func shortSpan(d time.Duration) string {
	switch {
	case d < 2*time.Minute:
		return fmt.Sprintf("%ds", int(max(d, 0)/time.Second))
	case d < 2*time.Hour:
		return fmt.Sprintf("%dm", int(d/time.Minute))
	case d < 48*time.Hour:
		return fmt.Sprintf("%dh", int(d/time.Hour))
	}
	return fmt.Sprintf("%dd", int(d/(24*time.Hour)))
}

// cell is a text that a terminal does not obey, cut to a width.
func cell(text string, width int) string {
	r := []rune(strings.Map(harmless, text))
	if len(r) > width {
		r = append(r[:width-1], '…')
	}
	return string(r)
}

// harmless replaces what a terminal would obey.
func harmless(r rune) rune {
	if field.Obeyed(r) {
		return ' '
	}
	return r
}

// show says what is known of a job and its tasks.
func (j *jobCommand) show(ctx context.Context, only jobs.Array) error {
	id := jobs.ID(j.conf.IDs[0])
	info, err := j.queue.Job(ctx, id)
	if err != nil {
		return err
	}
	var tasks []jobs.TaskInfo
	if only.IsZero() {
		tasks, err = j.queue.Tasks(ctx, id, jobs.TaskFilter{States: j.states(), N: int(j.conf.Limit)})
	} else {
		tasks, err = j.named(ctx, &info, only)
	}
	if err != nil {
		return err
	}
	if j.conf.JSON {
		return j.print(struct {
			jobs.Info
			Tasks []jobs.TaskInfo `json:"tasks"`
		}{info, tasks})
	}
	w := tabwriter.NewWriter(j.Stdout, 0, 0, 2, ' ', 0)
	for _, row := range infoRows(&info) {
		if row[1] != "" {
			fmt.Fprintf(w, "%s\t%s\n", row[0], strings.Map(harmless, row[1]))
		}
	}
	if err := w.Flush(); err != nil {
		return err
	}
	return j.showTasks(&info, tasks)
}

// infoRows is what is known of a job; rows without a value are left out.
func infoRows(info *jobs.Info) [][2]string {
	s := &info.Spec
	rows := [][2]string{
		{"job", string(info.ID)}, {"name", s.Name}, {"owner", s.Owner}, {"pool", s.Pool}, {"kind", s.Kind},
		{"priority", s.Standing()}, {"command", strings.Join(s.Command, " ")}, {"array", s.Array.String()}, {"schedule", strings.TrimSpace(s.Schedule + " " + s.Zone)},
		{"state", info.Condition()}, {"reason", info.Reason}, {"waits", info.Waits}, {"tasks", info.Counts.Words()},
		{"submitted", clockOf(info.Submitted)}, {"started", clockOf(info.Started)}, {"ended", clockOf(info.Ended)},
	}
	if info.State == jobs.Running {
		rows = append(rows, [2]string{"done", fmt.Sprintf("%.0f %%", 100*info.Fraction)}, [2]string{"left", estimated(info)})
	}
	return rows
}

// estimated says when the job may end, "" when nothing is known.
func estimated(info *jobs.Info) string {
	if info.Left == 0 {
		return ""
	}
	return "about " + shortSpan(info.Left) + ", by how long its tasks took so far"
}

func clockOf(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Local().Format("2006-01-02 15:04:05")
}

func (j *jobCommand) showTasks(info *jobs.Info, tasks []jobs.TaskInfo) error {
	if len(tasks) == 0 {
		return nil
	}
	w := tabwriter.NewWriter(j.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "\nTASK\tSTATE\tTRY\tTOOK\tWORKER\tRESULT")
	for i := range tasks {
		t := &tasks[i]
		fmt.Fprintf(w, "%d\t%s\t%d\t%s\t%s\t%s\n", t.Task, t.Condition(), t.Attempt, took(t), cell(t.Worker, 16), cell(result(t), 32))
	}
	if err := w.Flush(); err != nil {
		return err
	}
	if n := info.Counts.Total() - int64(len(tasks)); n > 0 {
		fmt.Fprintf(j.Stdout, "… %d more; --limit, --state and --tasks show others\n", n)
	}
	return nil
}

// took is how long the latest run took, or takes.
func took(t *jobs.TaskInfo) string {
	if d, ok := t.Took(time.Now()); ok {
		return shortSpan(d)
	}
	return ""
}

// result says how far a task is, or how it ended.
func result(t *jobs.TaskInfo) string {
	if t.State == jobs.Running && !t.Ending {
		return strings.TrimSpace(fmt.Sprintf("%.0f %% %s", 100*t.Progress.Fraction, t.Says()))
	}
	return t.Says()
}

// named are tasks by their numbers, wherever in the job they are.
func (j *jobCommand) named(ctx context.Context, info *jobs.Info, only jobs.Array) (list []jobs.TaskInfo, err error) {
	states := j.states()
	for number := range only.All {
		at, ok := info.Spec.Array.Index(number)
		if info.Spec.Array.IsZero() {
			at, ok = 0, number == 0
		}
		if !ok {
			continue
		}
		found, err := j.queue.Tasks(ctx, info.ID, jobs.TaskFilter{From: at, N: 1})
		if err != nil {
			return nil, err
		}
		for i := range found {
			if len(states) == 0 || slices.Contains(states, found[i].State) {
				list = append(list, found[i])
			}
		}
		if len(list) >= int(j.conf.Limit) {
			break
		}
	}
	return list, nil
}

// print writes JSON.
func (j *jobCommand) print(what any) error {
	b, err := json.MarshalIndent(what, "", "  ")
	if err != nil {
		return err
	}
	_, err = j.Stdout.Write(append(b, '\n'))
	return err
}
