package monitor

import (
	"bytes"
	"context"
	"fmt"
	"net/url"
	"strconv"
	"strings"

	"freshet/internal/monitor/ui"
	"freshet/jobs"
)

// Bounds of a search in what tasks have written.
const (
	mostHits     = 500
	mostSearched = 32 << 20 // bytes
	mostLooked   = 1000     // tasks
	searchPart   = 256 << 10
	shownOfLine  = 400 // bytes of a long line, around what is looked for
	longestFind  = 200 // bytes of what is looked for
)

// hit is a line that has what is looked for.
type hit struct {
	task, line int64
	text       string
}

// finder looks for a text in what tasks have written.
type finder struct {
	m     *Monitor
	part  string // in lower case
	bytes int    // that were read
	hits  []hit
	late  bool // there was no time for all
}

// full reports whether a bound is reached.
func (f *finder) full() bool {
	return f.late || len(f.hits) >= mostHits || f.bytes >= mostSearched
}

// task looks at what a task has written, from its beginning. A line that is very
// long is looked at in parts. When ctx has ended, it has looked at some.
func (f *finder) task(ctx context.Context, job jobs.ID, task int64) error {
	var rest []byte // a line that has begun
	line := int64(0)
	for from := int64(0); ; {
		if f.late = ctx.Err() != nil; f.late {
			return nil
		}
		text, next, err := f.m.o.ReadJobLog(job, task, from, searchPart)
		if err != nil {
			return err
		}
		from = next
		f.bytes += len(text)
		rest = append(rest, text...)
		for {
			i := bytes.IndexByte(rest, '\n')
			if i < 0 && len(text) == 0 {
				i = len(rest)
			}
			if i < 0 || len(rest) == 0 {
				break
			}
			line++
			if f.look(task, line, rest[:i]); f.full() {
				return nil
			}
			rest = rest[min(i+1, len(rest)):]
		}
		if len(rest) > searchPart && len(text) > 0 {
			if f.look(task, line+1, rest); f.full() {
				return nil
			}
			rest = bytes.Clone(rest[len(rest)-len(f.part)+1:])
		}
		if len(text) == 0 || f.full() {
			return nil
		}
	}
}

// look looks at a line.
func (f *finder) look(task, line int64, text []byte) {
	at := indexFold(text, f.part)
	if at < 0 {
		return
	}
	from, to := max(0, at-shownOfLine/2), min(len(text), at+len(f.part)+shownOfLine/2)
	shown := strings.ToValidUTF8(string(text[from:to]), "\uFFFD")
	if from > 0 {
		shown = "… " + shown
	}
	if to < len(text) {
		shown += " …"
	}
	f.hits = append(f.hits, hit{task, line, shown})
}

// indexFold is where a part in lower case begins in a text of any case, of ASCII
// letters; -1: nowhere. Each of both cases of its first letter is looked for again
// only when its place is passed, so that the text is read once for each.
func indexFold(text []byte, part string) int {
	low, high := part[0], part[0]
	if 'a' <= low && low <= 'z' {
		high -= 'a' - 'A'
	}
	next := func(letter byte, from int) int {
		if i := bytes.IndexByte(text[from:], letter); i >= 0 {
			return from + i
		}
		return len(text)
	}
	for i, j := next(low, 0), next(high, 0); ; {
		at := min(i, j)
		switch {
		case at+len(part) > len(text):
			return -1
		case bytes.EqualFold(text[at:at+len(part)], []byte(part)):
			return at
		}
		if i == at {
			i = next(low, at+1)
		}
		if j == at {
			j = next(high, at+1)
		}
	}
}

// findForm asks what to look for in the output of a job, or of one of its tasks.
func findForm(id jobs.ID, task, q string) *ui.Form {
	f := &ui.Form{Action: "/jobs/log", Submit: "Search", Hidden: []ui.Value{{Name: "id", Value: string(id)}},
		Fields: []ui.Field{{Name: "q", Label: "Search in its output", Kind: ui.SearchField, Value: q, Wide: true}}}
	f.ID = "find"
	if task != "" {
		f.Hidden = append(f.Hidden, ui.Value{Name: "task", Value: task})
	}
	if q != "" {
		f.Cancel = ui.Link{Text: "All output", Href: address("/jobs/log", url.Values{"id": {string(id)}, "task": {task}})}
		if task == "" {
			f.Cancel = ui.Link{Text: "Back to the job", Href: jobAddress(id)}
		}
	}
	return f
}

// findView is the lines of what a task has written, or all tasks of a job, that
// contain a text.
func findView(ctx context.Context, m *Monitor, info *jobs.Info, q *query) (*ui.View, error) {
	part := q.get("q")
	if len(part) > longestFind {
		return nil, &badQuery{"q is longer than " + number(longestFind) + " bytes"}
	}
	if m.o.ReadJobLog == nil {
		return nil, &missing{"This server keeps no output of jobs."}
	}
	f := &finder{m: m, part: strings.ToLower(part)}
	v := &ui.View{Title: "Search in job " + string(info.ID), Path: "/jobs/log", Up: ui.Link{Text: "Job " + string(info.ID), Href: jobAddress(info.ID)}}
	passed, err := f.search(ctx, info, q.get("task"))
	if err != nil {
		return nil, err
	}
	t := &ui.Table{Caption: "Lines", Empty: "No line has it.", Columns: []ui.Column{{Key: "task", Title: "Task", Numeric: true}, {Key: "line", Title: "Line", Numeric: true}, {Key: "text", Title: "Text", Mono: true, Wide: true}}}
	t.ID = "found"
	for _, h := range f.hits {
		t.Rows = append(t.Rows, ui.Row{Cells: []ui.Cell{{Text: strconv.FormatInt(h.task, 10), Href: logAddress(info.ID, h.task)}, {Text: grouped(h.line)}, {Text: h.text, Mark: part}}})
	}
	t.Total = len(t.Rows)
	v.Sections = []ui.Section{findForm(info.ID, q.get("task"), part)}
	if why := f.stopped(passed); why != "" {
		v.Sections = append(v.Sections, &ui.Notice{Level: ui.Info, Title: "That is not all", Text: why})
	}
	v.Sections = append(v.Sections, t)
	return v, nil
}

// search looks at one task, or at those of the job that have run; passed is how
// many those were.
func (f *finder) search(ctx context.Context, info *jobs.Info, task string) (passed int, err error) {
	if task != "" {
		n, err := strconv.ParseInt(task, 10, 64)
		if err != nil {
			return 0, &badQuery{"task is the number of a task"}
		}
		return 1, f.task(ctx, info.ID, n)
	}
	list, err := f.m.o.Jobs.Tasks(ctx, info.ID, jobs.TaskFilter{States: []jobs.State{jobs.Running, jobs.Succeeded, jobs.Failed, jobs.Dead}, N: mostLooked})
	if err != nil {
		return 0, err
	}
	for i := range list {
		if f.full() {
			return i, nil
		}
		if err := f.task(ctx, info.ID, list[i].Task); err != nil {
			return i, err
		}
	}
	return len(list), nil
}

// stopped says why not all was looked at, if so.
func (f *finder) stopped(passed int) string {
	switch {
	case len(f.hits) >= mostHits:
		return fmt.Sprintf("These are the first %d lines.", mostHits)
	case f.bytes >= mostSearched:
		return fmt.Sprintf("The first %s were looked at. freshet job logs shows all.", ui.Bytes.Format(mostSearched))
	case f.late:
		return fmt.Sprintf("That took longer than %v, so that only the first %s were looked at. freshet job logs shows all.", patience, ui.Bytes.Format(float64(f.bytes)))
	case passed >= mostLooked:
		return fmt.Sprintf("The output of %s tasks was looked at; that of others is on their own pages.", grouped(mostLooked))
	}
	return ""
}
